"""The one file that outlives us: SQLite in the state folder, shared by every process of this user.

The file holds manifests of deployments under way, and those can hold secrets, so the folder is 0700 and the file
0600. It is opened at the first need and not before: answering `initialize` leaves no trace on the disk.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from akash_mcp.errors import LedgerUnusable
from akash_mcp.guard.private_files import who_else_can_read, who_else_can_write

log = logging.getLogger(__name__)

_BUSY_SECONDS = 5
"""How long a transaction waits for another process to end its own."""

_FIRST = """
CREATE TABLE reservations (
    op_id TEXT PRIMARY KEY,
    dseq TEXT,
    opens INTEGER NOT NULL,        -- 1: this reservation is a deployment's first
    amount_uact INTEGER NOT NULL,  -- the most it can cost
    spent_uact INTEGER,            -- what it did cost, once that is known
    state TEXT NOT NULL CHECK (state IN ('held', 'settled', 'refused')),
    at REAL NOT NULL
) STRICT;
CREATE INDEX reservations_by_dseq ON reservations (dseq);
CREATE TABLE operations (
    op_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    dseq TEXT,
    summary TEXT NOT NULL,
    sdl TEXT,                      -- what it runs, and what the provider is sent: kept while it is open,
    manifest TEXT,                 -- since they can hold secrets
    runtime_limit_hours INTEGER,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL
) STRICT;
CREATE INDEX operations_by_dseq ON operations (dseq);
CREATE TABLE steps (
    op_id TEXT NOT NULL,
    at REAL NOT NULL,
    state TEXT NOT NULL,
    note TEXT NOT NULL
) STRICT;
"""

_SECOND = """
-- Until then whoever carries it out has its deployment in hand.
ALTER TABLE operations ADD COLUMN held_until REAL;
-- One creation is one launch's: two that took up the same deployment were one too many.
UPDATE operations SET dseq = NULL WHERE kind = 'launch' AND dseq IS NOT NULL AND rowid NOT IN
    (SELECT MIN(rowid) FROM operations WHERE kind = 'launch' GROUP BY dseq);
CREATE UNIQUE INDEX launches_by_dseq ON operations (dseq) WHERE kind = 'launch';
CREATE TABLE tokens (              -- two-step approvals, by the operation that each opens: made of the token's hash
    op_id TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,     -- of the plan that was shown
    arguments TEXT NOT NULL,       -- a hash of the tool and the arguments that it was shown for
    expires_at REAL NOT NULL
) STRICT;
CREATE TABLE keys (                -- with which questions are sealed, so that each process knows the others' questions
    name TEXT PRIMARY KEY,
    secret BLOB NOT NULL
) STRICT;
CREATE TABLE diagnoses (           -- why a lease did not work, as far as it was seen while that could be seen
    dseq TEXT PRIMARY KEY,
    at REAL NOT NULL,
    findings TEXT NOT NULL
) STRICT;
CREATE TABLE provider_failures (   -- which providers failed us lately
    provider TEXT NOT NULL,
    at REAL NOT NULL,
    reason TEXT NOT NULL
) STRICT;
"""

_THIRD = """
-- What a launch's deployment is called.
ALTER TABLE operations ADD COLUMN name TEXT;
CREATE TABLE refusals (            -- what the Console refused lately, as far as it counts that
    account TEXT NOT NULL,         -- a hash of its address and our key
    route TEXT NOT NULL,           -- method and path
    subject TEXT NOT NULL,         -- a hash of what was asked for
    status INTEGER NOT NULL,       -- 429: until then it takes nothing of the route
    at REAL NOT NULL,
    until REAL NOT NULL            -- then it is forgotten
) STRICT;
CREATE INDEX refusals_by_route ON refusals (account, route);
"""

_FOURTH = """
-- Which version of its definition the Console has since our last change of it; NULL while that is the manifest's hash.
ALTER TABLE operations ADD COLUMN manifest_version TEXT;
"""

_FIFTH = """
CREATE TABLE jobs (                -- how runs ended that were to end by themselves, and what their log said last
    account TEXT NOT NULL,
    dseq TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    how TEXT NOT NULL,
    exit_code BIGINT,              -- as the log says; NULL: it says nothing
    lines TEXT NOT NULL,           -- JSON
    PRIMARY KEY (account, dseq)
);
"""

_VERSIONS = (_FIRST, _SECOND, _THIRD, _FOURTH, _FIFTH)
"""What each version of the file added to the one before."""


class Store:
    """A lazily opened SQLite database. Every method raises `LedgerUnusable` when the file cannot be used."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "akash-mcp.sqlite3"
        self._connection: sqlite3.Connection | None = None
        self._is_forgetting = False

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One write transaction, which no other process can interleave with. Rolled back when the block raises.

        Inside another one it is a part of that one.
        """
        with self._readable() as connection:
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
            if self._is_forgetting:
                self._empty_log(connection)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for reading only."""
        with self._readable() as connection:
            yield connection

    def forget_deleted(self) -> None:
        """Empty SQLite's log, in which what was deleted still stands.

        While another process reads, that cannot be. It is done after the next transaction, then, or at the next start.
        """
        with self._readable() as connection:
            self._empty_log(connection)

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _empty_log(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA busy_timeout=0")  # whoever reads may read on: a call would wait for it
        try:
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError as held:  # another process empties it at this moment
            log.debug("the log was not emptied: %s", held)
            busy = 1
        finally:
            connection.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}")
        self._is_forgetting = bool(busy)

    @contextmanager
    def _readable(self) -> Iterator[sqlite3.Connection]:
        try:
            if self._connection is None:
                self._connection = self._open()
            yield self._connection
        except (sqlite3.Error, OSError) as error:
            log.error("the ledger at %s cannot be used: %s", self.path, error)
            # An OSError's own text names our path, which is nothing for a model or another's client.
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise LedgerUnusable(
                f"The ledger cannot be used ({why}), so nothing can be spent.",
                next_step="Deployments can still be listed and closed. Ask the user to run akash-mcp doctor, which "
                "names the file. If it is damaged, moving it away starts a new ledger that knows nothing of earlier "
                "spending.",
            ) from error

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._check_access()
        # Created by us before SQLite sees it, so that it is never readable by others, not even for a moment.
        self.path.touch(mode=0o600, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode=WAL")
            # FULL: a reservation that was answered is still there after a power cut.
            connection.execute("PRAGMA synchronous=FULL")
            # What is deleted or set to NULL is overwritten, not only let go of.
            connection.execute("PRAGMA secure_delete=ON")
            self._migrate(connection)
            self._empty_log(connection)  # of what the last process to use it could not
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_access(self) -> None:
        """Raise `LedgerUnusable` where somebody else could rewrite the ledger; only warn of readers."""
        exposed = who_else_can_write(self.path.parent) or who_else_can_write(self.path)
        if exposed is not None:
            log.error("the ledger is not used, because %s: run %s", exposed, exposed.fix)
            raise LedgerUnusable(
                "Other users of this machine can change the ledger, so nothing can be spent.",
                next_step="Deployments can still be listed and closed. Ask the user to run akash-mcp doctor, which "
                "says which folder or file it is and how to fix it.",
            )
        readable = who_else_can_read(self.path.parent) and who_else_can_read(self.path)
        if readable:
            log.warning("%s, and holds what deployments run: run %s", readable, readable.fix)

    def _migrate(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for added in _VERSIONS[version:]:
            for statement in added.split(";\n"):
                connection.execute(statement)
        if version < len(_VERSIONS):
            connection.execute(f"PRAGMA user_version={len(_VERSIONS)}")
        connection.execute("COMMIT")
        if version > len(_VERSIONS):
            raise sqlite3.DatabaseError(f"it was written by a newer version of akash-mcp (format {version})")
