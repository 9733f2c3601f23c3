"""Work that has brought its operation to an end needs no hold any more, and is let finish its answer."""

from __future__ import annotations

from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from akash_mcp.errors import TakenOver
from akash_mcp.guard.books import journal
from akash_mcp.guard.books.journal import Kind, State, new_op_id
from akash_mcp.guard.books.store import Store
from akash_mcp.ids import Dseq, OpId
from akash_mcp.workflow.operations import Operations, Running

pytestmark = pytest.mark.anyio

DSEQ = Dseq("1763759482113")


def opened(store: Store, kind: Kind) -> OpId:
    op_id = new_op_id()
    store.run_now(journal.open_operation, op_id, kind, "more money", dseq=DSEQ)
    return op_id


async def many_thirds_of_a_hold(seconds: float) -> None:
    await anyio.lowlevel.checkpoint()


async def test_work_goes_on_after_its_operation_is_over(tmp_path: Path) -> None:
    store = Store(tmp_path)
    op_id, is_over = opened(store, Kind.FUND), anyio.Event()

    async def work(running: Running[int]) -> int:
        await store.run(journal.advance, op_id, State.DONE)
        is_over.set()
        await anyio.sleep(0.2)  # its answer takes a while, and the hold is to be renewed meanwhile
        return 7

    async def sleep(seconds: float) -> None:
        await is_over.wait()

    async with anyio.create_task_group() as tasks:
        running = Operations(tasks, store, sleep=sleep).start(op_id, work)
        assert await running.wait(10, _nobody_listens) == 7


async def test_work_ends_where_somebody_else_ended_its_operation(tmp_path: Path) -> None:
    store = Store(tmp_path)
    op_id = opened(store, Kind.UPDATE)
    closing = new_op_id()

    async def work(running: Running[int]) -> int:
        await store.run(journal.open_operation, closing, Kind.CLOSE, "close it", dseq=DSEQ)
        await store.run(journal.advance, op_id, State.DONE)
        await anyio.sleep_forever()
        raise AssertionError

    async with anyio.create_task_group() as tasks:
        running = Operations(tasks, store, sleep=many_thirds_of_a_hold).start(op_id, work)
        with anyio.fail_after(10), pytest.raises(TakenOver, match=closing):
            await running.wait(10, _nobody_listens)


async def _nobody_listens(stage: str) -> None:
    """No progress is reported."""
