"""The one file that outlives us: SQLite in the state folder, shared by every process of this user.

What is written down in one piece is a plain function over one open transaction:

    await store.run(journal.advance, op_id, State.DONE)
    held = await store.read(ledger.held, dseq)

It runs in a worker thread, so that a lock which another process holds delays the call that needs it and nothing else;
reading waits for nobody. Whatever it does is done whole or not at all.

The file holds manifests of deployments under way, and those can hold secrets, so the folder is 0700 and the file
0600. It is opened at the first need and not before: answering `initialize` leaves no trace on the disk.
"""

from __future__ import annotations

import contextlib
import logging
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import anyio
import anyio.to_thread

from akash_mcp.errors import LedgerBusy, LedgerUnusable
from akash_mcp.guard.books.clock import ConsoleClock, Moment, exactly
from akash_mcp.guard.books.schema import VERSIONS
from akash_mcp.guard.books.worker import new_worker
from akash_mcp.guard.private_files import who_else_can_read, who_else_can_write

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

HOLD_SECONDS = 30.0
"""How long a hold lasts that nobody renews."""

_BUSY_SECONDS = 5.0
"""How long a transaction waits for another process to end its own."""

_LONGEST_LOOK_SECONDS = 0.002
"""Between two looks whether another process has ended its own."""

_READERS = 4
"""So many read at once."""

_SHORT_LIVED = (("waiting", "plan"), ("tokens", "plan"), ("sdls", "sdl"))
"""Tables whose rows are good for a day at the most, and where in them an SDL or a command stands."""

_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class Db:
    """One open transaction. Values are named in the SQL (`:dseq`). `moment` is when it is, and `now` the same in
    seconds since the epoch; what counts against a limit of time is dated `moment.latest`, and counted from
    `moment.earliest` (see `clock`). `account` and `agent` say whose rows it is about, `worker` who works, and
    `hold_seconds` how long a hold lasts that nobody renews.
    """

    __slots__ = ("_connection", "_store", "account", "agent", "hold_seconds", "moment", "now", "worker")

    def __init__(self, connection: sqlite3.Connection, store: Store, moment: Moment) -> None:
        self._connection, self._store = connection, store
        self.moment = moment
        self.now = moment.now
        self.account = store.account
        self.agent = store.agent
        self.worker = store.worker
        self.hold_seconds = store.hold_seconds

    def all(self, sql: str, **values: Any) -> list[sqlite3.Row]:
        """All rows of a query."""
        return self._connection.execute(sql, values).fetchall()

    def one(self, sql: str, **values: Any) -> sqlite3.Row | None:
        """The first row of a query, if there is one."""
        row: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def value(self, sql: str, **values: Any) -> Any:
        """The one value of a query that has one row: a sum, a count."""
        row = self.one(sql, **values)
        assert row is not None
        return row[0]

    def run(self, sql: str, **values: Any) -> int:
        """Change rows: how many."""
        return self._connection.execute(sql, values).rowcount

    def forget_deleted(self) -> None:
        """Empty the engine's log after this transaction, and forget it in the copies for older versions of akash-mcp:
        what was deleted still stands in both.

        While another process reads, that cannot be. It is done after a later one, then, or at the next start.
        """
        self._store._is_forgetting = True


Work = Callable[Concatenate[Db, P], T]
"""A plain function over one open transaction."""


class Store:
    """A lazily opened SQLite database.

    Everything raises `LedgerBusy` where another process does not let go of the file in time, and `LedgerUnusable` where
    it cannot be used at all. `now` is the clock that everything in it goes by, unless `clock` is set, `account` and
    `agent` whose rows are written and read.
    """

    def __init__(
        self,
        folder: Path,
        now: Callable[[], float] = time.time,
        *,
        agent: str = "",
        hold_seconds: float = HOLD_SECONDS,
    ) -> None:
        self.path = folder / "akash-mcp.sqlite3"
        self.wall = now
        self.clock: ConsoleClock | None = None
        self.account = ""
        self.agent = agent
        self.worker = new_worker()
        self.hold_seconds = hold_seconds
        self.busy_seconds = _BUSY_SECONDS
        self._writer: sqlite3.Connection | None = None
        self._writing = threading.Lock()
        self._readers: list[sqlite3.Connection] = []
        self._opening = threading.Lock()
        self._is_open = False
        self._file: tuple[int, int] | None = None
        self._is_forgetting = False
        self._limiters: tuple[anyio.CapacityLimiter, anyio.CapacityLimiter] | None = None

    def for_another_account(self) -> Store:
        """The same file, and the same agent, for the rows of another account."""
        return Store(self.path.parent, self.wall, agent=self.agent, hold_seconds=self.hold_seconds)

    def now(self) -> float:
        """Seconds since the epoch, by the clock of what stands here: to be compared with that."""
        return self.wall() if self.clock is None else self.clock.moment(None).now

    def has_passed(self, seconds: float, since: float) -> bool:
        """Whether so many seconds have passed since a moment that stands here, whichever of the clocks has jumped."""
        moment = exactly(self.wall()) if self.clock is None else self.clock.moment(None)
        return moment.earliest - since >= seconds

    async def run(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `work` returns of one transaction that changes something, which no other can interleave with.

        Undone where it raises. It is whole once it has begun, also where the caller is cancelled meanwhile.
        """
        return await anyio.to_thread.run_sync(
            partial(self.run_now, work, *args, **kwargs), limiter=self._limiter(0)
        )

    async def read(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `work` returns of the file as it stands at one moment. Waits for nobody who writes."""
        return await anyio.to_thread.run_sync(
            partial(self.read_now, work, *args, **kwargs), limiter=self._limiter(1)
        )

    def run_now(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`run`, in the thread of the caller."""
        with self._told(), self._writing:
            self._open()
            self._check_in_place()
            if self._writer is None:
                self._writer = self._connect()
            connection = self._writer
            self._begin(connection)
            try:
                done = work(self._db(connection), *args, **kwargs)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
            if self._is_forgetting:
                self._empty_log(connection)
            return done

    def read_now(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`read`, in the thread of the caller."""
        with self._told():
            self._open()
            connection = self._reader()
            try:
                connection.execute("BEGIN")
                try:
                    return work(self._db(connection), *args, **kwargs)
                finally:
                    connection.execute("ROLLBACK")
            finally:
                if self._is_open:
                    self._readers.append(connection)
                else:
                    connection.close()

    def close(self) -> None:
        """Close the file, if it was opened."""
        with self._writing, self._opening:
            for connection in (*self._readers, *filter(None, [self._writer])):
                connection.close()
            self._readers.clear()
            self._writer, self._is_open = None, False

    def __del__(self) -> None:
        self.close()  # from Python 3.13 on it is a warning where nobody did

    def _db(self, connection: sqlite3.Connection) -> Db:
        return Db(connection, self, self._moment(connection))

    def _moment(self, connection: sqlite3.Connection) -> Moment:
        if self.clock is None:
            return exactly(self.wall())
        (newest,) = connection.execute(
            "SELECT MAX(at) FROM reservations WHERE account = :account", {"account": self.account}
        ).fetchone()
        return self.clock.moment(newest)

    def _begin(self, connection: sqlite3.Connection) -> None:
        """Begin to write once nobody else does.

        SQLite looks ever more seldom, up to ten times a second, so that one of many who wait can be passed over for
        seconds. All who look often have their turn soon.
        """
        ends = time.monotonic() + self.busy_seconds
        connection.execute("PRAGMA busy_timeout=0")
        try:
            while True:
                try:
                    connection.execute("BEGIN IMMEDIATE")
                    return
                except sqlite3.OperationalError as busy:
                    if busy.sqlite_errorcode not in _BUSY or time.monotonic() >= ends:
                        raise
                # In a worker thread, and never at the same moments as the others who wait.
                time.sleep(random.uniform(0, _LONGEST_LOOK_SECONDS))
        finally:
            connection.execute(f"PRAGMA busy_timeout={int(self.busy_seconds * 1000)}")

    def _reader(self) -> sqlite3.Connection:
        try:
            return self._readers.pop()
        except IndexError:
            return self._connect()

    def _limiter(self, which: int) -> anyio.CapacityLimiter:
        if self._limiters is None:
            self._limiters = anyio.CapacityLimiter(1), anyio.CapacityLimiter(_READERS)
        return self._limiters[which]

    def _empty_log(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA busy_timeout=0")  # whoever reads may read on: a call would wait for it
        try:
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError as held:  # another process empties it at this moment
            log.debug("the log was not emptied: %s", held)
            busy = 1
        finally:
            connection.execute(f"PRAGMA busy_timeout={int(self.busy_seconds * 1000)}")
        self._is_forgetting = bool(busy)
        for copy in self.path.parent.glob(f"{self.path.name}.format-*[0-9]"):
            try:
                self._forget_in(copy)
            except sqlite3.Error as unusable:
                log.warning("what closed deployments ran still stands in %s: %s", copy, unusable)

    def _forget_in(self, copy: Path) -> None:
        """Forget in a copy for an older version what deployments ran that are closed by now, how what is over was
        planned, and what is kept for a short time only.
        """
        with contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            connection.execute("PRAGMA secure_delete=ON")
            connection.execute("ATTACH :ledger AS ledger", {"ledger": str(self.path)})
            connection.execute(
                "UPDATE main.operations SET sdl = NULL, manifest = NULL"
                " WHERE (sdl IS NOT NULL OR manifest IS NOT NULL) AND op_id IN"
                " (SELECT op_id FROM ledger.operations WHERE sdl IS NULL AND manifest IS NULL)"
            )
            if "plan" in _columns(connection, "operations"):
                connection.execute(
                    "UPDATE main.operations SET plan = NULL WHERE plan IS NOT NULL AND op_id IN"
                    " (SELECT op_id FROM ledger.operations WHERE plan IS NULL)"
                )
            for table, column in _SHORT_LIVED:
                if column in _columns(connection, table):
                    connection.execute(f"DELETE FROM main.{table}")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Around whatever touches the file: what goes wrong with it is told as ours."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            if getattr(error, "sqlite_errorcode", None) in _BUSY:
                log.warning("the ledger at %s is busy", self.path)
                raise LedgerBusy from error
            log.error("the ledger at %s cannot be used: %s", self.path, error)
            # An OSError's own text names our path, which is nothing for a model or another's client.
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise LedgerUnusable(
                f"The ledger cannot be used ({why}), so nothing can be spent.",
                next_step="Deployments can still be listed and closed. Ask the user to run akash-mcp doctor, which "
                "names the file. If it is damaged, moving it away starts a new ledger that knows nothing of earlier "
                "spending.",
            ) from error

    def _open(self) -> None:
        with self._opening:
            if self._is_open:
                return
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._check_access()
            # Created by us before SQLite sees it, so that it is never readable by others, not even for a moment.
            self.path.touch(mode=0o600, exist_ok=True)
            connection = self._connect()
            try:
                self._migrate(connection)
                self._empty_log(connection)  # of what the last process to use it could not
            except BaseException:
                connection.close()
                raise
            self._readers.append(connection)
            self._file = self._file_there()
            self._is_open = True

    def _file_there(self) -> tuple[int, int] | None:
        """Which file stands there; None where none does."""
        try:
            there = self.path.stat()
        except FileNotFoundError:
            return None
        return there.st_dev, there.st_ino

    def _check_in_place(self) -> None:
        """Raise `LedgerUnusable` where the file that is open was moved away: nobody finds what is written to it."""
        if self._file_there() != self._file:
            log.error("the ledger at %s was moved away or replaced while this process used it", self.path)
            raise LedgerUnusable(
                "The ledger was moved away or replaced while this server used it, so nothing can be spent.",
                next_step="Deployments can still be listed and closed. Ask the user to put it back, and to restart "
                "this server.",
            )

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=self.busy_seconds, isolation_level=None, check_same_thread=False
        )
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode=WAL")
            # FULL: a reservation that was answered is still there after a power cut.
            connection.execute("PRAGMA synchronous=FULL")
            # What is deleted or set to NULL is overwritten, not only let go of.
            connection.execute("PRAGMA secure_delete=ON")
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
        version = _version_of(connection)
        if version == len(VERSIONS):
            return
        if version > len(VERSIONS):
            raise sqlite3.DatabaseError(f"it was written by a newer version of akash-mcp (format {version})")
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = _version_of(connection)  # another process may have been here first
            if version:
                self._back_up(version)
            for added in VERSIONS[version:]:
                for statement in added.split(";\n"):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version={len(VERSIONS)}")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def _back_up(self, version: int) -> None:
        """Keep the file as an older version of akash-mcp wrote it, beside the one that is about to change."""
        kept = self.path.with_name(f"{self.path.name}.format-{version}")
        if kept.exists():
            return
        partial_copy = kept.with_name(f"{kept.name}.part")
        partial_copy.unlink(missing_ok=True)
        partial_copy.touch(mode=0o600)
        with (
            contextlib.closing(sqlite3.connect(self.path)) as source,
            contextlib.closing(sqlite3.connect(partial_copy)) as copy,
        ):
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # nobody shares it, and no log of it is left behind
        partial_copy.rename(kept)


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    """The columns of a table of the main file; none where it has no such table."""
    return {name for _, name, *_ in connection.execute(f"PRAGMA main.table_info({table})")}


def _version_of(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)
