"""What a deed at Akua left is read back, wherever in a list it stands, and no 404 alone proves that it is gone."""

from __future__ import annotations

from typing import Any

import pytest
from agents import SPEED
from akua_deeds import install_id
from akua_world import things
from lying_proxy import LyingProxy

from akash_mcp.clients.akua.reader import AkuaReader
from akash_mcp.errors import BadArgument
from akash_mcp.guard.books.akua_results import AkuaResult
from akash_mcp.guard.plans.akua_plans import DeleteInstallPlan, UpdateInstallPlan
from akash_mcp.sandbox.akua import AkuaOptions, EmbeddedAkua
from akash_mcp.workflow.akua.read_back import read_back
from akash_mcp.workflow.akua.versions_in_words import render_words

pytestmark = pytest.mark.anyio

INSTALL = "GET /v1/installs/[^/]+"
RENDERS = "GET /v1/installs/[^/]+/renders"


@pytest.fixture
def akua_options() -> AkuaOptions:
    return AkuaOptions(speed=SPEED, installs=1, plan="pro")


def deletion(akua: EmbeddedAkua) -> DeleteInstallPlan:
    return DeleteInstallPlan(tool="t", workspace="ws_1", install_id=install_id(akua), ours=True, etag="e")


def render_id(akua: EmbeddedAkua) -> str:
    return str(things(akua, "installs")[0]["renders"][0]["id"])


def others_first(told: Any) -> Any:
    """A list whose first hundred are others, as it is where the oldest come first."""
    others = [{**told["data"][0], "id": f"rnd_{number}"} for number in range(100)]
    return {"data": others, "has_more": True, "next_cursor": "more"}


async def test_an_install_that_only_a_404_calls_gone_is_not_called_deleted(
    akua: EmbeddedAkua, akua_proxy: LyingProxy, akua_reader: AkuaReader
) -> None:
    akua_proxy.refuse(INSTALL, 404, "<html>nginx</html>", times=99)
    seen = await read_back(akua_reader, deletion(akua), AkuaResult(resource_id=install_id(akua)))
    assert seen.outcome is None
    assert "still there" in seen.stands


async def test_an_install_that_is_found_nowhere_is_deleted(
    akua: EmbeddedAkua, akua_proxy: LyingProxy, akua_reader: AkuaReader
) -> None:
    akua_proxy.refuse(INSTALL, 404, {}, times=99)
    akua_proxy.rewrite("GET /v1/installs", lambda told: {**told, "data": []})
    seen = await read_back(akua_reader, deletion(akua), AkuaResult(resource_id=install_id(akua)))
    assert seen.outcome == "succeeded"


async def test_the_render_of_a_change_is_found_behind_many_others(
    akua: EmbeddedAkua, akua_proxy: LyingProxy, akua_reader: AkuaReader
) -> None:
    akua_proxy.rewrite(RENDERS, others_first)
    plan = UpdateInstallPlan(
        tool="t",
        workspace="ws_1",
        install_id=install_id(akua),
        ours=True,
        before="v",
        render_id="rnd_old",
        etag="e",
    )
    done = AkuaResult(resource_id=plan.install_id, render_id=render_id(akua))
    assert (await read_back(akua_reader, plan, done)).outcome == "succeeded"


async def test_a_render_behind_many_others_can_be_restored(
    akua: EmbeddedAkua, akua_proxy: LyingProxy, akua_reader: AkuaReader
) -> None:
    akua_proxy.rewrite(RENDERS, others_first)
    assert await render_words(akua_reader, install_id(akua), render_id(akua), "")
    with pytest.raises(BadArgument, match="no render of that id"):
        await render_words(akua_reader, install_id(akua), "rnd_nobody", "")
