"""Holds: one operation at a time has a deployment in hand, and one worker an operation, in all that share the file.

An operation takes its deployment in the transaction that opens it (a launch, as soon as it knows what it created),
renews its hold while it works, and lets go at the end. Whoever else wants to act on that deployment meanwhile is
refused. A process that dies or is stopped lets go without a word, when its hold runs out: then another worker may
`claim` the operation, to bring it to an end.

Two may take a deployment out of another's hand: whoever closes it, and whoever acts on one that is leased already,
where only its containers are still waited for. Each change of hands raises the operation's epoch, and whoever comes
with an older one has lost it. So a process that slept through all of this sends nothing more and writes nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Row

from akash_mcp.errors import Busy, TakenOver
from akash_mcp.guard.books.store import Db
from akash_mcp.guard.books.worker import is_gone
from akash_mcp.ids import Dseq, OpId

_LEASED = "leased"
"""The state of one that has nothing left to do but wait."""

_ENDS = ("ready", "done", "refused", "closed")
IS_OPEN = "state NOT IN ('ready', 'done', 'refused', 'closed')"
"""The same in SQL, turned round: literally as an index has it."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """An operation that has a deployment in hand. `kind`, and how far it is: the journal's state and last note."""

    op_id: OpId
    kind: str
    state: str
    note: str

    def __str__(self) -> str:
        return f"operation {self.op_id} ({self.kind}: {': '.join(filter(None, (self.state, self.note)))})"

    @property
    def call(self) -> str:
        """The tool call that waits for it."""
        return f'get_deployment(id="{self.op_id}", wait_for="ready")'


@dataclass(frozen=True, slots=True)
class Claimed:
    """An operation that this worker carries on, from this epoch."""

    op_id: OpId
    epoch: int


def take(db: Db, op_id: OpId, dseq: Dseq | None, *, by_force: bool) -> None:
    """Take a deployment in hand, within the transaction that opens the operation or names its deployment.

    Raises `Busy` where another operation acts on it; `by_force` takes it from that one. A launch has nothing to
    take before it knows its deployment (None), and renews its hold like the others.
    """
    if dseq is not None:
        other = _holder(db, dseq, besides=op_id)
        if other is not None and not by_force and other.state != _LEASED:
            raise _busy(dseq, other)
        db.run(
            # A run that ends by itself is waited for again as soon as somebody is free to.
            "UPDATE operations SET lease_until = CASE WHEN until IS NOT NULL AND state = 'leased' THEN :now END,"
            " epoch = epoch + 1 WHERE account = :account AND dseq = :dseq AND op_id <> :op_id AND kind <> 'exec'"
            " AND lease_until IS NOT NULL",
            account=db.account,
            dseq=dseq,
            op_id=op_id,
            now=db.now,
        )
    db.run(
        "UPDATE operations SET lease_until = :until WHERE op_id = :op_id",
        until=db.now + db.hold_seconds,
        op_id=op_id,
    )


def check_free(db: Db, dseq: Dseq) -> None:
    """Raise what `take` would raise now, and take nothing: asked before a person is asked."""
    other = _holder(db, dseq)
    if other is not None and other.state != _LEASED:
        raise _busy(dseq, other)


def keep(db: Db, op_id: OpId, epoch: int) -> None:
    """Renew a hold, before each request that acts and every now and then. Raises `TakenOver` where it is gone.

    One that ran out and that nobody took is as good as new.
    """
    kept = db.run(
        "UPDATE operations SET lease_until = :until WHERE op_id = :op_id AND epoch = :epoch"
        " AND lease_until IS NOT NULL",
        until=db.now + db.hold_seconds,
        op_id=op_id,
        epoch=epoch,
    )
    if not kept:
        raise _taken_over(db, op_id)


def check_epoch(db: Db, op_id: OpId, epoch: int) -> None:
    """Raise `TakenOver` where an operation is in other hands by now."""
    if not db.one(
        "SELECT 1 FROM operations WHERE op_id = :op_id AND epoch = :epoch", op_id=op_id, epoch=epoch
    ):
        raise _taken_over(db, op_id)


def is_over(db: Db, op_id: OpId, epoch: int) -> bool:
    """Whether an operation came to its end in these hands: what its worker still does then needs no hold."""
    return bool(
        db.one(
            f"SELECT 1 FROM operations WHERE op_id = :op_id AND epoch = :epoch AND NOT ({IS_OPEN})",
            op_id=op_id,
            epoch=epoch,
        )
    )


def rest(db: Db, op_id: OpId, *, epoch: int, failed: bool, seconds: float) -> None:
    """The work on an operation stopped: it is over, or waits for a person, or is taken up again after so many seconds.

    A lease whose containers do not come up is a person's to judge, and so is a deployment that was only created. A run
    that ends by itself is waited for until it has, and so is what goes on at Akua.
    """
    row = db.one(
        "SELECT kind, state, until FROM operations WHERE op_id = :op_id AND epoch = :epoch",
        op_id=op_id,
        epoch=epoch,
    )
    if row is None:
        return
    waits = (
        (row["state"] == _LEASED and not row["until"])
        or (row["state"] == "created" and not failed and not row["kind"].startswith("akua_"))
        or row["kind"] == "exec"
    )
    if waits or row["state"] in _ENDS:
        let_go(db, op_id, epoch=epoch)
    else:
        postpone(db, op_id, epoch=epoch, seconds=seconds)


def check_own(db: Db, op_id: OpId, epoch: int) -> None:
    """Raise `TakenOver` where another worker carries an operation on, and it is not for this one to say how it ended.

    Whoever takes only its deployment leaves it to its worker: nobody else would ever end it.
    """
    if not db.one(
        "SELECT 1 FROM operations WHERE op_id = :op_id"
        " AND (epoch = :epoch OR (worker = :worker AND lease_until IS NULL))",
        op_id=op_id,
        epoch=epoch,
        worker=db.worker,
    ):
        raise _taken_over(db, op_id)


def let_go(db: Db, op_id: OpId, *, epoch: int | None = None) -> None:
    """An operation is over, or waits for a person: others may act on its deployment. Not where others have it."""
    db.run(
        "UPDATE operations SET lease_until = NULL WHERE op_id = :op_id AND (:epoch IS NULL OR epoch = :epoch)",
        op_id=op_id,
        epoch=epoch,
    )


def hand_over(db: Db, op_id: OpId, *, epoch: int) -> None:
    """Let another worker go on at once: this one stops."""
    db.run(
        "UPDATE operations SET lease_until = :now WHERE op_id = :op_id AND epoch = :epoch AND lease_until > :now"
        f" AND {IS_OPEN}",
        op_id=op_id,
        epoch=epoch,
        now=db.now,
    )


def postpone(db: Db, op_id: OpId, *, epoch: int, seconds: float) -> None:
    """What did not come to an end is taken up again after so many seconds, by whichever worker looks then."""
    db.run(
        "UPDATE operations SET lease_until = :now, retry_at = :at, tries = tries + 1"
        " WHERE op_id = :op_id AND epoch = :epoch",
        op_id=op_id,
        epoch=epoch,
        now=db.now,
        at=db.now + seconds,
    )


def claim(db: Db, *, besides: frozenset[OpId] = frozenset()) -> Claimed | None:
    """One operation whose worker is gone, in our hands from now on; None where there is none that is due.

    `besides` are those that this process works on: where it only came too late to renew one, it has it still. Of
    several at one deployment the one that came last had it in hand, so that one comes first, and the others when it
    has let go. Closing waits for nobody.
    """
    rows = db.all(
        "SELECT op_id, number, kind, state, dseq, epoch, worker, lease_until FROM operations"
        " WHERE account = :account AND lease_until IS NOT NULL"
        f" AND (retry_at IS NULL OR retry_at <= :now) AND {IS_OPEN} ORDER BY lease_until, number",
        account=db.account,
        now=db.now,
    )
    left = [row for row in rows if row["lease_until"] <= db.now or is_gone(row["worker"])]
    held = {row["dseq"] for row in rows if row not in left and _acts(row) and row["state"] != _LEASED}
    last = {row["dseq"]: row for row in sorted(left, key=lambda row: int(row["number"])) if _acts(row)}
    free = (
        row
        for row in left
        if not _acts(row)
        or (row is last[row["dseq"]] and (row["kind"] == "close" or row["dseq"] not in held))
    )
    row = next((row for row in free if row["op_id"] not in besides), None)
    if row is None:
        return None
    db.run(
        "UPDATE operations SET worker = :worker, epoch = epoch + 1, lease_until = :until WHERE op_id = :op_id",
        worker=db.worker,
        until=db.now + db.hold_seconds,
        op_id=row["op_id"],
    )
    return Claimed(OpId(row["op_id"]), row["epoch"] + 1)


def _acts(row: Row) -> bool:
    """Whether an operation acts on a deployment that is known: a command changes nothing that others do."""
    return row["dseq"] is not None and row["kind"] != "exec"


def holder(db: Db, dseq: Dseq) -> UnderWay | None:
    """The operation that has a deployment in hand, if any."""
    return _holder(db, dseq)


def _holder(db: Db, dseq: Dseq, *, besides: str = "") -> UnderWay | None:
    row = db.one(
        f"{_SELECT} WHERE account = :account AND dseq = :dseq AND op_id <> :besides AND kind <> 'exec'"
        " AND lease_until > :now",
        account=db.account,
        dseq=dseq,
        besides=besides,
        now=db.now,
    )
    return _under_way(row) if row else None


def _taken_over(db: Db, op_id: OpId) -> TakenOver:
    own = db.one("SELECT dseq, number, lease_until FROM operations WHERE op_id = :op_id", op_id=op_id)
    dseq = own["dseq"] if own else None
    row = db.one(
        # Who takes a deployment over came after it; of several, the one that has it, else the last.
        f"{_SELECT} WHERE account = :account AND dseq = :dseq AND kind <> 'exec' AND number > :number"
        " ORDER BY COALESCE(lease_until, 0) DESC, number DESC LIMIT 1",
        account=db.account,
        dseq=dseq,
        number=own["number"] if own else 0,
    )
    other = _under_way(row) if row else None
    if other is None and own is not None and own["lease_until"] is not None:
        return TakenOver(
            f"Operation {op_id} is carried on by another server of this user.",
            next_step=f'get_deployment(id="{op_id}") says how far it is.',
        )
    if other is None:
        return TakenOver(f"Operation {op_id} is over already.", next_step="Call list_deployments.")
    if other.kind == "close":
        verb = "was closed" if other.state == "done" else "is being closed"
        return TakenOver(
            f"Deployment {dseq} {verb} meanwhile, by operation {other.op_id}.",
            next_step=f'get_deployment(id="{other.op_id}") says what became of it, and what it cost.',
        )
    return TakenOver(
        f"Deployment {dseq} was taken over by {other}.",
        next_step=f'get_deployment(id="{other.op_id}") says how far that is, and what the deployment costs.',
    )


_SELECT = (
    "SELECT op_id, kind, state, (SELECT note FROM steps WHERE steps.op_id = operations.op_id"
    " ORDER BY steps.number DESC LIMIT 1) AS note FROM operations"
)


def _busy(dseq: Dseq, other: UnderWay) -> Busy:
    return Busy(
        f"Deployment {dseq} is in the hands of {other}.",
        next_step=f"Call {other.call} until that has ended; where its server is gone, this one "
        f"goes on with it within a minute. close_deployment(dseq={dseq}) ends it at once.",
    )


def _under_way(row: Row) -> UnderWay:
    return UnderWay(OpId(row["op_id"]), row["kind"], row["state"], row["note"] or "")
