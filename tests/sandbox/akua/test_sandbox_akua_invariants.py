"""Whatever is asked in whatever order: what is always true at the embedded Akua."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_akua import AkuaWorld, new_akua

_ACTIONS = (
    "create",
    "create without a machine",
    "update",
    "restore",
    "render",
    "delete",
    "cancel",
    "suspend",
    "resume",
    "scale",
    "fail",
    "stick",
    "lie",
)
_STEPS = st.lists(st.tuples(st.sampled_from(_ACTIONS), st.integers(0, 9), st.integers(0, 60)), max_size=10)


async def _act(world: AkuaWorld, action: str, number: int) -> httpx2.Response | None:
    """Ask for one thing of those that are there; refusals are answers too."""
    state: Any = world.akua.state()
    installs = [install for install in state["installs"] if install["state"] != "deleted"]
    operations, (cluster,) = state["operations"], state["clusters"]
    path = f"/clusters/{cluster['id']}"
    matched = {"If-Match": cluster["etag"], "Idempotency-Key": f"{number}"}
    match action:
        case "create":
            return await world.call("POST", "/installs", json=await world.wish())
        case "create without a machine" | "scale":
            body: dict[str, Any] = {"max_machines": number % 4, "auto_scaling_enabled": number % 3 > 0}
            headers = {"If-Match": cluster["settings_etag"]}
            await world.call("PATCH", f"{path}/compute_settings", json=body, headers=headers)
            is_scaling = action == "scale"
            return None if is_scaling else await world.call("POST", "/installs", json=await world.wish())
        case "suspend" | "resume":
            return await world.call("POST", f"{path}:{action}", headers=matched)
        case "fail" | "stick" | "lie":
            name = {"fail": "operation-fails", "stick": "operation-stuck", "lie": "operation-lies"}[action]
            value = "nothing" if action == "lie" and number % 2 else None
            await world.akua.inject(name, count=1, value=value)
        case "cancel" if operations:
            operation = operations[number % len(operations)]
            return await world.call("POST", f"/operations/{operation['id']}:cancel")
        case _ if installs:
            return await _change(world, action, installs[number % len(installs)], number)
    return None


async def _change(
    world: AkuaWorld, action: str, install: dict[str, Any], number: int
) -> httpx2.Response | None:
    path = f"/installs/{install['id']}"
    headers = {"If-Match": install["etag"], "Idempotency-Key": f"{action} {number}"}
    if action == "delete":
        return await world.call("DELETE", path, headers=headers)
    if action == "render":
        return await world.call("POST", f"{path}/renders", json={"skip_unchanged": number % 2 == 0})
    if action == "update":
        version = list(world.akua.world.versions)[number % 2]
        body = {"package_version_id": version}
        return await world.call("POST", f"{path}:update", json=body, headers=headers)
    renders = install["renders"]
    if not renders:
        return None
    body = {"render_id": renders[number % len(renders)]["id"]}
    return await world.call("POST", f"{path}:restore", json=body, headers=headers)


def _hold(world: AkuaWorld, terminal: dict[str, Any]) -> None:
    """What is always true. `terminal`: operations that were done when somebody looked before."""
    state: Any = world.akua.state()
    (cluster,) = state["clusters"]
    machines = [machine for machine in state["machines"] if machine["removed"] is None]
    assert len(machines) <= 3  # the plan's
    if cluster["auto_scaling"] or cluster["state"] != "active":
        assert len(machines) <= cluster["max_machines"]
    for operation in state["operations"]:
        assert (
            operation["done"] == (operation["state"] != "RUNNING") == (operation["completed_at"] is not None)
        )
        assert (
            terminal.setdefault(operation["id"], operation) == operation
            or not terminal[operation["id"]]["done"]
        )
        if operation["done"]:
            terminal[operation["id"]] = operation
    running = {operation["owner_id"] for operation in state["operations"] if not operation["done"]}
    for install in state["installs"]:
        if install["state"] in ("healthy", "degraded", "failed", "deleted") and not install["reconciling"]:
            assert install["id"] not in running
        if install["reconciling"]:
            assert install["id"] in running
        if install["state"] == "healthy":
            assert machines
        rendering = [render for render in install["renders"] if render["state"] == "running"]
        assert len(rendering) <= 1
        deployed = [r["package_version_id"] for r in install["renders"] if r["state"] == "deployed"]
        assert not deployed or install["package_version_id"] == deployed[-1]


@given(_STEPS)
def test_what_is_always_true(steps: list[tuple[str, int, int]]) -> None:
    async def live() -> None:
        async with new_akua(plan="pro") as world:
            terminal: dict[str, Any] = {}
            for action, number, seconds in steps:
                response = await _act(world, action, number)
                assert response is None or response.status_code < 500, response.text
                _hold(world, terminal)
                world.later(seconds)
                _hold(world, terminal)

    asyncio.run(live())


@pytest.mark.anyio
async def test_one_key_at_once_from_many_is_one_install() -> None:
    async with new_akua() as world:
        body, told = await world.wish(), []

        async def send() -> None:
            told.append(await world.ok("POST", "/installs", json=body, headers={"Idempotency-Key": "k"}))

        async with anyio.create_task_group() as sending:
            for _ in range(10):
                sending.start_soon(send)
        assert len({operation["id"] for operation in told}) == 1
        assert (len(world.truth("installs")), world.truth("replays")) == (1, {"k": 9})
