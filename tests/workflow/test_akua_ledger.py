"""A ledger that fails in the middle of a deed at Akua: what was done is told, and never that nothing was."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from agents import SPEED, YES, Connect
from akua_deeds import CLUSTER, DELETE, INSTALL, PACKAGE, Deed
from akua_world import operation_ids, requests

from akash_mcp import config
from akash_mcp.guard.books import store
from akash_mcp.guard.permits.akua_permit import AkuaPermit
from akash_mcp.sandbox.akua import AkuaOptions, EmbeddedAkua

pytestmark = pytest.mark.anyio


@pytest.fixture
def akua_options() -> AkuaOptions:
    return AkuaOptions(speed=SPEED, automine=True, plan="pro", installs=1)


@pytest.fixture
def lock(akua_settings: config.Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Has somebody else hold the ledger, until the test ends; it is waited for shortly."""
    monkeypatch.setattr(store, "_BUSY_SECONDS", 0.1)
    with ExitStack() as stack:

        def take() -> None:
            path = akua_settings.state_dir / "akash-mcp.sqlite3"
            other = stack.enter_context(closing(sqlite3.connect(path, isolation_level=None)))
            other.execute("BEGIN IMMEDIATE")

        yield take


@pytest.mark.parametrize("deed", [PACKAGE, INSTALL, CLUSTER, DELETE], ids=str)
async def test_what_cannot_be_written_down_is_told(
    akua: EmbeddedAkua,
    at_akua: Connect,
    lock: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    deed: Deed,
) -> None:
    """Akua took it, and the file is in other hands when that is to be written."""
    taken = AkuaPermit._taken

    async def lock_and_take(self: AkuaPermit, result: Any) -> None:
        lock()
        await taken(self, result)

    monkeypatch.setattr(AkuaPermit, "_taken", lock_and_take)
    async with at_akua(answer=YES) as agent:
        text = await agent.refused(deed.tool, **deed.arguments(akua))
    assert "Akua took it" in text
    assert "could not be written down" in text
    assert "No money moved" not in text
    assert "Do not repeat it" in text
    assert requests(akua, deed.route) == 1


async def test_an_end_that_cannot_be_written_down_is_told(
    akua: EmbeddedAkua, at_akua: Connect, lock: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = AkuaPermit.ended

    async def lock_and_end(self: AkuaPermit, *result: Any) -> None:
        lock()
        await ended(self, *result)

    monkeypatch.setattr(AkuaPermit, "ended", lock_and_end)
    async with at_akua(answer=YES) as agent:
        text = await agent.refused(INSTALL.tool, **INSTALL.arguments(akua))
    assert "it succeeded there" in text
    assert "No money moved" not in text


async def test_without_its_row_nothing_is_sent(
    akua: EmbeddedAkua,
    akua_settings: config.Settings,
    at_akua: Connect,
    lock: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    was_sent = AkuaPermit.was_sent

    async def lock_and_look(self: AkuaPermit) -> bool:
        lock()
        return await was_sent(self)

    monkeypatch.setattr(AkuaPermit, "was_sent", lock_and_look)
    async with at_akua(answer=YES) as agent:
        text = await agent.refused(PACKAGE.tool, **PACKAGE.arguments(akua))
    assert "No money moved." in text
    assert PACKAGE.times(akua) == PACKAGE.before
    assert len(operation_ids(akua_settings)) == 1
