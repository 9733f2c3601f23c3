"""The judge of crashes, on what no server did: it finds each thing that can be wrong, and nothing where nothing is."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from crash_verdict import (
    Allowed,
    Book,
    Finding,
    Kind,
    LedgerRows,
    Operation,
    Reservation,
    judge,
    step_of,
)
from stopping_proxy import Passed

OPEN = Book("1001", True, (Decimal(5_000_000),), Decimal(0), Decimal(10), 1)
CLOSED = replace(OPEN, is_open=False, paid_out=Decimal("123.4"))
HELD = Reservation("op_1", "1001", True, 5_000_000, 0, "held")
SETTLED = replace(HELD, state="settled", spent=124)
RUNS = Operation("op_1", "launch", "ready", "1001")
OVER = replace(RUNS, state="closed")
CREATE = Passed("POST /v1/deployments", {"data": {}}, 201)
LEASE = Passed("POST /v1/leases", {}, 200)
ONE_YES = Allowed()


def found(
    book: Book | None,
    row: Reservation | None,
    operation: Operation | None,
    passed: tuple[Passed, ...] = (CREATE, LEASE),
    allowed: Allowed = ONE_YES,
) -> list[Finding]:
    return judge(
        [book] if book else [],
        passed,
        LedgerRows((row,) if row else (), (operation,) if operation else ()),
        allowed,
    )


def kinds(findings: list[Finding]) -> set[Kind]:
    return {finding.kind for finding in findings}


@pytest.mark.parametrize(
    ("book", "row", "operation"),
    [
        (OPEN, HELD, RUNS),
        (OPEN, HELD, replace(RUNS, has_end=True)),
        (CLOSED, SETTLED, OVER),
        (None, None, None),
        (None, replace(HELD, dseq=None, state="refused"), Operation("op_1", "launch", "refused", None)),
    ],
    ids=["runs", "runs to an end", "closed and settled", "nothing", "refused"],
)
def test_what_is_well_is_clean(
    book: Book | None, row: Reservation | None, operation: Operation | None
) -> None:
    assert found(book, row, operation) == []


def test_a_creation_that_reached_the_console_twice_is_a_double_send() -> None:
    assert kinds(found(OPEN, HELD, RUNS, (CREATE, CREATE, LEASE))) == {Kind.DOUBLE}
    assert kinds(found(OPEN, HELD, RUNS, (CREATE, replace_status(CREATE, None)))) == {Kind.DOUBLE}
    assert kinds(found(OPEN, HELD, RUNS, (CREATE, replace_status(CREATE, 500)))) == {Kind.DOUBLE}


def test_one_that_was_definitely_refused_before_is_not() -> None:
    assert found(OPEN, HELD, RUNS, (replace_status(CREATE, 409), CREATE, LEASE)) == []


def test_what_was_only_created_waits_for_a_choice_where_that_was_asked_for_and_it_has_an_end() -> None:
    waits = replace(RUNS, state="created", has_end=True, is_let_go=True)
    book, to_choose = replace(OPEN, leases=0), Allowed(created_is_told=True)
    assert found(book, HELD, waits, (CREATE,), to_choose) == []
    assert kinds(found(book, HELD, waits, (CREATE,))) == {Kind.ORPHAN, Kind.UNFINISHED}
    for lost in (replace(waits, is_let_go=False), replace(waits, has_end=False)):
        assert kinds(found(book, HELD, lost, (CREATE,), to_choose)) == {Kind.ORPHAN, Kind.UNFINISHED}


def test_another_provider_is_tried_only_after_the_first_deployment_is_closed() -> None:
    two_tries = Allowed(providers=2)
    second = replace(OPEN, dseq="1002")
    ledger = LedgerRows(
        (SETTLED, replace(HELD, op_id="op_2", dseq="1002")),
        (OVER, replace(RUNS, op_id="op_2", dseq="1002")),
    )
    passed = (CREATE, LEASE, CREATE, LEASE)
    assert judge([CLOSED, second], passed, ledger, two_tries) == []
    assert kinds(judge([CLOSED, second], passed, ledger, ONE_YES)) == {Kind.DOUBLE}
    assert kinds(judge([CLOSED, second], (*passed, CREATE), ledger, two_tries)) == {Kind.DOUBLE}
    both = LedgerRows((HELD, replace(HELD, op_id="op_2", dseq="1002")), (RUNS, ledger.operations[1]))
    assert [each.words for each in judge([OPEN, second], passed, both, two_tries)] == [
        "2 deployments are open at a time, for 1 yes"
    ]


def replace_status(passed: Passed, status: int | None) -> Passed:
    return Passed(passed.route, passed.body, status)


def test_two_deployments_for_one_yes_are_a_double_send_whatever_was_sent() -> None:
    other = replace(OPEN, dseq="1002", is_open=False, leases=0)
    ledger = LedgerRows((HELD, replace(HELD, op_id="op_2", dseq="1002", state="settled")), (RUNS,))
    told = [str(finding) for finding in judge([OPEN, other], (CREATE,), ledger, ONE_YES)]
    assert told == ["double send: 2 deployments in the books, for 1 yes"]
    leased = [str(finding) for finding in judge([OPEN, replace(other, leases=1)], (), ledger, ONE_YES)]
    assert "double send: 2 deployments were leased, for 1 yes" in leased


def test_two_leases_for_one_group_are_a_double_send_and_a_manifest_delivered_again_is_none() -> None:
    assert kinds(found(replace(OPEN, leases=2), HELD, RUNS)) == {Kind.DOUBLE}
    assert found(replace(OPEN, leases=2, groups=2), HELD, RUNS) == []
    assert found(OPEN, HELD, RUNS, (CREATE, LEASE, LEASE)) == []


def test_a_deposit_for_which_nobody_said_yes_is_a_double_send() -> None:
    twice = replace(OPEN, deposits=(Decimal(5), Decimal(1), Decimal(1)))
    assert kinds(found(twice, HELD, RUNS)) == {Kind.DOUBLE}
    assert kinds(found(twice, HELD, RUNS, allowed=Allowed(deposits=1))) == {Kind.DOUBLE}
    assert found(twice, HELD, RUNS, allowed=Allowed(deposits=2)) == []
    # Where the Console funds by itself it adds what it likes.
    assert found(replace(twice, hours=1, rate=Decimal(1)), HELD, RUNS) == []


@pytest.mark.parametrize(
    ("route", "body", "step"),
    [
        ("POST /v1/deployments", {"data": {}}, "create"),
        ("POST /v1/leases", {}, None),
        ("POST /v1/deposit-deployment", {}, "deposit"),
        ("POST /v1/deployments/deposit/{dseq}", {}, "deposit"),
        ("PATCH /v2/deployment-settings/{dseq}", {"data": {"runtimeLimitHours": 5}}, "limit"),
        ("PATCH /v2/deployment-settings/{dseq}", {"data": {"autoTopUpEnabled": False}}, None),
        ("DELETE /v1/deployments/{dseq}", None, None),
        ("GET /v1/deployments", None, None),
    ],
)
def test_what_spends_is_known_by_its_route_and_body(route: str, body: object, step: str | None) -> None:
    assert step_of(Passed(route, body)) == step


@pytest.mark.parametrize(
    "operation",
    [
        None,
        replace(RUNS, dseq=None),
        replace(RUNS, state="created"),
        replace(RUNS, state="unknown"),
        OVER,
    ],
    ids=["unknown to us", "without its number", "half way", "lost", "taken for closed"],
)
def test_what_is_open_and_nobody_looks_after_is_an_orphan(operation: Operation | None) -> None:
    assert Kind.ORPHAN in kinds(found(OPEN, HELD, operation))


def test_what_runs_without_an_end_is_found_where_the_file_has_a_place_for_one() -> None:
    assert kinds(found(OPEN, HELD, replace(RUNS, has_end=False))) == {Kind.ENDLESS}


def test_what_somebody_else_created_is_none() -> None:
    assert found(OPEN, None, None, (), Allowed(others=frozenset({"1001"}))) == []


def test_an_operation_that_nobody_ends_is_unfinished() -> None:
    assert kinds(found(OPEN, HELD, replace(RUNS, kind="fund", state="reserved"))) >= {Kind.UNFINISHED}
    ledger = LedgerRows((HELD,), (RUNS, Operation("op_2", "close", "planned", "1001")))
    assert kinds(judge([OPEN], (), ledger, ONE_YES)) == {Kind.UNFINISHED}


def test_what_is_held_for_nothing_is_a_lost_slot() -> None:
    assert kinds(found(CLOSED, HELD, OVER)) == {Kind.SLOT}
    assert kinds(found(None, HELD, OVER)) == {Kind.SLOT}
    assert kinds(found(None, replace(HELD, dseq=None), OVER)) == {Kind.SLOT}


def test_what_is_held_for_what_cannot_be_named_yet_is_not() -> None:
    assert Kind.SLOT not in kinds(found(OPEN, replace(HELD, dseq=None), None))


def test_one_micro_unit_that_is_missing_or_too_many_is_found() -> None:
    assert kinds(found(CLOSED, replace(SETTLED, spent=123), OVER)) == {Kind.MONEY}
    assert kinds(found(CLOSED, replace(SETTLED, spent=125), OVER)) == {Kind.MONEY}
    assert kinds(found(CLOSED, None, OVER)) == {Kind.MONEY}


def test_less_held_than_it_may_cost_is_found() -> None:
    assert kinds(found(OPEN, replace(HELD, amount=4_999_999), RUNS)) == {Kind.MONEY}
    limited = replace(OPEN, hours=10, rate=Decimal(100))  # 590357.49… uact
    assert kinds(found(limited, replace(HELD, amount=590_357), RUNS)) == {Kind.MONEY}
    assert found(limited, replace(HELD, amount=590_358), RUNS) == []
    assert Kind.MONEY in kinds(found(OPEN, None, None))


def test_a_deposit_that_was_refused_is_given_back_while_it_is_open() -> None:
    added = Reservation("op_2", "1001", False, 1_000_000, 0, "refused")
    assert judge([OPEN], (CREATE,), LedgerRows((HELD, added), (RUNS,)), ONE_YES) == []
    landed = replace(OPEN, deposits=(Decimal(5_000_000), Decimal(1_000_000)))
    found_then = judge([landed], (CREATE,), LedgerRows((HELD, added), (RUNS,)), Allowed(deposits=1))
    assert kinds(found_then) == {Kind.MONEY}


def test_a_lease_without_a_service_is_over_where_that_was_told() -> None:
    leased = replace(RUNS, state="leased")
    assert kinds(found(OPEN, HELD, leased)) == {Kind.ORPHAN, Kind.UNFINISHED}
    assert found(OPEN, HELD, leased, allowed=Allowed(leased_is_told=True)) == []
    assert found(OPEN, HELD, replace(leased, has_end=True, is_let_go=True)) == []
    assert kinds(found(OPEN, HELD, replace(leased, has_end=False, is_let_go=True))) >= {Kind.UNFINISHED}
    assert kinds(found(OPEN, HELD, replace(leased, has_end=True))) == {Kind.ORPHAN, Kind.UNFINISHED}


@pytest.mark.parametrize("state", ["settled", "refused"])
def test_what_was_given_back_while_it_is_open_is_found(state: str) -> None:
    assert Kind.MONEY in kinds(found(OPEN, replace(HELD, state=state), RUNS))
