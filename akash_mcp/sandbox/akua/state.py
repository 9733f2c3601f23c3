"""What is true at the embedded Akua now: what is installed, and what is rented."""

from __future__ import annotations

from dataclasses import asdict

from akash_mcp.sandbox.akua.operations import Operations
from akash_mcp.sandbox.akua.records import Machine
from akash_mcp.sandbox.akua.replays import Replays
from akash_mcp.sandbox.akua.world import World


def state_of(
    world: World, operations: Operations, requests: dict[str, int], replays: Replays
) -> dict[str, object]:
    """A copy of everything that is true now, deleted installs and clusters and removed machines included.

    `machines` cost money from `launched` to `removed`, in simulated seconds since the start; `hours` is how long that
    was until now. `replays`: how often each idempotency key was answered again.
    """
    now = world.clock.elapsed()
    return {
        "elapsed_seconds": now,
        "workspaces": [asdict(workspace) for workspace in world.workspaces.values()],
        "regions": [asdict(region) for region in world.regions.values()],
        "clusters": [asdict(cluster) for cluster in world.clusters.values()],
        "machines": [
            {**asdict(machine), "hours": _hours(machine, now)} for machine in world.machines.values()
        ],
        "packages": [
            {**asdict(package), "versions": [version.semver for version in world.versions_of(package)]}
            for package in world.packages.values()
        ],
        "installs": [
            {**asdict(install), "renders": [asdict(render) for render in world.renders_of(install)]}
            for install in world.installs.values()
        ],
        "operations": [operation.tell() for operation in operations.of.values()],
        "requests": requests,
        "replays": dict(replays.count),
    }


def _hours(machine: Machine, now: float) -> float:
    return ((now if machine.removed is None else machine.removed) - machine.launched) / 3600
