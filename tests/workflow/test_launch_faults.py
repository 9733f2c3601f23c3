"""A launch on a network that misbehaves ends in one of two ways: it runs, or it is proven closed and says why.

And in none of them is a request that may have spent sent twice.
"""

from __future__ import annotations

from typing import Any

import pytest
from agents import Connect

from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio


def requests(network: EmbeddedNetwork, route: str) -> int:
    counted: Any = network.state()["requests"]
    return int(counted.get(route, 0))


def states(network: EmbeddedNetwork) -> list[str]:
    return [deployment.state for deployment in network.chain.deployments.values()]


@pytest.mark.parametrize("tool", ["deploy", "create_deployment"])
async def test_a_create_that_landed_without_an_answer_is_found_and_not_repeated(
    tool: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    await network.inject("create-500-but-landed", count=1)
    async with connect(approval="auto") as agent:
        done = await agent.finished(await agent.call(tool, sdl=sdl, deposit_usd=1))
        assert done["status"] == ("ready" if tool == "deploy" else "created")
        assert (await agent.call("get_budget"))["held_usd"] == "1.00"
    assert requests(network, "POST /v1/deployments") == 1


async def test_a_create_that_left_no_trace_is_unknown_and_stays_held(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    await network.inject("drop-connection", value="before", route="POST /v1/deployments")
    async with connect(approval="auto") as agent:
        said = await agent.refused("deploy", sdl=sdl, deposit_usd=1)
        assert "Whether money moved is not known yet." in said
        assert "Do not simply try again." in said
        assert (await agent.call("get_budget"))["held_usd"] == "1.00"
    assert not network.chain.deployments


async def test_an_older_deployment_of_the_same_sdl_is_not_taken_for_the_lost_one(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        first = (await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"]
        await network.inject("drop-connection", value="before", route="POST /v1/deployments")
        assert "not known yet" in await agent.refused("create_deployment", sdl=sdl, deposit_usd=1)
    assert list(network.chain.deployments) == [(network.owner, first)]


async def test_a_create_that_is_refused_holds_nothing(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    await network.inject("insufficient-balance")
    async with connect(approval="auto") as agent:
        said = await agent.refused("deploy", sdl=sdl, deposit_usd=1)
        assert "No money moved." in said
        assert "balance" in said
        assert (await agent.call("get_budget"))["held_usd"] == "0.00"
    assert not network.chain.deployments


@pytest.mark.parametrize("value", ["503", "400", "422", "495"])
async def test_a_manifest_that_is_refused_once_is_delivered_again(
    value: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    await network.inject("lease-manifest-fails", count=1, value=value)
    async with connect(approval="auto") as agent:
        deployed = await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=1))
        assert deployed["status"] == "ready"
    (deployment,) = network.chain.deployments.values()
    assert len(deployment.leases) == 1


async def test_a_manifest_that_is_never_taken_ends_in_a_proven_close(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    await network.inject("lease-manifest-fails", value="422")
    async with connect(approval="auto") as agent:
        said = await agent.refused("deploy", sdl=sdl, deposit_usd=1)
        assert "does not take the manifest" in said
        assert "closed again, proven" in said
        assert (await agent.call("get_budget"))["held_usd"] == "0.00"
    assert states(network) == ["closed"] * 3


@pytest.mark.parametrize("generation", ["2026-11"])
async def test_a_provider_that_refuses_manifests_keeps_nobody_from_leasing_elsewhere(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    await network.inject("lease-manifest-fails", count=2, value="422")
    async with connect(approval="auto") as agent:
        deployed = await agent.call("deploy", sdl=sdl, deposit_usd=1)
        assert deployed["status"] == "ready"
        assert "manifest version validation failed" in deployed["summary"]  # in the provider's words
        assert "closed again, proven" in deployed["summary"]
    assert states(network) == ["closed", "active"]
    assert requests(network, "POST /v1/leases") == 3


async def test_a_lease_whose_answer_was_cut_off_runs(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    await network.inject("drop-connection", count=1, value="after", route="POST /v1/leases")
    async with connect(approval="auto") as agent:
        deployed = await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=1))
        assert deployed["status"] == "ready"
    (deployment,) = network.chain.deployments.values()
    assert len(deployment.leases) == 1


@pytest.mark.parametrize(
    "fault", ["wallet-provisioning", "chain-down", "indexer-lag", "swapped-leases", "lying-list"]
)
async def test_what_passes_is_waited_out(
    fault: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    await network.inject(fault, count=1)
    async with connect(approval="auto") as agent:
        deployed = await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=1))
        assert deployed["status"] == "ready"
        assert (await agent.call("close_deployment", dseq=deployed["dseq"]))["status"] == "closed"
    assert states(network) == ["closed"]


async def test_a_close_that_failed_once_is_tried_again(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        dseq = (await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"]
        await network.inject("close-fails", count=1)
        assert (await agent.call("close_deployment", dseq=dseq))["status"] == "closed"


async def test_busy_reads_are_waited_for(connect: Connect, network: EmbeddedNetwork, sdl: str) -> None:
    await network.inject("503-html", count=2, route="GET /v1/bids")
    await network.inject("429", count=1, value="0", route="GET /v1/providers")
    async with connect(approval="auto") as agent:
        deployed = await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=1))
        assert deployed["status"] == "ready"


@pytest.mark.parametrize("value", ["500", "landed"])
async def test_a_close_is_claimed_only_when_it_is_true(
    value: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        dseq = (await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"]
        await network.inject("close-fails", value=value)
        if value == "landed":
            assert (await agent.call("close_deployment", dseq=dseq))["status"] == "closed"
            assert states(network) == ["closed"]
        else:
            said = await agent.refused("close_deployment", dseq=dseq)
            assert "not proven closed" in said
            assert (await agent.call("get_budget"))["held_usd"] == "1.00"
            await network.inject("close-fails", count=0)
            assert (await agent.call("close_deployment", dseq=dseq))["status"] == "closed"
            assert (await agent.call("get_budget"))["held_usd"] == "0.00"


async def test_funds_whose_answer_was_lost_stay_held_and_are_sent_once(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        dseq = (await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"]
        await network.inject("drop-connection", value="after", route="POST /v1/deposit-deployment")
        said = await agent.refused("add_funds", dseq=dseq, amount_usd=1)
        assert "not known yet" in said
        assert (await agent.call("get_budget"))["held_usd"] == "2.00"
    assert requests(network, "POST /v1/deposit-deployment") == 1


async def test_a_damaged_ledger_stops_spending_and_never_closing(
    connect: Connect, network: EmbeddedNetwork, sdl: str, tmp_path: Any
) -> None:
    async with connect(approval="auto") as agent:
        dseq = (await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"]
    for file in (tmp_path / "state").iterdir():
        file.write_bytes(b"rubbish" * 1000)
    async with connect(approval="auto") as agent:
        said = await agent.refused("add_funds", dseq=dseq, amount_usd=1)
        assert "nothing can be spent" in said
        # Whose it is nobody knows any more, so the plan is shown first.
        shown = await agent.call("close_deployment", dseq=dseq)
        closed = await agent.agreed(shown)
        assert closed["status"] == "closed"
        # Repeating it is harmless, and a ledger that cannot say whether it was done does not stand in its way.
        again = await agent.agreed(shown)
        assert again["op_id"] == closed["op_id"]
    assert states(network) == ["closed"]
