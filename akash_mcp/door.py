"""Who gets in over HTTP: how strong a token is, what a wrong one costs, how many sessions a client has, how long a
request may take to arrive.

The SDK bounds bodies, sessions in all and how long an idle one lasts; uvicorn bounds headers. What stands here is what
neither offers. A client is its address; IPv6 counts by its /64 network, since that is what one customer gets.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import math
import re
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from itertools import pairwise

import anyio
import h11
from pydantic import SecretStr
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

log = logging.getLogger(__name__)

TOKEN_BITS = 128
MOST_CLIENTS = 1024
"""Clients that are remembered. The one that was seen longest ago is forgotten first."""
FREE_FAILURES = 3
LONGEST_DELAY = 5.0
"""Seconds that a wrong token waits for its answer, after the first few of a client."""
MOST_WAITING = 8
"""Wrong tokens of one client that wait at a time; the next is answered at once, with when to come again."""
FORGIVEN_SECONDS = 600.0
SESSIONS_A_CLIENT = 100
REQUEST_SECONDS = 20.0
"""From the first byte of a request to its last, however small its pieces are."""

_OAUTH_PATHS = re.compile(r"/\.well-known/|^/(?:register|authorize|token)$")
"""Where clients look for OAuth: what would describe it, and where it was before there were descriptions."""
_HOST = re.compile(r"(?:[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_HAS_PORT = re.compile(r":[0-9]+$")

MAKE_A_TOKEN = "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"


def token_bits(token: str) -> float:
    """How many bits a token of this length and these characters holds at most, were it drawn at random.

    Digits, hexadecimal digits, letters of one case and digits, or anything. 0 for what is plainly not drawn at random:
    a piece that is repeated, hardly any different characters, or neighbours of the alphabet in a row.
    """
    steps = [abs(ord(one) - ord(other)) <= 1 for one, other in pairwise(token)]
    if len(set(token)) < 8 or re.fullmatch(r"(.+?)\1+", token) or sum(steps) * 4 > len(steps) * 3:
        return 0.0
    for alphabet, size in ((r"[0-9]+", 10), (r"[0-9a-f]+|[0-9A-F]+", 16), (r"[^A-Z]+|[^a-z]+", 36)):
        if re.fullmatch(alphabet, token):
            return len(token) * math.log2(size)
    return len(token) * TOKEN_BITS / 22  # 22 characters of base64 are 16 bytes


def client_of(scope: Scope) -> str:
    """The client's address; its /64 network for IPv6."""
    host = (scope.get("client") or ("unknown", 0))[0]
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return str(host)
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False))


class NoOAuth:
    """Says that there is no OAuth to who looks for it, as many clients do before they show the token they were given.

    Such a look needs no token and counts as no wrong one: a 401 would send them to look on.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _OAUTH_PATHS.search(scope["path"]):
            await self._app(scope, receive, send)
            return
        refusal = JSONResponse(
            {
                "error": "not_found",
                "error_description": "This server has no OAuth. Where it wants a token, that is AKASH_MCP_TOKEN of "
                "whoever runs it, sent as a header: Authorization: Bearer TOKEN.",
            },
            status_code=404,
        )
        await refusal(scope, receive, send)


class NamedHosts:
    """Says which host a request was refused for (421), and the setting that allows it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = False

        async def named(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] == 421:
                refused = True
            if not refused:
                await send(message)

        await self._app(scope, receive, named if scope["type"] == "http" else send)
        if refused:
            await self._refusal(scope)(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse:
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        name = host if _HOST.fullmatch(host) else ""
        which = f"The host {name} is" if name else "Without a host name that can be one, a request is"
        allow = (
            f"--allowed-hosts {name.rpartition(':')[0] if _HAS_PORT.search(name) else name}" if name else ""
        )
        return JSONResponse(
            {
                "error": "host_not_allowed",
                "error_description": f"{which} not served here, so that no web page reaches this server by a name of "
                "its own. "
                + (
                    f"If it is yours, start the server with {allow}, or set AKASH_MCP_ALLOWED_HOSTS."
                    if allow
                    else ""
                ),
            },
            status_code=421,
        )


@dataclass
class _Failures:
    count: int = 0
    waiting: int = 0
    last: float = 0.0


class BearerGuard:
    """Requires the token of every request but `/health`, and compares it in constant time.

    A wrong one is logged, without what was given, and answered ever later. The right one is never kept waiting,
    whatever else comes from its address: behind a proxy all clients may have the same.
    """

    def __init__(
        self,
        app: ASGIApp,
        token: SecretStr,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self._app = app
        self._expected = sha256(b"Bearer " + token.get_secret_value().encode()).digest()
        self._now = now
        self._sleep = sleep
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"] == "/health" or self._is_right(scope):
            await self._app(scope, receive, send)
            return
        status, headers = await self._slowed(client_of(scope))
        refusal = JSONResponse({"error": "invalid_token"}, status_code=status, headers=headers)
        await refusal(scope, receive, send)

    def _is_right(self, scope: Scope) -> bool:
        scheme, _, value = dict(scope["headers"]).get(b"authorization", b"").partition(b" ")
        given = scheme.title() + b" " + value.strip()  # the scheme's case is free: RFC 9110, 11.1
        return hmac.compare_digest(sha256(given).digest(), self._expected)

    async def _slowed(self, client: str) -> tuple[int, dict[str, str]]:
        """Count a wrong token, and wait. The status and headers of its answer, after which the connection is closed."""
        failures = self._failures_of(client)
        failures.count += 1
        failures.last = self._now()
        if failures.count & (failures.count - 1) == 0:  # the 1st, 2nd, 4th, 8th …: nobody can fill the log
            log.warning("a wrong token from %s, %d so far", client, failures.count)
        if failures.waiting >= MOST_WAITING:
            return 429, {"retry-after": f"{LONGEST_DELAY:.0f}", "connection": "close"}
        failures.waiting += 1
        try:
            late = min(failures.count - FREE_FAILURES, 10)
            if late > 0:
                await self._sleep(min(0.1 * 2.0**late, LONGEST_DELAY))
        finally:
            failures.waiting -= 1
        return 401, {"www-authenticate": 'Bearer realm="mcp"', "connection": "close"}

    def _failures_of(self, client: str) -> _Failures:
        known = self._failures.pop(client, _Failures())
        if not known.waiting and self._now() - known.last > FORGIVEN_SECONDS:
            known = _Failures()
        self._failures[client] = known
        while len(self._failures) > MOST_CLIENTS:
            self._failures.popitem(last=False)
        return known


@dataclass
class _Session:
    client: str
    requests: int = 0
    last: float = 0.0


class SessionCap:
    """Lets one client have so many sessions, so that none takes all that the SDK allows.

    It counts as the SDK does: a session ends with a DELETE, with a 404, and when no request of it was under way for
    `idle` seconds. An SSE stream is a session as long as it is open.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        idle: float,
        most: int = SESSIONS_A_CLIENT,
        most_streams: int,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._idle = idle
        self._most = most
        self._most_streams = most_streams
        self._now = now
        self._sessions: dict[str, _Session] = {}
        self._streams: Counter[str] = Counter()
        self._opening: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == "/sse":
            await self._stream(scope, receive, send)
        elif scope["path"] == "/mcp":
            await self._request(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = client_of(scope)
        if self._open_sessions(client) >= self._most or self._streams.total() >= self._most_streams:
            await _too_many(scope, receive, send)
            return
        self._streams[client] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._streams[client] -= 1
            self._streams += Counter()  # drops those without any

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        named = dict(scope["headers"]).get(b"mcp-session-id", b"").decode("latin-1")
        client = client_of(scope)
        # Only those of the older era open one: a request of the newer stands for itself, and says so.
        opens = not named and _is_of_older_era(scope)
        if opens and self._open_sessions(client) >= self._most:
            await _too_many(scope, receive, send)
            return
        self._opening[client] += opens
        session = self._sessions.get(named)
        if session is not None:
            session.requests += 1
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status, session, opens
            if message["type"] == "http.response.start":
                status = message["status"]
                opened = dict(message["headers"]).get(b"mcp-session-id", b"").decode("latin-1")
                if opened and not named and status < 400:
                    session = self._sessions[opened] = _Session(client, requests=1)
                    self._opening[client] -= opens
                    opens = False
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            self._opening[client] -= opens
            self._opening += Counter()  # drops those without any
            if session is not None:
                session.requests -= 1
                session.last = self._now()
            if status == 404 or (scope["method"] == "DELETE" and 0 < status < 400):
                self._sessions.pop(named, None)

    def _open_sessions(self, client: str) -> int:
        since = self._now() - self._idle
        for name, session in list(self._sessions.items()):
            if not session.requests and session.last < since:
                del self._sessions[name]
        begun = self._streams[client] + self._opening[client]
        return begun + sum(session.client == client for session in self._sessions.values())


def _is_of_older_era(scope: Scope) -> bool:
    from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

    version = dict(scope["headers"]).get(b"mcp-protocol-version", b"").decode("latin-1")
    return not version or version in HANDSHAKE_PROTOCOL_VERSIONS


async def _too_many(scope: Scope, receive: Receive, send: Send) -> None:
    refusal = JSONResponse(
        {
            "error": "too_many_sessions",
            "error_description": "End a session of this client, or let one become idle.",
        },
        status_code=503,
        headers={"retry-after": "60", "connection": "close"},
    )
    await refusal(scope, receive, send)


class PromptRequests(H11Protocol):
    """HTTP/1.1 whose requests arrive whole in `request_seconds`, or their connection is closed.

    uvicorn has a limit for a connection that is silent between two requests, and none for one that sends a header or a
    body byte by byte.
    """

    request_seconds = REQUEST_SECONDS
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        """Take bytes of a request."""
        self._expect()
        super().data_received(data)
        self._expect_the_rest()

    def on_response_complete(self) -> None:
        """Go on with what came meanwhile."""
        super().on_response_complete()
        self._expect_the_rest()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._expect_nothing()
        super().connection_lost(exc)

    def _expect_the_rest(self) -> None:
        """Wait for what is missing of a request; where nothing has begun, uvicorn's own limit holds."""
        state, (begun, _) = self.conn.their_state, self.conn.trailing_data
        if state is h11.SEND_BODY or (state is h11.IDLE and begun):
            self._expect()
        else:
            self._expect_nothing()

    def _expect(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(self.request_seconds, self._give_up)

    def _expect_nothing(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _give_up(self) -> None:
        log.info("a request did not arrive whole within %g s", self.request_seconds)
        self.transport.abort()
