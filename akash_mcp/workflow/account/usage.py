"""What the account spent and spends: by the Console's history, by what runs, and by our own ledger.

Each figure has one source, and none is made up for another: what a source does not tell is unknown and said so, and
where two of them disagree both are told. Of two rates the higher one counts.

    spent by day     the Console's usage history of the paying address, reckoned from leases up to their expected ends
    an hour          the prices of the leases that the Console lists; on `2026-11` beside what it says that it bills
    credit           the Console's balances, asked for twice, since the first answer may be of any age
    reserved         our ledger: what this server's operations hold, and what those cost that are settled
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

import anyio

from akash_mcp.clients.api_model import UACT
from akash_mcp.clients.console.account_models import Balances, BillingDeployment, UsageDay
from akash_mcp.clients.console.generation import Generation
from akash_mcp.errors import AkashError
from akash_mcp.guard.policy.limits import BudgetStatus, Committed
from akash_mcp.ids import Dseq
from akash_mcp.money import ZERO, NotMoney, Usd, hours_paid_for, told_apart, uact_per_block, usd_per_hour
from akash_mcp.workflow.overview import ListedDeployment, Overview, overview
from akash_mcp.workflow.runtime import Runtime

MOST_DAYS = 366
"""So many days the Console's history tells at a time."""

_LONGEST_HOURS = Decimal(3650 * 24)
_A_UACT = Decimal(1)
"""Prices per block that are so near are one: an index may keep whole uact only."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Spending:
    """What the Console's history says was spent, in US dollars by day in UTC. A day that is not in it is unknown."""

    today: date
    by_day: Mapping[date, Usd]

    def since(self, first: date) -> Usd | None:
        """What was spent from a day up to today; None where one of the days is unknown."""
        days = [first + timedelta(days=n) for n in range((self.today - first).days + 1)]
        known = [self.by_day[day] for day in days if day in self.by_day]
        return sum(known, ZERO) if len(known) == len(days) else None

    @property
    def of_today(self) -> Usd | None:
        """What was spent today so far."""
        return self.since(self.today)

    @property
    def this_week(self) -> Usd | None:
        """What was spent since Monday."""
        return self.since(monday_of(self.today))

    @property
    def this_month(self) -> Usd | None:
        """What was spent since the first of the month."""
        return self.since(self.today.replace(day=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The account's money at a moment, in seconds since the epoch.

    `running`: what costs this account money now, or may, the dearest first. `usd_per_hour` of all together, None where
    nothing of it is known, and no more than a least where it `is_whole` not. `credit_hours`: how long credit and the
    escrows of what runs pay for that rate; None where that is not known, where nothing runs, and beyond ten years.
    `ledger`: what all agents of this server spent and hold; None where the ledger cannot be read.
    """

    at: float
    spending: Spending
    running: tuple[ListedDeployment, ...]
    usd_per_hour: Usd | None
    is_whole: bool
    credit: Usd | None
    credit_hours: Decimal | None
    ledger: Committed | None
    disagreements: tuple[str, ...]
    unknown: tuple[str, ...]


async def usage(rt: Runtime, days: int = 1) -> Usage:
    """What the account spent and spends, with the last `days` days at least. Raises `MissingKey`, and else nothing that
    a source answers: it is `unknown` then.
    """
    await rt.key.need()
    unknown: list[str] = []
    at = rt.now()
    today = datetime.fromtimestamp(at, UTC).date()
    first = min(today.replace(day=1), monday_of(today), today - timedelta(days=days - 1))
    told: dict[str, object] = {}

    async def ask(what: str, read: Callable[[], Awaitable[object]]) -> None:
        try:
            told[what] = await read()
        except AkashError as failure:
            unknown.append(f"{what} is not known: {failure.what}")

    async def history() -> Sequence[UsageDay]:
        address = await rt.reader.paying_address()
        if address is None:
            raise AkashError("The Console does not say which wallet pays.")
        return await rt.reader.usage_history(address, first, today)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, _SPENT, history)
        tasks.start_soon(ask, _RUNS, lambda: overview(rt))
        tasks.start_soon(ask, _BILLED, lambda: _billing(rt))
        tasks.start_soon(ask, _CREDIT, lambda: rt.reader.balances(fresh=True))
        tasks.start_soon(ask, _LEDGER, lambda: rt.store.read(rt.ledger.status))
    return _reckoned(
        at,
        Spending(today, _by_day(_of(told, _SPENT, list) or [])),
        _of(told, _RUNS, Overview),
        _of(told, _BILLED, dict),
        _of(told, _CREDIT, Balances),
        _of(told, _LEDGER, BudgetStatus),
        unknown,
        is_history_told=_SPENT in told,
    )


_SPENT = "What was spent by day"
_RUNS = "What runs"
_BILLED = "What the Console bills"
_CREDIT = "The account's credit"
_LEDGER = "What this server spent and holds"


def monday_of(day: date) -> date:
    """The first day of its week."""
    return day - timedelta(days=day.weekday())


def _of(told: Mapping[str, object], what: str, kind: type[T]) -> T | None:
    found = told.get(what)
    assert found is None or isinstance(found, kind)
    return found


async def _billing(rt: Runtime) -> dict[Dseq, Decimal | None]:
    """What the Console says that it bills, in uact per block; nothing where it does not say such things.

    None for a price that cannot be read.
    """
    if await rt.reader.generation() is not Generation.V2026_11:
        return {}
    return {billed.dseq: _price(billed) for billed in await rt.reader.spend_rate()}


def _price(billed: BillingDeployment) -> Decimal | None:
    amount = billed.price.amount
    return amount if billed.price.denom == UACT and amount is not None and amount >= 0 else None


def _by_day(history: Sequence[UsageDay]) -> dict[date, Usd]:
    found: dict[date, Usd] = {}
    for each in history:
        if each.daily_usd_spent is None:
            continue
        try:
            found[date.fromisoformat(each.date[:10])] = Usd(each.daily_usd_spent)
        except (ValueError, NotMoney):
            continue  # it says nothing, and its day is unknown
    return found


def _reckoned(
    at: float,
    spending: Spending,
    runs: Overview | None,
    billed: Mapping[Dseq, Decimal | None] | None,
    balances: Balances | None,
    budget: BudgetStatus | None,
    unknown: list[str],
    *,
    is_history_told: bool,
) -> Usage:
    if is_history_told and spending.this_month is None:
        unknown.append("The Console's usage history leaves out days of this month, or cannot be read there.")
    running = _costing(runs)
    if runs is not None:
        unknown += runs.problems
    disagreements = _differences(running, billed or {}) if runs is not None else []
    rate, is_whole = _rate(runs, running, billed)
    ledger = budget.roof.committed if budget is not None else None
    month = spending.this_month
    if ledger is not None and month is not None and month > ledger.month:
        spent, counted = told_apart(month, ledger.month)
        disagreements.append(
            f"Akash Console says that {spent} was spent this month, and what this server began this month comes to "
            f"{counted} at most: the rest is from earlier months or by other hands."
        )
    credit = balances.available if balances is not None else None
    return Usage(
        at=at,
        spending=spending,
        running=running,
        usd_per_hour=rate,
        is_whole=is_whole,
        credit=credit,
        credit_hours=_hours(credit, running, rate) if is_whole else None,
        ledger=ledger,
        disagreements=tuple(disagreements),
        unknown=tuple(unknown),
    )


def _costing(runs: Overview | None) -> tuple[ListedDeployment, ...]:
    """What costs this account money, or may, the dearest first: what is not known before all."""
    rows = [
        row
        for row in (runs.rows if runs is not None else ())
        if not row.is_colleagues and row.state != "closed" and (not row.is_known or _usd_per_hour(row))
    ]
    return tuple(sorted(rows, key=lambda row: (row.is_known, -_usd_per_hour(row).amount)))


def _usd_per_hour(row: ListedDeployment) -> Usd:
    return row.funds.usd_per_hour if row.funds is not None else ZERO


def _rate(
    runs: Overview | None,
    running: Sequence[ListedDeployment],
    billed: Mapping[Dseq, Decimal | None] | None,
) -> tuple[Usd | None, bool]:
    """What all costs an hour, and whether that is all of it: of each deployment the higher of the two that are told."""
    if runs is None and not billed:
        return None, False
    prices = {row.dseq: _usd_per_hour(row) for row in running if row.dseq is not None}
    for dseq, price in (billed or {}).items():
        prices[dseq] = max(prices.get(dseq, ZERO), usd_per_hour(price or 0))
    is_whole = runs is not None and runs.is_whole and None not in (billed or {}).values()
    return sum(prices.values(), ZERO), is_whole


def _differences(running: Sequence[ListedDeployment], billed: Mapping[Dseq, Decimal | None]) -> list[str]:
    """Where the list and what the Console bills (`2026-11`) do not agree."""
    listed = {row.dseq: row for row in running if row.dseq is not None}
    told = []
    for dseq, price in billed.items():
        if price is None:
            told.append(f"The Console bills deployment {dseq}, at a price that cannot be read.")
        elif dseq not in listed:
            told.append(
                f"The Console bills {usd_per_hour(price)} an hour for deployment {dseq}, whose lease its list does not "
                "show."
            )
        elif (row := listed[dseq]).is_known and abs(price - uact_per_block(_usd_per_hour(row))) > _A_UACT:
            bills, lists = told_apart(usd_per_hour(price), _usd_per_hour(row))
            told.append(
                f"The Console bills {bills} an hour for deployment {dseq}, whose leases cost {lists} by its list."
            )
    return told


def _hours(credit: Usd | None, running: Sequence[ListedDeployment], rate: Usd | None) -> Decimal | None:
    """How long the credit, and what is known to be in the escrows of what runs, pay for a rate at the least."""
    price = uact_per_block(rate) if rate is not None else Decimal(0)
    if credit is None or not price:
        return None
    escrows = (row.funds.escrow_left for row in running if row.funds is not None)
    hours = hours_paid_for(sum((left for left in escrows if left is not None), credit), price)
    return hours if hours <= _LONGEST_HOURS else None
