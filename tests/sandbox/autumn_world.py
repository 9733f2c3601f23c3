"""The Console of `2026-11` with one tenant, and the steps that most of its tests begin with."""

from __future__ import annotations

from typing import Any

import httpx2
from console_world import World, sdl

GPU = "        gpu: {units: 1, attributes: {vendor: {nvidia: []}}}\n"


def with_gpu() -> str:
    """An SDL that wants a GPU of any model."""
    return sdl().replace("        memory:", f"{GPU}        memory:")


def with_env(*lines: str) -> str:
    """An SDL whose service has these variables."""
    listed = "".join(f"      - {line}\n" for line in lines)
    return sdl().replace("    expose:\n", f"    env:\n{listed}    expose:\n", 1)


async def create(world: World, **data: Any) -> str:
    response = await world.http.post("/v1/deployments", json={"data": {"sdl": sdl(), **data}})
    assert response.status_code == 201, response.text
    dseq: str = response.json()["data"]["dseq"]
    return dseq


async def open_bid(world: World, dseq: str) -> dict[str, Any]:
    """The first bid on it, as a lease names one."""
    bids = await world.bids(dseq)
    return {key: bids[0]["bid"]["id"][key] for key in ("dseq", "gseq", "oseq", "provider")}


async def lease(world: World, dseq: str) -> httpx2.Response:
    return await world.http.post("/v1/leases", json={"leases": [await open_bid(world, dseq)]})


async def patch(world: World, dseq: str, **data: Any) -> httpx2.Response:
    return await world.http.patch(f"/v1/deployments/{dseq}", json={"data": data})


async def settings(world: World, dseq: str, **data: Any) -> httpx2.Response:
    return await world.http.patch(f"/v2/deployment-settings/{dseq}", json={"data": data})


async def bounds(world: World, dseq: str) -> dict[str, Any]:
    """The settings, read."""
    response = await world.http.get(f"/v2/deployment-settings/{dseq}")
    assert response.status_code == 200, response.text
    read: dict[str, Any] = response.json()["data"]
    return read
