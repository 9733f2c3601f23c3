"""How a tool carries out what was approved, once: whoever brings the same yes again is told what became of it.

The work belongs to the server and ends in the tool's whole answer, so all who wait for it get the same one: the call
that started it, one that comes again because its answer was lost, and two that came at once. Where another process
did it, or this one has forgotten it, the journal tells how it stands.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from akash_mcp.errors import NOTHING_MOVED, AkashError, LedgerUnusable, OutcomeUnknown
from akash_mcp.guard.approval.approval import Approval, PersonNeeded, TokenNeeded
from akash_mcp.guard.books import journal
from akash_mcp.guard.books.journal import Kind, Operation, OperationExists, State
from akash_mcp.guard.gate import Gate
from akash_mcp.guard.plans.plans import ClosePlan, Plan
from akash_mcp.ids import Dseq, OpId
from akash_mcp.sanitize.text import field
from akash_mcp.tools.approval import (
    AppContext,
    Approved,
    Decision,
    DeskOf,
    Opened,
    akash_desk,
    is_confirm,
    runtime,
)
from akash_mcp.tools.deadline import WAIT_SECONDS, wait_seconds
from akash_mcp.tools.present import confirmation, pending, waiting_for_person
from akash_mcp.tools.progress import report_progress
from akash_mcp.tools.results import Outcome
from akash_mcp.tools.task_call import current
from akash_mcp.workflow.desk import Desk
from akash_mcp.workflow.operations import Running
from akash_mcp.workflow.runtime import Runtime


class Permit(Protocol):
    """What the gate lets in."""

    @property
    def op_id(self) -> OpId:
        """Names the operation."""


P = TypeVar("P", bound=Plan)
T = TypeVar("T", bound=Permit)
R = TypeVar("R")

Admit = Callable[[Gate, P, Approval], Awaitable[T]]
"""A method of the gate."""
Work = Callable[[Runtime, P, T, Running[Any]], Awaitable[R]]
"""What is done with the permit, up to the tool's answer."""


_RUNS = ("ready", "leased", "created")
"""Answers that are true only for as long as the deployment is open."""


async def carry_out(
    ctx: AppContext,
    decision: Decision[P],
    admit: Admit[P, T],
    work: Work[P, T, R],
    *,
    wait: float,
    desk_of: DeskOf = akash_desk,
) -> R | TokenNeeded | PersonNeeded | Running[R] | Operation:
    """What `work` answers, or what stands in its way: a plan to be shown, one that waits for a person at a terminal,
    work that goes on after `wait` seconds, or an operation that this process knows from the journal only.

    Raises what the gate refuses, what the work ended with, and for an operation that was refused earlier just that.
    """
    if isinstance(decision, TokenNeeded | PersonNeeded):
        return decision
    rt = runtime(ctx)
    desk = desk_of(rt)
    if isinstance(decision, Opened):
        op_id = decision.op_id
    else:
        plan = decision.plan
        try:
            permit = await admit(rt.gate, plan, decision.approval)
        except OperationExists as used:
            op_id = used.op_id
        else:
            op_id = permit.op_id
            desk.operations.start(op_id, lambda running: work(rt, plan, permit, running))
    running: Running[R] | None = desk.operations.find(op_id)
    if running is None:
        return await _journalled(desk, op_id)
    try:
        answer = await running.wait(wait_seconds(wait), report_progress(ctx))
    except AkashError as error:
        if is_confirm(ctx):
            error.retryable = False  # the token is used up, so the same call finds this error again
        raise
    if isinstance(decision, Opened) and isinstance(answer, Outcome) and answer.status in _RUNS:
        operation = await desk.store.read(journal.newest, op_id)
        if operation is not None and operation.state is State.CLOSED:  # since that was answered
            return operation
    return running if answer is None else answer


async def _journalled(desk: Desk, op_id: OpId) -> Operation:
    operation = await desk.store.read(journal.newest, op_id)
    assert operation is not None
    refuse_again(operation, used(operation))
    return operation


def refuse_again(operation: Operation, opening: str) -> None:
    """Raise what an operation was refused with, where it was; `opening` is the sentence before that."""
    if operation.state is State.REFUSED:
        raise AkashError(
            f"{opening} It was refused: {field(operation.note, 600)}",
            money=NOTHING_MOVED,
            next_step="Call the tool that planned it again for a new plan.",
        )


def used(operation: Operation) -> str:
    """That the yes of this call was used, as a sentence."""
    return f"This approval was used before, for operation {operation.op_id}, and is good for one."


@dataclass(frozen=True, slots=True)
class CarryOut(Generic[P, T]):
    """What a tool does once there is a `Decision` on its plan, whether it came with the tool's own call or with
    `confirm`."""

    admit: Admit[P, T]
    work: Work[P, T, Outcome]
    wait: float = WAIT_SECONDS
    is_long: bool = False
    """Whether a client that takes tasks gets one soon, instead of an answer after `wait` seconds."""

    async def __call__(self, ctx: AppContext, decision: Decision[P]) -> Outcome:
        """`carry_out` as an answer. Raises `OutcomeUnknown` too, for an operation whose outcome is not known."""
        task = current()
        wait = runtime(ctx).intervals.before_task if task and self.is_long else self.wait
        done = await carry_out(ctx, decision, self.admit, self.work, wait=wait)
        if isinstance(done, TokenNeeded):
            return confirmation(done)
        if isinstance(done, PersonNeeded):
            return waiting_for_person(done)
        if isinstance(done, Running):
            if task:
                task.op_id = done.op_id
            return pending(done, await _dseq(runtime(ctx), done.op_id, decision))
        if isinstance(done, Operation):
            return outcome_of(done, used(done), creates=_tool_of(decision) == "create_deployment")
        return done


def _tool_of(decision: Decision[P]) -> str:
    return decision.tool if isinstance(decision, Opened) else decision.plan.tool


async def _dseq(rt: Runtime, op_id: OpId, decision: Decision[Any]) -> Dseq | None:
    """The deployment that an operation is about, as soon as it is written down."""
    try:
        operation = await rt.store.read(journal.newest, op_id)
    except LedgerUnusable:  # closing goes on without it
        plan = decision.plan if isinstance(decision, Approved) else None
        return plan.dseq if isinstance(plan, ClosePlan) else None
    return operation.dseq if operation else None


_STATUS = {
    State.LEASED: "leased",
    State.READY: "ready",
    State.CLOSED: "closed",
}
_DONE = {
    Kind.FUND: "funded",
    Kind.UPDATE: "updated",
    Kind.CLOSE: "closed",
    Kind.LEASE: "leased",
    Kind.TOP_UP: "updated",
    Kind.CERTIFICATE: "created",
}


def outcome_of(
    operation: Operation,
    opening: str,
    *,
    creates: bool,
    money: str = "This call moved no money; what was approved was reserved once.",
) -> Outcome:
    """An operation that this process knows from the journal only, as an answer that begins with the sentence `opening`.

    `creates`: to create a deployment was all that it should do. `money`: what is said of it. Raises `OutcomeUnknown`.
    """
    state, dseq, note = operation.state, operation.dseq, field(operation.note, 400)
    look = f'get_deployment(id="{dseq or operation.op_id}"), which shows how it stands now'
    stands = f"That operation is {state}"
    if not operation.is_over and state is not State.LEASED:
        look = f'get_deployment(id="{operation.op_id}", wait_for="ready"), which waits for it'
        stands = f"That operation is under way, and has come to: {state}"
    bids = f"list_bids(dseq={dseq}), then create_lease, or close_deployment"
    if state is State.UNKNOWN:
        raise OutcomeUnknown(
            f"{opening} What became of it is not known: {note}",
            next_step=f'Call get_deployment(id="{operation.op_id}") or list_operations. Do not simply try again.',
        )
    status = _STATUS.get(state, "pending")
    if state is State.DONE:
        status = _DONE.get(operation.kind, status)
    elif creates and state in (State.CREATED, State.OFFERED):
        status = "created"  # all that this tool does; of a launch it is the first step
    return Outcome.model_validate(
        {
            "status": status,
            "op_id": operation.op_id,
            "dseq": dseq,
            "summary": f"{opening} {stands}{f' ({note})' if note else ''}. It was: {operation.summary}",
            "money": money,
            "next_step": f"Call {bids if status == 'created' else look}.",
        }
    )
