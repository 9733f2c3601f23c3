"""`akash-mcp serve` as a host starts it: its own process, nearly no environment, and nothing but MCP on stdout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from agents import ERAS, text_of
from mcp import Client, StdioServerParameters

SERVE = ["-m", "akash_mcp", "serve"]


def environment(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home)}


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_it_starts_with_nothing_and_says_what_is_missing(era: str, tmp_path: Path) -> None:
    server = StdioServerParameters(command=sys.executable, args=SERVE, env=environment(tmp_path))
    async with Client(server, mode=era) as client:
        assert len((await client.list_tools()).tools) == 16
        assert len((await client.list_prompts()).prompts) == 5
        said = text_of(await client.call_tool("list_deployments", {}))
    assert "AKASH_API_KEY" in said
    # Starting, listing and failing leave nothing behind.
    assert os.listdir(tmp_path) == []


@contextmanager
def serving(home: Path, *flags: str) -> Iterator[tuple[IO[bytes], IO[bytes], subprocess.Popen[bytes]]]:
    with subprocess.Popen(
        [sys.executable, *SERVE, *flags],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(home),
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield server.stdin, server.stdout, server
        finally:
            server.kill()


def request(method: str, number: int, **params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode() + b"\n"


HELLO = request(
    "initialize",
    0,
    protocolVersion="2024-11-05",
    capabilities={},
    clientInfo={"name": "test", "version": "1"},
)


@pytest.mark.parametrize("flags", [(), ("--debug",)], ids=["quiet", "debug"])
def test_stdout_carries_mcp_and_nothing_else(flags: tuple[str, ...], tmp_path: Path) -> None:
    with serving(tmp_path, "--sandbox", "--speed", "50", *flags) as (stdin, stdout, server):
        stdin.write(HELLO)
        stdin.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
        calls: tuple[tuple[str, dict[str, str]], ...] = (
            ("list_deployments", {}),
            ("validate_sdl", {"sdl": "{["}),
            ("get_deployment", {"id": "1"}),
            ("no_such_tool", {}),
        )
        for number, (name, arguments) in enumerate(calls, start=1):
            stdin.write(request("tools/call", number, name=name, arguments=arguments))
        stdin.write(b"this is not JSON\n")
        stdin.flush()
        answered: dict[int, dict[str, Any]] = {}
        while len(answered) < len(calls) + 1:
            message = json.loads(stdout.readline())
            assert message["jsonrpc"] == "2.0"
            if message.get("id") is not None:
                answered[message["id"]] = message
        # The oldest revision is answered in its own words.
        assert answered[0]["result"]["protocolVersion"] == "2024-11-05"
        assert answered[0]["result"]["serverInfo"]["name"] == "akash-mcp"
        stdin.close()
        assert all(json.loads(line)["jsonrpc"] == "2.0" for line in stdout)
        assert server.wait(timeout=20) == 0
