"""Our history with a provider: what was seen of our leases there, for ninety days, and nothing that was not seen."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from akash_mcp.guard.books.store import Store
from akash_mcp.guard.books.track_records import KEPT_SECONDS, TrackRecords
from akash_mcp.ids import Dseq, ProviderAddress
from akash_mcp.track_record import TrackRecord

pytestmark = pytest.mark.anyio

A, B = ProviderAddress("akash1a"), ProviderAddress("akash1b")
HOUR = 3600.0


class Kept:
    def __init__(self, folder: Path) -> None:
        self.clock = [1_000_000.0]
        self.books = TrackRecords(Store(folder, lambda: self.clock[0]))

    async def ran(self, dseq: str, ready_after: float, hours: float) -> None:
        await self.books.leased(Dseq(dseq), [A])
        self.clock[0] += ready_after
        await self.books.ready(Dseq(dseq), [A])
        self.clock[0] += hours * HOUR - ready_after
        await self.books.still_leased(Dseq(dseq), [A])


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


async def test_what_ran_is_counted_with_the_median_of_its_times(kept: Kept) -> None:
    for number, seconds in enumerate((40, 300, 41)):
        await kept.ran(str(number), seconds, 2)
    found = await kept.books.of(A)
    assert found == TrackRecord(leases=3, ran=3, ready_seconds=Decimal(41), hours=Decimal(6))
    assert str(found) == "ran 3 times for us, ready within 41 s in the median"
    assert await kept.books.of(B) == TrackRecord()
    assert str(TrackRecord()) == ""


async def test_a_lease_that_nobody_saw_run_says_nothing_of_its_provider(kept: Kept) -> None:
    await kept.books.leased(Dseq("1"), [A])
    await kept.books.still_leased(Dseq("1"), [A])
    found = await kept.books.of(A)
    assert (found.leases, found.ran, found.hours, found.interruptions) == (1, 0, Decimal(0), 0)
    assert str(found) == "leased once by us, never seen to run"


async def test_what_the_provider_ended_is_counted_once_and_no_longer_than_it_ran(kept: Kept) -> None:
    await kept.ran("1", 40, 5)
    for ago in (HOUR, 2 * HOUR):
        await kept.books.closed_by_provider(Dseq("1"), A, "it closed the lease", seconds_ago=ago)
    await kept.books.still_leased(Dseq("1"), [A])
    found = await kept.books.of(A)
    assert (found.closed_by_provider, found.failed, found.interruptions) == (1, 0, 1)
    assert found.hours == 4
    assert found.last_failure == "it closed the lease"
    assert str(found).endswith("closed by it once")


async def test_a_failure_before_it_ran_is_over_and_one_after_that_is_not(kept: Kept) -> None:
    await kept.books.leased(Dseq("1"), [A])
    await kept.books.failed(Dseq("1"), A, "its cluster was down")
    assert (await kept.books.of(A)).failed == 1
    kept.clock[0] += 90
    await kept.books.ready(Dseq("1"), [A])
    assert ((await kept.books.of(A)).failed, (await kept.books.of(A)).ready_seconds) == (0, Decimal(90))
    await kept.books.failed(Dseq("1"), A, "its cluster was down")
    await kept.books.ready(Dseq("1"), [A])
    assert (await kept.books.of(A)).failed == 1


async def test_a_run_that_was_seen_late_says_nothing_of_how_long_it_took(kept: Kept) -> None:
    await kept.books.leased(Dseq("1"), [A])
    kept.clock[0] += HOUR
    await kept.books.ready(Dseq("1"), [A], was_watched=False)
    found = await kept.books.of(A)
    assert (found.ran, found.ready_seconds, found.hours) == (1, None, Decimal(1))
    assert str(found) == "ran once for us"


async def test_another_gpu_is_remembered_whatever_is_seen_later(kept: Kept) -> None:
    await kept.ran("1", 40, 1)
    await kept.books.saw_gpus(Dseq("1"), A, as_promised=True)
    assert (await kept.books.of(A)).gpus_as_promised == 1
    await kept.books.saw_gpus(Dseq("1"), A, as_promised=False)
    await kept.books.saw_gpus(Dseq("1"), A, as_promised=True)
    found = await kept.books.of(A)
    assert (found.gpus_as_promised, found.other_gpus, found.interruptions) == (0, 1, 1)


async def test_it_is_forgotten_after_ninety_days(kept: Kept) -> None:
    await kept.ran("1", 40, 1)
    kept.clock[0] += KEPT_SECONDS
    assert await kept.books.of(A) == TrackRecord()
    await kept.books.leased(Dseq("2"), [B])
    rows = kept.books._store.read_now(lambda db: db.all("SELECT dseq FROM provider_runs"))
    assert [row["dseq"] for row in rows] == ["2"]


async def test_a_file_that_cannot_be_used_keeps_nothing_and_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "akash-mcp.sqlite3").write_bytes(b"rubbish" * 1000)
    books = TrackRecords(Store(tmp_path, lambda: 0.0))
    await books.leased(Dseq("1"), [A])
    await books.ready(Dseq("1"), [A])
    await books.still_leased(Dseq("1"), [A])
    await books.closed_by_provider(Dseq("1"), A, "x")
    await books.failed(Dseq("1"), A, "x")
    await books.saw_gpus(Dseq("1"), A, as_promised=True)
    assert await books.of(A) == TrackRecord()
