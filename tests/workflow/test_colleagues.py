"""Deployments of colleagues: an organization's list shows them under other owners, and they are never ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from agents import SPEED, YES, Connect
from lying_proxy import LyingProxy, lying_proxy
from scripted_console import CREATE, LIST
from written import Written

from akash_mcp.guard.books import journal
from akash_mcp.guard.books.journal import Kind, Sources
from akash_mcp.guard.books.store import Store
from akash_mcp.ids import Dseq, OpId
from akash_mcp.sandbox.network import EmbeddedNetwork, Options

pytestmark = pytest.mark.anyio

ONE = r"GET /v1/deployments/\d+"


@pytest.fixture
async def network(quick_retries: None) -> AsyncIterator[EmbeddedNetwork]:
    async with EmbeddedNetwork(Options(speed=SPEED, generation="2026-11", organizations=True)) as running:
        yield running


@pytest.fixture
async def proxy(network: EmbeddedNetwork) -> AsyncIterator[LyingProxy]:
    async with lying_proxy(network.console_url) as before:
        yield before


def colleague(network: EmbeddedNetwork) -> tuple[str, Dseq]:
    """Whose, and which: the one deployment that the organization has from the start."""
    [(owner, dseq)] = network.chain.deployments
    return owner, Dseq(dseq)


def record_of(owner: str, dseq: Dseq, *, state: str) -> dict[str, Any]:
    """Theirs, as the Console may tell it."""
    return {
        "deployment": {"id": {"owner": owner, "dseq": dseq}, "state": state, "hash": "", "created_at": "1"},
        "leases": [],
        "escrow_account": {"state": {"funds": [], "transferred": [], "settled_at": "1"}},
    }


def journal_says_ours(folder: Path, dseq: Dseq) -> None:
    """A launch of ours of this very number: numbers are moments, and belong to no account."""
    store = Store(folder, lambda: 1.0)
    written = Written(store, journal)
    written.open_operation(OpId("op_" + "a" * 16), Kind.LAUNCH, "Deploy.")
    assert written.created(OpId("op_" + "a" * 16), dseq, Sources("sdl", "[]", 24), alone=False)
    store.close()


async def test_a_list_tells_them_as_another_accounts_and_adds_nothing_of_theirs_to_our_costs(
    network: EmbeddedNetwork, connect: Connect
) -> None:
    owner, dseq = colleague(network)
    async with connect() as agent:
        listed = await agent.call("list_deployments")
    [row] = listed["deployments"]
    assert (row["dseq"], row["ours"]) == (dseq, False)
    assert f"another account of the organization ({owner})" in row["problem"]
    assert "at_least" not in listed  # nothing of ours is unknown
    assert "Nothing of this account runs" in listed["next_step"]


async def test_the_number_of_one_of_ours_makes_it_no_more_ours(
    network: EmbeddedNetwork, connect: Connect, proxy: LyingProxy, tmp_path: Path
) -> None:
    """Theirs is neither shown as ours nor closed unasked, and theirs that is closed does not prove ours closed."""
    owner, dseq = colleague(network)
    journal_says_ours(tmp_path / "state", dseq)
    theirs = network.chain.deployments[owner, dseq]
    proxy.rewrite(ONE, lambda _: {"data": record_of(owner, dseq, state="closed")}, status=200)
    async with connect(console_url=proxy.url, answer=YES) as agent:
        listed = await agent.call("list_deployments")
        assert [row["ours"] for row in listed["deployments"] if row["state"] == "active"] == [False]
        assert (await agent.call("get_deployment", id=dseq))["ours"] is False
        said = await agent.refused("close_deployment", dseq=dseq)
        assert "not proven closed" in said
        assert "which this server did not create" in agent.asked[-1]
    assert theirs.state == "active"


async def test_a_lost_creation_is_not_what_a_colleague_calls_by_its_name(
    network: EmbeddedNetwork, connect: Connect, proxy: LyingProxy, sdl: str
) -> None:
    async with connect(approval="auto", console_url=proxy.url) as agent:
        proxy.drop(CREATE)
        item = record_of(*colleague(network), state="active")
        proxy.rewrite(LIST, lambda _: {"data": {"deployments": [{**item, "name": sought(proxy)}]}})
        said = await agent.refused("create_deployment", sdl=sdl, deposit_usd=1)
        assert "No such deployment has appeared since." in said
        proxy.honest()
        listed = await agent.call("list_deployments")
        assert [row["ours"] for row in listed["deployments"] if "dseq" in row] == [False]
        assert (await agent.call("get_budget"))["held_usd"] != "0.00"


async def test_what_a_creation_names_is_not_closed_where_it_is_a_colleagues(
    network: EmbeddedNetwork, connect: Connect, proxy: LyingProxy, sdl: str
) -> None:
    owner, dseq = colleague(network)
    async with connect(approval="auto", console_url=proxy.url) as agent:
        proxy.rewrite(CREATE, lambda told: {"data": {**told["data"], "dseq": dseq}})
        theirs = record_of(owner, dseq, state="active")
        proxy.rewrite(rf"GET /v1/deployments/{dseq}", lambda _: {"data": theirs}, status=200)
        answer = await agent.call("deploy", sdl=sdl, deposit_usd=1)
    assert answer["dseq"] != dseq
    assert f"DELETE /v1/deployments/{dseq}" not in [sent.route for sent in proxy.requests]
    assert network.chain.deployments[owner, dseq].state == "active"


def sought(proxy: LyingProxy) -> str | None:
    """The name that was searched for last."""
    searches = [parse_qs(sent.query)["search"] for sent in proxy.requests if "search=" in sent.query]
    return searches[-1][0] if searches else None
