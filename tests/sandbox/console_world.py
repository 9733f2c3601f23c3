"""A network of few providers, a client with its key, and the steps that most tests begin with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from console_contract import AUGUST, LEDGER, OCTOBER

from akash_mcp.sandbox.console import Generation
from akash_mcp.sandbox.network import EmbeddedNetwork, Options

SDL = """
version: "2.0"
services:
  web:
    image: nginx:1.27
    expose:
      - port: 80
        to:
          - global: true
profiles:
  compute:
    web:
      resources:
        cpu: {units: CPU}
        memory: {size: 512Mi}
        storage: {size: 1Gi}
  placement:
    dcloud:
      pricing:
        web: {denom: uact, amount: AMOUNT}
deployment:
  web:
    dcloud: {profile: web, count: 1}
"""


def sdl(*, image: str = "nginx:1.27", cpu: str = "0.5", amount: str = "100000") -> str:
    return SDL.replace("nginx:1.27", image).replace("CPU", cpu).replace("AMOUNT", amount)


def impatient(seconds: float) -> httpx2.Timeout:
    """Waits so long for an answer only: until it is connected takes as long as the machine needs."""
    return httpx2.Timeout(30, read=seconds)


@dataclass
class World:
    """One network and one client of its Console."""

    network: EmbeddedNetwork
    http: httpx2.AsyncClient

    async def create(self, text: str | None = None, deposit: float = 5) -> dict[str, Any]:
        body = {"data": {"sdl": text or sdl(), "deposit": deposit}}
        response = await self.http.post("/v1/deployments", json=body)
        assert response.status_code == 201, response.text
        created: dict[str, Any] = response.json()["data"]
        return created

    async def bids(self, dseq: str) -> list[dict[str, Any]]:
        """All bids on it, half a minute of the network's time later."""
        self.network.clock.skip(30)
        response = await self.http.get("/v1/bids", params={"dseq": dseq})
        listed: list[dict[str, Any]] = response.json()["data"]
        return listed

    async def lease(self, created: dict[str, Any], provider: str | None = None) -> httpx2.Response:
        ids = [item["bid"]["id"] for item in await self.bids(created["dseq"])]
        chosen = next(i for i in ids if provider in (None, i["provider"]))
        return await self.http.post("/v1/leases", json=lease_body(created, chosen))

    async def get(self, dseq: str) -> dict[str, Any]:
        response = await self.http.get(f"/v1/deployments/{dseq}")
        assert response.status_code == 200, response.text
        read: dict[str, Any] = response.json()["data"]
        return read

    def truth(self, dseq: str) -> Any:
        deployment = self.network.chain.deployment(self.network.owner, dseq)
        assert deployment is not None
        return deployment

    @property
    def allowance(self) -> int:
        return self.network.chain.accounts[self.network.owner].allowance_uact


def lease_body(created: dict[str, Any], *bid_ids: dict[str, Any]) -> dict[str, Any]:
    leases = [{key: i[key] for key in ("dseq", "gseq", "oseq", "provider")} for i in bid_ids]
    return {"manifest": created["manifest"], "leases": leases}


async def _hold_to_august(response: httpx2.Response) -> None:
    """Every answer of every test is what the Console's own document says it is."""
    await response.aread()
    request = response.request
    LEDGER.check(request.method, request.url.path, response.status_code, response.text)


async def _hold_to_october(response: httpx2.Response) -> None:
    """The same for the autumn, refusals included. Statuses that are not declared are `test_contract_2026_10`'s."""
    await response.aread()
    request = response.request
    operation = OCTOBER.operation_of(request.method, request.url.path)
    if operation is not None and response.status_code != 403:  # a stranger meets the proxy of alerts
        told = OCTOBER.complaints(operation, response.status_code, response.text)
        assert not told, f"{operation.name} {response.status_code}: {told[:5]}"


_HELD_TO = {"reference": _hold_to_august, "2026-11": _hold_to_october}


@asynccontextmanager
async def new_world(generation: Generation = "reference", **options: Any) -> AsyncIterator[World]:
    chosen = Options(**{"speed": 50, "automine": True, "providers": 4, "generation": generation, **options})
    async with EmbeddedNetwork(chosen) as network:
        headers = {"x-api-key": network.api_key}
        hooks = {"response": [_HELD_TO[generation]]} if generation in _HELD_TO and AUGUST.operations else {}
        # Nothing here is TLS, and loading the system's certificates takes longer than most of these tests.
        async with httpx2.AsyncClient(
            base_url=network.console_url, headers=headers, timeout=30, verify=False, event_hooks=hooks
        ) as http:
            yield World(network, http)
