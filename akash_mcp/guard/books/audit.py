"""The audit: who asked for what, how it was answered and what came of it, in rows that are only ever added.

`append` is called inside the transaction that does the thing, so there is no deed without its row and no row without
its deed. The rows of an account are numbered without gaps and each holds a hash over itself and the hash of the row
before, so that a row which was changed, deleted, moved or put in between is found by `verify`.

A chain cannot say that its end was cut off: what is left is a chain. `audit_heads` keeps hashes elsewhere for that.
Whoever can write all of this user's files can write all of it anew; `docs/audit.md` says what that means.

No row holds a secret, an SDL or a command that was run in a container: `Plan.record` leaves those out, and every text
is cleaned here once more, which changes no question.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from sqlite3 import Row
from typing import Any

from akash_mcp.guard.books.store import Db
from akash_mcp.ids import OpId
from akash_mcp.money import Usd
from akash_mcp.sanitize.text import clean, one_line

LONGEST_TEXT = 16_384
"""Bytes of a text: the longest question with all that it lists is shorter."""

_LONGEST_CLIENT = 120
_PAGE = 1_000
_LEAST = -(2**63)
_START = ""
"""What stands before the first row."""


class Event(StrEnum):
    """What a row tells. An approval is the question's exact text, an end what came of the operation."""

    SHOWN = "shown"
    """A plan was put to a person who has not answered: in a question, or with a token."""
    DECLINED = "declined"
    """The answer was no, or none."""
    ANSWERED = "answered"
    """A person said yes at a terminal, and the call that asked has not come again yet."""
    APPROVED = "approved"
    """The answer was yes, and the operation was opened by it. `via` says how it was given."""
    DENIED = "denied"
    """The policy or the budget said no."""
    ENDED = "ended"
    """What came of an operation, beginning with the state that the journal has for it."""
    SETTLED = "settled"
    """A person said by hand what an operation had cost."""
    FOUND = "found"
    """The watch found something, or did it unasked."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A row to be added. `exposure` is the most it can cost, None where the row is not about that.

    `client` is the MCP client's name and version as it tells them, `via` how an answer was given: `Approval.via`, or
    `terminal`. `text` is what was shown or happened (`Plan.record`): many lines are fine.
    """

    event: Event
    text: str
    op_id: OpId | None = None
    client: str = ""
    via: str = ""
    exposure: Usd | None = None


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A row as it stands in the file. `at` is in seconds since the epoch, `exposure_uact` in millionths of a dollar."""

    account: str
    number: int
    at: float
    agent: str
    client: str
    op_id: str | None
    event: str
    via: str
    text: str
    exposure_uact: int | None
    previous: str
    hash: str

    @property
    def right_hash(self) -> str:
        """SHA-256, in hexadecimal, over the row's other columns as a JSON array in the order in which they stand here.

        The array is written without spaces and in ASCII, numbers as JSON has them (`1764400000.0`).
        """
        columns = [
            *(self.account, self.number, self.at, self.agent, self.client, self.op_id),
            *(self.event, self.via, self.text, self.exposure_uact, self.previous),
        ]
        # `default`: a value of a kind that was never written has another hash, and does not stop the check.
        return hashlib.sha256(json.dumps(columns, separators=(",", ":"), default=repr).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Head:
    """The newest row of an account's chain at some moment: its number and hash."""

    account: str
    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found: so many rows, the newest good one of each account, and the first that is not as written."""

    rows: int
    heads: tuple[Head, ...]
    broken: int | None = None
    """The number of the first row that is missing or is not what was written, of the first account that has one."""
    account: str = ""
    """The account whose row that is."""

    def __str__(self) -> str:
        if self.broken is not None:
            whose = f" of account {self.account}" if self.account else ""
            return (
                f"The audit is broken at row {self.broken}{whose}: from there on rows were changed, deleted or put in. "
                f"{self.rows} rows were read."
            )
        heads = "; ".join(f"row {head.number}{_of(head.account)} is {head.hash}" for head in self.heads)
        return f"The audit is whole: {self.rows} rows." + (f" The newest: {heads}." if heads else "")


def append(db: Db, entry: AuditEntry) -> None:
    """Add a row for the account and agent of this transaction, which has to be one that does the thing."""
    last = newest(db)
    row = AuditRow(
        account=db.account,
        number=last.number + 1 if last else 1,
        at=float(db.now),
        agent=db.agent,
        client=one_line(entry.client, limit=_LONGEST_CLIENT),
        op_id=entry.op_id,
        event=entry.event.value,
        via=entry.via,
        text=clean(entry.text, limit=LONGEST_TEXT).text,
        exposure_uact=None if entry.exposure is None else entry.exposure.uact_at_most,
        previous=last.hash if last else _START,
        hash="",
    )
    row = replace(row, hash=row.right_hash)
    db.run(
        "INSERT INTO audit (account, number, at, agent, client, op_id, event, via, text, exposure_uact, previous, hash)"
        " VALUES (:account, :number, :at, :agent, :client, :op_id, :event, :via, :text, :exposure_uact, :previous,"
        " :hash)",
        **_columns(row),
    )


def newest(db: Db) -> Head | None:
    """The newest row of this account, None where it has none."""
    row = db.one(
        "SELECT account, number, hash FROM audit WHERE account = :account ORDER BY number DESC LIMIT 1",
        account=db.account,
    )
    return Head(row["account"], row["number"], row["hash"]) if row else None


def entries(db: Db, *, since: float = 0.0, op_id: OpId | None = None, most: int = 1_000) -> list[AuditRow]:
    """The newest rows of this account, oldest first: from `since` on (seconds since the epoch), of one operation."""
    rows = db.all(
        "SELECT * FROM audit WHERE account = :account AND at >= :since AND (:every = 1 OR op_id = :op_id)"
        " ORDER BY number DESC LIMIT :most",
        account=db.account,
        since=since,
        every=int(op_id is None),
        op_id=op_id or "",
        most=most,
    )
    return [_row(row) for row in reversed(rows)]


def verify(db: Db, heads: Iterable[Head] = ()) -> Verdict:
    """Whether the rows of all accounts are those that were written, as far as they and `heads` can tell.

    `heads` are the newest rows of earlier moments (`audit_heads.read`): each must stand where it stood.
    """
    kept: dict[tuple[str, int], set[str]] = {}
    ends: dict[str, int] = {}
    for head in heads:
        kept.setdefault((head.account, head.number), set()).add(head.hash)
        ends[head.account] = max(ends.get(head.account, 0), head.number)
    last: dict[str, Head] = {}
    broken: dict[str, int] = {}
    count = 0
    for row in _all(db):
        count += 1
        if row.account in broken:
            continue
        before = last.get(row.account)
        number = before.number + 1 if before else 1
        right = (
            row.number == number
            and row.previous == (before.hash if before else _START)
            and row.hash == row.right_hash
            and kept.get((row.account, row.number), {row.hash}) == {row.hash}
        )
        if right:
            last[row.account] = Head(row.account, row.number, row.hash)
        else:
            broken[row.account] = number
    for account, end in ends.items():
        cut = last[account].number + 1 if account in last else 1
        if cut <= end:
            broken.setdefault(account, cut)
    account = min(broken, default="")
    return Verdict(count, tuple(last.values()), broken.get(account), account)


def _all(db: Db) -> Iterator[AuditRow]:
    """All rows by account and number, a page at a time: years of them fit in no answer."""
    account, number = "", _LEAST
    while True:
        page = db.all(
            "SELECT * FROM audit WHERE account > :account OR (account = :account AND number > :number)"
            " ORDER BY account, number LIMIT :page",
            account=account,
            number=number,
            page=_PAGE,
        )
        yield from map(_row, page)
        if len(page) < _PAGE:
            return
        account, number = page[-1]["account"], page[-1]["number"]


def _columns(row: AuditRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in AuditRow.__dataclass_fields__}


def _row(row: Row) -> AuditRow:
    return AuditRow(**{name: row[name] for name in AuditRow.__dataclass_fields__})


def _of(account: str) -> str:
    return f" of account {account}" if account else ""
