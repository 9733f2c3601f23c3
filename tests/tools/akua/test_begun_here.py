"""Whoever lost the answer to what was begun at Akua finds it beside the installs."""

from __future__ import annotations

import pytest
from agents import ERAS, YES, Connect
from akua_world import done, things

from akash_mcp.sandbox.akua import EmbeddedAkua

pytestmark = pytest.mark.anyio

CHART = {"name": "web", "oci_repo_url": "oci://registry.example.org/charts/web", "revision": "1.2.3"}


@pytest.mark.parametrize("era", ERAS)
async def test_what_was_begun_is_listed_with_its_operation(
    era: str, at_akua: Connect, akua: EmbeddedAkua
) -> None:
    async with at_akua(era, answer=YES) as agent:
        assert "begun_here" not in await agent.call("akua_list_installs")
        made = await done(agent, await agent.call("akua_create_package", **CHART))
        (row,) = (await agent.call("akua_list_installs"))["begun_here"]
        assert row["op_id"] == made["op_id"]
        assert row["state"] == "done"
        assert 'Make package "web"' in row["what"]
    async with at_akua(era) as another:  # a process that comes after it
        assert (await another.call("akua_list_installs"))["begun_here"] == [row]
    assert [each["name"] for each in things(akua, "packages")].count("web") == 1
