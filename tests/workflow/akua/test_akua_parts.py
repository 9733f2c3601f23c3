"""Reads of one answer that go on at once: what fails is told, and what stands in the way of all is raised."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import pytest

from akash_mcp.errors import BadArgument, Interrupted, MissingAkuaToken, Unauthorized, Unreachable
from akash_mcp.workflow.akua import parts
from akash_mcp.workflow.akua.parts import reading

pytestmark = pytest.mark.anyio


async def three() -> int:
    return 3


async def test_what_fails_is_told_and_the_rest_is_there() -> None:
    async def fails() -> int:
        raise Unreachable("Akua cannot be reached.")

    async with reading() as several:
        good = several.read("Its pods", three)
        bad = several.read("Its renders", fails)
    assert (good.value, bad.value) == (3, None)
    assert several.problems == ["Its renders could not be read: Akua cannot be reached."]


@pytest.mark.parametrize(
    "error", [MissingAkuaToken(), Unauthorized("No.", status=401), BadArgument("That is not an id.")]
)
async def test_what_stands_in_the_way_of_all_is_raised(error: Exception) -> None:
    async def fails() -> int:
        raise error

    with pytest.raises(type(error)):
        await read_beside(fails)


async def read_beside(function: Callable[[], Awaitable[int]]) -> None:
    """Read this beside something that works."""
    async with reading() as several:
        several.read("Its pods", three)
        several.read("Its renders", function)


async def test_what_comes_too_late_is_told_and_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "SECONDS", 0.05)
    async with reading() as several:
        good = several.read("Its pods", three)
        late = several.read("Its renders", anyio.sleep_forever)
    assert (good.value, late.value) == (3, None)
    assert several.problems == ["Its renders could not be read in time."]


async def test_no_more_go_on_at_once_than_are_allowed() -> None:
    under_way, most = 0, 0

    async def counted() -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await anyio.lowlevel.checkpoint()
        under_way -= 1

    async with reading(at_once=4) as several:
        for _ in range(20):
            several.read("One", counted)
    assert most == 4
    assert not several.problems


async def test_a_mistake_of_our_own_is_not_told_as_akuas() -> None:
    async def breaks() -> int:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup):
        await read_beside(breaks)


async def test_an_answer_that_broke_off_is_told() -> None:
    async def breaks_off() -> int:
        raise Interrupted("It broke off.")

    async with reading() as several:
        several.read("Its pods", breaks_off)
    assert several.problems == ["Its pods could not be read: It broke off."]
