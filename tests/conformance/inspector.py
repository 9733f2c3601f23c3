"""Inspector, as others look at this server with it: whether every schema travels, and whether calls hold under load."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from node_tools import NodeTools, run

ERAS = ("legacy", "auto", "modern")
LOAD_TOOL = "list_deployments"
LOAD_REQUESTS = 300
LOAD_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class Load:
    """What came of many calls: in milliseconds what half of them and nearly all of them took at most."""

    era: str
    requests: int
    succeeded: int
    per_second: float
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Inspected:
    """What Inspector found."""

    tools: dict[str, int]
    """How many tools were listed, by era."""
    loads: tuple[Load, ...]
    failures: tuple[str, ...]


def inspect(tools: NodeTools, url: str, token: str, home: Path, *, expected_tools: int) -> Inspected:
    """List the tools strictly in every era, and call one of them many times in both."""
    target = ("--server-url", url, "--transport", "http", "--header", f"Authorization: Bearer {token}")
    listed: dict[str, int] = {}
    loads: list[Load] = []
    failures: list[str] = []
    for era in ERAS:
        done = run(
            tools.inspector(
                *target, "--protocol-era", era, "--method", "tools/list", "--strict", "--format", "json"
            ),
            home,
        )
        if done.returncode or done.stderr.strip():
            failures.append(
                f"Inspector, {era}, tools/list --strict: {done.returncode}: {done.stderr.strip()}"
            )
            continue
        listed[era] = len(json.loads(done.stdout)["result"]["tools"])
        if listed[era] != expected_tools:
            failures.append(f"Inspector, {era}: {listed[era]} of {expected_tools} tools are listed")
    for era in ("legacy", "modern"):
        found = _load(tools, target, era, home)
        loads += [load for load in found if isinstance(load, Load)]
        failures += [problem for problem in found if isinstance(problem, str)]
    return Inspected(listed, tuple(loads), tuple(failures))


def _load(tools: NodeTools, target: tuple[str, ...], era: str, home: Path) -> Iterator[Load | str]:
    many = ("--load", "--load-requests", str(LOAD_REQUESTS), "--load-concurrency", str(LOAD_AT_ONCE))
    call = ("--method", "tools/call", "--tool-name", LOAD_TOOL, "--format", "json")
    done = run(tools.inspector(*target, "--protocol-era", era, *call, *many), home)
    if done.returncode:
        yield f"Inspector, {era}, --load: {done.returncode}: {done.stderr.strip()}"
        return
    told = json.loads(done.stdout)["result"]
    latency = told["latencyMs"]
    yield Load(era, told["requests"], told["ok"], told["throughput"], latency["p50"], latency["p99"])
    if told["ok"] != told["requests"]:
        yield f"Inspector, {era}, --load: {told['ok']} of {told['requests']} succeeded: {told['errorMessages']}"
