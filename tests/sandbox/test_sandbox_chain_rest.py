"""The chain's REST gateway: finding a provider's certificate as a client does before it trusts one."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from cryptography import x509

from akash_mcp.sandbox.network import EmbeddedNetwork, Options

pytestmark = pytest.mark.anyio

CERTIFICATES = "/akash/cert/v1/certificates/list"


@pytest.fixture
async def network() -> AsyncIterator[EmbeddedNetwork]:
    async with EmbeddedNetwork(Options(providers=3)) as running:
        yield running


async def ask(network: EmbeddedNetwork, path: str, **query: str) -> httpx2.Response:
    parameters = {key.replace("_", "."): value for key, value in query.items()}
    async with httpx2.AsyncClient(base_url=network.chain_rest_url) as rest:
        return await rest.get(path, params=parameters)


async def listed(network: EmbeddedNetwork, **query: str) -> list[dict[str, Any]]:
    response = await ask(network, CERTIFICATES, **query)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["certificates"]
    assert response.json()["pagination"]["total"] == str(len(found))
    return found


async def test_a_providers_certificate_is_found_by_owner_and_decimal_serial(network: EmbeddedNetwork) -> None:
    owner = next(iter(network.market))
    serial = network.chain.certificates[0].serial
    found = await listed(network, filter_owner=owner, filter_serial=serial, filter_state="valid")
    pem = base64.b64decode(found[0]["certificate"]["cert"])
    assert str(x509.load_pem_x509_certificate(pem).serial_number) == found[0]["serial"] == serial
    assert b"EC PUBLIC KEY" in base64.b64decode(found[0]["certificate"]["pubkey"])


async def test_a_serial_without_an_owner_is_not_looked_at(network: EmbeddedNetwork) -> None:
    assert len(await listed(network, filter_serial="1")) == 3


async def test_no_match_is_an_empty_list(network: EmbeddedNetwork) -> None:
    assert await listed(network, filter_owner=network.owner) == []


async def test_valid_certificates_come_before_revoked_ones(network: EmbeddedNetwork) -> None:
    network.chain.certificates[0].state = "revoked"
    assert [c["certificate"]["state"] for c in await listed(network)] == ["valid", "valid", "revoked"]
    assert len(await listed(network, filter_state="revoked")) == 1


async def test_pages_follow_their_key(network: EmbeddedNetwork) -> None:
    first = (await ask(network, CERTIFICATES, pagination_limit="2")).json()
    key = first["pagination"]["next_key"]
    rest = (await ask(network, CERTIFICATES, pagination_limit="2", pagination_key=key)).json()
    assert (len(first["certificates"]), len(rest["certificates"])) == (2, 1)
    assert rest["pagination"]["next_key"] is None


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ({"filter_state": "expired"}, 400, "invalid state value"),
        ({"pagination_offset": "1"}, 400, "invalid request parameters"),
        ({"pagination_limit": "many"}, 400, "parsing field"),
        ({"filter_owner": "akash1x", "filter_serial": "0xff"}, 500, "nil pointer"),
    ],
)
async def test_bad_questions_fail_as_on_a_node(
    network: EmbeddedNetwork, query: dict[str, str], status: int, message: str
) -> None:
    response = await ask(network, CERTIFICATES, **query)
    assert response.status_code == status
    assert message in response.json()["message"]


async def test_a_providers_record_tells_its_host(network: EmbeddedNetwork) -> None:
    owner = next(iter(network.market))
    record = (await ask(network, f"/akash/provider/v1beta4/providers/{owner}")).json()["provider"]
    assert record["host_uri"] == network.chain.providers[owner].host_uri
    assert {"key": "host", "value": "akash"} in record["attributes"]


async def test_an_account_that_is_not_a_provider_is_404(network: EmbeddedNetwork) -> None:
    response = await ask(network, f"/akash/provider/v1beta4/providers/{network.owner}")
    assert (response.status_code, response.json()["code"]) == (404, 5)
    mistyped = await ask(network, "/akash/provider/v1beta4/providers/akash1zzz")
    assert mistyped.status_code == 400


async def test_the_latest_block_follows_the_clock(network: EmbeddedNetwork) -> None:
    path = "/cosmos/base/tendermint/v1beta1/blocks/latest"
    before = int((await ask(network, path)).json()["block"]["header"]["height"])
    network.clock.skip(6098)
    after = int((await ask(network, path)).json()["block"]["header"]["height"])
    assert 1000 <= after - before <= 1001


async def test_a_route_that_is_not_there_is_501(network: EmbeddedNetwork) -> None:
    assert (await ask(network, "/akash/nothing")).status_code == 501
