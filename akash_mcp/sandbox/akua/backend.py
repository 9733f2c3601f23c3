"""What the routes share, and the looks-up that most of them begin with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from akash_mcp.sandbox.akua.cluster_life import ClusterLife
from akash_mcp.sandbox.akua.endpoint import Call
from akash_mcp.sandbox.akua.errors import Refused, not_found
from akash_mcp.sandbox.akua.install_life import InstallLife
from akash_mcp.sandbox.akua.operations import Operations
from akash_mcp.sandbox.akua.package_life import PackageLife
from akash_mcp.sandbox.akua.paging import Pages
from akash_mcp.sandbox.akua.quotas import Quotas
from akash_mcp.sandbox.akua.records import Cluster, Install, Record
from akash_mcp.sandbox.akua.world import World
from akash_mcp.sandbox.faults import Faults

SomeRecord = TypeVar("SomeRecord", bound=Record)


@dataclass(frozen=True)
class Backend:
    """Everything behind the routes."""

    world: World
    faults: Faults
    operations: Operations
    quotas: Quotas
    clusters: ClusterLife
    packages: PackageLife
    installs: InstallLife
    pages: Pages
    made_stale: set[str] = field(default_factory=set)

    def cluster(self, call: Call) -> Cluster:
        """The cluster of the path. Raises `Refused` (404)."""
        cluster = find(self.world.clusters, call, call.path["id"], "Cluster")
        if cluster.state == "deleted":
            raise not_found("Cluster")
        return cluster

    def install(self, call: Call) -> Install:
        """The install of the path. Raises `Refused` (404)."""
        install = find(self.world.installs, call, call.path["id"], "Install")
        if install.state == "deleted":
            raise not_found("Install")
        return install

    def match(self, call: Call, record: Record) -> None:
        """Raises `Refused` (409) where the record is not as it was when the caller read it."""
        if record.id not in self.made_stale and self.faults.take("stale-etag", call.line):
            self.made_stale.add(record.id)
            self.world.touch(record)
        refuse_stale(call, record.etag)


def refuse_stale(call: Call, etag: str) -> None:
    """Raises `Refused` (409) where `If-Match` is another etag, with the current one."""
    if call.if_match != etag:
        raise Refused(409, "ABORTED: the resource has changed since it was read.", metadata={"etag": etag})


def find(
    records: Mapping[str, SomeRecord], call: Call, wanted: str, kind: str, path: Sequence[str] = ()
) -> SomeRecord:
    """The record of this id in the workspaces of the call. Raises `Refused` (404), with the `path` that named it."""
    found = records.get(wanted)
    if found is None or all(found.workspace_id != workspace.id for workspace in call.workspaces):
        raise not_found(kind, path)
    return found
