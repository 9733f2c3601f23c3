"""The answer of `list_operations`: each operation as one row, with what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import Field

from akash_mcp.guard.approval.waiting import Waiting
from akash_mcp.guard.books.journal import Kind, State
from akash_mcp.sanitize.text import field
from akash_mcp.tools.arguments import UsdOut
from akash_mcp.tools.results import Result, confirm_call
from akash_mcp.workflow.ongoing import Ongoing

_MOST = 40
_SUMMARY_BYTES = 300


class OperationRow(Result):
    """One operation, or a plan that waits for the user. `held_usd`: what is reserved for it alone."""

    op_id: str
    kind: str
    state: str
    dseq: str | None = None
    agent: str | None = None
    what: str
    since: str = Field(description="UTC")
    note: str | None = None
    held_usd: UsdOut | None = None
    carried_out_by: str = Field(description="this server, another server or nobody")
    tried_again_at: str | None = None
    next_step: str


class OperationList(Result):
    """What is under way, unknown or waits for the user, then what ended within 24 hours, newest first.

    `total` counts all, also those not shown.
    """

    operations: list[OperationRow]
    total: int
    next_step: str


def operation_list(found: Sequence[Ongoing], waits: Sequence[Waiting], *, agent: str) -> OperationList:
    """The answer. `agent` is in whose name this server works: of others it is said who they are."""
    rows = [_waiting_row(each, agent) for each in waits] + [_row(each, agent) for each in found]
    left = sum(not each.operation.is_over for each in found)
    if left:
        next_step = (
            "Start nothing of this again: get_deployment with its op_id shows it, list_deployments what runs."
        )
    elif waits:
        next_step = "Nothing is under way."
    else:
        next_step = "Nothing is under way, and nothing is unknown. list_deployments shows what runs."
    return OperationList(operations=rows[:_MOST], total=len(rows), next_step=next_step)


def _row(each: Ongoing, agent: str) -> OperationRow:
    operation = each.operation
    return OperationRow(
        op_id=operation.op_id,
        kind=operation.kind.value,
        state=operation.state.value,
        dseq=operation.dseq,
        agent=operation.agent if operation.agent != agent else None,
        what=field(operation.summary, _SUMMARY_BYTES),
        since=_utc(operation.created_at),
        note=field(operation.note, _SUMMARY_BYTES) or None,
        held_usd=each.held or None,
        carried_out_by=each.hands,
        tried_again_at=_utc(operation.retry_at) if each.is_taken_up and operation.retry_at else None,
        next_step=_next_step(each),
    )


def _next_step(each: Ongoing) -> str:
    operation, dseq = each.operation, each.operation.dseq
    if operation.state is State.READY and dseq:
        return f"get_deployment(id={dseq}) shows how it stands now."
    if operation.state is State.REFUSED:
        return "It did nothing: call again what is still wanted."
    if operation.is_over:
        return "Nothing needs doing."
    if each.is_taken_up and each.hands == "nobody":
        return f'It is taken up again by itself: get_deployment(id="{operation.op_id}", wait_for="ready") shows it.'
    if each.is_taken_up:
        return f'Wait for it: get_deployment(id="{operation.op_id}", wait_for="ready").'
    if operation.kind is Kind.EXEC:
        return "Find out inside the container what it did."
    if dseq is None:
        return "Look with list_deployments whether it made one, and ask the user: akash-mcp ledger shows it."
    if operation.state is State.CREATED:
        return f"It has no lease: list_bids(dseq={dseq}), then create_lease, or close_deployment."
    return (
        f"Nobody waits for it: get_deployment(id={dseq}), or diagnose_deployment. close_deployment ends it."
    )


def _waiting_row(plan: Waiting, agent: str) -> OperationRow:
    return OperationRow(
        op_id=plan.op_id,
        kind=plan.tool,
        state="waiting_for_person",
        agent=plan.agent if plan.agent != agent else None,
        what=field(plan.record, _SUMMARY_BYTES),
        since=_utc(plan.made_at),
        carried_out_by="nobody",
        next_step=f"Nothing was done. The user answers it with akash-mcp approve {plan.op_id} in a terminal; then call "
        f"{confirm_call(plan.op_id)}.",
    )


def _utc(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%MZ")
