"""A TCP port of a test, and everyone who is connected to it, ended together."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from akash_mcp.sandbox.stop_accepting import stop_accepting

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class TcpServer:
    """Listens on a free port of 127.0.0.1, or on a socket. `serve` handles one connection, cut when it returns."""

    def __init__(
        self,
        serve: Serve,
        *,
        tls: ssl.SSLContext | None = None,
        listening: socket.socket | None = None,
        limit: int = 1 << 16,
    ) -> None:
        self._serve = serve
        self._tls = tls
        self._socket = listening
        self._limit = limit
        self._tasks: set[asyncio.Future[None]] = set()

    async def __aenter__(self) -> Self:
        listening = self._socket or socket.create_server(("127.0.0.1", 0))
        self.port: int = listening.getsockname()[1]
        self._server = await asyncio.start_server(
            self._accept, sock=listening, ssl=self._tls, limit=self._limit
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await stop_accepting(self._server)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def close_port(self) -> None:
        """Take no more connections. Those that there are go on."""
        self._server.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        # One that is cancelled before it begins can close nothing itself.
        task.add_done_callback(lambda _: writer.transport.abort())
