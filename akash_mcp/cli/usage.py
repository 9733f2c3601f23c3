"""`akash-mcp usage`: what the account spent by day, what runs costs, and how long its credit lasts.

It asks the Console with the key of the settings, changes nothing, and says of each figure whose it is.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import anyio
from rich.console import Console
from rich.table import Table

from akash_mcp.cli.output import printable, say
from akash_mcp.cli.progress import working
from akash_mcp.cli.to_person import to_person
from akash_mcp.config import Settings
from akash_mcp.guard.books.runs import in_utc
from akash_mcp.guard.books.store import Store
from akash_mcp.money import ZERO, Usd
from akash_mcp.sanitize.text import field
from akash_mcp.services import services
from akash_mcp.workflow.account.usage import Usage, usage
from akash_mcp.workflow.overview import ListedDeployment
from akash_mcp.workflow.runtime import Intervals
from akash_mcp.workflow.status import hours_text

BAR_WIDTH = 50
"""Characters of the longest bar: a line of the plot has at most 80."""
_BLOCK = "█"
_NAME_BYTES = 30
_NOT_KNOWN = "not known"


def run(settings: Settings, *, days: int, as_json: bool) -> int:
    """Write the figures and a plot of the last `days` to standard output, or one JSON object. What is not known goes to
    standard error, and makes the exit status 1.

    Raises `MissingKey`.
    """
    with working("Asking the Console what was spent", quiet=as_json):
        now = anyio.run(_read, settings, days)
    if as_json:
        sys.stdout.write(json.dumps(_record(now, days)) + "\n")
    else:
        sys.stdout.write(_page(now, days))
    for each in now.unknown:
        say(f"akash-mcp: {to_person(each)}")
    return 1 if now.unknown else 0


async def _read(settings: Settings, days: int) -> Usage:
    intervals = Intervals()
    store = Store(settings.state_dir, agent=settings.agent or "", hold_seconds=intervals.hold)
    async with services(settings, store, intervals) as rt:
        await rt.accounts.recall()
        return await usage(rt, days)


def _page(now: Usage, days: int) -> str:
    """All of it as lines of at most 80 characters, without colours."""
    text = io.StringIO()
    console = Console(file=text, width=80, color_system=None, highlight=False, markup=False, emoji=False)
    console.print(f"{in_utc(now.at)}. Days are in UTC, and weeks begin on Monday.\n")
    spent = now.spending
    console.print("Spent, by Akash Console's usage history of the whole account:")
    console.print(
        f"  today {_told(spent.of_today)}, this week {_told(spent.this_week)}, this month {_told(spent.this_month)}\n"
    )
    for line in plot(now, days):
        console.print(line)
    console.print()
    _print_running(console, now)
    if now.ledger is not None:
        console.print(
            f"By this machine's ledger: {now.ledger.spent_today} settled in the last 24 hours, "
            f"{now.ledger.spent_month} this month; {now.ledger.held} held for what still runs."
        )
    for each in now.disagreements:
        console.print(f"Not agreed: {printable(each)}")
    return text.getvalue()


def _print_running(console: Console, now: Usage) -> None:
    least = "" if now.is_whole else "at least "
    rate = _NOT_KNOWN if now.usd_per_hour is None else f"{least}{now.usd_per_hour} an hour"
    console.print(f"What runs now costs: {rate}.")
    if now.running:
        table = Table(box=None, pad_edge=False)
        for column in ("deployment", "name", "USD an hour", "hours left"):
            table.add_column(column, overflow="fold")
        for each in now.running:
            table.add_row(
                *(each.dseq or "", field(each.name, _NAME_BYTES), _rate(each), _hours(each)),
            )
        console.print(table)
    if now.credit is not None:
        lasts = ""
        if now.credit_hours is not None:
            until = datetime.fromtimestamp(now.at, UTC) + timedelta(hours=float(now.credit_hours))
            lasts = (
                f" With the escrows of what runs it lasts {hours_text(now.credit_hours)} hours at this rate, until "
                f"{in_utc(until.timestamp())}."
            )
        console.print(f"The account's credit is {now.credit.rounded_down()}.{lasts}")


def plot(now: Usage, days: int) -> Iterator[str]:
    """A line for each of the last `days`: what was spent, and a bar. At most 80 characters wide."""
    shown = [(day, now.spending.by_day.get(day)) for day in _days(now, days)]
    most = max((spent for _, spent in shown if spent is not None), default=ZERO)
    width = max(len(_told(spent)) for _, spent in shown)
    for day, spent in shown:
        bar = _BLOCK * _length(spent, most) if spent is not None else ""
        yield f"{day}  {_told(spent):>{width}}  {bar}".rstrip()


def _length(spent: Usd, most: Usd) -> int:
    """Characters of a bar: what was spent has one at least."""
    return max(int(BAR_WIDTH * spent.amount / most.amount), 1) if spent else 0


def _days(now: Usage, days: int) -> list[date]:
    today = now.spending.today
    return [today - timedelta(days=ago) for ago in reversed(range(days))]


def _told(amount: Usd | None) -> str:
    return _NOT_KNOWN if amount is None else str(amount)


def _rate(each: ListedDeployment) -> str:
    if each.funds is None:
        return _NOT_KNOWN
    return f"{'' if each.funds.rate_is_known else 'at least '}{each.funds.usd_per_hour}"


def _hours(each: ListedDeployment) -> str:
    return (hours_text(each.funds.hours_left) if each.funds is not None else None) or _NOT_KNOWN


def _record(now: Usage, days: int) -> dict[str, Any]:
    """It as JSON: amounts are decimal text in dollars, and null is not known."""
    spent, ledger = now.spending, now.ledger
    return {
        "as_of": in_utc(now.at),
        "spent_today_usd": _exact(spent.of_today),
        "spent_this_week_usd": _exact(spent.this_week),
        "spent_this_month_usd": _exact(spent.this_month),
        "days": [{"date": str(day), "usd": _exact(spent.by_day.get(day))} for day in _days(now, days)],
        "usd_per_hour": _exact(now.usd_per_hour),
        "at_least": not now.is_whole,
        "deployments": [
            {
                "dseq": each.dseq,
                "name": each.name,
                "usd_per_hour": _exact(each.funds.usd_per_hour) if each.funds is not None else None,
                "hours_left": hours_text(each.funds.hours_left) if each.funds is not None else None,
                "problem": each.problem or None,
            }
            for each in now.running
        ],
        "credit_usd": _exact(now.credit),
        "credit_lasts_hours": hours_text(now.credit_hours),
        "ledger_spent_last_24h_usd": _exact(ledger.spent_today if ledger else None),
        "ledger_spent_this_month_usd": _exact(ledger.spent_month if ledger else None),
        "ledger_held_usd": _exact(ledger.held if ledger else None),
        "disagreements": list(now.disagreements),
        "unknown": list(now.unknown),
    }


def _exact(amount: Usd | None) -> str | None:
    return None if amount is None else amount.exact()
