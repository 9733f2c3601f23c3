"""Runtime limits: until when a deployment is funded, and how far money goes for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import pytest
from autumn_world import bounds, create, lease, settings
from console_world import World, new_world, sdl

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world("2026-11") as fresh:
        yield fresh


async def test_a_raised_limit_ends_it_later_and_no_limit_never(world: World) -> None:
    dseq = await create(world, runtimeLimitHours=1)
    await lease(world, dseq)
    assert (await settings(world, dseq, runtimeLimitHours=3)).status_code == 200
    world.network.clock.skip(2 * 3600)
    assert world.truth(dseq).state == "active"
    assert (await settings(world, dseq, runtimeLimitHours=None)).json()["data"]["runtimeEndsAt"] is None
    world.network.clock.skip(48 * 3600)
    assert world.truth(dseq).state == "active"


@pytest.mark.parametrize("hours", [0.5, 49, "2"])
async def test_a_first_limit_is_one_to_48_hours(world: World, hours: object) -> None:
    body = {"data": {"sdl": sdl(), "runtimeLimitHours": hours}}
    assert (await world.http.post("/v1/deployments", json=body)).status_code == 400


async def test_somebody_elses_change_of_settings_is_409(world: World) -> None:
    dseq = await create(world)
    await world.network.inject("settings-conflict", count=1)
    assert (await settings(world, dseq, runtimeLimitHours=5)).status_code == 409
    assert (await settings(world, dseq, runtimeLimitHours=5)).status_code == 200


async def test_the_state_tells_runtime_limits(world: World) -> None:
    dseq = await create(world, runtimeLimitHours=4)
    assert world.network.state()["runtime_limits"] == {dseq: {"hours": 4, "ends": None}}


async def test_a_runtime_limit_ends_the_deployment(world: World) -> None:
    dseq = await create(world, runtimeLimitHours=2)
    read = await bounds(world, dseq)
    assert (read["runtimeLimitHours"], read["runtimeEndsAt"]) == (2, None)
    await lease(world, dseq)
    ends = datetime.fromisoformat((await bounds(world, dseq))["runtimeEndsAt"])
    now = datetime.fromtimestamp(world.network.clock.now(), ends.tzinfo)
    assert 7000 < (ends - now).total_seconds() <= 7200
    world.network.clock.skip(7000)
    assert world.truth(dseq).state == "active"
    world.network.clock.skip(300)
    assert world.truth(dseq).state == "closed"
    assert world.allowance > 99_000_000


@pytest.mark.parametrize(
    ("hours", "told"),
    [
        (1, "Runtime limit can only be increased"),
        (2, "Runtime limit can only be increased"),
        (51, "Runtime limit cannot be extended by more than 48 hours at a time"),
        (2.5, "Validation error"),
        (8761, "Validation error"),
    ],
)
async def test_a_limit_only_grows_by_whole_hours_and_two_days_at_most(
    world: World, hours: float, told: str
) -> None:
    dseq = await create(world, runtimeLimitHours=2)
    response = await settings(world, dseq, runtimeLimitHours=hours)
    assert (response.status_code, response.json()["message"]) == (400, told)
    assert (await bounds(world, dseq))["runtimeLimitHours"] == 2


async def test_a_limit_where_there_was_none_is_two_days_at_most(world: World) -> None:
    dseq = await create(world)
    refused = await settings(world, dseq, runtimeLimitHours=49)
    assert refused.json()["message"] == "Runtime limit cannot exceed 48 hours"
    assert (await settings(world, dseq, runtimeLimitHours=48)).status_code == 200


async def test_a_limit_and_a_close_reason_go_in_separate_requests(world: World) -> None:
    dseq = await create(world, runtimeLimitHours=2)
    both = await settings(world, dseq, runtimeLimitHours=3, closeReason="other")
    assert both.json()["message"] == (
        "Change the runtime limit and record a close reason in separate requests"
    )
    assert (await bounds(world, dseq))["runtimeLimitHours"] == 2
    assert (await settings(world, dseq, closeReason="cost_or_budget")).status_code == 200
    assert (await settings(world, dseq, closeReasonDetails="x" * 1001)).status_code == 400
    assert (await settings(world, dseq, closeReason="bored")).status_code == 400
    assert "closeReason" not in await bounds(world, dseq)


async def test_the_limit_of_a_closed_deployment_stays(world: World) -> None:
    dseq = await create(world, runtimeLimitHours=2)
    await world.http.delete(f"/v1/deployments/{dseq}")
    for hours in (3, None):
        response = await settings(world, dseq, runtimeLimitHours=hours)
        assert (response.status_code, response.json()["message"]) == (400, "Deployment is closed")
    assert (await settings(world, dseq, closeReason="other")).status_code == 200


async def test_funding_cannot_be_switched_off(world: World) -> None:
    """The source takes no such field any more, and drops what it does not take."""
    dseq = await create(world)
    assert (await settings(world, dseq, autoTopUpEnabled=False)).json()["data"]["autoTopUpEnabled"] is True
    body = {"data": {"dseq": dseq, "runtimeLimitHours": 5}}
    for _ in range(2):
        assert (await world.http.post("/v2/deployment-settings", json=body)).status_code == 201
    assert (await bounds(world, dseq))["runtimeLimitHours"] is None


async def test_automatic_funding_never_goes_past_the_limit(world: World) -> None:
    """The default deposit pays for more than the hour, so nothing is added; a longer life is paid for at once."""
    dseq = await create(world, sdl=sdl(cpu="64"), runtimeLimitHours=1)
    await lease(world, dseq)
    world.network.clock.skip(60)
    deployment = world.truth(dseq)
    hour = deployment.rate * 600
    assert 500_000 / 48 < hour < 500_000
    assert deployment.escrow.funds + deployment.escrow.transferred == 500_000
    await settings(world, dseq, runtimeLimitHours=24)
    world.network.clock.skip(60)
    deployment = world.truth(dseq)
    assert 23 * hour < deployment.escrow.funds + deployment.escrow.transferred <= 24 * hour


async def test_both_versions_of_the_settings_are_the_same(world: World) -> None:
    dseq = await create(world, runtimeLimitHours=2)
    user = (await world.http.get("/v1/user/me")).json()["data"]["id"]
    path = f"/v1/deployment-settings/{user}/{dseq}"
    assert (await world.http.get(path)).json()["data"] == await bounds(world, dseq)
    raised = await world.http.patch(path, json={"data": {"runtimeLimitHours": 3}})
    assert raised.json()["data"]["runtimeLimitHours"] == 3
    other = user.replace(user[:8], "00000000")
    assert (await world.http.get(f"/v1/deployment-settings/{other}/{dseq}")).status_code == 404
    assert (await world.http.get("/v2/deployment-settings/17")).status_code == 404
