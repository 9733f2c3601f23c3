"""The Console of autumn 2026: how it is told, its names and lists, its keys and what it says without money."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from autumn_world import create, lease
from console_world import World, new_world, sdl

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world("2026-11") as fresh:
        yield fresh


async def test_the_generation_is_recognised_by_its_funding_config(world: World) -> None:
    config = (await world.http.get("/v1/deployment-funding-config")).json()["data"]
    assert config == {"targetRunwayHours": 48, "balanceHeadroomUsd": 5, "defaultDepositUsd": 0.5}
    async with new_world() as other:
        assert (await other.http.get("/v1/deployment-funding-config")).status_code == 404


async def test_a_deposit_is_ignored(world: World) -> None:
    await create(world, deposit=50)
    balances = (await world.http.get("/v1/balances")).json()["data"]
    assert balances == {"balance": 99_500_000, "deployments": 500_000, "total": 100_000_000}


async def test_a_name_finds_a_creation_whose_answer_was_lost(world: World) -> None:
    await world.network.inject("create-500-but-landed", count=1)
    body = {"data": {"sdl": sdl(), "name": "op-17"}}
    assert (await world.http.post("/v1/deployments", json=body)).status_code == 500
    await create(world, name="op-18")
    found = (await world.http.get("/v1/deployments", params={"search": "op-17"})).json()["data"]
    assert [each["name"] for each in found["deployments"]] == ["op-17"]
    assert found["pagination"]["total"] is None
    dseq = found["deployments"][0]["deployment"]["id"]["dseq"]
    await world.http.delete(f"/v1/deployments/{dseq}")
    closed = await world.http.get("/v1/deployments", params={"search": "op-17", "state": "closed"})
    assert len(closed.json()["data"]["deployments"]) == 1


async def test_the_list_is_paged_by_has_more_and_can_be_reversed(world: World) -> None:
    made = [await create(world) for _ in range(3)]
    page = (await world.http.get("/v1/deployments", params={"limit": 2, "reverse": "true"})).json()["data"]
    assert [d["deployment"]["id"]["dseq"] for d in page["deployments"]] == made[:0:-1]
    assert page["pagination"] == {"total": 3, "skip": 0, "limit": 2, "hasMore": True}
    assert (await world.http.get("/v1/deployments", params={"limit": 101})).status_code == 400


async def test_a_search_can_span_too_much(world: World) -> None:
    await world.network.inject("search-too-wide", count=1)
    assert (await world.http.get("/v1/deployments", params={"search": "a"})).status_code == 422


async def test_too_little_money_has_codes_and_amounts(world: World) -> None:
    body = {"data": {"sdl": sdl()}}
    world.network.chain.accounts[world.network.owner].allowance_uact = 400_000
    poor = (await world.http.post("/v1/deployments", json=body)).json()
    assert poor["code"] == "insufficient_balance"
    assert poor["data"] == {"requiredAmountUsd": 0.5, "availableAmountUsd": 0.4}
    await world.network.inject("top-up-pending", count=1, value="9")
    pending = await world.http.post("/v1/deployments", json=body)
    assert (pending.json()["code"], pending.headers["retry-after"]) == ("balance_top_up_pending", "9")
    await world.network.inject("insufficient-balance", count=1, value="fee")
    assert (await world.http.post("/v1/deployments", json=body)).json()["code"] == "payment_required"


async def test_a_policy_may_have_to_be_accepted_first(world: World) -> None:
    await world.network.inject("fair-use-policy", count=1)
    response = await world.http.post("/v1/deployments", json={"data": {"sdl": sdl()}})
    assert (response.status_code, response.json()["code"]) == (403, "fair_use_policy_required")


async def test_what_has_no_name_is_called_after_its_services(world: World) -> None:
    plain, named = await create(world), await create(world, name="  shop ")
    names = await world.http.get("/v1/deployment-names", params={"dseq": [plain, named, "17"]})
    assert names.json() == {"data": {plain: "web", named: "shop", "17": None}}
    assert (await world.http.get("/v1/deployment-names")).status_code == 400


async def test_the_list_has_the_groups_and_the_settings_and_the_detail_has_neither(world: World) -> None:
    dseq = await create(world, runtimeLimitHours=3)
    listed = (await world.http.get("/v1/deployments")).json()["data"]["deployments"][0]
    assert listed["settings"] == {
        "name": "web", "runtimeLimitHours": 3, "runtimeEndsAt": None, "closed": False
    }  # fmt: skip
    assert listed["groups"][0]["group_spec"]["name"] == "dcloud"
    read = await world.get(dseq)
    assert read.keys() == {"deployment", "leases", "escrow_account", "name", "consoleSettings"}


async def test_what_can_be_placed_now_is_told(world: World) -> None:
    options = (await world.http.get("/v1/placement-options")).json()
    model = options["gpus"][0]["models"][0]
    assert model["availableUnits"] == sum(each["availableUnits"] for each in model["variants"]) > 0
    assert options["regionProviderCounts"].keys() == set(options["regions"])


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ({"gpuModels": "H100"}, lambda found, world: {g["model"] for p in found for g in p["gpuModels"]} == {"h100"}),
        ({"audited": "false"}, lambda found, world: not any(p["isAudited"] for p in found)),
        ({"sort": "gpus-desc"}, lambda found, world: _sorted([-p["stats"]["gpu"]["total"] for p in found])),
        ({}, lambda found, world: _sorted([-p["leaseCount"] for p in found])),
        ({"sort": "active-leases-asc"}, lambda found, world: _sorted([p["leaseCount"] for p in found])),
    ],
)  # fmt: skip
async def test_providers_are_found_by_what_one_looks_for(query: dict[str, str], holds: Any) -> None:
    async with new_world("2026-11", providers=10) as world:
        await lease(world, await create(world))
        response = await world.http.get("/v1/provider-search", params=query)
        found = response.json()["data"]["providers"]
        assert found
        assert holds(found, world)


async def test_providers_can_be_sorted_by_the_leases_of_a_wallet(world: World) -> None:
    dseq = await create(world)
    await lease(world, dseq)
    mine = world.truth(dseq).leases[0].provider
    for sort in ("wallet-leases-desc", "wallet-active-leases-desc"):
        query = {"sort": sort, "walletAddress": world.network.owner, "limit": "1"}
        found = (await world.http.get("/v1/provider-search", params=query)).json()["data"]
        assert [each["owner"] for each in found["providers"]] == [mine]
        assert found["pagination"]["hasMore"]
    only = await world.http.get("/v1/provider-search", params={"addresses": mine})
    assert only.json()["data"]["pagination"]["total"] == 1
    assert (await world.http.get("/v1/provider-search", params={"sort": "name"})).status_code == 400


async def test_a_key_can_be_made_that_opens_as_much_and_taken_away(world: World) -> None:
    made = (await world.http.post("/v1/api-keys", json={"data": {"name": "ci"}})).json()["data"]
    theirs = {"x-api-key": made["apiKey"]}
    assert (await world.http.get("/v1/deployments", headers=theirs)).status_code == 200
    listed = (await world.http.get("/v1/api-keys")).json()["data"]
    assert [key["name"] for key in listed] == ["sandbox", "ci"]
    assert made["apiKey"] not in str(listed)
    path = f"/v1/api-keys/{made['id']}"
    renamed = await world.http.patch(path, json={"data": {"name": "cd"}})
    assert renamed.json()["data"]["name"] == "cd"
    assert (await world.http.delete(path)).status_code == 204
    assert (await world.http.get("/v1/deployments", headers=theirs)).status_code == 401


async def test_a_key_that_has_expired_opens_nothing(world: World) -> None:
    body = {"data": {"name": "old", "expiresAt": "2020-01-01T00:00:00Z"}}
    made = (await world.http.post("/v1/api-keys", json=body)).json()["data"]
    response = await world.http.get("/v1/deployments", headers={"x-api-key": made["apiKey"]})
    assert response.status_code == 401


async def test_recharge_by_card_can_only_be_off_and_has_bounds(world: World) -> None:
    path, off = "/v1/wallet-settings", {"autoReloadEnabled": False}
    assert (await world.http.get(path)).status_code == 404
    for low in ({"autoReloadThreshold": 9}, {"autoReloadAmount": 24}):
        assert (await world.http.post(path, json={"data": {**off, **low}})).status_code == 400
    assert (await world.http.post(path, json={"data": {"autoReloadEnabled": True}})).status_code == 404
    assert (await world.http.post(path, json={"data": off})).json()["data"]["autoReloadPausedAt"] is None


async def test_an_unknown_deployment_to_inherit_secrets_from_is_404_and_creates_nothing(world: World) -> None:
    body = {"data": {"sdl": sdl(), "inheritSecretsFrom": "17"}}
    assert (await world.http.post("/v1/deployments", json=body)).status_code == 404
    assert world.network.chain.transactions == []


async def test_blocks_are_foretold_at_the_chains_own_pace(world: World) -> None:
    clock = world.network.clock
    height = clock.height() + 590
    date = (await world.http.get(f"/v1/predicted-block-date/{height}")).json()
    assert date["height"] == height
    later = await world.http.get(f"/v1/predicted-date-height/{int(clock.now()) + 3600}")
    assert abs(later.json()["predictedHeight"] - height) < 10


async def test_how_long_leases_ran_is_told_once_they_are_over(world: World) -> None:
    dseq = await create(world)
    await lease(world, dseq)
    path = f"/v1/leases-duration/{world.network.owner}"
    assert (await world.http.get(path)).json()["leaseCount"] == 0
    world.network.clock.skip(3600)
    await world.http.delete(f"/v1/deployments/{dseq}")
    told = (await world.http.get(path, params={"dseq": dseq})).json()
    assert told["leaseCount"] == 1
    assert 3590 < told["totalDurationInSeconds"] < 3660
    ended = await world.http.get(path, params={"endDate": "2020-01-01"})
    assert ended.json()["leaseCount"] == 0


def _sorted(keys: list[int]) -> bool:
    return keys == sorted(keys)
