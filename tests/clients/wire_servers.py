"""Small servers for these tests: HTTP that says exactly what a test scripts, misbehaviour included."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

from tcp_server import TcpServer

from akash_mcp.clients.console.client import ConsoleClient
from akash_mcp.clients.http import Upstream


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> object:
        return json.loads(self.body)


Client = TypeVar("Client", bound=Upstream | ConsoleClient)
Act = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


def reply(status: int, body: object = None, **headers: str) -> Act:
    """An answer: JSON for anything but text and bytes. Header names are written with underscores."""
    kind = "text/plain" if isinstance(body, str | bytes) else "application/json"
    content = body.encode() if isinstance(body, str) else body
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    fields = {"content-type": kind, "content-length": str(len(raw))}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())

    async def act(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + raw)
        await writer.drain()

    return act


def page(status: int, **headers: str) -> Act:
    """A web page, as the proxy in front of an API shows it."""
    html = "<!DOCTYPE html><html><title>upstream</title>oops</html>"
    return reply(status, html, **{"content_type": "text/html", **headers})


async def hang(request: Request, writer: asyncio.StreamWriter) -> None:
    """No answer, until the client hangs up."""
    await asyncio.Event().wait()


async def drop(request: Request, writer: asyncio.StreamWriter) -> None:
    """Hang up without an answer."""
    writer.transport.abort()


async def drop_in_the_middle(request: Request, writer: asyncio.StreamWriter) -> None:
    """Promise more than is sent, then hang up."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{")
    await writer.drain()
    writer.close()


async def trickle(request: Request, writer: asyncio.StreamWriter) -> None:
    """An answer that never ends, a byte at a time."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99999\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


class Server:
    """Answers each request with the next act of its script, and with the last one from then on."""

    def __init__(self, *script: Act, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self._clients: list[Upstream | ConsoleClient] = []
        self.connections = 0
        self.at_once = 0
        self.most_at_once = 0
        self._script = list(script)
        self._tls = tls
        self._server = TcpServer(self._serve, tls=tls)

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def closes(self, client: Client) -> Client:
        """The client, which from now on is closed with the server, so that a test need not."""
        self._clients.append(client)
        return client

    async def __aenter__(self) -> Self:
        await self._server.__aenter__()
        self.port = self._server.port
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients:
            await client.aclose()
        await self._server.__aexit__(kind, error, trace)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while not writer.transport.is_closing():
                request = await _read(reader)
                self.requests.append(request)
                act = self._script.pop(0) if len(self._script) > 1 else self._script[0]
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
                try:
                    await act(request, writer)
                finally:
                    self.at_once -= 1
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client hung up


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body)


def closed_port() -> int:
    """A port of 127.0.0.1 on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


class Time:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
