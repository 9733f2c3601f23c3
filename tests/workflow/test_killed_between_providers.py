"""A server that is killed while a launch moves on to another provider: the next one brings it to an end.

Either one deployment runs then, or none, and nothing is held for what is not there.
"""

from __future__ import annotations

import dataclasses
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from agents import SPEED, Connect
from launch_books import check_books, deployments, until
from server_process import server_process

from akash_mcp import config
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.workflow.runtime import Intervals

# Three processes, one of them killed, take as long as the machine needs; only what hangs is to be ended.
pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

NEXT = dataclasses.replace(Intervals().times(SPEED), first_look=0.0, moves_on=300.0)

_CLIENT = """
import asyncio, sys
from mcp import Client

async def main():
    async with Client(sys.argv[1]) as client:
        await client.call_tool("deploy", {"sdl": sys.argv[2], "deposit_usd": 1})

asyncio.run(main())
"""
"""A process of its own too: what is left of a connection to a killed server ends with it."""

Moment = Callable[[EmbeddedNetwork, Path], bool]


def states(home: Path) -> list[str]:
    """How each operation stands, in the order in which they were begun."""
    with closing(sqlite3.connect(home / "state" / "akash-mcp.sqlite3")) as db:
        return [state for (state,) in db.execute("SELECT state FROM operations ORDER BY number")]


def first_closed_on_chain(network: EmbeddedNetwork, home: Path) -> bool:
    return [deployment.state for deployment in deployments(network)] == ["closed"]


def first_closed_in_the_journal(network: EmbeddedNetwork, home: Path) -> bool:
    return first_closed_on_chain(network, home) and states(home)[:1] == ["closed"]


def second_reserved(network: EmbeddedNetwork, home: Path) -> bool:
    return first_closed_on_chain(network, home) and len(states(home)) == 2


def second_created(network: EmbeddedNetwork, home: Path) -> bool:
    return len(deployments(network)) == 2


def second_leased(network: EmbeddedNetwork, home: Path) -> bool:
    return len(deployments(network)) == 2 and bool(deployments(network)[1].leases)


MOMENTS = (
    first_closed_on_chain,
    first_closed_in_the_journal,
    second_reserved,
    second_created,
    second_leased,
)


@pytest.mark.parametrize(
    ("generation", "moment"),
    [*(("reference", moment) for moment in MOMENTS), ("2026-11", second_created), ("2026-11", second_leased)],
    ids=lambda value: getattr(value, "__name__", value),
)
async def test_a_launch_that_is_killed_between_two_providers_ends_in_one_or_none(
    moment: Moment,
    connect: Connect,
    network: EmbeddedNetwork,
    settings: config.Settings,
    sdl: str,
    tmp_path: Path,
) -> None:
    await network.inject("lease-manifest-fails", value="422")
    async with server_process(network, tmp_path, speed=SPEED, is_killed=True) as server:
        client = await anyio.to_thread.run_sync(
            partial(
                subprocess.Popen, [sys.executable, "-c", _CLIENT, server.url, sdl], stderr=subprocess.DEVNULL
            )
        )
        try:
            await until(lambda: moment(network, tmp_path), seconds=0.001)
            server.process.kill()
        finally:
            client.kill()
            client.wait()
    killed_at = states(tmp_path)
    await network.inject("lease-manifest-fails", count=0)
    assert len(deployments(network)) <= 2
    async with connect(approval="auto", intervals=NEXT) as agent:
        await until(lambda: not {*states(tmp_path)} - {"ready", "closed", "refused"})
        listed = await agent.call("list_deployments")
        assert len(deployments(network)) <= 2
        running = [deployment.dseq for deployment in deployments(network) if deployment.state == "active"]
        assert [row["dseq"] for row in listed["deployments"]] == running
        assert len(running) <= 1
        sys.stdout.write(f"killed at {killed_at}: {len(deployments(network))} made, {len(running)} run\n")
        assert all(row["ours"] for row in listed["deployments"])
        check_books(settings, network, approved=10**6)
        for dseq in running:
            assert (await agent.call("close_deployment", dseq=dseq))["status"] == "closed"
        assert (await agent.call("get_budget"))["held_usd"] == "0.00"
    check_books(settings, network, approved=10**6)
