"""Automatic recharge of the wallet's credit by card. There is no card here, so it can only be off."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox.console import schema
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.responses import Problem, answer

_PATH = "/v1/wallet-settings"
_DEFAULTS: dict[str, Any] = {
    "autoReloadMode": "prediction",
    "autoReloadThreshold": 20,
    "autoReloadAmount": 100,
    "autoReloadPausedAt": None,
}


class WalletSettings:
    """One row, which is not there until it is written."""

    def __init__(self) -> None:
        self._row: dict[str, Any] | None = None

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        change = schema.obj(
            data=schema.obj(
                autoReloadEnabled=schema.boolean,
                autoReloadMode=schema.optional(schema.choice("threshold", "prediction")),
                autoReloadThreshold=schema.optional(schema.at_least(10, 10_000)),
                autoReloadAmount=schema.optional(schema.at_least(25, 10_000)),
            )
        )
        return [
            Endpoint("GET", _PATH, self.read),
            Endpoint("POST", _PATH, self.write, body_schema=change),
            Endpoint("PUT", _PATH, self.write, body_schema=change),
            Endpoint("DELETE", _PATH, self.delete),
        ]

    async def read(self, call: Call) -> Response:
        """The row, or 404."""
        return answer({"data": self._known()})

    async def write(self, call: Call) -> Response:
        """Create or change the row. Switching recharge on needs a customer of the card processor: 404."""
        data = call.body["data"]
        if data["autoReloadEnabled"]:
            raise Problem(404, "User payments not set up")
        self._row = {**(self._row or _DEFAULTS), **data}
        return answer({"data": self._row})

    async def delete(self, call: Call) -> Response:
        """Remove the row, or 404."""
        self._known()
        self._row = None
        return Response(status_code=204)

    def _known(self) -> dict[str, Any]:
        if self._row is None:
            raise Problem(404, "WalletSetting Not Found")
        return self._row
