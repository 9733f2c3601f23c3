"""What was said yes to is done once at Akua, whatever becomes of a request and of its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from agents import ERAS, SPEED, YES, Agent, Connect, text_of
from akua_deeds import (
    CLUSTER,
    DEEDS,
    DELETE,
    INSTALL,
    LIMITS,
    PACKAGE,
    REGION,
    SUSPEND,
    UPDATE,
    Deed,
    install_id,
    route_of,
)
from akua_world import done, requests, things

from akash_mcp.clients import retries
from akash_mcp.clients.akua import client
from akash_mcp.guard.books.akua_results import AkuaResult
from akash_mcp.guard.permits import akua_permit
from akash_mcp.guard.permits.akua_lookup import find
from akash_mcp.sandbox.akua import AkuaOptions, EmbeddedAkua
from akash_mcp.sandbox.akua.replays import Replays

pytestmark = pytest.mark.anyio

Find = Callable[..., Awaitable[AkuaResult | None]]

MONEY_NOT_KNOWN = "Whether Akua bills more for it is not known yet."
COSTS_NOTHING = "It adds nothing that Akua bills"


@pytest.fixture
def akua_options() -> AkuaOptions:
    return AkuaOptions(speed=SPEED, automine=True, plan="pro", installs=1)


def op_id_in(text: str) -> str:
    return text.partition('akua_get_operation(operation_id="')[2].partition('"')[0]


async def over(agent: Agent, op_id: str) -> dict[str, object]:
    """How an operation ended, in whichever process."""
    with anyio.fail_after(20):
        while True:
            shown = await agent.call("akua_get_operation", operation_id=op_id, wait_s=10)
            if shown.get("done"):
                return shown


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("deed", DEEDS, ids=str)
async def test_a_lost_answer_is_asked_for_again_with_the_same_key(
    akua: EmbeddedAkua, at_akua: Connect, deed: Deed, moment: str
) -> None:
    await akua.inject("drop-connection", count=1, value=moment, route=route_of(deed, akua))
    async with at_akua(answer=YES) as agent:
        result = await agent.ask(deed.tool, **deed.arguments(akua))
        if deed is REGION:  # it is sent once, and found by its name
            assert result.is_error
            if moment == "after":
                assert (await over(agent, op_id_in(text_of(result))))["state"] == "succeeded"
        else:
            assert not result.is_error, text_of(result)
            await done(agent, dict(result.structured_content or {}))
    assert deed.times(akua) == deed.before + (0 if deed is REGION and moment == "before" else 1)
    replays = akua.state()["replays"]
    assert isinstance(replays, dict)
    assert list(replays.values()) == ([1] if deed.has_key and moment == "after" else [])


@pytest.mark.parametrize("deed", [deed for deed in DEEDS if deed is not REGION], ids=str)
async def test_where_every_answer_was_lost_the_server_finds_out_by_itself(
    akua: EmbeddedAkua, at_akua: Connect, deed: Deed
) -> None:
    """Nobody calls again: what is told is that it is not known, and the server asks until it is."""
    await akua.inject(
        "drop-connection", count=retries.MOST_ATTEMPTS, value="after", route=route_of(deed, akua)
    )
    async with at_akua(answer=YES) as agent:
        result = await agent.ask(deed.tool, **deed.arguments(akua))
        if result.is_error:
            text = text_of(result)
            assert "No money moved" not in text
            assert (MONEY_NOT_KNOWN if deed.adds_cost else COSTS_NOTHING) in text
            assert "Do not repeat the call" in text
            ended = await over(agent, op_id_in(text))
        else:  # it shows at what was changed
            assert not deed.makes
            ended = await done(agent, dict(result.structured_content or {}))
    assert ended["status"] != "failed" if "status" in ended else ended["state"] == "succeeded"
    assert deed.times(akua) == deed.before + 1


@pytest.mark.parametrize("fault", ["503", "504", "429"])
@pytest.mark.parametrize("deed", [INSTALL, DELETE, LIMITS], ids=str)
async def test_a_busy_akua_is_asked_again(
    akua: EmbeddedAkua, at_akua: Connect, deed: Deed, fault: str
) -> None:
    value = "0" if fault == "429" else "after"
    await akua.inject(fault, count=1, value=value, route=route_of(deed, akua))
    async with at_akua(answer=YES) as agent:
        await done(agent, await agent.call(deed.tool, **deed.arguments(akua)))
    assert deed.times(akua) == deed.before + 1


@pytest.mark.parametrize("fault", ["huge-body", "empty-body", "wrong-types", "html"])
@pytest.mark.parametrize("deed", [INSTALL, DELETE], ids=str)
async def test_an_answer_that_cannot_be_read_is_no_failure(
    akua: EmbeddedAkua, at_akua: Connect, deed: Deed, fault: str
) -> None:
    await akua.inject(
        fault, count=1, value="null" if fault == "wrong-types" else None, route=route_of(deed, akua)
    )
    async with at_akua(answer=YES) as agent:
        result = await agent.ask(deed.tool, **deed.arguments(akua))
        if result.is_error:
            assert "No money moved" not in text_of(result)
            assert (await over(agent, op_id_in(text_of(result))))["state"] == "succeeded"
        else:
            await done(agent, dict(result.structured_content or {}))
    assert deed.times(akua) == deed.before + 1


async def test_an_answer_that_comes_too_late_is_a_lost_one(
    akua: EmbeddedAkua, at_akua: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "WRITE_DEADLINE", retries.Deadline(read=0.2, total=0.4))
    await akua.inject("slow", count=2, value="1", route="POST /installs")
    async with at_akua(answer=YES) as agent:
        text = await agent.refused(INSTALL.tool, **INSTALL.arguments(akua))
        assert MONEY_NOT_KNOWN in text
        monkeypatch.undo()
        assert (await over(agent, op_id_in(text)))["state"] == "succeeded"
    assert INSTALL.times(akua) == 2


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("deed", [INSTALL, DELETE], ids=str)
async def test_one_confirmation_is_one_deed(
    akua: EmbeddedAkua, at_akua: Connect, deed: Deed, era: str
) -> None:
    """Sent again, twice at once, in another process that shares the folder, and after a restart."""
    async with at_akua(era) as agent, at_akua(era) as other:
        shown = await agent.call(deed.tool, **deed.arguments(akua))
        token = shown["approval_token"]
        answers = await asyncio.gather(
            *(each.call("confirm", approval_token=token) for each in (agent, agent, other))
        )
        ended = [await done(agent, each) for each in answers]
        again = await done(agent, await agent.call("confirm", approval_token=token))
        assert {each["op_id"] for each in (*ended, again)} == {answers[0]["op_id"]}
    async with at_akua(era) as later:
        told = await later.call("confirm", approval_token=token)
        assert told["op_id"] == answers[0]["op_id"]
        assert told["status"] == again["status"] or again["status"] == "over"
        assert "used before" in told["summary"]
    assert deed.times(akua) == deed.before + 1
    assert requests(akua, deed.route) == 1


async def test_two_yeses_are_two_deeds(akua: EmbeddedAkua, at_akua: Connect) -> None:
    """What a person agreed to twice is wanted twice: the keys differ, and nothing is left out."""
    async with at_akua(answer=YES) as agent:
        for _ in range(2):
            await done(agent, await agent.call(PACKAGE.tool, **PACKAGE.arguments(akua)))
    assert PACKAGE.times(akua) == 3
    assert akua.state()["replays"] == {}


async def test_a_region_that_never_came_about_is_refused_in_the_end(
    akua: EmbeddedAkua, at_akua: Connect
) -> None:
    await akua.inject("drop-connection", count=1, value="before", route="POST /regions")
    async with at_akua(answer=YES) as agent:
        text = await agent.refused(REGION.tool, **REGION.arguments(akua))
        assert "No money moved" not in text
        ended = await over(agent, op_id_in(text))
    assert ended["state"] == "refused"
    assert [each["name"] for each in things(akua, "regions")] == ["eu-central"]
    assert len(things(akua, "clusters")) == 1


@pytest.mark.parametrize("deed", [UPDATE, DELETE, SUSPEND, LIMITS], ids=str)
async def test_a_stale_etag_changes_nothing_and_is_not_repeated(
    akua: EmbeddedAkua, at_akua: Connect, deed: Deed
) -> None:
    await akua.inject("stale-etag", count=1, route=route_of(deed, akua))
    async with at_akua(answer=YES) as agent:
        text = await agent.refused(deed.tool, **deed.arguments(akua))
    assert "No money moved." in text  # a definite refusal, and the only request there was
    assert f"Call {deed.tool} again for a new plan" in text
    assert deed.times(akua) == deed.before
    assert requests(akua, deed.route) == 1


async def test_a_refusal_after_a_lost_answer_proves_nothing(
    akua: EmbeddedAkua, at_akua: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The suspension was done, its answer lost, and its repetition refused by an Akua that keeps no keys."""
    monkeypatch.setattr(Replays, "keep", lambda *_: None)
    await akua.inject("drop-connection", count=1, value="after", route=route_of(SUSPEND, akua))
    async with at_akua(answer=YES) as agent:
        answer = await done(agent, await agent.call(SUSPEND.tool, **SUSPEND.arguments(akua)))
    assert answer["status"] in ("updated", "over")
    assert SUSPEND.times(akua) == 1


async def test_a_creation_that_is_refused_after_a_lost_answer_stays_unknown(
    akua: EmbeddedAkua, at_akua: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cluster was made and its answer lost, and there is no room for another: of two equal ones nobody knows whose
    they are. So it is never called undone."""
    monkeypatch.setattr(Replays, "keep", lambda *_: None)
    async with at_akua(answer=YES) as agent:
        await done(agent, await agent.call(CLUSTER.tool, **CLUSTER.arguments(akua)))
        await akua.inject("drop-connection", count=1, value="after", route=CLUSTER.route)
        text = await agent.refused(CLUSTER.tool, **CLUSTER.arguments(akua))
        assert MONEY_NOT_KNOWN in text
        with anyio.fail_after(20):
            while requests(akua, CLUSTER.route) < 4:  # it is asked again by itself
                shown = await agent.call("akua_get_operation", operation_id=op_id_in(text), wait_s=1)
        shown = await agent.call("akua_get_operation", operation_id=op_id_in(text))
    assert shown["state"] == "unknown"
    assert shown["money"] == MONEY_NOT_KNOWN
    assert CLUSTER.times(akua) == 3


@pytest.mark.parametrize("deed", [INSTALL, DELETE], ids=str)
async def test_what_was_sent_long_ago_is_not_sent_again(
    akua: EmbeddedAkua, at_akua: Connect, monkeypatch: pytest.MonkeyPatch, deed: Deed
) -> None:
    """How long Akua knows a key nobody says: after an hour it is only looked for."""
    monkeypatch.setattr(akua_permit, "REPLAY_SECONDS", 0.0)
    monkeypatch.setattr(akua_permit, "find", _sees_nothing_at_first(find))
    await akua.inject("drop-connection", count=4, value="after", route=route_of(deed, akua))
    async with at_akua(answer=YES) as agent:
        op_id = op_id_in(await agent.refused(deed.tool, **deed.arguments(akua)))
        if deed is DELETE:
            assert (await over(agent, op_id))["state"] == "succeeded"
        else:
            shown = await agent.call("akua_get_operation", operation_id=op_id, wait_s=2)
            assert shown["state"] == "unknown"
    assert requests(akua, deed.route) == 4
    assert deed.times(akua) == deed.before + 1


def _sees_nothing_at_first(find: Find) -> Find:
    """The first look comes too early."""
    looks = iter([None])

    async def look(*arguments: Any, **named: Any) -> AkuaResult | None:
        for _ in looks:
            return None
        return await find(*arguments, **named)

    return look


async def test_what_was_never_done_is_refused_once_that_is_certain(
    akua: EmbeddedAkua, at_akua: Connect
) -> None:
    """Every request was lost on its way, and somebody else changed the install by the time that one arrives."""
    await akua.inject("drop-connection", count=4, value="before", route=route_of(UPDATE, akua))
    async with at_akua(answer=YES) as agent:
        text = await agent.refused(UPDATE.tool, **UPDATE.arguments(akua))
        akua.world.touch(akua.world.installs[install_id(akua)])
        assert "No money moved" not in text
        ended = await over(agent, op_id_in(text))
    assert ended["state"] == "refused"
    assert ended["money"] == "No money moved."
    assert UPDATE.times(akua) == UPDATE.before
