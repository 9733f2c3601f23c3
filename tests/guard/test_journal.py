"""The journal tells what was done, how far it came, and what is ours; and it forgets what it need not know."""

from __future__ import annotations

from pathlib import Path

import pytest
from written import Written

from akash_mcp.guard.books import holds, journal
from akash_mcp.guard.books.journal import Kind, Sources, State, new_op_id
from akash_mcp.guard.books.store import Store
from akash_mcp.ids import Dseq, OpId

DSEQ = Dseq("1763759482113")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def written(folder: Path) -> Written:
    """The journal, in which time passes by a second a transaction."""
    return Written(Store(folder, iter(range(1000)).__next__), journal)


def launched(written: Written) -> OpId:
    op_id = new_op_id()
    written.open_operation(op_id, Kind.LAUNCH, "a web page")
    assert written.created(op_id, DSEQ, Sources("PASSWORD=hunter22", "[]"))
    written.store.run_now(holds.let_go, op_id)
    return op_id


def test_an_operation_is_found_by_its_id_and_its_deployment(written: Written) -> None:
    op_id = launched(written)
    written.advance(op_id, State.LEASED, "at a provider")
    found = written.find(op_id)
    assert found is not None
    assert (found.state, found.dseq, found.note) == (State.LEASED, DSEQ, "at a provider")
    assert written.launch_of(DSEQ) == found


def test_what_another_process_wrote_is_seen(written: Written, folder: Path) -> None:
    op_id = launched(written)
    assert Written(Store(folder, lambda: 0.0), journal).find(op_id) == written.find(op_id)


def test_only_a_launch_makes_a_deployment_ours(written: Written) -> None:
    written.open_operation(new_op_id(), Kind.FUND, "more money", dseq=DSEQ)
    assert written.launch_of(DSEQ) is None


def test_a_closed_deployment_leaves_no_secret_behind(written: Written, folder: Path) -> None:
    op_id = launched(written)
    assert written.sources(DSEQ) == Sources("PASSWORD=hunter22", "[]")
    written.mark_closed(DSEQ, "proven closed")
    assert written.sources(DSEQ) is None
    found = written.find(op_id)
    assert found is not None
    assert found.state is State.CLOSED


def test_a_launch_that_was_unwound_stays_closed(written: Written) -> None:
    op_id = launched(written)
    written.mark_closed(DSEQ, "proven closed")
    written.finish(op_id)
    found = written.find(op_id)
    assert found is not None
    assert found.state is State.CLOSED


def test_an_unknown_operation_is_none(written: Written) -> None:
    assert written.find(OpId("op_0")) is None


def test_what_is_written_down_is_clean_whoever_said_it(tmp_path: Path) -> None:
    store = Store(tmp_path, lambda: 1.0)
    written = Written(store, journal)
    op_id = new_op_id()
    written.open_operation(op_id, Kind.LAUNCH, "a\nb \x1b[31m DB_PASSWORD=hunter2secret")
    written.advance(op_id, State.REFUSED, "refused:\u202e ghp_" + "a1B2" * 9)
    operation = written.find(op_id)
    assert operation is not None
    assert operation.summary == "a b DB_PASSWORD=<masked>"
    assert operation.note == "refused: <masked>"
    store.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"hunter2secret" not in kept
    assert b"a1B2a1B2" not in kept


def test_finishing_what_was_never_written_down_writes_nothing(written: Written) -> None:
    written.finish(OpId("op_0"))
    assert written.find(OpId("op_0")) is None


def test_finishing_ends_an_operation_once(written: Written, folder: Path) -> None:
    op_id = new_op_id()
    written.open_operation(op_id, Kind.CLOSE, "close it", dseq=DSEQ)
    written.finish(op_id)
    written.finish(op_id)
    found = written.find(op_id)
    assert found is not None
    assert (found.state, found.created_at, found.updated_at) == (State.DONE, 0, 1)
    assert Store(folder).read_now(lambda db: db.value("SELECT COUNT(*) FROM steps")) == 2


def test_a_deployment_s_name_stays_what_it_was(written: Written) -> None:
    op_id = launched(written)
    written.advance(op_id, State.READY)
    found = written.find(op_id)
    assert found is not None
    assert (found.dseq, found.state, found.note) == (DSEQ, State.READY, "")


def test_one_operation_s_steps_are_not_another_s(written: Written) -> None:
    first, second = new_op_id(), new_op_id()
    assert first != second
    written.open_operation(first, Kind.FUND, "one", dseq=DSEQ)
    written.open_operation(second, Kind.UPDATE, "two", dseq=Dseq("7"))
    written.advance(first, State.DONE, "funded")
    written.advance(second, State.REFUSED, "no")
    one, two = written.find(first), written.find(second)
    assert one is not None
    assert two is not None
    assert (one.kind, one.state, one.note, one.summary) == (Kind.FUND, State.DONE, "funded", "one")
    assert (two.kind, two.state, two.note, two.dseq) == (Kind.UPDATE, State.REFUSED, "no", "7")


def test_only_what_is_closed_is_forgotten(written: Written, folder: Path) -> None:
    closed = launched(written)
    other = new_op_id()
    written.open_operation(other, Kind.LAUNCH, "another")
    assert written.created(other, Dseq("7"), Sources("sdl", "[]", 3))
    fund = new_op_id()
    written.open_operation(fund, Kind.FUND, "more money", dseq=DSEQ)
    written.mark_closed(DSEQ, "proven closed")
    assert written.sources(Dseq("7")) == Sources("sdl", "[]", 3)
    states = {op_id: operation.state for op_id in (closed, other, fund) if (operation := written.find(op_id))}
    assert states == {closed: State.CLOSED, other: State.CREATED, fund: State.PLANNED}
    found = written.find(closed)
    assert found is not None
    assert found.note == "proven closed"
    row = Store(folder).read_now(
        lambda db: db.one("SELECT sdl, manifest, plan FROM operations WHERE op_id = :op_id", op_id=closed)
    )
    assert row is not None
    assert tuple(row) == (None, None, None)


def test_a_deployment_is_one_launch_s(written: Written) -> None:
    first = launched(written)
    other = new_op_id()
    written.open_operation(other, Kind.LAUNCH, "the same")
    assert not written.created(other, DSEQ, Sources("the other's", "[]"))
    found, kept = written.launch_of(DSEQ), written.find(other)
    assert found is not None
    assert kept is not None
    assert (found.op_id, kept.state, kept.dseq) == (first, State.PLANNED, None)
    assert written.sources(DSEQ) == Sources("PASSWORD=hunter22", "[]")


def test_the_sources_of_a_lease_are_nobody_s(written: Written) -> None:
    op_id = new_op_id()
    written.open_operation(op_id, Kind.LEASE, "lease", dseq=DSEQ)
    written.keep_sources(op_id, Sources("sdl", "[]"))
    assert written.sources(DSEQ) is None


def test_a_closed_deployment_leaves_no_secret_in_any_file(written: Written, folder: Path) -> None:
    op_id = launched(written)
    # So long that SQLite keeps it on pages of its own.
    written.keep_sources(op_id, Sources("PASSWORD=hunter22\n" * 5_000, "hunter22" * 5_000))
    assert [file for file in folder.iterdir() if b"hunter22" in file.read_bytes()]
    written.mark_closed(DSEQ, "proven closed")
    assert not [file.name for file in folder.iterdir() if b"hunter22" in file.read_bytes()]
