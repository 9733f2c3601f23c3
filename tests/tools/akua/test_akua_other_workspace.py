"""What was agreed to for one workspace of Akua's is sent to no other, whatever the settings say by then."""

from __future__ import annotations

import pytest
from agents import ERAS, Connect
from akua_deeds import CLUSTER, DELETE, PACKAGE, Deed, route_of
from akua_world import requests
from lying_proxy import LyingProxy

from akash_mcp import config
from akash_mcp.sandbox.akua import EmbeddedAkua

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(akua_settings: config.Settings) -> config.Settings:
    return akua_settings.model_copy(update={"toolsets": ("akua", "akua-clusters")})


@pytest.mark.parametrize("deed", [CLUSTER, PACKAGE, DELETE], ids=str)
async def test_a_plan_of_another_workspace_is_not_sent(
    deed: Deed, connect: Connect, akua: EmbeddedAkua, akua_proxy: LyingProxy
) -> None:
    url = f"{akua_proxy.url}/v1"
    async with connect(ERAS[1], akua_url=url) as agent:
        shown = await agent.call(deed.tool, **deed.arguments(akua))
    sent = requests(akua, route_of(deed, akua))
    times = deed.times(akua)
    akua_proxy.rewrite(
        "GET /v1/workspaces",
        lambda told: {**told, "data": [{**each, "id": "ws_another"} for each in told["data"]]},
    )
    async with connect(ERAS[1], akua_url=url) as agent:
        said = await agent.refused("confirm", approval_token=shown["approval_token"])
    assert "set to another one" in said
    assert "No money moved" in said
    assert requests(akua, route_of(deed, akua)) == sent
    assert deed.times(akua) == times
