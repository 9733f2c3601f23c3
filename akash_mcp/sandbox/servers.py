"""HTTP servers inside the caller's event loop: several ports, one application each, one start and stop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Mapping

import anyio
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from akash_mcp.sandbox.stop_accepting import stop_accepting

_GRACE_SECONDS = 2
"""How long requests under way may take to end once the servers stop, in real seconds."""


class _Protocol(H11Protocol):
    """HTTP/1.1 whose application can cut the connection: `scope["state"]["abort"]()`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in its base
        super().connection_made(transport)
        # asyncio does so by itself only for sockets that were made with a protocol number, which these were not:
        # every second answer on a connection would wait 40 ms for the acknowledgement of the first.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.app_state = {**self.app_state, "abort": transport.abort}
        self.lost = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.lost.set()


class _Server(uvicorn.Server):
    """A server that leaves signals to its caller and tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()
        self.ending = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    async def main_loop(self) -> None:
        # A tick a second keeps the Date header true. The base class looks ten times a second whether to end.
        while not await self.on_tick(0):
            with anyio.move_on_after(1):
                await self.ending.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # The base class sleeps for 100 ms before it looks whether anybody is still connected, and between its looks.
        for server in self.servers:
            await stop_accepting(server)
        for listener in sockets or ():
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with anyio.move_on_after(_GRACE_SECONDS):
            for connection in list(self.server_state.connections):
                assert isinstance(connection, _Protocol)
                await connection.lost.wait()
        for task in self.server_state.tasks:
            task.cancel()


class Servers:
    """Applications on ports of one host. A port of 0 takes a free one."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._sockets: list[socket.socket] = []
        self._apps: dict[int, ASGIApp] = {}
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None

    def bind(self, app: ASGIApp, port: int = 0) -> str:
        """Take a port for `app` and give its URL. Raises `OSError` where the port is in use."""
        listener = socket.create_server((self._host, port))
        self._sockets.append(listener)
        bound: int = listener.getsockname()[1]
        self._apps[bound] = app
        return f"http://{self._host}:{bound}"

    async def start(self) -> None:
        """Serve everything that was bound."""
        config = uvicorn.Config(
            _by_port(self._apps),
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
        )
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve(self._sockets), name="embedded network servers")
        await self._server.listening.wait()

    async def stop(self) -> None:
        """Close all ports and connections."""
        if self._server and self._task:
            self._server.should_exit = True
            self._server.ending.set()
            await self._task
        for listener in self._sockets:
            listener.close()


def _by_port(apps: Mapping[int, ASGIApp]) -> ASGIApp:
    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        await apps[scope["server"][1]](scope, receive, send)

    return dispatch
