"""Calls as the Console's document of October 2026 allows them, or nearly: none that the autumn Console dies of.

The hypothesis profile says how many: `HYPOTHESIS_PROFILE=thorough` makes thousands.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import shared_data
from anyio.from_thread import start_blocking_portal
from console_contract import OCTOBER
from console_world import sdl
from drawn_requests import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_contract_2026_10 import is_played

from akash_mcp.sandbox.network import EmbeddedNetwork, Options

pytestmark = shared_data.needed

FORWARDED = ("unknown bid", "the amount is not positive")
"""What the real one answers with 500 as well, since it does not map the chain's refusal."""


@dataclass
class Caller:
    """A network in another thread, and what may be asked of it."""

    http: httpx2.Client
    calls: st.SearchStrategy[dict[str, Any]]


@pytest.fixture(scope="module")
def caller() -> Iterator[Caller]:
    options = Options(
        generation="2026-11", speed=200, automine=True, providers=4, balance_uact=10**15, repeated_refusals=False
    )  # fmt: skip
    with start_blocking_portal("asyncio") as portal:
        network = EmbeddedNetwork(options)
        portal.call(network.__aenter__)
        try:
            with httpx2.Client(
                base_url=network.console_url,
                headers={"x-api-key": network.api_key},
                timeout=30,
                verify=False,
                trust_env=False,
            ) as http:
                known = populated(http, network)
                played = [operation for operation in OCTOBER.operations if is_played(operation)]
                drawn = [
                    requests(OCTOBER, operation, known, sound=sound)
                    for operation in played
                    for sound in (True, False)
                ]
                yield Caller(http, st.one_of(drawn))
        finally:
            portal.call(network.__aexit__, None, None, None)


def populated(http: httpx2.Client, network: EmbeddedNetwork) -> dict[str, list[Any]]:
    """Something to ask for: a deployment that runs, one that waits and one that is closed."""
    body = {"data": {"sdl": sdl()}}
    made = [http.post("/v1/deployments", json=body).json()["data"] for _ in range(3)]
    dseqs = [each["dseq"] for each in made]
    network.clock.skip(30)
    bid = http.get("/v1/bids", params={"dseq": dseqs[0]}).json()["data"][0]["bid"]["id"]
    chosen = {name: bid[name] for name in ("dseq", "gseq", "oseq", "provider")}
    assert http.post("/v1/leases", json={"leases": [chosen]}).status_code == 200
    http.delete(f"/v1/deployments/{dseqs[2]}")
    user = http.get("/v1/user/me").json()["data"]["id"]
    activity = http.delete(f"/v1/deployments/{dseqs[1]}", params={"async": "true"}).json()["data"]
    providers = list(network.chain.providers)
    return {
        "dseq": [*dseqs, "1", "0", "0x10", "many"],
        "userId": [user, str(uuid.UUID(int=1)), "me"],
        "owner": [network.owner, providers[0], "akash1"],
        "address": [network.owner, providers[0]],
        "addresses": [",".join(providers), providers[0], ""],
        "provider": [*providers, network.owner],
        "sdl": [sdl(), sdl(image="redis:8"), "", "a: [", sdl(amount="0"), sdl(cpu="64")],
        "inheritSecretsFrom": [dseqs[0], "17"],
        "sealedSecrets": ["a.b.c.d.e", "", "e30.e30.e30.e30.e30"],
        "id": [activity["activityId"], str(uuid.UUID(int=2)), "nothing"],
        "services": [{"web": {"image": "nginx:1.28"}}, {"web": {"env": {"A": None}}}, {"db": {}}, {}],
        "startDate": ["2026-01-01", "0001-01-01", "9999-12-31"],
        "endDate": ["2026-01-02", "9999-12-31", "soon"],
        "upTo": ["2026-11-01T00:00:00Z", "now"],
        "expiresAt": ["2027-01-01T00:00:00Z", "never"],
        "height": [22_000_100, 10**30, -5],
        "timestamp": [1_800_000_000, 10**30, -5],
    }


@settings(derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_calls_that_the_document_allows_or_nearly_allows_never_crash(
    caller: Caller, data: st.DataObject
) -> None:
    request = data.draw(caller.calls, label="request")
    response = caller.http.request(**request)
    assert response.text != "404 Not Found"
    assert response.status_code < 500 or any(text in response.text for text in FORWARDED), response.text
    operation = OCTOBER.operation_of(request["method"], response.request.url.path)
    if operation is not None and OCTOBER.declares(operation, response.status_code):
        assert not OCTOBER.complaints(operation, response.status_code, response.text)
