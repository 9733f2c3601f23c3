"""The control API of what is embedded here: the truth about it, and switches for faults and time.

Nothing of it exists at the real ones. Demos and tests check a client's claims against it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from akash_mcp.sandbox.clock import Clock
from akash_mcp.sandbox.faults import Fault, Faults
from akash_mcp.sandbox.schedule import Schedule


class Inject(Protocol):
    """Switches a fault on or, with a count of 0, off."""

    def __call__(
        self, name: str, *, count: int | None = None, value: str | None = None, route: str | None = None
    ) -> Awaitable[Fault]: ...


def control_app(
    clock: Clock,
    schedule: Schedule,
    faults: Faults,
    state: Callable[[], dict[str, object]],
    inject: Inject,
    moment: Callable[[], dict[str, object]],
) -> Starlette:
    """`GET /_sandbox/state`, `GET|POST /_sandbox/faults`, `POST /_sandbox/clock` `{"skip": seconds}`, which answers
    with the `moment` that it is then."""

    async def show_state(request: Request) -> JSONResponse:
        return JSONResponse(state())

    async def show_faults(request: Request) -> JSONResponse:
        return JSONResponse(faults.describe())

    async def set_fault(request: Request) -> JSONResponse:
        try:
            body = json.loads(await request.body())
            name, count, value, route = (body.get(key) for key in ("name", "count", "value", "route"))
            await inject(str(name), count=count, value=None if value is None else str(value), route=route)
        except (ValueError, AttributeError, TypeError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse(faults.describe())

    async def skip(request: Request) -> JSONResponse:
        try:
            clock.skip(float(json.loads(await request.body())["skip"]))
        except (ValueError, KeyError, TypeError) as error:
            return JSONResponse({"error": f"expected a number of seconds to skip: {error}"}, 400)
        schedule.catch_up()
        return JSONResponse(moment())

    return Starlette(
        routes=[
            Route("/_sandbox/state", show_state),
            Route("/_sandbox/faults", show_faults),
            Route("/_sandbox/faults", set_fault, methods=["POST"]),
            Route("/_sandbox/clock", skip, methods=["POST"]),
        ]
    )
