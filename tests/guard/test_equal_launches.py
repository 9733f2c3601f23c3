"""A question says so where the same was launched a moment ago: a model that lost an answer may be asking again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ledger_book import Book, Clock

from akash_mcp.guard.approval import equal_launches
from akash_mcp.guard.approval.equal_launches import EQUAL_SECONDS
from akash_mcp.guard.books import journal
from akash_mcp.guard.books.journal import Kind, Sources, State
from akash_mcp.guard.books.store import Db
from akash_mcp.guard.plans.contents import App, Contents
from akash_mcp.guard.plans.plan_record import text_of
from akash_mcp.guard.plans.plans import LaunchPlan
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.ids import Dseq, OpId
from akash_mcp.money import Usd

FIRST = OpId("op_0123456789abcdef")
DSEQ = Dseq("1763759482113")
PLAN = LaunchPlan(
    tool="deploy",
    sdl="services: {}",
    manifest='[{"name":"web"}]',
    contents=Contents((App("web", "nginx:1.27", 1),)),
    deposit=Usd(1),
    max_usd_per_hour=Usd("0.05"),
    groups=1,
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(tmp_path: Path, clock: Clock) -> Book:
    return Book(tmp_path, Policy(), clock)


def begin(book: Book, *, state: State = State.RESERVED, created: bool = False) -> None:
    """Let a launch in, as the gate does, and bring it so far."""

    def work(db: Db) -> None:
        journal.open_operation(db, FIRST, Kind.LAUNCH, PLAN.record, plan=text_of(PLAN))
        book.ledger.reserve(db, FIRST, PLAN.exposure, dseq=None, rate=PLAN.max_usd_per_hour)
        if created:
            journal.created(db, FIRST, DSEQ, Sources(PLAN.sdl, PLAN.manifest))
            book.ledger.attach(db, FIRST, DSEQ)
        journal.advance(db, FIRST, state, "so far")

    book.store.run_now(work)


def warned(book: Book, plan: LaunchPlan = PLAN) -> str:
    return book.store.read_now(equal_launches.warning, plan)


def test_nothing_was_launched_before(book: Book) -> None:
    assert warned(book) == ""


def test_one_under_way_is_named_before_it_sends_anything(book: Book, clock: Clock) -> None:
    begin(book)
    clock.now += 130
    assert warned(book) == (
        f"An equal deployment is under way: operation {FIRST}, begun 2 minutes ago. This would be a second one; "
        f'get_deployment(id="{FIRST}", wait_for="ready") follows the first.'
    )


def test_one_that_runs_is_named_with_its_deployment(book: Book) -> None:
    begin(book, state=State.READY, created=True)
    assert warned(book) == (
        f"An equal deployment runs already: operation {FIRST} (deployment {DSEQ}), begun a moment ago. This would be "
        f'a second one; get_deployment(id="{FIRST}", wait_for="ready") shows the first.'
    )


def test_one_whose_answer_was_lost_is_named(book: Book) -> None:
    begin(book, state=State.UNKNOWN)
    said = warned(book)
    assert said.startswith("What became of an equal deployment is not known: operation op_")
    assert said.endswith(f'get_deployment(id="{FIRST}") says what is known of it.')


@pytest.mark.parametrize("state", [State.REFUSED, State.CLOSED])
def test_one_that_costs_nothing_any_more_is_not_named(book: Book, state: State) -> None:
    begin(book, state=state)
    assert warned(book) == ""


def test_what_differs_is_not_equal(book: Book, clock: Clock, tmp_path: Path) -> None:
    begin(book)
    assert warned(book, replace(PLAN, manifest="[]")) == ""
    assert warned(book, replace(PLAN, deposit=Usd(2))) == ""
    assert warned(Book(tmp_path, Policy(), clock, agent="builder")) == ""
    clock.now += EQUAL_SECONDS
    assert warned(book) == ""


def test_the_warning_stands_in_the_question_and_changes_no_plan() -> None:
    told = replace(PLAN, equal="An equal deployment is under way.")
    assert told.summary.startswith("At most $1.00. An equal deployment is under way. Deploy ")
    assert told.fingerprint == PLAN.fingerprint
