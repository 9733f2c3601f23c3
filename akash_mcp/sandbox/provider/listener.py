"""A TCP port of the embedded network and everyone who is connected to it, ended together."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from akash_mcp.sandbox.provider.tls_transport import TlsTransport, Unbegun
from akash_mcp.sandbox.stop_accepting import stop_accepting

_log = logging.getLogger(__name__)

Serve: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Listener:
    """Listens on `port` of `host`, or a free one, from the moment it is made; `start` begins to serve.

    `serve` handles one connection, which is closed when it returns. `OSError` from it means that the peer left.
    With `tls` the writer's transport is a `TlsTransport`, whose handshake is left to `serve`.
    """

    def __init__(self, host: str, serve: Serve, *, port: int = 0, tls: Unbegun | None = None) -> None:
        self._socket = socket.create_server((host, port))
        # Accepted sockets inherit it. Without it a second small write waits 40 ms for the first to be acknowledged.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._serve = serve
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self.port: int = self._socket.getsockname()[1]

    def start(self) -> None:
        """Serve from now on. Needs a running event loop."""
        self._spawn(self._accept())

    def close(self) -> None:
        """Stop listening and cut every connection. `wait_closed` waits until that is done."""
        self._is_closed = True
        for task in self._tasks:
            task.cancel()

    async def wait_closed(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._socket.close()  # not closed yet where the server never came to life

    def _spawn(self, work: Awaitable[None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._protocol, sock=self._socket, start_serving=False)
        try:
            await server.start_serving()
            await loop.create_future()  # until it is cancelled
        finally:
            await stop_accepting(server)

    def _protocol(self) -> asyncio.Protocol:
        plain = asyncio.StreamReaderProtocol(asyncio.StreamReader(), self._connected)
        return TlsTransport(self._tls(), plain) if self._tls else plain

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_closed:
            writer.transport.abort()
            return
        task = self._spawn(self._attend(reader, writer))
        # One that was cancelled before it began has closed nothing.
        task.add_done_callback(lambda _: writer.transport.abort())

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            try:
                await self._serve(reader, writer)
            except asyncio.CancelledError:
                writer.transport.abort()
                raise
            finally:
                writer.close()
                await writer.wait_closed()
        except* OSError as group:
            _log.debug("a client went away: %s", group.exceptions)
