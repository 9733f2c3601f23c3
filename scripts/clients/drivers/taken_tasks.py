"""The Tasks extension as users of the Python SDK write it, by its `ClientExtension`: a call waits for its task."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Literal

from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp.types import CallToolResult, Request, RequestParams, Result
from pydantic import ConfigDict, Field


class _TaskParams(RequestParams):
    task_id: str = Field(alias="taskId")


class _GetTask(Request[_TaskParams, Literal["tasks/get"]]):
    name_param = "taskId"

    method: Literal["tasks/get"] = "tasks/get"
    params: _TaskParams


class _Task(Result):
    model_config = ConfigDict(extra="allow")

    task_id: str = Field(alias="taskId")
    status: str
    poll_interval_ms: int = Field(alias="pollIntervalMs")
    result: dict[str, Any] | None = None


class _Created(_Task):
    result_type: Literal["task"] = Field("task", alias="resultType")


class TakenTasks(ClientExtension):
    """Takes tasks, and asks as often as the server wants to be asked."""

    identifier = "io.modelcontextprotocol/tasks"

    def claims(self) -> Sequence[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=_Created, resolve=self._ended)]

    async def _ended(self, created: _Created, context: ClaimContext) -> CallToolResult:
        task: _Task = created
        while task.status == "working":
            await asyncio.sleep(task.poll_interval_ms / 1000)
            asked = _GetTask(params=_TaskParams(taskId=created.task_id))
            task = await context.session.send_request(asked, _Task)
        if task.status != "completed":
            raise RuntimeError(f"the task ended as {task.status}: {task.model_dump_json()}")
        return CallToolResult.model_validate(task.result)
