"""An embedded Akua whose time stands still unless a test moves it, and a client of one workspace."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from akash_mcp.sandbox.akua import AkuaOptions, EmbeddedAkua

VALUES = {"hostname": "shop.example.com"}


@dataclass
class AkuaWorld:
    """One Akua, and one client with its workspace token."""

    akua: EmbeddedAkua
    http: httpx2.AsyncClient

    async def call(self, method: str, path: str, **more: Any) -> httpx2.Response:
        return await self.http.request(method, path, **more)

    async def ok(self, method: str, path: str, **more: Any) -> Any:
        """The JSON of an answer that is not a refusal."""
        response = await self.call(method, path, **more)
        assert response.status_code < 300, response.text
        return response.json()

    async def first(self, path: str) -> dict[str, Any]:
        """The newest of a list."""
        found: dict[str, Any] = (await self.ok("GET", path))["data"][0]
        return found

    async def versions(self) -> dict[str, str]:
        """Ids of the package's versions, by semver."""
        package = await self.first("/packages")
        listed = await self.ok("GET", f"/packages/{package['id']}/versions")
        return {version["semver"]: version["id"] for version in listed["data"]}

    async def wish(self, **more: Any) -> dict[str, Any]:
        """A body that creates an install of the package."""
        package, region = await self.first("/packages"), await self.first("/regions")
        body = {
            "package_id": package["id"],
            "package_version_pin": {"kind": "pinned", "version": "1.0.0"},
            "region_id": region["id"],
            "initial_values": VALUES,
        }
        return {**body, **more}

    async def begin(self, key: str | None = None, **more: Any) -> dict[str, Any]:
        """The operation of an install that was asked for just now."""
        headers = {} if key is None else {"Idempotency-Key": key}
        operation: dict[str, Any] = await self.ok(
            "POST", "/installs", json=await self.wish(**more), headers=headers
        )
        return operation

    async def install(self, **more: Any) -> dict[str, Any]:
        """An install whose creation is over."""
        operation = await self.begin(**more)
        self.later(60)
        install: dict[str, Any] = await self.ok("GET", f"/installs/{operation['owner_id']}")
        return install

    async def operation(self, operation: Mapping[str, Any]) -> dict[str, Any]:
        """As it is now."""
        read: dict[str, Any] = await self.ok("GET", f"/operations/{operation['id']}")
        return read

    def later(self, seconds: float) -> None:
        """Let so many simulated seconds pass."""
        self.akua.clock.skip(seconds)

    def truth(self, kind: str) -> Any:
        """One part of what is true."""
        return self.akua.state()[kind]


async def headers_for(world: AkuaWorld, path: str, key: str) -> dict[str, str]:
    """The headers of a write: the etag as it is now, and an idempotency key."""
    return {"If-Match": (await world.ok("GET", path))["etag"], "Idempotency-Key": key}


async def states(world: AkuaWorld, path: str, *seconds: float) -> list[str]:
    """The state of something after each of these pauses."""
    told = []
    for each in seconds:
        world.later(each)
        told.append((await world.ok("GET", path))["state"])
    return told


def errors(response: httpx2.Response) -> tuple[int, dict[str, Any]]:
    """The status, and the one error of the document's envelope."""
    body = response.json()
    assert (body["success"], body["result"]) == (False, {})
    (error,) = body["errors"]
    return response.status_code, error


@asynccontextmanager
async def new_akua(*, token: str = "workspace", **options: Any) -> AsyncIterator[AkuaWorld]:
    """Its clock stands at nine hours of the monotonic kind. `token`: workspace, or broad."""
    chosen = AkuaOptions(**{"monotonic": lambda: 32_400.0, "wall": lambda: 1_790_000_000.0, **options})
    async with EmbeddedAkua(chosen) as akua:
        held = akua.token if token == "workspace" else akua.broad_token
        headers = {"Authorization": f"Bearer {held}"}
        # Nothing here is TLS, and loading the system's certificates takes longer than most of these tests.
        async with httpx2.AsyncClient(base_url=akua.url, headers=headers, timeout=30, verify=False) as http:
            yield AkuaWorld(akua, http)
