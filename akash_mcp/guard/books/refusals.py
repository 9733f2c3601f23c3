"""Streaks of refusals: what the Console refuses again and again is not sent again.

Since autumn 2026 the Console counts the refusals of one user, method and path, whatever the body, so that leases of all
deployments are one path and all creations are another (akash-network/console `refusal-backoff.interceptor.ts`). A few
equal ones in a row, and it takes nothing of that path for minutes, whoever asks; a success ends the streak. So:

    what was refused twice is not tried a third time before the streak is forgotten
    something else on that path is sent: it may end the streak, and one bad provider blocks nobody else's lease
    while the Console takes nothing, nothing is sent

The numbers are those of the Console's own tests, since what is deployed is not known; where it says itself how long it
takes nothing, that counts. All processes that share the ledger share this. It protects the account's time and no money:
a file that cannot be used holds nothing back.
"""

from __future__ import annotations

import logging
from sqlite3 import Row

from akash_mcp.clients.console.requests import CREATE_PATH, LEASE_PATH
from akash_mcp.errors import ApiError, HeldBack, LedgerUnusable, RepeatedRefusal, in_time
from akash_mcp.guard.books.store import Db, Store

log = logging.getLogger(__name__)

MOST_REFUSALS = 2
"""In a row. One more, and the Console takes nothing of the route for `BLOCK_SECONDS`."""
WINDOW_SECONDS = 600.0
BLOCK_SECONDS = 300.0
LONGEST_BLOCK_SECONDS = 3600.0
"""What says that it takes nothing for longer is asked again after that."""
PASSING_SECONDS = 5.0
"""What is over sooner than that is waited for, and not remembered: requests under way count as refused too."""

_BLOCKED = 429
_UNCOUNTED = (401, _BLOCKED)
_WHAT = {f"POST {LEASE_PATH}": "no lease", f"POST {CREATE_PATH}": "no new deployment"}


class Refusals:
    """What the Console refused lately, by account and `METHOD /path`. It never raises `LedgerUnusable`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def check(self, account: str, route: str, subject: str | None) -> None:
        """Raise `HeldBack` where the Console takes nothing of a route now, or refused `subject` twice in a row."""
        what = _WHAT.get(route, "no such request")
        try:
            now, streak = await self._store.read(lambda db: (db.now, _streak(db, account, route)))
        except LedgerUnusable:
            log.exception("what the Console refused lately is not known")
            return
        if not streak:
            return
        status, when = streak[0]["status"], in_time(streak[0]["until"] - now)
        if status == _BLOCKED:
            raise HeldBack(
                f"Akash Console takes {what} of this account now, because it refused too many in a row, so this was "
                "not sent.",
                next_step=f"Try again {when}. What runs goes on, and deployments can be closed.",
                retryable=True,
            )
        if len(streak) >= MOST_REFUSALS and subject in [row["subject"] for row in streak]:
            raise HeldBack(
                f"The last {len(streak)} such requests of this account were refused with status {status}, this one "
                f"among them, so it was not sent again: after one more Akash Console takes {what} for minutes.",
                next_step="Change what is asked for. If something else was in its way, such as credit, have the "
                f"user put that right, and try again {when}.",
            )

    async def note(self, account: str, route: str, subject: str, refusal: ApiError | None) -> None:
        """Remember an answer: a success ends the streak of its route, and so does another status."""
        try:
            await self._store.run(_note, account, route, subject, refusal)
        except LedgerUnusable:
            log.exception("what the Console answered to %s was not noted", route)


def _note(db: Db, account: str, route: str, subject: str, refusal: ApiError | None) -> None:
    now, streak = db.now, _streak(db, account, route)
    known = streak[0]["status"] if streak else None
    if refusal is None:
        if streak:
            db.run(
                "DELETE FROM refusals WHERE account = :account AND route = :route",
                account=account,
                route=route,
            )
        return
    status, until = refusal.status, now + WINDOW_SECONDS
    if isinstance(refusal, RepeatedRefusal):
        wait = BLOCK_SECONDS if refusal.retry_after is None else refusal.retry_after
        if wait <= PASSING_SECONDS:
            return
        until = now + min(wait, LONGEST_BLOCK_SECONDS)
    elif status in _UNCOUNTED or not 400 <= status < 500 or known == _BLOCKED:
        return
    elif known == status and len(streak) >= MOST_REFUSALS:
        status, until = _BLOCKED, now + BLOCK_SECONDS
    if known == status and status != _BLOCKED:
        until = streak[0]["until"]  # counted from the first
    else:
        db.run(
            "DELETE FROM refusals WHERE account = :account AND route = :route OR until <= :now",
            account=account,
            route=route,
            now=now,
        )
    db.run(
        "INSERT INTO refusals (account, route, subject, status, at, until)"
        " VALUES (:account, :route, :subject, :status, :now, :until)",
        account=account,
        route=route,
        subject=subject,
        status=status,
        now=now,
        until=until,
    )


def _streak(db: Db, account: str, route: str) -> list[Row]:
    """The last refusals of a route that count, all of one status, which are forgotten `until` then."""
    return db.all(
        "SELECT subject, status, until FROM refusals WHERE account = :account AND route = :route AND at <= :now"
        " AND until > :now ORDER BY at",
        account=account,
        route=route,
        now=db.now,
    )
