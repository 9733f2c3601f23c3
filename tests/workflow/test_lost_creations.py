"""Creations whose answers are lost on a real network, beside deployments that only look like theirs.

What somebody else created is never taken up, and what cannot be told apart is left to a person, with its money held.
"""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from agents import Agent, Connect, text_of
from lying_proxy import LyingProxy, lying_proxy
from scripted_console import CREATE, LIST

from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def behind_a_proxy(
    connect: Connect, network: EmbeddedNetwork
) -> AsyncIterator[tuple[LyingProxy, Agent]]:
    async with (
        lying_proxy(network.console_url) as proxy,
        connect(approval="auto", console_url=proxy.url) as agent,
    ):
        yield proxy, agent


async def somebody_else_s(connect: Connect, sdl: str, tmp_path: Path) -> str:
    """The same deployment, created by another program of the account, which shares no file with us."""
    async with connect(approval="auto", state_dir=tmp_path / "other") as other:
        return str((await other.call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"])


async def both(proxy: LyingProxy, agent: Agent, sdl: str) -> list[str]:
    """What two creations of the same say that are sent side by side."""
    proxy.gather(CREATE, 2)
    said: list[str] = []

    async def create() -> None:
        said.append(text_of(await agent.ask("create_deployment", sdl=sdl, deposit_usd=1)))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(create)
        tasks.start_soon(create)
    return said


async def ours(agent: Agent) -> set[str]:
    """Those that this server has taken for its own."""
    listed = await agent.call("list_deployments")
    return {row["dseq"] for row in listed["deployments"] if row["ours"] and "dseq" in row}


async def held(agent: Agent) -> str:
    return str((await agent.call("get_budget"))["held_usd"])


async def test_the_same_that_was_there_before_is_not_what_never_landed(
    connect: Connect, network: EmbeddedNetwork, sdl: str, tmp_path: Path
) -> None:
    await somebody_else_s(connect, sdl, tmp_path)
    async with behind_a_proxy(connect, network) as (proxy, agent):
        proxy.drop(CREATE)
        said = await agent.refused("create_deployment", sdl=sdl, deposit_usd=1)
        assert "No such deployment has appeared since." in said
        assert (await ours(agent), await held(agent)) == (set(), "1.00")


async def test_the_same_that_was_there_before_is_not_in_the_way_of_what_landed(
    connect: Connect, network: EmbeddedNetwork, sdl: str, tmp_path: Path
) -> None:
    theirs = await somebody_else_s(connect, sdl, tmp_path)
    async with behind_a_proxy(connect, network) as (proxy, agent):
        proxy.lose(CREATE)
        created = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
        mine = {dseq for _, dseq in network.chain.deployments} - {theirs}
        assert ({created["dseq"]}, await ours(agent), await held(agent)) == (mine, mine, "1.00")


async def test_of_two_that_are_lost_at_once_neither_is_taken_up(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with behind_a_proxy(connect, network) as (proxy, agent):
        proxy.lose(CREATE, times=2)
        for said in await both(proxy, agent, sdl):
            assert "nothing tells which of them" in said
            assert all(f"close_deployment(dseq={dseq})" in said for _, dseq in network.chain.deployments)
        assert (len(network.chain.deployments), await ours(agent), await held(agent)) == (2, set(), "2.00")


async def test_of_two_that_are_lost_the_only_one_that_landed_is_taken_up_by_neither(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with behind_a_proxy(connect, network) as (proxy, agent):
        proxy.lose(CREATE)
        proxy.drop(CREATE)
        for said in await both(proxy, agent, sdl):
            assert "may be what it created, and so may what operation op_" in said
        assert (len(network.chain.deployments), await ours(agent), await held(agent)) == (1, set(), "2.00")


async def test_of_two_the_one_that_is_lost_is_told_from_the_one_that_is_answered(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with behind_a_proxy(connect, network) as (proxy, agent):
        proxy.lose(CREATE)
        assert not [said for said in await both(proxy, agent, sdl) if "not known" in said]
        assert (len(await ours(agent)), await held(agent)) == (2, "2.00")


async def test_of_two_in_turn_the_one_that_is_lost_is_told_from_the_one_that_was_answered(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with behind_a_proxy(connect, network) as (proxy, agent):
        first = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
        proxy.lose(CREATE)
        second = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
        assert (await ours(agent), await held(agent)) == ({first["dseq"], second["dseq"]}, "2.00")


@pytest.mark.parametrize(
    ("status", "message", "kept"),
    [
        (400, "Invalid SDL: service web already exists", "0.00"),
        (402, "Not enough balance; the deployment already exists", "0.00"),
        (409, "It already exists", "0.00"),
        # The chain's own word: what was sent may have landed. It stays held, and theirs is not taken for it.
        (400, "Deployment with provided dseq and owner already exists", "1.00"),
    ],
)
async def test_after_a_definite_no_nothing_is_taken_up(
    status: int,
    message: str,
    kept: str,
    connect: Connect,
    network: EmbeddedNetwork,
    sdl: str,
    tmp_path: Path,
) -> None:
    await somebody_else_s(connect, sdl, tmp_path)
    async with behind_a_proxy(connect, network) as (proxy, agent):
        proxy.refuse(CREATE, status, {"error": "Whatever", "message": message})
        await agent.refused("create_deployment", sdl=sdl, deposit_usd=1)
        assert (await ours(agent), await held(agent)) == (set(), kept)


LISTS: dict[str, Any] = {
    "null": lambda told: {"data": {"deployments": None}},
    "empty": lambda told: {"data": {"deployments": [], "pagination": {"total": 0, "hasMore": False}}},
    "no list": lambda told: {"data": {}},
}


async def test_a_list_that_was_null_before_says_nothing_of_what_was_there(
    connect: Connect, network: EmbeddedNetwork, sdl: str, tmp_path: Path
) -> None:
    theirs = await somebody_else_s(connect, sdl, tmp_path)
    async with behind_a_proxy(connect, network) as (proxy, agent):
        proxy.rewrite(LIST, LISTS["null"], times=1)
        proxy.drop(CREATE)
        said = await agent.refused("create_deployment", sdl=sdl, deposit_usd=1)
        assert f"Deployment {theirs} may be what it created, and what was there before is not known." in said
        assert (await ours(agent), await held(agent)) == (set(), "1.00")


@pytest.mark.parametrize("lie", LISTS.values(), ids=LISTS)
async def test_a_list_that_shows_nothing_takes_up_nothing_and_releases_nothing(
    lie: Any, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with behind_a_proxy(connect, network) as (proxy, agent):
        proxy.lose(CREATE)
        proxy.rewrite(LIST, lie)
        said = await agent.refused("create_deployment", sdl=sdl, deposit_usd=1)
        assert "The $1.00 approved for it stay reserved and count as spent." in said
        proxy.honest()
        assert (len(network.chain.deployments), await ours(agent), await held(agent)) == (1, set(), "1.00")


async def test_a_list_that_shows_one_of_two_is_not_believed_over_the_journal(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    def first_only(told: Any) -> Any:
        told["data"]["deployments"] = told["data"]["deployments"][:1]
        return told

    async with behind_a_proxy(connect, network) as (proxy, agent):
        proxy.lose(CREATE, times=2)
        proxy.rewrite(LIST, first_only)
        for said in await both(proxy, agent, sdl):
            assert "and so may what operation op_" in said
        proxy.honest()
        assert (await ours(agent), await held(agent)) == (set(), "2.00")


@pytest.mark.parametrize("generation", ["2026-11"])
async def test_a_name_that_only_contains_ours_is_not_ours(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    def with_a_longer_name(told: Any) -> Any:
        for entry in list(told["data"]["deployments"]):
            other = copy.deepcopy(entry)
            other["name"], other["deployment"]["id"]["dseq"] = f"{entry['name']}-2", "1763759482113"
            told["data"]["deployments"].insert(0, other)
        return told

    async with behind_a_proxy(connect, network) as (proxy, agent):
        proxy.lose(CREATE)
        proxy.rewrite(LIST, with_a_longer_name)
        created = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
        assert [dseq for _, dseq in network.chain.deployments] == [created["dseq"]]
