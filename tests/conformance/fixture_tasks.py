"""What the official suite has done as tasks: tools that go on without their client, fail, are cancelled and ask.

What travels, and who may ask, is the server's own extension (`akash_mcp/protocol/tasks.py`); only what the tasks are
about is kept here, in memory, beside the server's own tasks.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import anyio
from fixture_contents import Ctx, result, text
from fixture_questions import test_input_required_result_elicitation
from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult
from mcp.server.mcpserver import MCPServer, require_client_extension
from mcp.types import (
    INTERNAL_ERROR,
    CallToolRequestParams,
    CallToolResult,
    ElicitResult,
    InputRequiredResult,
)

from akash_mcp.errors import AkashError
from akash_mcp.protocol.tasks import EXTENSION, Context, Status, Task, Tasks, TaskSource
from akash_mcp.tools.tool import Effect, ToolSpec

_ASKS_FIRST_SECONDS = 0.2
"""What a tool wants to know before it is a task, it says by then."""


@dataclass
class _Kept:
    """A task, and the call that goes on as it."""

    task_id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    began: float = field(default_factory=time.time)
    work: asyncio.Task[HandlerResult] | None = None
    questions: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, asyncio.Future[Any]] = field(default_factory=dict)

    async def ask(self, message: str) -> Any:
        """What the client answers to a form with one field, once it does."""
        key = secrets.token_urlsafe(8)
        schema = {"type": "object", "properties": {"confirm": {"type": "boolean"}}, "required": ["confirm"]}
        params = {"mode": "form", "message": message, "requestedSchema": schema}
        self.questions[key] = {"method": "elicitation/create", "params": params}
        self.answers[key] = asyncio.get_running_loop().create_future()
        return await self.answers[key]

    def shown(self) -> Task:
        """The task as it stands."""
        status: Status = "input_required" if self.questions else "working"
        answer: Mapping[str, Any] | None = None
        error: Mapping[str, Any] | None = None
        assert self.work is not None
        if self.work.cancelled():
            status = "cancelled"
        elif self.work.done():
            broken = self.work.exception()
            status = "failed" if broken else "completed"
            if isinstance(broken, MCPError):
                error = {"code": broken.error.code, "message": broken.error.message}
            elif broken is None:
                answer = _as_wire(self.work.result())
        return Task(
            task_id=self.task_id,
            status=status,
            created_at=self.began,
            updated_at=time.time(),
            ttl_seconds=600,
            poll_seconds=0.1,
            result=answer,
            error=error,
            questions=dict(self.questions) or None,
        )


_current: ContextVar[_Kept | None] = ContextVar("_current", default=None)


async def greet(name: str) -> CallToolResult:
    """Answer at once."""
    return result(text(f"Hello, {name}!"))


async def slow_compute(seconds: float, label: str = "") -> CallToolResult:
    """Take so many seconds."""
    await anyio.sleep(seconds)
    return result(text(f"{label} took {seconds} seconds."))


async def failing_job(ctx: Ctx) -> CallToolResult:
    """Fail after a second, for clients that take tasks only."""
    require_client_extension(ctx.request_context, EXTENSION)
    await anyio.sleep(1)
    raise AkashError("This job always fails")


async def protocol_error_job() -> CallToolResult:
    """Fail as a call, and not as a tool."""
    await anyio.sleep(_ASKS_FIRST_SECONDS * 2)
    raise MCPError(INTERNAL_ERROR, "This job breaks")


async def confirm_delete(filename: str = "") -> CallToolResult:
    """Ask once it is a task."""
    await _asked(f"Delete {filename}?")
    return result(text("Deleted."))


async def multi_input() -> CallToolResult:
    """Ask two things at once."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_asked, "The first?")
        tasks.start_soon(_asked, "The second?")
    return result(text("Both are answered."))


async def test_tool_with_task(ctx: Ctx) -> CallToolResult | InputRequiredResult:
    """Want a name, and go on as a task once it has one."""
    answer = await test_input_required_result_elicitation(ctx)
    if isinstance(answer, CallToolResult):
        await anyio.sleep(_ASKS_FIRST_SECONDS * 2)
    return answer


TASKS = tuple(
    ToolSpec(function, title=function.__name__, effect=Effect.READS, text_only=True)
    for function in (
        greet,
        slow_compute,
        failing_job,
        protocol_error_job,
        confirm_delete,
        multi_input,
        test_tool_with_task,
    )
)
_LONG = {spec.name for spec in TASKS} - {"greet"}


class SuiteTasks:
    """The tasks of these tools, and those of the server."""

    def __init__(self, ours: TaskSource) -> None:
        self._ours = ours
        self._kept: dict[str, _Kept] = {}

    async def call(
        self, ctx: Context, params: CallToolRequestParams, call_next: CallNext
    ) -> HandlerResult | Task:
        """A task, unless the tool answers or asks at once."""
        if params.name not in _LONG:
            return await self._ours.call(ctx, params, call_next)
        kept = _Kept()
        _current.set(kept)
        kept.work = asyncio.ensure_future(call_next(ctx))
        await asyncio.wait({kept.work}, timeout=_ASKS_FIRST_SECONDS)
        if kept.work.done():
            return kept.work.result()
        self._kept[kept.task_id] = kept
        return kept.shown()

    async def find(self, ctx: Context, task_id: str) -> Task | None:
        """The task of this id."""
        kept = self._kept.get(task_id)
        return kept.shown() if kept else await self._ours.find(ctx, task_id)

    async def answer(self, ctx: Context, task: Task, responses: Mapping[str, Any]) -> None:
        """Hand on the answers to whoever waits for them."""
        kept = self._kept.get(task.task_id)
        if kept is None:
            await self._ours.answer(ctx, task, responses)
            return
        for key in responses.keys() & kept.answers.keys():
            kept.questions.pop(key, None)
            answer = kept.answers.pop(key)
            answer.set_result(ElicitResult.model_validate(responses[key]))

    async def cancel(self, ctx: Context, task: Task) -> None:
        """Cancel the call that goes on as it."""
        kept = self._kept.get(task.task_id)
        if kept is None:
            await self._ours.cancel(ctx, task)
        elif kept.work is not None:
            kept.work.cancel()


def add_tasks(server: MCPServer[Any]) -> None:
    """Have the server's own extension keep the tasks of the suite too."""
    (extension,) = (each for each in server._extensions if isinstance(each, Tasks))
    extension._source = SuiteTasks(extension._source)


async def _asked(message: str) -> None:
    kept = _current.get()
    if kept is not None:
        await kept.ask(message)


def _as_wire(answer: HandlerResult) -> dict[str, Any]:
    assert isinstance(answer, CallToolResult)
    return {**answer.model_dump(mode="json", by_alias=True, exclude_none=True), "resultType": "complete"}
