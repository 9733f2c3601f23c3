"""The journal: each operation written down before its request and after its answer.

    planned → reserved → created → offered → leased → ready      a launch
    planned → reserved → created → done                          at Akua: created is taken there, and under way
    planned → reserved → done                                    everything else
    refused     definitely nothing happened
    unknown     the answer was lost: it must be looked up
    unwinding   it is being closed again, until that is proven
    closed      proven closed

It is also what tells our deployments from other people's: what we did not create, we do not close unasked.

All here are plain functions over an open transaction, for `store.run` and `store.read`. What an operation writes
carries its `epoch`: it raises `TakenOver`, and writes nothing, where another worker has it by now.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from sqlite3 import Row

from akash_mcp.guard.books import audit, holds
from akash_mcp.guard.books.audit import AuditEntry, Event
from akash_mcp.guard.books.store import Db
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
    UNWINDING = "unwinding"
    CLOSED = "closed"


_ENDS = (State.READY, State.DONE, State.REFUSED, State.CLOSED)
"""Who has come so far acts no more, and has nothing in hand."""

IS_OPEN = holds.IS_OPEN
"""The same in SQL, turned round."""


class Kind(StrEnum):
    """What an operation is."""

    LAUNCH = "launch"
    LEASE = "lease"
    FUND = "fund"
    UPDATE = "update"
    CLOSE = "close"
    EXEC = "exec"
    TOP_UP = "top_up"
    CERTIFICATE = "certificate"
    AKUA_PACKAGE = "akua_package"
    AKUA_INSTALL = "akua_install"
    AKUA_UPDATE = "akua_update"
    AKUA_DELETE = "akua_delete"
    AKUA_CLUSTER = "akua_cluster"
    AKUA_POWER = "akua_power"
    AKUA_SCALING = "akua_scaling"


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

    `name` is what a launch's deployment is called, without the operation. `plan` is what was approved, as JSON, while
    it is open. `ends_at` is when the run that a launch began ends at the latest, and `until` what ends it earlier.
    `worker` carries it out until `lease_until`; where that is None it has let go, and waits for a person or is over.
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
    agent: str = ""
    plan: str | None = None
    epoch: int = 1
    ends_at: float | None = None
    until: str | None = None
    retry_at: float | None = None
    tries: int = 0
    worker: str | None = None
    lease_until: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has come to its end."""
        return self.state in _ENDS


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


def open_operation(
    db: Db,
    op_id: OpId,
    kind: Kind,
    summary: str,
    *,
    dseq: Dseq | None = None,
    name: str = "",
    plan: str | None = None,
    follows: OpId | None = None,
    until: str | None = None,
) -> None:
    """Write down what is about to be done, and take its deployment in hand.

    Raises `OperationExists` where it was opened before, by whichever process, and `Busy` where another one has
    the deployment. Closing always may. A command changes nothing that others do. The summary is cleaned on its way:
    it names what an SDL names.
    """
    if db.one("SELECT 1 FROM operations WHERE op_id = :op_id", op_id=op_id):
        raise OperationExists(op_id)
    db.run(
        "INSERT INTO operations (op_id, number, account, agent, kind, state, dseq, name, summary, plan, created_at,"
        " updated_at, worker, epoch, tries, follows, until) SELECT :op_id, COALESCE(MAX(number), 0) + 1, :account,"
        " :agent, :kind, :state, :dseq, :name, :summary, :plan, :now, :now, :worker, 1, 0, :follows, :until"
        " FROM operations",
        op_id=op_id,
        account=db.account,
        agent=db.agent,
        kind=kind,
        state=State.PLANNED,
        dseq=dseq,
        name=name,
        summary=one_line(summary, limit=LONGEST_SUMMARY),
        plan=plan,
        now=db.now,
        worker=db.worker,
        follows=follows,
        until=until,
    )
    _step(db, op_id, State.PLANNED, "")
    holds.take(db, op_id, None if kind is Kind.EXEC else dseq, by_force=kind is Kind.CLOSE)


def advance(db: Db, op_id: OpId, state: State, note: str = "", *, epoch: int | None = None) -> None:
    """Write down that an operation reached `state`. What is closed stays closed; what was refused is forgotten.

    The note is cleaned on its way: it may quote an upstream, and what stands here reaches models and people later.
    """
    if epoch is not None:
        holds.check_epoch(db, op_id, epoch)
    row = db.one("SELECT state FROM operations WHERE op_id = :op_id", op_id=op_id)
    was = State(row["state"]) if row else None
    moved = db.run(
        "UPDATE operations SET state = :state, updated_at = :now WHERE op_id = :op_id AND state <> :closed",
        state=state,
        now=db.now,
        op_id=op_id,
        closed=State.CLOSED,
    )
    if moved:
        _step(db, op_id, state, one_line(note, limit=LONGEST_NOTE))
        if state is not was and state in (*_ENDS, State.UNKNOWN):
            _audit_end(db, op_id, state, note)
    if state in _ENDS:
        holds.let_go(db, op_id)
        _forget_plan(db, op_id)
    if state is State.REFUSED:
        db.run("UPDATE operations SET sdl = NULL, manifest = NULL WHERE op_id = :op_id", op_id=op_id)
        db.forget_deleted()


def created(
    db: Db, op_id: OpId, dseq: Dseq, sources: Sources, *, alone: bool = False, epoch: int | None = None
) -> bool:
    """Write down which deployment a launch created, with what it runs, and take it in hand.

    False, and nothing is written, where that is another launch's deployment; with `alone` also while another
    launch of the same manifest does not know its own and was not refused: it could be that one's.
    """
    if epoch is not None:
        holds.check_epoch(db, op_id, epoch)
    if alone and rivals(db, op_id, sources.manifest):
        return False
    # The file knows one launch for each deployment.
    taken = db.one(
        "SELECT 1 FROM operations WHERE account = :account AND dseq = :dseq AND kind = :launch AND op_id <> :op_id",
        account=db.account,
        dseq=dseq,
        launch=Kind.LAUNCH,
        op_id=op_id,
    )
    if taken:
        return False
    db.run("UPDATE operations SET dseq = :dseq WHERE op_id = :op_id", dseq=dseq, op_id=op_id)
    keep_sources(db, op_id, sources)
    holds.take(db, op_id, dseq, by_force=True)
    advance(db, op_id, State.CREATED)
    return True


def rivals(db: Db, op_id: OpId, manifest: str) -> list[OpId]:
    """The other launches of the same manifest that may have created a deployment and do not know which."""
    rows = db.all(
        "SELECT op_id FROM operations WHERE account = :account AND kind = :launch AND dseq IS NULL"
        " AND manifest = :manifest AND op_id <> :op_id ORDER BY number",
        account=db.account,
        launch=Kind.LAUNCH,
        manifest=manifest,
        op_id=op_id,
    )
    return [OpId(row["op_id"]) for row in rows]


def finish(db: Db, op_id: OpId) -> None:
    """An operation that is one request is done. A launch that was unwound stays what it became: closed."""
    operation = find(db, op_id)
    if operation is not None and operation.state not in (State.CLOSED, State.DONE):
        advance(db, op_id, State.DONE)


def keep_sources(db: Db, op_id: OpId, sources: Sources) -> None:
    """Keep what a lease or an update will need. It may hold secrets; `mark_closed` forgets it."""
    db.run(
        "UPDATE operations SET sdl = :sdl, manifest = :manifest, runtime_limit_hours = :hours,"
        " manifest_version = :version WHERE op_id = :op_id",
        sdl=sources.sdl,
        manifest=sources.manifest,
        hours=sources.runtime_limit_hours,
        version=sources.manifest_version,
        op_id=op_id,
    )


def sources(db: Db, dseq: Dseq) -> Sources | None:
    """What a deployment of ours that is still open runs, else None."""
    row = db.one(
        "SELECT sdl, manifest, runtime_limit_hours, manifest_version FROM operations"
        " WHERE account = :account AND dseq = :dseq AND kind = :launch AND manifest IS NOT NULL",
        account=db.account,
        dseq=dseq,
        launch=Kind.LAUNCH,
    )
    return Sources(*row) if row else None


def sources_of(db: Db, op_id: OpId) -> Sources | None:
    """What a launch sends or sent, also before it knows its deployment."""
    row = db.one(
        "SELECT sdl, manifest, runtime_limit_hours, manifest_version FROM operations"
        " WHERE op_id = :op_id AND manifest IS NOT NULL",
        op_id=op_id,
    )
    return Sources(*row) if row else None


def note_secrets(db: Db, op_id: OpId, dseq: Dseq, names: Iterable[str]) -> None:
    """Write down that an update gives a deployment these secrets, whoever created it."""
    known = dict.fromkeys((*secrets_of(db, dseq), *names))
    references = " ".join(f"{SCHEME}{name}" for name in known)
    db.run("UPDATE operations SET sdl = :sdl WHERE op_id = :op_id", sdl=references or None, op_id=op_id)


def secrets_of(db: Db, dseq: Dseq) -> tuple[str, ...]:
    """The names of the secrets that a deployment was given, as far as it is open or was changed by us."""
    rows = db.all(
        "SELECT sdl FROM operations WHERE account = :account AND dseq = :dseq AND sdl IS NOT NULL",
        account=db.account,
        dseq=dseq,
    )
    return names_mentioned("\n".join(row["sdl"] for row in rows))


def mark_closed(db: Db, dseq: Dseq, note: str) -> None:
    """A deployment is proven closed: its launch ends, and what it ran is forgotten, also in SQLite's log."""
    db.forget_deleted()
    launches = db.all(
        "SELECT op_id, state FROM operations WHERE account = :account AND dseq = :dseq AND kind = :launch",
        account=db.account,
        dseq=dseq,
        launch=Kind.LAUNCH,
    )
    for row in launches:
        db.run(
            "UPDATE operations SET state = :state, sdl = NULL, manifest = NULL, plan = NULL, lease_until = NULL,"
            " updated_at = :now WHERE op_id = :op_id",
            state=State.CLOSED,
            now=db.now,
            op_id=row["op_id"],
        )
        _step(db, row["op_id"], State.CLOSED, note)
        if row["state"] != State.CLOSED:
            _audit_end(db, row["op_id"], State.CLOSED, note)


def leased_at(db: Db, dseq: Dseq) -> float | None:
    """When a deployment of ours got its first lease, in seconds since the epoch; None where none is known."""
    at = db.value(
        "SELECT MIN(steps.at) FROM steps JOIN operations ON operations.op_id = steps.op_id"
        " WHERE operations.account = :account AND operations.dseq = :dseq AND steps.state IN (:leased, :ready)",
        account=db.account,
        dseq=dseq,
        leased=State.LEASED,
        ready=State.READY,
    )
    return None if at is None else float(at)


def delivered_at(db: Db, dseq: Dseq) -> float | None:
    """When what a deployment of ours runs was last about to be sent, in seconds since the epoch."""
    at = db.value(
        "SELECT MAX(created_at) FROM operations WHERE account = :account AND dseq = :dseq"
        " AND (kind = :launch OR (kind = :update AND state = :done))",
        account=db.account,
        dseq=dseq,
        launch=Kind.LAUNCH,
        update=Kind.UPDATE,
        done=State.DONE,
    )
    return None if at is None else float(at)


def find(db: Db, op_id: OpId) -> Operation | None:
    """One operation by its id."""
    row = db.one(
        f"{_OPERATIONS} WHERE op_id = :op_id AND account = :account", op_id=op_id, account=db.account
    )
    return _operation(row) if row else None


def newest(db: Db, op_id: OpId) -> Operation | None:
    """An operation, or the one that goes on with what it was for: a launch at another provider, if it came to that."""
    operation = find(db, op_id)
    while operation is not None:
        row = db.one(
            "SELECT op_id FROM operations WHERE follows = :op_id AND state <> :refused",
            op_id=operation.op_id,
            refused=State.REFUSED,
        )
        if row is None:
            break
        operation = find(db, OpId(row["op_id"]))
    return operation


def before(db: Db, op_id: OpId) -> list[Operation]:
    """The operations that this one goes on with, the first one first: the same launch at providers that failed."""
    chain: list[Operation] = []
    follows: str | None = op_id
    while follows is not None:
        row = db.one("SELECT follows FROM operations WHERE op_id = :op_id", op_id=follows)
        follows = row["follows"] if row else None
        earlier = find(db, OpId(follows)) if follows is not None else None
        if earlier is not None:
            chain.insert(0, earlier)
    return chain


def goes_on_as(db: Db, dseq: Dseq) -> Operation | None:
    """The open launch at another provider that goes on with the one of this deployment, which is closed."""
    launch = launch_of(db, dseq)
    last = newest(db, launch.op_id) if launch is not None else None
    if launch is None or last is None or last.op_id == launch.op_id or last.state is State.CLOSED:
        return None
    return last


def launch_of(db: Db, dseq: Dseq) -> Operation | None:
    """The launch that created a deployment, or None when we did not create it."""
    row = db.one(
        f"{_OPERATIONS} WHERE account = :account AND dseq = :dseq AND kind = :launch",
        account=db.account,
        dseq=dseq,
        launch=Kind.LAUNCH,
    )
    return _operation(row) if row else None


def open_launches(db: Db) -> list[Operation]:
    """The launches that may have an open deployment, newest first. Of one without a dseq nobody knows."""
    rows = db.all(
        # Literally as its index has it.
        f"{_OPERATIONS} WHERE account = :account AND kind = 'launch' AND state NOT IN ('planned', 'refused', 'closed')"
        " ORDER BY number DESC",
        account=db.account,
    )
    return [_operation(row) for row in rows]


def under_way(db: Db) -> list[Operation]:
    """The operations that have not come to their end, newest first."""
    rows = db.all(
        f"{_OPERATIONS} WHERE account = :account AND {IS_OPEN} ORDER BY number DESC", account=db.account
    )
    return [_operation(row) for row in rows]


def recent(db: Db, since: float) -> list[Operation]:
    """The operations that have not come to their end, or came to it since then, newest first. Closed launches count by
    when they were closed.
    """
    rows = db.all(
        f"{_OPERATIONS} WHERE account = :account AND ({IS_OPEN} OR updated_at >= :since) ORDER BY number DESC",
        account=db.account,
        since=since,
    )
    return [_operation(row) for row in rows]


def as_it_stands(db: Db, operation: Operation) -> Operation:
    """A launch that only created its deployment, as far as the operation that leased it has brought it."""
    if operation.kind is not Kind.LAUNCH or operation.state not in (State.CREATED, State.OFFERED):
        return operation
    leased = db.one(
        "SELECT state FROM operations WHERE account = :account AND dseq = :dseq AND kind = :lease"
        " AND state IN (:leased, :ready) ORDER BY number DESC LIMIT 1",
        account=db.account,
        dseq=operation.dseq,
        lease=Kind.LEASE,
        leased=State.LEASED,
        ready=State.READY,
    )
    return operation if leased is None else replace(operation, state=State(leased["state"]))


def was_leased(db: Db, dseq: Dseq) -> bool:
    """Whether one of our operations got a lease for a deployment."""
    return leased_at(db, dseq) is not None


def _step(db: Db, op_id: str, state: State, note: str) -> None:
    db.run(
        "INSERT INTO steps (op_id, number, at, state, note)"
        " SELECT :op_id, COALESCE(MAX(number), 0) + 1, :now, :state, :note FROM steps WHERE op_id = :op_id",
        op_id=op_id,
        now=db.now,
        state=state,
        note=note,
    )


def _audit_end(db: Db, op_id: str, state: State, note: str) -> None:
    text = f"{state}: {one_line(note, limit=LONGEST_NOTE)}" if note else state.value
    audit.append(db, AuditEntry(Event.ENDED, text, OpId(op_id)))


def _forget_plan(db: Db, op_id: OpId) -> None:
    """What was approved can hold what an SDL holds, and nobody needs it any more."""
    if db.run("UPDATE operations SET plan = NULL WHERE op_id = :op_id AND plan IS NOT NULL", op_id=op_id):
        db.forget_deleted()


_OPERATIONS = (
    "SELECT *, (SELECT note FROM steps WHERE steps.op_id = operations.op_id ORDER BY steps.number DESC LIMIT 1) AS note"
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
        name=row["name"],
        agent=row["agent"],
        plan=row["plan"],
        epoch=row["epoch"],
        ends_at=row["ends_at"],
        until=row["until"],
        retry_at=row["retry_at"],
        tries=row["tries"],
        worker=row["worker"],
        lease_until=row["lease_until"],
    )
