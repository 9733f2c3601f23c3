"""The ledger as a person reads it: what runs and until when, what is not settled, what was spent, and by whom.

It tells what is written down, and asks nobody: what the Console says is `list_deployments`' to tell.
"""

from __future__ import annotations

from dataclasses import dataclass

from akash_mcp.guard.approval import waiting
from akash_mcp.guard.approval.waiting import Waiting
from akash_mcp.guard.books import journal, notices
from akash_mcp.guard.books.journal import Kind, Operation, State
from akash_mcp.guard.books.ledger import Ledger
from akash_mcp.guard.books.notices import Notice
from akash_mcp.guard.books.store import Db
from akash_mcp.money import Usd

_CALM = (State.CREATED, State.OFFERED, State.LEASED, State.READY)
"""A launch that has come so far has a deployment, and nothing of it is in doubt."""


@dataclass(frozen=True, slots=True)
class Line:
    """One operation, and what is held for it: the most that it can cost in all, with what it cost already."""

    operation: Operation
    held: Usd


@dataclass(frozen=True, slots=True)
class Spent:
    """What one agent spent and holds. `today` is the last 24 hours, `month` the calendar month in UTC; both count what
    is settled by when it was reserved.
    """

    agent: str
    today: Usd
    month: Usd
    held: Usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One account at one moment, in seconds since the epoch. `notices` are those that no answer has told yet."""

    account: str
    at: float
    running: list[Line]
    unsettled: list[Line]
    waiting: list[Waiting]
    spent: list[Spent]
    notices: list[Notice]


def accounts(db: Db) -> list[str]:
    """The accounts that the file knows anything of, by name."""
    rows = db.all(
        "SELECT account FROM operations UNION SELECT account FROM reservations UNION SELECT account FROM notices"
        " UNION SELECT account FROM waiting ORDER BY account"
    )
    return [row["account"] for row in rows]


def statement(db: Db, ledger: Ledger) -> Statement:
    """What is written down of the account of this transaction."""
    launches = [each for each in journal.open_launches(db) if each.state in _CALM and each.dseq is not None]
    known = {each.op_id for each in launches}
    return Statement(
        account=db.account,
        at=db.now,
        running=[
            Line(journal.as_it_stands(db, each), ledger.held(db, each.dseq))
            for each in launches
            if each.dseq is not None
        ],
        unsettled=[
            Line(each, _held(db, ledger, each)) for each in journal.under_way(db) if each.op_id not in known
        ],
        waiting=waiting.unanswered(db),
        spent=_spent(db, ledger),
        notices=notices.pending(db),
    )


def _held(db: Db, ledger: Ledger, operation: Operation) -> Usd:
    if operation.kind is Kind.LAUNCH and operation.dseq is not None:
        return ledger.held(db, operation.dseq)
    return ledger.held_by(db, operation.op_id)


def _spent(db: Db, ledger: Ledger) -> list[Spent]:
    """Of the agents that spent something lately, or hold something."""
    found = (
        Spent(agent, each.spent_today, each.spent_month, each.held)
        for agent, each in sorted(ledger.by_agent(db).items())
    )
    return [each for each in found if each.today or each.month or each.held]
