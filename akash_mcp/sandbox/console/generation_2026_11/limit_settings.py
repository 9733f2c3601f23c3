"""Deployment settings since runtime limits: automatic funding can no longer be switched off, and a limit only grows.

Rules and sentences are those of akash-network/console `DeploymentSettingService` of autumn 2026.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox.chain import Deployment
from akash_mcp.sandbox.clock import GENESIS_HEIGHT
from akash_mcp.sandbox.console import schema
from akash_mcp.sandbox.console.account import json_number
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.generation_2026_11.definitions import Definitions
from akash_mcp.sandbox.console.moments import iso
from akash_mcp.sandbox.console.responses import Problem, answer
from akash_mcp.sandbox.console.runtime_limits import MOST_HOURS, Limit

REASONS = (
    "no_longer_needed",
    "cost_or_budget",
    "migrating_elsewhere",
    "performance_or_reliability",
    "testing_or_project_complete",
    "other",
)
_V1, _V2 = "/v1/deployment-settings", "/v2/deployment-settings"
_LOOK_AHEAD_MS = 86_400_000
_CHANGE = schema.obj(
    data=schema.obj(
        runtimeLimitHours=schema.optional(schema.nullable(schema.at_least(1, MOST_HOURS, whole=True))),
        closeReason=schema.optional(schema.choice(*REASONS)),
        closeReasonDetails=schema.optional(schema.text(0, 1000)),
    )
)


@dataclass
class _Row:
    """When the settings of a deployment were made and changed, in simulated seconds since the epoch.

    `reason` is what the user said of the close, which no answer tells.
    """

    created: float
    updated: float
    reason: tuple[str | None, str | None] = (None, None)


class LimitSettings:
    """The settings of the user's deployments: v1 names the user in the path, v2 in the query or nowhere."""

    def __init__(self, backend: Backend, definitions: Definitions) -> None:
        self._backend = backend
        self._definitions = definitions
        self._rows: dict[str, _Row] = {}

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        user = {"userId": schema.optional(schema.uuid_text)}
        v1 = partial(Endpoint, path_schema={"userId": schema.uuid_text, "dseq": schema.dseq})
        v2 = partial(Endpoint, path_schema={"dseq": schema.dseq}, query_schema=user)
        create = schema.obj(data=schema.obj(dseq=schema.dseq, **user))
        return [
            v1("GET", f"{_V1}/{{userId}}/{{dseq}}", self.read),
            v1("PATCH", f"{_V1}/{{userId}}/{{dseq}}", self.change, body_schema=_CHANGE),
            Endpoint("POST", _V1, self.create, body_schema=create),
            v2("GET", f"{_V2}/{{dseq}}", self.read),
            v2("PATCH", f"{_V2}/{{dseq}}", self.change, body_schema=_CHANGE),
            Endpoint("POST", _V2, self.create, body_schema=create),
        ]

    def begin(self, dseq: str, hours: int | None) -> None:
        """Note what a create asked for."""
        now = self._backend.chain.clock.now()
        self._rows[dseq] = _Row(now, now)
        self._backend.limits.start(dseq, hours)

    def bounds(self, deployment: Deployment) -> dict[str, Any]:
        """Until when it may run, as the list tells it too."""
        clock = self._backend.chain.clock
        limit = self._backend.limits.of.get(deployment.dseq, Limit())
        epoch = clock.block_time(GENESIS_HEIGHT)
        return {
            "runtimeLimitHours": limit.hours,
            "runtimeEndsAt": None if limit.ends is None else iso(epoch + limit.ends),
            "closed": deployment.state == "closed",
        }

    async def read(self, call: Call) -> Response:
        """The settings. Reading them changes nothing any more."""
        return answer({"data": self._record(self._known(call))})

    async def change(self, call: Call) -> Response:
        """A limit, or the reason of a close: never both, since only the limit would be written."""
        backend, data = self._backend, call.body["data"]
        reason = (data.get("closeReason"), data.get("closeReasonDetails"))
        if "runtimeLimitHours" in data and any(each is not None for each in reason):
            message = "Change the runtime limit and record a close reason in separate requests"
            raise Problem(400, message)
        dseq = self._known(call)
        if backend.faults.take("settings-conflict", call.line):
            raise Problem(409, "Runtime limit changed concurrently, please retry")
        row = self._rows[dseq]
        if "runtimeLimitHours" in data:
            self._limit(dseq, data["runtimeLimitHours"])
        else:
            row.reason = reason
        row.updated = backend.chain.clock.now()
        return answer({"data": self._record(dseq)})

    async def create(self, call: Call) -> Response:
        """The settings of the deployment in the body, which are there already: creating it made them."""
        return answer({"data": self._record(self._known(call))}, 201)

    def _limit(self, dseq: str, hours: int | None) -> None:
        """Raise or remove the limit; money for the longer life comes at once, as it does after a lease."""
        backend = self._backend
        deployment = backend.deployment(dseq)
        if deployment.state == "closed":
            raise Problem(400, "Deployment is closed")
        backend.limits.change(dseq, hours)
        if deployment.active_leases:
            backend.funding.after_lease(deployment)

    def _known(self, call: Call) -> str:
        """The dseq that a request is about. Raises `Problem` 404: another user's, or one that never was."""
        data = call.body["data"] if call.method == "POST" else {}
        given = {**call.query, **call.path, **data}
        if given.get("userId", self._backend.user_id) != self._backend.user_id:
            raise Problem(404, "Deployment setting not found")
        if given["dseq"] not in self._rows:
            raise Problem(404, "Deployment setting not found")
        return str(given["dseq"])

    def _record(self, dseq: str) -> dict[str, Any]:
        backend, row = self._backend, self._rows[dseq]
        deployment = backend.deployment(dseq)
        definition = self._definitions.find(dseq)
        return {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{backend.account.address}/{dseq}")),
            "userId": backend.user_id,
            "dseq": dseq,
            "autoTopUpEnabled": True,
            **self.bounds(deployment),
            "createdAt": iso(row.created),
            "updatedAt": iso(row.updated),
            "sdl": definition.sdl if definition else None,
            "estimatedTopUpAmount": json_number(backend.funding.a_day_of(deployment)),
            "topUpFrequencyMs": _LOOK_AHEAD_MS,
        }
