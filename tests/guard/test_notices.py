"""Notices: each is told once, whoever tells it, and what was said already is not said again the same day."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from akash_mcp.guard.books import audit, notices
from akash_mcp.guard.books.notices import Level
from akash_mcp.guard.books.store import Store
from akash_mcp.ids import Dseq, OpId

HOUR = 3_600.0


class Clock:
    """A clock that stands where it was put."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with closing(Store(tmp_path, clock)) as store:
        store.account = "mine"
        yield store


def give(store: Store, text: str, dseq: str | None = None, about: str = "") -> bool:
    return store.run_now(notices.note, text, dseq=Dseq(dseq) if dseq else None, about=about)


def taken(store: Store) -> list[str]:
    return [notice.text for notice in store.run_now(notices.take)]


def sent(store: Store) -> list[str]:
    return [notice.text for notice in store.run_now(notices.take_unsent)]


def test_a_notice_is_told_once_whole_and_in_order(store: Store) -> None:
    store.run_now(
        notices.note,
        "Deployment 7 was closed at its end. It cost 0.42 USD.",
        level=Level.INFO,
        dseq=Dseq("7"),
        op_id=OpId("op_1"),
    )
    give(store, "The budget ends.")
    first, second = store.run_now(notices.take)
    assert (first.level, first.dseq, first.op_id, first.at) == (Level.INFO, "7", "op_1", 1_000_000.0)
    assert first.text == "Deployment 7 was closed at its end. It cost 0.42 USD."
    assert (second.text, second.level, second.dseq) == ("The budget ends.", Level.WARNING, None)
    assert taken(store) == []


def test_reading_takes_nothing(store: Store) -> None:
    give(store, "one")
    for _ in range(2):
        assert [notice.text for notice in store.read_now(notices.pending)] == ["one"]
    assert taken(store) == ["one"]
    assert store.read_now(notices.pending) == []


def test_what_is_new_since_a_number_is_read_without_taking_it(store: Store) -> None:
    assert store.read_now(notices.newest_number) == 0
    give(store, "first")
    seen = store.read_now(notices.newest_number)
    give(store, "second", "1763759482113")
    (new,) = store.read_now(notices.since, seen)
    assert (new.text, new.dseq) == ("second", "1763759482113")
    assert store.read_now(notices.since, new.number) == []
    assert len(taken(store)) == 2
    store.account = "somebody else's"
    assert store.read_now(notices.newest_number) == 0
    assert store.read_now(notices.since, 0) == []


def test_more_than_one_answer_holds_are_left_for_the_next(store: Store) -> None:
    for number in range(25):
        give(store, f"notice {number}")
    assert taken(store) == [f"notice {number}" for number in range(10)]
    assert [notice.text for notice in store.run_now(notices.take, 3)] == [f"notice {n}" for n in (10, 11, 12)]
    assert len(store.read_now(notices.pending)) == 12


def test_an_account_gets_only_what_is_its_own(store: Store) -> None:
    give(store, "mine")
    store.account = "another's"
    assert store.read_now(notices.pending) == []
    assert taken(store) == sent(store) == []
    assert give(store, "mine")  # the same words about another's money
    assert taken(store) == ["mine"]


@pytest.mark.parametrize("told", [False, True])
def test_the_same_is_not_said_twice_a_day(store: Store, clock: Clock, told: bool) -> None:
    assert give(store, "The escrow ends.", "7")
    if told:
        assert taken(store) == ["The escrow ends."]
    clock.now += 23.9 * HOUR
    assert not give(store, "The escrow ends.", "7")
    assert give(store, "The escrow ends.", "8")
    assert give(store, "The escrow ends.")
    assert give(store, "The escrow has ended.", "7")
    clock.now += 0.2 * HOUR
    assert give(store, "The escrow ends.", "7")


def test_what_it_is_about_makes_two_equal_though_the_amount_moved(store: Store) -> None:
    assert give(store, "2.31 USD are left.", "7", about="escrow ends")
    assert not give(store, "2.29 USD are left.", "7", about="escrow ends")
    assert give(store, "2.29 USD are left.", "8", about="escrow ends")
    assert taken(store) == ["2.31 USD are left.", "2.29 USD are left."]


def test_a_text_is_one_clean_line(store: Store) -> None:
    give(store, "Deployment 7 said:\nDB_PASSWORD=hunter2hunter2 \x1b[31m" + "x" * 2_000)
    (text,) = taken(store)
    assert "hunter2" not in text
    assert not any(mark in text for mark in "\n\x1b")
    assert len(text.encode()) <= notices.LONGEST_NOTICE


def test_the_person_gets_it_once_whether_an_answer_told_it_or_not(store: Store) -> None:
    give(store, "one")
    assert store.read_now(notices.any_unsent)
    assert taken(store) == ["one"]
    assert sent(store) == ["one"]
    assert sent(store) == []
    assert not store.read_now(notices.any_unsent)
    give(store, "two")
    assert sent(store) == ["two"]
    assert taken(store) == ["two"]


def test_who_is_told_for_the_first_time_gets_no_history(store: Store, clock: Clock) -> None:
    give(store, "long ago")
    clock.now += 1.1 * HOUR
    give(store, "now")
    assert sent(store) == ["now"]
    assert taken(store) == ["long ago", "now"]  # an answer tells all


def test_what_was_told_long_ago_goes_and_what_was_not_stays(store: Store, clock: Clock) -> None:
    give(store, "told")
    taken(store)
    give(store, "not told")
    clock.now += 31 * 24 * HOUR
    give(store, "new")
    assert store.read_now(
        lambda db: [row["text"] for row in db.all("SELECT text FROM notices ORDER BY number")]
    ) == [
        "not told",
        "new",
    ]


TAKER = """
import json, sys
from pathlib import Path
from akash_mcp.guard.books import audit, notices
from akash_mcp.guard.books.store import Store

store = Store(Path(sys.argv[1]), lambda: 1_000_000.0)
store.account = "mine"
taken = []
while part := store.run_now(notices.take, 2):
    taken += [notice.number for notice in part]
print(json.dumps(taken))
"""


def test_processes_that_take_at_once_tell_each_notice_once(store: Store, tmp_path: Path) -> None:
    for number in range(60):
        give(store, f"notice {number}")
    processes = [
        subprocess.Popen([sys.executable, "-c", TAKER, str(tmp_path)], stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    told = [json.loads(process.communicate(timeout=50)[0]) for process in processes]
    assert all(process.returncode == 0 for process in processes)
    assert sorted(number for each in told for number in each) == list(range(1, 61))


def test_what_was_found_is_in_the_audit_too(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.account = "akash:akash1owner"
    assert store.run_now(notices.note, "Its escrow ends in an hour.", op_id=OpId("op_1"))
    assert not store.run_now(notices.note, "Its escrow ends in an hour.", op_id=OpId("op_1"))
    (row,) = store.read_now(audit.entries)
    assert (row.event, row.op_id, row.text) == ("found", "op_1", "Its escrow ends in an hour.")
