"""Who is refused again and again has to wait, on the Console of autumn 2026."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from autumn_world import create, open_bid
from console_world import World, new_world, sdl

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world("2026-11") as fresh:
        yield fresh


async def post(world: World, text: str) -> tuple[int, str]:
    response = await world.http.post("/v1/deployments", json={"data": {"sdl": text}})
    return response.status_code, response.json().get("code", "")


async def test_the_fourth_of_equal_refusals_waits_five_minutes_whatever_it_says(world: World) -> None:
    for text in ("a: [", "b: [", "c: ["):
        assert await post(world, text) == (400, "bad_request")
    response = await world.http.post("/v1/deployments", json={"data": {"sdl": sdl()}})
    assert (response.status_code, response.json()["code"]) == (429, "repeated_refusal")
    assert 298 <= int(response.headers["retry-after"]) <= 300
    world.network.clock.skip(301)
    assert (await post(world, sdl()))[0] == 201


async def test_a_provider_that_refuses_manifests_blocks_every_lease_of_the_account(world: World) -> None:
    dseq, other = await create(world), await create(world)
    mine, theirs = await open_bid(world, dseq), await open_bid(world, other)
    await world.network.inject("lease-manifest-fails", count=3, value="422")
    for _ in range(3):
        response = await world.http.post("/v1/leases", json={"leases": [mine]})
        assert response.json()["code"] == "manifest_not_delivered"
    for lease in (mine, theirs):
        response = await world.http.post("/v1/leases", json={"leases": [lease]})
        assert response.json()["code"] == "repeated_refusal"
    assert (await world.http.delete(f"/v1/deployments/{other}")).status_code == 200


async def test_a_success_another_status_and_ten_minutes_each_begin_anew(world: World) -> None:
    for _ in range(3):
        for _ in range(2):
            assert (await post(world, "a: ["))[0] == 400
        await create(world)
    for _ in range(2):
        assert (await post(world, "a: ["))[0] == 400
        await world.network.inject("fair-use-policy", count=1)
        assert (await post(world, sdl()))[0] == 403
    for _ in range(3):
        assert (await post(world, "a: ["))[0] == 400
        world.network.clock.skip(301)


async def test_reads_failures_of_the_server_and_strangers_are_not_counted(world: World) -> None:
    for _ in range(5):
        assert (await world.http.get("/v1/deployments/17")).status_code == 404
    await world.network.inject("create-500-but-landed", count=5)
    for _ in range(5):
        assert (await post(world, sdl()))[0] == 500
    for _ in range(5):
        stranger = await world.http.post("/v1/deployments", json={}, headers={"x-api-key": ""})
        assert stranger.status_code == 400
    assert (await post(world, "a: ["))[0] == 400


async def test_a_burst_does_not_get_past_it(world: World) -> None:
    assert (await post(world, "a: ["))[0] == 400
    answers = await asyncio.gather(*(post(world, "a: [") for _ in range(6)))
    assert [status for status, _ in answers].count(400) <= 2


async def test_it_can_be_switched_off_and_earlier_generations_know_nothing_of_it() -> None:
    for options in ({"generation": "2026-11", "repeated_refusals": False}, {"generation": "reference"}):
        async with new_world(**options) as world:
            for _ in range(5):
                assert (await post(world, "a: ["))[0] == 400
