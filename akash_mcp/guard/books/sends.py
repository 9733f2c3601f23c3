"""Sends: a request that may spend is written down before it is sent, and sent by whoever wrote it down, once.

Its row is committed first. Whoever finds one that is there already, in whichever process and however long after, sends
nothing and looks up what became of it. Only a definite refusal frees the step for another attempt.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from akash_mcp.errors import OutcomeUnknown
from akash_mcp.guard.books import holds
from akash_mcp.guard.books.store import Db
from akash_mcp.ids import Dseq, OpId

Answer = Literal["refused", "taken"]


class SentBefore(OutcomeUnknown):
    """The request was sent by an earlier attempt, and what became of it has to be looked up."""

    def __init__(self, step: str) -> None:
        super().__init__(f"The request ({step}) was sent before, and its answer is not known.")


@dataclass(frozen=True, slots=True)
class Send:
    """A request that was about to be sent `at`, in seconds since the epoch. `about` is what was known then, by which
    what became of it is found; `answer` is None while that is not known.
    """

    at: float
    about: Mapping[str, Any]
    answer: Answer | None


def begin(db: Db, op_id: OpId, epoch: int, step: str, about: Mapping[str, Any]) -> None:
    """The caller, and nobody else, sends this step from now on.

    Raises `TakenOver` where the operation is in other hands, and `SentBefore`.
    """
    holds.keep(db, op_id, epoch)
    known = find(db, op_id, step)
    if known is not None and known.answer != "refused":
        raise SentBefore(step)
    db.run(
        "INSERT INTO sends (op_id, step, epoch, at, about) VALUES (:op_id, :step, :epoch, :now, :about)"
        " ON CONFLICT (op_id, step) DO UPDATE SET epoch = :epoch, at = :now, about = :about, answer = NULL",
        op_id=op_id,
        step=step,
        epoch=epoch,
        now=db.now,
        about=json.dumps(about),
    )


def answered(db: Db, op_id: OpId, step: str, answer: Answer) -> None:
    """What is known of a request that was sent."""
    db.run(
        "UPDATE sends SET answer = :answer WHERE op_id = :op_id AND step = :step",
        answer=answer,
        op_id=op_id,
        step=step,
    )


def find(db: Db, op_id: OpId, step: str) -> Send | None:
    """The request of a step, if one was ever about to be sent."""
    row = db.one(
        "SELECT at, about, answer FROM sends WHERE op_id = :op_id AND step = :step", op_id=op_id, step=step
    )
    return Send(row["at"], json.loads(row["about"]), row["answer"]) if row else None


def was_sent(db: Db, dseq: Dseq, step: str) -> bool:
    """Whether any operation ever was about to send this step for a deployment."""
    row = db.one(
        "SELECT 1 FROM sends JOIN operations ON operations.op_id = sends.op_id"
        " WHERE operations.account = :account AND operations.dseq = :dseq AND sends.step = :step",
        account=db.account,
        dseq=dseq,
        step=step,
    )
    return row is not None
