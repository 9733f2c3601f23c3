"""One WebSocket of a gateway, with the habits of gorilla/websocket that clients come to depend on.

No extensions and no subprotocol. `Origin`, where sent, must name the host. Long messages go out in fragments. A
session that merely returns drops TCP without a Close frame, which a client sees as 1006; only `close` sends one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from websockets.datastructures import Headers
from websockets.frames import Frame, Opcode
from websockets.http11 import Request as HandshakeRequest
from websockets.http11 import Response as HandshakeResponse
from websockets.protocol import State
from websockets.server import ServerProtocol

PING_SECONDS = 10.0
PONG_SECONDS = 15.0

# The library writes requests to its log at DEBUG: tokens, and the words of commands.
_quiet = logging.getLogger(__name__)
_quiet.setLevel(logging.WARNING)

_CHUNK = 64 * 1024
_WRITE_BUFFER = 2048


@dataclass(frozen=True)
class Handshake:
    """An upgrade that was accepted and not answered yet."""

    protocol: ServerProtocol
    response: HandshakeResponse


@dataclass(frozen=True)
class Message:
    """A whole message of the client's."""

    data: bytes
    is_text: bool


Refusal = tuple[int, bytes, tuple[tuple[str, str], ...]]
"""Status, body and headers of a handshake that was refused."""


def handshake(method: str, target: str, headers: Sequence[tuple[str, str]]) -> Handshake | Refusal:
    """Judge a request for a WebSocket in gorilla's order."""
    values = Headers(headers)
    connection, upgrade, origin, host = (
        ",".join(values.get_all(name)).lower() for name in ("connection", "upgrade", "origin", "host")
    )
    if "upgrade" not in connection:
        return _refusal(400, b"Bad Request\n")
    if upgrade != "websocket":
        return _refusal(426, b"Upgrade Required\n", ("Upgrade", "websocket"))
    if method != "GET":
        return _refusal(405, b"Method Not Allowed\n")
    if origin and urlsplit(origin).netloc != host:
        return _refusal(403, b"Forbidden\n")
    request = HandshakeRequest(target, values)
    protocol = ServerProtocol(logger=_quiet)
    # The parser goes on to frames only after it has seen a request.
    protocol.receive_data(request.serialize())
    protocol.events_received()
    response = protocol.accept(request)
    if response.status_code != 101:
        return _refusal(400, b"Bad Request\n")
    del response.headers["Date"]
    return Handshake(protocol, response)


def _refusal(status: int, body: bytes, *headers: tuple[str, str]) -> Refusal:
    common = (
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Sec-Websocket-Version", "13"),
        ("X-Content-Type-Options", "nosniff"),
    )
    return status, body, common + headers


@dataclass
class WebSocket:
    """An open WebSocket. Every method raises `OSError` when the client is gone."""

    protocol: ServerProtocol
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    _fragments: list[Frame] = field(default_factory=list)

    async def accept(self, response: HandshakeResponse, early: bytes) -> None:
        """Answer the handshake. `early` is what the client sent behind its request."""
        self.protocol.send_response(response)
        self.protocol.receive_data(early)
        await self._flush()

    async def send_text(self, text: str) -> None:
        """One text message, in fragments where gorilla's write buffer would overflow."""
        await self.send_texts((text,))

    async def send_texts(self, texts: Iterable[str]) -> None:
        """Several text messages, which leave together."""
        self._check_open()
        for text in texts:
            first, *rest = _fragments(text.encode())
            self.protocol.send_text(first, fin=not rest)
            for number, fragment in enumerate(rest, start=1):
                self.protocol.send_continuation(fragment, fin=number == len(rest))
        await self._flush()

    async def send_binary(self, data: bytes) -> None:
        """One binary message, never fragmented."""
        self._check_open()
        self.protocol.send_binary(data)
        await self._flush()

    async def close(self, code: int, reason: str = "") -> None:
        """Send a Close frame. The session should then end."""
        self._check_open()
        self.protocol.send_close(code, reason)
        await self._flush()

    async def ping(self, every: float = PING_SECONDS) -> None:
        """Send an empty ping every so many real seconds, until cancelled."""
        while True:
            await asyncio.sleep(every)
            self._check_open()
            self.protocol.send_ping(b"")
            await self._flush()

    async def messages(self, pong_within: float | None = None) -> AsyncGenerator[Message]:
        """The client's messages until it closes; its pings and its Close are answered on the way.

        Raises `OSError` when the client leaves without a Close. With `pong_within`, the first pong starts a deadline
        of so many seconds that each pong renews, and missing it raises `TimeoutError`: a client that ever answered
        pings has to go on doing so.
        """
        deadline: float | None = None
        while True:
            for frame in self.protocol.events_received():
                if not isinstance(frame, Frame):
                    continue
                if frame.opcode is Opcode.PONG and pong_within is not None:
                    deadline = asyncio.get_running_loop().time() + pong_within
                elif frame.opcode is Opcode.CLOSE:
                    return
                elif frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                    self._fragments.append(frame)
                    if frame.fin:
                        yield self._assembled()
            async with asyncio.timeout_at(deadline):
                data = await self.reader.read(_CHUNK)
            if not data:
                raise ConnectionResetError("the client left without a Close frame")
            self.protocol.receive_data(data)
            await self._flush()

    def _check_open(self) -> None:
        if self.protocol.state is not State.OPEN:
            raise BrokenPipeError("the client has closed the WebSocket")

    def _assembled(self) -> Message:
        fragments, self._fragments = self._fragments, []
        is_text = fragments[0].opcode is Opcode.TEXT
        return Message(b"".join(fragment.data for fragment in fragments), is_text)

    async def _flush(self) -> None:
        self.writer.write(b"".join(self.protocol.data_to_send()))
        await self.writer.drain()


def _fragments(data: bytes) -> list[bytes]:
    """How gorilla's message writer cuts a message: in pieces of its buffer, or whole and a last empty frame."""
    if len(data) > 2 * _WRITE_BUFFER:
        return [data, b""]
    return [data[i : i + _WRITE_BUFFER] for i in range(0, len(data), _WRITE_BUFFER)] or [b""]
