"""What happened meanwhile is told in the next answer, whichever tool gives it, once, in both eras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from agents import ERAS, YES, Connect, text_of

from akash_mcp import config
from akash_mcp.guard.books import notices
from akash_mcp.guard.books.notices import Level
from akash_mcp.guard.books.store import Store

pytestmark = pytest.mark.anyio

CLOSED = "Deployment 1763759482113 was closed at its end."


@pytest.fixture
def state_dir(settings: config.Settings) -> Path:
    return settings.state_dir


def note(state_dir: Path, text: str, level: Level = Level.INFO) -> None:
    """What the watch does, for the account that the ledger knows."""
    store = Store(state_dir)
    known = store.read_now(lambda db: db.one("SELECT account FROM accounts"))
    store.account = known["account"] if known else ""
    store.run_now(notices.note, text, level=level)
    store.close()


@pytest.fixture
def damaged(state_dir: Path) -> None:
    """A ledger that cannot be read."""
    state_dir.mkdir(mode=0o700)
    state_dir.joinpath("akash-mcp.sqlite3").write_bytes(b"no ledger at all" * 100)


@pytest.fixture
def traces(state_dir: Path) -> Callable[[], bool]:
    """Whether anything was written."""
    return state_dir.exists


@pytest.mark.parametrize("era", ERAS)
async def test_an_answer_tells_a_notice_once(era: str, connect: Connect, state_dir: Path) -> None:
    note(state_dir, CLOSED)
    async with connect(era) as agent:
        # The client judges what is structured by the tool's schema.
        result = await agent.ask("list_deployments")
        (told,) = (result.structured_content or {})["notices"]
        assert told.endswith(f"Z info: {CLOSED}")
        assert told in text_of(result)
        assert "notices" not in await agent.call("list_deployments")
        note(state_dir, "Its escrow ends in an hour.", Level.WARNING)
        assert (await agent.call("get_budget"))["notices"][0].endswith("warning: Its escrow ends in an hour.")
        assert "notices" not in await agent.call("get_budget")


@pytest.mark.parametrize("era", ERAS)
async def test_an_error_tells_it_too(era: str, connect: Connect, state_dir: Path) -> None:
    async with connect(era) as agent:
        note(state_dir, CLOSED)
        said = await agent.refused("get_deployment", id="op_0123456789abcdef")
        assert said.startswith("This server has no operation")
        assert CLOSED in said
        assert CLOSED not in await agent.refused("get_deployment", id="op_0123456789abcdef")


@pytest.mark.parametrize("era", ERAS)
async def test_logs_tell_it_behind_their_text(era: str, connect: Connect, state_dir: Path, sdl: str) -> None:
    async with connect(era, answer=YES) as agent:
        done = await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=1))
        note(state_dir, CLOSED)
        text = text_of(await agent.ask("get_logs", dseq=done["dseq"]))
        assert text.endswith(f"info: {CLOSED}")


@pytest.mark.parametrize("era", ERAS)
async def test_a_question_takes_no_notice_with_it(
    era: str, connect: Connect, state_dir: Path, sdl: str
) -> None:
    async with connect(era, answer=YES) as agent:
        await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
        note(state_dir, CLOSED)
        created = await agent.call("create_deployment", sdl=sdl, deposit_usd=2)
        assert [told for told in created["notices"] if CLOSED in told]


async def test_what_needs_no_ledger_makes_none(connect: Connect, traces: Callable[[], bool]) -> None:
    async with connect() as agent:
        await agent.client.list_tools()
        assert not (await agent.call("validate_sdl", sdl="version: 1"))["ok"]
    assert not traces()


async def test_a_ledger_that_cannot_be_used_keeps_no_answer_back(
    connect: Connect, damaged: None, sdl: str
) -> None:
    async with connect() as agent:
        assert (await agent.call("validate_sdl", sdl=sdl))["ok"]
