"""Limits over a month, over all time, on the rate of all together; and named budgets under one roof."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ledger_book import Book, Clock, a_new_op_id

from akash_mcp.errors import OverBudget
from akash_mcp.guard.books.ledger import DAY_SECONDS
from akash_mcp.guard.policy.limits import Limits
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.ids import Dseq
from akash_mcp.money import Usd

ONE, TWO, THREE = Dseq("1763759482113"), Dseq("1763759482114"), Dseq("1763759482115")
A_WEEK = 7 * DAY_SECONDS
WIDE = Limits(max_usd_per_deployment=Usd(50), max_usd_per_day=Usd(100), max_deployments=100)

Keep = Callable[..., Book]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keep(tmp_path: Path, clock: Clock) -> Iterator[Keep]:
    """Open a book in the one folder of a test: `keep(max_usd_per_month=Usd(8))`, `keep("builder", WIDE, …)`."""
    books: list[Book] = []

    def keep(agent: str = "", roof: Limits | None = None, **limits: object) -> Book:
        wide = {
            "max_usd_per_deployment": WIDE.max_usd_per_deployment,
            "max_usd_per_day": WIDE.max_usd_per_day,
            "max_deployments": WIDE.max_deployments,
        }
        policy = Policy(agent=agent, roof=roof, **{**wide, **limits})  # type: ignore[arg-type]  # limits by name
        books.append(Book(tmp_path, policy, clock, agent))
        return books[-1]

    yield keep
    for book in books:
        book.store.close()


def refusal(ask: Callable[[], object]) -> str:
    with pytest.raises(OverBudget) as refused:
        ask()
    return str(refused.value)


def test_a_month_s_limit_counts_what_is_held_and_what_was_spent(keep: Keep, clock: Clock) -> None:
    book = keep(max_usd_per_month=Usd(8))
    book.open(Usd(5), ONE)
    book.settle(ONE, Usd(2))
    clock.now += A_WEEK
    book.open(Usd(5), TWO)
    assert book.status().month == Usd(7)
    told = refusal(lambda: book.reserve(a_new_op_id(), Usd("1.01"), dseq=None))
    assert "This needs $1.01, and $1.00 is left of the $8.00 allowed this month (UTC)." in told
    assert "AKASH_MCP_MAX_USD_PER_MONTH" in told
    book.reserve(a_new_op_id(), Usd(1), dseq=None)


def test_a_month_is_the_calendar_s_in_utc(keep: Keep, clock: Clock) -> None:
    book = keep(max_usd_per_month=Usd(8))
    clock.now -= 1  # the last second of November
    book.open(Usd(5), ONE)
    book.open(Usd(3), TWO)
    assert book.status().left_this_month == Usd(0)
    clock.now += 1
    status = book.status()
    assert (status.month, status.left_this_month, status.held) == (Usd(0), Usd(8), Usd(8))
    # What was reserved in November is November's, whenever it is settled.
    book.settle(ONE, Usd(5))
    assert book.status().month == Usd(0)
    clock.now -= 1
    assert book.status().month == Usd(8)


def test_what_may_be_spent_in_all_does_not_come_back_with_time(keep: Keep, clock: Clock) -> None:
    book = keep(max_usd_total=Usd(8))
    book.open(Usd(5), ONE)
    book.settle(ONE, Usd(4))
    clock.now += 400 * DAY_SECONDS
    book.open(Usd(3), TWO)
    status = book.status()
    assert (status.total, status.left_in_all) == (Usd(7), Usd(1))
    told = refusal(lambda: book.reserve(a_new_op_id(), Usd(2), dseq=TWO))
    assert "$1.00 is left of the $8.00 allowed in all" in told
    assert "AKASH_MCP_MAX_USD_TOTAL" in told


def test_without_a_limit_nothing_is_said_to_be_left(keep: Keep) -> None:
    status = keep().status()
    assert (status.left_this_month, status.left_in_all, status.left_per_hour) == (None, None, None)


def test_the_rate_of_all_that_is_open_is_bounded(keep: Keep) -> None:
    book = keep(max_usd_per_hour_together=Usd(1))
    book.open(Usd(1), ONE, rate=Usd("0.7"))
    told = refusal(lambda: book.check(Usd(1), dseq=None, rate=Usd("0.31")))
    assert "This can cost $0.31 an hour, and $0.30 an hour is left of the $1.00 allowed for all open" in told
    assert "AKASH_MCP_MAX_USD_PER_HOUR_TOGETHER" in told
    book.open(Usd(1), TWO, rate=Usd("0.3"))
    assert (book.status().usd_per_hour, book.status().left_per_hour) == (Usd(1), Usd(0))
    book.settle(ONE, Usd(1))
    assert book.status().left_per_hour == Usd("0.7")


def test_money_for_what_is_open_adds_nothing_to_the_rate(keep: Keep) -> None:
    book = keep(max_usd_per_hour_together=Usd(1))
    book.open(Usd(1), ONE, rate=Usd(1))
    book.reserve(a_new_op_id(), Usd(1), dseq=ONE, rate=Usd(1))
    assert book.status().usd_per_hour == Usd(1)


def test_what_is_leased_counts_and_not_what_was_allowed(keep: Keep) -> None:
    book = keep(max_usd_per_hour_together=Usd(1))
    book.open(Usd(1), ONE, rate=Usd(1))
    book.note_rate(ONE, Usd("0.0000001"))
    assert book.status().usd_per_hour == Usd("0.000001")  # in whole uact, rounded up
    book.note_rate(ONE, Usd("1.2"))  # that much has come about
    assert (book.status().usd_per_hour, book.status().left_per_hour) == (Usd("1.2"), Usd(0))


def test_without_a_lease_what_was_allowed_still_counts(keep: Keep) -> None:
    book = keep(max_usd_per_hour_together=Usd(1))
    book.open(Usd(1), ONE, rate=Usd("0.4"))
    book.note_rate(ONE, Usd(0))
    assert book.status().usd_per_hour == Usd("0.4")


def test_a_lease_may_cost_more_than_was_thought_where_that_fits(keep: Keep) -> None:
    book = keep(max_usd_per_hour_together=Usd(1))
    book.open(Usd(1), ONE, rate=Usd("0.2"))
    book.open(Usd(1), TWO, rate=Usd("0.3"))
    assert "$0.70 an hour is left" in refusal(lambda: book.check_rate(ONE, Usd("0.71")))
    assert "$0.70 an hour is left" in refusal(lambda: book.reserve_rate(ONE, Usd("0.71")))
    book.reserve_rate(ONE, Usd("0.7"))
    assert book.status().left_per_hour == Usd(0)
    book.reserve_rate(ONE, Usd("0.1"))  # what was allowed stays allowed
    assert book.status().usd_per_hour == Usd(1)


def test_a_rate_that_is_not_known_fits_nowhere_that_rates_are_limited(keep: Keep) -> None:
    unlimited = keep()
    unlimited.open(Usd(1), ONE)
    book = keep(max_usd_per_hour_together=Usd(1))
    assert "What this can cost an hour is not known" in refusal(lambda: book.check(Usd(1), dseq=None))
    told = refusal(lambda: book.check(Usd(1), dseq=None, rate=Usd("0.1")))
    assert "What 1 of the open deployments can cost an hour is not known" in told
    book.reserve_rate(ONE, Usd("0.2"))  # the one itself may be leased
    book.check(Usd(1), dseq=None, rate=Usd("0.8"))


def test_an_agent_has_its_own_budget_under_the_roof(keep: Keep) -> None:
    roof = Limits(max_usd_per_deployment=Usd(50), max_usd_per_day=Usd(10), max_deployments=3)
    builder = keep("builder", roof, max_usd_per_day=Usd(6), max_deployments=2)
    tester = keep("tester", roof, max_usd_per_day=Usd(9), max_deployments=2)
    builder.open(Usd(4), ONE)
    told = refusal(lambda: builder.check(Usd(3), dseq=None))
    assert "This needs $3.00, and $2.00 is left of the $6.00 allowed to agent builder in 24 hours." in told
    assert "max_usd_per_day of [agents.builder]" in told
    tester.open(Usd(5), TWO)
    told = refusal(lambda: tester.check(Usd(2), dseq=None))
    assert "$1.00 is left of the $10.00 allowed to all agents together in 24 hours" in told
    assert "AKASH_MCP_MAX_USD_PER_DAY" in told
    assert (builder.status().today, tester.status().today) == (Usd(4), Usd(5))
    assert builder.status().roof.committed.today == Usd(9)
    assert builder.status().left_today == tester.status().left_today == Usd(1)


def test_the_number_of_deployments_is_bounded_for_an_agent_and_for_all(keep: Keep) -> None:
    roof = Limits(max_usd_per_deployment=Usd(50), max_usd_per_day=Usd(100), max_deployments=3)
    builder = keep("builder", roof, max_deployments=2)
    tester = keep("tester", roof, max_deployments=2)
    for dseq in (ONE, TWO):
        builder.open(Usd(1), dseq)
    told = refusal(lambda: builder.check(Usd(1), dseq=None))
    assert "2 deployments are open, which is the limit of agent builder." in told
    tester.open(Usd(1), THREE)
    told = refusal(lambda: tester.check(Usd(1), dseq=None))
    assert "3 deployments are open, which is the limit of all agents together." in told


def test_months_rates_and_totals_have_a_roof_too(keep: Keep) -> None:
    roof = Limits(max_usd_per_month=Usd(10), max_usd_total=Usd(12), max_usd_per_hour_together=Usd(1))
    builder = keep("builder", roof, max_usd_per_month=Usd(5), max_usd_total=Usd(7))
    tester = keep("tester", roof)
    builder.open(Usd(5), ONE, rate=Usd("0.6"))
    assert builder.status().left_this_month == Usd(0)
    assert (tester.status().left_this_month, tester.status().left_in_all) == (Usd(5), Usd(7))
    assert "allowed to all agents together for all open deployments" in refusal(
        lambda: tester.check(Usd(1), dseq=None, rate=Usd("0.5"))
    )
    assert "allowed to agent builder this month (UTC)" in refusal(lambda: builder.check(Usd(1), dseq=ONE))


def test_whoever_adds_to_a_deployment_pays_for_it_and_its_limit_is_one(keep: Keep) -> None:
    roof = Limits(max_usd_per_deployment=Usd(6))
    builder = keep("builder", roof, max_usd_per_deployment=Usd(6))
    tester = keep("tester", roof, max_usd_per_deployment=Usd(5))
    builder.open(Usd(4), ONE)
    assert "one deployment cost $5.50, over the limit of $5.00" in refusal(
        lambda: tester.check(Usd("1.5"), dseq=ONE)
    )
    tester.reserve(a_new_op_id(), Usd(1), dseq=ONE)
    tester.settle(ONE, Usd("4.25"))
    assert (builder.status().today, tester.status().today) == (Usd(4), Usd("0.25"))


def test_no_agent_lets_another_s_deployment_cost_more_than_that_one_was_allowed(keep: Keep) -> None:
    builder, tester = keep("builder", WIDE, max_usd_per_hour_together=Usd(1)), keep("tester", WIDE)
    builder.open(Usd(1), ONE, rate=Usd("0.5"))
    told = refusal(lambda: tester.reserve_rate(ONE, Usd("0.6")))
    assert "$0.60 an hour is over the $0.50 an hour that agent builder opened this deployment for" in told
    tester.reserve_rate(ONE, Usd("0.5"))
    builder.reserve_rate(ONE, Usd(1))
    plain = keep()
    plain.reserve_rate(ONE, Usd(2))  # who works for no agent in particular answers for all
    assert builder.status().usd_per_hour == Usd(2)


def test_what_each_agent_committed_is_known_to_all(keep: Keep) -> None:
    keep("builder", WIDE).open(Usd(3), ONE)
    keep().open(Usd(2), TWO)
    tester = keep("tester", WIDE)
    tester.settle(TWO, Usd(1))
    by_agent = tester.store.read_now(tester.ledger.by_agent)
    assert {name: (each.held, each.today, each.total) for name, each in by_agent.items()} == {
        "builder": (Usd(3), Usd(3), Usd(3)),
        "": (Usd(0), Usd(1), Usd(1)),
    }


def test_what_another_account_holds_and_spent_is_nobody_s_here(keep: Keep) -> None:
    book = keep()
    empty = book.status()
    book.open(Usd(3), ONE)
    book.open(Usd(2), TWO)
    book.settle(TWO, Usd(1))
    book.store.account = "another"
    assert book.status() == empty


def test_a_server_for_no_agent_in_particular_answers_for_all(keep: Keep) -> None:
    keep("builder", WIDE, max_usd_per_day=Usd(6)).open(Usd(4), ONE)
    plain = keep(max_usd_per_day=Usd(5))
    assert plain.status().today == Usd(4)
    status = plain.status()
    assert status.standings == (status.own,)
    told = refusal(lambda: plain.check(Usd(2), dseq=None))
    assert "$1.00 is left of the $5.00 allowed in 24 hours" in told


def test_less_than_a_uact_is_held_as_one(keep: Keep) -> None:
    book = keep(max_usd_per_day=Usd("0.0000015"))
    book.reserve(a_new_op_id(), Usd("0.0000001"), dseq=None)
    assert book.status().today == Usd("0.000001")
    assert "is left" in refusal(lambda: book.reserve(a_new_op_id(), Usd("0.0000001"), dseq=None))


def test_a_rate_of_less_than_a_uact_counts_as_one(keep: Keep) -> None:
    book = keep(max_usd_per_hour_together=Usd("0.0000015"))
    book.open(Usd(1), ONE, rate=Usd("0.0000001"))
    assert "an hour is left" in refusal(lambda: book.check(Usd(1), dseq=None, rate=Usd("0.0000001")))
    assert "an hour is left" in refusal(lambda: book.check_rate(ONE, Usd("0.0000011")))


def test_what_has_no_number_yet_has_a_rate_too(keep: Keep) -> None:
    keep().reserve(a_new_op_id(), Usd(1), dseq=None)
    book = keep(max_usd_per_hour_together=Usd(1))
    assert "1 of the open deployments" in refusal(lambda: book.check(Usd(1), dseq=None, rate=Usd("0.1")))


def test_what_is_settled_on_one_day_adds_up_for_whom_it_was_reserved(keep: Keep) -> None:
    builder, tester = keep("builder", WIDE), keep("tester", WIDE)
    for dseq, spent in ((ONE, Usd(1)), (TWO, Usd(2))):
        builder.open(Usd(5), dseq)
        tester.settle(dseq, spent)  # whoever sees that it is closed
    assert (builder.status().total, builder.status().month) == (Usd(3), Usd(3))
    assert tester.status().total == Usd(0)
