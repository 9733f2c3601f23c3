"""The plan to change what a deployment runs: what differs from what, and how it is sent.

What runs now is known from our journal while nobody else changed it since, and else from what the Console keeps, which
does not show the values of variables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.models import DeploymentDetail, StoredDefinition
from akash_mcp.errors import BadArgument, Refused
from akash_mcp.guard.books import holds, journal
from akash_mcp.guard.plans.contents import listed
from akash_mcp.guard.plans.plans import UpdatePlan
from akash_mcp.ids import Dseq, ProviderAddress
from akash_mcp.sanitize.text import one_line
from akash_mcp.sdl import Report, check, diff
from akash_mcp.sdl.patch import field_changes, unsigned
from akash_mcp.sdl.secret_values import with_console_references
from akash_mcp.workflow.contents import changes_between, contents_of
from akash_mcp.workflow.planning import accepted, as_it_stands, check_secrets
from akash_mcp.workflow.runtime import Runtime
from akash_mcp.workflow.status import is_ours, read_deployment

_MOST_OBSTACLES = 6
_OBSTACLE_BYTES = 200


async def update_plan(rt: Runtime, *, dseq: Dseq, sdl: str) -> UpdatePlan:
    """The plan to change an SDL. Raises `InvalidSdl`, `Busy`, `NotFound`, `BadArgument` for what cannot change, and
    `Refused` where what the Console keeps cannot be read.

    On the chain only the manifest's hash changes, so a provider refuses other resources than it leased.
    """
    report = accepted(sdl)
    await rt.store.read(holds.check_free, dseq)
    await check_secrets(rt, sdl, report)
    plan = UpdatePlan(
        tool="update_deployment",
        dseq=dseq,
        sdl=sdl,
        manifest=report.manifest or "",
        contents=contents_of(report),
        ours=await rt.gate.owns(dseq),
        receivers=await _receivers(rt, dseq) if report.secrets else (),
    )
    if await rt.reader.generation() is Generation.V2026_11:
        return await _by_name(rt, plan, report)
    return await _whole(rt, plan, report)


async def _whole(rt: Runtime, plan: UpdatePlan, report: Report) -> UpdatePlan:
    """The whole SDL anew. For a deployment that we did not create there is nothing to compare with, and the provider
    will say. What we created and somebody else changed since runs what is not known here, in the resources that it was
    created with.
    """
    sources = await rt.store.read(journal.sources, plan.dseq)
    if sources is None:
        others = await read_deployment(rt, plan.dseq)  # an unknown one is found out before anybody is asked
        _check_open(others)
        return replace(plan, is_idle=await _is_idle(rt, others))
    running = check(sources.sdl)
    _refuse(plan.dseq, diff(running, report))
    detail = await as_it_stands(rt, plan.dseq, ours=True)
    if detail is not None:
        _check_open(detail)
        plan = replace(plan, is_idle=await _is_idle(rt, detail))
        if detail.manifest_hash not in (None, sources.version):
            return plan
    return replace(
        plan, changes=changes_between(running, report), fresh=await _fresh_secrets(rt, plan.dseq, running)
    )


async def _by_name(rt: Runtime, plan: UpdatePlan, report: Report) -> UpdatePlan:
    """Named fields, of the definition that the Console keeps now; the whole SDL only where it keeps none and what runs
    is not known, so that it cannot be given one. From then on it keeps that.
    """
    detail = await read_deployment(rt, plan.dseq)
    _check_open(detail)
    plan = replace(plan, ours=await is_ours(rt, detail), is_idle=await _is_idle(rt, detail))
    stored, sources = _definition(detail), await rt.store.read(journal.sources, plan.dseq)
    version = stored.manifest_version if stored else detail.manifest_hash
    wanted = _for_console(plan.sdl, report)
    if sources is not None and version is not None and sources.version == version:
        running = check(sources.sdl)
        before, after = _for_console(sources.sdl, running), wanted
    elif stored is not None:
        before, after = unsigned(check(stored.sdl)), unsigned(wanted)
        running, report = before, wanted
    else:
        return plan
    if not before.console_ok:
        raise Refused(
            f"The SDL that the Console keeps of deployment {plan.dseq} is not understood here, so what would change is "
            "not known.",
            next_step="Ask the user to change it at https://console.akash.network, or deploy it as a new deployment.",
        )
    found = field_changes(before, after)
    _refuse(plan.dseq, found.obstacles)
    return replace(
        plan,
        changes=changes_between(running, report),
        patch=found.services or _as_it_is(report),
        version=version,
        defines=None if stored or sources is None else sources.sdl,
        fresh=await _fresh_secrets(rt, plan.dseq, check(sources.sdl)) if sources else (),
    )


def _check_open(detail: DeploymentDetail) -> None:
    if detail.state == "closed":
        raise BadArgument(
            f"Deployment {detail.dseq} is closed, so it runs nothing any more.",
            next_step="Call deploy if it is still wanted.",
        )


async def _is_idle(rt: Runtime, detail: DeploymentDetail) -> bool:
    """Whether nothing of it runs: no lease in its record, and none of ours that the record may leave out."""
    return not (
        detail.open_leases or detail.unread_leases or await rt.store.read(journal.was_leased, detail.dseq)
    )


def _for_console(sdl: str, report: Report) -> Report:
    """The report on an SDL as the Console has it, which keeps secrets under the names that it gets them by."""
    return check(with_console_references(sdl)) if report.secrets else report


async def _receivers(rt: Runtime, dseq: Dseq) -> tuple[ProviderAddress, ...]:
    """Who gets the secrets, as far as that can be read."""
    detail = await as_it_stands(rt, dseq, ours=True)
    return tuple(dict.fromkeys(lease.provider for lease in detail.open_leases)) if detail else ()


async def _fresh_secrets(rt: Runtime, dseq: Dseq, running: Report) -> tuple[str, ...]:
    """The secrets of what runs that may have another value since it got them."""
    if not running.secrets:
        return ()
    since = await rt.store.read(journal.delivered_at, dseq) or 0.0
    return rt.secrets.set_since((name for name, _ in running.secrets), since)


def _definition(detail: DeploymentDetail) -> StoredDefinition | None:
    """What the Console keeps, None where it says that it keeps nothing. Raises `Refused` where it does not say."""
    if detail.keeps_no_definition:
        return None
    if detail.stored and detail.stored.sdl and detail.stored.manifest_version:
        return detail.stored
    raise Refused(
        f"What the Console keeps of deployment {detail.dseq} cannot be read now, so what would change is not known.",
        next_step="Nothing was sent. Try again in a minute.",
    )


def _as_it_is(report: Report) -> Mapping[str, Mapping[str, Any]]:
    """A change that changes nothing: it has the version put on chain and sent to the provider once more."""
    services = report.model.services.values() if report.model else ()
    return {service.name: {"image": service.image} for service in list(services)[:1]}


def _refuse(dseq: Dseq, obstacles: Sequence[str]) -> None:
    if obstacles:
        words = listed(obstacles, lambda each: one_line(each, limit=_OBSTACLE_BYTES), _MOST_OBSTACLES)
        raise BadArgument(
            f"Deployment {dseq} cannot become this SDL in place: {words}.",
            next_step="Deploy it as a new deployment, and close the old one when the new one runs.",
        )
