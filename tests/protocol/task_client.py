"""A real client that takes tasks, and asks for them as the extension says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import anyio
from mcp import Client
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp.client.session import ClientSession
from mcp.types import CallToolResult, Request, RequestParams, Result
from pydantic import ConfigDict, Field

EXTENSION = "io.modelcontextprotocol/tasks"


class TaskParams(RequestParams):
    task_id: str = Field(alias="taskId")
    input_responses: dict[str, Any] | None = Field(None, alias="inputResponses")


class UnnamedTaskRequest(Request[TaskParams, Literal["tasks/get", "tasks/update", "tasks/cancel"]]):
    """Over HTTP it travels without `Mcp-Name`."""

    method: Literal["tasks/get", "tasks/update", "tasks/cancel"]
    params: TaskParams


class TaskRequest(UnnamedTaskRequest):
    name_param = "taskId"


class MisnamedTaskParams(TaskParams):
    other: str = "op_0000000000000000"


class MisnamedTaskRequest(TaskRequest):
    """Over HTTP its `Mcp-Name` is another task's."""

    name_param = "other"

    params: MisnamedTaskParams


class Told(Result):
    """Whatever is answered."""

    model_config = ConfigDict(extra="allow")


class Created(Result):
    result_type: Literal["task"] = Field("task", alias="resultType")
    task_id: str = Field(alias="taskId")
    status: str
    ttl_ms: int = Field(alias="ttlMs")
    poll_interval_ms: int = Field(alias="pollIntervalMs")


async def ask(
    asked: Client | ClientSession, method: Literal["tasks/get", "tasks/update", "tasks/cancel"], task_id: str
) -> dict[str, Any]:
    """The answer as it travels."""
    session = asked.session if isinstance(asked, Client) else asked
    params = TaskParams(taskId=task_id, inputResponses={} if method == "tasks/update" else None)
    told = await session.send_request(TaskRequest(method=method, params=params), Told)
    return told.model_dump(mode="json", by_alias=True, exclude_none=True)


async def ended(asked: Client | ClientSession, task_id: str) -> dict[str, Any]:
    """The task once it is over."""
    with anyio.fail_after(60):
        while True:
            told = await ask(asked, "tasks/get", task_id)
            if told["status"] != "working":
                return told
            await anyio.sleep(0.05)  # as a client polls


@dataclass
class TakesTasks(ClientExtension):
    """Takes tasks, remembers which there were, and waits for each, or gives each up at once."""

    identifier = EXTENSION

    waits: bool = True

    tasks: list[Created] = field(default_factory=list)

    def claims(self) -> Sequence[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=Created, resolve=self._resolve)]

    async def _resolve(self, created: Created, context: ClaimContext) -> CallToolResult:
        self.tasks.append(created)
        if not self.waits:
            return CallToolResult(content=[], is_error=True)
        told = await ended(context.session, created.task_id)
        assert told["status"] == "completed", told
        return CallToolResult.model_validate(told["result"])
