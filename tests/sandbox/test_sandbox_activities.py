"""Closes that go on in the background, and the list of what does."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from autumn_world import create
from console_world import World, new_world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world("2026-11") as fresh:
        yield fresh


async def test_a_close_that_takes_long_is_pending_meanwhile(world: World) -> None:
    dseq = await create(world)
    await world.network.inject("close-slow", count=1, value="3600")
    response = await world.http.delete(f"/v1/deployments/{dseq}", params={"async": "true"})
    activity = await world.http.get(f"/v1/activities/{response.json()['data']['activityId']}")
    assert (activity.json()["data"]["status"], world.truth(dseq).state) == ("pending", "active")


async def begin(world: World, dseq: str, **query: str) -> str:
    response = await world.http.delete(f"/v1/deployments/{dseq}", params={"async": "true", **query})
    assert response.status_code == 202, response.text
    activity: str = response.json()["data"]["activityId"]
    return activity


async def ended(world: World, activity: str) -> dict[str, Any]:
    while (read := (await world.http.get(f"/v1/activities/{activity}")).json()["data"])[
        "status"
    ] == "pending":
        pass
    told: dict[str, Any] = read
    return told


async def test_a_close_can_be_left_to_the_background(world: World) -> None:
    dseq, batch = await create(world), str(uuid.uuid4())
    activity = await ended(world, await begin(world, dseq, batchId=batch))
    assert (activity["type"], activity["status"]) == ("deployment_close", "succeeded")
    landed = world.network.chain.transactions[-1].hash
    assert activity["meta"] == {"dseq": dseq, "batchId": batch, "txHash": landed}
    assert world.truth(dseq).state == "closed"
    again = await world.http.delete(f"/v1/deployments/{dseq}", params={"async": "true"})
    assert (again.status_code, again.json()) == (200, {"data": {"success": True}})
    assert len((await world.http.get("/v1/activities")).json()["data"]["activities"]) == 1


async def test_an_id_must_be_one_and_be_known(world: World) -> None:
    assert (await world.http.get("/v1/activities/none")).status_code == 400
    assert (await world.http.get(f"/v1/activities/{uuid.uuid4()}")).status_code == 404


async def test_a_close_in_the_background_can_fail(world: World) -> None:
    dseq = await create(world)
    await world.network.inject("close-fails", count=1, value="unsettled")
    activity = await ended(world, await begin(world, dseq))
    told = {"code": "bad_request", "message": "Deployment escrow cannot be settled yet"}
    assert (activity["status"], activity["meta"]["error"]) == ("failed", told)
    assert world.truth(dseq).state == "active"


async def test_activities_are_listed_newest_first_a_page_at_a_time_and_can_be_seen(world: World) -> None:
    begun = [await begin(world, await create(world)) for _ in range(3)]
    for activity in begun:
        await ended(world, activity)
    page = (await world.http.get("/v1/activities", params={"limit": 2})).json()["data"]
    assert [each["id"] for each in page["activities"]] == begun[:0:-1]
    assert page["pagination"] == {"limit": 2, "hasMore": True, "nextCursor": begun[0]}
    rest = await world.http.get("/v1/activities", params={"limit": 2, "cursor": begun[0]})
    assert [each["id"] for each in rest.json()["data"]["activities"]] == begun[:1]
    failed = await world.http.get("/v1/activities", params={"status": "failed"})
    assert (failed.json()["data"]["activities"], failed.json()["data"]["unseenCount"]) == ([], 3)
    seen = await world.http.post("/v1/activities/seen", json={"data": {"ids": begun[:1]}})
    assert seen.json() == {"data": {"unseenCount": 2}}
    later = page["activities"][0]["createdAt"]
    rest = await world.http.post("/v1/activities/seen", json={"data": {"upTo": later}})
    assert rest.json() == {"data": {"unseenCount": 0}}
    assert (await world.http.post("/v1/activities/seen", json={"data": {}})).status_code == 400
