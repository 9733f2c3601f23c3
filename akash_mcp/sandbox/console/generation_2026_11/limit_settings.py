"""Deployment settings since runtime limits: automatic funding can no longer be switched off."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox.clock import GENESIS_HEIGHT
from akash_mcp.sandbox.console import schema
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.deployment_settings import iso
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
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
_PATH = "/v2/deployment-settings"
_NEVER_OFF = (
    "autoTopUpEnabled cannot be false: deployments are funded automatically. Set a runtime limit instead."
)


class LimitSettings:
    """The settings of the user's deployments."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._reasons: dict[str, str] = {}

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        one, by_dseq = f"{_PATH}/{{dseq}}", {"dseq": schema.dseq}
        fields = {
            "autoTopUpEnabled": schema.optional(schema.boolean),
            "runtimeLimitHours": schema.optional(schema.nullable(schema.at_least(1, MOST_HOURS))),
            "closeReason": schema.optional(schema.choice(*REASONS)),
        }
        change = schema.obj(data=schema.obj(**fields))
        create = schema.obj(data=schema.obj(dseq=schema.dseq, **fields))
        return [
            Endpoint("GET", one, self.read, path_schema=by_dseq),
            Endpoint("PATCH", one, self.change, path_schema=by_dseq, body_schema=change),
            Endpoint("POST", _PATH, self.create, body_schema=create),
        ]

    async def read(self, call: Call) -> Response:
        """The settings. Reading them changes nothing any more."""
        return answer({"data": self.record(self._backend.deployment(call.path["dseq"]).dseq)})

    async def change(self, call: Call) -> Response:
        """Set what is named."""
        return self._apply(call, call.path["dseq"], 200)

    async def create(self, call: Call) -> Response:
        """Set what is named for the deployment in the body. Unlike in `reference`, a second POST is not an error."""
        return self._apply(call, call.body["data"]["dseq"], 201)

    def record(self, dseq: str) -> dict[str, Any]:
        """The settings of a deployment."""
        backend = self._backend
        deployment = backend.deployment(dseq)
        limit = backend.limits.of.get(dseq, Limit())
        clock = backend.chain.clock
        epoch = clock.block_time(GENESIS_HEIGHT)
        created = iso(clock.block_time(deployment.created_height))
        return {
            "userId": backend.user_id,
            "dseq": dseq,
            "autoTopUpEnabled": True,
            "runtimeLimitHours": limit.hours,
            "runtimeEndsAt": None if limit.ends is None else iso(epoch + limit.ends),
            "closed": deployment.state == "closed",
            "closeReason": self._reasons.get(dseq),
            "createdAt": created,
            "updatedAt": created,
        }

    def _apply(self, call: Call, dseq: str, status: int) -> Response:
        backend, data = self._backend, call.body["data"]
        deployment = backend.deployment(dseq)
        if backend.faults.take("settings-conflict", call.line):
            raise Problem(409, "The settings were changed meanwhile: read them again")
        if data.get("autoTopUpEnabled") is False:
            raise Problem(400, _NEVER_OFF)
        if "runtimeLimitHours" in data:
            if deployment.state == "closed":
                raise Problem(400, "Deployment closed")
            backend.limits.change(dseq, data["runtimeLimitHours"])
        if "closeReason" in data:
            self._reasons[dseq] = data["closeReason"]
        return answer({"data": self.record(dseq)}, status)
