"""What is asked for once, however many want it."""

from __future__ import annotations

import anyio
import pytest

from akash_mcp.clients.console.remembered import Remembered
from akash_mcp.errors import Unreachable

pytestmark = pytest.mark.anyio


class Source:
    """Counts how often it is asked, by a clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.asked = 0
        self.fails = False
        self.kept = Remembered[int](60, lambda: self.now)

    async def answer(self) -> int:
        await anyio.lowlevel.checkpoint()
        self.asked += 1
        if self.fails:
            raise Unreachable("Nobody answers.")
        return self.asked

    async def get(self) -> tuple[int, float]:
        aged = await self.kept.get(self.answer)
        return aged.value, aged.age_seconds


async def test_what_is_kept_is_given_with_its_age_until_its_time_is_over() -> None:
    source = Source()
    assert await source.get() == (1, 0)
    source.now += 59
    assert await source.get() == (1, 59)
    source.now += 1
    assert await source.get() == (2, 0)


async def test_many_at_once_ask_once() -> None:
    source = Source()
    got: list[tuple[int, float]] = []

    async def want() -> None:
        got.append(await source.get())

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(want)
    assert got == [(1, 0)] * 20


async def test_a_failure_is_raised_and_not_kept() -> None:
    source = Source()
    source.fails = True
    with pytest.raises(Unreachable):
        await source.get()
    source.fails = False
    assert await source.get() == (2, 0)


async def test_whoever_gives_up_leaves_the_question_to_the_next() -> None:
    source = Source()
    with anyio.CancelScope() as given_up:
        given_up.cancel()
        await source.get()
    assert given_up.cancelled_caught
    assert await source.get() == (1, 0)
