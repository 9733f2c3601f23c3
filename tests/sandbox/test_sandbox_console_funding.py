"""Automatic funding, and the settings rows that it goes by: what spends money without being asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from console_world import World, new_world, sdl

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world() as fresh:
        yield fresh


COSTLY = sdl(cpu="16")


async def settings(world: World, dseq: str, enabled: bool) -> None:
    body = {"data": {"autoTopUpEnabled": enabled}}
    response = await world.http.patch(f"/v2/deployment-settings/{dseq}", json=body)
    assert response.status_code == 200


async def test_a_lease_is_funded_for_48_hours_without_being_asked(world: World) -> None:
    created = await world.create(COSTLY, deposit=0.5)
    await world.lease(created)
    world.network.clock.skip(20)
    deployment = world.truth(created["dseq"])
    blocks = deployment.escrow.funds / deployment.rate
    assert Decimal("28_790") < blocks < Decimal("28_830")
    assert world.allowance < 100_000_000 - 500_000


async def test_nothing_is_funded_where_a_row_says_no(world: World) -> None:
    created = await world.create(COSTLY, deposit=0.5)
    await settings(world, created["dseq"], False)
    await world.lease(created)
    world.network.clock.skip(7200)
    assert len(world.truth(created["dseq"]).escrow.deposits) == 1


async def test_reading_the_settings_switches_funding_on(world: World) -> None:
    created = await world.create(COSTLY, deposit=0.5)
    await settings(world, created["dseq"], False)
    other = await world.create(COSTLY, deposit=0.5)
    rows = [
        (await world.http.get(f"/v2/deployment-settings/{dseq}")).json()["data"]["autoTopUpEnabled"]
        for dseq in (created["dseq"], other["dseq"])
    ]
    assert rows == [False, True]


async def test_a_row_that_says_yes_is_topped_up_every_hour(world: World) -> None:
    created = await world.create(COSTLY, deposit=0.5)
    await settings(world, created["dseq"], True)
    await world.lease(created)
    world.network.clock.skip(100 * 3600)
    deployment = world.truth(created["dseq"])
    assert deployment.state == "active"
    assert len(deployment.escrow.deposits) >= 4


async def test_without_a_row_the_first_funding_is_the_last(world: World) -> None:
    created = await world.create(COSTLY, deposit=0.5)
    await world.lease(created)
    world.network.clock.skip(60 * 3600)
    assert world.truth(created["dseq"]).state == "closed"


async def test_a_second_row_is_a_500(world: World) -> None:
    body = {"data": {"dseq": "42", "autoTopUpEnabled": False}}
    first = await world.http.post("/v2/deployment-settings", json=body)
    second = await world.http.post("/v2/deployment-settings", json=body)
    assert (first.status_code, first.json()["data"]["autoTopUpEnabled"]) == (201, False)
    assert (second.status_code, second.json()["code"]) == (500, "internal_server_error")


async def test_a_change_makes_the_row_where_there_is_none(world: World) -> None:
    response = await world.http.patch(
        "/v2/deployment-settings/42", json={"data": {"autoTopUpEnabled": False}}
    )
    row = response.json()["data"]
    assert (row["dseq"], row["autoTopUpEnabled"], row["topUpFrequencyMs"]) == ("42", False, 86_400_000)


async def test_the_estimate_is_a_day_of_rent_in_uact(world: World) -> None:
    created = await world.create(COSTLY)
    await settings(world, created["dseq"], True)
    await world.lease(created)
    row = (await world.http.get(f"/v2/deployment-settings/{created['dseq']}")).json()["data"]
    assert row["estimatedTopUpAmount"] == int(world.truth(created["dseq"]).rate * 14_400)


async def test_somebody_elses_settings_are_not_found(world: World) -> None:
    stranger = "7d4a4b0e-63a0-4c71-9f0f-3d8f5f0e0a11"
    read = await world.http.get("/v2/deployment-settings/42", params={"userId": stranger})
    created = await world.http.post(
        "/v2/deployment-settings", json={"data": {"dseq": "42", "userId": stranger}}
    )
    assert (read.status_code, created.status_code) == (404, 403)


async def test_the_older_routes_name_the_user_in_the_path(world: World) -> None:
    user = (await world.http.get("/v1/user/me")).json()["data"]["id"]
    response = await world.http.get(f"/v1/deployment-settings/{user}/42")
    assert response.json()["data"]["autoTopUpEnabled"] is True


async def test_a_deployment_without_a_lease_is_swept_away_within_a_day(world: World) -> None:
    created = await world.create(deposit=5)
    world.network.clock.skip(86_400)
    assert world.truth(created["dseq"]).state == "closed"
    assert world.allowance == 100_000_000


async def test_funding_leaves_five_dollars_untouched(world: World) -> None:
    world.network.chain.accounts[world.network.owner].allowance_uact = 5_600_000
    created = await world.create(COSTLY, deposit=0.5)
    await world.lease(created)
    world.network.clock.skip(20)
    world.network.chain.schedule.catch_up()
    assert world.allowance == 5_000_000
