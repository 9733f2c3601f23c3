"""The list of deployments says what it could not see: a Console that hides what costs money is not believed."""

from __future__ import annotations

import copy
import sqlite3
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest
from agents import ERAS, Agent, Connect
from lying_proxy import LyingProxy, lying_proxy

from akash_mcp import config
from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio

LIST = "GET /v1/deployments"
ONE = r"GET /v1/deployments/\d+"

Rewritten = Callable[[Any], Any]


def listing(change: Rewritten) -> Rewritten:
    """A rewrite of the list of deployments alone."""

    def rewrite(told: Any) -> Any:
        told = copy.deepcopy(told)
        told["data"]["deployments"] = change(told["data"]["deployments"])
        return told

    return rewrite


def without_leases(rows: Any) -> Any:
    return [{**row, "leases": []} for row in rows]


def null_leases(rows: Any) -> Any:
    return [{**row, "leases": None} for row in rows]


def odd(rows: Any) -> Any:
    return [{**row, "leases": "many"} for row in rows]


def missing(told: Any) -> Any:
    return {"data": {"pagination": told["data"]["pagination"]}}


HIDDEN: dict[str, Rewritten] = {
    "null": listing(lambda rows: None),
    "no list": missing,
    "a table": listing(lambda rows: {"first": rows[0]}),
    "nothing": lambda told: {"data": None},
    "empty": listing(lambda rows: []),
    "without leases": listing(without_leases),
    "null leases": listing(null_leases),
    "an odd record": listing(odd),
}


async def leased(agent: Agent, sdl: str) -> dict[str, Any]:
    return await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=1))


@pytest.mark.parametrize("how", HIDDEN)
async def test_a_lease_that_the_list_hides_is_asked_for_and_counted(
    how: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with (
        lying_proxy(network.console_url) as proxy,
        connect(approval="auto", console_url=proxy.url) as agent,
    ):
        deployed = await leased(agent, sdl)
        proxy.rewrite(LIST, HIDDEN[how])
        listed = await agent.call("list_deployments")
    [row] = listed["deployments"]
    assert (row["dseq"], row["state"], row["ours"], row["leases"]) == (deployed["dseq"], "active", True, 1)
    assert row["usd_per_hour"] == listed["usd_per_hour"] == deployed["usd_per_hour"] != "0.00"
    assert "Nothing runs" not in listed["next_step"]


@pytest.mark.parametrize("generation", ["reference", "2026-11"])
@pytest.mark.parametrize("fault", ["lying-list", "swapped-leases"])
async def test_a_console_that_leaves_out_or_swaps_is_seen_through(
    fault: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        for _ in range(2):
            await leased(agent, sdl)
        honest = await agent.call("list_deployments")
        await network.inject(fault)
        listed = await agent.call("list_deployments")
    assert (listed["total"], listed["usd_per_hour"]) == (2, honest["usd_per_hour"])
    assert [row["leases"] for row in listed["deployments"]] == [1, 1]


@pytest.mark.parametrize("era", ERAS)
async def test_what_can_be_seen_nowhere_is_unknown_and_not_nothing(
    era: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with (
        lying_proxy(network.console_url) as proxy,
        connect(era, approval="auto", console_url=proxy.url) as agent,
    ):
        dseq = (await leased(agent, sdl))["dseq"]
        proxy.rewrite(LIST, HIDDEN["empty"])
        proxy.refuse(ONE, 404, {"error": "NotFoundError", "message": "Deployment not found"}, times=99)
        listed = await agent.call("list_deployments")
        proxy.honest()
        proxy.rewrite(LIST, HIDDEN["empty"])
        proxy.refuse(ONE, 500, {"error": "InternalServerError", "message": "Internal server error"}, times=99)
        failing = await agent.call("list_deployments")
    for told in (listed, failing):
        [row] = told["deployments"]
        assert (row["dseq"], row["state"], row["held_usd"]) == (dseq, "unknown", "1.00")
        assert "may run and cost money" in row["problem"]
        assert (told["total"], told["at_least"]) == (1, True)
        assert "Nothing" not in told["next_step"]


async def test_a_partial_list_is_filled_up_and_one_that_ends_early_says_so(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with (
        lying_proxy(network.console_url) as proxy,
        connect(approval="auto", console_url=proxy.url) as agent,
    ):
        dseqs = {(await leased(agent, sdl))["dseq"] for _ in range(2)}
        honest = await agent.call("list_deployments")
        proxy.rewrite(LIST, listing(lambda rows: rows[:1]))
        partial = await agent.call("list_deployments")
        assert "at_least" not in honest
        assert (partial["total"], partial["usd_per_hour"]) == (2, honest["usd_per_hour"])
        assert {row["dseq"] for row in partial["deployments"]} == dseqs

        proxy.honest()
        proxy.rewrite(
            LIST, listing(lambda rows: [*rows, {"deployment": {"id": {"dseq": "not a number"}}}, 7])
        )
        odd_rows = await agent.call("list_deployments")
        assert (odd_rows["total"], odd_rows["usd_per_hour"]) == (2, honest["usd_per_hour"])
        assert (odd_rows["at_least"], odd_rows["problem"][:9]) == (True, "2 records")

        proxy.honest()
        proxy.rewrite(LIST, lambda told: {"data": {**told["data"], "pagination": {"hasMore": True}}})
        endless = await agent.call("list_deployments")
        assert endless["at_least"]
        assert "there are more" in endless["problem"]


async def test_a_lease_in_another_currency_or_without_a_price_makes_the_rate_at_least(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    def priced(price: object) -> Rewritten:
        def rewrite(told: Any) -> Any:
            for row in told["data"].get("deployments", [told["data"]]):
                for lease in row["leases"]:
                    lease["price"] = price
            return told

        return rewrite

    async with (
        lying_proxy(network.console_url) as proxy,
        connect(approval="auto", console_url=proxy.url) as agent,
    ):
        dseq = (await leased(agent, sdl))["dseq"]
        for price in ({"denom": "uakt", "amount": "5"}, {"denom": "uact"}, None):
            proxy.honest()
            proxy.rewrite(f"{LIST}.*", priced(price))
            listed = await agent.call("list_deployments")
            assert (listed["usd_per_hour"], listed["at_least"]) == ("0.00", True), price
            assert "costs more than this" in listed["deployments"][0]["problem"], price
            shown = await agent.call("get_deployment", id=dseq)
            assert "costs more than this" in shown["problem"], price


async def test_an_escrow_that_is_not_told_is_not_empty(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    def unfunded(told: Any) -> Any:
        for row in told["data"].get("deployments", [told["data"]]):
            row["escrow_account"]["state"].pop("funds")
        return told

    async with (
        lying_proxy(network.console_url) as proxy,
        connect(approval="auto", console_url=proxy.url) as agent,
    ):
        dseq = (await leased(agent, sdl))["dseq"]
        proxy.rewrite(f"{LIST}.*", unfunded)
        [row] = (await agent.call("list_deployments"))["deployments"]
        shown = await agent.call("get_deployment", id=dseq)
    assert "escrow_left_usd" not in row
    assert "escrow_left_usd" not in shown
    assert "hours_left" not in shown
    assert "its escrow is not known" in shown["problem"]


async def test_a_launch_whose_answer_was_lost_is_named_with_what_is_held(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    await network.inject("drop-connection", value="before", route="POST /v1/deployments")
    async with connect(approval="auto") as agent:
        await agent.refused("deploy", sdl=sdl, deposit_usd=1)
        listed = await agent.call("list_deployments")
        [row] = listed["deployments"]
        assert (row["state"], row["held_usd"], "dseq" in row) == ("unknown", "1.00", False)
        assert (listed["total"], listed["at_least"]) == (1, True)
        assert "Nothing" not in listed["next_step"]
        found = await agent.call("get_deployment", id=row["op_id"])
        assert found["state"] == "unknown"


async def test_nothing_runs_is_said_when_it_is_true(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        dseq = (await leased(agent, sdl))["dseq"]
        await agent.call("close_deployment", dseq=dseq)
        listed = await agent.call("list_deployments")
    assert listed["next_step"] == "Nothing runs and nothing costs money. deploy starts something."
    assert (listed["total"], "at_least" in listed, "problem" in listed) == (0, False, False)


async def test_with_nothing_in_the_journal_a_list_that_cannot_be_read_is_an_error(
    connect: Connect, network: EmbeddedNetwork
) -> None:
    async with (
        lying_proxy(network.console_url) as proxy,
        connect(approval="auto", console_url=proxy.url) as agent,
    ):
        proxy.rewrite(LIST, HIDDEN["null"])
        assert "cannot be read" in await agent.refused("list_deployments")


async def test_bids_that_are_not_a_list_are_unknown_and_an_odd_one_takes_no_other_with_it(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with (
        lying_proxy(network.console_url) as proxy,
        connect(approval="auto", console_url=proxy.url) as agent,
    ):
        dseq = (await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"]
        honest = await agent.call("list_bids", dseq=dseq)
        proxy.rewrite("GET /v1/bids", lambda told: {"data": [{"bid": 7}, *told["data"], None]})
        assert len((await agent.call("list_bids", dseq=dseq))["offers"]) >= len(honest["offers"])
        unreadable: tuple[object, ...] = (None, {}, [{"bid": None}])
        for nothing in unreadable:
            proxy.honest()
            _tell(proxy, nothing)
            assert "cannot be read" in await agent.refused("list_bids", dseq=dseq, wait_s=0)


def _tell(proxy: LyingProxy, bids: object) -> None:
    proxy.rewrite("GET /v1/bids", lambda told: {"data": bids})


async def test_a_rate_that_an_earlier_version_did_not_write_down_is_learnt_from_the_list(
    connect: Connect, settings: config.Settings, sdl: str
) -> None:
    together = {"approval": "auto", "max_usd_per_hour_together": "1"}
    async with connect(**together) as agent:
        deployed = await leased(agent, sdl)
        with closing(sqlite3.connect(settings.state_dir / "akash-mcp.sqlite3", isolation_level=None)) as db:
            db.execute("UPDATE reservations SET rate_uact = 0")
        refused = await agent.refused("deploy", sdl=sdl, deposit_usd=1)
        assert "is not known" in refused
        assert "list_deployments" in refused
        await agent.call("list_deployments")
        budget = await agent.call("get_budget")
        # What is written down is whole uact.
        assert abs(Decimal(budget["open_usd_per_hour"]) - Decimal(deployed["usd_per_hour"])) < Decimal(
            "0.00001"
        )
        assert (await leased(agent, sdl))["status"] == "ready"
