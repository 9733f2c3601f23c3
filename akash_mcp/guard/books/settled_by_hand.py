"""What a person says that an operation cost, where nobody can look that up any more.

The Console forgot it, its account's key is gone, or it was on a network that is no more: then its reservation would
stay held for ever. Nothing is looked up here and nothing is sent. It is for the command line, and no tool reaches it.
"""

from __future__ import annotations

from dataclasses import dataclass

from akash_mcp.errors import BadArgument, Busy
from akash_mcp.guard.books import audit, journal
from akash_mcp.guard.books.audit import AuditEntry, Event
from akash_mcp.guard.books.journal import Kind, Operation, State
from akash_mcp.guard.books.ledger import Ledger
from akash_mcp.guard.books.store import Db
from akash_mcp.guard.books.worker import is_gone
from akash_mcp.ids import OpId
from akash_mcp.money import Usd


@dataclass(frozen=True, slots=True)
class Unsettled:
    """An operation that can be settled by hand, and what is held for it: where it launched a deployment, with all
    that was added to that later.
    """

    operation: Operation
    held: Usd


def unsettled(db: Db, ledger: Ledger, op_id: OpId) -> Unsettled:
    """What would be settled. Raises `BadArgument` where there is nothing, and `Busy` while it is carried out."""
    operation = journal.find(db, op_id)
    if operation is None:
        raise BadArgument(f"The ledger has no operation {op_id[:40]!r}.", money="")
    held = (
        ledger.held(db, operation.dseq)
        if operation.kind is Kind.LAUNCH and operation.dseq is not None
        else ledger.held_by(db, op_id)
    )
    if operation.is_over and not held:
        raise BadArgument(
            f"Operation {op_id} is over ({operation.state}), and nothing is held for it.", money=""
        )
    until = operation.lease_until
    if until is not None and until > db.now and not is_gone(operation.worker):
        raise Busy(
            f"Operation {op_id} is carried out at this moment.",
            next_step="Wait until that has ended, or stop the server that does it.",
            money="",
        )
    return Unsettled(operation, held)


def settle(db: Db, ledger: Ledger, op_id: OpId, spent: Usd) -> None:
    """Write down that it is over and what it cost, and free the rest. Raises what `unsettled` does.

    Whoever carried it out has lost it. What a launch created counts as closed.
    """
    operation = unsettled(db, ledger, op_id).operation
    note = f"settled by hand: the user says that it cost {spent.exact()} USD"
    db.run("UPDATE operations SET epoch = epoch + 1 WHERE op_id = :op_id", op_id=op_id)
    if operation.kind is Kind.LAUNCH and operation.dseq is not None:
        ledger.settle(db, operation.dseq, spent)
        journal.mark_closed(db, operation.dseq, note)
    else:
        ledger.settle_operation(db, op_id, spent)
        journal.advance(db, op_id, State.CLOSED if operation.kind is Kind.LAUNCH else State.DONE, note)
    text = f"{note}. It was: {operation.summary}"
    audit.append(db, AuditEntry(Event.SETTLED, text, op_id, via="terminal", exposure=spent))
