"""Notices: what the watch and others found, told once in the next answer of that account and once to the person.

A notice is written in the transaction that does what it tells of, with a row of the audit. Two things are done with
each, independent of each other and each by whichever process comes first: an answer of a tool takes it along (`take`),
and the command or webhook that the person configured gets it (`take_unsent`, by `workflow.notify`). Reading (`pending`,
`recent`) takes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from sqlite3 import Row

from akash_mcp.guard.books import audit
from akash_mcp.guard.books.audit import AuditEntry, Event
from akash_mcp.guard.books.store import Db
from akash_mcp.ids import Dseq, OpId
from akash_mcp.sanitize.text import one_line

REPEATED_SECONDS = 86_400.0
"""A notice that was given is not given again for so long, and is recent meanwhile."""

UNSENT_SECONDS = 3_600.0
"""What is older than this goes to no command or webhook: the first one that is configured does not get a history."""

KEPT_SECONDS = 30 * 86_400.0
"""How long one is kept after it was told."""

LONGEST_NOTICE = 600
"""Bytes of a text."""


class Level(StrEnum):
    """How much a notice matters."""

    INFO = "info"
    """Something was done, and all is well."""
    WARNING = "warning"
    """Something will end, or is not as it was approved."""
    ALARM = "alarm"
    """Money is being spent, or may be, that nobody approved, or that could not be stopped."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What has to be told. `at` is in seconds since the epoch; `text` is one line of whole sentences."""

    number: int
    at: float
    level: Level
    dseq: Dseq | None
    op_id: OpId | None
    text: str

    def __str__(self) -> str:
        """When, how much it matters, and what it says: one line."""
        at = datetime.fromtimestamp(self.at, UTC).strftime("%Y-%m-%dT%H:%MZ")
        return f"{at} {self.level}: {self.text}"


def note(
    db: Db,
    text: str,
    *,
    level: Level = Level.WARNING,
    dseq: Dseq | None = None,
    op_id: OpId | None = None,
    about: str = "",
) -> bool:
    """Give a notice to the account of this transaction: False where an equal one was given within a day.

    Equal are those about the same deployment with the same text, or where `about` says what it is about
    (`"escrow ends"`), with the same `about`: a text with an amount in it differs each time.
    """
    text = one_line(text, limit=LONGEST_NOTICE)
    about = about or text
    if db.one(
        "SELECT 1 FROM notices WHERE account = :account AND about = :about AND COALESCE(dseq, '') = :dseq"
        " AND at > :since",
        account=db.account,
        about=about,
        dseq=dseq or "",
        since=db.now - REPEATED_SECONDS,
    ):
        return False
    db.run(
        "DELETE FROM notices WHERE account = :account AND told_at IS NOT NULL AND at < :old",
        account=db.account,
        old=db.now - KEPT_SECONDS,
    )
    last = db.value(
        "SELECT COALESCE(MAX(number), 0) FROM notices WHERE account = :account", account=db.account
    )
    db.run(
        "INSERT INTO notices (account, number, at, level, dseq, op_id, about, text)"
        " VALUES (:account, :number, :at, :level, :dseq, :op_id, :about, :text)",
        account=db.account,
        number=last + 1,
        at=db.now,
        level=level.value,
        dseq=dseq,
        op_id=op_id,
        about=about,
        text=text,
    )
    audit.append(db, AuditEntry(Event.FOUND, text, op_id))
    return True


def take(db: Db, most: int = 10) -> list[Notice]:
    """The oldest notices of this account that no answer has told, marked as told: each is taken once."""
    return _take(db, "told_at", 0.0, most)


def take_unsent(db: Db, most: int = 10) -> list[Notice]:
    """The same of those that the person's command and webhook did not get, and that are not older than an hour."""
    return _take(db, "sent_at", db.now - UNSENT_SECONDS, most)


def pending(db: Db, most: int = 20) -> list[Notice]:
    """The oldest notices of this account that no answer has told. Takes nothing."""
    rows = db.all(
        f"SELECT {_COLUMNS} FROM notices WHERE account = :account AND told_at IS NULL ORDER BY number LIMIT :most",
        account=db.account,
        most=most,
    )
    return [_notice(row) for row in rows]


def recent(db: Db, most: int = 10) -> list[Notice]:
    """The newest notices of this account within a day, oldest first, told or not. Takes nothing."""
    rows = db.all(
        f"SELECT {_COLUMNS} FROM notices WHERE account = :account AND at > :since ORDER BY number DESC LIMIT :most",
        account=db.account,
        since=db.now - REPEATED_SECONDS,
        most=most,
    )
    return [_notice(row) for row in reversed(rows)]


def since(db: Db, number: int) -> list[Notice]:
    """The notices of this account after the one of this number, oldest first. Takes nothing."""
    rows = db.all(
        f"SELECT {_COLUMNS} FROM notices WHERE account = :account AND number > :number ORDER BY number",
        account=db.account,
        number=number,
    )
    return [_notice(row) for row in rows]


def newest_number(db: Db) -> int:
    """The number of this account's newest notice; 0 where there is none."""
    return int(
        db.value("SELECT COALESCE(MAX(number), 0) FROM notices WHERE account = :account", account=db.account)
    )


def any_unsent(db: Db) -> bool:
    """Whether `take_unsent` would take any."""
    row = db.one(
        "SELECT 1 FROM notices WHERE account = :account AND sent_at IS NULL AND at > :since",
        account=db.account,
        since=db.now - UNSENT_SECONDS,
    )
    return row is not None


def _take(db: Db, mark: str, since: float, most: int) -> list[Notice]:
    # One statement, so that of two who take at once the second finds these rows marked, on either engine.
    rows = db.all(
        f"UPDATE notices SET {mark} = :now WHERE account = :account AND {mark} IS NULL AND number IN"
        f" (SELECT number FROM notices WHERE account = :account AND {mark} IS NULL AND at > :since"
        f" ORDER BY number LIMIT :most) RETURNING {_COLUMNS}",
        now=db.now,
        account=db.account,
        since=since,
        most=most,
    )
    return sorted(map(_notice, rows), key=lambda notice: notice.number)


_COLUMNS = "number, at, level, dseq, op_id, text"


def _notice(row: Row) -> Notice:
    return Notice(row["number"], row["at"], Level(row["level"]), row["dseq"], row["op_id"], row["text"])
