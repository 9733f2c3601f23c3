"""How clients connect: stdio, streamable HTTP in both protocol eras, and the older SSE.

Without a token HTTP listens on loopback only. Host and Origin are checked, so that a web page cannot reach the
server through a name that it rebinds to 127.0.0.1. A body is at most 1 MiB.
"""

from __future__ import annotations

import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from ipaddress import ip_address
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import anyio
import uvicorn
from anyio.abc import TaskStatus
from mcp.server.mcpserver import MCPServer
from mcp.server.sse import SseServerTransport
from mcp.server.stdio import stdio_server
from mcp.server.subscriptions import ListenHandler
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from mcp.shared._stream_protocols import ReadStream, WriteStream
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCError, JSONRPCResponse
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from akash_mcp.door import (
    MAKE_A_TOKEN,
    TOKEN_BITS,
    BearerGuard,
    NamedHosts,
    NoOAuth,
    PromptRequests,
    SessionCap,
    token_bits,
)
from akash_mcp.errors import BadSettings

if TYPE_CHECKING:
    from akash_mcp.stdio_wire import StdioWire

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 1 << 20
_SESSION_IDLE_SECONDS = 900
_MAX_SESSIONS = 500
_KEEP_ALIVE_SECONDS = 75
"""Longer than a balancer's 60 s: where we close a connection that it uses it answers 502, and clients ask again."""
_SHUTDOWN_SECONDS = 3
"""How long open requests may take to finish when the server is told to stop."""


async def serve_stdio(server: MCPServer[Any], wire: StdioWire | None = None) -> None:
    """Serve one client on stdin and stdout until it hangs up, or until SIGTERM or SIGINT.

    `wire`: the client, where it was answered already.
    """
    if sys.platform == "win32":  # no SIGTERM there: hosts close stdin
        await server.run_stdio_async()
        return
    from akash_mcp.stdio_wire import StdioWire  # Windows has none of what it is made of

    wire = wire or StdioWire.claim()
    try:
        async with _stop_on_signal(wire.hang_up):
            await anyio.to_thread.run_sync(wire.hand_over)
            async with stdio_server() as (incoming, outgoing):
                await run_on_wire(server, wire, incoming, outgoing)
    finally:
        wire.release()


async def run_on_wire(
    server: MCPServer[Any],
    wire: StdioWire,
    incoming: ReadStream[SessionMessage | Exception],
    outgoing: WriteStream[SessionMessage],
) -> None:
    """Serve a client that may have some of its answers already: those that are made for it again go nowhere."""
    lowlevel = server._lowlevel_server
    if wire.replay_id is not None:
        outgoing = _WithoutAnswers(outgoing, wire.replay_id)
    await lowlevel.run(incoming, outgoing, lowlevel.create_initialization_options())


class _WithoutAnswers:
    """A stream of messages without the answers to requests of one id."""

    def __init__(self, stream: WriteStream[SessionMessage], id: str) -> None:
        self._stream, self._id = stream, id

    async def send(self, item: SessionMessage, /) -> None:
        message = item.message
        if not isinstance(message, JSONRPCResponse | JSONRPCError) or message.id != self._id:
            await self._stream.send(item)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._stream.__aexit__(kind, error, trace)


async def serve_http(
    server: MCPServer[Any],
    *,
    host: str,
    port: int,
    token: SecretStr | None,
    sse: bool,
    allowed_hosts: Sequence[str] = (),
    listening: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve HTTP until SIGTERM or SIGINT. `listening` is called with the URL of `/mcp` once the port is open.

    Raises `BadSettings` for a host that needs a token and for a port that is in use.
    """
    _require_token_beyond_loopback(host, token)
    with _listening_socket(host, port) as listener:
        port = listener.getsockname()[1]
        app = http_app(server, host=host, port=port, token=token, sse=sse, allowed_hosts=allowed_hosts)
        http = _HttpServer(http_config(app))

        def stop() -> None:
            _end_subscriptions(server)
            # Not `should_exit`: only this also ends the streams of sse-starlette, which would never end.
            http.handle_exit(signal.SIGTERM, None)

        listening(f"http://{_bracketed(host)}:{port}/mcp")
        async with _stop_on_signal(stop):
            await http.serve(sockets=[listener])


def _end_subscriptions(server: MCPServer[Any]) -> None:
    """Tell whoever listens for changes that this ends: an open stream would be cut off, with a traceback in the log."""
    served = server._lowlevel_server.get_request_handler("subscriptions/listen")
    if served is not None and isinstance(served.handler, ListenHandler):
        served.handler.close()


def http_app(
    server: MCPServer[Any],
    *,
    host: str,
    port: int,
    token: SecretStr | None,
    sse: bool,
    allowed_hosts: Sequence[str] = (),
) -> ASGIApp:
    """One ASGI app: `/mcp`, `/health`, and with `sse` also `/sse` and `/messages/`.

    `host` and `port`: what it listens on. `allowed_hosts`: more names that a Host header may have, as proxies and
    port mappings of containers need. Raises `BadSettings` for a host beyond loopback without a
    token.
    """
    _require_token_beyond_loopback(host, token)
    security = _security(host, port, allowed_hosts)
    streamable = server.streamable_http_app(
        transport_security=security,
        max_request_body_size=MAX_BODY_BYTES,
        session_idle_timeout=_SESSION_IDLE_SECONDS,
        max_sessions=_MAX_SESSIONS,
    )
    routes: list[BaseRoute] = [Route("/health", _health), *streamable.routes]
    if sse:
        routes += _sse_routes(server, security)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with _shared_lifespan(server), server.session_manager.run():
            yield

    app = SessionCap(
        NamedHosts(_CompleteResponses(Starlette(routes=routes, lifespan=lifespan))),
        idle=_SESSION_IDLE_SECONDS,
        most_streams=_MAX_SESSIONS,
    )
    return NoOAuth(app if token is None else BearerGuard(app, token))


def http_config(app: ASGIApp, http: type[PromptRequests] = PromptRequests) -> uvicorn.Config:
    """How uvicorn serves it. Without an access log: a query holds the id of an SSE session."""
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        http=http,
        ws="none",
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )


class _SseStream:
    """`GET /sse` as a plain ASGI app. The SDK's own sends a second response after the stream, which fails."""

    def __init__(
        self, server: MCPServer[Any], transport: SseServerTransport, security: TransportSecuritySettings
    ) -> None:
        self._lowlevel = server._lowlevel_server
        self._transport = transport
        self._guard = TransportSecurityMiddleware(security)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The transport checks this too, but raises where it refuses: a traceback in the log for each such request.
        refusal = await self._guard.validate_request(Request(scope))
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        async with self._transport.connect_sse(scope, receive, send) as (incoming, outgoing):
            await self._lowlevel.run(incoming, outgoing, self._lowlevel.create_initialization_options())


def _sse_routes(server: MCPServer[Any], security: TransportSecuritySettings) -> list[BaseRoute]:
    transport = SseServerTransport(
        "/messages/", security_settings=security, max_request_body_size=MAX_BODY_BYTES
    )
    return [
        Route("/sse", _SseStream(server, transport, security), methods=["GET"]),
        Mount("/messages/", transport.handle_post_message),
    ]


async def _health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


class _CompleteResponses:
    """Ends each response. sse-starlette leaves a stream that it stops unfinished; uvicorn logs that as an error."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        unfinished = False

        async def watched(message: Message) -> None:
            nonlocal unfinished
            await send(message)
            unfinished = bool(message.get("more_body", message["type"] == "http.response.start"))

        await self._app(scope, receive, watched)
        if unfinished:
            await send({"type": "http.response.body", "body": b""})


class _HttpServer(uvicorn.Server):
    """A uvicorn server that leaves signals to us: it raises them again when it ends, which would kill our cleanup."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def _shared_lifespan(server: MCPServer[Any]) -> AsyncIterator[None]:
    """Enter the server's lifespan once for all clients.

    The SDK would enter it once more for each SSE client, and so open the ledger and resume the journal again.
    """
    lowlevel = server._lowlevel_server
    original = lowlevel.lifespan
    async with original(lowlevel) as state:
        lowlevel.lifespan = lambda _: nullcontext(state)
        try:
            yield
        finally:
            lowlevel.lifespan = original


def _require_token_beyond_loopback(host: str, token: SecretStr | None) -> None:
    if _is_loopback(host):
        return
    if token is None:
        raise BadSettings(
            f"Listening on {host} would let anyone who reaches it spend this account's money.",
            next_step=f"Set AKASH_MCP_TOKEN to what {MAKE_A_TOKEN} prints, which clients send as a bearer token, or "
            "listen on 127.0.0.1.",
            money="",
        )
    if token_bits(token.get_secret_value()) < TOKEN_BITS:
        raise BadSettings(
            f"AKASH_MCP_TOKEN is too easy to guess for a server that listens on {host}: it needs {TOKEN_BITS} random "
            "bits, which are at least 22 letters of both cases and digits, or 32 hexadecimal digits.",
            next_step=f"Set it to what {MAKE_A_TOKEN} prints, or listen on 127.0.0.1.",
            money="",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _security(host: str, port: int, allowed_hosts: Sequence[str]) -> TransportSecuritySettings:
    names = {"127.0.0.1", "localhost", "[::1]", _bracketed(host)}
    listed = [f"{name}:{port}" for name in sorted(names)]
    named = [host for name in allowed_hosts for host in (name, f"{name}:*")]
    return TransportSecuritySettings(
        allowed_hosts=[*listed, *named],
        allowed_origins=[f"http://{host}" for host in listed]
        + [f"{scheme}://{host}" for host in named for scheme in ("http", "https")],
    )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


@contextmanager
def _listening_socket(host: str, port: int) -> Iterator[socket.socket]:
    """A listening socket. Raises `BadSettings` for an address that is in use or not of this machine."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise BadSettings(f"{host} is not an address to listen on: {error.strerror}.", money="") from error
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen()
        except OSError as error:
            raise BadSettings(
                f"Cannot listen on {host} port {port}: {error.strerror}.",
                next_step="Choose another with --port, or stop the program that uses it.",
                money="",
            ) from error
        yield listener


@asynccontextmanager
async def _stop_on_signal(stop: Callable[[], None]) -> AsyncIterator[None]:
    """Inside the block, the first SIGTERM or SIGINT calls `stop`; the next one has its usual effect."""
    if sys.platform == "win32":
        yield
        return

    async def wait(*, task_status: TaskStatus[None]) -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            task_status.started()
            async for _ in signals:
                stop()
                break

    async with anyio.create_task_group() as tasks:
        await tasks.start(wait)
        yield
        tasks.cancel_scope.cancel()
