"""The ledger: limits hold whatever is reserved, refused, settled, and by however many processes."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from ledger_book import Book, Clock

from akash_mcp.errors import LedgerUnusable, OverBudget
from akash_mcp.guard.books.journal import new_op_id
from akash_mcp.guard.books.ledger import DAY_SECONDS
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.ids import Dseq, OpId
from akash_mcp.money import Usd

POLICY = Policy(max_usd_per_deployment=Usd(5), max_usd_per_day=Usd(8), max_deployments=2)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Iterator[Book]:
    book = Book(tmp_path / "state", POLICY, clock)
    yield book
    book.store.close()


def test_a_deployment_over_the_limit_is_refused_and_leaves_no_trace(ledger: Book) -> None:
    with pytest.raises(OverBudget, match=r"\$5\.01.*limit of \$5\.00"):
        ledger.reserve(new_op_id(), Usd("5.01"), dseq=None)
    assert ledger.status().held == Usd(0)


def test_the_day_limit_counts_what_is_held(ledger: Book) -> None:
    ledger.reserve(new_op_id(), Usd(5), dseq=None)
    with pytest.raises(OverBudget, match=r"\$3\.00 is left of the \$8\.00"):
        ledger.reserve(new_op_id(), Usd("3.01"), dseq=None)


def test_added_funds_count_toward_the_deployment(ledger: Book) -> None:
    op = new_op_id()
    ledger.reserve(op, Usd(4), dseq=None)
    ledger.attach(op, Dseq("1763759482113"))
    with pytest.raises(OverBudget, match="per deployment"):
        ledger.reserve(new_op_id(), Usd(2), dseq=Dseq("1763759482113"))


def test_the_number_of_open_deployments_is_bounded(ledger: Book) -> None:
    ledger.reserve(new_op_id(), Usd(1), dseq=None)
    ledger.reserve(new_op_id(), Usd(1), dseq=None)
    with pytest.raises(OverBudget, match="2 deployments are open"):
        ledger.reserve(new_op_id(), Usd(1), dseq=None)


def test_a_definite_refusal_gives_the_reservation_back(ledger: Book) -> None:
    op = new_op_id()
    ledger.reserve(op, Usd(5), dseq=None)
    ledger.release(op)
    assert ledger.status().today == Usd(0)


def test_a_proven_close_leaves_only_what_was_spent(ledger: Book) -> None:
    op, dseq = new_op_id(), Dseq("1763759482113")
    ledger.reserve(op, Usd(5), dseq=None)
    ledger.attach(op, dseq)
    ledger.settle(dseq, Usd("0.25"))
    standing = ledger.status()
    assert (standing.held, standing.today, standing.live_deployments) == (Usd(0), Usd("0.25"), 0)


def test_a_release_after_the_close_changes_nothing(ledger: Book) -> None:
    op, dseq = new_op_id(), Dseq("1763759482113")
    ledger.reserve(op, Usd(5), dseq=None)
    ledger.attach(op, dseq)
    ledger.settle(dseq, Usd(2))
    ledger.release(op)
    assert ledger.status().today == Usd(2)


def test_more_spent_than_was_reserved_is_counted_whole(ledger: Book) -> None:
    op, dseq = new_op_id(), Dseq("1763759482113")
    ledger.reserve(op, Usd(1), dseq=None)
    ledger.attach(op, dseq)
    ledger.settle(dseq, Usd(3))
    assert ledger.status().today == Usd(3)


def test_what_was_reserved_yesterday_is_still_held_and_no_longer_of_today(ledger: Book, clock: Clock) -> None:
    ledger.reserve(new_op_id(), Usd(5), dseq=None)
    clock.now += DAY_SECONDS + 1
    standing = ledger.status()
    assert (standing.held, standing.today) == (Usd(5), Usd(0))


def test_the_file_is_only_ours(tmp_path: Path, ledger: Book) -> None:
    ledger.status()
    files = list((tmp_path / "state").iterdir())
    assert files
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_nothing_is_opened_before_it_is_needed(tmp_path: Path, ledger: Book) -> None:
    assert not (tmp_path / "state").exists()


def test_a_damaged_ledger_stops_spending_and_only_the_log_says_where_it_is(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    book = Book(tmp_path, POLICY, clock)
    book.store.path.write_bytes(b"this is no database, and long enough that SQLite looks at it" * 40)
    with pytest.raises(LedgerUnusable, match="akash-mcp doctor") as told:
        book.reserve(new_op_id(), Usd(1), dseq=None)
    assert str(tmp_path) not in str(told.value)
    assert str(book.store.path) in caplog.text


DSEQ = Dseq("1763759482113")
NEXT = Dseq("1763759482114")


@pytest.fixture
def wide(tmp_path: Path, clock: Clock) -> Iterator[Book]:
    """A ledger whose limits are not reached here, but for the number of deployments."""
    policy = Policy(max_usd_per_deployment=Usd(50), max_usd_per_day=Usd(100), max_deployments=2)
    book = Book(tmp_path / "wide", policy, clock)
    yield book
    book.store.close()


def opened(ledger: Book, amount: Usd, dseq: Dseq) -> OpId:
    op = new_op_id()
    ledger.reserve(op, amount, dseq=None)
    ledger.attach(op, dseq)
    return op


def test_every_limit_itself_is_allowed(ledger: Book) -> None:
    opened(ledger, Usd(5), DSEQ)
    ledger.reserve(new_op_id(), Usd(3), dseq=None)
    status = ledger.status()
    assert (status.held, status.left_today, status.live_deployments) == (Usd(8), Usd(0), 2)


def test_what_was_added_to_a_deployment_is_no_deployment_of_its_own(wide: Book) -> None:
    opened(wide, Usd(1), DSEQ)
    wide.reserve(new_op_id(), Usd(1), dseq=DSEQ)
    assert wide.status().live_deployments == 1
    wide.reserve(new_op_id(), Usd(1), dseq=None)
    with pytest.raises(OverBudget, match="2 deployments are open, which is the limit"):
        wide.reserve(new_op_id(), Usd(1), dseq=None)


def test_money_may_be_added_when_no_further_deployment_may_be_opened(wide: Book) -> None:
    opened(wide, Usd(1), DSEQ)
    opened(wide, Usd(1), NEXT)
    wide.reserve(new_op_id(), Usd(1), dseq=DSEQ)
    assert wide.held(DSEQ) == Usd(2)


def test_a_closed_deployment_makes_room_for_another(wide: Book) -> None:
    opened(wide, Usd(1), DSEQ)
    opened(wide, Usd(1), NEXT)
    wide.settle(DSEQ, Usd(1))
    wide.reserve(new_op_id(), Usd(1), dseq=None)


def test_each_deployment_holds_its_own(wide: Book) -> None:
    opened(wide, Usd(3), DSEQ)
    refused = opened(wide, Usd(4), NEXT)
    assert (wide.held(DSEQ), wide.held(NEXT)) == (Usd(3), Usd(4))
    wide.release(refused)
    assert (wide.held(DSEQ), wide.held(NEXT)) == (Usd(3), Usd(0))
    wide.settle(DSEQ, Usd(1))
    assert wide.held(DSEQ) == Usd(0)
    assert wide.status().today == Usd(1)


def test_what_was_spent_on_a_deployment_counts_towards_its_limit(ledger: Book) -> None:
    opened(ledger, Usd(3), DSEQ)
    ledger.settle(DSEQ, Usd(3))
    with pytest.raises(OverBudget, match=r"cost \$5\.01, over the limit of \$5\.00 per deployment"):
        ledger.reserve(new_op_id(), Usd("2.01"), dseq=DSEQ)


def test_what_is_spent_goes_with_the_oldest_reservation_first(wide: Book, clock: Clock) -> None:
    opened(wide, Usd(5), DSEQ)
    clock.now += DAY_SECONDS
    wide.reserve(new_op_id(), Usd(5), dseq=DSEQ)
    wide.reserve(new_op_id(), Usd(5), dseq=DSEQ)
    wide.settle(DSEQ, Usd(12))
    # $5.00 of it belong to yesterday.
    assert wide.status().today == Usd(7)


def test_settling_one_deployment_leaves_the_others_alone(wide: Book) -> None:
    opened(wide, Usd(5), DSEQ)
    opened(wide, Usd(4), NEXT)
    wide.settle(DSEQ, Usd(2))
    status = wide.status()
    assert (status.held, status.today, status.live_deployments) == (Usd(4), Usd(6), 1)


def test_of_what_others_created_only_our_money_counts(wide: Book) -> None:
    wide.reserve(new_op_id(), Usd(1), dseq=DSEQ)
    wide.settle(DSEQ, Usd("66.98"))
    assert wide.status().today == Usd(1)


def test_what_came_in_beyond_its_reservation_is_held(wide: Book) -> None:
    op_id = opened(wide, Usd(1), DSEQ)
    wide.hold_at_least(op_id, Usd(3))
    wide.hold_at_least(op_id, Usd(2))
    assert wide.held(DSEQ) == Usd(3)


def test_settling_again_changes_nothing(wide: Book) -> None:
    opened(wide, Usd(5), DSEQ)
    wide.settle(DSEQ, Usd(2))
    wide.settle(DSEQ, Usd(4))
    assert wide.status().today == Usd(2)


def test_a_refused_reservation_is_not_settled(wide: Book) -> None:
    wide.release(opened(wide, Usd(5), DSEQ))
    wide.settle(DSEQ, Usd(2))
    assert wide.status().today == Usd(0)


def test_a_day_is_twenty_four_hours(wide: Book, clock: Clock) -> None:
    wide.reserve(new_op_id(), Usd(5), dseq=None)
    clock.now += 86_400 - 0.5
    assert wide.status().today == Usd(5)
    clock.now += 0.5
    assert wide.status().today == Usd(0)


def test_more_than_the_day_s_limit_leaves_nothing(ledger: Book) -> None:
    opened(ledger, Usd(5), DSEQ)
    ledger.settle(DSEQ, Usd(9))
    status = ledger.status()
    assert (status.today, status.left_today) == (Usd(9), Usd(0))


def test_what_is_left_today(ledger: Book) -> None:
    ledger.reserve(new_op_id(), Usd("4.5"), dseq=None)
    assert ledger.status().left_today == Usd("3.5")


@pytest.mark.parametrize(("amount", "dseq"), [(Usd(6), None), (Usd(1), DSEQ)])
def test_a_check_says_what_a_reservation_would_say_and_reserves_nothing(
    amount: Usd, dseq: Dseq | None, ledger: Book
) -> None:
    opened(ledger, Usd(5), DSEQ)
    with pytest.raises(OverBudget) as asked:
        ledger.check(amount, dseq=dseq)
    with pytest.raises(OverBudget) as reserved:
        ledger.reserve(new_op_id(), amount, dseq=dseq)
    assert str(asked.value) == str(reserved.value)
    ledger.check(Usd(3), dseq=None)
    assert ledger.status().held == Usd(5)


def test_the_limits_that_nobody_set_are_small() -> None:
    policy = Policy()
    assert (policy.max_usd_per_deployment, policy.max_usd_per_day) == (Usd(10), Usd(20))
    assert (policy.max_usd_per_hour, policy.max_deployments) == (None, 5)
    assert policy.audited_only is False


def test_what_one_operation_holds_is_its_own_and_only_while_it_is_held(wide: Book) -> None:
    first = opened(wide, Usd(3), DSEQ)
    second = new_op_id()
    wide.reserve(second, Usd(2), dseq=DSEQ)
    assert (wide.held_by(first), wide.held_by(second)) == (Usd(3), Usd(2))
    wide.settle(DSEQ, Usd(1))
    assert (wide.held_by(first), wide.held_by(second)) == (Usd(0), Usd(0))


def test_more_that_was_spent_than_ours_held_counts_with_what_was_added_to_it(wide: Book) -> None:
    opened(wide, Usd(3), DSEQ)
    wide.reserve(new_op_id(), Usd(2), dseq=DSEQ)
    wide.settle(DSEQ, Usd(9))
    assert wide.status().today == Usd(9)
