"""What is long over is let go of, so that the file stays small: how it was reached, and at last that it was.

A launch stays as long as the file: it is what says that a deployment is ours. Only its steps and its words go.
"""

from __future__ import annotations

from akash_mcp.guard.books.store import Db

KEPT_DAYS = 90
"""So long an operation that is over is kept whole."""

_BITE = 100
"""So many go in one transaction."""

OLD_SQL = (
    "SELECT op_id, kind, dseq FROM operations WHERE account = :account AND summary <> '' AND updated_at < :old"
    " AND state IN ('ready', 'done', 'refused', 'closed')"
    # What is held, or belongs to a deployment of ours that is not known to be closed, may be asked for.
    " AND NOT EXISTS (SELECT 1 FROM reservations WHERE reservations.op_id = operations.op_id"
    " AND reservations.state = 'held')"
    " AND NOT EXISTS (SELECT 1 FROM operations AS launches WHERE launches.account = operations.account"
    " AND launches.dseq = operations.dseq AND launches.kind = 'launch' AND launches.state <> 'closed')"
    f" ORDER BY updated_at LIMIT {_BITE}"
)


def fold(db: Db) -> int:
    """Let go of a few operations that were over `KEPT_DAYS` ago, and say how many: whoever watches calls it until none
    goes.
    """
    old = db.all(OLD_SQL, account=db.account, old=db.moment.earliest - KEPT_DAYS * 24 * 3600)
    for row in old:
        db.run("DELETE FROM steps WHERE op_id = :op_id", op_id=row["op_id"])
        db.run("DELETE FROM sends WHERE op_id = :op_id", op_id=row["op_id"])
        if row["kind"] == "launch" and row["dseq"] is not None:
            db.run(
                "UPDATE operations SET summary = '', plan = NULL, sdl = NULL, manifest = NULL, until = NULL"
                " WHERE op_id = :op_id",
                op_id=row["op_id"],
            )
        else:
            db.run("DELETE FROM operations WHERE op_id = :op_id", op_id=row["op_id"])
    return len(old)
