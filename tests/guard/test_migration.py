"""A ledger of an earlier release with deployments in it goes on: nothing is lost, freed or sent again, and what can be
read by the earlier release stays beside it.

`ledger_of_format_4.sql` was written by that release: launches that were planned, reserved, unknown, created, offered,
leased, ready, refused and closed, money that was added and that may have been, an update, a close and a command under
way, a token that is still good, a key, and what was seen of providers.
"""

from __future__ import annotations

import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest
from written import Written

from akash_mcp.errors import BadRequest, LedgerUnusable
from akash_mcp.guard.approval.tokens import Tokens
from akash_mcp.guard.books import holds, journal
from akash_mcp.guard.books.evidence import Evidence, Finding
from akash_mcp.guard.books.journal import Kind, OperationExists, Sources, State, op_id_of
from akash_mcp.guard.books.keys import shared_key
from akash_mcp.guard.books.ledger import Ledger
from akash_mcp.guard.books.refusals import Refusals
from akash_mcp.guard.books.schema import VERSIONS
from akash_mcp.guard.books.store import Store
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.ids import Dseq, OpId, ProviderAddress
from akash_mcp.money import Usd

pytestmark = pytest.mark.anyio

WRITTEN = (Path(__file__).parent / "ledger_of_format_4.sql").read_text(encoding="utf-8")
LAST = 1_764_000_025.0
"""When the earlier release wrote it, in seconds since the epoch."""
TOKEN = "approve_QmFzZTY0LXRva2Vu"
KEY = "30403111f020fbaa635bca1c545993b518f82c661207144546f7cec9a3f3965a"


def op(number: int) -> OpId:
    return OpId(f"op_{number:016x}")


def dseq(number: int) -> Dseq:
    return Dseq(str(1_764_000_000_000 + number))


def dump(path: Path) -> tuple[int, list[str]]:
    """The format of a file and all that stands in it."""
    with closing(sqlite3.connect(path)) as db:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        return version, list(db.iterdump())


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The file of an earlier release."""
    path = tmp_path / "akash-mcp.sqlite3"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.executescript(WRITTEN)
        db.execute("PRAGMA user_version=4")
    path.chmod(0o600)
    return path


@pytest.fixture
def clock() -> list[float]:
    return [LAST]


@pytest.fixture
def store(old: Path, clock: list[float]) -> Store:
    return Store(old.parent, lambda: clock[0])


STATES = {
    1: (Kind.LAUNCH, State.PLANNED, None),
    2: (Kind.LAUNCH, State.RESERVED, None),
    3: (Kind.LAUNCH, State.UNKNOWN, None),
    4: (Kind.LAUNCH, State.CREATED, dseq(4)),
    5: (Kind.LAUNCH, State.OFFERED, dseq(5)),
    6: (Kind.LAUNCH, State.LEASED, dseq(6)),
    7: (Kind.LAUNCH, State.READY, dseq(7)),
    8: (Kind.LAUNCH, State.REFUSED, None),
    9: (Kind.LAUNCH, State.CLOSED, dseq(9)),
    10: (Kind.FUND, State.DONE, dseq(7)),
    11: (Kind.UPDATE, State.DONE, dseq(7)),
    12: (Kind.FUND, State.UNKNOWN, dseq(7)),
    13: (Kind.CLOSE, State.PLANNED, dseq(5)),
    14: (Kind.EXEC, State.RESERVED, dseq(7)),
}


def test_each_operation_stands_where_it_stood(store: Store) -> None:
    written = Written(store, journal)
    found = {number: written.find(op(number)) for number in STATES}
    assert {number: (each.kind, each.state, each.dseq) for number, each in found.items()} == STATES
    assert {each.epoch for each in found.values()} == {1}
    assert (found[6].name, found[3].name) == ("shop", "")
    assert (found[5].note, found[3].note) == ("leasing from akash1aaa", "no answer")
    assert (found[1].summary, found[1].created_at) == ("Deploy number 1.", 1_764_000_000.0)
    assert [each.op_id for each in written.open_launches()] == [op(number) for number in (7, 6, 5, 4, 3, 2)]
    assert written.under_way()[0].op_id == op(14)
    new = OpId("op_" + "f" * 16)
    written.open_operation(new, Kind.LAUNCH, "the next")
    assert written.under_way()[0].op_id == new


def test_all_steps_are_there_in_their_order(store: Store) -> None:
    rows = store.read_now(
        lambda db: db.all("SELECT state, note FROM steps WHERE op_id = :op_id ORDER BY number", op_id=op(6))
    )
    assert [tuple(row) for row in rows] == [
        ("planned", ""),
        ("reserved", "approved by two-step"),
        ("created", ""),
        ("offered", "x"),
        ("leased", "akash1aaa"),
    ]


def test_what_runs_and_what_it_was_given_is_still_known(store: Store) -> None:
    written = Written(store, journal)
    assert written.sources(dseq(6)) == Sources("sdl 6 secret://DB_6", "[6]", 24)
    assert written.sources(dseq(7)).version == "abc="  # what the Console called it after the last change
    assert written.secrets_of(dseq(4)) == ("DB_4",)
    assert written.rivals(op(2), "[3]") == [op(3)]
    assert written.leased_at(dseq(6)) == LAST - 14


def test_not_a_micro_unit_of_what_is_held_or_spent_is_lost(store: Store) -> None:
    ledger = Written(store, Ledger(Policy(max_usd_per_day=Usd(15))))
    status = ledger.status()
    assert (status.held, status.today, status.left_today) == (Usd(14), Usd("14.25"), Usd("0.75"))
    assert status.live_deployments == 6
    assert (ledger.held(dseq(7)), ledger.held_by(op(2)), ledger.held_by(op(8))) == (Usd(4), Usd(2), Usd(0))


def test_what_it_left_open_is_closed_and_settled_like_any_other(store: Store) -> None:
    ledger, written = Written(store, Ledger(Policy())), Written(store, journal)
    ledger.settle(dseq(7), Usd("1.5"))
    written.mark_closed(dseq(7), "proven closed")
    assert ledger.status().live_deployments == 5
    assert ledger.status().held == Usd(10)
    assert written.find(op(7)).state is State.CLOSED


def test_what_was_under_way_is_taken_up_at_once_and_in_its_order(store: Store) -> None:
    claimed = list(iter(Written(store, holds).claim, None))
    # 5 was taken over by the close, 6 is leased, and what a command did can never be found out.
    assert [each.op_id for each in claimed] == [op(number) for number in (1, 2, 3, 4, 12, 13)]
    assert {each.epoch for each in claimed} == {2}


def test_what_is_leased_is_a_person_s_to_judge_and_not_closed_by_an_upgrade(
    store: Store, clock: list[float]
) -> None:
    clock[0] += 3600
    list(iter(Written(store, holds).claim, None))
    assert Written(store, journal).find(op(6)).epoch == 1
    assert Written(store, holds).holder(dseq(6)) is None


async def test_a_token_that_was_given_before_opens_one_operation(store: Store, clock: list[float]) -> None:
    assert await Tokens(store).find(TOKEN) is None  # it was for a call that no tool takes any more
    await store.run(journal.open_operation, op_id_of(TOKEN), Kind.LAUNCH, "approved before")
    with pytest.raises(OperationExists):
        await store.run(journal.open_operation, op_id_of(TOKEN), Kind.LAUNCH, "approved before")


def test_questions_that_were_asked_before_can_be_answered(store: Store) -> None:
    assert store.run_now(shared_key, "questions").hex() == KEY


async def test_what_was_seen_is_kept_and_a_streak_of_refusals_begins_anew(store: Store) -> None:
    evidence, refusals = Evidence(store), Refusals(store)
    kept = await evidence.kept(dseq(7))
    assert kept is not None
    assert kept.findings == (Finding("It crashes.", ("exit 1",), "Fix it."),)
    assert await evidence.failing_providers() == {ProviderAddress("akash1bad"): "it closed a lease"}
    await refusals.note("acc", "POST /v1/leases", "subj", BadRequest("No.", status=422))
    await refusals.check("acc", "POST /v1/leases", "subj")


def test_the_file_as_it_was_stays_beside_it_for_the_earlier_release(old: Path, store: Store) -> None:
    before = dump(old)
    store.read_now(lambda db: None)
    kept = old.with_name("akash-mcp.sqlite3.format-4")
    assert dump(kept) == before
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert not [file.name for file in old.parent.iterdir() if "part" in file.name]
    assert dump(old)[0] == len(VERSIONS)


def test_what_a_deployment_ran_that_is_closed_by_now_is_gone_from_the_copy_too(
    old: Path, store: Store
) -> None:
    before = dump(old)
    written = Written(store, journal)
    written.mark_closed(dseq(6), "proven closed")
    kept = old.with_name("akash-mcp.sqlite3.format-4")
    assert b"secret://DB_6" not in b"".join(file.read_bytes() for file in old.parent.iterdir())
    rest = [line for line in dump(kept)[1] if line not in before[1]]
    assert len(rest) == 1  # and nothing else of it
    assert dump(kept)[0] == 4
    assert b"secret://DB_4" in kept.read_bytes()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_copy_that_cannot_be_read_holds_no_close_up(
    old: Path, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    old.with_name("akash-mcp.sqlite3.format-4").write_text("of an earlier attempt")
    Written(store, journal).mark_closed(dseq(6), "proven closed")
    assert Written(store, journal).find(op(6)).state is State.CLOSED
    assert "still stands in" in caplog.text


def test_a_copy_that_was_kept_once_is_not_written_again(old: Path, store: Store) -> None:
    kept = old.with_name("akash-mcp.sqlite3.format-4")
    kept.write_text("of an earlier attempt")
    store.read_now(lambda db: None)
    assert kept.read_text() == "of an earlier attempt"


def test_without_room_for_the_copy_nothing_is_changed(old: Path, store: Store) -> None:
    before = dump(old)
    in_the_way = old.with_name("akash-mcp.sqlite3.format-4.part")
    in_the_way.mkdir()
    with pytest.raises(LedgerUnusable, match="cannot be used"):
        store.read_now(lambda db: None)
    assert dump(old) == before
    in_the_way.rmdir()
    store.read_now(lambda db: None)
    assert dump(old)[0] == len(VERSIONS)


KILLED = """
import functools, os, signal, sqlite3, sys
from pathlib import Path
from akash_mcp.guard.books.store import Store

class Watched(sqlite3.Connection):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.set_trace_callback(self.die)

    def die(self, statement):
        if statement.strip().startswith(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)

sqlite3.connect = functools.partial(sqlite3.connect, factory=Watched)
Store(Path(sys.argv[1])).read_now(lambda db: None)
"""

MOMENTS = (
    "ALTER TABLE reservations",
    "CREATE TABLE operations",
    "INSERT INTO operations",
    "DROP TABLE old_failures",
    "PRAGMA user_version=",
    "COMMIT",
)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_migration_that_is_killed_leaves_the_file_as_it_was(moment: str, old: Path, store: Store) -> None:
    before = dump(old)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(old.parent), moment], timeout=30)
    assert killed.returncode == -signal.SIGKILL
    assert dump(old) == before
    assert Written(store, journal).find(op(7)).state is State.READY
    assert dump(old.with_name("akash-mcp.sqlite3.format-4")) == before


OPENED = """
import sys
from pathlib import Path
from akash_mcp.guard.books.store import Store
sys.stdin.readline()
print(Store(Path(sys.argv[1])).read_now(lambda db: db.value("SELECT COUNT(*) FROM operations")))
"""


def test_of_many_that_open_it_at_once_one_migrates_and_all_go_on(old: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPENED, str(old.parent)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert list(outputs(processes)) == [f"{len(STATES)}\n"] * 4
    assert dump(old)[0] == len(VERSIONS)


def outputs(processes: Iterable[subprocess.Popen[str]]) -> Iterable[str]:
    for process in processes:
        yield process.communicate(timeout=30)[0]
