"""Time and memory until a host has its answer: ours beside the smallest server that the SDK can make, in one run.

    .venv/bin/python benchmarks/startup.py [RUNS]

Prints medians over interleaved runs, and the ratio. Read the ratio: the seconds are this machine's.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

BARE = """
from mcp.server import MCPServer
server = MCPServer("bare", log_level="WARNING")
@server.tool()
def one() -> str:
    "One tool."
    return "1"
server.run()
"""
SERVERS = {
    "bare SDK server, 1 tool": [sys.executable, "-c", BARE],
    "akash-mcp, default tools": [sys.executable, "-m", "akash_mcp", "serve"],
}
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "benchmark", "version": "1"},
    },
}
FOLLOW_UP = (
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
)


def measure(command: list[str], home: str) -> tuple[float, float]:
    """Seconds from the start of the process to the answers to `initialize` and to `tools/list`."""
    env = {"PATH": os.environ["PATH"], "HOME": home}
    started = time.perf_counter()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(HELLO).encode() + b"\n")
        server.stdin.flush()
        server.stdout.readline()
        initialized = time.perf_counter() - started
        for message in FOLLOW_UP:
            server.stdin.write(json.dumps(message).encode() + b"\n")
        server.stdin.flush()
        server.stdout.readline()
        listed = time.perf_counter() - started
        server.stdin.close()
    return initialized, listed


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in SERVERS}
    with tempfile.TemporaryDirectory() as home:
        for _ in range(runs):
            for name, command in SERVERS.items():
                results[name].append(measure(command, home))
    medians = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)]
        for name, rows in results.items()
    }
    for name, (initialized, listed) in medians.items():
        print(f"{name:28} initialize {initialized * 1000:6.0f} ms   tools/list {listed * 1000:6.0f} ms")
    bare, ours = medians.values()
    print(f"{'ratio':28} initialize {ours[0] / bare[0]:6.2f}      tools/list {ours[1] / bare[1]:6.2f}")
    print(
        f"peak memory of the larger one: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MiB"
    )


if __name__ == "__main__":
    main()
