"""Akua's keys and Akash's are apart: neither is read, waited for or missed for the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from agents import SPEED, YES, Connect
from akua_deeds import DELETE, INSTALL, PACKAGE
from akua_world import done, things

from akash_mcp import services
from akash_mcp.clients.akua.token import AkuaToken
from akash_mcp.clients.console.key import ConsoleKey
from akash_mcp.errors import MissingKey
from akash_mcp.sandbox.akua import AkuaOptions, EmbeddedAkua

pytestmark = pytest.mark.anyio

SHORT = 8.0
"""Less than a keyring that does not answer is waited for, in seconds."""


@pytest.fixture
def akua_options() -> AkuaOptions:
    return AkuaOptions(speed=SPEED, automine=True, plan="pro", installs=1)


@pytest.fixture
def locked() -> Iterator[threading.Event]:
    """A keyring that answers when this is set: not while a test runs."""
    opened = threading.Event()
    yield opened
    opened.set()


@pytest.mark.parametrize("state", ["locked", "broken", "empty"])
async def test_akua_needs_no_key_of_akash(
    akua: EmbeddedAkua,
    at_akua: Connect,
    monkeypatch: pytest.MonkeyPatch,
    locked: threading.Event,
    state: str,
) -> None:
    def read() -> str | None:
        if state == "locked":
            locked.wait(60)
        if state == "broken":
            raise MissingKey("the keyring is broken")
        return None

    monkeypatch.setattr(services, "key_of", lambda settings: ConsoleKey(read=read))
    began = time.monotonic()
    async with at_akua() as agent:
        for deed in (PACKAGE, INSTALL, DELETE):
            await done(agent, await agent.call(deed.tool, **deed.arguments(akua)))
        await agent.call("akua_list_installs")
        assert time.monotonic() - began < SHORT
        await agent.refused("get_deployment", id="1")
    assert len(things(akua, "installs")) == 2


async def test_akash_waits_for_no_token_of_akuas(
    connect: Connect, sdl: str, monkeypatch: pytest.MonkeyPatch, locked: threading.Event
) -> None:
    asked = []

    def read() -> str | None:
        asked.append(1)
        locked.wait(60)
        return None

    monkeypatch.setattr(services, "akua_token_of", lambda settings: AkuaToken(read=read))
    async with connect() as agent:
        shown = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
        created = await agent.agreed(shown)
        assert created["status"] == "created"
        await agent.call("close_deployment", dseq=created["dseq"])
    assert asked == []


async def test_a_token_that_akua_does_not_know_says_what_to_do(akua: EmbeddedAkua, at_akua: Connect) -> None:
    async with at_akua(akua_token="sk_akua_wrongwrongwrong", answer=YES) as agent:
        text = await agent.refused(PACKAGE.tool, **PACKAGE.arguments(akua))
    assert "AKUA_API_TOKEN" in text
    assert "No money moved." in text
    assert "wrongwrongwrong" not in text


async def test_without_a_token_nothing_is_asked(akua: EmbeddedAkua, at_akua: Connect) -> None:
    async with at_akua(akua_token=None, answer=YES) as agent:
        text = await agent.refused(PACKAGE.tool, **PACKAGE.arguments(akua))
    assert "AKUA_API_TOKEN" in text
    assert akua.state()["requests"] == {}


async def test_two_workspaces_know_nothing_of_each_others_things(
    akua: EmbeddedAkua, at_akua: Connect
) -> None:
    """One ledger, and one token that reaches both: what was made in one is not ours in the other."""
    first, second = akua.workspaces[0]["id"], akua.workspaces[1]["id"]
    async with at_akua(akua_token=akua.broad_token, akua_workspace=first, answer=YES) as agent:
        made = await done(agent, await agent.call(PACKAGE.tool, **PACKAGE.arguments(akua)))
    async with at_akua(akua_token=akua.broad_token, akua_workspace=second, answer=YES) as agent:
        text = await agent.refused("akua_get_operation", operation_id=made["op_id"])
    assert "not_found" in text
