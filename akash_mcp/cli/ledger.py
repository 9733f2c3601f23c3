"""`akash-mcp ledger`: what runs and until when, what is not settled, what was spent; and settling by hand.

It reads what is written down and asks no network, so it works without a key and while the Console is silent.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
from rich.console import Console
from rich.table import Table
from rich.text import Text

from akash_mcp.cli.output import printable
from akash_mcp.cli.terminal import ask_for_word, check_terminal, framed
from akash_mcp.errors import BadArgument
from akash_mcp.guard import statement
from akash_mcp.guard.books import settled_by_hand
from akash_mcp.guard.books.audit_heads import Heads, verified
from akash_mcp.guard.books.ledger import Ledger
from akash_mcp.guard.books.settled_by_hand import Unsettled
from akash_mcp.guard.books.store import Store
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.guard.statement import Line, Spent, Statement
from akash_mcp.ids import OpId
from akash_mcp.money import NotMoney, Usd
from akash_mcp.sanitize.text import field

_SUMMARY_BYTES = 160


def show(folder: Path, policy: Policy, *, as_json: bool) -> int:
    """Write what is written down of each account to standard output: text, or one JSON array."""
    with _opened(folder) as store:
        statements = _statements(store, Ledger(policy)) if store is not None else []
    if as_json:
        sys.stdout.write(json.dumps([_record(each) for each in statements]) + "\n")
        return 0
    if not statements:
        sys.stdout.write(f"Nothing is written down in {folder}.\n")
    console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
    for each in statements:
        _print(console, each)
    return 0


def verify(folder: Path) -> int:
    """Say whether the audit is whole: 0 where it is."""
    with _opened(folder) as store:
        if store is None:
            sys.stdout.write(f"Nothing is written down in {folder}.\n")
            return 0
        verdict = verified(store, folder)
    sys.stdout.write(f"{printable(str(verdict))}\n")
    return 1 if verdict.broken else 0


def settle(folder: Path, policy: Policy, op_id: str, spent: str) -> int:
    """Have a person say what an operation cost, which nobody can look up: 0 where they did.

    Raises `AkashError` without a terminal, and `BadArgument` for an amount that is none, or an operation that holds
    nothing.
    """
    check_terminal("akash-mcp ledger settle")
    try:
        amount = Usd.parse(spent.removeprefix("$"))
    except NotMoney as error:
        raise BadArgument(
            f"--spent: {error}.", next_step="Write US dollars, such as 0.40.", money=""
        ) from error
    ledger, wanted = Ledger(policy), OpId(op_id)
    with _opened(folder) as store:
        if store is None:
            raise BadArgument(f"Nothing is written down in {folder}.", money="")
        row = store.read_now(
            lambda db: db.one("SELECT account, agent FROM operations WHERE op_id = :op_id", op_id=wanted)
        )
        if row is not None:
            store.account, store.agent = row["account"], row["agent"]
        found = store.read_now(settled_by_hand.unsettled, ledger, wanted)
        sys.stdout.write(_what_settling_does(found, amount))
        if ask_for_word("Type settle or no: ", ("settle", "no")) != "settle":
            sys.stdout.write("Nothing was changed.\n")
            return 1
        store.run_now(settled_by_hand.settle, ledger, wanted, amount)
        anyio.run(Heads(folder).keep, store)
    sys.stdout.write(f"Operation {wanted} is settled: it cost {amount}.\n")
    return 0


def _what_settling_does(found: Unsettled, spent: Usd) -> str:
    operation, held = found.operation, found.held
    dseq = operation.dseq
    freed = f"{held - spent} may be spent again." if spent < held else "Nothing of it may be spent again."
    deployment = f"Deployment {dseq}" if dseq else "A deployment of it"
    return (
        f"\nOperation {operation.op_id} ({operation.kind}: {operation.state}), begun {_utc(operation.created_at)}:\n"
        f"{framed(operation.summary)}{framed(operation.note) if operation.note else ''}"
        f"Held for it: {held}. This writes down that it cost {spent} and is over. {freed}\n"
        f"Nothing is looked up, and nothing is sent to Akash. {deployment} that still runs goes on costing money, and "
        "is neither counted nor ended by akash-mcp any more: look at https://console.akash.network first.\n"
    )


@contextmanager
def _opened(folder: Path) -> Iterator[Store | None]:
    """The ledger, if there is one: reading makes none."""
    store = Store(folder)
    try:
        yield store if store.path.exists() else None
    finally:
        store.close()


def _statements(store: Store, ledger: Ledger) -> list[Statement]:
    found = []
    for account in store.read_now(statement.accounts):
        store.account = account
        found.append(store.read_now(statement.statement, ledger))
    return found


def _print(console: Console, now: Statement) -> None:
    console.print(Text(f"Account {printable(now.account) or 'not known yet'}", style="bold"))
    if now.running:
        table = _table("deployment", "name", "state", "since", "until", "costs at most", "agent")
        for line in now.running:
            each = line.operation
            table.add_row(
                *(each.dseq or "", field(each.name, 40), each.state.value, _utc(each.created_at)),
                *(_utc(each.ends_at) if each.ends_at else "not set", str(line.held), each.agent),
            )
        console.print(table)
    else:
        console.print("Nothing runs, as far as it is written down.")
    if now.unsettled:
        console.print(Text("Not settled:", style="bold"))
        table = _table("operation", "what", "state", "since", "held", "tried again", "how it stands")
        for line in now.unsettled:
            each = line.operation
            table.add_row(
                *(each.op_id, each.kind.value, each.state.value, _utc(each.created_at), str(line.held)),
                *(_utc(each.retry_at) if each.retry_at else "", field(each.note, _SUMMARY_BYTES)),
            )
        console.print(table)
    if now.spent:
        table = _table("agent", "spent in 24 h", "spent this month", "held")
        for spent in now.spent:
            table.add_row(spent.agent or "(no name)", str(spent.today), str(spent.month), str(spent.held))
        console.print(table)
    for plan in now.waiting:
        console.print(f"{plan.op_id} waits for your answer: akash-mcp approve {plan.op_id}")
    for notice in now.notices:
        console.print(printable(str(notice)))


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", justify="right" if column in _AMOUNTS else "left")
    return table


_AMOUNTS = ("costs at most", "held", "spent in 24 h", "spent this month")


def _record(now: Statement) -> dict[str, Any]:
    """A statement as JSON: amounts are decimal text in dollars, moments are text in UTC."""
    return {
        "account": now.account,
        "at": _iso(now.at),
        "running": [_line(line) for line in now.running],
        "unsettled": [_line(line) for line in now.unsettled],
        "waiting": [
            {
                "op_id": plan.op_id,
                "tool": plan.tool,
                "agent": plan.agent,
                "summary": plan.record,
                "made_at": _iso(plan.made_at),
                "expires_at": _iso(plan.expires_at),
            }
            for plan in now.waiting
        ],
        "spent": [_spent(spent) for spent in now.spent],
        "notices": [
            {
                "at": _iso(notice.at),
                "level": notice.level.value,
                "dseq": notice.dseq,
                "op_id": notice.op_id,
                "text": notice.text,
            }
            for notice in now.notices
        ],
    }


def _line(line: Line) -> dict[str, Any]:
    each = line.operation
    return {
        "op_id": each.op_id,
        "kind": each.kind.value,
        "state": each.state.value,
        "dseq": each.dseq,
        "name": each.name,
        "agent": each.agent,
        "summary": each.summary,
        "note": each.note,
        "since": _iso(each.created_at),
        "until": _iso(each.ends_at),
        "tried_again_at": _iso(each.retry_at),
        "held_usd": line.held.exact(),
    }


def _spent(spent: Spent) -> dict[str, str]:
    return {
        "agent": spent.agent,
        "today_usd": spent.today.exact(),
        "month_usd": spent.month.exact(),
        "held_usd": spent.held.exact(),
    }


def _utc(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M")


def _iso(moment: float | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
