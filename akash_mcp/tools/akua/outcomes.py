"""What a tool that makes, changes or deletes something at Akua answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from pydantic import Field

from akash_mcp.errors import OutcomeUnknown, TakenOver
from akash_mcp.guard.approval.approval import PersonNeeded, TokenNeeded
from akash_mcp.guard.books import akua_results, journal
from akash_mcp.guard.books.akua_results import AkuaResult
from akash_mcp.guard.books.journal import Kind, Operation, State
from akash_mcp.guard.gate import Gate
from akash_mcp.guard.permits.akua_permit import AkuaPermit
from akash_mcp.guard.plans.akua_plans import AkuaPlan
from akash_mcp.ids import OpId
from akash_mcp.sanitize.text import field, quoted
from akash_mcp.tools.approval import AppContext, Decision, akua_desk, runtime
from akash_mcp.tools.carry_out import carry_out, used
from akash_mcp.tools.deadline import WAIT_SECONDS
from akash_mcp.tools.present import confirmation, waiting_for_person
from akash_mcp.tools.results import Result
from akash_mcp.workflow.akua.doing import Done, do
from akash_mcp.workflow.operations import Running
from akash_mcp.workflow.runtime import Runtime

P = TypeVar("P", bound=AkuaPlan)

_BILLED = "What it costs, Akua bills to the owner of the workspace; how much cannot be read here."
_FREE = "It adds nothing that Akua bills, and Akash is not part of it."
_NOT_KNOWN = "Whether Akua bills more for it is not known yet."


class AkuaOutcome(Result):
    """What became of something that was to be done at Akua. `op_id` is this server's, `operation_id` Akua's own."""

    status: Literal[
        "confirmation_required",
        "waiting_for_person",
        "pending",
        "created",
        "ready",
        "updated",
        "deleted",
        "failed",
        "unknown",
    ]
    op_id: str | None = None
    operation_id: str | None = None
    package_id: str | None = None
    version_id: str | None = None
    install_id: str | None = None
    cluster_id: str | None = None
    state: str | None = None
    urls: list[str] | None = None
    summary: str
    money: str
    next_step: str
    approval_token: str | None = None
    expires_in_seconds: int | None = None
    reason: str | None = Field(None, description="What Akua says of a failure: data from outside")


_RESOURCE: Mapping[Kind, str] = {
    Kind.AKUA_PACKAGE: "package_id",
    Kind.AKUA_INSTALL: "install_id",
    Kind.AKUA_UPDATE: "install_id",
    Kind.AKUA_DELETE: "install_id",
    Kind.AKUA_CLUSTER: "cluster_id",
    Kind.AKUA_POWER: "cluster_id",
    Kind.AKUA_SCALING: "cluster_id",
}

_STATUS: Mapping[Kind, str] = {
    Kind.AKUA_PACKAGE: "created",
    Kind.AKUA_INSTALL: "ready",
    Kind.AKUA_UPDATE: "updated",
    Kind.AKUA_DELETE: "deleted",
    Kind.AKUA_CLUSTER: "created",
    Kind.AKUA_POWER: "updated",
    Kind.AKUA_SCALING: "updated",
}

_WORDS: Mapping[Kind, str] = {
    Kind.AKUA_PACKAGE: "The package was made",
    Kind.AKUA_INSTALL: "It is installed, and healthy as Akua sees it",
    Kind.AKUA_UPDATE: "The install was changed, and is healthy as Akua sees it",
    Kind.AKUA_DELETE: "The install was deleted",
    Kind.AKUA_CLUSTER: "The cluster was made",
    Kind.AKUA_POWER: "The cluster was switched",
    Kind.AKUA_SCALING: "The limits of the cluster were set",
}


_INSTALLS = (Kind.AKUA_INSTALL, Kind.AKUA_UPDATE)
_LOOK = 'akua_get_operation(operation_id="{}") shows how it stands.'


async def carried_out(ctx: AppContext, decision: Decision[P]) -> AkuaOutcome:
    """What was decided, done and waited for a while. Raises what Akua refuses, and `OutcomeUnknown`."""
    done = await carry_out(ctx, decision, Gate.at_akua, _do, wait=WAIT_SECONDS, desk_of=akua_desk)
    if isinstance(done, TokenNeeded | PersonNeeded):
        shown = confirmation(done) if isinstance(done, TokenNeeded) else waiting_for_person(done)
        return AkuaOutcome.model_validate(shown.model_dump(include=set(AkuaOutcome.model_fields)))
    if isinstance(done, Running):
        return await _under_way(runtime(ctx), done)
    if isinstance(done, Operation):
        return await outcome_of(runtime(ctx), done, used(done))
    return done


async def _do(rt: Runtime, plan: AkuaPlan, permit: AkuaPermit, running: Running[Any]) -> AkuaOutcome:
    try:
        done = await do(rt, permit, running)
    except TakenOver as taken:
        taken.next_step = _LOOK.format(permit.op_id)
        raise
    return _ended(plan.kind, permit.op_id, done, adds_cost=plan.is_unbounded)


def _ended(kind: Kind, op_id: OpId, done: Done, *, adds_cost: bool) -> AkuaOutcome:
    """What became of it, as far as Akua took it."""
    result, install = done.result, done.install
    state = field(install.state, 30) if install is not None and install.state else None
    urls = [field(url.url, 200) for url in install.urls or () if url.url][:5] if install is not None else []
    base: dict[str, Any] = {
        "op_id": op_id,
        "money": _BILLED if adds_cost else _FREE,
        "state": state,
        "urls": urls or None,
        "reason": field(done.why, 600) or None,
        **_named(kind, result),
    }
    thing = f" ({field(result.resource_id, 80)})" if result.resource_id else ""
    if result.outcome == "succeeded":
        return AkuaOutcome(
            status=_status(kind),
            summary=f"{_WORDS[kind]}{thing}.",
            next_step=_next_step(kind, result),
            **base,
        )
    if result.outcome is not None:
        return AkuaOutcome(
            status="failed",
            summary=_failure(kind, result, thing, state),
            next_step=_after_failure(kind, result),
            **base,
        )
    if done.has_ended:
        return AkuaOutcome(
            status="unknown",
            summary=f"Akua took it, and says that it has ended, but whether it was done does not show{thing}: "
            f"{done.unseen or 'it does not say how'}.",
            next_step=f"{_LOOK.format(op_id)} Do not start it again unasked.",
            **base,
        )
    waits = f" A person has to act there first: {quoted(done.waits_for)}." if done.waits_for else ""
    return AkuaOutcome(
        status="pending",
        summary=f"Akua took it{thing}, and it had not ended when this call stopped waiting.{waits}",
        next_step=f"{_LOOK.format(op_id)} Do not start it again.",
        **base,
    )


def _failure(kind: Kind, result: AkuaResult, thing: str, state: str | None) -> str:
    if result.outcome == "cancelled":
        return f"Akua took it, and it was cancelled there{thing}."
    if kind in _INSTALLS and state == "degraded":
        done = "installed" if kind is Kind.AKUA_INSTALL else "changed"
        return f"It was {done}{thing}, and does not work as it should: Akua calls it degraded."
    return f"Akua took it, and it failed there{thing}{f': it is {state}' if state else ''}."


async def _under_way(rt: Runtime, running: Running[Any]) -> AkuaOutcome:
    desk = rt.akua.desk
    operation, result = await desk.store.read(
        lambda db: (journal.find(db, running.op_id), akua_results.find(db, running.op_id))
    )
    named = _named(operation.kind, result) if operation is not None else {}
    return AkuaOutcome(
        status="pending",
        op_id=running.op_id,
        summary=f"Still in progress: {field(running.stage)}. It continues without this call.",
        money=_BILLED if operation is None or may_cost(operation.kind) else _FREE,
        next_step=f'Call akua_get_operation(operation_id="{running.op_id}", wait_s=40). Do not start it again.',
        **named,
    )


async def outcome_of(rt: Runtime, operation: Operation, opening: str = "") -> AkuaOutcome:
    """An operation at Akua as the journal knows it, after the sentence `opening`. Raises `OutcomeUnknown`."""
    result = await rt.akua.desk.store.read(akua_results.find, operation.op_id)
    named, note = _named(operation.kind, result), field(operation.note, 400)
    if operation.state is State.UNKNOWN:
        unknown = OutcomeUnknown(
            f"{opening} What became of it is not known yet: {note}".strip(),
            next_step="This server asks Akua again by itself, so that it is done once. Do not repeat it; call "
            f'akua_get_operation(operation_id="{operation.op_id}") in a minute.',
        )
        unknown.money = _NOT_KNOWN if may_cost(operation.kind) else _FREE
        raise unknown
    status, stands = "pending", f"It is under way, and has come to: {operation.state}"
    if operation.state is State.REFUSED:
        status, stands = "failed", "It was refused, and nothing was done"
    elif operation.state is State.DONE:
        status = _status(operation.kind) if result.outcome == "succeeded" else "failed"
        stands = (
            _WORDS[operation.kind]
            if result.outcome == "succeeded"
            else f"It {'was ' if result.outcome == 'cancelled' else ''}{result.outcome or 'ended'} at Akua"
        )
    is_over = operation.is_over
    return AkuaOutcome.model_validate(
        {
            "status": status,
            "op_id": operation.op_id,
            "summary": " ".join(
                filter(
                    None,
                    (opening, f"{stands}{f' ({note})' if note else ''}.", f"It was: {operation.summary}"),
                )
            ),
            "money": "No money moved."
            if operation.state is State.REFUSED
            else _BILLED
            if may_cost(operation.kind)
            else _FREE,
            "next_step": _next_step(operation.kind, result)
            if status not in ("pending", "failed")
            else _after_failure(operation.kind, result)
            if is_over
            else f'Call akua_get_operation(operation_id="{operation.op_id}", wait_s=40).',
            **named,
        }
    )


def may_cost(kind: Kind) -> bool:
    """Whether what is done may add to what Akua bills, as far as its kind says."""
    return kind not in (Kind.AKUA_PACKAGE, Kind.AKUA_DELETE)


def _status(kind: Kind) -> Any:
    return _STATUS[kind]


def _named(kind: Kind, result: AkuaResult) -> dict[str, Any]:
    """The ids under the names of what they are."""
    named: dict[str, Any] = {"operation_id": field(result.operation_id or "", 80) or None}
    if result.resource_id and kind in _RESOURCE:
        named[_RESOURCE[kind]] = field(result.resource_id, 80)
    if result.version_id:
        named["version_id"] = field(result.version_id, 80)
    return named


def _next_step(kind: Kind, result: AkuaResult) -> str:
    thing = field(result.resource_id or "", 80)
    if kind is Kind.AKUA_PACKAGE:
        return (
            f'akua_get_package_inputs(package_id="{thing}") shows which values it takes; akua_create_install installs '
            "it."
        )
    if kind in (Kind.AKUA_INSTALL, Kind.AKUA_UPDATE):
        return f'akua_get_install(install_id="{thing}") shows how it stands, and its addresses.'
    if kind is Kind.AKUA_DELETE:
        return "Nothing needs doing. Its cluster is there still."
    return f"akua_list_clusters shows it{f' ({thing})' if thing else ''}."


def _after_failure(kind: Kind, result: AkuaResult) -> str:
    thing = field(result.resource_id or "", 80)
    if kind in (Kind.AKUA_INSTALL, Kind.AKUA_UPDATE) and thing:
        return (
            f'akua_get_install(install_id="{thing}") and akua_get_install_logs say why; '
            "akua_update_install restores an earlier render, akua_delete_install ends it."
        )
    return "Tell the user what Akua said. Make a new plan only after that is mended."
