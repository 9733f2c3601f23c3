"""What became of our leases is learnt where it is seen, told among the reasons, and passed over where it was bad."""

from __future__ import annotations

from typing import Any

import pytest
from agents import Connect
from failing_deployments import IMPATIENT, diagnosed_after, leased, sdl_of, service

from akash_mcp import config
from akash_mcp.guard.books.store import Store
from akash_mcp.guard.books.track_records import TrackRecords
from akash_mcp.ids import ProviderAddress
from akash_mcp.sandbox import transactions
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.services import services
from akash_mcp.track_record import TrackRecord
from akash_mcp.workflow.runtime import Intervals
from akash_mcp.workflow.watch.looking import Watch

pytestmark = pytest.mark.anyio

WITH_GPU = "gpu: {units: 1, attributes: {vendor: {nvidia: [{model: t4}]}}}"


async def record_of(settings: config.Settings, provider: str) -> TrackRecord:
    store = Store(settings.state_dir)
    try:
        return await TrackRecords(store).of(ProviderAddress(provider))
    finally:
        store.close()


def end_leases(network: EmbeddedNetwork, reason: str) -> str:
    """A provider ends its lease, for a reason: which provider."""
    [deployment] = network.chain.deployments.values()
    [lease] = deployment.leases
    transactions.close_lease(network.chain, network.owner, lease, reason=reason)
    return lease.provider


async def test_what_ran_is_told_with_the_next_bid_of_its_provider(
    connect: Connect, settings: config.Settings, sdl: str
) -> None:
    arguments: dict[str, Any] = {"sdl": sdl, "deposit_usd": "1", "prefer": "cheapest"}
    async with connect(approval="auto") as agent:
        ran = await agent.finished(await agent.call("deploy", **arguments))
        [lease] = (await agent.call("get_deployment", id=ran["dseq"]))["leases"]
        known = await record_of(settings, lease["provider"])
        assert (known.leases, known.ran, known.interruptions) == (1, 1, 0)
        assert known.ready_seconds is not None
        assert known.ready_seconds > 0
        dseq = (await agent.call("create_deployment", sdl=sdl, deposit_usd="1"))["dseq"]
        offers = (await agent.call("list_bids", dseq=dseq, wait_s=40))["offers"]
        told = {each["provider"]: " ".join(each.get("reasons", [])) for each in offers}
        assert f"; {known}: an interruption within" in told[lease["provider"]]
        assert [each for each in told.values() if " for us" in each] == [told[lease["provider"]]]


async def test_a_provider_that_took_no_manifest_failed_us_and_is_left_out_by_name(
    connect: Connect, settings: config.Settings, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        await network.inject("lease-manifest-fails", value="422", count=2)
        ran = await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd="3"))
        first, last = (deployment.leases[0].provider for deployment in network.chain.deployments.values())
        refused, took = await record_of(settings, first), await record_of(settings, last)
        assert (refused.leases, refused.ran, refused.failed) == (1, 0, 1)
        assert refused.last_failure == "it did not take a manifest"
        assert (took.ran, took.failed) == (1, 0)
        await agent.call("close_deployment", dseq=ran["dseq"])
        again = await agent.call("deploy", sdl=sdl, deposit_usd="1")
        again = again if "summary" in again and again["status"] == "ready" else await agent.finished(again)
        dseq = again["dseq"]
        found = await agent.call("list_bids", dseq=dseq)
        [out] = [each for each in found["rejected"] if each["provider"] == first]
        assert out["reasons"] == ["the provider failed us lately: it did not take a manifest"]


@pytest.mark.parametrize(
    ("reason", "closed"),
    [("lease_closed_reason_decommission", 1), ("lease_closed_reason_unstable", 0)],
)
async def test_a_lease_that_its_provider_ended_is_counted_once_and_an_unstable_app_is_not(
    reason: str, closed: int, connect: Connect, settings: config.Settings, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        ran = await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd="1"))
        provider = end_leases(network, reason)
        for seconds in (60, 600):
            await diagnosed_after(agent, network, ran["dseq"], seconds)
        known = await record_of(settings, provider)
        assert (known.ran, known.closed_by_provider, known.interruptions) == (1, closed, closed)


async def test_the_watch_learns_of_what_a_provider_ended(
    connect: Connect, settings: config.Settings, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd="1"))
    [deployment] = network.chain.deployments.values()
    provider = deployment.leases[0].provider
    begun = (await record_of(settings, provider)).hours
    async with services(settings, Store(settings.state_dir), Intervals()) as rt:
        await rt.accounts.bind()
        await Watch(rt).look(whole=True)
        assert (await record_of(settings, provider)).hours >= begun
        end_leases(network, "lease_closed_reason_unspecified")
        network.clock.skip(60)
        network.chain.schedule.catch_up()
        await Watch(rt).look(whole=True)
    known = await record_of(settings, provider)
    assert (known.ran, known.closed_by_provider) == (1, 1)


@pytest.mark.parametrize("generation", ["2026-11"])
async def test_whether_the_gpu_is_as_promised_is_learnt_from_its_containers(
    connect: Connect, settings: config.Settings, network: EmbeddedNetwork
) -> None:
    sdl = sdl_of(web=service("nginx:1.29")).replace("cpu:", f"{WITH_GPU}\n        cpu:")
    async with connect(approval="auto", intervals=IMPATIENT) as agent:
        dseq = await leased(agent, network, sdl.replace("amount: 100", "amount: 400"))
        [lease] = (await agent.call("get_deployment", id=dseq))["leases"]
        await diagnosed_after(agent, network, dseq, 700)
        known = await record_of(settings, lease["provider"])
        assert (known.gpus_as_promised, known.other_gpus) == (1, 0)
        await network.inject("gpu-other", value="p4")
        await agent.call("diagnose_deployment", dseq=dseq)
        known = await record_of(settings, lease["provider"])
        assert (known.gpus_as_promised, known.other_gpus, known.failed, known.interruptions) == (0, 1, 0, 1)
