"""Operations as tasks: a call that goes on without its client is found again by the id of its operation.

Nothing is kept for it but the journal, so a task survives what an operation survives: a server that was started anew,
and another one with the same ledger, tell how it stands. It belongs to the account and the agent that opened it; over
HTTP whoever has the token is that agent. It can be asked for as long as `list_operations` tells it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mcp.server.context import CallNext, HandlerResult
from mcp.types import CallToolRequestParams, CallToolResult

from akash_mcp.errors import AkashError, LedgerUnusable
from akash_mcp.guard.books import journal, notices
from akash_mcp.guard.books.journal import Kind, Operation, State
from akash_mcp.ids import OpId
from akash_mcp.protocol.tasks import Context, Task
from akash_mcp.sanitize.text import field
from akash_mcp.tools.carry_out import outcome_of, refuse_again
from akash_mcp.tools.error_result import error_result
from akash_mcp.tools.hiding import hidden, learn_secrets, tool_result
from akash_mcp.tools.new_notices import take_notices
from akash_mcp.tools.results import Outcome
from akash_mcp.tools.task_call import task_call
from akash_mcp.workflow.ongoing import RECENT_SECONDS, is_taken_up
from akash_mcp.workflow.operations import Running
from akash_mcp.workflow.runtime import Runtime

POLL_SECONDS = 2.0
"""How often a client should ask. An answer costs three reads of the ledger, and no request."""

_MESSAGE_BYTES = 400
_MONEY = (
    "What was approved was reserved once, and may have been spent since: get_deployment shows what it costs."
)
"""Of the call that the task stands for, which is the one that spent it."""


class OperationTasks:
    """The tasks of this server."""

    async def call(
        self, ctx: Context, params: CallToolRequestParams, call_next: CallNext
    ) -> HandlerResult | Task:
        """A task where the call's operation goes on without it; else its answer, questions among them."""
        with task_call() as call:
            answer = await call_next(ctx)
        if call.op_id is None:
            return answer
        try:
            task = await self.find(ctx, call.op_id)
        except LedgerUnusable:  # closing goes on without it, and is found by its op_id in this process
            return answer
        return task or answer

    async def find(self, ctx: Context, task_id: str) -> Task | None:
        """An operation of this account and agent that was not opened long ago. Raises `LedgerUnusable`."""
        rt: Runtime = ctx.lifespan_context
        await rt.accounts.recall()
        operation = await _operation(rt, task_id)
        if operation is None:
            return None
        newest = await rt.store.read(journal.newest, operation.op_id) or operation
        task = Task(
            task_id=operation.op_id,
            status="working",
            created_at=operation.created_at,
            updated_at=newest.updated_at,
            ttl_seconds=RECENT_SECONDS,
            poll_seconds=POLL_SECONDS,
        )
        running = rt.operations.find(newest.op_id) or rt.operations.find(operation.op_id)
        if running is not None and not running.is_done:
            return replace(task, message=_message(running.stage))
        if not _has_answer(running) and is_taken_up(newest):
            return replace(task, message=_message(f"{newest.state}. {newest.note}"))
        answer = await _answer(rt, newest, running)
        told = answer.model_dump(mode="json", by_alias=True, exclude_none=True)
        return replace(task, status="completed", result=told | {"resultType": "complete"})

    async def answer(self, ctx: Context, task: Task, responses: Mapping[str, Any]) -> None:
        """Nothing is ever asked within a task: a person is asked before anything begins, by the call itself."""

    async def cancel(self, ctx: Context, task: Task) -> None:
        """Nothing is torn: what was approved is carried out, and closing is a deed of its own.

        So that nobody takes it for stopped, a notice says that it goes on and what ends it.
        """
        rt: Runtime = ctx.lifespan_context
        operation = await _operation(rt, task.task_id)
        if operation is None or operation.kind is Kind.CLOSE or task.status != "working":
            return
        dseq = operation.dseq
        end = f"close_deployment(dseq={dseq}) ends" if dseq else "close_deployment ends"
        await rt.store.run(
            notices.note,
            f"The client cancelled its task of operation {operation.op_id} ({operation.kind}). That stops nothing: it "
            f"goes on to its end, and may spend what was approved. {end} what it makes.",
            dseq=dseq,
            op_id=operation.op_id,
        )


async def _operation(rt: Runtime, task_id: str) -> Operation | None:
    """The operation of a task. A command is none: what it wrote is kept nowhere."""
    if not rt.store.path.exists():
        return None
    operation = await rt.store.read(journal.find, OpId(task_id))
    if operation is None or operation.kind is Kind.EXEC or operation.agent != rt.store.agent:
        return None
    return operation if rt.now() - operation.created_at < RECENT_SECONDS else None


def _has_answer(running: Running[Any] | None) -> bool:
    """Whether this process has the answer of the call itself, and not only the end of what it carried on."""
    return running is not None and (isinstance(running.result, Outcome) or running.epoch == 1)


async def _answer(rt: Runtime, operation: Operation, running: Running[Any] | None) -> CallToolResult:
    """What the call would have answered, had it waited."""
    note = await learn_secrets(rt, {"id": operation.op_id})
    try:
        if running is not None and running.error is not None:
            raise running.error
        if running is not None and isinstance(running.result, Outcome):
            outcome = running.result
        else:
            outcome = _by_journal(operation)
    except AkashError as error:
        # What was approved is used up: the same call would find this error again.
        notices = await take_notices(rt)
        return error_result(error, retryable=False, notices=notices, play_money=rt.play_money)
    return tool_result(outcome, note, await take_notices(rt), play_money=rt.play_money)


def _by_journal(operation: Operation) -> Outcome:
    opening = f"Operation {operation.op_id} was begun by another process of this server, and is told from the journal."
    refuse_again(operation, opening)
    # A launch that nobody carries on and that made no lease was to make none.
    creates = operation.state in (State.CREATED, State.OFFERED)
    return outcome_of(operation, opening, creates=creates, money=_MONEY)


def _message(text: str) -> str:
    return str(hidden(field(text, _MESSAGE_BYTES)))
