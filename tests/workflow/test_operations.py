"""Work that outlives the call that started it."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from akash_mcp.errors import AkashError
from akash_mcp.guard.holds import Holds
from akash_mcp.guard.store import Store
from akash_mcp.ids import OpId
from akash_mcp.workflow.operations import KEPT, Operations, Running

pytestmark = pytest.mark.anyio


@pytest.fixture
def holds(tmp_path: Path) -> Holds:
    return Holds(Store(tmp_path), lambda: 0.0)


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
