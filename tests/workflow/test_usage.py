"""What the account spent and spends: each figure by its own source, and what a source does not tell is unknown."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_console import (
    DSEQ,
    LIST,
    READ,
    Guarded,
    Told,
    coin,
    deployment,
    guarded,
    lease,
    refusal,
    runtime,
)

from akash_mcp.clients.console.generation import Generation
from akash_mcp.money import Usd
from akash_mcp.workflow.account.usage import Spending, Usage, monday_of, usage
from akash_mcp.workflow.runtime import Intervals, Runtime

pytestmark = pytest.mark.anyio

HISTORY = "GET /v1/usage/history"
BALANCES = "GET /v1/balances"
RATE = "GET /v1/spend-rate"
BLOCKS = "GET /v1/blocks"
WALLETS = "GET /v1/wallets"
NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)  # a Wednesday
RUNS: Told = (200, {"deployments": [deployment(leases=(lease(price=1000),))], "pagination": {}})


def history(spent: Mapping[date, object] | None = None) -> list[dict[str, object]]:
    """The whole month up to noon: a dollar a day, but for what is said."""
    days = [date(2026, 11, 1) + timedelta(days=n) for n in range(18)]
    told = dict.fromkeys(days, 1) | dict(spent or {})
    return [{"date": str(day), "dailyUsdSpent": usd} for day, usd in told.items()]


@asynccontextmanager
async def asked(
    tmp_path: Path, generation: Generation = Generation.REFERENCE
) -> AsyncIterator[tuple[Guarded, Runtime]]:
    async with guarded(tmp_path, generation=generation) as guard, anyio.create_task_group() as tasks:
        guard.clock[0] = NOON.timestamp()
        guard.console.on(HISTORY, (200, history()))
        guard.console.on(BALANCES, (200, {"balance": 90_000_000, "deployments": 2_000_000}))
        guard.console.on(BLOCKS, (200, [{"height": 100}]))
        guard.console.on(LIST, RUNS)
        guard.console.on(READ, (200, deployment(leases=(lease(price=1000),))))
        yield guard, runtime(guard, tasks, Intervals(), anyio.sleep)
        tasks.cancel_scope.cancel()


async def read(rt: Runtime, days: int = 1) -> Usage:
    return await usage(rt, days)


async def test_days_weeks_and_months_are_utc_and_begin_where_they_do(tmp_path: Path) -> None:
    async with asked(tmp_path) as (guard, rt):
        guard.console.on(HISTORY, (200, history({date(2026, 11, 18): "0.25"})))
        now = await read(rt)
        assert (now.spending.of_today, now.spending.this_week, now.spending.this_month) == (
            Usd("0.25"),
            Usd("2.25"),
            Usd("17.25"),
        )
        (request,) = guard.console.sent(HISTORY)
        assert "startDate=2026-11-01&endDate=2026-11-18" in request.query
        assert now.unknown == ()


async def test_more_days_are_asked_for_where_somebody_wants_them(tmp_path: Path) -> None:
    async with asked(tmp_path) as (guard, rt):
        await read(rt, days=30)
        (request,) = guard.console.sent(HISTORY)
        assert "startDate=2026-10-20&" in request.query


@pytest.mark.parametrize("told", [None, "", "NaN", -1, "a lot", "1e999999"])
async def test_a_day_that_cannot_be_read_is_unknown_and_so_are_its_sums(tmp_path: Path, told: object) -> None:
    async with asked(tmp_path) as (guard, rt):
        guard.console.on(HISTORY, (200, history({date(2026, 11, 17): told})))
        now = await read(rt)
        assert now.spending.of_today == Usd(1)
        assert now.spending.this_week is None
        assert now.spending.this_month is None
        assert any("leaves out days" in each for each in now.unknown)


@pytest.mark.parametrize("answer", [refusal(500), None, (200, {}), (200, [])])
async def test_a_history_that_is_not_told_is_not_nothing(tmp_path: Path, answer: Told) -> None:
    async with asked(tmp_path) as (guard, rt):
        guard.console.on(HISTORY, answer)
        now = await read(rt)
        assert now.spending.of_today is None
        assert now.unknown
        assert now.usd_per_hour is not None


async def test_a_wallet_that_is_not_told_has_no_history(tmp_path: Path) -> None:
    async with asked(tmp_path) as (guard, rt):
        guard.console.on(WALLETS, (200, []))
        now = await read(rt)
        assert now.spending.of_today is None
        assert any("which wallet pays" in each for each in now.unknown)
        assert not guard.console.sent(HISTORY)


async def test_the_credit_lasts_as_long_as_it_and_the_escrows_pay_for_the_rate(tmp_path: Path) -> None:
    async with asked(tmp_path) as (guard, rt):
        now = await read(rt)
        # $90 and what is left of $2 at 1000 uact a block, of which there are 600 an hour at most.
        assert now.credit == Usd(90)
        assert now.credit_hours is not None
        assert 150 < now.credit_hours <= Decimal(92_000_000) / 600_000
        assert len(guard.console.sent(BALANCES)) == 2


@pytest.mark.parametrize(
    "unread",
    [
        (200, {"deployments": [deployment(leases=(lease(price="?"),))], "pagination": {}}),
        (200, {"deployments": [deployment(leases=(lease(price=1000),)), {"odd": 1}], "pagination": {}}),
        refusal(500),
    ],
)
async def test_while_a_rate_is_unknown_nobody_says_how_long_the_credit_lasts(
    tmp_path: Path, unread: Told
) -> None:
    async with asked(tmp_path) as (guard, rt):
        guard.console.on(LIST, unread)
        now = await read(rt)
        assert not now.is_whole
        assert now.credit_hours is None


async def test_a_balance_that_is_not_told_is_unknown(tmp_path: Path) -> None:
    async with asked(tmp_path) as (guard, rt):
        guard.console.on(BALANCES, refusal(500))
        now = await read(rt)
        assert (now.credit, now.credit_hours) == (None, None)
        assert any("credit is not known" in each for each in now.unknown)


def billed(*prices: tuple[str, object]) -> Told:
    return 200, {"deployments": [{"dseq": dseq, "price": coin(price)} for dseq, price in prices]}


OTHER = "1763759482199"


@pytest.mark.parametrize(
    ("bills", "blocks", "whole", "told"),
    [
        (billed((DSEQ, "1000.000000000000000000")), 1000, True, None),
        (billed((DSEQ, "1000.4")), 1000, True, None),
        (billed((DSEQ, 1500)), 1500, True, "whose leases cost"),
        (billed((DSEQ, 500)), 1000, True, "whose leases cost"),
        (billed((DSEQ, 1000), (OTHER, 200)), 1200, True, "list does not show"),
        (billed((DSEQ, 1000), (OTHER, "?")), 1000, False, "cannot be read"),
        (billed(), 1000, True, None),
        (refusal(500), 1000, True, None),
    ],
)
async def test_of_two_rates_the_higher_counts_and_both_are_told(
    tmp_path: Path, bills: Told, blocks: int, whole: bool, told: str | None
) -> None:
    async with asked(tmp_path, Generation.V2026_11) as (guard, rt):
        guard.console.on(RATE, bills)
        now = await read(rt)
        assert now.usd_per_hour is not None
        per_hour = Decimal(blocks) * Decimal(3600) / Decimal("6.098") / 10**6
        assert now.usd_per_hour.amount == pytest.approx(per_hour, rel=Decimal("0.001"))
        assert now.is_whole is whole
        assert [each for each in now.disagreements if "bills" in each] == (
            [] if told is None else [next(each for each in now.disagreements if told in each)]
        )


@pytest.mark.parametrize("generation", [Generation.V2025, Generation.REFERENCE])
async def test_older_consoles_are_not_asked_what_they_bill(tmp_path: Path, generation: Generation) -> None:
    async with asked(tmp_path, generation) as (guard, rt):
        await read(rt)
        assert not guard.console.sent(RATE)


async def test_what_others_spent_is_told_as_such(tmp_path: Path) -> None:
    async with asked(tmp_path) as (_, rt):
        now = await read(rt)
        assert any("$18.00 was spent this month" in each for each in now.disagreements)


async def test_a_ledger_that_cannot_be_read_leaves_the_rest(tmp_path: Path) -> None:
    async with asked(tmp_path) as (guard, rt):
        await guard.created()
        guard.damage()
        now = await read(rt)
        assert now.ledger is None
        assert any("this server spent" in each for each in now.unknown)
        assert now.spending.of_today == Usd(1)


@given(
    today=st.dates(date(2026, 1, 1), date(2028, 12, 31)),
    cents=st.lists(st.integers(0, 10**6), min_size=45, max_size=45),
    missing=st.none() | st.integers(0, 44),
)
def test_a_sum_is_of_all_its_days_or_unknown(today: date, cents: list[int], missing: int | None) -> None:
    days = {today - timedelta(days=ago): Usd(Decimal(each) / 100) for ago, each in enumerate(cents)}
    lost = None if missing is None else today - timedelta(days=missing)
    spending = Spending(today, {day: usd for day, usd in days.items() if day != lost})
    for first, told in (
        (today, spending.of_today),
        (monday_of(today), spending.this_week),
        (today.replace(day=1), spending.this_month),
    ):
        wanted = [day for day in days if first <= day <= today]
        expected = None if lost in wanted else sum((days[day] for day in wanted), Usd(0))
        assert told == expected
