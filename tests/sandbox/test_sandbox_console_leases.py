"""Bids, and what taking one does: the lease, the manifest, and the money that starts to flow."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from console_world import World, lease_body, new_world, sdl

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world() as fresh:
        yield fresh


async def test_bids_arrive_one_after_the_other(world: World) -> None:
    dseq = (await world.create())["dseq"]
    assert (await world.http.get("/v1/bids", params={"dseq": dseq})).json() == {"data": []}
    bids = await world.bids(dseq)
    assert len(bids) == 4
    assert len({item["bid"]["created_at"] for item in bids}) > 1
    assert {item["bid"]["state"] for item in bids} == {"open"}


async def test_a_bid_is_priced_in_uact_with_18_decimals(world: World) -> None:
    bid = (await world.bids((await world.create())["dseq"]))[0]["bid"]
    assert bid["price"]["denom"] == "uact"
    assert len(bid["price"]["amount"].split(".")[1]) == 18
    assert bid["id"]["bseq"] == 0


async def test_both_bid_routes_say_the_same(world: World) -> None:
    dseq = (await world.create())["dseq"]
    by_query = await world.bids(dseq)
    assert (await world.http.get(f"/v1/bids/{dseq}")).json()["data"] == by_query


async def test_bids_on_nothing_are_an_empty_list(world: World) -> None:
    assert (await world.http.get("/v1/bids/42")).json() == {"data": []}


async def test_a_ceiling_below_the_market_gets_no_bid(world: World) -> None:
    assert await world.bids((await world.create(sdl(amount="0.01")))["dseq"]) == []


async def test_expired_bids_stay_listed_as_closed(world: World) -> None:
    created = await world.create()
    bids = await world.bids(created["dseq"])
    world.network.clock.skip(310)
    assert {item["bid"]["state"] for item in await world.bids(created["dseq"])} == {"closed"}
    response = await world.http.post("/v1/leases", json=lease_body(created, bids[0]["bid"]["id"]))
    assert (response.status_code, response.json()["message"]) == (
        400,
        "Failed to create lease: Cannot create lease: The selected bid is no longer open. "
        "Please refresh and select an available bid.",
    )
    assert (await world.get(created["dseq"]))["deployment"]["state"] == "active"


async def test_a_lease_runs_and_becomes_available(world: World) -> None:
    created = await world.create()
    response = await world.lease(created)
    assert response.status_code == 200
    assert response.json()["data"]["leases"][0]["state"] == "active"
    world.network.clock.skip(120)
    status = (await world.get(created["dseq"]))["leases"][0]["status"]
    assert status["services"]["web"]["available"] == 1


async def test_a_lease_costs_rent_from_its_first_block(world: World) -> None:
    created = await world.create(deposit=5)
    await world.lease(created)
    deployment = world.truth(created["dseq"])
    world.network.clock.skip(6098)
    await world.http.delete(f"/v1/deployments/{created['dseq']}")
    spent = Decimal(100_000_000 - world.allowance)
    blocks = deployment.closed_height - deployment.leases[0].created_height
    assert blocks >= 1000
    assert spent - 1 < deployment.leases[0].price * blocks <= spent


async def test_the_same_request_again_only_sends_the_manifest(world: World) -> None:
    created = await world.create()
    first = (await world.lease(created)).json()["data"]["leases"]
    again = await world.http.post("/v1/leases", json=lease_body(created, first[0]["id"]))
    assert again.status_code == 200
    assert [t.kind for t in world.network.chain.transactions].count("create-lease") == 1


async def test_a_second_provider_cannot_be_added_later(world: World) -> None:
    created = await world.create()
    bids = await world.bids(created["dseq"])
    first, second = bids[0]["bid"]["id"], bids[1]["bid"]["id"]
    await world.http.post("/v1/leases", json=lease_body(created, first))
    response = await world.http.post("/v1/leases", json=lease_body(created, second))
    assert response.status_code == 404
    assert "no lease for deployment" in response.json()["message"]
    assert [lease.provider for lease in world.truth(created["dseq"]).leases] == [first["provider"]]


async def test_a_manifest_that_does_not_match_leaves_the_lease_open_and_billing(world: World) -> None:
    created = await world.create()
    other = await world.create(sdl(image="busybox:1.36"))
    created["manifest"] = other["manifest"]
    response = await world.lease(created)
    assert response.status_code == 422
    assert "manifest version validation failed" in response.json()["message"]
    assert [lease.state for lease in world.truth(created["dseq"]).leases] == ["active"]


async def test_no_leases_at_all_is_a_500(world: World) -> None:
    response = await world.http.post("/v1/leases", json={"manifest": "[]", "leases": []})
    assert (response.status_code, response.json()["message"]) == (500, "Internal server error")


async def test_a_provider_that_nobody_knows_is_404(world: World) -> None:
    created = await world.create()
    bid = (await world.bids(created["dseq"]))[0]["bid"]["id"]
    stranger = {**bid, "provider": world.network.owner}
    response = await world.http.post("/v1/leases", json=lease_body(created, stranger))
    assert (response.status_code, response.json()["message"]) == (
        404,
        f"Provider {world.network.owner} not found",
    )


async def test_a_bid_that_was_never_made_is_refused_by_the_chain(world: World) -> None:
    created = await world.create(sdl(amount="0.01"))
    provider = next(iter(world.network.market))
    bid = {"dseq": created["dseq"], "gseq": 1, "oseq": 1, "provider": provider}
    response = await world.http.post("/v1/leases", json=lease_body(created, bid))
    assert response.status_code == 500
    assert "unknown bid" in response.json()["message"]


async def test_a_provider_closes_a_lease_that_never_got_a_manifest(world: World) -> None:
    world.network.faults.set("lease-manifest-fails", value="timeout")
    created = await world.create()
    assert (await world.lease(created)).status_code == 500
    world.network.clock.skip(310)
    lease = (await world.get(created["dseq"]))["leases"][0]
    assert (lease["state"], lease["reason"]) == ("closed", "lease_closed_reason_manifest_timeout")


async def test_escrow_that_runs_dry_closes_everything(world: World) -> None:
    created = await world.create(sdl(cpu="64"), deposit=0.5)
    await world.http.patch(
        f"/v2/deployment-settings/{created['dseq']}", json={"data": {"autoTopUpEnabled": False}}
    )
    await world.lease(created)
    world.network.clock.skip(86_400)
    read = await world.get(created["dseq"])
    assert read["deployment"]["state"] == "closed"
    assert (read["leases"][0]["state"], read["leases"][0]["reason"]) == (
        "insufficient_funds",
        "lease_closed_reason_insufficient_funds",
    )
    assert read["escrow_account"]["state"]["state"] == "overdrawn"
    assert world.allowance == 99_500_000
