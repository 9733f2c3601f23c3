"""What a plan allows, and how much of it is used. The numbers are those of Akua's page on billing.

Which status a refusal has is not documented, so it can be chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from akash_mcp.sandbox.akua.errors import Refused
from akash_mcp.sandbox.akua.records import Workspace
from akash_mcp.sandbox.akua.world import World, seen

Plan: TypeAlias = Literal["free", "pro"]

CORES_OF_A_MACHINE = 2
BYTES_OF_A_MACHINE = 4 << 30

_LIMITS: dict[Plan, dict[str, int]] = {
    "free": {"compute/machines": 1, "compute/cores": 2, "compute/memory": 4 << 30, "compute/clusters": 1},
    "pro": {"compute/machines": 3, "compute/cores": 8, "compute/memory": 16 << 30, "compute/clusters": 3},
}
_SHOWN: dict[str, tuple[str, str]] = {
    "compute/machines": ("Compute machines", "count"),
    "compute/cores": ("Compute cores", "cores"),
    "compute/memory": ("Compute memory", "bytes"),
    "compute/clusters": ("Clusters", "count"),
}


@dataclass(frozen=True)
class Quotas:
    """The allocations of a plan. `status` is what a refusal answers."""

    world: World
    plan: Plan
    status: int

    def usage(self, metric: str, workspaces: Sequence[Workspace]) -> int:
        """How much of it is used in these workspaces."""
        if metric == "compute/clusters":
            clusters = seen(self.world.clusters.values(), workspaces)
            return sum(cluster.state != "deleted" for cluster in clusters)
        ids = {workspace.id for workspace in workspaces}
        machines = sum(m.removed is None and m.workspace_id in ids for m in self.world.machines.values())
        each = {"compute/cores": CORES_OF_A_MACHINE, "compute/memory": BYTES_OF_A_MACHINE}
        return machines * each.get(metric, 1)

    def limit(self, metric: str) -> int:
        """The most that a workspace may have of it."""
        return _LIMITS[self.plan][metric]

    def check(self, metric: str, workspace: Workspace, wanted: int) -> None:
        """Raises `Refused` where a workspace would have so many in all, and may not."""
        if wanted > self.limit(metric):
            usage = self.usage(metric, [workspace])
            raise Refused(
                self.status,
                f"Quota exceeded: {metric} is limited to {self.limit(metric)} on this plan.",
                metadata={"metric": metric, "limit": str(self.limit(metric)), "usage": str(usage)},
            )

    def tell(self, metric: str, workspaces: Sequence[Workspace]) -> dict[str, Any]:
        """One allocation, as `GET /quotas` has it. Over several workspaces it is the sum of theirs."""
        name, unit = _SHOWN[metric]
        limit, usage = self.limit(metric) * len(workspaces), self.usage(metric, workspaces)
        return {
            "metric": metric,
            "type": "allocation",
            "display_name": name,
            "unit": unit,
            "limit": limit,
            "usage": usage,
            "remaining": max(0, limit - usage),
        }

    @property
    def metrics(self) -> tuple[str, ...]:
        """What is counted."""
        return tuple(_SHOWN)
