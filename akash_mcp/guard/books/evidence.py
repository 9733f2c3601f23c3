"""What was seen while it could be seen: why a lease did not work, and which providers failed us lately.

A provider that closes a lease keeps nothing of it, so the cause that was found while it ran is kept here, for some
days. It helps to understand and to choose, and is never needed to spend or to close: a file that cannot be used keeps
nothing, and stands in nobody's way.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from akash_mcp.errors import LedgerUnusable
from akash_mcp.guard.books.job_ends import JobEnds
from akash_mcp.guard.books.store import Db, Store
from akash_mcp.ids import Dseq, ProviderAddress
from akash_mcp.sanitize.text import one_line

log = logging.getLogger(__name__)

KEPT_SECONDS = 7 * 24 * 3600.0
FAILURE_SECONDS = 6 * 3600.0
"""How long a provider that failed us is passed over."""

_MOST_FINDINGS = 5
_MOST_LINES = 6
_TEXT_BYTES = 600


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause that was seen: what it is, what points to it, and how to fix it."""

    what: str
    evidence: tuple[str, ...]
    fix: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What was last seen of a deployment that did not work, at a time in seconds since the epoch."""

    at: float
    findings: tuple[Finding, ...]


class Evidence:
    """What is kept of deployments and providers of this user on this machine. It never raises `LedgerUnusable`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.jobs = JobEnds(store)

    async def keep(self, dseq: Dseq, findings: Sequence[Finding]) -> None:
        """Keep what was seen of a deployment, in place of what was seen before. Each text is cleaned and bounded."""
        kept = [
            [_text(found.what), [_text(line) for line in found.evidence[:_MOST_LINES]], _text(found.fix)]
            for found in findings[:_MOST_FINDINGS]
        ]

        def write(db: Db) -> None:
            db.run("DELETE FROM diagnoses WHERE at < :before", before=db.now - KEPT_SECONDS)
            db.run(
                "INSERT INTO diagnoses (account, dseq, at, findings) VALUES (:account, :dseq, :now, :findings)"
                " ON CONFLICT (account, dseq) DO UPDATE SET at = :now, findings = :findings",
                account=db.account,
                dseq=dseq,
                now=db.now,
                findings=json.dumps(kept),
            )

        try:
            await self._store.run(write)
        except LedgerUnusable:
            log.exception("the diagnosis of deployment %s was not kept", dseq)

    async def forget(self, dseq: Dseq) -> None:
        """A deployment works: what was wrong with it before is over."""

        def write(db: Db) -> None:
            db.run(
                "DELETE FROM diagnoses WHERE account = :account AND dseq = :dseq",
                account=db.account,
                dseq=dseq,
            )

        try:
            await self._store.run(write)
        except LedgerUnusable:
            log.exception("the diagnosis of deployment %s was not forgotten", dseq)

    async def kept(self, dseq: Dseq) -> Kept | None:
        """What was last seen of a deployment within `KEPT_SECONDS`, or None."""

        def read(db: Db) -> Kept | None:
            row = db.one(
                "SELECT at, findings FROM diagnoses WHERE account = :account AND dseq = :dseq AND at >= :since",
                account=db.account,
                dseq=dseq,
                since=db.now - KEPT_SECONDS,
            )
            if row is None:
                return None
            findings = (Finding(what, tuple(lines), fix) for what, lines, fix in json.loads(row["findings"]))
            return Kept(row["at"], tuple(findings))

        try:
            return await self._store.read(read)
        except LedgerUnusable:
            log.exception("what was seen of deployment %s cannot be read", dseq)
            return None

    async def provider_failed(
        self, provider: ProviderAddress, reason: str, *, seconds_ago: float = 0.0
    ) -> None:
        """Note that a provider failed us. `reason` is in our words."""

        def write(db: Db) -> None:
            at = db.now - seconds_ago
            db.run("DELETE FROM provider_failures WHERE at < :before", before=db.now - FAILURE_SECONDS)
            db.run(
                "DELETE FROM provider_failures WHERE provider = :provider AND at <= :at",
                provider=provider,
                at=at,
            )
            db.run(
                "INSERT INTO provider_failures (provider, at, reason) VALUES (:provider, :at, :reason)",
                provider=provider,
                at=at,
                reason=_text(reason),
            )

        try:
            await self._store.run(write)
        except LedgerUnusable:
            log.exception("the failure of provider %s was not noted", provider)

    async def failing_providers(self) -> Mapping[ProviderAddress, str]:
        """The providers that failed us within `FAILURE_SECONDS`, each with its last reason."""

        def read(db: Db) -> dict[ProviderAddress, str]:
            rows = db.all(
                "SELECT provider, reason FROM provider_failures WHERE at >= :since ORDER BY at",
                since=db.now - FAILURE_SECONDS,
            )
            return {ProviderAddress(row["provider"]): row["reason"] for row in rows}

        try:
            return await self._store.read(read)
        except LedgerUnusable:
            log.exception("which providers failed lately is not known")
            return {}


def _text(text: str) -> str:
    return one_line(text, limit=_TEXT_BYTES)
