"""The life of a cluster: provisioning, machines that follow its installs, suspension and deletion.

Machines cost money, and nobody asks for one: a cluster whose autoscaling is active rents one for each install, up to
its own limit and the plan's, and gives them back when installs go.
"""

from __future__ import annotations

from typing import Any

from akash_mcp.sandbox.akua.errors import Refused
from akash_mcp.sandbox.akua.operations import Operation, Operations, Stage, Work
from akash_mcp.sandbox.akua.quotas import Quotas
from akash_mcp.sandbox.akua.records import Cluster, Machine, Region, Workspace
from akash_mcp.sandbox.akua.world import World


class ClusterLife:
    """What happens to clusters, and to the machines and installs on them."""

    def __init__(self, world: World, operations: Operations, quotas: Quotas) -> None:
        self._world = world
        self._operations = operations
        self._quotas = quotas

    def create(self, workspace: Workspace, region: Region, name: str, line: str) -> Operation:
        """Begin a cluster, a minute from being active. Raises `Refused` where the plan has no more."""
        used = self._quotas.usage("compute/clusters", [workspace])
        self._quotas.check("compute/clusters", workspace, used + 1)
        cluster = self.born(workspace, region, name)
        work = Work(
            "cluster.create",
            "cluster",
            (
                Stage("Reserve control plane", 10),
                Stage("Provision control plane", 40, lambda: self._set(cluster, state="provisioning")),
                Stage("Wait until it answers", 10),
            ),
            finish=lambda: self._reached(cluster, "active"),
            fail=lambda: self._set(cluster, state="deleted", reconciling=False),
            metadata={"workspace_id": workspace.id, "region_id": region.id, "name": name},
        )
        return self._operations.start(work, workspace.id, cluster.id, line=line)

    def born(self, workspace: Workspace, region: Region, name: str) -> Cluster:
        """A new cluster, `pending`."""
        world = self._world
        cluster = Cluster(
            **world.born("clu", workspace.id),
            name=name,
            region_id=region.id,
            settings_etag=world.new_etag(),
            settings_updated_at=world.now(),
        )
        world.clusters[cluster.id] = cluster
        return cluster

    def suspend(self, cluster: Cluster, line: str) -> Operation:
        """Begin to drain it and to give its machines back. Raises `Refused` (409) where it is not active."""
        return self._change(cluster, "suspend", "active", "suspended", "Drain workloads", line)

    def resume(self, cluster: Cluster, line: str) -> Operation:
        """Begin to bring it back. Raises `Refused` (409) where it is not suspended."""
        return self._change(cluster, "resume", "suspended", "active", "Start machines", line)

    def delete(self, cluster: Cluster, line: str) -> Operation:
        """Begin to tear it down. Raises `Refused` (409) while something is installed on it."""
        if self._world.installs_on(cluster):
            raise Refused(409, "The cluster still has installs.")
        self._refuse_unless_still(cluster)
        before = cluster.state
        self._set(cluster, state="deleting", reconciling=True)
        work = Work(
            "cluster.delete",
            "cluster",
            (Stage("Remove machines", 10), Stage("Tear down control plane", 20)),
            finish=lambda: self._reached(cluster, "deleted"),
            fail=lambda: self._set(cluster, state=before, reconciling=False),
            metadata={"cluster_id": cluster.id},
        )
        return self._operations.start(work, cluster.workspace_id, cluster.id, line=line)

    def set_compute(self, cluster: Cluster, *, is_scaling: bool | None, max_machines: int | None) -> None:
        """Change what its machines follow. Raises `Refused` where the plan has fewer machines."""
        if max_machines is not None:
            workspace = self._world.workspaces[cluster.workspace_id]
            self._quotas.check("compute/machines", workspace, max_machines)
            cluster.max_machines = max_machines
        if is_scaling is not None:
            cluster.auto_scaling = is_scaling
        cluster.settings_etag = self._world.new_etag()
        cluster.settings_updated_at = self._world.now()
        self.scale(cluster)

    def scale(self, cluster: Cluster) -> None:
        """Have as many machines as its installs need and its settings allow, if they follow them at all."""
        world = self._world
        machines = world.machines_of(cluster)
        now = world.schedule.now()
        if cluster.state != "active":
            wanted = 0
        elif not cluster.auto_scaling:
            wanted = len(machines)
        else:
            wanted = min(cluster.max_machines, len(world.installs_on(cluster)), self._room(cluster, machines))
        for machine in machines[wanted:]:
            machine.removed = now
        for _ in range(wanted - len(machines)):
            machine = Machine(
                id=world.new_id("mch"),
                workspace_id=cluster.workspace_id,
                cluster_id=cluster.id,
                launched=now,
            )
            world.machines[machine.id] = machine
        self.settle(cluster)

    def settle(self, cluster: Cluster) -> None:
        """What is installed there is healthy where there is a machine for it, and degraded where there is none."""
        has_room = cluster.state == "active" and bool(self._world.machines_of(cluster))
        for install in self._world.installs_on(cluster):
            is_arriving = install.state == "syncing" and install.reconciling
            if is_arriving or install.state in ("pending", "rendering", "failed"):
                continue
            if not has_room:
                install.running_since = None
            elif install.running_since is None:
                install.running_since = self._world.schedule.now()
            is_healthy = has_room and not install.is_doomed
            self._world.change(install, state="healthy" if is_healthy else "degraded")

    def _room(self, cluster: Cluster, machines: list[Machine]) -> int:
        """How many machines the plan allows this cluster, beside those of its workspace's other clusters."""
        workspace = self._world.workspaces[cluster.workspace_id]
        others = self._quotas.usage("compute/machines", [workspace]) - len(machines)
        return max(0, self._quotas.limit("compute/machines") - others)

    def _change(
        self, cluster: Cluster, verb: str, before: str, after: str, stage: str, line: str
    ) -> Operation:
        self._refuse_unless_still(cluster)
        if cluster.state != before:
            raise Refused(409, f"The cluster is {cluster.state}, not {before}.")
        self._set(cluster, reconciling=True)
        work = Work(
            f"cluster.{verb}",
            "cluster",
            (Stage(stage, 15), Stage("Confirm", 5)),
            finish=lambda: self._reached(cluster, after),
            fail=lambda: self._set(cluster, reconciling=False),
            metadata={"cluster_id": cluster.id},
        )
        return self._operations.start(work, cluster.workspace_id, cluster.id, line=line)

    def _refuse_unless_still(self, cluster: Cluster) -> None:
        if cluster.reconciling:
            raise Refused(409, "Another operation on the cluster is under way.")

    def _reached(self, cluster: Cluster, state: str) -> dict[str, Any]:
        self._set(cluster, state=state, reconciling=False)
        self.scale(cluster)
        return {"cluster_id": cluster.id}

    def _set(self, cluster: Cluster, **changes: Any) -> None:
        self._world.change(cluster, **changes)
