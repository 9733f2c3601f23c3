"""The embedded Console against the Console's own OpenAPI document: calls of every kind, none of which it may die of.

The hypothesis profile says how many: `HYPOTHESIS_PROFILE=thorough` makes thousands.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
import shared_data
from anyio.from_thread import start_blocking_portal
from console_contract import AUGUST, LEDGER, Operation
from console_world import lease_body, sdl
from drawn_requests import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from akash_mcp.sandbox.network import EmbeddedNetwork, Options
from akash_mcp.sandbox.sellers import AUDITOR

pytestmark = shared_data.needed

NOT_PLAYED = (
    "/v1/stripe", "/v1/user/", "/v1/auth", "/v1/register-user", "/v1/send-", "/v1/verify", "/v1/tx",
    "/v1/api-keys", "/akash/", "/v1/provider-dashboard", "/v1/provider-earnings", "/v1/provider-versions",
    "/v1/provider-graph-data", "/v1/graph-data", "/v1/bme", "/v1/dashboard-data", "/v1/transactions",
    "/v1/validators", "/v1/proposals", "/v1/confidential-compute", "/v1/leases-duration",
    "/v1/predicted-", "/v1/providers/{provider}/deployments", "/v1/providers/{providerAddress}/", "/v1/addresses/",
    "/v1/deployment/", "/v1/blocks/", "/v1/blockchain-status", "/v1/market-data", "/v1/network-capacity",
    "/v1/gpu-breakdown", "/v1/provider-attributes-schema", "/v1/usage/history/stats", "/v1/weekly-cost",
    "/v1/wallet-settings",
)  # fmt: skip
"""What is for the web page, for providers and for validators, and what no tool of ours asks for."""


def is_played(operation: Operation) -> bool:
    return operation.path == "/v1/user/me" or not operation.path.startswith(NOT_PLAYED)


@dataclass
class Caller:
    """A network in another thread, what exists on it, and what was answered so far."""

    http: httpx2.Client
    known: dict[str, list[Any]]
    statuses: Counter[str] = field(default_factory=Counter)
    calls: st.SearchStrategy[dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.calls = st.one_of(
            [
                requests(AUGUST, operation, self.known, sound=sound)
                for operation in PLAYED
                for sound in (True, False)
            ]
        )

    def send(self, request: dict[str, Any]) -> httpx2.Response:
        response = self.http.request(**request)
        LEDGER.check(request["method"], response.request.url.path, response.status_code, response.text)
        self.statuses[str(response.status_code)] += 1
        return response


@pytest.fixture(scope="module")
def caller() -> Iterator[Caller]:
    with start_blocking_portal("asyncio") as portal:
        network = EmbeddedNetwork(Options(speed=200, automine=True, providers=4, balance_uact=10**15))
        portal.call(network.__aenter__)
        try:
            headers = {"x-api-key": network.api_key}
            with httpx2.Client(
                base_url=network.console_url, headers=headers, timeout=30, verify=False, trust_env=False
            ) as http:
                yield populated(http, network)
        finally:
            portal.call(network.__aexit__, None, None, None)


def populated(http: httpx2.Client, network: EmbeddedNetwork) -> Caller:
    """Something to ask for: a deployment that runs, one that waits, one that is closed, and a channel."""
    created = [
        http.post("/v1/deployments", json={"data": {"sdl": sdl(), "deposit": 5}}).json()["data"]
        for _ in range(3)
    ]
    dseqs = [each["dseq"] for each in created]
    network.clock.skip(30)
    bids = http.get("/v1/bids", params={"dseq": dseqs[0]}).json()["data"]
    assert http.post("/v1/leases", json=lease_body(created[0], bids[0]["bid"]["id"])).status_code == 200
    http.delete(f"/v1/deployments/{dseqs[2]}")
    user = http.get("/v1/user/me").json()["data"]["id"]
    channels = [each["id"] for each in http.get("/v1/notification-channels").json()["data"]]
    alerts = [each["id"] for each in http.get("/v1/alerts").json()["data"]]
    providers = list(network.chain.providers)
    known = {
        "dseq": [*dseqs, int(dseqs[0]), "1", "0", "-1", "0x10", "many"],
        "userId": [user, "7a8f2c1e-0000-4000-8000-000000000000", "me"],
        "owner": [network.owner, providers[0]],
        "address": [network.owner, providers[0], AUDITOR, "akash1"],
        "addresses": [",".join(providers), providers[0], ""],
        "provider": [*providers, network.owner, "https://localhost:8443"],
        "sdl": [sdl(), sdl(image="redis:8"), "", "a: [", sdl(amount="0")],
        "manifest": [created[0]["manifest"], "[]", ""],
        "id": [*channels, *alerts, "akash-network-awesome-akash-hello-world", "nothing"],
        "notificationChannelId": channels,
        "timezone": ["Europe/Berlin", "Mars/Olympus"],
        "startDate": ["2026-01-01", "2020-02-30", "0001-01-01", "9999-12-31"],
        "endDate": ["2026-01-02", "9999-12-31", "soon"],
        "val": ["100", "1000000000", "MTAw", "-1", "1" * 80],
        "amount": ["10000", "0", "1.5"],
        "ttl": [30, 1800, 10**30],
        "email": ["a@b.example"],
    }
    return Caller(http, known)


def is_an_oddity_of_the_real_one(request: dict[str, Any], response: httpx2.Response) -> bool:
    """What the real one answers with 500 as well, since it does not map the chain's refusal or catch the database's.

    No leases at all, a bid that never was, a deposit of nothing, a settings row made twice.
    """
    path = request["url"]
    if path == "/v1/leases":
        body = json.loads(request["content"])
        return body["leases"] == [] or "unknown bid" in response.json()["message"]
    if path == "/v1/deposit-deployment":
        return "the amount is not positive" in response.json()["message"]
    return request["method"] == "POST" and path in ("/v1/deployment-settings", "/v2/deployment-settings")


PLAYED = [operation for operation in AUGUST.operations if is_played(operation)]


@settings(
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_calls_that_the_document_allows_or_nearly_allows_never_crash(
    caller: Caller, data: st.DataObject
) -> None:
    request = data.draw(caller.calls, label="request")
    response = caller.send(request)
    assert response.status_code < 500 or is_an_oddity_of_the_real_one(request, response), response.text
    assert response.status_code != 404 or response.text != "404 Not Found", "not played"


UNKNOWN_HERE = {"GET /v1/alerts/{id}", "GET /v1/providers/{address}", "GET /v1/templates/{id}"}
"""Reads that answer 404 to the values that are usual here, which the document does not describe."""


def test_every_played_operation_answers_as_the_document_says(
    caller: Caller, capfd: pytest.CaptureFixture[str]
) -> None:
    """With nothing but values that exist, once each; then the whole balance of this file is told."""
    answered: dict[str, str] = {}
    for operation in PLAYED:
        if operation.method == "GET":
            path = operation.path.replace("?}", "}")
            for name, value in {**usual(caller), "coin": "akt"}.items():
                path = path.replace(f"{{{name}}}", str(value))
            query = {
                p["name"]: usual(caller).get(p["name"]) for p in operation.described.get("parameters", ())
            }
            wanted = {
                name: value for name, value in query.items() if value and f"{{{name}}}" not in operation.path
            }
            response = caller.send({"method": "GET", "url": path, "params": wanted})
            assert response.status_code in (200, 404), (operation.name, response.text)
            answered[f"{operation.name} {response.status_code}"] = operation.name
    # Counted from these calls alone: what other tests add to the balance depends on which of them ran before.
    assert len(answered) == sum(operation.method == "GET" for operation in PLAYED)
    assert {name for kind, name in answered.items() if kind not in LEDGER.checked} == UNKNOWN_HERE
    with capfd.disabled():
        print(
            f"\n{len(PLAYED)} of {len(AUGUST.operations)} operations played; {sum(caller.statuses.values())} calls "
            f"{dict(sorted(caller.statuses.items()))}; {sum(LEDGER.checked.values())} answers of "
            f"{len(LEDGER.checked)} kinds held to the document"
        )


def usual(caller: Caller) -> dict[str, Any]:
    known = caller.known
    return {
        "dseq": known["dseq"][0],
        "userId": known["userId"][0],
        "owner": known["owner"][0],
        "address": known["address"][0],
        "id": known["id"][0],
        "status": "active",
        "skip": 0,
        "limit": 10,
        "height": 22_000_001,
    }
