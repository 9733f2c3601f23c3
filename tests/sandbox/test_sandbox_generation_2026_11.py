"""The Console of autumn 2026: it keeps the SDL, funds by itself, and ends what has run long enough."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import httpx2
import pytest
from console_world import World, new_world, sdl

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world("2026-11") as fresh:
        yield fresh


async def create(world: World, **data: Any) -> str:
    response = await world.http.post("/v1/deployments", json={"data": {"sdl": sdl(), **data}})
    assert response.status_code == 201, response.text
    dseq: str = response.json()["data"]["dseq"]
    return dseq


async def lease(world: World, dseq: str) -> httpx2.Response:
    bids = await world.bids(dseq)
    chosen = {key: bids[0]["bid"]["id"][key] for key in ("dseq", "gseq", "oseq", "provider")}
    return await world.http.post("/v1/leases", json={"leases": [chosen]})


async def patch(world: World, dseq: str, **data: Any) -> httpx2.Response:
    return await world.http.patch(f"/v1/deployments/{dseq}", json={"data": data})


async def settings(world: World, dseq: str, **data: Any) -> httpx2.Response:
    return await world.http.patch(f"/v2/deployment-settings/{dseq}", json={"data": data})


async def test_the_generation_is_recognised_by_its_funding_config(world: World) -> None:
    config = (await world.http.get("/v1/deployment-funding-config")).json()["data"]
    assert config == {"targetRunwayHours": 48, "balanceHeadroomUsd": 5, "defaultDepositUsd": 0.5}
    async with new_world() as other:
        assert (await other.http.get("/v1/deployment-funding-config")).status_code == 404


async def test_a_deposit_is_ignored(world: World) -> None:
    await create(world, deposit=50)
    balances = (await world.http.get("/v1/balances")).json()["data"]
    assert balances == {"balance": 99.5, "deployments": 0.5, "total": 100}


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


async def test_a_runtime_limit_ends_the_deployment(world: World) -> None:
    dseq = await create(world, runtimeLimitHours=2)
    read = await world.get(dseq)
    assert (read["settings"]["runtimeLimitHours"], read["settings"]["runtimeEndsAt"]) == (2, None)
    await lease(world, dseq)
    ends = datetime.fromisoformat((await world.get(dseq))["settings"]["runtimeEndsAt"])
    now = datetime.fromtimestamp(world.network.clock.now(), ends.tzinfo)
    assert 7000 < (ends - now).total_seconds() <= 7200
    world.network.clock.skip(7000)
    assert world.truth(dseq).state == "active"
    world.network.clock.skip(300)
    assert world.truth(dseq).state == "closed"
    assert world.allowance > 99_000_000


async def test_a_raised_limit_ends_it_later_and_no_limit_never(world: World) -> None:
    dseq = await create(world, runtimeLimitHours=1)
    await lease(world, dseq)
    assert (await settings(world, dseq, runtimeLimitHours=3)).status_code == 200
    world.network.clock.skip(2 * 3600)
    assert world.truth(dseq).state == "active"
    assert (await settings(world, dseq, runtimeLimitHours=None)).json()["data"]["runtimeEndsAt"] is None
    world.network.clock.skip(48 * 3600)
    assert world.truth(dseq).state == "active"


@pytest.mark.parametrize("hours", [1, 51, 8761])
async def test_a_limit_is_neither_lowered_nor_raised_by_more_than_two_days(world: World, hours: int) -> None:
    dseq = await create(world, runtimeLimitHours=2)
    assert (await settings(world, dseq, runtimeLimitHours=hours)).status_code == 400


@pytest.mark.parametrize("hours", [0.5, 49, "2"])
async def test_a_first_limit_is_one_to_48_hours(world: World, hours: object) -> None:
    body = {"data": {"sdl": sdl(), "runtimeLimitHours": hours}}
    assert (await world.http.post("/v1/deployments", json=body)).status_code == 400


async def test_funding_cannot_be_switched_off(world: World) -> None:
    dseq = await create(world)
    assert (await settings(world, dseq, autoTopUpEnabled=False)).status_code == 400
    assert (await settings(world, dseq, closeReason="cost_or_budget")).status_code == 200
    assert (await settings(world, dseq, closeReason="bored")).status_code == 400
    body = {"data": {"dseq": dseq, "runtimeLimitHours": 5}}
    for _ in range(2):
        assert (await world.http.post("/v2/deployment-settings", json=body)).status_code == 201


async def test_somebody_elses_change_of_settings_is_409(world: World) -> None:
    dseq = await create(world)
    await world.network.inject("settings-conflict", count=1)
    assert (await settings(world, dseq, runtimeLimitHours=5)).status_code == 409
    assert (await settings(world, dseq, runtimeLimitHours=5)).status_code == 200


async def test_a_provider_that_is_not_there_gets_no_lease(world: World) -> None:
    dseq = await create(world)
    await world.network.inject("provider-unreachable")
    response = await lease(world, dseq)
    assert (response.status_code, response.json()["code"]) == (502, "provider_unreachable")
    assert world.truth(dseq).leases == []


async def test_a_manifest_that_does_not_arrive_leaves_a_lease(world: World) -> None:
    dseq = await create(world)
    await world.network.inject("lease-manifest-fails", count=1, value="400")
    response = await lease(world, dseq)
    assert (response.status_code, response.json()["code"]) == (502, "manifest_not_delivered")
    assert len(world.truth(dseq).active_leases) == 1
    assert (await lease(world, dseq)).status_code == 200
    assert len(world.truth(dseq).leases) == 1


async def test_every_group_needs_its_lease_in_the_same_call(world: World) -> None:
    dseq = await create(world)
    bids = await world.bids(dseq)
    each = {key: bids[0]["bid"]["id"][key] for key in ("dseq", "gseq", "oseq", "provider")}
    response = await world.http.post("/v1/leases", json={"leases": [each, {**each, "gseq": 2}]})
    assert response.status_code == 400


async def test_named_fields_are_patched_and_the_rest_stays(world: World) -> None:
    dseq = await create(world, name="shop")
    await lease(world, dseq)
    version = (await world.get(dseq))["consoleSettings"]["manifestVersion"]
    change = {"web": {"image": "nginx:1.28", "env": {"A": "1"}, "expose": {"80": {"accept": ["a.example"]}}}}
    response = await patch(world, dseq, services=change, ifManifestVersion=version, name="store")
    assert response.status_code == 200, response.text
    read = response.json()["data"]
    assert "nginx:1.28" in read["consoleSettings"]["sdl"]
    assert '"A=1"' in read["consoleSettings"]["sdl"]
    assert read["name"] == read["settings"]["name"] == "store"
    assert read["deployment"]["hash"] == read["consoleSettings"]["manifestVersion"] != version
    removed = (await patch(world, dseq, services={"web": {"env": {"A": None}}})).json()["data"]
    assert "A=1" not in removed["consoleSettings"]["sdl"]


async def test_a_patch_of_an_older_version_is_409_unless_it_is_done_already(world: World) -> None:
    dseq = await create(world)
    await lease(world, dseq)
    version = (await world.get(dseq))["consoleSettings"]["manifestVersion"]
    first = {"services": {"web": {"image": "nginx:1.28"}}, "ifManifestVersion": version}
    await world.network.inject("lease-manifest-fails", count=1)
    assert (await patch(world, dseq, **first)).json()["code"] == "manifest_not_delivered"
    assert (await patch(world, dseq, **first)).status_code == 200
    other = await patch(world, dseq, services={"web": {"image": "nginx:1.29"}}, ifManifestVersion=version)
    assert (other.status_code, other.json()["code"]) == (409, "deployment_definition_changed")


async def test_resources_cannot_be_patched(world: World) -> None:
    dseq = await create(world)
    response = await patch(world, dseq, services={"web": {"expose": {"80": {"as": 8080}}}})
    assert (response.status_code, response.json()["code"]) == (422, "deployment_resources_changed")
    put = await world.http.put(f"/v1/deployments/{dseq}", json={"data": {"sdl": sdl(cpu="1")}})
    assert put.status_code == 422


@pytest.mark.parametrize(
    "services", [{"db": {"image": "x"}}, {"web": {"expose": {"81": {}}}}, {"web": {"storage": {"x": {}}}}]
)
async def test_what_is_not_there_cannot_be_patched(world: World, services: dict[str, Any]) -> None:
    assert (await patch(world, await create(world), services=services)).status_code == 404


async def test_a_definition_that_was_never_kept_can_be_recorded(world: World) -> None:
    await world.network.inject("definition-missing", count=1)
    dseq = await create(world)
    path = f"/v1/deployments/{dseq}"
    assert (await patch(world, dseq, services={"web": {"image": "x"}})).status_code == 404
    wrong = await world.http.post(f"{path}/definition", json={"data": {"sdl": sdl(image="redis:8")}})
    assert wrong.status_code == 400
    right = await world.http.post(f"{path}/definition", json={"data": {"sdl": sdl()}})
    assert right.status_code == 201
    assert (await patch(world, dseq, services={"web": {"image": "nginx:1.28"}})).status_code == 200


async def test_a_close_can_be_left_to_the_background(world: World) -> None:
    dseq = await create(world)
    response = await world.http.delete(f"/v1/deployments/{dseq}", params={"async": "true"})
    assert response.status_code == 202
    path = f"/v1/activities/{response.json()['data']['activityId']}"
    while (activity := (await world.http.get(path)).json()["data"])["status"] == "pending":
        pass
    assert (activity["status"], world.truth(dseq).state) == ("succeeded", "closed")
    assert (await world.http.get("/v1/activities/none")).status_code == 404


async def test_a_close_in_the_background_can_fail(world: World) -> None:
    dseq = await create(world)
    await world.network.inject("close-fails", count=1, value="unsettled")
    response = await world.http.delete(f"/v1/deployments/{dseq}", params={"async": "true"})
    path = f"/v1/activities/{response.json()['data']['activityId']}"
    while (activity := (await world.http.get(path)).json()["data"])["status"] == "pending":
        pass
    assert activity["meta"]["error"] == "Deployment escrow cannot be settled yet"
    assert world.truth(dseq).state == "active"


async def test_a_close_that_takes_long_is_pending_meanwhile(world: World) -> None:
    dseq = await create(world)
    await world.network.inject("close-slow", count=1, value="3600")
    response = await world.http.delete(f"/v1/deployments/{dseq}", params={"async": "true"})
    activity = await world.http.get(f"/v1/activities/{response.json()['data']['activityId']}")
    assert (activity.json()["data"]["status"], world.truth(dseq).state) == ("pending", "active")


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


async def test_what_can_be_placed_now_is_told(world: World) -> None:
    options = (await world.http.get("/v1/placement-options")).json()["data"]
    assert options["gpus"][0]["models"][0]["availableUnits"] > 0


async def test_a_gpu_is_seen_as_offered_and_as_detected(world: World) -> None:
    text = sdl().replace(
        "        memory:", "        gpu: {units: 1, attributes: {vendor: {nvidia: []}}}\n        memory:"
    )
    dseq = await create(world, sdl=text)
    await lease(world, dseq)
    read = await world.get(dseq)
    assert read["offeredGpus"][0]["vendor"] == "nvidia"
    assert "driver" in read["detectedGpus"][0]


async def test_the_state_tells_runtime_limits(world: World) -> None:
    dseq = await create(world, runtimeLimitHours=4)
    assert world.network.state()["runtime_limits"] == {dseq: {"hours": 4, "ends": None}}
