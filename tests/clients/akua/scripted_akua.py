"""An Akua that says what a test wrote down, lies included, over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qs

from tcp_server import TcpServer

from akash_mcp.clients.akua.client import AkuaClient
from akash_mcp.errors import MissingKey

TOKEN = "sk_akua_" + "a3b2c1d0" * 4
SESSION = "q7w8e9r0t1y2u3i4o5p6a7s8d9f0g1h2"
"""A token of Akua's command line: it has no shape that could be known."""

ETAG = '"etag-1"'
KEY = "0f8fad5b-d9cb-469f-a165-70867728950e"


class OwnToken:
    """A token that a person has set, or None."""

    def __init__(self, value: str | None = TOKEN) -> None:
        self.known = value

    async def need(self) -> str:
        if self.known is None:
            raise MissingKey("There is no token of Akua's API.", next_step="Set AKUA_API_TOKEN.")
        return self.known


@dataclass(frozen=True)
class Sent:
    """A request that reached Akua. `target` is its path and query as they were on the wire."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        return {name: values[-1] for name, values in parse_qs(self.target.partition("?")[2]).items()}

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Act = Callable[[Sent, asyncio.StreamWriter], Awaitable[None]]


def reply(status: int, content: object = None, **headers: str) -> Act:
    """An answer: JSON for anything but text and bytes. Header names are written with underscores."""
    kind = "text/plain" if isinstance(content, str | bytes) else "application/json"
    content = content.encode() if isinstance(content, str) else content
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    fields = {"content-type": kind, "content-length": str(len(raw))}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())

    async def act(request: Sent, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + raw)
        await writer.drain()

    return act


def page(*records: object, more: object = False, cursor: object = None) -> Act:
    """A page of a list, as Akua's specification has it."""
    return reply(200, {"data": list(records), "has_more": more, "next_cursor": cursor})


def refusal(status: int, message: str = "No.", code: object = 7000, **metadata: str) -> Act:
    """An error in the envelope of Akua's specification."""
    error = {"code": code, "message": message} | ({"metadata": metadata} if metadata else {})
    return reply(status, {"success": False, "errors": [error], "result": {}})


def events(*pieces: bytes, is_endless: bool = False) -> Act:
    """A stream of events in these pieces. It closes the connection after them, unless it goes on without a word."""

    async def act(request: Sent, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        for piece in pieces:
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            await writer.drain()
            await asyncio.sleep(0)
        if is_endless:
            await asyncio.Event().wait()
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    return act


def broken(*pieces: bytes) -> Act:
    """A stream of events whose connection is cut after these pieces."""

    async def act(request: Sent, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        for piece in pieces:
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        await writer.drain()
        writer.close()

    return act


async def hang(request: Sent, writer: asyncio.StreamWriter) -> None:
    """No answer, until the client hangs up."""
    await asyncio.Event().wait()


async def drop(request: Sent, writer: asyncio.StreamWriter) -> None:
    """Hang up without an answer."""
    writer.transport.abort()


class ScriptedAkua:
    """Answers each request with the next act of its script, and with the last one from then on."""

    def __init__(self, *script: Act) -> None:
        self.requests: list[Sent] = []
        self.slept: list[float] = []
        self.now = 1000.0
        self._script = list(script)
        self._clients: list[AkuaClient] = []
        self._server = TcpServer(self._serve)

    async def __aenter__(self) -> Self:
        await self._server.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._clients:
            await client.aclose()
        await self._server.__aexit__(None, None, None)

    def client(self, *, token: str | None = TOKEN, workspace: str = "", path: str = "") -> AkuaClient:
        """A client of this server, whose clock only moves when it sleeps. Closed with the server."""
        client = AkuaClient(
            f"http://127.0.0.1:{self._server.port}{path}",
            OwnToken(token),
            workspace=workspace,
            sleep=self._sleep,
            monotonic=lambda: self.now,
            random=lambda: 1.0,
        )
        self._clients.append(client)
        return client

    def close_port(self) -> None:
        """Take no more connections."""
        self._server.close_port()

    @property
    def only(self) -> Sent:
        """The one request that came."""
        (request,) = self.requests
        return request

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.transport.is_closing():
                request = await _read(reader)
                self.requests.append(request)
                act = self._script.pop(0) if len(self._script) > 1 else self._script[0]
                await act(request, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client hung up


async def _read(reader: asyncio.StreamReader) -> Sent:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Sent(method, target, headers, body)
