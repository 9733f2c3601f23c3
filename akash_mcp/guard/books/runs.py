"""Runs: until when a deployment of ours was approved to run, and what has to be ended.

A run begins with its creation and is counted anew from its first lease that is proven. Its end stands with the launch
that created it. It is moved by an operation that was approved for that, and by nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from akash_mcp.errors import Busy, OverBudget, Refused
from akash_mcp.guard.books import journal
from akash_mcp.guard.books.journal import IS_OPEN, Kind, Operation, State
from akash_mcp.guard.books.store import Db
from akash_mcp.ids import Dseq, OpId

HOUR_SECONDS = 3600.0

_YEAR_10000 = 253_402_300_800


@dataclass(frozen=True, slots=True)
class Run:
    """The run of a deployment that we created: since when it counts, and until when. In seconds since the epoch."""

    started_at: float
    ends_at: float

    def hours(self, hour_seconds: float = HOUR_SECONDS) -> int:
        """How long it lasts from its start to its end."""
        return round((self.ends_at - self.started_at) / hour_seconds)

    def check_longer(self, more: int, most: int, hour_seconds: float = HOUR_SECONDS) -> None:
        """Raise `OverBudget` where it would last for more than `most` hours if it were made so many hours longer."""
        total = self.hours(hour_seconds) + more
        if total > most:
            raise OverBudget(
                f"It would run for {total} hours in all, over the user's limit of {most}.",
                next_step="Ask for less. Only the user can raise the limit (AKASH_MCP_MAX_HOURS).",
            )


def find(db: Db, dseq: Dseq) -> Run | None:
    """The run of a deployment; None where we did not create it, or where nobody approved an end."""
    row = db.one(
        "SELECT ends_at, (SELECT MIN(at) FROM steps WHERE steps.op_id = operations.op_id AND steps.state = :created)"
        " AS created_at FROM operations WHERE account = :account AND dseq = :dseq AND kind = :launch"
        " AND ends_at IS NOT NULL",
        created=State.CREATED,
        account=db.account,
        dseq=dseq,
        launch=Kind.LAUNCH,
    )
    if row is None:
        return None
    leased_at = journal.leased_at(db, dseq)
    return Run(row["created_at"] if leased_at is None else leased_at, row["ends_at"])


def begin(db: Db, op_id: OpId, hours: int | None, hour_seconds: float = HOUR_SECONDS) -> None:
    """The deployment of a launch is there: so many hours from now its run ends. None: nobody approved an end."""
    db.run(
        "UPDATE operations SET ends_at = :ends_at WHERE op_id = :op_id",
        ends_at=None if hours is None else db.now + hours * hour_seconds,
        op_id=op_id,
    )


def count_from_lease(db: Db, dseq: Dseq) -> None:
    """It is leased: what it waited for is not counted. Called before that is written down, and counted only once."""
    if journal.leased_at(db, dseq) is not None:
        return
    db.run(
        "UPDATE operations SET ends_at = ends_at + :now -"
        " (SELECT MIN(at) FROM steps WHERE steps.op_id = operations.op_id AND steps.state = :created)"
        " WHERE account = :account AND dseq = :dseq AND kind = :launch AND ends_at IS NOT NULL",
        now=db.now,
        created=State.CREATED,
        account=db.account,
        dseq=dseq,
        launch=Kind.LAUNCH,
    )


def extend(db: Db, dseq: Dseq, hours: int, hour_seconds: float = HOUR_SECONDS) -> None:
    """Move the end of a run so many hours later. One that has none, or that we did not create, has none afterwards."""
    db.run(
        "UPDATE operations SET ends_at = ends_at + :seconds WHERE account = :account AND dseq = :dseq"
        " AND kind = :launch AND ends_at IS NOT NULL",
        seconds=hours * hour_seconds,
        account=db.account,
        dseq=dseq,
        launch=Kind.LAUNCH,
    )


def due(db: Db) -> list[Dseq]:
    """The deployments of ours whose run is over and that nobody is closing."""
    return [Dseq(row["dseq"]) for row in db.all(f"{_DUE} ORDER BY ends_at", **_due_values(db))]


def seconds_left(db: Db) -> float | None:
    """How long the next run of ours goes on that is not over yet; None where there is none."""
    ends_at = db.value(
        "SELECT MIN(ends_at) FROM operations WHERE account = :account AND kind = :launch AND state <> :closed"
        " AND dseq IS NOT NULL AND ends_at > :now",
        account=db.account,
        launch=Kind.LAUNCH,
        closed=State.CLOSED,
        now=db.now,
    )
    return None if ends_at is None else ends_at - db.now


def open_end(db: Db, op_id: OpId, dseq: Dseq) -> None:
    """Open the operation that closes a deployment at the end of its run.

    Raises `Refused` for one that is not ours or not due, and `Busy` where somebody is closing it already.
    """
    launch = journal.launch_of(db, dseq)
    if launch is None or launch.state is State.CLOSED or launch.ends_at is None or launch.ends_at > db.now:
        raise Refused(f"The run of deployment {dseq} is not over.")
    if not db.one(f"{_DUE} AND dseq = :dseq", **_due_values(db), dseq=dseq):
        raise Busy(f"Deployment {dseq} is being closed already.")
    ended = in_utc(launch.ends_at)
    journal.open_operation(
        db,
        op_id,
        Kind.CLOSE,
        f"No cost. Close deployment {dseq}: it was approved to run until {ended}.",
        dseq=dseq,
    )


def waits_since(db: Db, dseq: Dseq) -> float | None:
    """Since when a deployment is leased without that anybody saw it run; None where it is not so.

    Of one that ends by itself whoever waits for its end sees that.
    """
    ran = db.one(
        "SELECT 1 FROM steps JOIN operations ON operations.op_id = steps.op_id"
        " WHERE operations.account = :account AND operations.dseq = :dseq"
        " AND (steps.state = :ready OR operations.until IS NOT NULL)",
        account=db.account,
        dseq=dseq,
        ready=State.READY,
    )
    return None if ran else journal.leased_at(db, dseq)


def came_up(db: Db, dseq: Dseq) -> None:
    """It was seen to run, after whoever leased it had stopped waiting for that.

    One that ends by itself is waited for until it has: to run is not its end.
    """
    for row in db.all(
        "SELECT op_id FROM operations WHERE account = :account AND dseq = :dseq AND state = :leased AND until IS NULL",
        account=db.account,
        dseq=dseq,
        leased=State.LEASED,
    ):
        journal.advance(db, OpId(row["op_id"]), State.READY, "seen to run")


def in_utc(moment: float) -> str:
    """A moment for a person: `2026-11-29 08:05 UTC`. One that is no date is said to be unknown."""
    if not 0 <= moment < _YEAR_10000:
        return "an unknown time"
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")


def loose_ends(db: Db) -> list[Operation]:
    """The operations that were begun, have not come to their end, and that nobody works on at this moment."""
    rows = db.all(
        f"SELECT op_id FROM operations WHERE account = :account AND lease_until <= :now AND {IS_OPEN}",
        account=db.account,
        now=db.now,
    )
    loose = {row["op_id"] for row in rows}
    return [operation for operation in journal.under_way(db) if operation.op_id in loose]


_CLOSING = (
    "SELECT dseq FROM operations WHERE account = :account AND lease_until IS NOT NULL AND dseq IS NOT NULL"
    f" AND (kind = :close OR state = :unwinding) AND {IS_OPEN}"
)

_DUE = (
    "SELECT dseq FROM operations WHERE account = :account AND kind = :launch AND state <> :closed AND ends_at <= :now"
    f" AND dseq IS NOT NULL AND dseq NOT IN ({_CLOSING})"
)


def _due_values(db: Db) -> dict[str, object]:
    return {
        "account": db.account,
        "launch": Kind.LAUNCH,
        "closed": State.CLOSED,
        "now": db.now,
        "close": Kind.CLOSE,
        "unwinding": State.UNWINDING,
    }
