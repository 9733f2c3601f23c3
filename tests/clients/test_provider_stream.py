"""One stream of a gateway: when it is left, what holds the gateway back, and what it costs us."""

from __future__ import annotations

import asyncio
import itertools
import json
import tracemalloc
from contextlib import aclosing, suppress
from pathlib import Path

import anyio
import pytest
from test_provider_client import LEASE, Gateway, closes, goodbye, says, scene
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close, Frame, Opcode

from akash_mcp.clients.provider import stream as provider_stream
from akash_mcp.errors import Interrupted, ProviderError

pytestmark = pytest.mark.anyio


def frame(message: str) -> str:
    return json.dumps({"name": "web-0", "message": message}) + "\n"


class Endless:
    """Sends one line after the other, and counts them; or says it `once` and no more."""

    def __init__(self, line: str, *, once: bool = False) -> None:
        self.sent = 0
        self.was_left = asyncio.Event()
        self._frame = frame(line)
        self._once = once

    async def __call__(self, connection: ServerConnection) -> None:
        try:
            while not (self._once and self.sent):
                await connection.send(self._frame)
                self.sent += 1
                await asyncio.sleep(0)
        except ConnectionClosed:
            pass
        await connection.wait_closed()
        self.was_left.set()


@pytest.mark.parametrize("once", [True, False])
async def test_a_stream_is_left_in_time_whether_it_speaks_or_not(once: bool, tmp_path: Path) -> None:
    stream = Endless("tick", once=once)
    async with scene(Gateway(stream=stream), tmp_path) as now:
        until = anyio.current_time() + 0.3
        lines = [line async for line in now.client.logs(LEASE, services=["web"], follow=True, until=until)]
        assert lines
        await asyncio.wait_for(stream.was_left.wait(), 5)


async def test_a_time_that_has_passed_ends_a_stream_at_once(tmp_path: Path) -> None:
    async with scene(Gateway(stream=Endless("tick", once=True)), tmp_path) as now:
        assert len([line async for line in now.client.logs(LEASE, services=["web"], until=0)]) <= 1


async def test_a_stream_whose_time_ends_while_lines_wait_ends_with_those_lines(tmp_path: Path) -> None:
    async with scene(Gateway(stream=Endless("tick")), tmp_path) as now:
        until = anyio.current_time() + 0.5
        async with aclosing(now.client.logs(LEASE, services=["web"], follow=True, until=until)) as lines:
            await anext(lines)
            await anyio.sleep_until(until + 0.2)  # reading is paused by now, and then we hang up
            async for line in lines:
                assert line.message == "tick"


async def test_who_is_cancelled_leaves_no_connection_open_behind_him(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[provider_stream._Connection] = []

    class Seen(provider_stream._Connection):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            opened.append(self)
            super().connection_made(transport)

    monkeypatch.setattr(provider_stream, "_Connection", Seen)
    async with scene(Gateway(stream=Endless("tick", once=True)), tmp_path) as now:
        with anyio.CancelScope() as reading:
            async for _ in now.client.logs(LEASE, services=["web"], follow=True):
                reading.cancel()
        [connection] = opened
        assert connection.transport.is_closing()  # also where nobody runs the event loop any longer


async def test_who_reads_slowly_holds_the_gateway_back(tmp_path: Path) -> None:
    stream = Endless("x" * 60_000)
    async with scene(Gateway(stream=stream), tmp_path) as now:
        async with aclosing(now.client.logs(LEASE, services=["web"], follow=True)) as lines:
            await anext(lines)
            before = -1
            while stream.sent > before:
                before = stream.sent
                await anyio.sleep(0.2)
            assert stream.sent < 400  # what two kernels and two libraries hold, and no more
            assert len((await anext(lines)).message) == 60_000
        await asyncio.wait_for(stream.was_left.wait(), 5)


async def test_a_long_log_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    async def many(connection: ServerConnection) -> None:
        for number in range(3_000):
            await connection.send(frame(f"line {number}" + "x" * 4_000))
        await goodbye(connection)

    async with scene(Gateway(stream=many), tmp_path) as now:
        await now.client.lease_status(LEASE)
        tracemalloc.start()
        count = 0
        async for _ in now.client.logs(LEASE):
            count += 1
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert count == 3_000
    assert peak < 4_000_000  # of 12 MB, and at both ends


async def test_the_longest_line_there_can_be_arrives_whole(tmp_path: Path) -> None:
    line = "\x01" * (64 * 1024 - 1)
    async with scene(Gateway(stream=says(frame(line))), tmp_path) as now:
        assert [one.message async for one in now.client.logs(LEASE, services=["web"])] == [line]


async def test_a_line_in_fragments_is_one_line(tmp_path: Path) -> None:
    async def fragments(connection: ServerConnection) -> None:
        text = frame("in pieces")
        await connection.send([text[:5], text[5:20], text[20:], ""])
        await goodbye(connection)

    async with scene(Gateway(stream=fragments), tmp_path) as now:
        assert [one.message async for one in now.client.logs(LEASE, services=["web"])] == ["in pieces"]


async def test_lines_before_a_close_are_not_lost(tmp_path: Path) -> None:
    stream = says(frame("one"), frame("two"), ending=closes(4002))
    seen = list[str]()
    async with scene(Gateway(stream=stream), tmp_path) as now:
        with suppress(ProviderError):  # what came before it is the point
            async for line in now.client.logs(LEASE, services=["web"]):
                seen.append(line.message)
    assert seen == ["one", "two"]


async def test_lines_that_come_together_with_the_end_of_the_connection_are_read(tmp_path: Path) -> None:
    # More than may wait for us, so reading is paused, and the close frame and TLS's own close right behind them.
    lines = [str(number) for number in range(3 * provider_stream.WAITING_FRAMES)]

    async def all_at_once(connection: ServerConnection) -> None:
        frames = [Frame(Opcode.TEXT, frame(line).encode()) for line in lines]
        frames.append(Frame(Opcode.CLOSE, Close(1000, "").serialize()))
        connection.transport.write(b"".join(one.serialize(mask=False) for one in frames))
        connection.transport.close()

    async with scene(Gateway(stream=all_at_once), tmp_path) as now:
        assert [line.message async for line in now.client.logs(LEASE, services=["web"])] == lines


async def test_a_gateway_that_falls_silent_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider_stream, "SILENCE_SECONDS", 0.2)
    async with scene(Gateway(stream=Endless("tick", once=True)), tmp_path) as now:
        with pytest.raises(Interrupted, match="fell silent"):
            _ = [line async for line in now.client.logs(LEASE, services=["web"], follow=True)]


async def test_who_reads_slowly_is_not_told_that_the_gateway_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider_stream, "SILENCE_SECONDS", 0.2)
    gateway = Gateway(stream=Endless("x" * 60_000))
    async with (
        scene(gateway, tmp_path) as now,
        aclosing(now.client.logs(LEASE, services=["web"], follow=True)) as lines,
    ):
        for _ in range(3):
            await anext(lines)
            await anyio.sleep(0.5)
        await anext(lines)


async def test_who_pings_is_answered_while_nothing_is_said(tmp_path: Path) -> None:
    async def quiet(connection: ServerConnection) -> None:
        for number in itertools.count():
            await (await connection.ping())
            if number == 3:
                break
        await connection.send(frame("still here"))
        await goodbye(connection)

    async with scene(Gateway(stream=quiet), tmp_path) as now:
        assert [one.message async for one in now.client.logs(LEASE, services=["web"])] == ["still here"]
