"""Who waits for the file: the call that needs it, and nobody else; and what one call wrote is whole, or not there."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
from test_store import insert, kept, put

from akash_mcp.errors import LedgerBusy
from akash_mcp.guard.books.store import Db, Store

pytestmark = pytest.mark.anyio

WRITER = """
import sqlite3, sys
writer = sqlite3.connect(sys.argv[1], isolation_level=None)
writer.execute("BEGIN IMMEDIATE")
print("writing", flush=True)
sys.stdin.readline()
writer.execute("ROLLBACK")
print("ended", flush=True)
sys.stdin.readline()
"""


class Writer:
    """Another process that holds the file's lock until it is told to let go."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def let_go(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == b"ended\n"


@contextmanager
def written_by_another_process(store: Store) -> Iterator[Writer]:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(store.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        try:
            yield Writer(process)
        finally:
            process.kill()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A file with one row in it, of a process that can wait for as long as it takes."""
    store = Store(tmp_path)
    store.busy_seconds = 60
    put(store, "op_1")
    return store


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "opened meanwhile"])
async def test_a_reader_waits_for_no_writer_of_another_process(is_open: bool, store: Store) -> None:
    reader = store if is_open else Store(store.path.parent)
    reader.busy_seconds = 0
    with written_by_another_process(
        store
    ):  # all the while: so there is nothing that it could have waited for
        assert await reader.read(lambda db: db.value("SELECT COUNT(*) FROM steps")) == 1
        with pytest.raises(LedgerBusy):
            await _impatient(store).run(insert, "op_2")
    assert kept(store) == ["op_1"]


def _impatient(store: Store) -> Store:
    """Another process that does not wait for the lock at all."""
    other = Store(store.path.parent)
    other.busy_seconds = 0
    return other


async def test_a_call_that_waits_for_the_lock_holds_up_nothing_else(store: Store) -> None:
    is_done = anyio.Event()

    async def write() -> None:
        await store.run(insert, "op_2")
        is_done.set()

    with written_by_another_process(store) as writer:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(write)
            await anyio.wait_all_tasks_blocked()
            for _ in range(20):
                await anyio.lowlevel.checkpoint()  # what `anyio.sleep(0)` is
                assert not is_done.is_set()
            # Reads of the same process go on too.
            assert await store.read(lambda db: db.value("SELECT COUNT(*) FROM steps")) == 1
            assert not is_done.is_set()
            writer.let_go()
    assert is_done.is_set()
    assert kept(store) == ["op_1", "op_2"]


async def test_many_writers_of_one_process_wait_for_each_other_and_all_are_served(store: Store) -> None:
    async with anyio.create_task_group() as tasks:
        for number in range(2, 40):
            tasks.start_soon(store.run, insert, f"op_{number}")
    assert len(kept(store)) == 39


def twice(db: Db, op_id: str) -> None:
    """Two rows that belong together."""
    insert(db, f"{op_id}-a")
    insert(db, f"{op_id}-b")


async def test_what_has_begun_is_done_whole_though_its_caller_is_cancelled(store: Store) -> None:
    begun, goes_on = threading.Event(), threading.Event()

    def slow(db: Db) -> None:
        insert(db, "op_2-a")
        begun.set()
        assert goes_on.wait(30)
        insert(db, "op_2-b")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(store.run, slow)
        await anyio.to_thread.run_sync(begun.wait)
        tasks.cancel_scope.cancel()
        goes_on.set()
    assert kept(store) == ["op_1", "op_2-a", "op_2-b"]


async def test_callers_that_are_cancelled_at_any_moment_leave_whole_transactions(store: Store) -> None:
    random = Random(11)
    for number in range(60):
        async with anyio.create_task_group() as tasks:
            for each in "xyz":
                tasks.start_soon(store.run, twice, f"op_{number}{each}")
            for _ in range(random.randrange(8)):
                await anyio.sleep(random.choice([0, 0, 0.0005]))
            tasks.cancel_scope.cancel()
    rows = kept(store)
    parts = [row.removesuffix("-a").removesuffix("-b") for row in rows if row != "op_1"]
    assert all(parts.count(part) == 2 for part in parts)
    # Some were cancelled before they began, and some were not: else nothing was tried here.
    assert 0 < len(set(parts)) < 180
    put(store, "the next")


async def test_a_call_that_is_cancelled_before_it_begins_writes_nothing(store: Store) -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        await store.run(insert, "op_2")
    assert kept(store) == ["op_1"]


async def test_the_lock_is_waited_for_so_long_and_then_told_as_busy_and_whole(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    other = _impatient(store)
    other.busy_seconds = 0.05
    with written_by_another_process(store), pytest.raises(LedgerBusy) as busy:
        await other.run(insert, "op_2")
    assert "damaged" not in str(busy.value)
    assert busy.value.money == "No money moved."
    assert "Deployments can be listed and closed meanwhile." in busy.value.next_step
    assert "is busy" in caplog.text
    await other.run(insert, "op_2")
    assert kept(store) == ["op_1", "op_2"]
