"""Whether there is at Akua what should be there after a deed, read back from what was made or changed.

What is missing in an answer, or not found, is not known: it proves nothing, but that an install was deleted, where
the list of installs agrees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from akash_mcp.clients.akua.models import Install, Render
from akash_mcp.clients.akua.reader import AkuaReader
from akash_mcp.errors import NotFound
from akash_mcp.guard.books.akua_results import AkuaResult, Outcome
from akash_mcp.guard.permits.akua_lookup import is_set, still_there
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
from akash_mcp.sanitize.text import field

_SETTLED: Mapping[str, Outcome] = {"healthy": "succeeded", "degraded": "failed", "failed": "failed"}
"""States of an install in which nothing goes on by itself."""

_NOT_TOLD = "Akua does not say which it is"


@dataclass(frozen=True, slots=True)
class Seen:
    """How it stands. `outcome` None: it is not there yet, or that cannot be seen; `stands` says so, as a sentence goes
    on. `goes_on`: Akua shows that it works on it. `why`: Akua's own words of a failure.
    """

    outcome: Outcome | None
    stands: str = ""
    install: Install | None = None
    why: str = ""
    goes_on: bool = False


async def read_back(reader: AkuaReader, plan: AkuaPlan, result: AkuaResult) -> Seen:
    """How what a plan makes or changes stands now. Raises what the reader raises, but `NotFound`."""
    try:
        match plan:
            case CreateInstallPlan() | UpdateInstallPlan():
                return await _install(reader, plan, result)
            case DeleteInstallPlan():
                return await _deletion(reader, plan)
            case CreateClusterPlan():
                return await _cluster(reader, result.resource_id, "active")
            case ClusterPowerPlan():
                return await _cluster(reader, plan.cluster_id, "active" if plan.on else "suspended")
            case AutoscalingPlan():
                now = await reader.compute_settings(plan.cluster_id)
                return (
                    Seen("succeeded")
                    if is_set(plan, now)
                    else Seen(None, "its limits are not what was asked for")
                )
            case CreatePackagePlan():
                return await _package(reader, result)
    except NotFound:
        return Seen(None, "Akua does not show it")
    raise TypeError(f"nothing at Akua is called {type(plan).__name__}")


async def _install(
    reader: AkuaReader, plan: CreateInstallPlan | UpdateInstallPlan, result: AkuaResult
) -> Seen:
    if result.resource_id is None:
        return Seen(None, _NOT_TOLD)
    render = await _render(reader, plan, result)
    install = await reader.install(result.resource_id)
    state = field(install.state, 30) or "in a state that is not told"
    stands = f"install {field(install.id, 80)} is {state}"
    if render is not None and render.state == "failed":
        return Seen("failed", stands, install, render.message or "the render failed")
    outcome = _SETTLED.get(install.state or "")
    is_changed = (
        isinstance(plan, CreateInstallPlan)
        or (render is not None and render.state in ("deployed", "skipped"))
        or (bool(plan.version_id) and render is None and install.package_version_id == plan.version_id)
    )
    if outcome is not None and is_changed and not install.reconciling:
        return Seen(outcome, stands, install)
    if outcome is not None and not install.reconciling:
        stands += ", and the change does not show"
    return Seen(
        None, stands, install, goes_on=outcome is None or bool(install.reconciling) or render is not None
    )


async def _render(
    reader: AkuaReader, plan: CreateInstallPlan | UpdateInstallPlan, result: AkuaResult
) -> Render | None:
    """The render by which an install changes; None where there is none that is known."""
    if isinstance(plan, CreateInstallPlan):
        return None
    if result.render_id is not None:
        try:
            return await reader.render(plan.install_id, result.render_id)
        except NotFound:
            return None
    renders = (await reader.renders(plan.install_id)).records
    newest = max(renders, key=lambda each: each.created_at or 0.0, default=None)
    is_it = plan.render_id and newest is not None and newest.restored_from_render_id == plan.render_id
    return newest if is_it else None


async def _deletion(reader: AkuaReader, plan: DeleteInstallPlan) -> Seen:
    install = await still_there(reader, plan.install_id)
    if install is None:
        return Seen("succeeded")
    return Seen(
        None, f"the install is still there ({field(install.state, 30) or 'in a state that is not told'})"
    )


async def _cluster(reader: AkuaReader, cluster_id: str | None, state: str) -> Seen:
    if cluster_id is None:
        return Seen(None, _NOT_TOLD)
    now = (await reader.cluster(cluster_id)).state
    if now == state:
        return Seen("succeeded")
    return Seen(None, f"the cluster is {field(now, 30) or 'in a state that is not told'}, and not {state}")


async def _package(reader: AkuaReader, result: AkuaResult) -> Seen:
    if result.resource_id is None:
        return Seen(None, _NOT_TOLD)
    await reader.package(result.resource_id)
    return Seen("succeeded")
