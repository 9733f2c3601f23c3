"""The toolset `account`, by real clients: what the account spends, whose figure it is, and what is not known."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest
from agents import ERAS, YES, Agent, Connect

from akash_mcp import config
from akash_mcp.sandbox.console import Generation
from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio

TOOLSETS = ("deploy", "observe", "account")
GENERATIONS = ("2025", "reference", "2026-11")


async def deployed(agent: Agent, sdl: str, **arguments: Any) -> dict[str, Any]:
    return await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=5, **arguments))


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("generation", GENERATIONS)
async def test_it_tells_what_runs_costs_and_how_long_the_credit_lasts(
    era: str, generation: Generation, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(era, answer=YES, toolsets=TOOLSETS) as agent:
        before = await agent.call("get_usage")
        assert (before["usd_per_hour"], before["deployments"]) == ("0.00", [])
        assert {"credit_lasts_hours", "at_least", "unknown", "disagreements"}.isdisjoint(before)
        lease = await deployed(agent, sdl)
        now = await agent.call("get_usage")
    (row,) = now["deployments"]
    (book,) = network.chain.deployments.values()
    assert row["dseq"] == lease["dseq"] == book.dseq
    assert row["usd_per_hour"] == now["usd_per_hour"] == lease["usd_per_hour"]
    # Of 100 USD nearly all is left, for credit and escrow pay; 600 blocks an hour are the most.
    assert Decimal(now["credit_lasts_hours"]) == pytest.approx(
        Decimal(10**8) / (book.rate * 600), rel=Decimal("0.01")
    )
    assert Decimal(now["ledger_held_usd"]) > 0
    assert {"at_least", "unknown", "disagreements"}.isdisjoint(now)


async def test_what_was_spent_is_what_the_books_say(
    connect: Connect, network: EmbeddedNetwork, settings: config.Settings, sdl: str
) -> None:
    async with connect(answer=YES, toolsets=TOOLSETS) as agent:
        lease = await deployed(agent, sdl)
        network.clock.skip(20 * 3600)
        await agent.call("close_deployment", dseq=lease["dseq"])
        now = await agent.call("get_usage")
    (book,) = network.chain.deployments.values()
    paid = book.escrow.transferred / 10**6
    assert paid > Decimal("0.02")
    assert Decimal(now["ledger_spent_last_24h_usd"]) == pytest.approx(paid, abs=Decimal("0.0001"))
    assert Decimal(now["ledger_spent_last_24h_usd"]) >= paid
    assert now["ledger_held_usd"] == "0.00"
    with closing(sqlite3.connect(settings.state_dir / "akash-mcp.sqlite3")) as db:
        (settled,) = db.execute("SELECT SUM(spent_uact) FROM reservations WHERE state = 'settled'").fetchone()
    assert settled == pytest.approx(float(book.escrow.transferred), abs=1)


@pytest.mark.parametrize("era", ERAS)
async def test_asking_for_settings_switches_nothing_on(
    era: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    rows = network._backend.funding.rows
    async with connect(era, answer=YES, toolsets=TOOLSETS) as agent:
        created = await agent.call("create_deployment", sdl=sdl, deposit_usd=5)
        unknown = await agent.call("get_deployment_settings", dseq=created["dseq"])
        assert unknown["auto_top_up"] == "unknown"
        assert created["dseq"] not in rows
        lease = await deployed(agent, sdl)
        known = await agent.call("get_deployment_settings", dseq=lease["dseq"])
        assert known["auto_top_up"] == "off"
        assert not rows[lease["dseq"]].auto_top_up


@pytest.mark.parametrize(("generation", "told"), [("2025", "none"), ("2026-11", "always")])
async def test_what_the_other_generations_have_for_settings(
    generation: Generation, told: str, connect: Connect, sdl: str
) -> None:
    async with connect(answer=YES, toolsets=TOOLSETS) as agent:
        lease = await deployed(agent, sdl, hours=7)
        found = await agent.call("get_deployment_settings", dseq=lease["dseq"])
    assert found["auto_top_up"] == told
    assert found.get("runtime_limit_hours") == ("7.0" if generation == "2026-11" else None)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("generation", ["reference", "2026-11"])
async def test_what_the_user_is_warned_of(
    era: str, generation: Generation, connect: Connect, sdl: str
) -> None:
    async with connect(era, answer=YES, toolsets=TOOLSETS) as agent:
        assert (await agent.call("list_alerts"))["alerts"] == []
        lease = await deployed(agent, sdl)
        of_all = await agent.call("list_alerts")
        of_one = await agent.call("list_alerts", dseq=lease["dseq"])
    assert [(row["enabled"], row["status"]) for row in of_all["alerts"]] == [(True, "OK")]
    assert [row["what"] for row in of_one["alerts"]] == ["It was closed"]


@pytest.mark.parametrize("generation", ["2025"])
async def test_the_console_of_2025_has_no_alerts(generation: Generation, connect: Connect) -> None:
    async with connect(toolsets=TOOLSETS) as agent:
        assert "no alerts" in await agent.refused("list_alerts")


def topped_up(network: EmbeddedNetwork, dseq: str) -> object:
    """What the network's own row says; None where there is none."""
    rows = network.state()["settings"]
    assert isinstance(rows, dict)
    return rows.get(dseq)


@pytest.mark.parametrize("era", ERAS)
async def test_top_up_is_switched_on_with_a_yes_within_the_policy_and_off_without(
    era: str, connect: Connect, network: EmbeddedNetwork, settings: config.Settings, sdl: str
) -> None:
    async with connect(era, answer=YES, toolsets=TOOLSETS, allow_auto_top_up=True) as agent:
        lease = await deployed(agent, sdl)
        dseq = lease["dseq"]
        agent.asked.clear()
        on = await agent.call("set_auto_top_up", dseq=dseq, enabled=True)
        assert on["status"] == "updated"
        assert len(agent.asked) == 1
        assert "goes on paying until somebody closes it" in agent.asked[0]
        assert topped_up(network, dseq) is True
        assert (await agent.call("get_deployment_settings", dseq=dseq))["auto_top_up"] == "on"
        shown = await agent.call("get_deployment", id=dseq)
        assert shown["ended_by"] == "this server or akash-mcp watch"
        assert "hours_left" not in shown
        assert "only the end of its run" in await agent.refused("add_funds", dseq=dseq, hours=2)
        agent.asked.clear()
        off = await agent.call("set_auto_top_up", dseq=dseq, enabled=False)
        assert off["status"] == "updated"
        assert agent.asked == []
        assert topped_up(network, dseq) is False
        assert (await agent.call("get_deployment", id=dseq))["hours_left"]
        await agent.call("close_deployment", dseq=dseq)
    with closing(sqlite3.connect(settings.state_dir / "akash-mcp.sqlite3")) as db:
        (held,) = db.execute("SELECT COUNT(*) FROM reservations WHERE state = 'held'").fetchone()
    assert held == 0


async def test_what_top_up_can_cost_until_the_end_is_held_beyond_the_deposit(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(answer=YES, toolsets=TOOLSETS, allow_auto_top_up=True, max_hours=8760) as agent:
        lease = await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=0.5, hours=2000))
        (book,) = network.chain.deployments.values()
        before = Decimal((await agent.call("get_budget"))["held_usd"])
        answer = await agent.call("set_auto_top_up", dseq=lease["dseq"], enabled=True)
        after = Decimal((await agent.call("get_budget"))["held_usd"])
    in_all = book.rate * 600 * 2001 / 10**6
    assert before == Decimal("0.5")
    assert in_all <= after <= in_all + Decimal("0.01")
    assert "more is reserved" in answer["money"]


async def test_top_up_over_the_budget_asks_nobody(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    limits = {"max_hours": 8760, "max_usd_per_deployment": "1"}
    async with connect(answer=YES, toolsets=TOOLSETS, allow_auto_top_up=True, **limits) as agent:
        lease = await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=0.5, hours=2000))
        agent.asked.clear()
        refusal = await agent.refused("set_auto_top_up", dseq=lease["dseq"], enabled=True)
        assert "over the limit of $1.00" in refusal
        assert agent.asked == []
    assert topped_up(network, lease["dseq"]) is False


@pytest.mark.parametrize("era", ERAS)
async def test_top_up_is_not_switched_on_against_the_policy(
    era: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(era, answer=YES, toolsets=TOOLSETS) as agent:
        lease = await deployed(agent, sdl)
        refusal = await agent.refused("set_auto_top_up", dseq=lease["dseq"], enabled=True)
    assert "policy does not allow automatic top-up" in refusal
    assert "AKASH_MCP_ALLOW_AUTO_TOP_UP" in refusal
    assert topped_up(network, lease["dseq"]) is False


@pytest.mark.parametrize(("generation", "why"), [("2025", "has no automatic"), ("2026-11", "by itself")])
async def test_the_other_generations_have_no_switch(
    generation: Generation, why: str, connect: Connect, sdl: str
) -> None:
    async with connect(answer=YES, toolsets=TOOLSETS, allow_auto_top_up=True) as agent:
        lease = await deployed(agent, sdl)
        agent.asked.clear()
        for enabled in (True, False):
            refusal = await agent.refused("set_auto_top_up", dseq=lease["dseq"], enabled=enabled)
            assert why in refusal
            assert "No money moved." in refusal
        assert agent.asked == []


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("generation", ["2025"])
async def test_a_certificate_is_made_ahead_and_once(
    era: str, generation: Generation, connect: Connect, network: EmbeddedNetwork, settings: config.Settings
) -> None:
    async with connect(era, answer=YES, toolsets=TOOLSETS) as agent:
        made = await agent.call("create_certificate")
        assert made["status"] == "created"
        assert len(agent.asked) == 1
        again = await agent.call("create_certificate")
        assert again["status"] == "not_needed"
        assert "good until" in again["summary"]
        assert len(agent.asked) == 1
    (kept,) = settings.state_dir.glob("certificate-*.pem")
    assert kept.stat().st_mode & 0o077 == 0
    assert [each.owner for each in network.chain.certificates].count(network.owner) == 1


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("generation", ["reference", "2026-11"])
async def test_no_certificate_is_needed_elsewhere(
    era: str, generation: Generation, connect: Connect, settings: config.Settings
) -> None:
    async with connect(era, answer=YES, toolsets=TOOLSETS) as agent:
        answer = await agent.call("create_certificate")
        assert answer["status"] == "not_needed"
        assert "Nothing was sent" in answer["money"]
        assert agent.asked == []
        assert (await agent.call("list_operations"))["operations"] == []


async def test_a_server_that_only_reads_has_no_tool_that_changes(connect: Connect) -> None:
    async with connect(toolsets=TOOLSETS, read_only=True) as agent:
        names = {tool.name for tool in (await agent.client.list_tools()).tools}
    assert {"get_usage", "get_deployment_settings", "list_alerts"} <= names
    assert {"set_auto_top_up", "create_certificate"}.isdisjoint(names)
