"""Automatic top-ups that this server switched, on `reference`: whether a deployment's escrow bounds what it costs.

What switches one on is written down before it is sent, like everything that may spend, so one whose answer was lost
counts as on. What switched one off is written down once it was read back.
"""

from __future__ import annotations

from akash_mcp.errors import Refused
from akash_mcp.guard.books import sends
from akash_mcp.guard.books.store import Db
from akash_mcp.ids import Dseq, OpId

ON = "top_up_on"
OFF = "top_up_off"
"""The steps of the two."""


def is_on(db: Db, dseq: Dseq) -> bool:
    """Whether we switched it on last, or may have."""
    last = db.one(
        "SELECT sends.step FROM sends JOIN operations ON operations.op_id = sends.op_id"
        " WHERE operations.account = :account AND operations.dseq = :dseq AND sends.step IN (:on, :off)"
        " AND (sends.answer IS NULL OR sends.answer <> 'refused') ORDER BY operations.number DESC LIMIT 1",
        account=db.account,
        dseq=dseq,
        on=ON,
        off=OFF,
    )
    return last is not None and last["step"] == ON


def note_off(db: Db, op_id: OpId, epoch: int) -> None:
    """It was read back that it is off."""
    sends.begin(db, op_id, epoch, OFF, {})
    sends.answered(db, op_id, OFF, "taken")


def check_end_may_move(db: Db, dseq: Dseq) -> None:
    """Raise `Refused` where nothing but the end of its run bounds what a deployment costs."""
    if is_on(db, dseq):
        raise Refused(
            f"Automatic top-up of deployment {dseq} is on, so only the end of its run bounds what it costs.",
            next_step=f"Call set_auto_top_up(dseq={dseq}, enabled=false) first, or ask without hours.",
        )
