"""Our own history with each provider: what became of the leases that we had there, for 90 days.

It helps to choose and to understand, and is never needed to spend or to close: a file that cannot be used keeps
nothing, and stands in nobody's way. It is the same for all accounts of a file: a provider serves them alike.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from sqlite3 import Row
from statistics import median

from akash_mcp.errors import LedgerUnusable
from akash_mcp.guard.books.store import Db, Store
from akash_mcp.ids import Dseq, ProviderAddress
from akash_mcp.sanitize.text import one_line
from akash_mcp.track_record import NOT_KNOWN, TrackRecord

log = logging.getLogger(__name__)

KEPT_SECONDS = 90 * 24 * 3600.0

_REASON_BYTES = 200


class TrackRecords:
    """What became of our leases, by provider. It never raises `LedgerUnusable`.

    What is said of a deployment at a provider that is not known to be leased there is not kept, but for a failure.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def leased(self, dseq: Dseq, providers: Iterable[ProviderAddress]) -> None:
        """A deployment was leased at these, a moment ago."""

        def write(db: Db) -> None:
            db.run("DELETE FROM provider_runs WHERE leased_at < :before", before=db.now - KEPT_SECONDS)
            for provider in set(providers):
                _open(db, dseq, provider)

        await self._write(write, dseq)

    async def ready(
        self, dseq: Dseq, providers: Iterable[ProviderAddress], *, was_watched: bool = True
    ) -> None:
        """It runs now, and `was_watched` since it was leased, so that this is how long it took. Only the first time
        counts; what failed before that is over.
        """
        watched = "ready_seconds = :now - leased_at," if was_watched else ""

        def write(db: Db) -> None:
            for provider in set(providers):
                _set(
                    db,
                    dseq,
                    provider,
                    f"{watched} seen_at = :now, failure = NULL",
                    "seen_at IS NULL AND closed_at IS NULL",
                    now=db.now,
                )

        await self._write(write, dseq)

    async def still_leased(self, dseq: Dseq, providers: Collection[ProviderAddress]) -> None:
        """Its leases at these are active at this moment: what was seen to run before has run until now."""

        def write(db: Db) -> None:
            for provider in set(providers):
                _set(
                    db,
                    dseq,
                    provider,
                    "seen_at = :now",
                    "seen_at < :now AND closed_at IS NULL",
                    now=db.now,
                )

        if providers:
            await self._write(write, dseq)

    async def closed_by_provider(
        self, dseq: Dseq, provider: ProviderAddress, reason: str, *, seconds_ago: float = 0.0
    ) -> None:
        """The provider ended a lease, so long ago. `reason` is in our words. Only the first time counts."""

        def write(db: Db) -> None:
            _open(db, dseq, provider, seconds_ago)
            _set(
                db,
                dseq,
                provider,
                "closed_at = :at, failure = :reason",
                "closed_at IS NULL",
                at=db.now - seconds_ago,
                reason=_reason(reason),
            )

        await self._write(write, dseq)

    async def failed(self, dseq: Dseq, provider: ProviderAddress, reason: str) -> None:
        """It does not run as it should, by the provider's fault. `reason` is in our words."""

        def write(db: Db) -> None:
            _open(db, dseq, provider)
            _set(db, dseq, provider, "failure = :reason", "closed_at IS NULL", reason=_reason(reason))

        await self._write(write, dseq)

    async def saw_gpus(self, dseq: Dseq, provider: ProviderAddress, *, as_promised: bool) -> None:
        """Its containers told which GPUs they have. One other GPU is remembered, whatever is seen later."""

        def write(db: Db) -> None:
            _set(
                db,
                dseq,
                provider,
                "other_gpu = :other",
                "COALESCE(other_gpu, 0) = 0",
                other=int(not as_promised),
            )

        await self._write(write, dseq)

    async def of(self, provider: ProviderAddress) -> TrackRecord:
        """What one provider did for us; without a lease where there was none, or where that cannot be read."""
        return (await self.of_all((provider,))).get(provider, NOT_KNOWN)

    async def of_all(self, providers: Collection[ProviderAddress]) -> Mapping[ProviderAddress, TrackRecord]:
        """The same for many; those that we never had a lease at are left out."""
        wanted = frozenset(providers)

        def read(db: Db) -> list[Row]:
            return db.all(
                "SELECT * FROM provider_runs WHERE leased_at >= :since ORDER BY leased_at",
                since=db.now - KEPT_SECONDS,
            )

        try:
            rows = await self._store.read(read)
        except LedgerUnusable:
            log.exception("what providers did for us cannot be read")
            return {}
        by_provider: dict[ProviderAddress, list[Row]] = defaultdict(list)
        for row in rows:
            by_provider[ProviderAddress(row["provider"])].append(row)
        return {provider: _record(found) for provider, found in by_provider.items() if provider in wanted}

    async def _write(self, write: Callable[[Db], None], dseq: Dseq) -> None:
        try:
            await self._store.run(write)
        except LedgerUnusable:
            log.exception("what a provider did for deployment %s was not kept", dseq)


def _open(db: Db, dseq: Dseq, provider: ProviderAddress, seconds_ago: float = 0.0) -> None:
    db.run(
        "INSERT INTO provider_runs (account, dseq, provider, leased_at) VALUES (:account, :dseq, :provider, :at)"
        " ON CONFLICT (account, dseq, provider) DO NOTHING",
        account=db.account,
        dseq=dseq,
        provider=provider,
        at=db.now - seconds_ago,
    )


def _set(
    db: Db, dseq: Dseq, provider: ProviderAddress, changes: str, where: str, **values: float | str | None
) -> None:
    db.run(
        f"UPDATE provider_runs SET {changes} WHERE account = :account AND dseq = :dseq AND provider = :provider"
        f" AND {where}",
        account=db.account,
        dseq=dseq,
        provider=provider,
        **values,
    )


def _record(rows: Sequence[Row]) -> TrackRecord:
    """What the rows of one provider come to, the oldest first."""
    times = [Decimal(max(row["ready_seconds"], 0)) for row in rows if row["ready_seconds"] is not None]
    failures = [row["failure"] for row in rows if row["failure"] is not None]
    return TrackRecord(
        leases=len(rows),
        ran=sum(row["seen_at"] is not None for row in rows),
        ready_seconds=median(times) if times else None,
        hours=sum((_hours(row) for row in rows), Decimal(0)),
        closed_by_provider=sum(row["closed_at"] is not None for row in rows),
        failed=sum(row["closed_at"] is None and row["failure"] is not None for row in rows),
        interruptions=sum(
            row["closed_at"] is not None or row["failure"] is not None or row["other_gpu"] == 1
            for row in rows
        ),
        gpus_as_promised=sum(row["other_gpu"] == 0 for row in rows),
        other_gpus=sum(row["other_gpu"] == 1 for row in rows),
        last_failure=failures[-1] if failures else "",
    )


def _hours(row: Row) -> Decimal:
    """For how long it ran, as far as that was seen; a provider that ended it is believed no longer than that."""
    until = row["seen_at"]
    if until is None:
        return Decimal(0)
    if row["closed_at"] is not None:
        until = min(until, row["closed_at"])
    return max(Decimal(until) - Decimal(row["leased_at"]), Decimal(0)) / 3600


def _reason(text: str) -> str:
    return one_line(text, limit=_REASON_BYTES)
