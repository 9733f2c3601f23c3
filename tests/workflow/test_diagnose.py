"""Each ailment of a deployment is named, with its evidence and its mend; a healthy one has none."""

from __future__ import annotations

import dataclasses

import pytest
from agents import SPEED, Agent, Connect

from akash_mcp.workflow.runtime import Pace

pytestmark = pytest.mark.anyio

AILING = {
    "an image that does not exist": ("ghcr.io/acme/does-not-exist:1", "name or tag does not exist"),
    "an image that is private": ("ghcr.io/private/app:1", "image is private"),
    "a container that crashes": ("ghcr.io/acme/crash:1", "starts and ends again"),
    "a container out of memory": ("ghcr.io/acme/oom:1", "starts and ends again"),
    "a pod that fits nowhere": ("ghcr.io/acme/unschedulable:1", "no node with room"),
}


async def _diagnosed(agent: Agent, sdl: str) -> dict[str, object]:
    launched = await agent.call("deploy", sdl=sdl, deposit_usd=1)
    while launched["status"] == "pending":
        shown = await agent.call("get_deployment", id=launched["op_id"], wait_for="ready")
        if shown["state"] == "active":
            launched = {**launched, **shown, "status": "leased"}
    return await agent.call("diagnose_deployment", dseq=launched["dseq"])


@pytest.mark.parametrize(("image", "cause"), AILING.values(), ids=AILING.keys())
async def test_the_cause_is_named(image: str, cause: str, connect: Connect, sdl: str) -> None:
    impatient = dataclasses.replace(Pace().times(SPEED), ready_give_up=1.5)
    async with connect(approval="auto", pace=impatient) as agent:
        found = await _diagnosed(agent, sdl.replace("nginx:1.28.0-alpine", image))
    assert found["healthy"] is False
    causes = found["causes"]
    assert isinstance(causes, list)
    assert any(cause in known["cause"] for known in causes), found
    assert all(known["evidence"] and known["mend"] for known in causes)


async def test_a_healthy_deployment_has_nothing(connect: Connect, sdl: str) -> None:
    async with connect(approval="auto") as agent:
        found = await _diagnosed(agent, sdl)
    assert found["healthy"] is True
    assert found["causes"] == []


async def test_one_that_was_never_leased_is_told_as_that(connect: Connect, sdl: str) -> None:
    async with connect(approval="auto") as agent:
        dseq = (await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"]
        found = await agent.call("diagnose_deployment", dseq=dseq)
    assert found["causes"][0]["cause"] == "It was never leased."
