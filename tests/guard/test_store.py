"""The file: ours only, whole or not at all, and no older program reads a newer one."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from written import Written

from akash_mcp.errors import LedgerBusy, LedgerUnusable
from akash_mcp.guard.books import journal
from akash_mcp.guard.books.journal import Kind, Sources, State
from akash_mcp.guard.books.schema import VERSIONS
from akash_mcp.guard.books.store import Db, Store
from akash_mcp.ids import Dseq, OpId


def put(store: Store, op_id: str) -> None:
    store.run_now(insert, op_id)


def insert(db: Db, op_id: str) -> None:
    db.run(
        "INSERT INTO steps (op_id, number, at, state, note) VALUES (:op_id, 1, :now, 'planned', '')",
        op_id=op_id,
        now=db.now,
    )


def kept(store: Store) -> list[str]:
    rows = store.read_now(lambda db: db.all("SELECT op_id FROM steps ORDER BY op_id"))
    return [row["op_id"] for row in rows]


def test_what_was_written_is_there_for_the_next_process(tmp_path: Path) -> None:
    store = Store(tmp_path / "a" / "b")
    put(store, "op_1")
    store.close()
    store.close()
    assert kept(Store(tmp_path / "a" / "b")) == ["op_1"]
    assert kept(store) == ["op_1"]


def test_a_block_that_raises_leaves_nothing_behind(tmp_path: Path) -> None:
    store = Store(tmp_path)
    put(store, "op_1")

    def half(db: Db) -> None:
        insert(db, "op_2")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.run_now(half)
    put(store, "op_3")
    assert kept(Store(tmp_path)) == ["op_1", "op_3"]


def test_two_processes_do_not_write_at_once(tmp_path: Path) -> None:
    one, other = Store(tmp_path), Store(tmp_path)
    other.busy_seconds = 0
    put(one, "op_1")

    def meanwhile(db: Db) -> None:
        insert(db, "op_2")
        with pytest.raises(LedgerBusy, match="busy"):
            put(other, "op_3")
        assert kept(other) == ["op_1"]

    one.run_now(meanwhile)
    put(other, "op_3")
    assert kept(one) == ["op_1", "op_2", "op_3"]


def test_a_power_cut_takes_nothing_that_was_answered(tmp_path: Path) -> None:
    def check(db: Db) -> None:
        assert db.value("PRAGMA synchronous") == 2  # FULL
        assert db.value("PRAGMA journal_mode") == "wal"
        assert db.value("PRAGMA user_version") == len(VERSIONS)

    Store(tmp_path).read_now(check)
    Store(tmp_path).run_now(check)


def test_the_folder_and_the_file_are_ours_only(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "state"
    store = Store(folder)
    assert not folder.exists()
    put(store, "op_1")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    store, newer = Store(tmp_path), len(VERSIONS) + 1
    put(store, "op_1")
    store.run_now(lambda db: db.run(f"PRAGMA user_version={newer}"))
    store.close()
    with pytest.raises(LedgerUnusable, match=rf"written by a newer version of akash-mcp \(format {newer}\)"):
        put(store, "op_2")
    with sqlite3.connect(store.path) as db:
        assert db.execute("SELECT COUNT(*) FROM steps").fetchone() == (1,)
        assert db.execute("PRAGMA user_version").fetchone() == (newer,)
    db.close()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(LedgerUnusable, match="cannot be used") as error:
        put(Store(tmp_path / "taken" / "state"), "op_1")
    assert "Deployments can still be listed and closed." in error.value.next_step


def test_a_file_that_is_repaired_is_used_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.path.write_bytes(b"rubbish" * 1000)
    with pytest.raises(LedgerUnusable):
        put(store, "op_1")
    store.path.unlink()
    put(store, "op_1")
    assert kept(store) == ["op_1"]


def test_a_file_of_the_first_version_is_taken_along(tmp_path: Path) -> None:
    path = Store(tmp_path).path
    with sqlite3.connect(path) as first:
        first.executescript(VERSIONS[0])
        first.execute("INSERT INTO reservations VALUES ('op_1', '7', 1, 500000, NULL, 'held', 0)")
        for op_id in ("op_1", "op_2"):
            first.execute(
                "INSERT INTO operations VALUES (?, 'launch', 'created', '7', 'web', 'sdl', '[]', NULL, 0, 0)",
                (op_id,),
            )
        first.execute("PRAGMA user_version=1")
    first.close()

    def check(db: Db) -> None:
        assert db.value("PRAGMA user_version") == len(VERSIONS)
        assert db.value("SELECT amount_uact FROM reservations") == 500000
        rows = db.all("SELECT op_id, dseq, lease_until FROM operations ORDER BY number")
        # Two launches had taken up one deployment. It belongs to the first.
        assert [tuple(row) for row in rows] == [("op_1", "7", None), ("op_2", None, None)]

    Store(tmp_path).read_now(check)


SECRET = b"hunter2-correct-horse"


def files(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


def deployed(folder: Path, secret: str) -> tuple[Store, Written]:
    """A launch whose SDL holds a secret, changed once, among many others."""
    store = Store(folder, lambda: 1.0)
    written = Written(store, journal)
    for number in range(30):
        op_id = OpId(f"op_{number}")
        written.open_operation(op_id, Kind.LAUNCH, "web")
        text = (secret if number == 7 else "x" * 21) * 500  # several pages long
        written.created(op_id, Dseq(str(1000 + number)), Sources(f"old {text}", f"[{text}]"))
        written.keep_sources(op_id, Sources(f"new {text}", f"[{text}, 2]"))
    return store, written


def mark_closed(written: Written) -> None:
    """The one with the secret is closed, and what it ran is to be forgotten."""
    written.mark_closed(Dseq("1007"), "closed")


def test_what_a_closed_deployment_ran_is_gone_from_all_files(tmp_path: Path) -> None:
    _, written = deployed(tmp_path, SECRET.decode())
    assert SECRET in files(tmp_path)
    mark_closed(written)
    assert SECRET not in files(tmp_path)


@pytest.mark.parametrize(("kind", "end"), [(Kind.LAUNCH, State.REFUSED), (Kind.UPDATE, State.DONE)])
def test_what_was_approved_is_gone_from_all_files_once_that_is_over(
    kind: Kind, end: State, tmp_path: Path
) -> None:
    written, text = Written(Store(tmp_path), journal), SECRET.decode() * 300
    written.open_operation(OpId("op_1"), kind, "web", plan=text)
    if kind is Kind.LAUNCH:
        written.keep_sources(OpId("op_1"), Sources(text, text))
    assert SECRET in files(tmp_path)
    written.advance(OpId("op_1"), end)
    assert SECRET not in files(tmp_path)


READER = """
import sqlite3, sys
reader = sqlite3.connect(sys.argv[1], isolation_level=None)
reader.execute("BEGIN")
reader.execute("SELECT COUNT(*) FROM operations").fetchone()
print("reading", flush=True)
sys.stdin.readline()
"""


@contextmanager
def read_by_another_process(store: Store) -> Iterator[None]:
    """Another process is in the middle of reading while the block runs."""
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(store.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"reading\n"
        try:
            yield
        finally:
            process.kill()


def test_a_reader_in_the_way_holds_nobody_up_and_the_next_transaction_forgets(tmp_path: Path) -> None:
    store, written = deployed(tmp_path, SECRET.decode())
    with read_by_another_process(store):
        began = time.perf_counter()
        mark_closed(written)
        assert time.perf_counter() - began < 3  # not the five seconds that a transaction waits
        assert SECRET in files(tmp_path)
    written.advance(OpId("op_1"), State.LEASED)
    assert SECRET not in files(tmp_path)


def test_the_next_start_forgets_what_a_reader_kept_the_last_from(tmp_path: Path) -> None:
    store, written = deployed(tmp_path, SECRET.decode())
    other = Store(tmp_path)  # keeps SQLite from emptying its log as the last one to close the file

    def meanwhile(db: Db) -> None:
        db.value("SELECT COUNT(*) FROM operations")
        mark_closed(written)
        store.close()
        assert SECRET in files(tmp_path)

    other.read_now(meanwhile)
    assert SECRET in files(tmp_path)
    kept(Store(tmp_path))
    assert SECRET not in files(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
@pytest.mark.parametrize("mode", [0o777, 0o707, 0o1777])
def test_a_folder_that_others_can_write_holds_no_ledger(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int
) -> None:
    folder = tmp_path / "common"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(LedgerUnusable, match="Other users of this machine can change the ledger") as told:
        put(Store(folder), "op_1")
    assert str(tmp_path) not in str(told.value)
    assert f"{folder} can be written by every user of this machine: run chmod 700 {folder}" in caplog.text
    folder.chmod(0o700)
    put(Store(folder), "op_1")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_file_that_others_can_write_is_no_ledger(tmp_path: Path) -> None:
    store = Store(tmp_path)
    put(store, "op_1")
    store.close()
    store.path.chmod(0o606)
    with pytest.raises(LedgerUnusable, match="can change the ledger"):
        put(store, "op_2")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_ledger_that_others_can_read_is_used_and_warned_about(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tmp_path.chmod(0o755)
    store = Store(tmp_path)
    put(store, "op_1")
    assert not caplog.text
    store.close()
    store.path.chmod(0o644)
    put(store, "op_2")
    assert f"run chmod 600 {store.path}" in caplog.text


@pytest.mark.skipif(sys.platform == "win32", reason="Windows moves no file that is open")
@pytest.mark.parametrize("is_replaced", [False, True])
def test_what_is_moved_away_while_it_is_used_is_written_no_more_and_still_read(
    is_replaced: bool, tmp_path: Path
) -> None:
    store = Store(tmp_path / "state")
    put(store, "op_1")
    (tmp_path / "state").rename(tmp_path / "moved")
    if is_replaced:
        put(Store(tmp_path / "state"), "op_of_another")
    for _ in range(2):
        with pytest.raises(LedgerUnusable, match="moved away or replaced"):
            put(store, "op_2")
    assert kept(store) == ["op_1"]  # what is ours is known, and may be closed
    if is_replaced:
        (tmp_path / "state").rename(tmp_path / "new")
    (tmp_path / "moved").rename(tmp_path / "state")
    put(store, "op_2")
    assert kept(store) == ["op_1", "op_2"]
