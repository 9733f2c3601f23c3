"""What anybody reads: balances, the user, tokens, providers, blocks; and all of it against Console's own contract."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from console_world import World, lease_body, new_world, sdl
from jsonschema import Draft7Validator  # type: ignore[import-untyped]  # it ships no types

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world() as fresh:
        yield fresh


CONTRACT = Path(__file__).parents[3] / "shared" / "data" / "console-openapi.json"


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


async def test_certificates_are_a_thing_of_the_past(world: World) -> None:
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


async def test_closed_deployments_are_found_by_address(world: World) -> None:
    dseq = (await world.create())["dseq"]
    await world.http.delete(f"/v1/deployments/{dseq}")
    path = f"/v1/addresses/{world.network.owner}/deployments/0/10"
    closed = (await world.http.get(path, params={"status": "closed"})).json()
    active = (await world.http.get(path, params={"status": "active"})).json()
    assert ([row["dseq"] for row in closed["results"]], active["count"]) == ([dseq], 0)
    assert (await world.http.get(path)).status_code == 400


async def test_anyones_deployment_can_be_read_with_its_history(world: World) -> None:
    created = await world.create()
    missing = f"/v1/deployment/{world.network.owner}/42"
    assert (await world.http.get(missing)).json()["message"] == "Deployment Not Found"
    found = await world.http.get(f"/v1/deployment/{world.network.owner}/{created['dseq']}")
    assert [event["type"] for event in found.json()["events"]] == ["create-deployment"]


async def test_blocks_come_newest_first(world: World) -> None:
    blocks = (await world.http.get("/v1/blocks", params={"limit": 3})).json()
    heights = [block["height"] for block in blocks]
    assert heights == sorted(heights, reverse=True)
    assert len(heights) == 3
    assert (await world.http.get("/v1/blocks", params={"limit": 101})).status_code == 400


def schema_of(document: dict[str, Any], method: str, path: str, status: str) -> dict[str, Any]:
    content = document["paths"][path][method]["responses"][status]["content"]["application/json"]
    schema: dict[str, Any] = _as_json_schema(content["schema"])
    return schema


def _as_json_schema(value: Any) -> Any:
    """OpenAPI 3.0 spelled as JSON schema: `nullable` is a type, and `^d+$` is a typing error for digits."""
    if isinstance(value, list):
        return [_as_json_schema(item) for item in value]
    if not isinstance(value, dict):
        return value
    schema = {key: _as_json_schema(item) for key, item in value.items() if key != "nullable"}
    if schema.get("pattern") == "^d+$":
        schema["pattern"] = r"^\d+$"
    if value.get("nullable") and "type" in schema:
        schema["type"] = [schema["type"], "null"]
    return schema


async def test_every_answer_keeps_consoles_own_contract(world: World) -> None:
    if not CONTRACT.exists():
        pytest.skip("the Console's OpenAPI document is not here: ../shared/data/console-openapi.json")
    document = json.loads(CONTRACT.read_text())
    http, owner = world.http, world.network.owner
    user = (await http.get("/v1/user/me")).json()["data"]["id"]
    create = await http.post("/v1/deployments", json={"data": {"sdl": sdl(), "deposit": 5}})
    created = create.json()["data"]
    bids = await world.bids(created["dseq"])
    lease = await http.post("/v1/leases", json=lease_body(created, bids[0]["bid"]["id"]))
    dseq, provider = created["dseq"], bids[0]["bid"]["id"]["provider"]
    row = {"data": {"autoTopUpEnabled": False}}
    more = {"data": {"dseq": dseq, "deposit": 1}}
    token = {"data": {"ttl": 60, "leases": {"access": "full"}}}
    held = "/v1/addresses/{address}/deployments/{skip}/{limit}"
    answers = [
        ("post", "/v1/deployments", create),
        ("post", "/v1/leases", lease),
        ("get", "/v1/deployments", await http.get("/v1/deployments")),
        ("get", "/v1/deployments/{dseq}", await http.get(f"/v1/deployments/{dseq}")),
        ("put", "/v1/deployments/{dseq}", await http.put(f"/v1/deployments/{dseq}", json={"data": {"sdl": sdl()}})),
        ("get", "/v1/bids", await http.get("/v1/bids", params={"dseq": dseq})),
        ("get", "/v1/bids/{dseq}", await http.get(f"/v1/bids/{dseq}")),
        ("post", "/v1/deposit-deployment", await http.post("/v1/deposit-deployment", json=more)),
        ("patch", "/v2/deployment-settings/{dseq}", await http.patch(f"/v2/deployment-settings/{dseq}", json=row)),
        ("get", "/v2/deployment-settings/{dseq}", await http.get(f"/v2/deployment-settings/{dseq}")),
        ("post", "/v2/deployment-settings", await http.post("/v2/deployment-settings", json={"data": {"dseq": "42"}})),
        ("post", "/v1/create-jwt-token", await http.post("/v1/create-jwt-token", json=token)),
        ("get", "/v1/balances", await http.get("/v1/balances")),
        ("get", "/v1/user/me", await http.get("/v1/user/me")),
        ("get", "/v1/wallets", await http.get("/v1/wallets", params={"userId": user})),
        ("get", "/v1/providers", await http.get("/v1/providers")),
        ("get", "/v1/auditors", await http.get("/v1/auditors")),
        ("get", "/v1/network-capacity", await http.get("/v1/network-capacity")),
        ("get", "/v1/blockchain-status", await http.get("/v1/blockchain-status")),
        ("get", "/v1/blocks", await http.get("/v1/blocks")),
        ("get", held, await http.get(f"/v1/addresses/{owner}/deployments/0/10", params={"status": "active"})),
        ("get", "/v1/deployment/{owner}/{dseq}", await http.get(f"/v1/deployment/{owner}/{dseq}")),
        ("get", "/v1/providers/{address}", await http.get(f"/v1/providers/{provider}")),
        ("delete", "/v1/deployments/{dseq}", await http.delete(f"/v1/deployments/{dseq}")),
    ]  # fmt: skip
    for method, path, response in answers:
        schema = schema_of(document, method, path, str(response.status_code))
        # Providers answer null where Console's contract promises an object, and Console passes it on.
        problems = [
            f"{e.json_path}: {e.message}"
            for e in Draft7Validator(schema).iter_errors(response.json())
            if not (".status." in e.json_path and e.instance is None)
        ]
        assert not problems, (method, path, problems)
