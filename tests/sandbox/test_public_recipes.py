"""What the recipes of the public agent skill (akash-network/akash-skill) found missing when they were run as written.

Its other recipes (create, bids, lease, list, patch, close in the background, secrets) met what the tests beside this
one show already.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from console_world import World, new_world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world("2026-11") as fresh:
        yield fresh


async def test_anybody_may_ask_whether_the_chain_answers(world: World) -> None:
    del world.http.headers["x-api-key"]
    answer = await world.http.get("/v1/blockchain-status")
    assert (answer.status_code, answer.json()) == (200, {"isBlockchainReachable": True})


async def test_a_key_is_made_shown_once_and_masked_afterwards(world: World) -> None:
    wanted = {"data": {"name": "ci-prod-deploy", "expiresAt": "2037-01-01T00:00:00Z"}}
    made = (await world.http.post("/v1/api-keys", json=wanted)).json()["data"]
    assert made["expiresAt"] == "2037-01-01T00:00:00.000Z"
    kind, random = made["apiKey"].rsplit(".", 1)
    assert made["keyFormat"] == f"{kind}.{random[:6]}***{random[-6:]}"
    listed = (await world.http.get("/v1/api-keys")).json()["data"]
    assert [each["name"] for each in listed] == ["sandbox", "ci-prod-deploy"]
    assert "apiKey" not in listed[1]
