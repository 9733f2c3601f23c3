"""Gateways that lie, hang, flood or break, over real sockets. Each counts the bytes that it got and sent."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_network
from time import time as wall

from provider_certificates import Shown
from tcp_server import TcpServer
from test_chain_reader import chain, listed
from test_console_models import PROVIDER_ADDRESS
from test_console_reader import reader
from wire_servers import Request, Server, Time, reply

from akash_mcp.clients.provider.access import ProviderAccess
from akash_mcp.clients.provider.client import ProviderClient
from akash_mcp.clients.provider.identity import public_context
from akash_mcp.ids import Dseq, LeaseId

LEASE = LeaseId(Dseq("1763759482113"), 1, 1, PROVIDER_ADDRESS)
TOKEN = "eyJhbGciOiJFUzI1NksifQ.eyJzZWNyZXQiOjF9.c2lnbmF0dXJl"
STATUS = b'{"services":{"web":{"name":"web","available":1,"total":1}}}'

ApiModel = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Counts:
    """What a hostile server saw: inside TLS where it speaks TLS, else on the bare socket."""

    connections: int = 0
    got: bytearray = field(default_factory=bytearray)
    sent: int = 0

    async def request(self, reader: asyncio.StreamReader) -> bytes:
        """One request's head."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.got += head
        return head

    async def send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(
            0
        )  # draining what is not full gives nobody else a turn, not even the news of a reset
        self.sent += len(data)


Behaviour = Callable[[Counts, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def hostile(
    behaviour: Behaviour,
    tls: ssl.SSLContext | None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    window: int | None = None,
) -> AsyncIterator[tuple[int, Counts]]:
    """A server that treats every connection by `behaviour`, and its port. It takes `window` bytes that it does not
    read."""
    counts = Counts()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        counts.connections += 1
        # Such is what a client's having had enough looks like from here.
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await behaviour(counts, reader, writer)

    listening = socket.create_server((host, port))
    if window is not None:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    async with TcpServer(serve, tls=tls, listening=listening) as server:
        yield server.port, counts


@dataclass
class Scene:
    """A client of ours, the services that it believes, and its clock, which only moves when it is told to."""

    client: ProviderClient
    console: Server
    node: Server
    time: Time
    on_chain: list[Shown]
    revoked: list[Shown]


@asynccontextmanager
async def believing(
    port: int,
    on_chain: Sequence[Shown],
    *,
    host: str = "127.0.0.1",
    revoked: Sequence[Shown] = (),
    allow: str = "127.0.0.0/8",
    public: ssl.SSLContext | None = None,
    knows_certificates: bool = True,
    token: str = TOKEN,
) -> AsyncIterator[Scene]:
    """A provider client for which the chain says that the provider is at `port` and has these certificates.

    Where it does not know them its node answers 500 when it is asked.
    """
    time = Time()
    time.now = 0.0
    valid, gone = list(on_chain), list(revoked)

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        shown = gone if "filter.state=revoked" in request.path else valid
        record = {"provider": {"host_uri": f"https://{host}:{port}", "owner": PROVIDER_ADDRESS}}
        act = reply(200, record)
        if "/cert/" in request.path:
            act = (
                reply(200, listed(*(one.listed() for one in shown))) if knows_certificates else reply(500, "")
            )
        await act(request, writer)

    async with Server(reply(201, {"data": {"token": token}})) as console, Server(answer) as chains:
        access = ProviderAccess(
            reader(console),
            chain(chains),
            allow_private=[ip_network(allow)],
            sleep=time.sleep,
            clock=lambda: wall() + time.now,
            public=public or public_context(),
        )
        yield Scene(ProviderClient(access), console, chains, time, valid, gone)


async def listens(counts: Counts, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say nothing, and note whatever comes."""
    while data := await reader.read(4096):
        counts.got += data


async def hangs_up(counts: Counts, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take one byte and leave."""
    counts.got += await reader.read(1)


async def speaks_plainly(counts: Counts, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer whatever comes as a web server without TLS does."""
    counts.got += await reader.read(4096)
    await counts.send(writer, b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
    await listens(counts, reader, writer)


def answers(*parts: bytes, forever: bool = False) -> Behaviour:
    """Take one request, send `parts`, the last of them again and again where it goes on `forever`, and leave."""

    async def behaviour(counts: Counts, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await counts.request(reader)
        for part in parts:
            await counts.send(writer, part)
        while forever:
            await counts.send(writer, parts[-1])

    return behaviour


def body(content: bytes, *headers: str, length: int | None = None) -> bytes:
    """A whole answer of status 200."""
    lines = [
        "HTTP/1.1 200 OK",
        "content-type: application/json",
        f"content-length: {len(content) if length is None else length}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def bomb(size: int) -> bytes:
    """An answer of few bytes that says of itself that it is `size` bytes, compressed."""
    return body(gzip.compress(b" " * size), "content-encoding: gzip")


def streams(*parts: bytes, forever: bool = False, hangs_up: bool = False) -> Behaviour:
    """Answer status requests, and send `parts`, which are WebSocket frames, to whoever opens a stream."""

    async def behaviour(counts: Counts, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await counts.request(reader)
        key = next(
            (line[19:] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key")), b""
        )
        if not key:
            await counts.send(writer, body(STATUS))
            return
        digest = hashlib.sha1(key.strip() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        upgrade = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
        await counts.send(
            writer, upgrade + b"sec-websocket-accept: " + base64.b64encode(digest) + b"\r\n\r\n"
        )
        for part in parts:
            await counts.send(writer, part)
        while forever:
            await counts.send(writer, parts[-1])
        if not hangs_up:
            await listens(counts, reader, writer)

    return behaviour


def frame(opcode: int, payload: bytes, *, final: bool = True) -> bytes:
    """One WebSocket frame of a server."""
    first = (0x80 if final else 0) | opcode
    if len(payload) < 126:
        return bytes([first, len(payload)]) + payload
    if len(payload) < 2**16:
        return bytes([first, 126]) + len(payload).to_bytes(2, "big") + payload
    return bytes([first, 127]) + len(payload).to_bytes(8, "big") + payload


def log_frame(message: str) -> bytes:
    return frame(1, b'{"name":"web-0","message":"%s"}\n' % message.encode())
