"""From an SDL to a running address and back, with every tool of the default set, in both protocol eras."""

from __future__ import annotations

from decimal import Decimal

import httpx2
import pytest
from agents import ERAS, YES, Connect, text_of

from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("era", ERAS)
async def test_deploy_runs_and_close_gives_the_rest_back(
    era: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(era, answer=YES) as agent:
        deployed = await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=2))
        assert len(agent.asked) == 1
        assert "$2.00" in agent.asked[0]
        dseq = deployed["dseq"]
        async with httpx2.AsyncClient(trust_env=False) as browser:
            page = await browser.get(deployed["services"][0]["uris"][0])
        assert page.status_code == 200

        listed = await agent.call("list_deployments")
        assert [row["dseq"] for row in listed["deployments"]] == [dseq]
        logs = text_of(await agent.ask("get_logs", dseq=dseq))
        assert "GET / HTTP/1.1" in logs
        assert logs.startswith("[data ")
        assert "Started container web" in text_of(await agent.ask("get_events", dseq=dseq))
        assert (await agent.call("diagnose_deployment", dseq=dseq))["healthy"]

        funded = await agent.call("add_funds", dseq=dseq, amount_usd=1)
        assert Decimal(funded["escrow_left_usd"]) > Decimal("2.9")
        changed = sdl.replace("nginx:1.28.0-alpine", "nginx:1.29.0-alpine")
        assert changed != sdl
        assert (await agent.call("update_deployment", dseq=dseq, sdl=changed))["status"] == "updated"

        closed = await agent.call("close_deployment", dseq=dseq)
        assert closed["status"] == "closed"
        assert (await agent.call("get_deployment", id=dseq))["state"] == "closed"
        budget = await agent.call("get_budget")
        assert budget["open_deployments"] == 0
        assert budget["held_usd"] == "0.00"
    account = network.chain.accounts[network.owner]
    assert network.options.balance_uact - account.allowance_uact < 1_000


@pytest.mark.parametrize("era", ERAS)
async def test_create_then_choose_then_lease(era: str, connect: Connect, sdl: str) -> None:
    async with connect(era, answer=YES) as agent:
        dseq = (await agent.call("create_deployment", sdl=sdl, deposit_usd="1"))["dseq"]
        bids = await agent.call("list_bids", dseq=dseq, prefer="cheapest")
        prices = [Decimal(offer["usd_per_hour"]) for offer in bids["offers"]]
        assert prices == sorted(prices)
        assert bids["offers"][0]["reasons"]
        chosen = bids["offers"][-1]
        leased = await agent.finished(
            await agent.call("create_lease", dseq=dseq, providers=[chosen["provider"]], max_usd_per_hour=1)
        )
        assert leased["status"] == "ready"
        shown = await agent.call("get_deployment", id=dseq)
        assert [lease["provider"] for lease in shown["leases"]] == [chosen["provider"]]
        later = await agent.call("list_bids", dseq=dseq)
        assert later["status"] == "leased"
        assert [each["provider"] for each in later["offers"] if each.get("taken")] == [chosen["provider"]]
        assert (await agent.call("close_deployment", dseq=dseq))["status"] == "closed"


async def test_auto_top_up_is_off_before_the_lease(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(answer=YES) as agent:
        deployed = await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=1))
        network.clock.skip(3600)
        state = network.state()
        assert state["settings"] == {deployed["dseq"]: False}
        deployment = network.chain.deployments[(network.owner, deployed["dseq"])]
        assert len(deployment.escrow.deposits) == 1


async def test_an_offer_over_the_rate_is_not_taken_and_nothing_is_left(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(answer=YES) as agent:
        said = await agent.refused("deploy", sdl=sdl, deposit_usd=1, max_usd_per_hour="0.0001")
    assert "closed again, proven" in said
    assert "an hour, more than is allowed (8)" in said
    assert "max_usd_per_hour=0.00" in said
    assert [d.state for d in network.chain.deployments.values()] == ["closed"]


async def test_deploy_without_any_bid_is_closed_again(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    await network.inject("no-bids")
    async with connect(answer=YES) as agent:
        said = await agent.refused("deploy", sdl=sdl, deposit_usd=1)
        assert "closed again, proven" in said
        assert (await agent.call("get_budget"))["held_usd"] == "0.00"


async def test_a_pending_deploy_is_found_by_its_operation(
    connect: Connect, network: EmbeddedNetwork, sdl: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("akash_mcp.tools.carry_out.wait_seconds", lambda *_: 0.01)
    async with connect(answer=YES) as agent:
        pending = await agent.call("deploy", sdl=sdl, deposit_usd=1)
        assert pending["status"] == "pending"
        assert "Do not start it again" in pending["next_step"]
        found = await agent.finished(pending)
        assert found["ready"]
    assert len(network.chain.deployments) == 1
