"""Time, memory and CPU until a host has its first answers: ours with and without its fast start, beside the smallest
server that the SDK can make and one written by hand with the standard library, in one run and both protocol eras.

    .venv/bin/python benchmarks/startup.py [RUNS]

Prints medians over interleaved runs, and their ratios to the server written by hand. Read the ratios: the seconds are
this machine's. Each process is told everything by one pipe, from its start on, and asked one thing after the other.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from typing import Any

BY_HAND = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if "id" in asked:
        result = {
            "initialize": {
                "protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "a", "version": "1"}
            },
            "server/discover": {"supportedVersions": ["2026-07-28"], "capabilities": {}, "resultType": "complete"},
            "tools/list": {"tools": [{"name": "one", "inputSchema": {"type": "object"}}]},
            "tools/call": {"content": [{"type": "text", "text": "1"}]},
        }[asked["method"]]
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"""
BARE = """
from mcp.server import MCPServer
server = MCPServer("bare", log_level="WARNING")
@server.tool()
def get_budget() -> str:
    "One tool."
    return "1"
server.run()
"""
OURS = [sys.executable, "-m", "akash_mcp", "serve"]


@dataclass(frozen=True)
class Server:
    """A server that is measured: how it is started."""

    command: list[str]
    variables: dict[str, str]


SERVERS = {
    "by hand, 1 tool": Server([sys.executable, "-c", BY_HAND], {}),
    "akash-mcp": Server(OURS, {}),
    "akash-mcp, no fast start": Server(OURS, {"AKASH_MCP_FAST_START": "0"}),
    "bare SDK server, 1 tool": Server([sys.executable, "-c", BARE], {}),
}
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "benchmark", "version": "1"},
}
HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "benchmark", "version": "1"},
}
CALL = {"name": "get_budget", "arguments": {}}
ERAS: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "handshake (2025-11-25)": (
        ("initialize", HELLO),
        ("notifications/initialized", {}),
        ("tools/list", {}),
        ("tools/call", CALL),
    ),
    "envelope (2026-07-28)": (
        ("server/discover", {"_meta": ENVELOPE}),
        ("tools/list", {"_meta": ENVELOPE}),
        ("tools/call", {**CALL, "_meta": ENVELOPE}),
    ),
}


@dataclass(frozen=True)
class Figures:
    """Of one process: milliseconds from its start to three answers, CPU in milliseconds, and peak memory in MiB."""

    hello: float
    tools: float
    call: float
    cpu: float
    memory: float


def measure(server: Server, conversation: tuple[tuple[str, dict[str, Any]], ...], home: str) -> Figures:
    """Start a server, have the conversation, and let it end."""
    env = {"PATH": os.environ["PATH"], "HOME": home, **server.variables}
    started = time.perf_counter()
    with subprocess.Popen(
        server.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        answered = []
        for number, (method, params) in enumerate(conversation):
            message: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
            asks = not method.startswith("notifications/")
            process.stdin.write(json.dumps(message | ({"id": number} if asks else {})).encode() + b"\n")
            process.stdin.flush()
            if asks:
                assert json.loads(process.stdout.readline())["result"] is not None
                answered.append((time.perf_counter() - started) * 1000)
        process.stdin.close()
        _, process.returncode, used = os.wait4(process.pid, 0)
    hello, tools, call = answered
    return Figures(hello, tools, call, (used.ru_utime + used.ru_stime) * 1000, used.ru_maxrss / 1024)


def medians(rows: list[Figures]) -> Iterator[float]:
    """Of each figure."""
    return map(statistics.median, zip(*map(astuple, rows), strict=True))


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    results: dict[tuple[str, str], list[Figures]] = {(era, name): [] for era in ERAS for name in SERVERS}
    with tempfile.TemporaryDirectory() as home:
        for _ in range(runs):
            for era, conversation in ERAS.items():
                for name, server in SERVERS.items():
                    results[era, name].append(measure(server, conversation, home))
    for era, (opening, *_) in ERAS.items():
        print(f"\n{era}, {runs} runs; hello is {opening[0]}, call is get_budget without a key")
        print(f"{'':26}" + "".join(f"{field.name:>18}" for field in fields(Figures)))
        floor = list(medians(results[era, next(iter(SERVERS))]))
        for name in SERVERS:
            told = zip(medians(results[era, name]), floor, ("ms",) * 4 + ("MiB",), strict=True)
            print(
                f"{name:26}"
                + "".join(f"{value:7.0f} {unit:3} ({value / least:4.1f})" for value, least, unit in told)
            )


if __name__ == "__main__":
    main()
