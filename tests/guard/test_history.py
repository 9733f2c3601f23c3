"""A ledger that vanished under an account that is known is said before anything is spent."""

from __future__ import annotations

import shutil
import stat
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from agents import SPEED
from key_holders import DSEQ, RENEWED, KeyHolder, beside, key_holder
from scripted_console import LIST, OWNER, WALLETS, ScriptedConsole, deployment, refusal

from akash_mcp.clients.console.generation import Generation
from akash_mcp.errors import MissingHistory, ServerError
from akash_mcp.guard.books import journal
from akash_mcp.guard.books.history import NOTE
from akash_mcp.guard.books.journal import Kind, new_op_id
from akash_mcp.guard.books.store import Store
from akash_mcp.ids import Dseq
from akash_mcp.money import Usd
from akash_mcp.sandbox import console as embedded
from akash_mcp.sandbox.network import EmbeddedNetwork, Options

pytestmark = pytest.mark.anyio

OURS = "web · op_0123456789abcdef"
LATER = Dseq("1763759489999")


@pytest.fixture
async def console() -> AsyncIterator[ScriptedConsole]:
    async with ScriptedConsole() as scripted:
        yield scripted


async def spent(folder: Path, console: ScriptedConsole, usd: int = 4, dseq: Dseq = DSEQ) -> None:
    """A process that spent something, and ended; then another one came, and spent nothing."""
    async with key_holder(folder, console.url) as holder:
        await holder.accounts.bind()
        holder.launched(usd, dseq)
    async with key_holder(folder, console.url) as holder:
        await holder.accounts.bind()


async def refused(holder: KeyHolder) -> str:
    with pytest.raises(MissingHistory, match=r"nothing is spent\. No money moved\.") as told:
        await holder.accounts.bind()
    assert "doctor --fix" in told.value.next_step
    return told.value.what


def file_is_gone(folder: Path) -> None:
    for file in (folder / "state").glob(f"{Store(folder).path.name}*"):
        file.unlink()


def folder_is_gone(folder: Path) -> None:
    shutil.rmtree(folder / "state")


def file_is_moved_and_config_was_reset(folder: Path) -> None:
    file_is_gone(folder)
    shutil.rmtree(folder / "config")


def note_is_damaged(folder: Path) -> None:
    file_is_gone(folder)
    (folder / "config" / NOTE).unlink()
    (folder / "state" / NOTE).write_text('{"akash:akash1ooo": 7}')


ACCIDENTS = [file_is_gone, folder_is_gone, file_is_moved_and_config_was_reset, note_is_damaged]


@pytest.mark.parametrize("accident", ACCIDENTS)
async def test_a_ledger_that_is_gone_is_said_until_a_person_has_looked(
    tmp_path: Path, console: ScriptedConsole, accident: Callable[[Path], None]
) -> None:
    await spent(tmp_path, console)
    accident(tmp_path)
    for _ in range(2):
        async with key_holder(tmp_path, console.url) as holder:
            said = await refused(holder)
            assert "earlier ledger" in said
            assert str(tmp_path) not in said
            assert holder.store.account == f"akash:{OWNER}"  # closing goes on by it
            assert await holder.accounts.missing_history() is not None
    async with key_holder(tmp_path, console.url) as doctor:
        assert await doctor.accounts.acknowledge() == f"akash:{OWNER}"
    async with key_holder(tmp_path, console.url) as holder:
        await holder.accounts.bind()
        assert await holder.accounts.missing_history() is None
        holder.launched(3)
        await holder.accounts.bind()


@pytest.mark.parametrize("what", ["state", "state/akash-mcp.sqlite3"])
async def test_an_older_copy_that_was_put_back_is_said(
    tmp_path: Path, console: ScriptedConsole, what: str
) -> None:
    await spent(tmp_path, console)
    shutil.copytree(tmp_path / "state", tmp_path / "backup" / "state")
    await spent(tmp_path, console, 5, LATER)
    folder_is_gone(tmp_path) if what == "state" else file_is_gone(tmp_path)
    shutil.copytree(tmp_path / "backup" / "state", tmp_path / "state", dirs_exist_ok=True)
    async with key_holder(tmp_path, console.url) as holder:
        assert "an older copy of it was put back" in await refused(holder)
        assert holder.held == Usd(4)
        await holder.accounts.acknowledge()
        await holder.accounts.bind()


async def test_an_older_copy_stays_one_however_much_is_closed_by_it(
    tmp_path: Path, console: ScriptedConsole
) -> None:
    await spent(tmp_path, console)
    shutil.copytree(tmp_path / "state", tmp_path / "backup")
    await spent(tmp_path, console, 5, LATER)
    file_is_gone(tmp_path)
    shutil.copytree(tmp_path / "backup", tmp_path / "state", dirs_exist_ok=True)
    (tmp_path / "state" / NOTE).write_bytes((tmp_path / "config" / NOTE).read_bytes())
    async with key_holder(tmp_path, console.url) as holder:
        await refused(holder)
        for _ in range(3):
            holder.store.run_now(journal.open_operation, new_op_id(), Kind.CLOSE, "Close.", dseq=DSEQ)
        assert "an older copy of it was put back" in await refused(holder)
        await holder.accounts.keep_history()
        await refused(holder)


async def test_an_older_copy_that_lacks_only_the_last_deed_is_said_once_whoever_watches_has_looked(
    tmp_path: Path, console: ScriptedConsole
) -> None:
    await spent(tmp_path, console)
    shutil.copytree(tmp_path / "state", tmp_path / "backup")
    async with key_holder(tmp_path, console.url) as holder:
        await holder.accounts.bind()
        holder.launched(5, LATER)
        await holder.accounts.keep_history()
    file_is_gone(tmp_path)
    shutil.copytree(tmp_path / "backup", tmp_path / "state", dirs_exist_ok=True)
    async with key_holder(tmp_path, console.url) as holder:
        assert "an older copy of it was put back" in await refused(holder)


@pytest.mark.parametrize("is_first", [True, False])
async def test_nothing_is_missing_of_what_another_process_notes_at_that_moment(
    tmp_path: Path, console: ScriptedConsole, monkeypatch: pytest.MonkeyPatch, is_first: bool
) -> None:
    if not is_first:
        await spent(tmp_path, console)
    async with key_holder(tmp_path, console.url) as one, key_holder(tmp_path, console.url) as other:
        read = one.store.read

        async def meanwhile() -> None:
            await other.accounts.bind()
            other.store.run_now(journal.open_operation, new_op_id(), Kind.CLOSE, "Close.", dseq=DSEQ)
            await other.accounts.keep_history()

        async def read_meanwhile(*asked: Any, **named: Any) -> Any:
            await meanwhile()
            found = await read(*asked, **named)
            await meanwhile()
            return found

        monkeypatch.setattr(one.store, "read", read_meanwhile)
        await one.accounts.bind()


async def test_another_state_folder_is_another_ledger_and_both_are_good_once_a_person_has_looked(
    tmp_path: Path, console: ScriptedConsole
) -> None:
    await spent(tmp_path, console)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "config").symlink_to(tmp_path / "config")
    async with key_holder(tmp_path, console.url) as first, key_holder(elsewhere, console.url) as second:
        assert "it is not the one that is there now" in await refused(second)
        await second.accounts.acknowledge()
        for _ in range(2):
            await first.accounts.bind()
            await second.accounts.bind()


async def test_a_new_key_and_a_new_account_miss_nothing(tmp_path: Path, console: ScriptedConsole) -> None:
    await spent(tmp_path, console)
    async with key_holder(tmp_path, console.url, RENEWED) as renewed:
        await renewed.accounts.bind()
    console.on(WALLETS, (200, [{"address": "akash1ppp"}]))
    async with key_holder(tmp_path, console.url, RENEWED + "0") as other:
        await other.accounts.bind()


async def test_a_ledger_that_is_whole_writes_a_lost_note_again(
    tmp_path: Path, console: ScriptedConsole
) -> None:
    await spent(tmp_path, console)
    for place in ("state", "config"):
        (tmp_path / place / NOTE).write_text("rubbish")
    async with key_holder(tmp_path, console.url) as holder:
        await holder.accounts.bind()
    file_is_gone(tmp_path)
    async with key_holder(tmp_path, console.url) as holder:
        await refused(holder)


async def test_a_note_that_cannot_be_written_is_no_reason_not_to_spend(
    tmp_path: Path, console: ScriptedConsole, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "config").write_text("a file where the folder should be")
    await spent(tmp_path, console)
    assert "accounts.json cannot be written, so a lost ledger may go unnoticed" in caplog.text
    file_is_gone(tmp_path)
    async with key_holder(tmp_path, console.url) as holder:
        await refused(holder)  # by the note in the state folder


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
async def test_the_notes_are_ours_only_and_written_as_a_whole(
    tmp_path: Path, console: ScriptedConsole
) -> None:
    await spent(tmp_path, console)
    for place in ("state", "config"):
        folder = tmp_path / place
        assert stat.S_IMODE((folder / NOTE).stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert not list(folder.glob(".*"))


async def test_an_embedded_network_is_noted_beside_its_ledger_only(tmp_path: Path) -> None:
    async with EmbeddedNetwork(Options(speed=SPEED)) as network:
        async with beside(network, tmp_path) as holder:
            await holder.accounts.bind()
            holder.launched(4)
        assert not (tmp_path / "config").exists()
        file_is_gone(tmp_path)
        async with beside(network, tmp_path) as holder:
            await refused(holder)


# ── by the names of what runs ────────────────────────────────────────────────────────────────────────────────────────


async def create(network: EmbeddedNetwork, sdl: str, name: str | None) -> str:
    """A deployment that is created past us."""
    named = {"name": name} if name and network.options.generation == "2026-11" else {}
    async with httpx2.AsyncClient(verify=False) as http:
        answer = await http.post(
            f"{network.console_url}/v1/deployments",
            headers={"x-api-key": network.api_key},
            json={"data": {"sdl": sdl, "deposit": 5, **named}},
        )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["dseq"])


async def test_an_empty_ledger_beside_deployments_of_ours_is_said(tmp_path: Path, sdl: str) -> None:
    async with EmbeddedNetwork(Options(speed=SPEED, generation="2026-11")) as network:
        await create(network, sdl, "a person's")
        dseq = await create(network, sdl, OURS)
        async with beside(network, tmp_path) as holder:
            said = await refused(holder)
            assert f"deployments run that akash-mcp created ({dseq})" in said
            await holder.accounts.acknowledge()
            await create(network, sdl, OURS)  # of another machine's, from now on
            await holder.accounts.bind()


@pytest.mark.parametrize(
    ("generation", "name"), [("2025", None), ("reference", None), ("2026-11", "op_0123456789abcdef · web")]
)
async def test_what_bears_no_operation_of_ours_says_nothing(
    tmp_path: Path, sdl: str, generation: embedded.Generation, name: str | None
) -> None:
    async with EmbeddedNetwork(Options(speed=SPEED, generation=generation)) as network:
        await create(network, sdl, name)
        async with beside(network, tmp_path) as holder:
            await holder.accounts.bind()


async def test_a_list_that_cannot_be_read_is_not_an_empty_one(
    tmp_path: Path, console: ScriptedConsole
) -> None:
    console.on(LIST, refusal(500, "Internal server error"), (200, {"deployments": [], "pagination": {}}))
    async with key_holder(tmp_path, console.url, generation=Generation.V2026_11) as holder:
        with pytest.raises(ServerError):
            await holder.accounts.bind()
        await holder.accounts.bind()


async def test_a_colleagues_deployments_are_not_missing_in_our_ledger(
    tmp_path: Path, console: ScriptedConsole
) -> None:
    theirs = deployment(name=OURS)
    theirs["deployment"]["id"]["owner"] = "akash1ppp"
    console.on(LIST, (200, {"deployments": [theirs], "pagination": {}}))
    async with key_holder(tmp_path, console.url, generation=Generation.V2026_11) as holder:
        await holder.accounts.bind()
