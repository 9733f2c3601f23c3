"""The tools on each of the three Console APIs: what bounds the spending differs, what is promised does not."""

from __future__ import annotations

from typing import Any

import pytest
from agents import Connect

from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio

ALL = pytest.mark.parametrize("generation", ["2025", "reference", "2026-11"])
NEW = pytest.mark.parametrize("generation", ["2026-11"])


@ALL
async def test_a_deployment_from_start_to_proven_end(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        made = await agent.call("deploy", sdl=sdl, deposit_usd=5, name=" My  blog ")
        deployed = await agent.finished(made)
        dseq = deployed["dseq"]
        assert deployed["status"] == "ready"
        [row] = (await agent.call("list_deployments"))["deployments"]
        assert row["name"] == (await agent.call("get_deployment", id=dseq))["name"] == "My blog"
        assert (await agent.call("add_funds", dseq=dseq, amount_usd=1))["status"] == "funded"
        changed = sdl.replace("1.28.0-alpine", "1.29.0-alpine")
        assert (await agent.call("update_deployment", dseq=dseq, sdl=changed))["status"] == "updated"
        assert (await agent.call("close_deployment", dseq=dseq))["status"] == "closed"
        assert (await agent.call("get_budget"))["held_usd"] == "0.00"
    assert [deployment.state for deployment in network.chain.deployments.values()] == ["closed"]


@ALL
async def test_a_lost_creation_is_found(connect: Connect, network: EmbeddedNetwork, sdl: str) -> None:
    await network.inject("create-500-but-landed", count=1)
    async with connect(approval="auto") as agent:
        done = await agent.finished(await agent.call("create_deployment", sdl=sdl, deposit_usd=5))
        assert done["status"] == "created"
    assert len(network.chain.deployments) == 1


@NEW
async def test_the_runtime_limit_is_what_the_deposit_pays_for(connect: Connect, sdl: str) -> None:
    async with connect() as agent:
        plan = await agent.call("deploy", sdl=sdl, deposit_usd=1, max_usd_per_hour="0.05")
        # An hour has at most 600 blocks: at 6 seconds each, 0.05 at 6.098 seconds is 0.0508.
        assert "19 hours" in plan["summary"]
        assert plan["most_it_can_cost_usd"] == "0.966"
        assert plan["summary"].startswith("At most $0.966.")
        assert "can use" not in plan["summary"]


@NEW
async def test_a_deposit_for_more_than_the_first_hours_is_said_to_be_cut(connect: Connect, sdl: str) -> None:
    async with connect(approval="auto") as agent:
        asked = {"sdl": sdl, "deposit_usd": 9, "max_usd_per_hour": "0.05", "hours": 60}
        made = await agent.call("create_deployment", **asked)
        cut = "Of $9.00 it can use $2.44 at most in 48 hours, and add_funds lets it run longer."
        assert cut in made["money"]
        assert "name is empty" in await agent.refused("deploy", sdl=sdl, deposit_usd=9, name=" ")


@NEW
async def test_the_end_that_is_told_is_the_platform_s(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    # By its escrow it would run for hundreds of hours.
    async with connect(approval="auto") as agent:
        made = await agent.call("deploy", sdl=sdl, deposit_usd=1, max_usd_per_hour="0.05")
        dseq = (await agent.finished(made))["dseq"]
        shown = await agent.call("get_deployment", id=dseq)
        [row] = (await agent.call("list_deployments"))["deployments"]
    limits: Any = network.state()["runtime_limits"]
    assert [limit["hours"] for limit in limits.values()] == [19]
    for told in (shown["hours_left"], row["hours_left"]):
        assert 17 < float(told) <= 19, told


@NEW
async def test_a_deposit_that_does_not_pay_for_an_hour_is_refused(connect: Connect, sdl: str) -> None:
    expensive = sdl.replace("amount: 100", "amount: 100000")
    assert expensive != sdl
    async with connect(approval="auto") as agent:
        assert "does not pay for one hour" in await agent.refused("deploy", sdl=expensive, deposit_usd=1)


@NEW
async def test_the_platform_ends_it_at_its_limit(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        deployed = await agent.finished(
            await agent.call("deploy", sdl=sdl, deposit_usd="0.5", max_usd_per_hour="0.05")
        )
        network.clock.skip(11 * 3600)
        assert (await agent.call("get_deployment", id=deployed["dseq"]))["state"] == "closed"


@pytest.mark.parametrize("generation", ["2025"])
async def test_the_oldest_api_wants_five_dollars(connect: Connect, sdl: str) -> None:
    async with connect(approval="auto") as agent:
        assert "below the minimum of $5.00" in await agent.refused("deploy", sdl=sdl, deposit_usd=1)
