"""Operations that are long over go, and what says that a deployment is ours stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ledger_book import Book, Clock

from akash_mcp.guard.books import old_operations
from akash_mcp.guard.books.old_operations import KEPT_DAYS
from akash_mcp.guard.books.store import Db
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.ids import Dseq, OpId
from akash_mcp.money import Usd

OURS, OTHERS = "1763759482113", "1763759482114"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(tmp_path: Path, clock: Clock) -> Iterator[Book]:
    book = Book(tmp_path, Policy(), clock)
    yield book
    book.store.close()


def put(book: Book, op_id: str, kind: str, state: str, dseq: str | None = OURS) -> None:
    """Write down an operation as it stands, with two steps and one request."""

    def write(db: Db) -> None:
        db.run(
            "INSERT INTO operations (op_id, number, account, agent, kind, state, dseq, name, summary, plan, created_at,"
            " updated_at, epoch, tries) VALUES (:op_id, (SELECT COUNT(*) FROM operations), '', '', :kind, :state,"
            " :dseq, 'blog', 'At most $1.00.', '{}', :now, :now, 1, 0)",
            op_id=op_id,
            kind=kind,
            state=state,
            dseq=dseq,
            now=db.now,
        )
        for number in (1, 2):
            db.run(
                "INSERT INTO steps (op_id, number, at, state, note) VALUES (:op_id, :number, :now, :state, '')",
                op_id=op_id,
                number=number,
                now=db.now,
                state=state,
            )
        db.run(
            "INSERT INTO sends (op_id, step, epoch, at, about) VALUES (:op_id, 'create', 1, :now, '{}')",
            op_id=op_id,
            now=db.now,
        )

    book.store.run_now(write)


def kept(book: Book) -> dict[str, tuple[str, int]]:
    """What is left of each operation: its summary, and how many steps and requests."""

    def read(db: Db) -> dict[str, tuple[str, int]]:
        count = "(SELECT COUNT(*) FROM {0} WHERE {0}.op_id = operations.op_id)"
        rows = db.all(
            f"SELECT op_id, summary, {count.format('steps')} + {count.format('sends')} AS n FROM operations"
        )
        return {row["op_id"]: (row["summary"], row["n"]) for row in rows}

    return book.store.read_now(read)


def test_of_a_closed_deployment_only_its_slim_launch_is_left(book: Book, clock: Clock) -> None:
    put(book, "op_launch", "launch", "closed")
    for kind in ("lease", "fund", "update", "close", "exec"):
        put(book, f"op_{kind}", kind, "done")
    clock.now += KEPT_DAYS * 86_400
    assert book.store.run_now(old_operations.fold) == 0
    clock.now += 1
    assert book.store.run_now(old_operations.fold) == 6
    assert kept(book) == {"op_launch": ("", 0)}
    assert book.store.run_now(old_operations.fold) == 0


@pytest.mark.parametrize("state", ["ready", "leased", "unknown", "refused"])
def test_what_belongs_to_a_deployment_that_may_be_open_stays_whole(
    state: str, book: Book, clock: Clock
) -> None:
    put(book, "op_launch", "launch", state)
    put(book, "op_update", "update", "done")
    clock.now += 400 * 86_400
    assert book.store.run_now(old_operations.fold) == 0
    assert kept(book) == {"op_launch": ("At most $1.00.", 3), "op_update": ("At most $1.00.", 3)}


def test_what_never_became_anything_goes_and_what_is_unknown_stays(book: Book, clock: Clock) -> None:
    put(book, "op_refused", "launch", "refused", None)
    put(book, "op_unknown", "launch", "unknown", None)
    clock.now += 400 * 86_400
    assert book.store.run_now(old_operations.fold) == 1
    assert list(kept(book)) == ["op_unknown"]


def test_what_still_holds_money_stays(book: Book, clock: Clock) -> None:
    put(book, "op_fund", "fund", "done", OTHERS)
    book.reserve(OpId("op_fund"), Usd(1), dseq=Dseq(OTHERS))
    clock.now += 400 * 86_400
    assert book.store.run_now(old_operations.fold) == 0
    book.settle(Dseq(OTHERS), Usd(1))
    assert book.store.run_now(old_operations.fold) == 1
    assert kept(book) == {}


def test_operations_go_a_bite_at_a_time(book: Book, clock: Clock) -> None:
    for number in range(130):
        put(book, f"op_{number}", "exec", "done", OTHERS)
    clock.now += KEPT_DAYS * 86_400 + 1
    assert [book.store.run_now(old_operations.fold) for _ in range(3)] == [100, 30, 0]
