"""Leases where Console keeps the manifest: what is refused before them, and what goes wrong after."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from autumn_world import create, lease, open_bid, with_gpu
from console_world import World, new_world, sdl

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world("2026-11") as fresh:
        yield fresh


async def test_a_lease_needs_no_manifest_and_is_funded_to_two_days(world: World) -> None:
    dseq = await create(world)
    response = await lease(world, dseq)
    assert response.status_code == 200, response.text
    assert response.json()["data"]["leases"][0]["state"] == "active"
    world.network.clock.skip(60)
    deployment = world.truth(dseq)
    assert deployment.escrow.funds >= deployment.rate * 47 * 600
    rate = (await world.http.get("/v1/spend-rate")).json()["data"]["deployments"]
    assert rate == [{"dseq": dseq, "price": {"denom": "uact", "amount": f"{deployment.rate:.18f}"}}]


async def test_a_provider_that_is_not_there_gets_no_lease(world: World) -> None:
    dseq = await create(world)
    await world.network.inject("provider-unreachable")
    response = await lease(world, dseq)
    assert (response.status_code, response.json()["code"]) == (502, "provider_unreachable")
    assert world.truth(dseq).leases == []


@pytest.mark.parametrize(("fault", "status"), [("422", 422), ("400", 400), ("503", 503), ("495", 495)])
async def test_a_manifest_that_does_not_arrive_leaves_a_lease(world: World, fault: str, status: int) -> None:
    """With the provider's own status, so that only the code says it."""
    dseq = await create(world)
    bid = await open_bid(world, dseq)
    await world.network.inject("lease-manifest-fails", count=1, value=fault)
    response = await world.http.post("/v1/leases", json={"leases": [bid]})
    told = response.json()
    assert (response.status_code, told["code"]) == (status, "manifest_not_delivered")
    assert (told["data"]["dseq"], told["data"]["provider"]) == (dseq, bid["provider"])
    assert told["data"]["reason"]
    assert len(world.truth(dseq).active_leases) == 1
    assert (await world.http.post("/v1/leases", json={"leases": [bid]})).status_code == 200
    assert len(world.truth(dseq).leases) == 1


async def test_a_failure_that_is_no_answer_of_the_provider_is_plain_500_though_the_lease_exists(
    world: World,
) -> None:
    dseq = await create(world)
    await world.network.inject("lease-manifest-fails", count=1, value="timeout")
    response = await lease(world, dseq)
    assert (response.status_code, response.json()["code"]) == (500, "internal_server_error")
    assert len(world.truth(dseq).active_leases) == 1


async def test_a_bid_that_is_closed_is_refused_before_any_transaction(world: World) -> None:
    dseq = await create(world)
    bid = await open_bid(world, dseq)
    world.network.clock.skip(600)
    before = len(world.network.chain.transactions)
    response = await world.http.post("/v1/leases", json={"leases": [bid]})
    assert (response.status_code, response.json()["code"]) == (400, "bad_request")
    assert "no longer open" in response.json()["message"]
    assert len(world.network.chain.transactions) == before


async def test_the_answer_is_the_chains_record_alone(world: World) -> None:
    answered = (await lease(world, await create(world))).json()["data"]
    assert answered.keys() == {"deployment", "leases", "escrow_account"}
    assert answered["leases"][0]["status"] is None


async def test_without_a_definition_the_manifest_of_the_request_is_sent(world: World) -> None:
    await world.network.inject("definition-missing", count=1)
    response = await world.http.post("/v1/deployments", json={"data": {"sdl": sdl()}})
    made = response.json()["data"]
    bid = await open_bid(world, made["dseq"])
    refused = await world.http.post("/v1/leases", json={"leases": [bid]})
    assert (refused.status_code, world.truth(made["dseq"]).leases) == (422, [])
    body = {"leases": [bid], "manifest": made["manifest"]}
    assert (await world.http.post("/v1/leases", json=body)).status_code == 200


async def test_a_second_call_creates_nothing_even_for_another_group(world: World) -> None:
    """So that a deployment of several groups is leased in one call, or never in full."""
    dseq = await create(world)
    assert (await lease(world, dseq)).status_code == 200
    bid = await open_bid(world, dseq)
    before = len(world.network.chain.transactions)
    await world.http.post("/v1/leases", json={"leases": [{**bid, "gseq": 2}]})
    assert len(world.network.chain.transactions) == before
    assert len(world.truth(dseq).leases) == 1


async def test_gpus_are_told_on_the_lease_those_offered_at_once_and_those_seen_later(world: World) -> None:
    dseq = await create(world, sdl=with_gpu())
    await lease(world, dseq)
    shown = (await world.get(dseq))["leases"][0]
    offered = shown["offeredGpus"]["gpus"][0]
    assert offered.keys() == {"vendor", "model", "displayName", "ram", "interface", "count"}
    assert "detectedGpus" not in shown
    world.network.clock.skip(120)
    seen = (await world.get(dseq))["leases"][0]["detectedGpus"]
    assert seen["services"][0]["service"] == "web"
    assert seen["services"][0]["gpus"][0]["model"] == offered["model"]
    assert seen["services"][0]["gpus"][0]["memoryMb"] == int(offered["ram"][:-2]) * 1024
    assert seen["driverVersion"]
    await world.network.inject("gpu-other", value="t4")
    other = (await world.get(dseq))["leases"][0]["detectedGpus"]
    assert other["services"][0]["gpus"][0]["model"] == "t4"
