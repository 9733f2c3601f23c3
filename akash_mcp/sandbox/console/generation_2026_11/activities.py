"""What Console does in the background: closes that were asked for with `?async=true`, and the list of them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox.chain import Transaction
from akash_mcp.sandbox.console import schema
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.moments import iso, seconds
from akash_mcp.sandbox.console.responses import Problem, answer

_PATH = "/v1/activities"
_CLOSE = "deployment_close"


class Activities:
    """The activities of one user, the newest first where they are listed."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._known: dict[str, dict[str, Any]] = {}

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        page = {
            "limit": schema.optional(schema.query_number(1, 100), 20),
            "cursor": schema.optional(schema.string),
            "status": schema.optional(schema.choice("pending", "succeeded", "failed")),
            "type": schema.optional(schema.choice(_CLOSE)),
        }
        ids = schema.obj(ids=schema.array(schema.uuid_text, minimum=1, maximum=100))
        seen = schema.obj(data=schema.either(ids, schema.obj(upTo=schema.moment)))
        return [
            Endpoint("GET", _PATH, self.list, query_schema=page),
            Endpoint("POST", f"{_PATH}/seen", self.see, body_schema=seen),
            Endpoint("GET", f"{_PATH}/{{id}}", self.read, path_schema={"id": schema.uuid_text}),
        ]

    async def list(self, call: Call) -> Response:
        """A page of them, and where the next one begins. What is unseen is counted whatever the filters."""
        query = call.query
        found = [
            activity
            for activity in reversed(self._known.values())
            if activity["status"] == query.get("status", activity["status"])
        ]
        # A cursor that leads nowhere begins anew.
        ids = [activity["id"] for activity in found]
        first = ids.index(query["cursor"]) if query.get("cursor") in ids else 0
        shown, rest = found[first : first + query["limit"]], found[first + query["limit"] :]
        pagination = {
            "limit": query["limit"],
            "hasMore": bool(rest),
            "nextCursor": rest[0]["id"] if rest else None,
        }
        data = {"activities": shown, "unseenCount": self._unseen(), "pagination": pagination}
        return answer({"data": data})

    async def see(self, call: Call) -> Response:
        """Note that the named ones, or all up to a moment, were seen."""
        wanted = call.body["data"]
        now = self._now()
        for activity in self._known.values():
            named = activity["id"] in wanted.get("ids", ())
            early = "upTo" in wanted and seconds(activity["createdAt"]) <= seconds(wanted["upTo"])
            if (named or early) and activity["seenAt"] is None:
                activity["seenAt"] = now
        return answer({"data": {"unseenCount": self._unseen()}})

    async def read(self, call: Call) -> Response:
        """How it stands: pending, succeeded or failed."""
        if (activity := self._known.get(call.path["id"])) is None:
            raise Problem(404, "Activity not found")
        return answer({"data": activity})

    def begin(
        self, dseq: str, batch: str | None, work: Callable[[], Coroutine[Any, Any, Transaction | None]]
    ) -> str:
        """Start a close and give the id by which to ask for it. It ends with the network at the latest."""
        now = self._now()
        activity: dict[str, Any] = {
            "id": str(uuid.uuid4()),
            "type": _CLOSE,
            "status": "pending",
            "meta": {"dseq": dseq} if batch is None else {"dseq": dseq, "batchId": batch},
            "seenAt": None,
            "createdAt": now,
            "updatedAt": now,
        }
        self._known[activity["id"]] = activity
        task = asyncio.create_task(self._follow(activity, work), name=f"{_CLOSE} {dseq}")
        self._backend.tasks.add(task)
        task.add_done_callback(self._backend.tasks.discard)
        return str(activity["id"])

    async def _follow(
        self, activity: dict[str, Any], work: Callable[[], Coroutine[Any, Any, Transaction | None]]
    ) -> None:
        try:
            landed = await work()
        except Problem as problem:
            told: dict[str, Any] = {"error": {"code": problem.code, "message": problem.message}}
            status = "failed"
        else:
            told = {"txHash": landed.hash} if landed else {}
            status = "succeeded"
        activity |= {"status": status, "meta": {**activity["meta"], **told}, "updatedAt": self._now()}

    def _unseen(self) -> int:
        return sum(activity["seenAt"] is None for activity in self._known.values())

    def _now(self) -> str:
        return iso(self._backend.chain.clock.now())
