"""What anybody reads: balances, the user, tokens, providers, blocks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from console_world import World, new_world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world() as fresh:
        yield fresh


async def test_a_balance_is_remembered_for_six_seconds_and_then_given_once_more(world: World) -> None:
    async def balance() -> int:
        data = (await world.http.get("/v1/balances")).json()["data"]
        assert data["total"] == data["balance"] + data["deployments"]
        return int(data["balance"])

    assert await balance() == 100_000_000
    await world.create(deposit=5)
    world.network.clock.skip(3600)
    assert [await balance(), await balance()] == [100_000_000, 95_000_000]


async def test_a_named_balance_is_public_and_ones_own_is_not(world: World) -> None:
    async with httpx2.AsyncClient(base_url=world.network.console_url) as stranger:
        named = await stranger.get("/v1/balances", params={"address": world.network.owner})
        own = await stranger.get("/v1/balances")
    assert (named.json()["data"]["balance"], own.status_code) == (100_000_000, 401)


async def test_the_user_leads_to_the_wallet(world: World) -> None:
    user = (await world.http.get("/v1/user/me")).json()["data"]
    wallets = (await world.http.get("/v1/wallets", params={"userId": user["id"]})).json()["data"]
    assert [w["address"] for w in wallets] == [world.network.owner]
    assert (await world.http.get("/v1/wallets")).status_code == 400


async def test_a_token_opens_the_providers_gateway(world: World) -> None:
    created = await world.create()
    lease = (await world.lease(created)).json()["data"]["leases"][0]["id"]
    leases = {"access": "scoped", "scope": ["status"]}
    minted = await world.http.post("/v1/create-jwt-token", json={"data": {"ttl": 60, "leases": leases}})
    assert minted.status_code == 201
    headers = {"Authorization": f"Bearer {minted.json()['data']['token']}"}
    host = world.network.chain.providers[lease["provider"]].host_uri
    world.network.clock.skip(10)  # until the workload has been created
    async with httpx2.AsyncClient(verify=False, headers=headers) as gateway:
        status = await gateway.get(f"{host}/lease/{lease['dseq']}/1/1/status")
    assert status.status_code == 200


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"ttl": 60, "leases": {}}, 'Missing required field: "access" at "/leases".'),
        ({"ttl": 0, "leases": {}}, "Validation error"),
        ({"ttl": 1.5, "leases": {}}, "Validation error"),
    ],
)
async def test_a_token_that_no_provider_would_take_is_not_signed(
    world: World, data: dict[str, Any], message: str
) -> None:
    response = await world.http.post("/v1/create-jwt-token", json={"data": data})
    assert (response.status_code, response.json()["message"]) == (400, message)


async def test_creating_a_certificate_is_refused_as_removed(world: World) -> None:
    async with httpx2.AsyncClient(base_url=world.network.console_url) as stranger:
        response = await stranger.post("/v1/certificates")
    assert response.status_code == 400
    assert list(response.json()) == ["error"]


async def test_an_unknown_provider_is_404_in_plain_text(world: World) -> None:
    response = await world.http.get("/v1/providers/akash1nobody")
    assert (response.status_code, response.text) == (404, "Provider not found.")


async def test_providers_can_be_asked_for_by_address(world: World) -> None:
    first, second = list(world.network.market)[:2]
    found = (await world.http.get("/v1/providers", params={"addresses": f"{first},{second}"})).json()
    assert [p["owner"] for p in found] == [first, second]
    assert (await world.http.get("/v1/providers", params={"addresses": ""})).status_code == 400


async def test_leases_use_up_a_providers_room(world: World) -> None:
    created = await world.create()
    provider = (await world.lease(created)).json()["data"]["leases"][0]["id"]["provider"]
    stats = (await world.http.get(f"/v1/providers/{provider}")).json()["stats"]
    assert stats["cpu"]["active"] == 500


async def test_blocks_come_newest_first(world: World) -> None:
    blocks = (await world.http.get("/v1/blocks", params={"limit": 3})).json()
    heights = [block["height"] for block in blocks]
    assert heights == sorted(heights, reverse=True)
    assert len(heights) == 3
    assert (await world.http.get("/v1/blocks", params={"limit": 101})).status_code == 400
