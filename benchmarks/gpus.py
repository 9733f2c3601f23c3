"""`find_gpus`, `list_providers` and `get_provider` on a large network: time, upstream requests, and bytes.

    .venv/bin/python benchmarks/gpus.py [PROVIDERS]

Loopback only, under a minute for the 500 providers of the default. The network is a process of its own, with a relay
before its Console that counts requests and the bytes of answers. Each line is one call of a real MCP client: the first
one reads the list of providers, the others find it kept. `cpu` is this process's, client and server together; tokens
are those of the answer's text (o200k). Prints also how much memory the kept list takes. The seconds are this machine's.
"""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import bpe_openai
from mcp import Client
from mcp.types import TextContent
from pydantic import SecretStr

from akash_mcp import config
from akash_mcp.sandbox.network import EmbeddedNetwork, Options
from akash_mcp.server import build

PROVIDERS = 500
SPEED = 60.0
CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("find_gpus", {}),
    ("find_gpus", {}),
    ("find_gpus", {"model": "RTX 4090"}),
    ("find_gpus", {"model": "H100 80GB", "count": 8}),
    ("find_gpus", {"memory": "48Gi", "region": "Europe", "max_usd_per_hour": 1.5}),
    ("find_gpus", {"model": "H100 80GB", "limit": 50}),
    ("list_providers", {}),
    ("list_providers", {"limit": 50, "fields": ["place", "uptime_7d"]}),
    ("get_provider", {}),
)


@dataclass
class Relay:
    """Hands bytes on between clients and a server, and counts the requests and the bytes of answers."""

    host: str
    port: int
    requests: int = 0
    answered: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client, until one of the two ends it."""
        upstream, to_upstream = await asyncio.open_connection(self.host, self.port)

        async def ask() -> None:
            while sent := await reader.read(2**16):
                self.requests += sent.count(b" HTTP/1.1\r\n")
                to_upstream.write(sent)
            to_upstream.close()

        async def answer() -> None:
            while told := await upstream.read(2**16):
                self.answered += len(told)
                writer.write(told)
                await writer.drain()
            writer.close()

        await asyncio.gather(ask(), answer(), return_exceptions=True)


async def network(providers: int) -> None:
    """Run a network, print its addresses, and print the counts so far for each line that is read."""
    options = Options(speed=SPEED, generation="2026-11", providers=providers)
    async with EmbeddedNetwork(options) as running:
        console = urlsplit(running.console_url)
        assert console.hostname
        assert console.port
        relay = Relay(console.hostname, console.port)
        server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
        described = {
            "console_url": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}",
            "chain_rest_url": running.chain_rest_url,
            "api_key": running.api_key,
        }
        print(json.dumps(described), flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps([relay.requests, relay.answered]), flush=True)
        server.close()


def peak_mib() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def measure(described: dict[str, Any], process: subprocess.Popen[str], folder: Path) -> None:
    """Call each tool, and print what it took."""
    assert process.stdin
    assert process.stdout
    settings = config.Settings(
        api_key=SecretStr(described["api_key"]),
        console_url=described["console_url"],
        chain_rest_url=described["chain_rest_url"],
        state_dir=folder,
        allow_private_providers=("127.0.0.0/8", "::1/128"),
        toolsets=("market",),
    )
    encoding = bpe_openai.get_encoding("o200k_base")

    def counts() -> tuple[int, int]:
        assert process.stdin
        assert process.stdout
        process.stdin.write("\n")
        process.stdin.flush()
        requests, answered = json.loads(process.stdout.readline())
        return requests, answered

    async with Client(build(settings)) as client:
        await client.list_tools()
        before = peak_mib()
        address = ""
        for tool, arguments in CALLS:
            asked = {"address": address} if tool == "get_provider" else arguments
            requests, answered = counts()
            started, cpu = time.perf_counter(), time.process_time()
            result = await client.call_tool(tool, asked)
            took, cpu = time.perf_counter() - started, time.process_time() - cpu
            now_requests, now_answered = counts()
            text = "".join(block.text for block in result.content if isinstance(block, TextContent))
            assert not result.is_error, text
            rows = (result.structured_content or {}).get("providers", [])
            address = rows[0]["provider"] if rows else address
            print(
                f"{tool + ' ' + json.dumps(arguments):78} {took * 1000:7.0f} ms {cpu * 1000:7.0f} ms cpu "
                f"{now_requests - requests:3} requests {(now_answered - answered) / 1024:7.0f} KiB read "
                f"{len(text.encode()):6} bytes {len(encoding.encode(text)):5} tokens"
            )
        print(f"memory at its peak grew by {peak_mib() - before:.0f} MiB")


def main(providers: int) -> None:
    """Start the network, and measure."""
    command = [sys.executable, __file__, "network", str(providers)]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process,
    ):
        assert process.stdin
        assert process.stdout
        described = json.loads(process.stdout.readline())
        asyncio.run(measure(described, process, Path(folder)))
        process.stdin.close()
        process.wait(30)


if __name__ == "__main__":
    if sys.argv[1:2] == ["network"]:
        asyncio.run(network(int(sys.argv[2])))
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else PROVIDERS)
