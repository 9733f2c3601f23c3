"""Holds: one operation at a time has a deployment in hand, in this process and in all that share the file.

An operation takes its deployment in the transaction that opens it (a launch, as soon as it knows what it created),
renews its hold while it works, and lets go at the end. Whoever else wants to act on that deployment meanwhile is
refused. A process that dies or is stopped lets go without a word, after `HOLD_SECONDS`.

Two may take a deployment out of another's hand: whoever closes it, and whoever acts on one that is leased already,
where only its containers are still waited for. Whoever takes it clears the other's hold, also one that ran out, in the
same transaction; so a process that slept through all of this finds its hold gone and sends nothing more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from sqlite3 import Connection, Row

from akash_mcp.errors import Busy, TakenOver
from akash_mcp.guard.store import Store
from akash_mcp.ids import Dseq, OpId

HOLD_SECONDS = 60.0
"""How long a hold lasts that nobody renews."""

_LEASED = "leased"
"""The state of one that has nothing left to do but wait."""


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


class Holds:
    """Who has which deployment in hand. `now` is in seconds since the epoch. Raises `LedgerUnusable`."""

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now

    def take(self, db: Connection, op_id: OpId, dseq: Dseq | None, *, by_force: bool) -> None:
        """Take a deployment in hand, within the transaction that opens the operation or names its deployment.

        Raises `Busy` where another operation acts on it; `by_force` takes it from that one. A launch has nothing to
        take before it knows its deployment (None), and renews its hold like the others.
        """
        now = self._now()
        if dseq is not None:
            other = self._holder(db, dseq, now, besides=op_id)
            if other is not None and not by_force and other.state != _LEASED:
                raise _busy(dseq, other)
            db.execute("UPDATE operations SET held_until = NULL WHERE dseq = ? AND op_id <> ?", (dseq, op_id))
        db.execute("UPDATE operations SET held_until = ? WHERE op_id = ?", (now + HOLD_SECONDS, op_id))

    def check_free(self, dseq: Dseq) -> None:
        """Raise what `take` would raise now, and take nothing: asked before a person is asked."""
        with self._store.reading() as db:
            other = self._holder(db, dseq, self._now())
        if other is not None and other.state != _LEASED:
            raise _busy(dseq, other)

    def keep(self, op_id: OpId) -> None:
        """Renew a hold, before each request that acts and every now and then. Raises `TakenOver` where it is gone.

        One that ran out and that nobody took is as good as new. Closing needs none, nor does a command.
        """
        with self._store.transaction() as db:
            row = db.execute(
                "SELECT dseq, held_until FROM operations WHERE op_id = ? AND kind NOT IN ('close', 'exec')",
                (op_id,),
            ).fetchone()
            if row is None:
                return
            if row["held_until"] is None:
                raise self._taken_over(db, op_id, row["dseq"])
            db.execute(
                "UPDATE operations SET held_until = ? WHERE op_id = ?", (self._now() + HOLD_SECONDS, op_id)
            )

    def let_go(self, op_id: OpId) -> None:
        """An operation is over: others may act on its deployment."""
        with self._store.transaction() as db:
            db.execute("UPDATE operations SET held_until = NULL WHERE op_id = ?", (op_id,))

    def under_way(self, dseq: Dseq) -> UnderWay | None:
        """The operation that has a deployment in hand, if any."""
        with self._store.reading() as db:
            return self._holder(db, dseq, self._now())

    def _holder(self, db: Connection, dseq: Dseq, now: float, *, besides: str = "") -> UnderWay | None:
        row = db.execute(
            f"{_SELECT} WHERE dseq = ? AND op_id <> ? AND held_until > ?", (dseq, besides, now)
        ).fetchone()
        return _under_way(row) if row else None

    def _taken_over(self, db: Connection, op_id: OpId, dseq: Dseq | None) -> TakenOver:
        row = db.execute(
            # Who takes a deployment over came after it; of several, the one that has it, else the last.
            f"{_SELECT} WHERE dseq = ? AND kind <> 'exec'"
            " AND rowid > (SELECT rowid FROM operations WHERE op_id = ?)"
            " ORDER BY held_until DESC, rowid DESC LIMIT 1",
            (dseq, op_id),
        ).fetchone()
        other = _under_way(row) if row else None
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
    " ORDER BY rowid DESC LIMIT 1) AS note FROM operations"
)


def _busy(dseq: Dseq, other: UnderWay) -> Busy:
    return Busy(
        f"Deployment {dseq} is in the hands of {other}.",
        next_step=f"Call {other.call} until that has ended; where its server was stopped, it lets go within a minute. "
        f"close_deployment(dseq={dseq}) ends it at once.",
    )


def _under_way(row: Row) -> UnderWay:
    return UnderWay(OpId(row["op_id"]), row["kind"], row["state"], row["note"] or "")
