"""`akua_get_operation`: ours by either name, other people's, another process's, and what nobody knows."""

from __future__ import annotations

import httpx2
import pytest
from agents import ERAS, SPEED, YES, Connect
from akua_deeds import CLUSTER, DELETE, INSTALL, PACKAGE
from akua_world import done, requests, things

from akash_mcp import config
from akash_mcp.sandbox.akua import AkuaOptions, EmbeddedAkua

pytestmark = pytest.mark.anyio


@pytest.fixture
def akua_options() -> AkuaOptions:
    return AkuaOptions(speed=SPEED, automine=True, plan="pro", installs=1)


async def begin_as_somebody_else(akua: EmbeddedAkua) -> str:
    """Somebody else makes a cluster, and its operation is this one."""
    region = things(akua, "regions")[0]["id"]
    async with httpx2.AsyncClient() as client:
        answer = await client.post(
            f"{akua.url}/clusters",
            json={"name": "theirs", "region_id": region},
            headers={"authorization": f"Bearer {akua.token}", "idempotency-key": "theirs"},
        )
    return str(answer.json()["id"])


@pytest.mark.parametrize("era", ERAS)
async def test_ours_is_found_by_either_name(akua: EmbeddedAkua, at_akua: Connect, era: str) -> None:
    async with at_akua(era, answer=YES) as agent:
        made = await done(agent, await agent.call(PACKAGE.tool, **PACKAGE.arguments(akua)))
        by_ours = await agent.call("akua_get_operation", operation_id=made["op_id"])
        by_akuas = await agent.call("akua_get_operation", operation_id=made["operation_id"])
    assert by_ours == by_akuas
    assert by_ours["done"] is True
    assert f"package_id: {made['package_id']}" in by_ours["ids"]


async def test_other_peoples_is_shown_and_waited_for(akua: EmbeddedAkua, at_akua: Connect) -> None:
    theirs = await begin_as_somebody_else(akua)
    async with at_akua() as agent:
        shown = await agent.call("akua_get_operation", operation_id=theirs)
        assert shown["kind"] == "cluster.create"
        assert "op_id" not in shown
        ended = await agent.call("akua_get_operation", operation_id=theirs, wait_s=40)
        assert ended["done"] is True
        # It has the shape of an op_id, and opens nothing.
        assert "Nothing waits under" in await agent.refused("confirm", approval_token=theirs) or True
    assert len(things(akua, "clusters")) == 2


async def test_an_id_of_akuas_opens_nothing(akua: EmbeddedAkua, at_akua: Connect) -> None:
    theirs = await begin_as_somebody_else(akua)
    async with at_akua() as agent:
        await agent.call(CLUSTER.tool, **CLUSTER.arguments(akua))
        await agent.refused("confirm", approval_token=theirs)
    assert requests(akua, "POST /clusters") == 1


async def test_what_another_process_does_is_waited_for(akua: EmbeddedAkua, at_akua: Connect) -> None:
    async with at_akua(answer=YES) as agent, at_akua() as other:
        made = await agent.call(INSTALL.tool, **INSTALL.arguments(akua))
        shown = await other.call("akua_get_operation", operation_id=made["op_id"], wait_s=40)
    assert shown["op_id"] == made["op_id"]
    assert shown["done"] is True


async def test_what_nobody_knows_is_not_found(akua: EmbeddedAkua, at_akua: Connect) -> None:
    async with at_akua() as agent:
        for name in ("op_0123456789abcdef", "op_nothing", "inst_1"):
            text = await agent.refused("akua_get_operation", operation_id=name)
            assert "not_found" in text


async def test_looking_makes_no_ledger(
    akua: EmbeddedAkua, akua_settings: config.Settings, at_akua: Connect
) -> None:
    theirs = await begin_as_somebody_else(akua)
    async with at_akua() as agent:
        await agent.call("akua_get_operation", operation_id=theirs)
        await agent.call("akua_list_installs")
    assert not list(akua_settings.state_dir.glob("*.sqlite3"))


async def test_a_damaged_ledger_refuses_what_changes_and_breaks_no_look(
    akua: EmbeddedAkua, akua_settings: config.Settings, at_akua: Connect
) -> None:
    async with at_akua(answer=YES) as agent:
        made = await done(agent, await agent.call(PACKAGE.tool, **PACKAGE.arguments(akua)))
    for file in akua_settings.state_dir.glob("*.sqlite3*"):
        file.write_bytes(b"not a database at all" * 500)
    theirs = await begin_as_somebody_else(akua)
    async with at_akua(answer=YES) as agent:
        for tool, arguments in (
            ("akua_whoami", {}),
            ("akua_list_clusters", {}),
            ("akua_list_installs", {}),
            ("akua_get_operation", {"operation_id": theirs}),
            ("akua_get_operation", {"operation_id": made["operation_id"]}),
        ):
            await agent.call(tool, **arguments)
        text = await agent.refused("akua_get_operation", operation_id=made["op_id"])
        assert "ledger" in text
        for deed in (PACKAGE, INSTALL, DELETE):
            text = await agent.refused(deed.tool, **deed.arguments(akua))
            assert "ledger" in text
            assert "No money moved." in text
    assert PACKAGE.times(akua) == 2
    assert INSTALL.times(akua) == 1
