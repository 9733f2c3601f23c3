"""How a run ended outlives its lease, and never stands in anybody's way."""

from __future__ import annotations

from pathlib import Path

import pytest

from akash_mcp.guard.books.job_ends import KEPT_SECONDS, Ending, JobEnd, JobEnds
from akash_mcp.guard.books.store import Store
from akash_mcp.ids import Dseq

pytestmark = pytest.mark.anyio

END = JobEnd(how=Ending.TEXT, at=1_000_000.0, exit_code=0, lines=("loading", "epoch 10/10"))


async def test_what_a_run_left_is_there_for_the_next_process(tmp_path: Path) -> None:
    await JobEnds(Store(tmp_path, lambda: 1_000_000.0)).keep(Dseq("7"), END)
    ends = JobEnds(Store(tmp_path, lambda: 1_000_001.0))
    assert await ends.kept(Dseq("7")) == END
    assert await ends.kept(Dseq("8")) is None


async def test_another_account_sees_nothing_of_it(tmp_path: Path) -> None:
    store = Store(tmp_path, lambda: 1_000_000.0)
    await JobEnds(store).keep(Dseq("7"), END)
    store.account = "another"
    assert await JobEnds(store).kept(Dseq("7")) is None


async def test_a_run_ends_once(tmp_path: Path) -> None:
    ends = JobEnds(Store(tmp_path, lambda: 1_000_000.0))
    await ends.keep(Dseq("7"), END)
    await ends.keep(Dseq("7"), JobEnd(how=Ending.LEASE_OVER, at=1_000_009.0))
    assert await ends.kept(Dseq("7")) == END


async def test_it_is_forgotten_after_a_month(tmp_path: Path) -> None:
    clock = [1_000_000.0]
    store = Store(tmp_path, lambda: clock[0])
    ends = JobEnds(store)
    await ends.keep(Dseq("7"), END)
    clock[0] += KEPT_SECONDS + 1
    assert await ends.kept(Dseq("7")) is None
    await ends.keep(Dseq("8"), JobEnd(how=Ending.DEADLINE, at=clock[0]))
    assert store.read_now(lambda db: [row["dseq"] for row in db.all("SELECT dseq FROM jobs")]) == ["8"]


async def test_a_file_that_cannot_be_used_keeps_nothing_and_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "akash-mcp.sqlite3").write_bytes(b"rubbish" * 1000)
    ends = JobEnds(Store(tmp_path, lambda: 0.0))
    await ends.keep(Dseq("7"), END)
    assert await ends.kept(Dseq("7")) is None


def test_it_is_told_in_a_sentence() -> None:
    assert END.what == "The run ended: its log had the text that it was to end at. Its log says exit code 0."
    assert JobEnd(how=Ending.DEADLINE, at=0.0).what == "The run ended: its hours were over before that."
