"""Work that outlives the call that started it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from akash_mcp.errors import AkashError, TakenOver
from akash_mcp.guard.books import holds, journal
from akash_mcp.guard.books.holds import Claimed
from akash_mcp.guard.books.journal import Kind, State, new_op_id
from akash_mcp.guard.books.store import HOLD_SECONDS, Store
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
def store(tmp_path: Path, clock: list[float]) -> Store:
    return Store(tmp_path, lambda: clock[0])


@pytest.fixture
def quickly(clock: list[float]) -> Sleep:
    """Time that passes at once, a third of a hold at a time."""

    async def sleep(seconds: float) -> None:
        assert seconds == HOLD_SECONDS / 3
        clock[0] += seconds
        await anyio.lowlevel.checkpoint()

    return sleep


def opened(store: Store, kind: Kind = Kind.FUND) -> OpId:
    """An operation that has a deployment in hand."""
    op_id = new_op_id()
    store.run_now(journal.open_operation, op_id, kind, "more money", dseq=DSEQ)
    return op_id


def holder(store: Store) -> OpId | None:
    """The operation that has the deployment in hand."""
    under_way = store.read_now(holds.holder, DSEQ)
    return None if under_way is None else under_way.op_id


async def on_progress(stage: str) -> None:
    """Nobody listens."""


async def test_work_goes_on_when_the_one_who_waits_gives_up(store: Store) -> None:
    release = anyio.Event()

    async def work(running: Running[int]) -> int:
        await release.wait()
        return 7

    async with anyio.create_task_group() as tasks:
        running = Operations(tasks, store).start(OpId("op_1"), work)
        assert await running.wait(0, on_progress) is None
        release.set()
        assert await running.wait(10, on_progress) == 7


async def test_every_stage_is_told(store: Store) -> None:
    heard: list[str] = []

    async def hear(stage: str) -> None:
        heard.append(stage)

    async def work(running: Running[int]) -> int:
        for stage in ("created", "leased"):
            running.progress(stage)
            await anyio.wait_all_tasks_blocked()
        return 1

    async with anyio.create_task_group() as tasks:
        await Operations(tasks, store).start(OpId("op_1"), work).wait(10, hear)
    assert heard == ["started", "created", "leased"]


async def test_work_that_breaks_says_so_and_ends_nothing_else(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(running: Running[int]) -> int:
        raise ZeroDivisionError

    async with anyio.create_task_group() as tasks:
        running = Operations(tasks, store).start(OpId("op_1"), broken)
        with pytest.raises(AkashError, match="failed inside this server"):
            await running.wait(10, on_progress)
    assert "op_1" in caplog.text


async def test_what_is_long_over_is_forgotten_and_what_goes_on_is_not(store: Store) -> None:
    forever = anyio.Event()

    async def lasting(running: Running[int]) -> int:
        await forever.wait()
        return 0

    async def brief(running: Running[int]) -> int:
        return 1

    async with anyio.create_task_group() as tasks:
        operations = Operations(tasks, store)
        operations.start(OpId("op_lasting"), lasting)
        for number in range(KEPT + 10):
            await operations.start(OpId(f"op_{number}"), brief).wait(10, on_progress)
        assert operations.find(OpId("op_lasting"))
        assert operations.find(OpId("op_0")) is None
        assert operations.find(OpId(f"op_{KEPT + 9}"))
        forever.set()


async def test_work_keeps_its_hold_and_lets_go_at_its_end(
    store: Store, clock: list[float], quickly: Sleep
) -> None:
    op_id, release = opened(store), anyio.Event()

    async def lasting(running: Running[int]) -> int:
        ends = clock[0] + 10 * HOLD_SECONDS
        while clock[0] < ends:
            assert holder(store) == op_id
            await anyio.lowlevel.checkpoint()
        await release.wait()
        return 1

    async with anyio.create_task_group() as tasks:
        running = Operations(tasks, store, sleep=quickly).start(op_id, lasting)
        release.set()
        assert await running.wait(10, on_progress) == 1
    assert holder(store) is None


async def test_work_whose_deployment_is_closed_ends_and_says_so(store: Store, quickly: Sleep) -> None:
    op_id = opened(store)

    async def endless(running: Running[int]) -> int:
        await anyio.sleep_forever()
        return 1

    async with anyio.create_task_group() as tasks:
        running = Operations(tasks, store, sleep=quickly).start(op_id, endless)
        closing = opened(store, Kind.CLOSE)
        with pytest.raises(TakenOver, match=f"is being closed meanwhile, by operation {closing}"):
            await running.wait(10, on_progress)
    assert running.is_done
    assert holder(store) == closing


async def test_a_server_that_is_stopped_leaves_the_hold_to_run_out(store: Store, clock: list[float]) -> None:
    op_id = opened(store)

    async def endless(running: Running[int]) -> int:
        await anyio.sleep_forever()
        return 1

    async with anyio.create_task_group() as tasks:
        Operations(tasks, store).start(op_id, endless)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert holder(store) == op_id
    clock[0] += HOLD_SECONDS
    assert holder(store) is None


async def test_a_server_that_stops_hands_over_what_it_works_on_at_once(
    store: Store, tmp_path: Path, clock: list[float]
) -> None:
    op_id, other = opened(store), new_op_id()
    store.run_now(journal.open_operation, other, Kind.LAUNCH, "a web page")
    is_cut_off = anyio.Event()

    async def endless(running: Running[int]) -> int:
        try:
            await anyio.sleep_forever()
        finally:
            is_cut_off.set()
        return 1

    async def brief(running: Running[int]) -> int:
        return 1

    async with anyio.create_task_group() as tasks:
        operations = Operations(tasks, store)
        running = operations.start(op_id, endless)
        assert await operations.start(other, brief).wait(10, on_progress) == 1
        await anyio.wait_all_tasks_blocked()
        assert operations.under_way_here == [running]
        with anyio.CancelScope(shield=True):
            assert await operations.stop() == [op_id]
    assert is_cut_off.is_set()
    assert operations.under_way_here == []
    found = store.read_now(journal.find, op_id)
    assert found is not None
    assert found.state is State.PLANNED  # nothing is said of how it ended
    assert Store(tmp_path, lambda: clock[0]).run_now(holds.claim) == Claimed(op_id, 2)


async def test_what_another_took_over_meanwhile_is_not_handed_over(
    store: Store, tmp_path: Path, clock: list[float]
) -> None:
    op_id = opened(store)

    async def endless(running: Running[int]) -> int:
        await anyio.sleep_forever()
        return 1

    async with anyio.create_task_group() as tasks:
        operations = Operations(tasks, store)
        operations.start(op_id, endless)
        await anyio.wait_all_tasks_blocked()
        clock[0] += HOLD_SECONDS
        other = Store(tmp_path, lambda: clock[0])
        assert other.run_now(holds.claim) == Claimed(op_id, 2)
        with anyio.CancelScope(shield=True):
            await operations.stop()
    assert store.run_now(holds.claim) is None
    other.run_now(holds.keep, op_id, 2)


async def test_a_server_stops_also_where_its_ledger_is_broken(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    op_id = opened(store)

    async def endless(running: Running[int]) -> int:
        await anyio.sleep_forever()
        return 1

    async with anyio.create_task_group() as tasks:
        operations = Operations(tasks, store)
        operations.start(op_id, endless)
        await anyio.wait_all_tasks_blocked()
        store.close()
        store.path.write_bytes(b"rubbish" * 1000)
        with anyio.CancelScope(shield=True):
            assert await operations.stop() == [op_id]
    assert f"the hold of operation {op_id} runs out by itself" in caplog.text


async def test_a_beat_that_is_missed_ends_nothing(
    store: Store, quickly: Sleep, caplog: pytest.LogCaptureFixture
) -> None:
    op_id = opened(store)
    missed, release = anyio.Event(), anyio.Event()

    async def beat(seconds: float) -> None:
        if "could not be renewed" in caplog.text and not missed.is_set():
            store.path.write_bytes(sound)
            missed.set()
        await quickly(seconds)

    async def lasting(running: Running[int]) -> int:
        await release.wait()
        return 1

    store.close()
    sound = store.path.read_bytes()
    store.path.write_bytes(b"rubbish" * 1000)
    async with anyio.create_task_group() as tasks:
        running = Operations(tasks, store, sleep=beat).start(op_id, lasting)
        await missed.wait()
        release.set()
        assert await running.wait(10, on_progress) == 1


async def test_what_is_told_to_be_done_is_in_nobody_s_way(store: Store) -> None:
    """Whoever hears of it calls the next tool at once."""

    async def funded(running: Running[int]) -> int:
        await store.run(journal.advance, running.op_id, State.LEASED)
        return 1

    for _ in range(20):
        op_id = new_op_id()
        store.run_now(journal.open_operation, op_id, Kind.LAUNCH, "a web page", dseq=DSEQ)
        async with anyio.create_task_group() as tasks:
            assert await Operations(tasks, store).start(op_id, funded).wait(10, on_progress) == 1
            assert holder(store) is None
        store.run_now(journal.mark_closed, DSEQ, "closed")
        store.run_now(lambda db: db.run("UPDATE operations SET dseq = NULL"))
