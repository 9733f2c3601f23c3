"""How runs ended that were to end by themselves: what outlives their lease, since a provider keeps nothing of it.

It helps to understand, and is never needed to spend or to close: a file that cannot be used keeps nothing, and stands
in nobody's way.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from enum import StrEnum

from akash_mcp.errors import LedgerUnusable
from akash_mcp.guard.books.store import Db, Store
from akash_mcp.ids import Dseq

log = logging.getLogger(__name__)

KEPT_SECONDS = 30 * 24 * 3600.0


class Ending(StrEnum):
    """What ended a run. The value goes on from "The run ended: "."""

    TEXT = "its log had the text that it was to end at"
    CONTAINER = "its container ended by itself"
    CONTAINER_UNSEEN = "its container had ended, and may have been started again, before its log was read"
    LEASE_OVER = "its lease was closed by others before that"
    DEADLINE = "its hours were over before that"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnd:
    """How a run ended, at `at` seconds since the epoch. `lines`: the last of its log, cleaned, oldest first.

    `exit_code`: what its log says of it, since providers tell none (docs/jobs.md); None where it says nothing.
    """

    how: Ending
    at: float
    exit_code: int | None = None
    lines: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        """It in one sentence of ours."""
        code = "" if self.exit_code is None else f" Its log says exit code {self.exit_code}."
        return f"The run ended: {self.how}.{code}"


class JobEnds:
    """What is kept of runs that ended. It never raises `LedgerUnusable`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def keep(self, dseq: Dseq, end: JobEnd) -> None:
        """Keep how a deployment's run ended, unless an end of it is known: nothing that comes later is its end."""

        def write(db: Db) -> None:
            db.run("DELETE FROM jobs WHERE at < :before", before=db.now - KEPT_SECONDS)
            db.run(
                "INSERT INTO jobs (account, dseq, at, how, exit_code, lines)"
                " VALUES (:account, :dseq, :at, :how, :exit_code, :lines) ON CONFLICT (account, dseq) DO NOTHING",
                account=db.account,
                dseq=dseq,
                at=end.at,
                how=end.how.name,
                exit_code=end.exit_code,
                lines=json.dumps(end.lines),
            )

        try:
            await self._store.run(write)
        except LedgerUnusable:
            log.exception("how the run of deployment %s ended was not kept", dseq)

    async def kept(self, dseq: Dseq) -> JobEnd | None:
        """How a deployment's run ended, where that was within `KEPT_SECONDS`; else None."""

        def read(db: Db) -> JobEnd | None:
            row = db.one(
                "SELECT at, how, exit_code, lines FROM jobs"
                " WHERE account = :account AND dseq = :dseq AND at >= :since",
                account=db.account,
                dseq=dseq,
                since=db.now - KEPT_SECONDS,
            )
            if row is None:
                return None
            return JobEnd(
                how=Ending[row["how"]],
                at=row["at"],
                exit_code=row["exit_code"],
                lines=tuple(json.loads(row["lines"])),
            )

        try:
            return await self._store.read(read)
        except LedgerUnusable:
            log.exception("how the run of deployment %s ended cannot be read", dseq)
            return None
