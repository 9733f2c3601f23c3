"""The journal: each operation written down before its request and after its answer.

    planned → reserved → created → offered → leased → ready      a launch
    planned → reserved → done                                    everything else
    refused   definitely nothing happened
    unknown   the answer was lost: it must be looked up
    closed    proven closed

It is also what tells our deployments from other people's: what we did not create, we do not close unasked.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from sqlite3 import Connection, IntegrityError, Row

from akash_mcp.guard.holds import Holds
from akash_mcp.guard.refusals import Refusals
from akash_mcp.guard.store import Store
from akash_mcp.ids import Dseq, OpId
from akash_mcp.sanitize.text import one_line
from akash_mcp.sdl.secret_reference import SCHEME, names_mentioned

LONGEST_SUMMARY = 2_000
LONGEST_NOTE = 500
"""Bytes of one text that is written down."""


class State(StrEnum):
    """How far an operation has come."""

    PLANNED = "planned"
    RESERVED = "reserved"
    CREATED = "created"
    OFFERED = "offered"
    LEASED = "leased"
    READY = "ready"
    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    CLOSED = "closed"


_ENDS = (State.READY, State.DONE, State.REFUSED, State.CLOSED)
"""Who has come so far acts no more, and has nothing in hand."""


class Kind(StrEnum):
    """What an operation is."""

    LAUNCH = "launch"
    LEASE = "lease"
    FUND = "fund"
    UPDATE = "update"
    CLOSE = "close"
    EXEC = "exec"


@dataclass(frozen=True, slots=True)
class Sources:
    """What a deployment runs: the SDL, the manifest text that the Console made of it, and for how long at most.

    `manifest_version`: what the Console called that state of it; None where it said nothing else than the hash of
    `manifest`. Variables that were changed by name stand in another order there, so the hash is another.
    """

    sdl: str
    manifest: str
    runtime_limit_hours: int | None = None
    manifest_version: str | None = None

    @property
    def version(self) -> str:
        """The version that a deployment has while it runs this: base64 of its manifest's SHA-256, as on chain."""
        if self.manifest_version is not None:
            return self.manifest_version
        return base64.b64encode(hashlib.sha256(self.manifest.encode()).digest()).decode()


@dataclass(frozen=True, slots=True)
class Operation:
    """One journalled operation as it stands. Times are seconds since the epoch; `note` is its last step's.

    `name` is what a launch's deployment is called, without the operation.
    """

    op_id: OpId
    kind: Kind
    state: State
    dseq: Dseq | None
    summary: str
    note: str
    created_at: float
    updated_at: float
    name: str = ""


def new_op_id() -> OpId:
    """A name for an operation that nothing had before."""
    return OpId(f"op_{secrets.token_hex(8)}")


def op_id_of(yes: str) -> OpId:
    """The name of the operation that one yes opens, made of the token or the sealed question that stands for it.

    Whoever brings the same yes again, in whichever process, means the same operation.
    """
    return OpId(f"op_{hashlib.sha256(yes.encode()).hexdigest()[:16]}")


class OperationExists(Exception):
    """The yes was used: it opened this operation, and what became of that is the answer."""

    def __init__(self, op_id: OpId) -> None:
        super().__init__(f"operation {op_id} was opened before")
        self.op_id = op_id


class Journal:
    """The operations of this user on this machine, what each has in hand (`holds`), and what was refused (`refusals`).

    Raises `LedgerUnusable` when the file cannot be used.
    """

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now
        self.holds = Holds(store, now)
        self.refusals = Refusals(store, now)

    def together(self) -> AbstractContextManager[Connection]:
        """One transaction around several entries, the ledger's as well: they are in one file."""
        return self._store.transaction()

    def open(self, op_id: OpId, kind: Kind, summary: str, dseq: Dseq | None = None, name: str = "") -> None:
        """Write down what is about to be done, and take its deployment in hand.

        Raises `OperationExists` where it was opened before, by whichever process, and `Busy` where another one has
        the deployment. Closing always may. A command changes nothing that others do. The summary is cleaned on its way:
        it names what an SDL names.
        """
        now, summary = self._now(), one_line(summary, limit=LONGEST_SUMMARY)
        with self._store.transaction() as db:
            if db.execute("SELECT 1 FROM operations WHERE op_id = ?", (op_id,)).fetchone():
                raise OperationExists(op_id)
            db.execute(
                "INSERT INTO operations (op_id, kind, state, dseq, summary, created_at, updated_at, name)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (op_id, kind, State.PLANNED, dseq, summary, now, now, name),
            )
            db.execute("INSERT INTO steps VALUES (?, ?, ?, ?)", (op_id, now, State.PLANNED, ""))
            if kind is not Kind.EXEC:
                self.holds.take(db, op_id, dseq, by_force=kind is Kind.CLOSE)

    def advance(self, op_id: OpId, state: State, note: str = "") -> None:
        """Write down that an operation reached `state`. What is closed stays closed; what was refused is forgotten.

        The note is cleaned on its way: it may quote an upstream, and what stands here reaches models and people later.
        """
        now, note = self._now(), one_line(note, limit=LONGEST_NOTE)
        with self._store.transaction() as db:
            moved = db.execute(
                "UPDATE operations SET state = ?, updated_at = ? WHERE op_id = ? AND state <> ?",
                (state, now, op_id, State.CLOSED),
            ).rowcount
            if moved:
                db.execute("INSERT INTO steps VALUES (?, ?, ?, ?)", (op_id, now, state, note))
            if state in _ENDS:
                self.holds.let_go(op_id)
            if state is State.REFUSED:
                db.execute("UPDATE operations SET sdl = NULL, manifest = NULL WHERE op_id = ?", (op_id,))

    def created(self, op_id: OpId, dseq: Dseq, sources: Sources, *, alone: bool = False) -> bool:
        """Write down which deployment a launch created, with what it runs, and take it in hand.

        False, and nothing is written, where that is another launch's deployment; with `alone` also while another
        launch of the same manifest does not know its own and was not refused: it could be that one's.
        """
        with self._store.transaction() as db:
            if alone and self._rivals(db, op_id, sources.manifest):
                return False
            try:
                db.execute("UPDATE operations SET dseq = ? WHERE op_id = ?", (dseq, op_id))
            except IntegrityError:  # the file knows one launch for each deployment
                return False
            self.keep_sources(op_id, sources)
            self.holds.take(db, op_id, dseq, by_force=True)
            self.advance(op_id, State.CREATED)
            return True

    def rivals(self, op_id: OpId, manifest: str) -> list[OpId]:
        """The other launches of the same manifest that may have created a deployment and do not know which."""
        with self._store.reading() as db:
            return self._rivals(db, op_id, manifest)

    def finish(self, op_id: OpId) -> None:
        """An operation that is one request is done. A launch that was unwound stays what it became: closed."""
        operation = self.find(op_id)
        if operation is not None and operation.state not in (State.CLOSED, State.DONE):
            self.advance(op_id, State.DONE)

    def keep_sources(self, op_id: OpId, sources: Sources) -> None:
        """Keep what a lease or an update will need. It may hold secrets; `mark_closed` forgets it."""
        with self._store.transaction() as db:
            db.execute(
                "UPDATE operations SET sdl = ?, manifest = ?, runtime_limit_hours = ?, manifest_version = ?"
                " WHERE op_id = ?",
                (sources.sdl, sources.manifest, sources.runtime_limit_hours, sources.manifest_version, op_id),
            )

    def sources(self, dseq: Dseq) -> Sources | None:
        """What a deployment of ours that is still open runs, else None."""
        with self._store.reading() as db:
            row = db.execute(
                "SELECT sdl, manifest, runtime_limit_hours, manifest_version FROM operations"
                " WHERE dseq = ? AND kind = ? AND manifest IS NOT NULL",
                (dseq, Kind.LAUNCH),
            ).fetchone()
        return Sources(*row) if row else None

    def note_secrets(self, op_id: OpId, dseq: Dseq, names: Iterable[str]) -> None:
        """Write down that an update gives a deployment these secrets, whoever created it."""
        known = dict.fromkeys((*self.secrets_of(dseq), *names))
        with self._store.transaction() as db:
            references = " ".join(f"{SCHEME}{name}" for name in known)
            db.execute("UPDATE operations SET sdl = ? WHERE op_id = ?", (references or None, op_id))

    def secrets_of(self, dseq: Dseq) -> tuple[str, ...]:
        """The names of the secrets that a deployment was given, as far as it is open or was changed by us."""
        with self._store.reading() as db:
            rows = db.execute(
                "SELECT sdl FROM operations WHERE dseq = ? AND sdl IS NOT NULL", (dseq,)
            ).fetchall()
        return names_mentioned("\n".join(row["sdl"] for row in rows))

    def mark_closed(self, dseq: Dseq, note: str) -> None:
        """A deployment is proven closed: its launch ends, and what it ran is forgotten."""
        now = self._now()
        with self._store.transaction() as db:
            launches = db.execute(
                "SELECT op_id FROM operations WHERE dseq = ? AND kind = ?", (dseq, Kind.LAUNCH)
            ).fetchall()
            for row in launches:
                db.execute(
                    "UPDATE operations SET state = ?, sdl = NULL, manifest = NULL, held_until = NULL, updated_at = ?"
                    " WHERE op_id = ?",
                    (State.CLOSED, now, row["op_id"]),
                )
                db.execute("INSERT INTO steps VALUES (?, ?, ?, ?)", (row["op_id"], now, State.CLOSED, note))
        self._store.forget_deleted()

    def leased_at(self, dseq: Dseq) -> float | None:
        """When a deployment of ours got its first lease, in seconds since the epoch; None where none is known."""
        with self._store.reading() as db:
            (at,) = db.execute(
                "SELECT MIN(steps.at) FROM steps JOIN operations USING (op_id)"
                " WHERE operations.dseq = ? AND steps.state IN (?, ?)",
                (dseq, State.LEASED, State.READY),
            ).fetchone()
        return None if at is None else float(at)

    def delivered_at(self, dseq: Dseq) -> float | None:
        """When what a deployment of ours runs was last about to be sent, in seconds since the epoch."""
        with self._store.reading() as db:
            (at,) = db.execute(
                "SELECT MAX(created_at) FROM operations WHERE dseq = ? AND (kind = ? OR (kind = ? AND state = ?))",
                (dseq, Kind.LAUNCH, Kind.UPDATE, State.DONE),
            ).fetchone()
        return None if at is None else float(at)

    def find(self, op_id: OpId) -> Operation | None:
        """One operation by its id."""
        return self._one("op_id = ?", op_id)

    def launch_of(self, dseq: Dseq) -> Operation | None:
        """The launch that created a deployment, or None when we did not create it."""
        return self._one("dseq = ? AND kind = 'launch'", dseq)

    def open_launches(self) -> list[Operation]:
        """The launches that may have an open deployment, newest first. Of one without a dseq nobody knows."""
        with self._store.reading() as db:
            rows = db.execute(
                f"{_OPERATIONS} WHERE kind = 'launch' AND state NOT IN ('planned', 'refused', 'closed')"
                " ORDER BY created_at DESC"
            ).fetchall()
        return [_operation(row) for row in rows]

    def was_leased(self, dseq: Dseq) -> bool:
        """Whether one of our operations got a lease for a deployment."""
        with self._store.reading() as db:
            row = db.execute(
                "SELECT 1 FROM steps JOIN operations USING (op_id) WHERE operations.dseq = ?"
                " AND steps.state IN ('leased', 'ready') LIMIT 1",
                (dseq,),
            ).fetchone()
        return row is not None

    def _rivals(self, db: Connection, op_id: OpId, manifest: str) -> list[OpId]:
        rows = db.execute(
            "SELECT op_id FROM operations WHERE kind = ? AND dseq IS NULL AND manifest = ? AND op_id <> ?"
            " ORDER BY created_at",
            (Kind.LAUNCH, manifest, op_id),
        ).fetchall()
        return [OpId(row["op_id"]) for row in rows]

    def _one(self, condition: str, value: str) -> Operation | None:
        with self._store.reading() as db:
            row = db.execute(
                f"{_OPERATIONS} WHERE {condition} ORDER BY created_at DESC LIMIT 1", (value,)
            ).fetchone()
        return _operation(row) if row else None


_OPERATIONS = (
    "SELECT *, (SELECT note FROM steps WHERE steps.op_id = operations.op_id ORDER BY rowid DESC LIMIT 1) AS note"
    " FROM operations"
)


def _operation(row: Row) -> Operation:
    return Operation(
        op_id=OpId(row["op_id"]),
        kind=Kind(row["kind"]),
        state=State(row["state"]),
        dseq=Dseq(row["dseq"]) if row["dseq"] else None,
        summary=row["summary"],
        note=row["note"] or "",
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        name=row["name"] or "",
    )
