"""The whole server over HTTP, with the embedded network inside, as a remote client of either era meets it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from agents import ERAS, Agent
from mcp import Client
from mcp.client.sse import sse_client


@contextmanager
def serving(home: Path, transport: str) -> Iterator[str]:
    """The address that the server says it listens on."""
    with subprocess.Popen(
        [
            sys.executable,
            "-m",
            "akash_mcp",
            "serve",
            "--sandbox",
            "--speed",
            "60",
            "--transport",
            transport,
            "--port",
            "0",
        ],
        env={"PATH": os.environ["PATH"], "HOME": str(home), "AKASH_MCP_APPROVAL": "auto"},
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stderr is not None
        try:
            assert "play money" in server.stderr.readline()
            url = server.stderr.readline().rpartition(" ")[2].strip()
            if transport == "sse":
                assert (
                    server.stderr.readline().rpartition(" ")[2].strip() == f"{url.removesuffix('/mcp')}/sse"
                )
            yield url
            server.terminate()
            assert server.wait(timeout=20) == 0
        finally:
            server.kill()


@pytest.mark.anyio
async def test_deployments_over_http_by_clients_of_both_eras(tmp_path: Path, sdl: str) -> None:
    with serving(tmp_path, "http") as url:
        for era in ERAS:
            async with Client(url, mode=era) as client:
                agent = Agent(client)
                deployed = await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=1))
                assert deployed["status"] == "ready"
            # Another session of the same server knows what this one started.
            async with Client(url, mode=era) as client:
                closed = await Agent(client).call("close_deployment", dseq=deployed["dseq"])
                assert closed["status"] == "closed"


@pytest.mark.anyio
async def test_a_call_over_sse(tmp_path: Path) -> None:
    with serving(tmp_path, "sse") as url:
        async with Client(sse_client(url.removesuffix("/mcp") + "/sse"), mode="legacy") as client:
            assert (await Agent(client).call("list_deployments"))["total"] == 0
