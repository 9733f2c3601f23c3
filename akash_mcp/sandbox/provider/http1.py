"""HTTP/1.1 over one connection, answered as Go's `net/http` answers, up to the point where it becomes a WebSocket."""

from __future__ import annotations

import asyncio
import email.utils
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeAlias
from urllib.parse import parse_qs, unquote

import h11

from akash_mcp.sandbox.provider import go_json
from akash_mcp.sandbox.provider.websocket import Handshake, WebSocket, handshake

_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Request:
    """One request. `target` is as it came, `path` decoded, header names are in lower case."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    @property
    def path(self) -> str:
        return unquote(self.target.partition("?")[0])

    @property
    def line(self) -> str:
        """Method and path, as a fault's route names them."""
        return f"{self.method} {self.path}"

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(self.target.partition("?")[2], keep_blank_values=True)

    def header(self, name: str) -> str | None:
        """The first header of this name."""
        return next((value for key, value in self.headers if key == name), None)

    def parameter(self, name: str) -> str:
        """The first query parameter of this name, empty where there is none."""
        return self.query.get(name, [""])[0]


@dataclass(frozen=True)
class Response:
    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Upgrade:
    """Ask for a WebSocket and hand it to `session`. When that returns the TCP connection is dropped."""

    session: Callable[[WebSocket], Awaitable[None]]


class Hangup(Exception):
    """The connection ends without an answer, as where a handler of the real gateway panics."""


Handler: TypeAlias = Callable[[Request], Awaitable[Response | Upgrade]]


def json_response(value: object, status: int = 200) -> Response:
    """What the gateway encodes: no trailing newline."""
    headers = (("Content-Type", "application/json; charset=UTF-8"),)
    return Response(status, go_json.encode(value).encode(), headers)


def error_response(status: int, message: str) -> Response:
    """Go's `http.Error`: plain text, not to be sniffed, with a trailing newline."""
    headers = (("Content-Type", "text/plain; charset=utf-8"), ("X-Content-Type-Options", "nosniff"))
    return Response(status, f"{message}\n".encode(), headers)


@dataclass
class Connection:
    """One connection of one client, and the requests that it brings. Whoever made it closes it afterwards."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    handler: Handler
    _http: h11.Connection = field(default_factory=lambda: h11.Connection(h11.SERVER))

    async def run(self) -> None:
        """Answer until either side ends it. Raises `OSError` when the client goes away in the middle."""
        while await self._exchange():
            self._http.start_next_cycle()

    async def _exchange(self) -> bool:
        """One request and its answer. False when the connection is to end."""
        try:
            request = await self._receive()
        except h11.RemoteProtocolError:
            if self._http.our_state is h11.IDLE:
                await self._send(Response(400, b"400 Bad Request", (("Connection", "close"),)))
            return False
        if request is None:
            return False
        try:
            answer = await self.handler(request)
        except Hangup:
            return False
        if isinstance(answer, Upgrade):
            shaken = handshake(request.method, request.target, request.headers)
            if isinstance(shaken, Handshake):
                await self._websocket(shaken, answer)
                return False
            answer = Response(*shaken)
        await self._send(answer)
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    async def _receive(self) -> Request | None:
        request: Request | None = None
        body = bytearray()
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                if self._http.they_are_waiting_for_100_continue:
                    await self._write(h11.InformationalResponse(status_code=100, headers=[]))
                self._http.receive_data(await self.reader.read(_CHUNK))
            elif isinstance(event, h11.Request):
                headers = tuple(
                    (name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers
                )
                request = Request(event.method.decode("ascii"), event.target.decode("latin-1"), headers)
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage) and request is not None:
                return Request(request.method, request.target, request.headers, bytes(body))
            else:
                return None

    async def _send(self, response: Response) -> None:
        headers = [
            *response.headers,
            ("Date", email.utils.formatdate(usegmt=True)),
            ("Content-Length", str(len(response.body))),
        ]
        reason = HTTPStatus(response.status).phrase
        await self._write(h11.Response(status_code=response.status, headers=headers, reason=reason))
        if response.body:
            await self._write(h11.Data(data=response.body))
        await self._write(h11.EndOfMessage())

    async def _write(self, event: h11.Event) -> None:
        self.writer.write(self._http.send(event) or b"")
        await self.writer.drain()

    async def _websocket(self, shaken: Handshake, upgrade: Upgrade) -> None:
        early, _ = self._http.trailing_data
        socket = WebSocket(shaken.protocol, self.reader, self.writer)
        await socket.accept(shaken.response, early)
        await upgrade.session(socket)
