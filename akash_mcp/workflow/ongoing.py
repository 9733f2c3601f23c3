"""What is under way, what is not known, and what ended lately, so that whoever was cut off finds it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from akash_mcp.guard.approval import waiting
from akash_mcp.guard.approval.waiting import Waiting
from akash_mcp.guard.books import journal
from akash_mcp.guard.books.journal import Operation
from akash_mcp.guard.books.store import Db
from akash_mcp.guard.books.worker import is_gone
from akash_mcp.money import Usd
from akash_mcp.workflow.runtime import Runtime

RECENT_SECONDS = 24 * 3600.0
"""What ended longer ago is not told."""

Hands = Literal["this server", "another server", "nobody"]


@dataclass(frozen=True, slots=True)
class Ongoing:
    """An operation, what is held for it alone, and who carries it out at this moment."""

    operation: Operation
    held: Usd
    hands: Hands

    @property
    def is_taken_up(self) -> bool:
        """Whether somebody carries it out, or will go on with it unasked."""
        return is_taken_up(self.operation)


def is_taken_up(operation: Operation) -> bool:
    """Whether somebody carries an operation out, or will go on with it unasked."""
    return not operation.is_over and operation.lease_until is not None


async def ongoing(rt: Runtime) -> tuple[list[Ongoing], list[Waiting]]:
    """The account's operations, those that have not come to their end first, and the plans that wait for a person.

    Raises `LedgerUnusable`: what is not known is not nothing.
    """

    def read(db: Db) -> tuple[list[Ongoing], list[Waiting]]:
        recent = [journal.as_it_stands(db, each) for each in journal.recent(db, db.now - RECENT_SECONDS)]
        found = [Ongoing(each, rt.ledger.held_by(db, each.op_id), _hands(db, each)) for each in recent]
        return sorted(found, key=lambda each: each.operation.is_over), waiting.unanswered(db)

    return await rt.store.read(read)


def _hands(db: Db, operation: Operation) -> Hands:
    until = operation.lease_until
    if operation.is_over or until is None or until <= db.now or is_gone(operation.worker):
        return "nobody"
    return "this server" if operation.worker == db.worker else "another server"
