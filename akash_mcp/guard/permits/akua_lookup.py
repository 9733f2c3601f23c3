"""What became of a deed at Akua whose answer was lost, as far as Akua shows it, and what its answers name.

A change shows at what was changed. Of two things that were made equal nobody knows whose they are, so what was made is
found by the key that it was asked for with, and by nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping

from akash_mcp.clients.akua.models import ComputeSettings
from akash_mcp.clients.akua.models import Operation as AkuaOperation
from akash_mcp.clients.akua.reader import AkuaReader
from akash_mcp.errors import NotFound, OutcomeUnknown
from akash_mcp.guard.books.akua_results import AkuaResult
from akash_mcp.guard.plans.akua_plans import (
    AkuaPlan,
    AutoscalingPlan,
    ClusterPowerPlan,
    CreateClusterPlan,
    CreateInstallPlan,
    CreatePackagePlan,
    DeleteInstallPlan,
    UpdateInstallPlan,
)


async def find(reader: AkuaReader, plan: AkuaPlan, *, since: float) -> AkuaResult | None:
    """The deed itself, where Akua shows that it was done since then, in seconds since the epoch; None where it shows
    that it was not.

    Raises `OutcomeUnknown` for what Akua cannot show: of two things that are equal nobody knows whose they are.
    """
    match plan:
        case UpdateInstallPlan():
            return await _updated(reader, plan, since)
        case DeleteInstallPlan():
            return await _deleted(reader, plan, since)
        case ClusterPowerPlan():
            kind = "cluster.resume" if plan.on else "cluster.suspend"
            return await _operation(reader, "cluster", plan.cluster_id, kind, since)
        case AutoscalingPlan():
            now = await reader.compute_settings(plan.cluster_id)
            if is_set(plan, now):
                return AkuaResult(resource_id=plan.cluster_id)
    raise OutcomeUnknown("Akua cannot be asked whether it was done.")


async def _updated(reader: AkuaReader, plan: UpdateInstallPlan, since: float) -> AkuaResult | None:
    """The change of an install that was made since then, as its renders and its version show it."""
    renders = await reader.renders(plan.install_id)
    for render in renders.records:
        is_it = (
            render.package_version_id == plan.version_id
            if plan.version_id
            else render.restored_from_render_id == plan.render_id
        )
        if is_it and render.created_at is not None and render.created_at >= since:
            return AkuaResult(resource_id=plan.install_id, render_id=render.id)
    install = await reader.install(plan.install_id)
    if plan.version_id and install.package_version_id == plan.version_id:
        return AkuaResult(resource_id=plan.install_id)
    if not renders.is_whole:
        raise OutcomeUnknown(f"Its renders could not be read whole: {renders.problem}")
    return None


async def _deleted(reader: AkuaReader, plan: DeleteInstallPlan, since: float) -> AkuaResult | None:
    """The deletion that was begun since then, whoever asked for it: or the install is gone, and that was meant."""
    try:
        install = await reader.install(plan.install_id)
    except NotFound:
        return AkuaResult(resource_id=plan.install_id)
    if install.state == "deleted":
        return AkuaResult(resource_id=plan.install_id)
    return await _operation(reader, "install", plan.install_id, "install.delete", since)


async def _operation(reader: AkuaReader, owner: str, id: str, kind: str, since: float) -> AkuaResult | None:
    listing = await reader.operations(owner, id)
    for operation in listing.records:
        if operation.kind == kind and operation.started_at is not None and operation.started_at >= since:
            return AkuaResult(operation_id=operation.id, resource_id=id)
    if not listing.is_whole:
        raise OutcomeUnknown(f"Akua's operations could not be read whole: {listing.problem}")
    return None


def is_set(plan: AutoscalingPlan, now: ComputeSettings) -> bool:
    """Whether the limits of a cluster are what a plan sets them to."""
    enabled = {"active": True, "paused": False}.get(now.auto_scaling or "")
    return plan.enabled in (None, enabled) and plan.max_machines in (None, now.max_machines)


def result_of(plan: AkuaPlan, operation: AkuaOperation) -> AkuaResult:
    """What is known of an operation of Akua's, as the ledger keeps it.

    What is made is what the operation names as that; what is changed is what the plan says, whatever Akua names.
    """
    told = operation.results
    changed: str | None = getattr(plan, "install_id", None) or (
        plan.cluster_id if isinstance(plan, ClusterPowerPlan | AutoscalingPlan) else None
    )
    made = _MAKES.get(type(plan))
    named = told.get(f"{made}_id") or (operation.owner_id if operation.owner_type == made else None)
    return AkuaResult(
        operation_id=operation.id,
        resource_id=changed or (named if made else None),
        version_id=told.get("package_version_id") if made == "package" else None,
    )


_MAKES: Mapping[type[AkuaPlan], str] = {
    CreatePackagePlan: "package",
    CreateInstallPlan: "install",
    CreateClusterPlan: "cluster",
}
