"""What hands a request on twice, and tells the second answer, makes a refusal of what was done: it is told as done."""

from __future__ import annotations

import pytest
from agents import YES, Connect
from akua_deeds import LIMITS
from akua_world import done, things
from lying_proxy import LyingProxy

from akash_mcp import config
from akash_mcp.sandbox.akua import EmbeddedAkua

pytestmark = pytest.mark.anyio

PATCH = "PATCH /v1/clusters/[^/]+/compute_settings"


@pytest.fixture
def settings(akua_settings: config.Settings) -> config.Settings:
    return akua_settings.model_copy(update={"toolsets": ("akua", "akua-clusters")})


async def test_limits_that_were_set_are_not_denied(
    connect: Connect, akua: EmbeddedAkua, akua_proxy: LyingProxy
) -> None:
    """They have no key, so the second of two finds another etag than it names."""
    akua_proxy.repeat(PATCH)
    async with connect(answer=YES, akua_url=f"{akua_proxy.url}/v1") as agent:
        told = await done(agent, await agent.call(LIMITS.tool, **LIMITS.arguments(akua)))
    assert told["status"] == "updated"
    assert akua_proxy.sent(PATCH) == 2
    assert LIMITS.times(akua) == 1


async def test_limits_that_somebody_else_changed_are_refused(
    connect: Connect, akua: EmbeddedAkua, akua_proxy: LyingProxy
) -> None:
    akua_proxy.rewrite("GET /v1/clusters/[^/]+/compute_settings", lambda told: {**told, "etag": "old"})
    before = things(akua, "clusters")[0]["max_machines"]
    async with connect(answer=YES, akua_url=f"{akua_proxy.url}/v1") as agent:
        said = await agent.refused(LIMITS.tool, **LIMITS.arguments(akua))
    assert "nothing was changed" in said
    assert things(akua, "clusters")[0]["max_machines"] == before != 3
