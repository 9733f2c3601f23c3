"""The Tasks extension (`io.modelcontextprotocol/tasks`, SEP-2663): what travels, and who may ask.

A client that declares the extension in a call may get a task in place of the answer, and asks `tasks/get` until it is
done. What a task is about, and where it is kept, is its `TaskSource`'s; nothing is kept here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding
from mcp.server.mcpserver import require_client_extension
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS, CallToolRequestParams, RequestParams
from mcp_types.jsonrpc import HEADER_MISMATCH
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import Field

from akash_mcp.errors import AkashError
from akash_mcp.sanitize.text import one_line

EXTENSION = "io.modelcontextprotocol/tasks"

Context = ServerRequestContext[Any, Any]
Status = Literal["working", "input_required", "completed", "failed", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task as it stands. Moments are seconds since the epoch.

    `result` is the whole answer of the call where it is completed, `error` a JSON-RPC error where it failed, and
    `questions` what the client is asked where input is required.
    """

    task_id: str
    status: Status
    created_at: float
    updated_at: float
    ttl_seconds: float
    poll_seconds: float
    message: str = ""
    result: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None
    questions: Mapping[str, Any] | None = None

    def as_created(self) -> dict[str, Any]:
        """The answer of the call that it stands for."""
        return {"resultType": "task", **self._common()}

    def as_told(self) -> dict[str, Any]:
        """The answer of `tasks/get`."""
        parts = {"result": self.result, "error": self.error, "inputRequests": self.questions}
        told = {name: dict(part) for name, part in parts.items() if part is not None}
        return {"resultType": "complete", **self._common(), **told}

    def _common(self) -> dict[str, Any]:
        return {
            "taskId": self.task_id,
            "status": self.status,
            **({"statusMessage": self.message} if self.message else {}),
            "createdAt": _utc(self.created_at),
            "lastUpdatedAt": _utc(self.updated_at),
            "ttlMs": round(self.ttl_seconds * 1000),
            "pollIntervalMs": round(self.poll_seconds * 1000),
        }


class TaskSource(Protocol):
    """What tasks are about. It may raise `AkashError` and `MCPError`."""

    async def call(
        self, ctx: Context, params: CallToolRequestParams, call_next: CallNext
    ) -> HandlerResult | Task:
        """The answer of a call whose client takes tasks, or the task that stands for it."""

    async def find(self, ctx: Context, task_id: str) -> Task | None:
        """The task of this id, where there is one and whoever asks may know it."""

    async def answer(self, ctx: Context, task: Task, responses: Mapping[str, Any]) -> None:
        """Take what the client answers to the task's questions; what was not asked is ignored."""

    async def cancel(self, ctx: Context, task: Task) -> None:
        """The client does not want the task any more."""


class _TaskId(RequestParams):
    task_id: str = Field(alias="taskId", max_length=100)


class _Update(_TaskId):
    responses: dict[str, Any] = Field(alias="inputResponses", default_factory=dict)


class Tasks(Extension):
    """The extension, on one source."""

    identifier = EXTENSION

    def __init__(self, source: TaskSource) -> None:
        self._source = source

    def methods(self) -> Sequence[MethodBinding]:
        """`tasks/get`, `tasks/update` and `tasks/cancel`, of the era that has extensions."""
        era = frozenset(MODERN_PROTOCOL_VERSIONS)
        return (
            MethodBinding("tasks/get", _TaskId, self._get, era),
            MethodBinding("tasks/update", _Update, self._update, era),
            MethodBinding("tasks/cancel", _TaskId, self._cancel, era),
        )

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: Context, call_next: CallNext
    ) -> HandlerResult:
        """A task for a client that takes one, where the source makes one; else the call's own answer."""
        if not _takes_tasks(ctx):
            return await call_next(ctx)
        answer = await self._source.call(ctx, params, call_next)
        return answer.as_created() if isinstance(answer, Task) else answer

    async def _get(self, ctx: Context, params: _TaskId) -> dict[str, Any]:
        return (await self._known(ctx, params.task_id)).as_told()

    async def _update(self, ctx: Context, params: _Update) -> dict[str, Any]:
        task = await self._known(ctx, params.task_id)
        await self._source.answer(ctx, task, params.responses)
        return {"resultType": "complete"}

    async def _cancel(self, ctx: Context, params: _TaskId) -> dict[str, Any]:
        task = await self._known(ctx, params.task_id)
        try:
            await self._source.cancel(ctx, task)
        except AkashError as failure:
            raise _as_protocol_error(failure) from failure
        return {"resultType": "complete"}

    async def _known(self, ctx: Context, task_id: str) -> Task:
        """The task. One that there is not, and one of somebody else, are refused in the same words."""
        require_client_extension(ctx, EXTENSION)
        headers = getattr(ctx.request, "headers", None) or {}  # a request over HTTP has some
        # Left out by fastmcp-tasks 4.1.4 and mcp-remote 0.15.1, whose users would not learn what became of a launch.
        if headers.get("mcp-name", task_id) != task_id:
            raise MCPError(HEADER_MISMATCH, "The header Mcp-Name is not the taskId of the request")
        try:
            task = await self._source.find(ctx, task_id)
        except AkashError as failure:
            raise _as_protocol_error(failure) from failure
        if task is None:
            raise MCPError(INVALID_PARAMS, "There is no such task")
        return task


async def refuse_undeclared_tasks(ctx: Context, call_next: CallNext) -> HandlerResult:
    """Middleware: whoever wants to hear of tasks declares that it takes them. The SDK reads over such a wish."""
    if ctx.method == "subscriptions/listen":
        wanted = (ctx.params or {}).get("notifications")
        if isinstance(wanted, Mapping) and wanted.get("taskIds"):
            require_client_extension(ctx, EXTENSION)
    return await call_next(ctx)


def _takes_tasks(ctx: Context) -> bool:
    capabilities = ctx.session.client_capabilities
    declared = capabilities.extensions if capabilities else None
    return EXTENSION in (declared or {}) and ctx.protocol_version in MODERN_PROTOCOL_VERSIONS


def _as_protocol_error(failure: AkashError) -> MCPError:
    return MCPError(INTERNAL_ERROR, one_line(str(failure)))


def _utc(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
