"""What Console does in the background: closes that were asked for with `?async=true`."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox.console import schema
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.responses import Problem, answer


class Activities:
    """The activities of one user, by id."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._known: dict[str, dict[str, Any]] = {}

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        return [Endpoint("GET", "/v1/activities/{id}", self.read, path_schema={"id": schema.string})]

    async def read(self, call: Call) -> Response:
        """How it stands: pending, succeeded or failed."""
        if (activity := self._known.get(call.path["id"])) is None:
            raise Problem(404, "Activity not found")
        return answer({"data": activity})

    def begin(self, kind: str, dseq: str, work: Callable[[], Coroutine[Any, Any, None]]) -> str:
        """Start `work` and give the id by which to ask for it. It ends with the network at the latest."""
        activity: dict[str, Any] = {
            "id": str(uuid.uuid4()),
            "type": kind,
            "status": "pending",
            "meta": {"dseq": dseq},
        }
        self._known[activity["id"]] = activity
        task = asyncio.create_task(_follow(activity, work), name=f"{kind} {dseq}")
        self._backend.tasks.add(task)
        task.add_done_callback(self._backend.tasks.discard)
        return str(activity["id"])


async def _follow(activity: dict[str, Any], work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    try:
        await work()
    except Problem as problem:
        activity["status"] = "failed"
        activity["meta"] = {**activity["meta"], "error": problem.message}
    else:
        activity["status"] = "succeeded"
