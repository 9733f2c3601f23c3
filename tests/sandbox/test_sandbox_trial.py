"""A wallet that was never paid for: which GPUs it may not have, and how long what it leases runs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from console_world import World, lease_body, new_world, sdl

pytestmark = pytest.mark.anyio

H100 = sdl().replace(
    "        memory:", "        gpu: {units: 1, attributes: {vendor: {nvidia: MODELS}}}\n        memory:"
)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world(trial=True, providers=6) as fresh:
        yield fresh


async def test_it_is_known_as_a_trial(world: World) -> None:
    user = (await world.http.get("/v1/user/me")).json()["data"]
    wallets = (await world.http.get("/v1/wallets", params={"userId": user["id"]})).json()["data"]
    assert (user["trial"], wallets[0]["isTrialing"]) == (True, True)


async def test_a_blocked_gpu_is_refused_by_name(world: World) -> None:
    body = {"data": {"sdl": H100.replace("MODELS", "[{model: h100}]"), "deposit": 1}}
    response = await world.http.post("/v1/deployments", json=body)
    assert response.status_code == 400
    assert response.json()["message"].startswith("Invalid SDL: Nvidia H100 not available on free trial")


async def test_any_gpu_passes_and_bids_of_blocked_ones_are_hidden_and_refused(world: World) -> None:
    created = await world.create(H100.replace("MODELS", "[]"))
    shown = {bid["bid"]["id"]["provider"] for bid in await world.bids(created["dseq"])}
    blocked = {bid.provider for bid in world.truth(created["dseq"]).bids} - shown
    models = {world.network.market[address].gpu for address in shown}
    assert {gpu.model for gpu in models if gpu} == {"t4"}
    chosen = {"dseq": created["dseq"], "gseq": 1, "oseq": 1, "provider": sorted(blocked)[0]}
    response = await world.http.post("/v1/leases", json=lease_body(created, chosen))
    assert response.status_code == 402


async def test_a_lease_on_an_unknown_bid_is_403(world: World) -> None:
    created = await world.create()
    bids = await world.bids(created["dseq"])
    response = await world.http.post(
        "/v1/leases", json=lease_body(created, {**bids[0]["bid"]["id"], "oseq": 2})
    )
    assert response.status_code == 403
    assert "Referenced lease bid not found" in response.json()["message"]


async def test_a_create_closes_what_waits_for_a_lease(world: World) -> None:
    leased, waiting = await world.create(), None
    assert (await world.lease(leased)).status_code == 200
    waiting = await world.create()
    await world.create()
    assert (world.truth(leased["dseq"]).state, world.truth(waiting["dseq"]).state) == ("active", "closed")


async def test_a_lease_ends_after_a_day_and_is_not_funded(world: World) -> None:
    created = await world.create()
    await world.lease(created)
    world.network.clock.skip(23 * 3600)
    deployment = world.truth(created["dseq"])
    assert (deployment.state, len(deployment.escrow.deposits)) == ("active", 1)
    world.network.clock.skip(2 * 3600)
    assert world.truth(created["dseq"]).state == "closed"
