"""Work that outlives the call that started it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from akash_mcp.errors import AkashError, TakenOver
from akash_mcp.guard.holds import HOLD_SECONDS, Holds
from akash_mcp.guard.journal import Kind, new_op_id
from akash_mcp.guard.store import Store
from akash_mcp.ids import Dseq, OpId
from akash_mcp.workflow.operations import KEPT, Operations, Running

pytestmark = pytest.mark.anyio


Sleep = Callable[[float], Awaitable[None]]
DSEQ = Dseq("1763759482113")


@pytest.fixture
def clock() -> list[float]:
    """Seconds since the epoch."""
    return [1_763_759_000.0]


@pytest.fixture
def journal(tmp_path: Path, clock: list[float]) -> Journal:
    return Journal(Store(tmp_path), lambda: clock[0])


@pytest.fixture
def holds(journal: Journal) -> Holds:
    return journal.holds


@pytest.fixture
def quickly(clock: list[float]) -> Sleep:
    """Time that passes at once, a third of a hold at a time."""

    async def sleep(seconds: float) -> None:
        assert seconds == HOLD_SECONDS / 3
        clock[0] += seconds
        await anyio.lowlevel.checkpoint()

    return sleep


def opened(journal: Journal, kind: Kind = Kind.FUND) -> OpId:
    """An operation that has a deployment in hand."""
    op_id = new_op_id()
    journal.open(op_id, kind, "more money", DSEQ)
    return op_id


async def on_progress(stage: str) -> None:
    """Nobody listens."""


async def test_work_goes_on_when_the_one_who_waits_gives_up(holds: Holds) -> None:
    release = anyio.Event()

    async def work(running: Running[int]) -> int:
        await release.wait()
        return 7

    async with anyio.create_task_group() as tasks:
        running = Operations(tasks, holds).start(OpId("op_1"), work)
        assert await running.wait(0, on_progress) is None
        release.set()
        assert await running.wait(10, on_progress) == 7


async def test_every_stage_is_told(holds: Holds) -> None:
    heard: list[str] = []

    async def hear(stage: str) -> None:
        heard.append(stage)

    async def work(running: Running[int]) -> int:
        for stage in ("created", "leased"):
            running.progress(stage)
            await anyio.wait_all_tasks_blocked()
        return 1

    async with anyio.create_task_group() as tasks:
        await Operations(tasks, holds).start(OpId("op_1"), work).wait(10, hear)
    assert heard == ["started", "created", "leased"]


async def test_work_that_breaks_says_so_and_ends_nothing_else(
    holds: Holds, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(running: Running[int]) -> int:
        raise ZeroDivisionError

    async with anyio.create_task_group() as tasks:
        running = Operations(tasks, holds).start(OpId("op_1"), broken)
        with pytest.raises(AkashError, match="failed inside this server"):
            await running.wait(10, on_progress)
    assert "op_1" in caplog.text


async def test_what_is_long_over_is_forgotten_and_what_goes_on_is_not(holds: Holds) -> None:
    forever = anyio.Event()

    async def lasting(running: Running[int]) -> int:
        await forever.wait()
        return 0

    async def brief(running: Running[int]) -> int:
        return 1

    async with anyio.create_task_group() as tasks:
        operations = Operations(tasks, holds)
        operations.start(OpId("op_lasting"), lasting)
        for number in range(KEPT + 10):
            await operations.start(OpId(f"op_{number}"), brief).wait(10, on_progress)
        assert operations.find(OpId("op_lasting"))
        assert operations.find(OpId("op_0")) is None
        assert operations.find(OpId(f"op_{KEPT + 9}"))
        forever.set()


async def test_work_keeps_its_hold_and_lets_go_at_its_end(
    journal: Journal, clock: list[float], quickly: Sleep
) -> None:
    op_id, release = opened(journal), anyio.Event()

    async def lasting(running: Running[int]) -> int:
        ends = clock[0] + 10 * HOLD_SECONDS
        while clock[0] < ends:
            assert journal.holds.under_way(DSEQ)
            await anyio.lowlevel.checkpoint()
        await release.wait()
        return 1

    async with anyio.create_task_group() as tasks:
        running = Operations(tasks, journal.holds, quickly).start(op_id, lasting)
        release.set()
        assert await running.wait(10, on_progress) == 1
    assert journal.holds.under_way(DSEQ) is None


async def test_work_whose_deployment_is_closed_ends_and_says_so(journal: Journal, quickly: Sleep) -> None:
    op_id = opened(journal)

    async def endless(running: Running[int]) -> int:
        await anyio.sleep_forever()
        return 1

    async with anyio.create_task_group() as tasks:
        running = Operations(tasks, journal.holds, quickly).start(op_id, endless)
        closing = opened(journal, Kind.CLOSE)
        with pytest.raises(TakenOver, match=f"is being closed meanwhile, by operation {closing}"):
            await running.wait(10, on_progress)
    assert running.is_done
    under_way = journal.holds.under_way(DSEQ)
    assert under_way is not None
    assert under_way.op_id == closing


async def test_a_server_that_is_stopped_leaves_the_hold_to_run_out(
    journal: Journal, clock: list[float]
) -> None:
    op_id = opened(journal)

    async def endless(running: Running[int]) -> int:
        await anyio.sleep_forever()
        return 1

    async with anyio.create_task_group() as tasks:
        Operations(tasks, journal.holds).start(op_id, endless)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    under_way = journal.holds.under_way(DSEQ)
    assert under_way is not None
    assert under_way.op_id == op_id
    clock[0] += HOLD_SECONDS
    assert journal.holds.under_way(DSEQ) is None
