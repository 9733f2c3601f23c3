"""The journal tells what was done, how far it came, and what is ours; and it forgets what it need not know."""

from __future__ import annotations

from pathlib import Path

import pytest

from akash_mcp.guard.journal import Kind, Sources, State, new_op_id
from akash_mcp.guard.store import Store
from akash_mcp.ids import Dseq, OpId

DSEQ = Dseq("1763759482113")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def journal(folder: Path) -> Journal:
    return Journal(Store(folder), iter(range(1000)).__next__)


def launched(journal: Journal) -> OpId:
    op_id = new_op_id()
    journal.open(op_id, Kind.LAUNCH, "a web page")
    assert journal.created(op_id, DSEQ, Sources("PASSWORD=hunter22", "[]"))
    journal.holds.let_go(op_id)
    return op_id


def test_an_operation_is_found_by_its_id_and_its_deployment(journal: Journal) -> None:
    op_id = launched(journal)
    journal.advance(op_id, State.LEASED, "at a provider")
    found = journal.find(op_id)
    assert found is not None
    assert (found.state, found.dseq, found.note) == (State.LEASED, DSEQ, "at a provider")
    assert journal.launch_of(DSEQ) == found


def test_what_another_process_wrote_is_seen(journal: Journal, folder: Path) -> None:
    op_id = launched(journal)
    assert Journal(Store(folder), lambda: 0.0).find(op_id) == journal.find(op_id)


def test_only_a_launch_makes_a_deployment_ours(journal: Journal) -> None:
    journal.open(new_op_id(), Kind.FUND, "more money", DSEQ)
    assert journal.launch_of(DSEQ) is None


def test_a_closed_deployment_leaves_no_secret_behind(journal: Journal, folder: Path) -> None:
    op_id = launched(journal)
    assert journal.sources(DSEQ) == Sources("PASSWORD=hunter22", "[]")
    journal.mark_closed(DSEQ, "proven closed")
    assert journal.sources(DSEQ) is None
    found = journal.find(op_id)
    assert found is not None
    assert found.state is State.CLOSED


def test_a_launch_that_was_unwound_stays_closed(journal: Journal) -> None:
    op_id = launched(journal)
    journal.mark_closed(DSEQ, "proven closed")
    journal.finish(op_id)
    found = journal.find(op_id)
    assert found is not None
    assert found.state is State.CLOSED


def test_an_unknown_operation_is_none(journal: Journal) -> None:
    assert journal.find(OpId("op_0")) is None


def test_what_is_written_down_is_clean_whoever_said_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    journal = Journal(store, lambda: 1.0)
    op_id = new_op_id()
    journal.open(op_id, Kind.LAUNCH, "a\nb \x1b[31m DB_PASSWORD=hunter2secret")
    journal.advance(op_id, State.REFUSED, "refused:\u202e ghp_" + "a1B2" * 9)
    operation = journal.find(op_id)
    assert operation is not None
    assert operation.summary == "a b DB_PASSWORD=<masked>"
    assert operation.note == "refused: <masked>"
    store.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"hunter2secret" not in kept
    assert b"a1B2a1B2" not in kept


def test_finishing_what_was_never_written_down_writes_nothing(journal: Journal) -> None:
    journal.finish(OpId("op_0"))
    assert journal.find(OpId("op_0")) is None


def test_finishing_ends_an_operation_once(journal: Journal, folder: Path) -> None:
    op_id = new_op_id()
    journal.open(op_id, Kind.CLOSE, "close it", DSEQ)
    journal.finish(op_id)
    journal.finish(op_id)
    found = journal.find(op_id)
    assert found is not None
    assert (found.state, found.created_at, found.updated_at) == (State.DONE, 0, 2)
    with Store(folder).reading() as db:
        assert db.execute("SELECT COUNT(*) FROM steps").fetchone()[0] == 2


def test_a_deployment_s_name_stays_what_it_was(journal: Journal) -> None:
    op_id = launched(journal)
    journal.advance(op_id, State.READY)
    found = journal.find(op_id)
    assert found is not None
    assert (found.dseq, found.state, found.note) == (DSEQ, State.READY, "")


def test_one_operation_s_steps_are_not_another_s(journal: Journal) -> None:
    first, second = new_op_id(), new_op_id()
    assert first != second
    journal.open(first, Kind.FUND, "one", DSEQ)
    journal.open(second, Kind.UPDATE, "two", Dseq("7"))
    journal.advance(first, State.DONE, "funded")
    journal.advance(second, State.REFUSED, "no")
    one, two = journal.find(first), journal.find(second)
    assert one is not None
    assert two is not None
    assert (one.kind, one.state, one.note, one.summary) == (Kind.FUND, State.DONE, "funded", "one")
    assert (two.kind, two.state, two.note, two.dseq) == (Kind.UPDATE, State.REFUSED, "no", "7")


def test_only_what_is_closed_is_forgotten(journal: Journal, folder: Path) -> None:
    closed = launched(journal)
    other = new_op_id()
    journal.open(other, Kind.LAUNCH, "another")
    assert journal.created(other, Dseq("7"), Sources("sdl", "[]", 3))
    fund = new_op_id()
    journal.open(fund, Kind.FUND, "more money", DSEQ)
    journal.mark_closed(DSEQ, "proven closed")
    assert journal.sources(Dseq("7")) == Sources("sdl", "[]", 3)
    states = {op_id: operation.state for op_id in (closed, other, fund) if (operation := journal.find(op_id))}
    assert states == {closed: State.CLOSED, other: State.CREATED, fund: State.PLANNED}
    found = journal.find(closed)
    assert found is not None
    assert found.note == "proven closed"
    with Store(folder).reading() as db:
        row = db.execute("SELECT sdl, manifest FROM operations WHERE op_id = ?", (closed,)).fetchone()
    assert tuple(row) == (None, None)


def test_a_deployment_is_one_launch_s(journal: Journal) -> None:
    first = launched(journal)
    other = new_op_id()
    journal.open(other, Kind.LAUNCH, "the same")
    assert not journal.created(other, DSEQ, Sources("the other's", "[]"))
    found, kept = journal.launch_of(DSEQ), journal.find(other)
    assert found is not None
    assert kept is not None
    assert (found.op_id, kept.state, kept.dseq) == (first, State.PLANNED, None)
    assert journal.sources(DSEQ) == Sources("PASSWORD=hunter22", "[]")


def test_the_sources_of_a_lease_are_nobody_s(journal: Journal) -> None:
    op_id = new_op_id()
    journal.open(op_id, Kind.LEASE, "lease", DSEQ)
    journal.keep_sources(op_id, Sources("sdl", "[]"))
    assert journal.sources(DSEQ) is None


def test_a_closed_deployment_leaves_no_secret_in_any_file(journal: Journal, folder: Path) -> None:
    op_id = launched(journal)
    # So long that SQLite keeps it on pages of its own.
    journal.keep_sources(op_id, Sources("PASSWORD=hunter22\n" * 5_000, "hunter22" * 5_000))
    assert [file for file in folder.iterdir() if b"hunter22" in file.read_bytes()]
    journal.mark_closed(DSEQ, "proven closed")
    assert not [file.name for file in folder.iterdir() if b"hunter22" in file.read_bytes()]
