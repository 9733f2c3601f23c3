"""When a block will be made, and which one is made at a time: what Console's indexer expects of the chain."""

from __future__ import annotations

from starlette.responses import Response

from akash_mcp.sandbox.console import schema
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.moments import iso
from akash_mcp.sandbox.console.responses import answer

_FURTHEST_SECONDS = 100 * 365 * 86_400


class Forecasts:
    """Reads for anyone, by the time that blocks have taken so far."""

    def __init__(self, backend: Backend) -> None:
        self._clock = backend.chain.clock

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        window = {"blockWindow": schema.optional(schema.query_number(1), 10_000)}
        number = schema.query_number(0)
        return [
            Endpoint(
                "GET",
                "/v1/predicted-block-date/{height}",
                self.date,
                False,
                path_schema={"height": number},
                query_schema=window,
            ),
            Endpoint(
                "GET",
                "/v1/predicted-date-height/{timestamp}",
                self.height,
                False,
                path_schema={"timestamp": number},
                query_schema=window,
            ),
        ]

    async def date(self, call: Call) -> Response:
        """When a block is expected, or was made."""
        height = call.path["height"]
        ahead = (height - self._clock.height()) * self._clock.block_seconds
        expected = self._clock.now() + max(-_FURTHEST_SECONDS, min(_FURTHEST_SECONDS, ahead))
        told = {"predictedDate": iso(max(0, expected)), "height": height}
        return answer({**told, "blockWindow": call.query["blockWindow"]})

    async def height(self, call: Call) -> Response:
        """Which block is expected at a time, in seconds since the epoch."""
        wanted = min(call.path["timestamp"], self._clock.now() + _FURTHEST_SECONDS)
        blocks = int((wanted - self._clock.now()) / self._clock.block_seconds)
        told = {"predictedHeight": self._clock.height() + blocks, "date": iso(wanted)}
        return answer({**told, "blockWindow": call.query["blockWindow"]})
