"""A lock on the ledger that another process holds delays what has to write, and nothing else.

The whole server over HTTP, as remote clients of it meet it, beside an embedded network.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from agents import Agent
from mcp import Client
from server_process import server_process

from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio

_SOON_SECONDS = 4.0
"""Milliseconds on a machine that has nothing else to do; whoever waits for the lock waits for five seconds."""

_HOLDER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
db.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
db.execute("ROLLBACK")
"""


@contextmanager
def locked(ledger: Path) -> Iterator[None]:
    """Another process holds the ledger meanwhile."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(ledger)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        try:
            assert holder.stdout.readline() == "held\n"
            yield
            assert holder.poll() is None
        finally:
            holder.stdin.close()


@pytest.mark.parametrize("is_fresh", [False, True], ids=["a server that runs", "a server that starts"])
async def test_while_another_process_holds_the_ledger_all_that_reads_is_answered(
    is_fresh: bool, network: EmbeddedNetwork, sdl: str, tmp_path: Path
) -> None:
    ledger = tmp_path / "state" / "akash-mcp.sqlite3"
    async with server_process(network, tmp_path) as server, Client(server.url) as client:
        dseq = (await Agent(client).call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"]
        if not is_fresh:
            await _held(server.url, Agent(client), ledger, dseq, sdl)
    if is_fresh:
        async with server_process(network, tmp_path) as server:
            with locked(ledger):
                async with Client(server.url) as client:
                    await _answered(server.url, Agent(client), dseq)
    assert len(network.chain.deployments) == 1 + (not is_fresh)


async def _held(url: str, agent: Agent, ledger: Path, dseq: str, sdl: str) -> None:
    """What reads is answered while what spends still waits for the lock."""
    told: list[str] = []

    async def spend() -> None:
        told.append(await agent.refused("create_deployment", sdl=sdl, deposit_usd=1))

    with locked(ledger):
        async with anyio.create_task_group() as beside:
            beside.start_soon(spend)
            await anyio.sleep(0.5)  # it has planned, and waits
            await _answered(url, agent, dseq)
            assert not told
    assert "The ledger is busy" in told[0]
    assert "damaged" not in told[0]
    assert "No money moved." in told[0]
    assert (await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["status"] == "created"


async def _answered(url: str, agent: Agent, dseq: str) -> None:
    """Ask for everything that only reads, and print how long each took."""

    async def health() -> None:
        assert (await visitor.get(url.removesuffix("/mcp") + "/health")).status_code == 200

    reads: dict[str, Callable[[], Awaitable[Any]]] = {
        "/health": health,
        "list_deployments": lambda: agent.call("list_deployments"),
        "get_deployment": lambda: agent.call("get_deployment", id=dseq),
        "get_budget": lambda: agent.call("get_budget"),
    }
    async with httpx2.AsyncClient() as visitor:
        for name, read in reads.items():
            began = time.monotonic()
            with anyio.fail_after(_SOON_SECONDS):
                await read()
            sys.stdout.write(f"{name}: {(time.monotonic() - began) * 1000:.0f} ms\n")
