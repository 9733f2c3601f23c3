"""Duties: what one process does for all that share the store, so that it is not done, and paid for in requests, twice.

A duty is held for a while and renewed; whoever holds it no longer, or is certainly gone, is followed by the next who
asks. Nothing relies on it for safety: what spends or ends something is let in by its own transaction.
"""

from __future__ import annotations

from akash_mcp.guard.books.store import Db
from akash_mcp.guard.books.worker import is_gone


def take(db: Db, name: str, seconds: float) -> bool:
    """Take a duty of this account, or renew it, for so many seconds. False while another process has it."""
    row = db.one("SELECT worker, lease_until FROM duties WHERE name = :name", name=_own(db, name))
    if (
        row is not None
        and row["worker"] != db.worker
        and row["lease_until"] > db.now
        and not is_gone(row["worker"])
    ):
        return False
    db.run(
        "INSERT INTO duties (name, worker, lease_until) VALUES (:name, :worker, :until)"
        " ON CONFLICT (name) DO UPDATE SET worker = :worker, lease_until = :until",
        name=_own(db, name),
        worker=db.worker,
        until=db.now + seconds,
    )
    return True


def give_up(db: Db, name: str) -> None:
    """Let the next who asks have it."""
    db.run(
        "DELETE FROM duties WHERE name = :name AND worker = :worker", name=_own(db, name), worker=db.worker
    )


def _own(db: Db, name: str) -> str:
    return f"{name} {db.account}".rstrip()
