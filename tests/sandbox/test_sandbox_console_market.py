"""What anyone may read of the market and an account of its spending. `console_world` holds the shapes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from console_world import World, new_world

from akash_mcp.sandbox.sellers import AUDITOR
from akash_mcp.sdl import check

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world() as fresh:
        yield fresh


async def get(world: World, path: str, **query: Any) -> Any:
    response = await world.http.get(path, params=query)
    assert response.status_code == 200, response.text
    return response.json()


def screening(**changed: Any) -> dict[str, Any]:
    resource = {
        "id": 1,
        "cpu": {"units": {"val": "1000"}},
        "memory": {"quantity": {"val": "MTA3Mzc0MTgyNA=="}},
        "gpu": {"units": {"val": "0"}},
        "storage": [{"name": "default", "quantity": {"val": "1073741824"}}],
    }
    unit = {"resource": resource, "count": 1, "price": {"denom": "uact", "amount": "1000"}}
    return {"resources": [unit], "timezone": "Europe/Berlin", **changed}


async def test_gpus_are_counted_by_model(world: World) -> None:
    everything = (await get(world, "/v1/gpu"))["gpus"]
    one = (await get(world, "/v1/gpu", vendor="nvidia", model="h100"))["gpus"]
    assert one["total"]["allocatable"] == one["details"]["nvidia"][0]["allocatable"] > 0
    assert everything["total"]["allocatable"] > one["total"]["allocatable"]
    assert (await get(world, "/v1/gpu", model="H100"))["gpus"]["details"] == {}


async def test_gpus_of_a_provider_that_cannot_be_one_are_400(world: World) -> None:
    response = await world.http.get("/v1/gpu", params={"provider": "nobody"})
    assert (response.status_code, set(response.json())) == (400, {"error"})


async def test_gpu_prices_are_dollars_an_hour(world: World) -> None:
    models = (await get(world, "/v1/gpu-prices"))["models"]
    price = next(model["price"] for model in models if model["model"] == "h100")
    assert 1 < price["min"] <= price["avg"] <= price["max"] < 5
    assert (await get(world, "/v1/gpu-models"))[0]["models"]


async def test_an_estimate_is_a_formula_for_one_or_several(world: World) -> None:
    spec = {"cpu": 1000, "memory": 10**9, "storage": 10**9}
    one = (await world.http.post("/v1/pricing", json=spec)).json()
    assert one["akash"] == 5.83
    several = await world.http.post("/v1/pricing", json=[spec, spec])
    assert several.json() == [one, one]


async def test_an_estimate_of_more_than_512_bytes_is_413(world: World) -> None:
    spec = {"cpu": 1000, "memory": 10**9, "storage": 10**9}
    response = await world.http.post("/v1/pricing", json=[spec] * 10)
    assert (response.status_code, response.json()["message"]) == (413, "")


async def test_screening_names_who_could_take_it(world: World) -> None:
    able = (await world.http.post("/v1/bid-screening", json=screening())).json()["providers"]
    assert len(able) == 4
    audited = screening(requirements={"signedBy": {"allOf": [AUDITOR]}, "attributes": []}, resources=[])
    shown = (await world.http.post("/v1/bid-screening", json=audited)).json()["providers"]
    assert all(provider["isAudited"] for provider in shown)


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"timezone": "Mars/Olympus"}, ["timezone"]),
        ({"reclamationWindow": 0}, ["reclamationWindow"]),
        ({"resources": [{}]}, ["resources", 0, "resource"]),
    ],
)
async def test_screening_says_where_a_request_is_wrong(
    world: World, changed: dict[str, Any], where: list[Any]
) -> None:
    response = await world.http.post("/v1/bid-screening", json=screening(**changed))
    assert (response.status_code, response.json()["data"][0]["path"]) == (400, where)


async def test_regions_name_who_says_to_be_there(world: World) -> None:
    regions = await get(world, "/v1/provider-regions")
    assert sum(len(region["providers"]) for region in regions) == 4


async def test_templates_are_listed_and_read(world: World) -> None:
    listed = (await get(world, "/v1/templates-list"))["data"][0]["templates"]
    assert [template["id"].rpartition("awesome-akash-")[2] for template in listed] == [
        "hello-world",
        "postgres",
        "vllm",
    ]
    for summary in listed:
        template = (await get(world, f"/v1/templates/{summary['id']}"))["data"]
        assert check(template["deploy"]).ok
    assert (await world.http.get("/v1/templates/none")).status_code == 404


@pytest.mark.parametrize("hour", [0.1, 12, 23.9])
async def test_spending_is_told_by_day(hour: float, world: World) -> None:
    created = await world.create()
    await world.lease(created)
    clock = world.network.clock
    clock.skip(2 * 86_400 - clock.now() % 86_400 + hour * 3600)
    days = await get(world, "/v1/usage/history", address=world.network.owner)
    truth = world.network.state()["spent_uact"]
    assert abs(days[-1]["totalUsdSpent"] - float(str(truth)) / 10**6) <= 0.02
    assert days[-1]["activeDeployments"] == 1
    assert days[-1]["totalUsdSpent"] > 0


@pytest.mark.parametrize(
    "days",
    [
        {"startDate": "2026-02-30"},
        {"startDate": "2025-01-01", "endDate": "2026-06-01"},
        {"startDate": "2999-01-01"},
    ],
)
async def test_an_empty_or_too_long_range_of_days_is_400(world: World, days: dict[str, str]) -> None:
    response = await world.http.get("/v1/usage/history", params={"address": world.network.owner, **days})
    assert response.json()["code"] == "validation_error"
