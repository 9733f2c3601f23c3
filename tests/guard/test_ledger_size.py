"""A ledger that grows old and large: sums stay, rows go, and a check reads little of it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ledger_book import Book, Clock, a_new_op_id

from akash_mcp.clients.service_clock import ServiceClock
from akash_mcp.errors import OverBudget
from akash_mcp.guard.books import journal
from akash_mcp.guard.books.clock import ConsoleClock
from akash_mcp.guard.books.ledger import DAY_SECONDS, HELD_SQL, KEPT_DAYS, SPENT_SQL, TODAY_SQL, bring_back
from akash_mcp.guard.books.old_operations import OLD_SQL
from akash_mcp.guard.books.schema import VERSIONS
from akash_mcp.guard.books.store import Db
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.ids import Dseq, OpId
from akash_mcp.money import Usd

POLICY = Policy(max_usd_per_day=Usd(100), max_usd_total=Usd(8), max_deployments=1000)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(tmp_path: Path, clock: Clock) -> Iterator[Book]:
    book = Book(tmp_path, POLICY, clock)
    yield book
    book.store.close()


def rows(book: Book) -> int:
    def count(db: Db) -> int:
        return int(db.value("SELECT COUNT(*) FROM reservations"))

    return book.store.read_now(count)


def test_what_is_over_goes_after_a_while_and_its_sum_stays(book: Book, clock: Clock) -> None:
    book.open(Usd(5), Dseq("1"))
    book.settle(Dseq("1"), Usd("1.000001"))
    book.release(book.open(Usd(5), Dseq("2")))
    held = book.open(Usd(5), Dseq("3"))
    clock.now += KEPT_DAYS * DAY_SECONDS
    assert book.fold() == 0  # so long it is kept
    clock.now += 1
    before = book.status()
    assert book.fold() == 2
    assert (rows(book), book.held_by(held)) == (1, Usd(5))
    assert book.status() == before
    assert before.total == Usd("6.000001")
    with pytest.raises(OverBudget, match=r"\$1\.99 is left of the \$8\.00 allowed in all"):
        book.reserve(a_new_op_id(), Usd(2), dseq=None)


def test_what_is_settled_after_its_time_is_counted_and_goes(book: Book, clock: Clock) -> None:
    book.open(Usd(5), Dseq("1"))
    clock.now += 400 * DAY_SECONDS
    book.settle(Dseq("1"), Usd(2))
    assert book.fold() == 1
    assert (rows(book), book.status().total) == (0, Usd(2))


def test_rows_go_a_bite_at_a_time(book: Book, clock: Clock) -> None:
    for _ in range(250):
        book.release(book.open(Usd(1), Dseq("1")))
    clock.now += KEPT_DAYS * DAY_SECONDS + 1
    assert [book.fold() for _ in range(3)] == [200, 50, 0]


def test_a_clock_that_ran_ahead_takes_no_row_of_the_last_day(book: Book, clock: Clock) -> None:
    console = ServiceClock(lambda: clock.now)
    console.hear(int(clock.now), sent=clock.now)
    ahead = clock.now + 60 * DAY_SECONDS
    book.open(Usd(5), Dseq("1"))
    book.settle(Dseq("1"), Usd(5))
    book.store.clock = ConsoleClock(console, lambda: ahead)
    assert (book.fold(), book.status().today) == (0, Usd(5))


def test_what_was_settled_in_the_future_is_of_today_once_that_is_known(book: Book, clock: Clock) -> None:
    now, clock.now = clock.now, clock.now + 45 * DAY_SECONDS
    for dseq in ("1", "2"):
        book.open(Usd(2), Dseq(dseq))
        book.settle(Dseq(dseq), Usd(1))
        clock.now += 3 * DAY_SECONDS
    clock.now = now
    assert book.store.run_now(bring_back) == 2
    assert (book.status().month, book.status().total) == (Usd(2), Usd(2))
    clock.now += 31 * DAY_SECONDS
    assert (book.status().month, book.status().total) == (Usd(0), Usd(2))
    assert book.store.run_now(bring_back) == 0


def test_nobody_folds_what_belongs_to_another_account(book: Book, clock: Clock) -> None:
    book.release(book.open(Usd(1), Dseq("1")))
    clock.now += KEPT_DAYS * DAY_SECONDS + 1
    book.store.account = "another"
    assert (book.fold(), rows(book), book.status().total) == (0, 1, Usd(0))


def test_what_an_older_version_settled_counts(book: Book, clock: Clock) -> None:
    november, december = clock.now - 5 * DAY_SECONDS, clock.now + 1
    with contextlib.closing(sqlite3.connect(book.store.path)) as older:
        for version in VERSIONS[:4]:
            older.executescript(version)
        older.executemany(
            "INSERT INTO reservations VALUES (?, ?, 1, 5000000, ?, ?, ?)",
            [
                ("op_1", "1", 1_000_001, "settled", november),
                ("op_2", "2", 2_000_000, "settled", december),
                ("op_3", "3", 500_000, "settled", december),
                ("op_4", "4", None, "refused", december),
                ("op_5", "5", None, "held", november),
            ],
        )
        older.execute("PRAGMA user_version=4")
        older.commit()
    status = book.status()
    assert (status.total, status.month, status.held) == (Usd("8.500001"), Usd("2.5"), Usd(5))


@pytest.mark.parametrize(
    ("sql", "index"),
    [
        (HELD_SQL, "USING INDEX reservations_held (account=? AND state=?)"),
        (TODAY_SQL, "USING INDEX reservations_of_a_time (account=? AND at>?)"),
        (SPENT_SQL, "(account=?)"),
        (OLD_SQL, "USING INDEX operations_to_slim (account=? AND updated_at<?)"),
    ],
)
def test_a_check_looks_its_rows_up(book: Book, sql: str, index: str) -> None:
    values = dict.fromkeys(("account", "besides", "first"), "") | dict.fromkeys(("month", "since", "old"), 0)

    def plan(db: Db) -> list[str]:
        return [row["detail"] for row in db.all(f"EXPLAIN QUERY PLAN {sql}", **values)]

    steps = book.store.read_now(plan)
    assert index in steps[0]
    assert not [step for step in steps if step.startswith("SCAN")]


class Explained:
    """An open transaction that notes how SQLite finds the rows of each statement."""

    def __init__(self, db: Db) -> None:
        self._db = db
        self.steps: list[str] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._db, name)
        if name not in ("all", "one", "value", "run"):
            return found

        def call(sql: str, **values: Any) -> Any:
            self.steps += [row["detail"] for row in self._db.all(f"EXPLAIN QUERY PLAN {sql}", **values)]
            return found(sql, **values)

        return call


@pytest.mark.parametrize(
    "work",
    [
        lambda book, db: journal.open_operation(db, OpId("op_1"), journal.Kind.LAUNCH, "At most $1.00."),
        lambda book, db: journal.newest(db, OpId("op_0")),
        lambda book, db: book.ledger.reserve(db, OpId("op_1"), Usd(1), dseq=None, rate=Usd(1)),
        lambda book, db: book.ledger.reserve(db, OpId("op_1"), Usd(1), dseq=Dseq("1")),
        lambda book, db: book.ledger.reserve_rate(db, Dseq("1"), Usd(1)),
        lambda book, db: book.ledger.settle(db, Dseq("1"), Usd(1)),
        lambda book, db: book.ledger.held(db, Dseq("1")),
        lambda book, db: book.ledger.held_by(db, OpId("op_0")),
        lambda book, db: book.ledger.fold(db),
    ],
    ids=["open", "newest", "reserve", "add", "rate", "settle", "held", "held by", "fold"],
)
def test_nothing_reads_the_whole_ledger(book: Book, work: Callable[[Book, Any], object]) -> None:
    def opened(db: Db) -> list[str]:
        journal.open_operation(db, OpId("op_0"), journal.Kind.LAUNCH, "At most $1.00.", dseq=Dseq("1"))
        book.ledger.reserve(db, OpId("op_0"), Usd(1), dseq=None, rate=Usd(1))
        book.ledger.attach(db, OpId("op_0"), Dseq("1"))
        watched = Explained(db)
        work(book, watched)
        return watched.steps

    steps = book.store.run_now(opened)
    assert steps
    # The greatest of a column without an index is "SEARCH operations", and reads all of it.
    reads = [step for step in steps if step.startswith(("SCAN ", "SEARCH ")) and step != "SCAN CONSTANT ROW"]
    assert not [step for step in reads if " USING " not in step]
