"""Whose yes opens what at Akua, in every way of approving: what no limit bounds needs a person's word each time."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import replace

import pytest
from agents import ERAS, SPEED, YES, Connect
from akua_deeds import (
    CLUSTER,
    DELETE,
    INSTALL,
    LIMITS,
    PACKAGE,
    SUSPEND,
    UPDATE,
    Deed,
    cluster_id,
)
from akua_world import AKUA_INTERVALS, done, requests, things
from mcp.types import ElicitResult

from akash_mcp import config
from akash_mcp.cli import approve
from akash_mcp.guard.approval import waiting
from akash_mcp.guard.books.store import Store
from akash_mcp.sandbox.akua import AkuaOptions, EmbeddedAkua

pytestmark = pytest.mark.anyio

NO = ElicitResult(action="decline")
WRITES = ("POST /installs", "POST /packages", "POST /clusters", "DELETE /installs/{id}")


@pytest.fixture
def akua_options() -> AkuaOptions:
    return AkuaOptions(speed=SPEED, automine=True, plan="pro", installs=1)


def change_cluster(akua: EmbeddedAkua, *, active: bool = True, most: int = 1) -> None:
    """Somebody else changes how the seeded cluster grows."""
    cluster = akua.world.clusters[cluster_id(akua)]
    cluster.auto_scaling = active
    cluster.max_machines = most
    akua.world.touch(cluster)


def nothing_written(akua: EmbeddedAkua) -> bool:
    counted = akua.state()["requests"]
    assert isinstance(counted, dict)
    return all(line.startswith("GET ") or line.endswith(":wait") for line in counted)


async def test_what_is_denied_is_not_done(akua: EmbeddedAkua, at_akua: Connect) -> None:
    async with at_akua(answer=YES, approval="deny") as agent:
        for deed in (PACKAGE, INSTALL, DELETE, CLUSTER):
            assert "policy allows nothing that spends" in await agent.refused(
                deed.tool, **deed.arguments(akua)
            )
    assert agent.asked == []
    assert nothing_written(akua)


async def test_a_no_is_a_no(akua: EmbeddedAkua, at_akua: Connect) -> None:
    async with at_akua(answer=NO) as agent:
        text = await agent.refused(INSTALL.tool, **INSTALL.arguments(akua))
    assert "declined" in text
    assert "No money moved." in text
    assert nothing_written(akua)


@pytest.mark.parametrize(
    "policy",
    [
        {"approval": "auto"},
        {"approval": "auto", "auto_up_to_usd": "1000"},
        {
            "approval": "auto",
            "approval_by_tool": dict.fromkeys(
                ("akua_create_cluster", "akua_create_install", "akua_set_autoscaling"), "auto"
            ),
        },
    ],
    ids=["auto", "auto-up-to", "auto-by-tool"],
)
@pytest.mark.parametrize("deed", [CLUSTER, INSTALL], ids=str)
async def test_auto_never_covers_what_no_limit_bounds(
    akua: EmbeddedAkua, at_akua: Connect, deed: Deed, policy: dict[str, object]
) -> None:
    async with at_akua(**policy) as agent:
        shown = await agent.call(deed.tool, **deed.arguments(akua))
        assert shown["status"] == "waiting_for_person"
        assert "akash-mcp approve" in shown["next_step"]
        assert nothing_written(akua)
    async with at_akua(answer=YES, **policy) as agent:  # a client that can ask, asks
        await done(agent, await agent.call(deed.tool, **deed.arguments(akua)))
        assert len(agent.asked) == 1


async def test_an_install_on_a_cluster_that_is_not_named_needs_a_person(
    akua: EmbeddedAkua, at_akua: Connect
) -> None:
    change_cluster(akua, active=False)
    arguments = {**INSTALL.arguments(akua), "cluster_id": None}
    async with at_akua(approval="auto") as agent:
        shown = await agent.call(INSTALL.tool, **arguments)
    assert shown["status"] == "waiting_for_person"
    assert "Whether its cluster adds machines for it is not known" in shown["summary"]


async def test_auto_covers_what_is_ours_and_bounded(akua: EmbeddedAkua, at_akua: Connect) -> None:
    change_cluster(akua, active=False)
    async with at_akua(approval="auto") as agent:
        await done(agent, await agent.call(PACKAGE.tool, **PACKAGE.arguments(akua)))
        made = await done(agent, await agent.call(INSTALL.tool, **INSTALL.arguments(akua)))
        await done(agent, await agent.call("akua_delete_install", install_id=made["install_id"]))
    assert [each["state"] for each in things(akua, "installs")] == ["healthy", "deleted"]


@pytest.mark.parametrize("answer", [None, YES], ids=["two-step", "questions"])
@pytest.mark.parametrize("deed", [DELETE, SUSPEND, LIMITS, UPDATE], ids=str)
async def test_auto_leaves_alone_what_this_server_did_not_make(
    akua: EmbeddedAkua, at_akua: Connect, deed: Deed, answer: ElicitResult | None
) -> None:
    """Also what no limit bounds: it is not easier to do than what one does."""
    async with at_akua(approval="auto", answer=answer) as agent:
        text = await agent.refused(deed.tool, **deed.arguments(akua))
    assert "was not created by this server" in text
    assert "in Akua's dashboard" in text
    assert nothing_written(akua)


async def test_a_client_that_says_no_by_itself_gets_no_token_under_auto(
    akua: EmbeddedAkua, at_akua: Connect
) -> None:
    """Where a model could agree to what no limit bounds, a person at a terminal has to."""
    async with at_akua(approval="auto", answer=NO, intervals=replace(AKUA_INTERVALS, reading=5.0)) as agent:
        shown = await agent.call(CLUSTER.tool, **CLUSTER.arguments(akua))
    assert shown["status"] == "waiting_for_person"
    assert "approval_token" not in shown
    assert nothing_written(akua)


@pytest.mark.parametrize("era", ERAS)
async def test_a_person_at_a_terminal_sees_it_whole_and_opens_it_once(
    akua: EmbeddedAkua, akua_settings: config.Settings, at_akua: Connect, era: str
) -> None:
    hostname = f"{'long-' * 30}.example.com"
    values = {"hostname": hostname, "admin_password": "correct horse battery", "database": {"size_gib": 7}}
    async with at_akua(era, approval="terminal", answer=YES) as agent:
        shown = await agent.call(INSTALL.tool, **{**INSTALL.arguments(akua), "values": values})
        assert shown["status"] == "waiting_for_person"
        assert agent.asked == []
        store = Store(akua_settings.state_dir)
        with closing(store):
            [waits] = store.read_now(waiting.unanswered, of_all=True)
            text = approve._whole(waits, store.now())
            assert hostname in re.sub(r"[\s│|]+", "", text)
            assert "database.size_gib = 7" in text
            assert "correct horse" not in text
            store.account, store.agent = waits.account, waits.agent
            assert store.run_now(waiting.answer, waits.op_id, "yes")
        ended = await done(agent, await agent.call("confirm", approval_token=shown["op_id"]))
        again = await agent.call("confirm", approval_token=shown["op_id"])
    assert ended["op_id"] == again["op_id"] == shown["op_id"]
    assert INSTALL.times(akua) == 2


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"active": False}, {"active": True}),
        ({"active": True, "most": 1}, {"active": True, "most": 50}),
    ],
    ids=["it grows now", "it grows further now"],
)
@pytest.mark.parametrize(
    ("era", "asks"),
    [(ERAS[0], True), (ERAS[1], True), (ERAS[0], False)],
    ids=["question", "older question", "two-step"],
)
@pytest.mark.parametrize("deed", [INSTALL, UPDATE], ids=str)
async def test_a_yes_is_to_what_it_can_cost(
    akua: EmbeddedAkua,
    at_akua: Connect,
    deed: Deed,
    asks: bool,
    era: str,
    before: dict[str, object],
    after: dict[str, object],
) -> None:
    change_cluster(akua, **before)  # type: ignore[arg-type]  # keyword arguments of a parametrized test

    def grow() -> None:
        change_cluster(akua, **after)  # type: ignore[arg-type]  # as above

    async with at_akua(era, answer=YES if asks else None, meanwhile=grow) as agent:
        if asks:
            text = await agent.refused(deed.tool, **deed.arguments(akua))
        else:
            shown = await agent.call(deed.tool, **deed.arguments(akua))
            grow()
            text = await agent.refused("confirm", approval_token=shown["approval_token"])
    assert "No money moved." in text
    assert deed.times(akua) == deed.before
    assert requests(akua, deed.route) == 0


async def test_the_latest_version_is_the_one_that_was_shown(akua: EmbeddedAkua, at_akua: Connect) -> None:
    """A version that is published while the person thinks is not installed with their yes."""
    package = next(iter(akua.world.packages.values()))

    def publish() -> None:
        akua.world.packages[package.id].latest_version_id = things_versions(akua, package.id)["1.0.0"]

    async with at_akua(answer=YES, meanwhile=publish) as agent:
        text = await agent.refused(INSTALL.tool, **INSTALL.arguments(akua))
    assert "has changed since the question was asked" in text
    assert INSTALL.times(akua) == 1


def things_versions(akua: EmbeddedAkua, package_id: str) -> dict[str, str]:
    return {each.semver: each.id for each in akua.world.versions_of(akua.world.packages[package_id])}


async def test_a_product_installs_the_version_that_was_shown(akua: EmbeddedAkua, at_akua: Connect) -> None:
    product = next(iter(akua.world.products.values()))
    package = akua.world.packages[product.package_id]
    arguments = {"region": "eu-central", "product_id": product.id, "values": {"hostname": "a.example.com"}}
    async with at_akua() as agent:
        shown = await agent.call("akua_create_install", **arguments)
        assert 'product "Demo web" (version 1.1.0, the latest now)' in shown["summary"]
        package.latest_version_id = things_versions(akua, package.id)["1.0.0"]
        text = await agent.refused("confirm", approval_token=shown["approval_token"])
    assert "The product installs another version now." in text
    assert INSTALL.times(akua) == 1


async def test_a_token_of_akuas_opens_nothing_where_its_tools_are_not(
    akua: EmbeddedAkua, akua_settings: config.Settings, at_akua: Connect
) -> None:
    async with at_akua() as agent:
        token = (await agent.call(PACKAGE.tool, **PACKAGE.arguments(akua)))["approval_token"]
    async with at_akua(toolsets=("deploy", "observe")) as agent:
        assert "does not have the tool akua_create_package" in await agent.refused(
            "confirm", approval_token=token
        )
    assert nothing_written(akua)


async def test_no_akash_tool_shows_or_opens_an_operation_at_akua(
    akua: EmbeddedAkua, at_akua: Connect
) -> None:
    async with at_akua(toolsets=("deploy", "observe", "akua"), answer=YES) as agent:
        made = await done(agent, await agent.call(PACKAGE.tool, **PACKAGE.arguments(akua)))
        await agent.refused("get_deployment", id=made["op_id"])
        text = await agent.refused("confirm", approval_token="op_0123456789abcdef")
    assert "Nothing waits" in text or "key" in text
    assert PACKAGE.times(akua) == 2


async def test_reading_only_has_no_tool_that_writes(at_akua: Connect) -> None:
    async with at_akua(read_only=True) as agent:
        names = {tool.name for tool in (await agent.client.list_tools()).tools}
    assert "akua_list_installs" in names
    assert not {
        name for name in names if name.startswith(("akua_create", "akua_update", "akua_delete", "akua_set"))
    }
    assert "confirm" not in names
