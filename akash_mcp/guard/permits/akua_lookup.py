"""What became of a deed at Akua whose answer was lost, as far as Akua shows it, and what its answers name.

A change shows at what was changed. Of two things that were made equal nobody knows whose they are, so what was made is
found by the key that it was asked for with, and by nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping

from akash_mcp.clients.akua.models import ComputeSettings, Install, Render
from akash_mcp.clients.akua.models import Operation as AkuaOperation
from akash_mcp.clients.akua.paths import is_same
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
    is_unclear = False
    for render in renders.records:
        is_it = _is_render_of(plan, render)
        if is_it and render.created_at is not None and render.created_at >= since:
            return AkuaResult(resource_id=plan.install_id, render_id=render.id)
        is_unclear |= is_it is not False and (render.created_at is None or render.created_at >= since)
    install = await reader.install(plan.install_id)
    if plan.version_id and install.package_version_id == plan.version_id:
        return AkuaResult(resource_id=plan.install_id)
    if not renders.is_whole:
        raise OutcomeUnknown(f"Its renders could not be read whole: {renders.problem}")
    if is_unclear or (plan.version_id and install.package_version_id is None):
        raise OutcomeUnknown("Akua does not say what the install was changed to since then.")
    return None


def _is_render_of(plan: UpdateInstallPlan, render: Render) -> bool | None:
    """Whether a render is of what a plan changes an install to; None where it does not say of what it is."""
    told, wanted = (
        (render.package_version_id, plan.version_id)
        if plan.version_id
        else (render.restored_from_render_id, plan.render_id)
    )
    return None if told is None else told == wanted


async def _deleted(reader: AkuaReader, plan: DeleteInstallPlan, since: float) -> AkuaResult | None:
    """The deletion that was begun since then, whoever asked for it: or the install is gone, and that was meant."""
    install = await still_there(reader, plan.install_id)
    if install is None:
        return AkuaResult(resource_id=plan.install_id)
    found = await _operation(reader, "install", plan.install_id, "install.delete", since)
    if found is None and install.state is None:
        raise OutcomeUnknown("Akua does not say in which state the install is.")
    return found


async def still_there(reader: AkuaReader, install_id: str) -> Install | None:
    """An install that is not deleted; None for one that is, as its state says, or as two answers agree: it is not
    found, and the whole list does not have it. A 404 alone may be anybody's between Akua and us.

    Raises `OutcomeUnknown` where the list does not tell.
    """
    install: Install | None
    try:
        install = await reader.install(install_id)
    except NotFound:
        listing = await reader.installs()
        install = next((each for each in listing.records if is_same(each.id, install_id)), None)
        if install is None and not listing.is_whole:
            raise OutcomeUnknown(
                f"The install is not found, and the list of installs does not tell: {listing.problem}"
            ) from None
    return None if install is None or install.state == "deleted" else install


async def _operation(reader: AkuaReader, owner: str, id: str, kind: str, since: float) -> AkuaResult | None:
    listing = await reader.operations(owner, id)
    is_unclear = False
    for operation in listing.records:
        if operation.kind == kind and operation.started_at is not None and operation.started_at >= since:
            return AkuaResult(operation_id=operation.id, resource_id=id)
        is_unclear |= operation.kind in (None, kind) and (
            operation.started_at is None or operation.started_at >= since
        )
    if not listing.is_whole:
        raise OutcomeUnknown(f"Akua's operations could not be read whole: {listing.problem}")
    if is_unclear:
        raise OutcomeUnknown("Akua shows an operation, and not what it does or since when.")
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
