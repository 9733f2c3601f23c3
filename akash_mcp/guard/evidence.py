"""What was seen while it could be seen: why a lease did not work, and which providers failed us lately.

A provider that closes a lease keeps nothing of it, so the cause that was found while it ran is kept here, for some
days. It helps to understand and to choose, and is never needed to spend or to close: a file that cannot be used keeps
nothing, and stands in nobody's way.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from akash_mcp.errors import LedgerUnusable
from akash_mcp.guard.job_ends import JobEnds
from akash_mcp.guard.store import Store
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

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now
        self.jobs = JobEnds(store, now)

    def keep(self, dseq: Dseq, findings: Sequence[Finding]) -> None:
        """Keep what was seen of a deployment, in place of what was seen before. Each text is cleaned and bounded."""
        kept = [
            [_text(found.what), [_text(line) for line in found.evidence[:_MOST_LINES]], _text(found.fix)]
            for found in findings[:_MOST_FINDINGS]
        ]
        now = self._now()
        try:
            with self._store.transaction() as db:
                db.execute("DELETE FROM diagnoses WHERE at < ?", (now - KEPT_SECONDS,))
                db.execute("INSERT OR REPLACE INTO diagnoses VALUES (?, ?, ?)", (dseq, now, json.dumps(kept)))
        except LedgerUnusable:
            log.exception("the diagnosis of deployment %s was not kept", dseq)

    def forget(self, dseq: Dseq) -> None:
        """A deployment works: what was wrong with it before is over."""
        try:
            with self._store.transaction() as db:
                db.execute("DELETE FROM diagnoses WHERE dseq = ?", (dseq,))
        except LedgerUnusable:
            log.exception("the diagnosis of deployment %s was not forgotten", dseq)

    def kept(self, dseq: Dseq) -> Kept | None:
        """What was last seen of a deployment within `KEPT_SECONDS`, or None."""
        try:
            with self._store.reading() as db:
                row = db.execute(
                    "SELECT at, findings FROM diagnoses WHERE dseq = ? AND at >= ?",
                    (dseq, self._now() - KEPT_SECONDS),
                ).fetchone()
        except LedgerUnusable:
            log.exception("what was seen of deployment %s cannot be read", dseq)
            return None
        if row is None:
            return None
        findings = (Finding(what, tuple(lines), fix) for what, lines, fix in json.loads(row["findings"]))
        return Kept(row["at"], tuple(findings))

    def provider_failed(self, provider: ProviderAddress, reason: str, *, seconds_ago: float = 0.0) -> None:
        """Note that a provider failed us. `reason` is in our words."""
        now = self._now()
        at = now - seconds_ago
        try:
            with self._store.transaction() as db:
                db.execute("DELETE FROM provider_failures WHERE at < ?", (now - FAILURE_SECONDS,))
                db.execute("DELETE FROM provider_failures WHERE provider = ? AND at <= ?", (provider, at))
                db.execute("INSERT INTO provider_failures VALUES (?, ?, ?)", (provider, at, _text(reason)))
        except LedgerUnusable:
            log.exception("the failure of provider %s was not noted", provider)

    def failing_providers(self) -> Mapping[ProviderAddress, str]:
        """The providers that failed us within `FAILURE_SECONDS`, each with its last reason."""
        try:
            with self._store.reading() as db:
                rows = db.execute(
                    "SELECT provider, reason FROM provider_failures WHERE at >= ? ORDER BY at",
                    (self._now() - FAILURE_SECONDS,),
                ).fetchall()
        except LedgerUnusable:
            log.exception("which providers failed lately is not known")
            return {}
        return {ProviderAddress(row["provider"]): row["reason"] for row in rows}


def _text(text: str) -> str:
    return one_line(text, limit=_TEXT_BYTES)
