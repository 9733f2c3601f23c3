"""The wire of a server that stops: nothing new goes out, and what is out is waited for, so long and no longer."""

from __future__ import annotations

from collections.abc import Iterator

import anyio
import pytest

from akash_mcp.guard.permits import wire
from akash_mcp.guard.permits.wire import Wire

pytestmark = pytest.mark.anyio

FOREVER = 3600.0


@pytest.fixture(autouse=True)
def _no_grace() -> Iterator[None]:
    """Nobody here has an answer to write down."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wire, "_GRACE_SECONDS", 0.0)
        yield


class Requests:
    """Requests that are on the wire until they are answered."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.out: list[str] = []
        self.ended: list[str] = []
        self.answers: dict[str, anyio.Event] = {}

    async def send(self, name: str) -> None:
        self.answers[name] = anyio.Event()
        async with self.wire.request():
            self.out.append(name)
            await self.answers[name].wait()
        self.ended.append(name)

    async def close(self, seconds: float) -> None:
        await self.wire.close(seconds)
        self.ended.append("the wire")


async def test_a_server_with_nothing_under_way_stops_at_once() -> None:
    with anyio.fail_after(0):
        await Wire().close(FOREVER)


async def test_what_is_on_the_wire_is_waited_for_to_its_last() -> None:
    it = Requests()
    async with anyio.create_task_group() as tasks:
        for name in ("one", "other"):
            tasks.start_soon(it.send, name)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(it.close, FOREVER)
        for name in ("one", "other"):
            await anyio.wait_all_tasks_blocked()
            assert "the wire" not in it.ended
            it.answers[name].set()
    assert it.ended == ["one", "other", "the wire"]


async def test_what_is_not_answered_in_time_is_left() -> None:
    it = Requests()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(it.send, "one")
        await anyio.wait_all_tasks_blocked()
        await it.close(0)
        assert it.ended == ["the wire"]
        tasks.cancel_scope.cancel()


async def test_nothing_goes_out_any_more_and_who_comes_late_waits_to_be_cancelled() -> None:
    it = Requests()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(it.send, "under way")
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(it.close, FOREVER)
        tasks.start_soon(it.send, "late")
        await anyio.wait_all_tasks_blocked()
        it.answers["late"].set()
        it.answers["under way"].set()
        await anyio.wait_all_tasks_blocked()
        # Who came late is in nobody's way either.
        assert it.ended == ["under way", "the wire"]
        assert it.out == ["under way"]
        tasks.cancel_scope.cancel()


async def test_a_request_that_fails_or_is_cancelled_is_off_the_wire() -> None:
    it = Requests()
    with pytest.raises(ZeroDivisionError):
        async with it.wire.request():
            raise ZeroDivisionError
    with anyio.CancelScope() as scope:
        scope.cancel()
        await it.send("cancelled")
    with anyio.fail_after(0):
        await it.wire.close(FOREVER)
