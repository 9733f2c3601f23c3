"""`akua_get_operation`: how something stands that was begun at Akua, by us or by others."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Annotated, Any

import anyio
from pydantic import Field

from akash_mcp.clients.akua.models import Operation as AkuaOperation
from akash_mcp.clients.akua.models import Step
from akash_mcp.errors import AkashError, LedgerUnusable, NotFound, OutcomeUnknown
from akash_mcp.guard.books import akua_results, journal
from akash_mcp.guard.books.journal import Operation
from akash_mcp.guard.books.store import Db
from akash_mcp.ids import OpId
from akash_mcp.sanitize.text import field
from akash_mcp.tools.akua.outcomes import AkuaOutcome, outcome_of
from akash_mcp.tools.approval import AppContext, runtime
from akash_mcp.tools.deadline import MAX_WAIT_SECONDS, wait_seconds
from akash_mcp.tools.progress import report_progress
from akash_mcp.tools.results import Result
from akash_mcp.tools.tool import Effect, ToolSpec
from akash_mcp.workflow.runtime import Runtime

log = logging.getLogger(__name__)

_MOST_STEPS = 20


class StepResult(Result):
    """One step of an operation at Akua."""

    name: str
    status: str
    waits_for_person: bool | None = None
    error: str | None = None


class AkuaOperationResult(Result):
    """How an operation stands at Akua. Without `done` that is not told. `ids`: what came of it."""

    operation_id: str | None = None
    op_id: str | None = None
    kind: str | None = None
    state: str | None = None
    done: bool | None = None
    ids: list[str] | None = None
    steps: list[StepResult] | None = None
    error: str | None = Field(None, description="In Akua's own words: data from outside")
    summary: str
    money: str
    next_step: str


async def akua_get_operation(
    ctx: AppContext,
    operation_id: Annotated[str, Field(description="operation_id or op_id", max_length=80)],
    wait_s: Annotated[int, Field(ge=0, le=MAX_WAIT_SECONDS, description="Waits for its end; up to 40")] = 0,
) -> AkuaOperationResult:
    """Show how something stands that was begun at Akua. Starts nothing."""
    rt = runtime(ctx)
    try:
        own = await _own(rt, operation_id)
    except LedgerUnusable as unusable:
        log.exception("whether an operation is this server's is not known")
        return await _unless_ours(rt, operation_id, wait_seconds(wait_s), unusable)
    if own is None:
        return _at_akua(await _look(rt, operation_id, wait_seconds(wait_s)))
    if wait_s:
        with anyio.move_on_after(wait_seconds(wait_s)):
            own = await _over(rt, own, ctx)
        own = await _own(rt, own.op_id) or own
    result = await rt.akua.desk.store.read(akua_results.find, own.op_id)
    try:
        stands = await outcome_of(rt, own)
    except OutcomeUnknown as unknown:
        return AkuaOperationResult(
            op_id=own.op_id,
            kind=own.kind.removeprefix("akua_"),
            state="unknown",
            summary=unknown.what,
            money=unknown.money,
            next_step=unknown.next_step,
        )
    if own.is_over or result.operation_id is None:
        return AkuaOperationResult(
            op_id=own.op_id,
            operation_id=result.operation_id,
            kind=own.kind.removeprefix("akua_"),
            state=result.outcome or own.state,
            done=own.is_over,
            ids=_ids(stands.model_dump()) or None,
            summary=stands.summary,
            money=stands.money,
            next_step=stands.next_step,
        )
    return _under_way(own, stands, await _look(rt, result.operation_id, 0.0))


def _under_way(own: Operation, stands: AkuaOutcome, now: AkuaOperation) -> AkuaOperationResult:
    """An operation of ours that this server has not seen the end of, whatever Akua says of its own."""
    seen = _at_akua(now)
    summary, next_step = f"{seen.summary} {stands.summary}", seen.next_step
    if now.is_over:
        summary = (
            f"Akua says that it has ended ({seen.state or 'how is not told'}), and this server has not seen what came "
            f"of it. {stands.summary}"
        )
        next_step = f"{stands.next_step} The reading tools of Akua show how it stands. Do not repeat it."
    return seen.model_copy(
        update={
            "op_id": own.op_id,
            "done": False,
            "summary": summary,
            "money": stands.money,
            "next_step": next_step,
        }
    )


async def _unless_ours(
    rt: Runtime, operation_id: str, seconds: float, unusable: LedgerUnusable
) -> AkuaOperationResult:
    """How an operation stands at Akua, where the ledger cannot say whether it is one of ours. Raises that where Akua
    does not know it: it may be an op_id."""
    try:
        return _at_akua(await _look(rt, operation_id, seconds))
    except NotFound:
        raise LedgerUnusable(
            unusable.what,
            next_step=unusable.next_step,
            money="Looking moved none; what the operation did is in the ledger.",
        ) from unusable


async def _own(rt: Runtime, name: str) -> Operation | None:
    """The operation of ours that has this id, or that Akua carries out under it; None where this server began none."""
    desk = rt.akua.desk
    await desk.account.recall()
    if not desk.store.path.exists():
        return None

    def read(db: Db) -> Operation | None:
        return journal.find(db, OpId(name)) or (
            journal.find(db, behind) if (behind := akua_results.operation_behind(db, name)) else None
        )

    return await desk.store.read(read)


async def _over(rt: Runtime, own: Operation, ctx: AppContext) -> Operation:
    """An operation of ours once it is over, in whichever process it is carried out."""
    while not own.is_over:
        running = rt.akua.desk.operations.find(own.op_id)
        if running is not None and not running.is_done:
            with suppress(AkashError):  # how it failed is in the journal too
                await running.wait(MAX_WAIT_SECONDS, report_progress(ctx))
        else:
            await rt.sleep(rt.intervals.akua_poll)
        own = await _own(rt, own.op_id) or own
    return own


async def _look(rt: Runtime, operation_id: str, seconds: float) -> AkuaOperation:
    if seconds >= 1:
        return await rt.akua.reader.wait(operation_id, seconds)
    return await rt.akua.reader.operation(operation_id)


def _at_akua(operation: AkuaOperation) -> AkuaOperationResult:
    steps = [_step(step) for step in (operation.steps or ())[:_MOST_STEPS]]
    waits = [step.name for step in steps if step.waits_for_person]
    state = field(operation.state or "", 30) or None
    what = field(operation.kind or "", 60) or "something"
    if operation.succeeded:
        summary, next_step = f"Akua did {what}.", "The reading tools of Akua show how it stands."
    elif operation.is_over:
        summary = f"Akua ended {what}: {state or 'how is not told'}."
        next_step = "Tell the user what Akua said. Make a new plan only after that is mended."
    elif waits:
        summary = f"Akua waits for a person with {what}: {waits[0]}."
        next_step = "Ask the user to look at it in Akua's dashboard."
    else:
        summary = f"Akua works on {what}."
        next_step = f'Call akua_get_operation(operation_id="{field(operation.id, 80)}", wait_s=40).'
    return AkuaOperationResult(
        operation_id=field(operation.id, 80),
        kind=what,
        state=state,
        done=operation.done,
        ids=[f"{name}: {field(value, 80)}" for name, value in list(operation.results.items())[:10]] or None,
        steps=steps or None,
        error=field(operation.failure, 600) or None,
        summary=summary,
        money="Looking moved none. What Akua's things cost, Akua bills.",
        next_step=next_step,
    )


def _step(step: Step) -> StepResult:
    return StepResult(
        name=field(step.name or "", 80),
        status=field(step.status or "", 20),
        waits_for_person=True
        if step.status == "running" and step.execution_type in ("user", "approval")
        else None,
        error=field(step.error_message or "", 300) or None,
    )


def _ids(told: dict[str, Any]) -> list[str]:
    names = ("package_id", "version_id", "install_id", "cluster_id")
    return [f"{name}: {told[name]}" for name in names if told.get(name)]


TOOL = ToolSpec(akua_get_operation, "Get Akua operation", Effect.READS)
