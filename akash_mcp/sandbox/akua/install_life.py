"""The life of an install: created, rendered anew for another version or an older render, and deleted.

What runs changes only when a render has arrived at the cluster; until then, and when it fails, the version before it
goes on running.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from akash_mcp.sandbox.akua.cluster_life import ClusterLife
from akash_mcp.sandbox.akua.errors import Refused
from akash_mcp.sandbox.akua.operations import Operation, Operations, Stage, Work
from akash_mcp.sandbox.akua.records import Cluster, Install, PackageVersion, Render, Repository
from akash_mcp.sandbox.akua.world import World
from akash_mcp.sandbox.faults import Faults

FIRST_SECONDS = 5
"""How long the first stage of a creation takes, in simulated seconds."""


@dataclass(frozen=True)
class Wish:
    """What is to be installed where."""

    cluster: Cluster
    version: PackageVersion
    product_id: str | None
    values: dict[str, Any]


class InstallLife:
    """What happens to installs.

    `is_owner_late`: the operation of a creation does not know its install before its first stage is over.
    """

    def __init__(
        self,
        world: World,
        operations: Operations,
        clusters: ClusterLife,
        faults: Faults,
        *,
        is_owner_late: bool = False,
    ) -> None:
        self._world = world
        self._operations = operations
        self._clusters = clusters
        self._faults = faults
        self._is_owner_late = is_owner_late
        self._deleting: set[str] = set()

    def create(self, wish: Wish, key: str, line: str) -> Operation:
        """Begin an install, three quarters of a minute from being healthy."""
        install = self.born(wish)
        install.is_doomed = self._faults.take("install-degraded", line) is not None
        first: list[Render] = []
        metadata: dict[str, Any] = {"idempotency_key": key, "workspace_id": install.workspace_id}
        if wish.product_id is not None:
            metadata["product_id"] = wish.product_id

        def render() -> None:
            first.append(self._born_render(install, operation.id, install.package_version_id))
            self._set(install, state="rendering")

        def sync() -> None:
            self._set(install, state="syncing")
            self._clusters.scale(wish.cluster)

        def finish() -> dict[str, Any]:
            self._deploy(install, first[0])
            return {
                "install_id": install.id,
                "argo_app_name": f"install-{install.id.partition('_')[2]}",
                "argo_app_namespace": "argocd",
            }

        def fail() -> None:
            for each in first:
                self._world.change(each, state="failed")
            self._set(install, state="failed", reconciling=install.id in self._deleting)

        work = Work(
            "install.create",
            "install",
            (
                Stage("Create repository", FIRST_SECONDS, lambda: self._add_repository(install)),
                Stage("Render manifests", 10, render),
                Stage("Sync to cluster", 20, sync),
                Stage("Wait for health", 10),
            ),
            finish,
            fail,
            metadata,
            fault="install-fails",
        )
        owner = "" if self._is_owner_late else install.id
        operation = self._operations.start(work, install.workspace_id, owner, line=line)
        if self._is_owner_late:
            self._world.schedule.after(FIRST_SECONDS, lambda: setattr(operation, "owner_id", install.id))
        return operation

    def born(self, wish: Wish) -> Install:
        """A new install, `pending`."""
        install = Install(
            **self._world.born("inst", wish.cluster.workspace_id),
            cluster_id=wish.cluster.id,
            region_id=wish.cluster.region_id,
            product_id=wish.product_id,
            package_version_id=wish.version.id,
            desired_version_id=wish.version.id,
            values=wish.values,
        )
        self._world.installs[install.id] = install
        return install

    def born_healthy(self, wish: Wish) -> Install:
        """An install that was there before anybody looked."""
        install = self.born(wish)
        self._add_repository(install)
        self._deploy(install, self._born_render(install, None, wish.version.id))
        self._clusters.scale(wish.cluster)
        return install

    def update(self, install: Install, version: PackageVersion, line: str) -> Render | None:
        """Begin to change its version; nothing where it is that already. Raises `Refused` (409)."""
        if version.id == install.package_version_id and not install.reconciling:
            return None
        return self._start_render(install, version.id, line)

    def restore(self, install: Install, render: Render, line: str) -> Render:
        """Begin to go back to what a render had deployed. Raises `Refused` (409) where it never was."""
        if render.state != "deployed":
            raise Refused(409, f"The render is {render.state}, and only a deployed one can be restored.")
        return self._start_render(install, render.package_version_id, line, restored=render)

    def render(self, install: Install, body: Mapping[str, Any], line: str) -> Render:
        """Begin to render what it has, or skip it where nothing changed since. Raises `Refused` (409)."""
        deployed = [r for r in self._world.renders_of(install) if r.state == "deployed"]
        unchanged = bool(deployed) and deployed[-1].render_hash == self._hash(
            install, install.package_version_id
        )
        message = body.get("message")
        if unchanged and body.get("skip_unchanged", True) is not False and not install.reconciling:
            render = self._born_render(install, None, install.package_version_id, message=message)
            self._world.change(render, state="skipped", render_hash=deployed[-1].render_hash)
            return render
        return self._start_render(install, install.package_version_id, line, message=message)

    def delete(self, install: Install, line: str) -> Operation:
        """Begin to delete it, and cancel what else goes on with it. Raises `Refused` (409) where it goes already."""
        if install.id in self._deleting:
            raise Refused(409, "The install is being deleted already.")
        for operation in self._operations.of.values():
            if operation.owner_id == install.id and not operation.done:
                self._operations.cancel(operation)
        self._deleting.add(install.id)
        self._set(install, reconciling=True)

        def finish() -> dict[str, Any]:
            self._deleting.discard(install.id)
            if install.repository_id is not None:
                self._world.repositories.pop(install.repository_id, None)
            self._set(install, state="deleted", reconciling=False)
            self._clusters.scale(self._world.clusters[install.cluster_id])
            return {"argo_app_deleted": True, "repo_purged": True}

        def fail() -> None:
            self._deleting.discard(install.id)
            self._set(install, reconciling=False)
            self._clusters.settle(self._world.clusters[install.cluster_id])

        work = Work(
            "install.delete",
            "install",
            (Stage("Delete Argo application", 8), Stage("Purge repository", 4)),
            finish,
            fail,
            {"install_id": install.id},
        )
        return self._operations.start(work, install.workspace_id, install.id, line=line)

    def _start_render(
        self,
        install: Install,
        version_id: str,
        line: str,
        *,
        restored: Render | None = None,
        message: str | None = None,
    ) -> Render:
        if install.reconciling:
            raise Refused(409, "Another change of the install is under way.")
        before = install.state
        render = self._born_render(install, None, version_id, restored=restored, message=message)
        self._set(install, desired_version_id=version_id, reconciling=True)

        def finish() -> dict[str, Any]:
            self._deploy(install, render)
            return {
                "install_render_id": render.id,
                "repository_id": install.repository_id,
                "commit_sha": render.commit_sha,
                "render_hash": render.render_hash,
                "skipped": False,
            }

        def fail() -> None:
            self._world.change(render, state="failed")
            self._set(
                install,
                state=before,
                desired_version_id=install.package_version_id,
                reconciling=install.id in self._deleting,
            )
            self._clusters.settle(self._world.clusters[install.cluster_id])

        work = Work(
            "install.render",
            "install",
            (
                Stage("Render manifests", 10, lambda: self._set(install, state="rendering")),
                Stage("Sync to cluster", 15, lambda: self._set(install, state="syncing")),
            ),
            finish,
            fail,
            {"install_id": install.id},
        )
        operation = self._operations.start(work, install.workspace_id, install.id, line=line)
        render.operation_id = operation.id
        return render

    def _born_render(
        self,
        install: Install,
        operation_id: str | None,
        version_id: str,
        *,
        restored: Render | None = None,
        message: str | None = None,
    ) -> Render:
        render = Render(
            **self._world.born("rnd", install.workspace_id),
            install_id=install.id,
            operation_id=operation_id,
            package_version_id=version_id,
            restored_from=None if restored is None else restored.id,
            message=message,
        )
        self._world.renders[render.id] = render
        return render

    def _deploy(self, install: Install, render: Render) -> None:
        """The render has arrived: what it holds is what runs."""
        commit = f"{self._world.random.getrandbits(160):040x}"
        rendered = self._hash(install, render.package_version_id)
        self._world.change(render, state="deployed", render_hash=rendered, commit_sha=commit)
        install.running_since = None
        self._set(
            install,
            package_version_id=render.package_version_id,
            desired_version_id=render.package_version_id,
            state="syncing",
            reconciling=install.id in self._deleting,
        )
        self._clusters.settle(self._world.clusters[install.cluster_id])

    def _hash(self, install: Install, version_id: str) -> str:
        text = json.dumps([version_id, install.values], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def _add_repository(self, install: Install) -> None:
        repository = Repository(
            **self._world.born("repo", install.workspace_id),
            name=f"install-{install.id.partition('_')[2]}",
            purpose="deploy",
            owner_id=install.cluster_id,
        )
        self._world.repositories[repository.id] = repository
        install.repository_id = repository.id

    def _set(self, install: Install, **changes: Any) -> None:
        self._world.change(install, **changes)
