"""Alerts and channels: another service behind Console, with other manners."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from console_world import World, new_world

pytestmark = pytest.mark.anyio

CHANNEL = {"data": {"name": "me", "type": "email", "config": {"addresses": ["me@site.example"]}}}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world() as fresh:
        yield fresh


async def test_a_stranger_is_forbidden_and_not_unauthorized(world: World) -> None:
    del world.http.headers["x-api-key"]
    assert (await world.http.get("/v1/alerts")).status_code == 403
    assert (await world.http.get("/v1/alerts", headers={"x-api-key": "wrong"})).status_code == 401


async def test_headers_that_name_a_user_are_forbidden(world: World) -> None:
    response = await world.http.get("/v1/alerts", headers={"x-user-id": "me"})
    assert (response.status_code, response.json()["message"]) == (403, "x-user-id header is not allowed")


async def test_a_lease_is_watched_by_itself(world: World) -> None:
    created = await world.create()
    await world.lease(created)
    listed = (await world.http.get("/v1/alerts", params={"dseq": created["dseq"]})).json()
    assert [alert["type"] for alert in listed["data"]] == ["CHAIN_MESSAGE"]
    assert listed["pagination"]["total"] == 1
    path = f"/v1/alerts/{listed['data'][0]['id']}"
    assert [(await world.http.request(m, path)).status_code for m in ("GET", "DELETE", "GET")] == [
        200,
        200,
        404,
    ]


async def test_a_balance_alert_is_set_on_a_deployment(world: World) -> None:
    dseq = (await world.create())["dseq"]
    channel = (await world.http.post("/v1/notification-channels", json=CHANNEL)).json()["data"]
    body = {
        "data": {"alerts": {"deploymentBalance": {"notificationChannelId": channel["id"], "threshold": 5}}}
    }
    path = f"/v1/deployment-alerts/{dseq}"
    assert (await world.http.post(path, json=body)).status_code == 201
    alerts = (await world.http.get(path)).json()["data"]["alerts"]
    assert alerts["deploymentBalance"]["threshold"] == 5
    used = await world.http.delete(f"/v1/notification-channels/{channel['id']}")
    assert (used.status_code, set(used.json())) == (400, {"statusCode", "message"})


async def test_alerts_of_ones_own_are_switched_off(world: World) -> None:
    response = await world.http.post("/v1/alerts", json={"data": {}})
    assert (response.status_code, response.json()) == (405, {"error": "MethodNotAllowed"})


async def test_a_default_channel_is_made_once(world: World) -> None:
    for _ in range(2):
        assert (await world.http.post("/v1/notification-channels/default", json=CHANNEL)).status_code == 204
    assert (await world.http.get("/v1/notification-channels")).json()["pagination"]["total"] == 1


async def test_a_channel_is_changed_and_what_is_wrong_is_said(world: World) -> None:
    made = (await world.http.post("/v1/notification-channels", json=CHANNEL)).json()["data"]
    path = f"/v1/notification-channels/{made['id']}"
    renamed = await world.http.patch(path, json={"data": {"name": "you"}})
    assert renamed.json()["data"]["name"] == "you"
    wrong = await world.http.patch(path, json={"data": {"type": "pigeon"}})
    assert wrong.json()["errors"]["issues"][0]["path"] == ["data", "type"]
