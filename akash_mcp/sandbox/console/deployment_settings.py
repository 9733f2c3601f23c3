"""Deployment settings: whether a deployment is topped up automatically. Reading them can switch it on."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox.console import schema
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.funding import Row
from akash_mcp.sandbox.console.moments import iso
from akash_mcp.sandbox.console.responses import Problem, answer, internal_error

_DAY_MS = 86_400_000


class DeploymentSettings:
    """Both versions of the endpoints: v1 names the user in the path, v2 in the query or nowhere."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        user = {"userId": schema.optional(schema.uuid_text)}
        create = schema.obj(
            data=schema.obj(
                dseq=schema.dseq,
                autoTopUpEnabled=schema.optional(schema.boolean, False),
                userId=schema.optional(schema.uuid_text),
            )
        )
        change = schema.obj(data=schema.obj(autoTopUpEnabled=schema.boolean))
        v1, v2 = "/v1/deployment-settings", "/v2/deployment-settings"
        named = {"userId": schema.uuid_text, "dseq": schema.dseq}
        by_dseq = {"dseq": schema.dseq}
        return [
            Endpoint("GET", f"{v1}/{{userId}}/{{dseq}}", self.read, path_schema=named),
            Endpoint(
                "PATCH", f"{v1}/{{userId}}/{{dseq}}", self.change, path_schema=named, body_schema=change
            ),
            Endpoint("POST", v1, self.create, body_schema=create),
            Endpoint("GET", f"{v2}/{{dseq}}", self.read, path_schema=by_dseq, query_schema=user),
            Endpoint(
                "PATCH",
                f"{v2}/{{dseq}}",
                self.change,
                path_schema=by_dseq,
                query_schema=user,
                body_schema=change,
            ),
            Endpoint("POST", v2, self.create, body_schema=create),
        ]

    async def read(self, call: Call) -> Response:
        """The row. Where there is none yet, one is made that has automatic top-up on."""
        self._check_user(call, 404)
        dseq = call.path["dseq"]
        funding = self._backend.funding
        return self._answer(funding.rows.get(dseq) or funding.create(dseq, auto_top_up=True))

    async def create(self, call: Call) -> Response:
        """A new row; a second one for the same dseq breaks a unique index, and nobody catches that."""
        data = call.body["data"]
        if data.get("userId", self._backend.user_id) != self._backend.user_id:
            raise Problem(403, "Forbidden", kind="authorization_error")
        if data["dseq"] in self._backend.funding.rows:
            raise internal_error()
        row = self._backend.funding.create(data["dseq"], auto_top_up=data["autoTopUpEnabled"])
        return self._answer(row, 201)

    async def change(self, call: Call) -> Response:
        """The row with the setting, made where there is none."""
        self._check_user(call, 404)
        wanted = call.body["data"]["autoTopUpEnabled"]
        return self._answer(self._backend.funding.set(call.path["dseq"], auto_top_up=wanted))

    def _check_user(self, call: Call, status: int) -> None:
        user = call.path.get("userId") or call.query.get("userId") or self._backend.user_id
        if user != self._backend.user_id:
            raise Problem(status, "Deployment setting not found")

    def _answer(self, row: Row, status: int = 200) -> Response:
        data: dict[str, Any] = {
            "id": row.id,
            "userId": self._backend.user_id,
            "dseq": row.dseq,
            "autoTopUpEnabled": row.auto_top_up,
            "closed": row.closed,
            "createdAt": iso(row.created),
            "updatedAt": iso(row.updated),
            "estimatedTopUpAmount": self._backend.funding.day_estimate(row),
            "topUpFrequencyMs": _DAY_MS,
        }
        return answer({"data": data}, status)
