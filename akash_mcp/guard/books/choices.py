"""Why an offer was taken, as it was written down when it was: what was known then is not known later."""

from __future__ import annotations

from akash_mcp.guard.books.journal import State
from akash_mcp.guard.books.store import Db
from akash_mcp.ids import Dseq

CHOSEN = "chosen of "
"""How the note of a step begins that says which offers were chosen, and why."""


def why_chosen(db: Db, dseq: Dseq) -> str:
    """Why the offers of a deployment were taken that was leased here; empty where that is not written down."""
    row = db.one(
        "SELECT steps.note FROM steps JOIN operations ON operations.op_id = steps.op_id"
        " WHERE operations.account = :account AND operations.dseq = :dseq AND steps.state = :offered"
        " AND steps.note LIKE :chosen ORDER BY steps.at DESC, steps.number DESC LIMIT 1",
        account=db.account,
        dseq=dseq,
        offered=State.OFFERED,
        chosen=f"{CHOSEN}%",
    )
    return row["note"] if row else ""
