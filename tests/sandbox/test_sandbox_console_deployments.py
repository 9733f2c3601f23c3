"""Creating, reading, listing, updating, funding and closing deployments through the Console."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator

import httpx2
import pytest
from console_world import SDL, World, new_world, sdl

from akash_mcp.sandbox.network import EmbeddedNetwork, Options

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world() as fresh:
        yield fresh


async def test_the_manifest_hashes_to_what_is_on_chain(world: World) -> None:
    created = await world.create()
    digest = hashlib.sha256(created["manifest"].encode()).digest()
    read = await world.get(created["dseq"])
    assert read["deployment"]["hash"] == base64.b64encode(digest).decode()
    assert read["leases"] == []


async def test_the_dseq_is_the_servers_clock(world: World) -> None:
    before = int(world.network.clock.wall() * 1000)
    created = await world.create()
    assert before <= int(created["dseq"]) <= int(world.network.clock.wall() * 1000)
    assert created["signTx"]["code"] == 0
    assert created["signTx"]["hash"] == created["signTx"]["transactionHash"]


async def test_the_deposit_goes_from_the_grant_into_escrow(world: World) -> None:
    created = await world.create(deposit=2.5)
    state = (await world.get(created["dseq"]))["escrow_account"]["state"]
    assert world.allowance == 100_000_000 - 2_500_000
    assert state["funds"] == [{"denom": "uact", "amount": "2500000.000000000000000000"}]
    assert [d["source"] for d in state["deposits"]] == ["grant"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'Invalid SDL: "" should be object.'),
        ('version: "2.0"', 'Invalid SDL: Missing required field: "services".'),
        (sdl().replace("global: true", "globl: true"), 'Invalid SDL: Additional property "globl"'),
    ],
)
async def test_an_sdl_that_the_parser_refuses_is_400_and_free(world: World, text: str, message: str) -> None:
    response = await world.http.post("/v1/deployments", json={"data": {"sdl": text, "deposit": 5}})
    assert response.status_code == 400
    assert response.json()["message"].startswith(message)
    assert world.allowance == 100_000_000


async def test_an_sdl_that_only_the_chain_refuses_is_known_by_the_chains_words(world: World) -> None:
    body = {"data": {"sdl": sdl(amount="20000000"), "deposit": 5}}
    response = await world.http.post("/v1/deployments", json=body)
    assert response.status_code == 400
    assert response.json()["message"] == (
        "Failed to create deployment: Unit price exceeds the maximum allowed by the network"
    )
    assert world.allowance == 100_000_000


async def test_a_chain_refusal_that_console_does_not_know_comes_through_as_500(world: World) -> None:
    body = {"data": {"sdl": sdl(cpu="500"), "deposit": 5}}
    response = await world.http.post("/v1/deployments", json=body)
    assert (response.status_code, response.json()["code"]) == (500, "unknown_error")
    assert "invalid unit CPU" in response.json()["message"]


async def test_a_deposit_below_the_chains_minimum_is_400(world: World) -> None:
    response = await world.http.post("/v1/deployments", json={"data": {"sdl": sdl(), "deposit": 0.4}})
    assert (response.status_code, response.json()["message"]) == (
        400,
        "Failed to create deployment: Deposit too low",
    )


async def test_a_missing_deposit_is_400(world: World) -> None:
    response = await world.http.post("/v1/deployments", json={"data": {"sdl": sdl()}})
    assert (response.status_code, response.json()["message"]) == (400, "deposit is required")


async def test_a_deposit_above_the_grant_is_402(world: World) -> None:
    response = await world.http.post("/v1/deployments", json={"data": {"sdl": sdl(), "deposit": 101}})
    assert (response.status_code, response.json()["code"]) == (402, "unknown_error")
    assert response.json()["message"].startswith("Not enough balance")


async def test_a_foreign_or_unknown_deployment_is_404(world: World) -> None:
    for method in ("GET", "DELETE"):
        response = await world.http.request(method, "/v1/deployments/1763759482113")
        assert (response.status_code, response.json()["message"]) == (404, "Deployment not found")


async def test_closing_is_done_once_and_succeeds_twice(world: World) -> None:
    dseq = (await world.create(deposit=3))["dseq"]
    for _ in range(2):
        response = await world.http.delete(f"/v1/deployments/{dseq}")
        assert (response.status_code, response.json()) == (200, {"data": {"success": True}})
    assert (await world.get(dseq))["deployment"]["state"] == "closed"
    assert world.allowance == 100_000_000
    assert [t.kind for t in world.network.chain.transactions] == ["create-deployment", "close-deployment"]


async def test_a_closed_deployment_is_gone_from_the_list(world: World) -> None:
    kept, closed = (await world.create())["dseq"], (await world.create())["dseq"]
    await world.http.delete(f"/v1/deployments/{closed}")
    listed = (await world.http.get("/v1/deployments")).json()["data"]["deployments"]
    assert [item["deployment"]["id"]["dseq"] for item in listed] == [kept]


async def test_a_page_never_says_that_there_is_more(world: World) -> None:
    for _ in range(3):
        await world.create(deposit=0.5)
    page = (await world.http.get("/v1/deployments", params={"skip": 0, "limit": 2})).json()["data"]
    assert len(page["deployments"]) == 2
    assert page["pagination"] == {"total": 2, "skip": 0, "limit": 2, "hasMore": False}


async def test_the_list_tells_no_status(world: World) -> None:
    await world.lease(await world.create())
    item = (await world.http.get("/v1/deployments")).json()["data"]["deployments"][0]
    assert "status" not in item["leases"][0]


async def test_an_update_puts_the_new_hash_on_chain_and_sends_the_manifest(world: World) -> None:
    created = await world.create()
    await world.lease(created)
    body = {"data": {"sdl": sdl(image="nginx:1.28")}}
    response = await world.http.put(f"/v1/deployments/{created['dseq']}", json=body)
    assert response.status_code == 200, response.text
    assert response.json()["data"]["leases"][0]["status"] is not None
    assert "update-deployment" in [t.kind for t in world.network.chain.transactions]


async def test_an_update_of_resources_lands_on_chain_and_is_refused_by_the_provider(world: World) -> None:
    created = await world.create()
    before = world.truth(created["dseq"]).version
    await world.lease(created)
    response = await world.http.put(
        f"/v1/deployments/{created['dseq']}", json={"data": {"sdl": sdl(cpu="4")}}
    )
    assert response.status_code in (400, 422)
    assert "manifest cross-validation error" in response.json()["message"]
    assert world.truth(created["dseq"]).version != before


async def test_an_unchanged_sdl_sends_no_transaction(world: World) -> None:
    created = await world.create()
    await world.lease(created)
    count = len(world.network.chain.transactions)
    assert (
        await world.http.put(f"/v1/deployments/{created['dseq']}", json={"data": {"sdl": sdl()}})
    ).is_success
    assert len(world.network.chain.transactions) == count


async def test_a_closed_deployment_cannot_be_updated_or_funded(world: World) -> None:
    dseq = (await world.create())["dseq"]
    await world.http.delete(f"/v1/deployments/{dseq}")
    update = await world.http.put(f"/v1/deployments/{dseq}", json={"data": {"sdl": sdl(image="busybox")}})
    fund = await world.http.post("/v1/deposit-deployment", json={"data": {"dseq": dseq, "deposit": 1}})
    assert [(r.status_code, r.json()["message"]) for r in (update, fund)] == [(400, "Deployment closed")] * 2


async def test_a_deposit_adds_to_escrow(world: World) -> None:
    dseq = (await world.create(deposit=1))["dseq"]
    response = await world.http.post("/v1/deposit-deployment", json={"data": {"dseq": dseq, "deposit": 0.25}})
    funds = response.json()["data"]["escrow_account"]["state"]["funds"]
    assert funds == [{"denom": "uact", "amount": "1250000.000000000000000000"}]


async def test_a_deposit_without_credit_is_402(world: World) -> None:
    dseq = (await world.create(deposit=1))["dseq"]
    response = await world.http.post("/v1/deposit-deployment", json={"data": {"dseq": dseq, "deposit": 1000}})
    assert response.status_code == 402


async def test_groups_are_numbered_by_name(world: World) -> None:
    two = SDL.replace("CPU", "0.5").replace("AMOUNT", "1000")
    two = two.replace("    dcloud:\n      pricing", "    zeta:\n      pricing").replace(
        "deployment:\n", "    alpha:\n      pricing:\n        web: {denom: uact, amount: 2000}\ndeployment:\n"
    )
    two = two.replace(
        "    dcloud: {profile: web, count: 1}",
        "    zeta: {profile: web, count: 1}\n    alpha: {profile: web, count: 1}",
    )
    created = await world.create(two)
    assert [group.name for group in world.truth(created["dseq"]).groups] == ["alpha", "zeta"]
    assert {item["bid"]["id"]["gseq"] for item in await world.bids(created["dseq"])} == {1, 2}


async def test_two_creates_in_one_millisecond_make_one_deployment() -> None:
    async with EmbeddedNetwork(Options(speed=50, providers=1, wall=lambda: 1_763_759_482.113)) as network:
        headers = {"x-api-key": network.api_key}
        async with httpx2.AsyncClient(base_url=network.console_url, headers=headers) as http:
            body = {"data": {"sdl": sdl(), "deposit": 1}}
            answers = [await http.post("/v1/deployments", json=body) for _ in range(2)]
    assert [a.status_code for a in answers] == [201, 400]
    assert answers[0].json()["data"]["dseq"] == "1763759482113"
    assert "dseq and owner already exists" in answers[1].json()["message"]
