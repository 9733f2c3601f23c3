"""The control API of the embedded Akua: the truth about what is installed and rented, and switches for faults and time.

It is that of the embedded network, over another world. Nothing of it exists at the real one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from akash_mcp.sandbox.akua.operations import Operations
from akash_mcp.sandbox.akua.records import Machine
from akash_mcp.sandbox.akua.replays import Replays
from akash_mcp.sandbox.akua.world import World
from akash_mcp.sandbox.control import Inject
from akash_mcp.sandbox.faults import Faults


def state_of(
    world: World, operations: Operations, requests: dict[str, int], replays: Replays
) -> dict[str, object]:
    """A copy of everything that is true now, deleted installs and clusters and removed machines included.

    `machines` cost money from `launched` to `removed`, in simulated seconds since the start; `hours` is how long that
    was until now. `replays`: how often each idempotency key was answered again.
    """
    now = world.clock.elapsed()
    return {
        "elapsed_seconds": now,
        "workspaces": [asdict(workspace) for workspace in world.workspaces.values()],
        "regions": [asdict(region) for region in world.regions.values()],
        "clusters": [asdict(cluster) for cluster in world.clusters.values()],
        "machines": [
            {**asdict(machine), "hours": _hours(machine, now)} for machine in world.machines.values()
        ],
        "packages": [
            {**asdict(package), "versions": [version.semver for version in world.versions_of(package)]}
            for package in world.packages.values()
        ],
        "installs": [
            {**asdict(install), "renders": [asdict(render) for render in world.renders_of(install)]}
            for install in world.installs.values()
        ],
        "operations": [operation.tell() for operation in operations.of.values()],
        "requests": requests,
        "replays": dict(replays.count),
    }


def _hours(machine: Machine, now: float) -> float:
    return ((now if machine.removed is None else machine.removed) - machine.launched) / 3600


def control_app(
    world: World, faults: Faults, state: Callable[[], dict[str, object]], inject: Inject
) -> Starlette:
    """`GET /_sandbox/state`, `GET|POST /_sandbox/faults`, `POST /_sandbox/clock` `{"skip": seconds}`."""

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
            world.clock.skip(float(json.loads(await request.body())["skip"]))
        except (ValueError, KeyError, TypeError) as error:
            return JSONResponse({"error": f"expected a number of seconds to skip: {error}"}, 400)
        world.schedule.catch_up()
        return JSONResponse({"elapsed_seconds": world.clock.elapsed()})

    return Starlette(
        routes=[
            Route("/_sandbox/state", show_state),
            Route("/_sandbox/faults", show_faults),
            Route("/_sandbox/faults", set_fault, methods=["POST"]),
            Route("/_sandbox/clock", skip, methods=["POST"]),
        ]
    )
