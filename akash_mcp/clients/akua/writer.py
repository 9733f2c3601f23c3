"""Akua's API, as far as it spends, changes or destroys. Only the gate holds an `AkuaWriter`.

A change with an Idempotency-Key may be sent again with the same key, body and If-Match: Akua makes one of them. What
Akua says of the key differs from one request to the next, so no more is relied on than that, and where an answer was
lost nothing that comes after it is taken for a refusal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from akash_mcp.clients.akua.client import AkuaClient
from akash_mcp.clients.akua.models import ComputeSettings, InstallMutation, Operation, Region
from akash_mcp.clients.akua.paths import is_same, path_of
from akash_mcp.clients.retries import Sending
from akash_mcp.errors import BadArgument

MOST_MACHINES = 100


class AkuaWriter:
    """Writes of Akua's API. Every method raises `MissingKey` before anything is sent without a token.

    A `key` is an Idempotency-Key, one of its own for each change that is meant, and an `etag` that of what is to be
    changed, as it was read. Every method raises `ApiError` where certainly nothing was done, among them `StaleEtag`
    where something else changed first, and `Interrupted` where it may have been done, which is looked up. An answer
    means that Akua took the change up, not that it is made.
    """

    def __init__(self, client: AkuaClient) -> None:
        self._client = client

    async def create_region(self, name: str) -> Region:
        """Create a label for clusters. Free. Sent once, because Akua takes no key for it: raises `OutcomeUnknown` where
        it may have been created.
        """
        return await self._client.send_write(
            "POST", "/regions", Region, sending=Sending.ONCE, body={"name": name}
        )

    async def create_package(self, body: Mapping[str, Any], key: str) -> Operation:
        """Create a package from its source. `body` is as Akua's `packages.create` takes it."""
        return await self._begin("POST", "/packages", key, body=body)

    async def create_install(self, body: Mapping[str, Any], key: str) -> Operation:
        """Install a package or a product. SPENDS what the cluster needs for it. `body` is as Akua's `installs.create`
        takes it.
        """
        return await self._begin("POST", "/installs", key, body=body)

    async def update_install(
        self, install_id: str, version_id: str, *, etag: str, key: str
    ) -> InstallMutation:
        """Bring an install to another version of its package. INTERRUPTS what runs."""
        return await self._change(install_id, "update", {"package_version_id": version_id}, etag, key)

    async def restore_install(
        self, install_id: str, render_id: str, *, etag: str, key: str
    ) -> InstallMutation:
        """Bring an install back to an earlier render. INTERRUPTS what runs."""
        return await self._change(install_id, "restore", {"render_id": render_id}, etag, key)

    async def delete_install(self, install_id: str, *, etag: str, key: str) -> Operation:
        """Remove an install. DESTROYS what runs. Raises `NotFound` for one that the workspace does not have."""
        return await self._begin("DELETE", path_of("/installs/{}", install_id), key, etag=etag)

    async def create_cluster(self, body: Mapping[str, Any], key: str) -> Operation:
        """Create a cluster. SPENDS. `body` is as Akua's `clusters.create` takes it."""
        return await self._begin("POST", "/clusters", key, body=body)

    async def suspend_cluster(self, cluster_id: str, *, etag: str, key: str) -> Operation:
        """Stop a cluster and what runs on it."""
        return await self._begin("POST", path_of("/clusters/{}:suspend", cluster_id), key, etag=etag)

    async def resume_cluster(self, cluster_id: str, *, etag: str, key: str) -> Operation:
        """Start a suspended cluster again. SPENDS."""
        return await self._begin("POST", path_of("/clusters/{}:resume", cluster_id), key, etag=etag)

    async def set_compute(
        self, cluster_id: str, *, etag: str, auto_scaling_enabled: bool | None, max_machines: int | None
    ) -> ComputeSettings:
        """Let a cluster rent machines by itself or not, and how many at the most (0 to 100). More SPENDS. None leaves
        one of the two as it is; `BadArgument` is raised where nothing is left to set.
        """
        settings = {"auto_scaling_enabled": auto_scaling_enabled, "max_machines": max_machines}
        body = {name: value for name, value in settings.items() if value is not None}
        if not body:
            raise BadArgument("Nothing of the compute settings is to be changed.")
        if max_machines is not None and not 0 <= max_machines <= MOST_MACHINES:
            raise BadArgument(f"A cluster has 0 to {MOST_MACHINES} machines, and not {max_machines}.")
        return await self._client.send_write(
            "PATCH",
            path_of("/clusters/{}/compute_settings", cluster_id),
            ComputeSettings,
            # It takes no key and needs none: to set a value twice is to set it once, and the etag keeps a repetition
            # from undoing what somebody else set in between.
            sending=Sending.REPEATABLE,
            body=body,
            etag=etag,
            fits=lambda told: told.auto_scaling is not None or told.max_machines is not None,
        )

    async def _begin(
        self,
        method: str,
        path: str,
        key: str,
        *,
        etag: str | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Operation:
        """Have Akua begin something, which goes on in an operation."""
        return await self._client.send_write(
            method, path, Operation, sending=Sending.REPEATABLE, body=body, key=key, etag=etag
        )

    async def _change(
        self, install_id: str, action: str, body: Mapping[str, Any], etag: str, key: str
    ) -> InstallMutation:
        return await self._client.send_write(
            "POST",
            path_of("/installs/{}", install_id) + f":{action}",
            InstallMutation,
            sending=Sending.REPEATABLE,
            body=body,
            key=key,
            etag=etag,
            fits=lambda told: is_same(install_id, told.install.id),
        )
