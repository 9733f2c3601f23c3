"""Hours: what ends a run is in the question, in what is shown of it, and moved only where that is asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from agents import ERAS, SPEED, YES, Agent, Connect

from akash_mcp.sandbox import transactions
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.workflow.runtime import Intervals

pytestmark = pytest.mark.anyio

ALL = pytest.mark.parametrize("generation", ["2025", "reference", "2026-11"])
INTERVALS = Intervals().times(SPEED)
HOUR = timedelta(seconds=INTERVALS.hour)


def end(shown: dict[str, Any]) -> datetime:
    return datetime.strptime(shown["ends_at"], "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)


async def deployed(agent: Agent, sdl: str, deposit: str = "5", **more: Any) -> str:
    made = await agent.call("deploy", sdl=sdl, deposit_usd=deposit, max_usd_per_hour="0.06", **more)
    done = await agent.finished(made)
    assert done["status"] == "ready"
    return str(done["dseq"])


@ALL
async def test_the_question_says_what_ends_it_and_what_does_where_this_machine_is_off(
    generation: str, connect: Connect, sdl: str
) -> None:
    async with connect(ERAS[0], answer=YES) as agent:
        await deployed(agent, sdl, hours=7)
        [question] = agent.asked
    if generation == "2026-11":
        assert "Akash closes it 7 hours after its lease starts, also when this machine is off" in question
    else:
        assert "It is closed 7 hours after its lease starts, by this server or akash-mcp watch." in question
        assert "If neither runs then, it ends when its escrow is used up" in question


async def test_without_hours_the_default_of_the_policy_holds(connect: Connect, sdl: str) -> None:
    async with connect() as agent:
        plan = await agent.call("deploy", sdl=sdl, deposit_usd=5)
        assert "closed 24 hours after" in plan["summary"]
        assert "over the user's limit of 720" in await agent.refused(
            "deploy", sdl=sdl, deposit_usd=5, hours=721
        )
        assert "hours" in await agent.refused("deploy", sdl=sdl, deposit_usd=5, hours=0)


@ALL
async def test_what_ends_it_is_shown(
    generation: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    # The platform's hours are as long as ours only where ours are not shortened.
    intervals = replace(INTERVALS, hour=3600.0)
    async with connect(approval="auto", intervals=intervals) as agent:
        dseq = await deployed(agent, sdl, hours=10)
        shown = await agent.call("get_deployment", id=dseq)
        [row] = (await agent.call("list_deployments"))["deployments"]
    for each in (shown, row):
        if generation == "2026-11":
            assert each["ended_by"] == "Akash, by its runtime limit"
        else:
            assert each["ended_by"] == "this server or akash-mcp watch"
        assert abs(end(each) - datetime.now(UTC) - timedelta(hours=10)) < timedelta(minutes=20)


@pytest.mark.parametrize("generation", ["2025", "reference"])
async def test_hours_that_the_escrow_pays_for_move_the_end_and_no_money(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(answer=YES) as agent:
        dseq = await deployed(agent, sdl, hours=10)
        before = await agent.call("get_deployment", id=dseq)
        put_in = [deployment.escrow.deposits for deployment in network.chain.deployments.values()]
        moved = await agent.call("add_funds", dseq=dseq, hours=5)
        after = await agent.call("get_deployment", id=dseq)
        assert (moved["status"], moved["money"].startswith("No money moved")) == ("funded", True)
        assert [deployment.escrow.deposits for deployment in network.chain.deployments.values()] == put_in
        assert abs(end(after) - end(before) - 5 * HOUR) <= timedelta(minutes=1)
        assert len(agent.asked) == 2
        assert "No cost beyond what is reserved for it already." in agent.asked[1]


async def test_hours_that_nothing_pays_for_are_refused_with_the_amount(connect: Connect, sdl: str) -> None:
    async with connect(approval="auto", max_usd_per_deployment=20) as agent:
        dseq = await deployed(agent, sdl, "0.5", hours=10)
        said = await agent.refused("add_funds", dseq=dseq, hours=700)
        assert "more than its escrow holds" in said
        amount = said.partition("amount_usd=")[2].partition(",")[0]
        assert (await agent.call("add_funds", dseq=dseq, hours=700, amount_usd=amount))["status"] == "funded"
        assert "over the user's limit of 720" in await agent.refused("add_funds", dseq=dseq, hours=11)
        assert "Neither amount_usd nor hours" in await agent.refused("add_funds", dseq=dseq)


@pytest.mark.parametrize("generation", ["2026-11"])
async def test_where_the_console_pays_hours_raise_the_limit_and_the_end_with_it(
    generation: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        dseq = await deployed(agent, sdl, hours=10)
        assert (await agent.call("add_funds", dseq=dseq, hours=5))["status"] == "funded"
        limits: Any = network.state()["runtime_limits"]
        assert [limit["hours"] for limit in limits.values()] == [15]
        assert "by 48 hours at most" in await agent.refused("add_funds", dseq=dseq, hours=49)


async def test_a_read_that_sees_it_closed_gives_its_slot_back(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    for read in ("get_deployment", "list_deployments", "close_deployment"):
        async with connect(approval="auto") as agent:
            dseq = (await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"]
            transactions.close_deployment(network.chain, network.owner, dseq)
            assert (await agent.call("get_budget"))["open_deployments"] == 1
            arguments = {"get_deployment": {"id": dseq}, "close_deployment": {"dseq": dseq}}.get(read, {})
            await agent.call(read, **arguments)
            budget = await agent.call("get_budget")
            assert (budget["open_deployments"], budget["held_usd"]) == (0, "0.00"), read


async def test_the_answers_say_until_when_it_runs(connect: Connect, sdl: str) -> None:
    async with connect(answer=YES) as agent:
        answer = await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=1, hours=2))
        assert "until it is closed 2 hours after its lease began" in answer["money"]
        [question] = agent.asked
        assert "tried at another one, within the same $1.00." in question
        moved = await agent.call("add_funds", dseq=answer["dseq"], hours=3)
        until = agent.asked[-1].split("until ")[1].split(",")[0]
        assert moved["summary"] == f"Deployment {answer['dseq']} may run 3 h longer, until {until}."
        assert moved["money"].startswith("No money moved")
