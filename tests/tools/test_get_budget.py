"""`get_budget` tells an agent what it may do, what is left of it, and what happened lately."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from agents import ERAS, YES, Connect

from akash_mcp import config
from akash_mcp.guard.books import notices
from akash_mcp.guard.books.store import Store
from akash_mcp.guard.policy.policy import ApprovalMode
from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio


@pytest.fixture
def note(settings: config.Settings) -> Callable[[str], None]:
    """What the watch does, for the account that the ledger knows."""

    def write(text: str) -> None:
        store = Store(settings.state_dir)
        known = store.read_now(lambda db: db.one("SELECT account FROM operations"))
        store.account = known["account"] if known else ""
        store.run_now(notices.note, text)
        store.close()

    return write


@pytest.mark.parametrize("era", ERAS)
async def test_what_runs_counts_as_spent_today_and_goes_on_counting_when_it_is_closed(
    era: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(era, answer=YES) as agent:
        assert (await agent.call("get_budget"))["spent_today_usd"] == "0.00"
        dseq = (await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=2)))["dseq"]
        network.clock.skip(600)
        await agent.call("get_deployment", id=dseq)  # the height that the Console tells first is an old one
        running = await agent.call("get_budget")
        shown = await agent.call("get_deployment", id=dseq)
        closed = await agent.call("close_deployment", dseq=dseq)
        over = await agent.call("get_budget")
    assert 0 < Decimal(running["spent_today_usd"]) <= Decimal(shown["spent_usd"])
    assert "spent_today_unknown" not in running
    assert over["spent_today_usd"] == closed["spent_usd"]


async def test_what_runs_and_cannot_be_read_counts_with_all_that_is_held(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(answer=YES) as agent:
        await agent.call("create_deployment", sdl=sdl, deposit_usd=3)
        await network.inject("chain-down")
        await network.inject("drop-connection", value="before")
        budget = await agent.call("get_budget")
    assert (budget["spent_today_usd"], budget["spent_today_unknown"]) == ("3.00", 1)
    assert "account_credit_usd" not in budget
    assert budget["account_problem"]


@pytest.mark.parametrize(
    ("generation", "least"), [("2025", "5.00"), ("reference", "0.50"), ("2026-11", None)], ids=str
)
async def test_the_least_deposit_is_told_where_there_are_deposits(
    connect: Connect, least: str | None
) -> None:
    async with connect() as agent:
        assert (await agent.call("get_budget")).get("least_deposit_usd") == least


async def test_the_credit_is_not_what_the_console_knew_before(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(answer=YES) as agent:
        await agent.call("get_budget")
        await agent.call("create_deployment", sdl=sdl, deposit_usd=3)
        network.clock.skip(60)
        budget = await agent.call("get_budget")
    assert Decimal(budget["account_in_escrow_usd"]) == 3


@pytest.mark.parametrize("era", ERAS)
async def test_a_budget_has_no_limit_that_nobody_set(era: str, connect: Connect) -> None:
    async with connect(era) as agent:
        budget = await agent.call("get_budget")
    assert budget["max_usd_per_day"] == "20.00"
    assert (budget["default_hours"], budget["max_hours"]) == (24, 720)
    unset = {"agent", "max_usd_per_month", "max_usd_total", "max_usd_per_hour_together", "left_in_all_usd"}
    assert unset.isdisjoint(budget)
    assert {"all_agents", "approval_rules", "recent_notices"}.isdisjoint(budget)
    assert budget["untold_notices"] == 0


async def test_what_is_committed_is_left_of_each_limit(connect: Connect, sdl: str) -> None:
    limits = {
        "max_usd_per_month": "50",
        "max_usd_total": "100",
        "max_usd_per_hour_together": "1",
        "approval_by_tool": {"run_command": ApprovalMode.DENY},
        "auto_up_to_usd": "0.50",
    }
    async with connect(answer=YES, **limits) as agent:
        await agent.call("create_deployment", sdl=sdl, deposit_usd=3)
        budget = await agent.call("get_budget")
    for period, left in (("today", "17.00"), ("this_month", "47.00"), ("in_all", "97.00")):
        assert budget[f"left_{period}_usd"] == left
    assert budget["committed_this_month_usd"] == budget["committed_in_all_usd"] == "3.00"
    rate = Decimal(budget["open_usd_per_hour"])
    assert 0 < rate < 1
    assert Decimal(budget["left_usd_per_hour"]) == pytest.approx(1 - rate, abs=Decimal("0.01"))
    assert budget["approval_rules"] == ["run_command: deny", "up to $0.50 nobody is asked about spending"]


async def test_an_agent_sees_its_own_budget_and_the_roof(connect: Connect, sdl: str) -> None:
    agents = {"builder": {"max_usd_per_day": "5"}, "tester": {"max_usd_per_day": "4"}}
    async with connect(answer=YES, agent="builder", agents=agents) as builder:
        await builder.call("create_deployment", sdl=sdl, deposit_usd=3)
        own = await builder.call("get_budget")
    async with connect(agent="tester", agents=agents) as tester:
        other = await tester.call("get_budget")
    assert (own["agent"], own["held_usd"], own["left_today_usd"]) == ("builder", "3.00", "2.00")
    assert (other["agent"], other["held_usd"], other["left_today_usd"]) == ("tester", "0.00", "4.00")
    assert other["all_agents"].startswith("All agents together have committed $3.00 of $20.00 in 24 hours")


async def test_what_happened_lately_stays_in_it_and_is_counted_as_told(
    connect: Connect, note: Callable[[str], None]
) -> None:
    async with connect() as agent:
        await agent.call("get_budget")
        note("It was closed at its end.")
        first = await agent.call("get_budget")
        assert first["untold_notices"] == 1
        assert first["notices"] == first["recent_notices"]
        again = await agent.call("get_budget")
        assert again["untold_notices"] == 0
        assert again["recent_notices"] == first["recent_notices"]
        assert "notices" not in again
