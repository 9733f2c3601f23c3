"""The Console of 2025: the deposit bounds the spending, and certificates are handed out."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from console_world import World, lease_body, new_world, sdl
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world("2025") as fresh:
        yield fresh


async def test_less_than_five_dollars_is_refused(world: World) -> None:
    response = await world.http.post("/v1/deployments", json={"data": {"sdl": sdl(), "deposit": 4.99}})
    assert (response.status_code, response.json()["message"]) == (
        400,
        "Failed to create deployment: Deposit too low",
    )
    assert world.allowance == 100_000_000


async def test_a_create_does_not_tell_its_transaction(world: World) -> None:
    assert set(await world.create()) == {"dseq", "manifest"}


async def test_a_certificate_comes_with_its_key_in_the_clear_and_is_on_chain(world: World) -> None:
    response = await world.http.post("/v1/certificates")
    assert response.status_code == 201
    pems = response.json()["data"]
    key = load_pem_private_key(pems["encryptedKey"].encode(), password=None)
    certificate = x509.load_pem_x509_certificate(pems["certPem"].encode())
    assert certificate.public_key() == key.public_key()
    assert "BEGIN EC PUBLIC KEY" in pems["pubkeyPem"]
    chain = world.network.chain
    assert [c.serial for c in chain.certificates if c.owner == world.network.owner] == [
        str(certificate.serial_number)
    ]


async def test_a_certificate_needs_a_key(world: World) -> None:
    del world.http.headers["x-api-key"]
    assert (await world.http.post("/v1/certificates")).status_code == 401


@pytest.mark.parametrize("path", ["/v2/deployment-settings/0", "/v1/deployment-funding-config"])
async def test_routes_of_later_generations_are_404(world: World, path: str) -> None:
    response = await world.http.get(path)
    assert (response.status_code, response.text) == (404, "404 Not Found")


async def test_bids_ask_for_a_certificate_and_leases_take_one(world: World) -> None:
    created = await world.create()
    bids = await world.bids(created["dseq"])
    assert all(bid["isCertificateRequired"] for bid in bids)
    body = lease_body(created, bids[0]["bid"]["id"]) | {"certificate": {"certPem": "x", "keyPem": "y"}}
    assert (await world.http.post("/v1/leases", json=body)).status_code == 200
    half = await world.http.post("/v1/leases", json=body | {"certificate": {"certPem": "x"}})
    assert half.json()["data"][0]["path"] == ["certificate", "keyPem"]


async def test_nothing_is_deposited_by_itself(world: World) -> None:
    created = await world.create()
    assert (await world.lease(created)).status_code == 200
    world.network.clock.skip(7200)
    assert world.allowance == 95_000_000


async def test_the_list_comes_in_tens(world: World) -> None:
    for _ in range(11):
        await world.create()
    listed = (await world.http.get("/v1/deployments")).json()["data"]
    assert len(listed["deployments"]) == 10
    assert set(listed["pagination"]) == {"total", "skip", "limit"}
    rest = (await world.http.get("/v1/deployments", params={"skip": 10})).json()["data"]
    assert len(rest["deployments"]) == 1


async def test_funds_are_added_in_two_ways(world: World) -> None:
    dseq = (await world.create())["dseq"]
    assert (await world.http.post(f"/v1/deployments/deposit/{dseq}", json={"amount": 2})).status_code == 200
    body = {"data": {"dseq": dseq, "deposit": 1}}
    assert (await world.http.post("/v1/deposit-deployment", json=body)).status_code == 200
    assert world.truth(dseq).escrow.funds == 8_000_000
