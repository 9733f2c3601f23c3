"""Every fault of the embedded network under every tool that spends or changes: the ledger against the books.

Nobody is killed here. What the tool needs runs before the fault is there, and once the tool has answered the fault is
gone again; then the server has its time, looks once, and is judged as after a crash.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from crash_scenarios import CALL_SECONDS, GENERATIONS, Pace, Tool, Untried, close_all, words, world
from crash_verdict import Finding, Kind
from mcp import MCPError
from server_processes import Starter, ToolRefused

from akash_mcp.sandbox.console import Generation
from akash_mcp.sandbox.faults import CATALOGUE
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.workflow.launch import MOST_PROVIDERS

_VALUES: Mapping[str, str] = {
    "slow": "0.3",
    "create-timeout-but-landed": "1",
    "top-up-pending": "1",
}
"""Where the fault's own value would make everybody wait for minutes of real time."""

_ANSWER_CHARACTERS = 160
_LIFTS = 10


@dataclass(frozen=True, slots=True, order=True)
class FaultCase:
    """One tool under one fault."""

    tool: Tool
    generation: Generation
    fault: str

    def __str__(self) -> str:
        return f"{self.fault} · {self.tool} · {self.generation}"

    @property
    def is_possible(self) -> bool:
        """Whether the generation can have it."""
        only, found, _ = CATALOGUE[self.fault].partition(":")
        return not found or only not in GENERATIONS or only == self.generation


@dataclass(frozen=True, slots=True)
class FaultOutcome:
    """What was answered, cut short, and what is wrong once the fault is gone."""

    case: FaultCase
    outcome: str
    findings: tuple[Finding, ...]
    seconds: float


async def play_fault(case: FaultCase, starter: Starter, pace: Pace) -> FaultOutcome:
    """Let a tool meet a fault."""
    began = time.monotonic()
    findings: list[Finding] = []
    answered = ["nothing"]
    with tempfile.TemporaryDirectory(prefix="akash-fault-") as folder:
        providers = MOST_PROVIDERS if case.tool is Tool.DEPLOY else 1
        allowed = replace(case.tool.allowed(case.generation), providers=providers, leased_is_told=True)
        async with world(starter, case.generation, pace, allowed, "2026-07-28", Path(folder)) as here:
            try:
                async with here.serve() as server:
                    arguments = await case.tool.prepare(server)
                    await here.network.inject(case.fault, value=_VALUES.get(case.fault))
                    try:
                        async with asyncio.timeout(CALL_SECONDS):
                            answer = await server.finished(await server.call(case.tool, **arguments))
                        answered = [f"{answer.get('status')}: {answer.get('money')}"]
                    except ToolRefused as refused:
                        answered = [str(refused)]
                    except TimeoutError:
                        answered = [f"still pending after {CALL_SECONDS:g} s"]
                    await _lift(here.network, case.fault)
                    await server.call("list_deployments")
                    findings += await here.settled()
                    findings += await close_all(here, server)
            except* (Untried, ToolRefused, MCPError, TimeoutError) as failed:
                findings.extend(Finding(Kind.UNTRIED, each) for each in words(failed))
    short = " ".join(answered[0].split())[:_ANSWER_CHARACTERS]
    return FaultOutcome(case, short, tuple(sorted(set(findings))), time.monotonic() - began)


async def _lift(network: EmbeddedNetwork, fault: str) -> None:
    """Switch a fault off. A gateway that was unplugged wants its port back, which another program may have just now."""
    for attempt in range(_LIFTS):
        try:
            await network.inject(fault, count=0)
            return
        except OSError as taken:
            if attempt == _LIFTS - 1:
                raise Untried(f"{fault} could not be switched off: {taken}") from taken
            await asyncio.sleep(0.5)
