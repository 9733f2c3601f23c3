"""What was spent within 24 hours, as the ledger knows it: never less than it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from ledger_book import Book, Clock, a_new_op_id

from akash_mcp.guard.books import journal, spending
from akash_mcp.guard.books.journal import Kind, Sources, State
from akash_mcp.guard.books.ledger import DAY_SECONDS
from akash_mcp.guard.books.spending import OpenAccount, Spending
from akash_mcp.guard.books.store import Db
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.ids import Dseq, OpId
from akash_mcp.money import Usd

DSEQ = Dseq("1763759482113")
OTHER = Dseq("1763759482114")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(tmp_path: Path, clock: Clock) -> Book:
    return Book(tmp_path, Policy(), clock)


def launch(book: Book, dseq: Dseq | None, amount: Usd, *, state: State = State.CREATED) -> OpId:
    op_id = a_new_op_id()

    def work(db: Db) -> None:
        journal.open_operation(db, op_id, Kind.LAUNCH, "At most that.")
        book.ledger.reserve(db, op_id, amount, dseq=None)
        if dseq is not None:
            journal.created(db, op_id, dseq, Sources("services: {}", "[]"))
            book.ledger.attach(db, op_id, dseq)
        journal.advance(db, op_id, state)

    book.store.run_now(work)
    return op_id


def close(book: Book, dseq: Dseq, spent: Usd) -> None:
    def work(db: Db) -> None:
        book.ledger.settle(db, dseq, spent)
        journal.mark_closed(db, dseq, "")

    book.store.run_now(work)


def within_a_day(book: Book, agent: str | None = None) -> Spending:
    return book.store.read_now(spending.within_a_day, agent)


def test_what_is_settled_counts_for_24_hours(book: Book, clock: Clock) -> None:
    launch(book, DSEQ, Usd(2))
    close(book, DSEQ, Usd("0.75"))
    assert within_a_day(book) == Spending(Usd("0.75"), {}, Usd(0), 0)
    clock.now += DAY_SECONDS
    assert within_a_day(book).settled == Usd(0)


def test_what_began_earlier_and_ended_today_counts_whole(book: Book, clock: Clock) -> None:
    launch(book, DSEQ, Usd(2))
    clock.now += 3 * DAY_SECONDS
    close(book, DSEQ, Usd("1.5"))
    assert within_a_day(book).settled == Usd("1.5")


def test_what_is_open_is_named_with_what_is_held(book: Book) -> None:
    launch(book, DSEQ, Usd(2))
    book.reserve(a_new_op_id(), Usd(1), dseq=DSEQ)
    book.reserve(a_new_op_id(), Usd(3), dseq=OTHER)
    assert within_a_day(book).open == {DSEQ: OpenAccount(Usd(3), True), OTHER: OpenAccount(Usd(3), False)}


def test_a_launch_whose_answer_was_lost_counts_with_what_it_holds(book: Book) -> None:
    launch(book, None, Usd(2), state=State.RESERVED)
    assert within_a_day(book) == Spending(Usd(0), {}, Usd(0), 0)
    launch(book, None, Usd(4), state=State.UNKNOWN)
    assert within_a_day(book) == Spending(Usd(0), {}, Usd(4), 1)


def test_an_agent_sees_its_own(book: Book, tmp_path: Path, clock: Clock) -> None:
    launch(Book(tmp_path, Policy(), clock, agent="builder"), DSEQ, Usd(2))
    launch(Book(tmp_path, Policy(), clock, agent="tester"), OTHER, Usd(1))
    close(book, OTHER, Usd("0.5"))
    assert within_a_day(book, "builder") == Spending(Usd(0), {DSEQ: OpenAccount(Usd(2), True)}, Usd(0), 0)
    assert within_a_day(book, "tester") == Spending(Usd("0.5"), {}, Usd(0), 0)
    assert (within_a_day(book).settled, set(within_a_day(book).open)) == (Usd("0.5"), {DSEQ})
