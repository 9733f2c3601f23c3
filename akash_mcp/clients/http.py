"""One upstream over HTTP: its connections, deadlines, limits and errors.

A request that is sent again follows `retries`, an error response is understood by `error_mapping`.
"""

from __future__ import annotations

import logging
import math
import random
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypedDict, TypeVar, Unpack
from urllib.parse import urlsplit

import anyio
import httpx2
from pydantic import TypeAdapter, ValidationError

from akash_mcp import __version__
from akash_mcp.clients.api_model import read_json
from akash_mcp.clients.authorities import trusting
from akash_mcp.clients.error_mapping import ErrorReader, MessageCleaner, date_of, error_of, is_web_page
from akash_mcp.clients.proxies import Passage, Proxy, credentials, proxy_for
from akash_mcp.clients.retries import Deadline, Sending, may_have_had_effect, pause_before_next, raise_last
from akash_mcp.clients.service_clock import ServiceClock, elapsed
from akash_mcp.clients.tracing import answered, request_span
from akash_mcp.clients.unused_connection import UnusedConnection
from akash_mcp.errors import (
    AkashError,
    ApiError,
    BadSettings,
    Interrupted,
    OutcomeUnknown,
    ServerError,
    Unreachable,
)

log = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
LARGEST_ANSWER = 8 * 2**20
LARGEST_ERROR = 64 * 2**10
UNREADABLE = "unreadable_answer"
"""The code of an error for an answer that was given and makes no sense."""

# What is compressed may come late, and grow beyond what its reader wants.
_PLAIN = {"accept-encoding": "identity"}

LONGEST_PAUSE_SECONDS = 5.0
"""What did not leave within so long after it was allowed is not sent: a process that stood still was given up."""

T = TypeVar("T")

BeforeSending = Callable[[Sending], Awaitable[None]]

Take = Callable[[bytes], bool]
"""Takes the next bytes of an answer, and says whether more are wanted."""

_before_sending: ContextVar[BeforeSending | None] = ContextVar("_before_sending", default=None)


@contextmanager
def before_sending(do: BeforeSending) -> Iterator[None]:
    """Within the block `do` is awaited just before each request that changes something, with how often it may be sent.

    Where it raises, nothing is sent.
    """
    token = _before_sending.set(do)
    try:
        yield
    finally:
        _before_sending.reset(token)


@dataclass(frozen=True, slots=True)
class Response:
    """A successful answer, not yet understood. `lost` builds the error for one that makes no sense."""

    status: int
    body: bytes
    lost: Callable[[str], AkashError]

    def read(self, shape: TypeAdapter[T], *keys: str) -> T:
        """The JSON below `keys`, as `shape`. Numbers are read as `read_json` reads them.

        Raises what the request's kind calls for: an answer of a ONCE request that cannot be read is as good
        as lost.
        """
        try:
            value = read_json(self.body)
            for key in keys:
                value = value[key]
            return shape.validate_python(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            place = ".".join(map(str, (*keys, *first["loc"]))) or "the answer"
            raise self.lost(f"{place}: {first['msg']}") from None
        except (ValueError, RecursionError) as error:
            page = " but a web page, probably from a proxy in between" if is_web_page(self.body) else ""
            raise self.lost(f"it is not JSON{page}") from error
        except (KeyError, TypeError, IndexError) as error:
            raise self.lost(f"it has no {'.'.join(keys)}") from error

    def unwrapped(self, shape: TypeAdapter[T]) -> T:
        """The JSON as `shape`, or what lies below its `data` where that is all there is.

        The Console's reference says that every answer is wrapped so; its source wraps some.
        """
        try:
            value = read_json(self.body)
        except (ValueError, RecursionError):
            return self.read(shape)
        return self.read(shape, *(("data",) if isinstance(value, dict) and value.keys() == {"data"} else ()))


@dataclass(frozen=True, slots=True)
class _Request:
    """One request, however often it is sent. Its answer goes to `take`, or is kept up to `largest` bytes."""

    method: str
    path: str
    sending: Sending
    deadline: Deadline
    params: Mapping[str, str] | None
    body: str | None
    headers: Mapping[str, str]
    largest: int = LARGEST_ANSWER
    take: Take | None = None


class UpstreamOptions(TypedDict, total=False):
    """What an upstream may be given besides who it is. Times are seconds; `random` is in [0, 1)."""

    verify: ssl.SSLContext
    ca_file: Path | None
    sni: str
    most_at_once: int
    sleep: Callable[[float], Awaitable[None]]
    random: Callable[[], float]
    monotonic: Callable[[], float]


class Upstream:
    """One service that we ask over HTTP. Use `async with`, or call `aclose`.

    `base_url` is http or https without credentials. `name` is what errors call it. `headers` go with every
    request; `secrets` are values that no error may repeat. `advice` gives the next step for an error's code or class,
    `meanings` patterns, by name, for what an error's message is known to mean; `errors` knows how the service says its
    errors, where that is not the Console's way.
    `verify` is the TLS context (by default the system's authorities, and those in `ca_file`), `sni` the host name
    that a TLS server is asked for and checked against where `base_url` names an address. The proxy that the
    environment names is used (`proxies`). Redirects, cookies and .netrc are not: the first two could carry the key
    elsewhere, and a second credential makes the Console refuse every call.
    """

    def __init__(
        self,
        base_url: str,
        *,
        name: str,
        headers: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
        advice: Mapping[type[ApiError] | str, str] | None = None,
        meanings: Mapping[str, re.Pattern[str]] | None = None,
        errors: ErrorReader | None = None,
        **options: Unpack[UpstreamOptions],
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise BadSettings(f"The address of {name} must be an http or https URL without credentials.")
        self.name = name
        self.host = options.get("sni") or parts.hostname
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self.sleep = options.get("sleep", anyio.sleep)
        self.monotonic = options.get("monotonic", elapsed)
        self.date: float | None = None
        """The service's own clock at its last answer, in seconds since the epoch; None where it did not tell."""
        self.clock = ServiceClock(self.monotonic)
        self._base_url = base_url.rstrip("/")
        self._headers = {
            "accept": "application/json",
            "user-agent": f"akash-mcp/{__version__}",
            **(headers or {}),
        }
        self._secrets = (*secrets, *credentials())
        self.clean = MessageCleaner(self._secrets)
        """Makes text of this service fit for an error of ours: bounded, on one line, its secrets masked."""
        self._shown: dict[str, str] = {}
        self._advice = advice or {}
        self._meanings = meanings or {}
        self._errors = errors
        self._verify = options.get("verify")
        self._ca_file = options.get("ca_file")
        self._sni = options.get("sni")
        self._slots = anyio.Semaphore(options.get("most_at_once", 8))
        self._random = options.get("random", random.random)
        self._kept: httpx2.AsyncClient | None = None
        self._fresh: httpx2.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections. A later request opens new ones."""
        clients = (self._kept, self._fresh)
        self._kept = self._fresh = None
        for client in clients:
            if client is not None:
                await client.aclose()

    def authenticate(self, headers: Mapping[str, str], *, secrets: Sequence[str] = ()) -> None:
        """Send these with every request from now on. No error repeats their values, nor the `secrets` within them."""
        if self._shown != headers:
            self._shown = dict(headers)
            self.clean = MessageCleaner((*self._secrets, *self._shown.values(), *secrets))

    async def send(
        self,
        method: str,
        path: str,
        *,
        sending: Sending,
        deadline: Deadline,
        params: Mapping[str, str] | None = None,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
        largest: int = LARGEST_ANSWER,
    ) -> Response:
        """Send one request and return its successful answer.

        `body` is JSON text, `headers` go with this one, `largest` is the most bytes of an answer that are
        taken. Raises `ApiError` for a definite refusal, `Unreachable` where nothing was sent, `Interrupted` for
        a READ or REPEATABLE request without a whole answer, and `OutcomeUnknown` for a ONCE request that may
        have had an effect. The cause of a change's refusal, by the service or `before_sending`, is the attempt before
        it that may have had one.
        """
        return await self._repeat(
            _Request(method, path, sending, deadline, params, body, headers or {}, largest)
        )

    async def stream(
        self,
        path: str,
        take: Take,
        *,
        deadline: Deadline,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Read an answer that comes bit by bit. Each bit goes to `take` as it comes, which ends the reading by saying
        no, and must: only time bounds it otherwise.

        The answer that is returned has no body. Raises as a READ of `send` does. Once something was taken the request
        is not sent again, and what was taken is the caller's, however the rest ends.
        """
        return await self._repeat(
            _Request(
                "GET", path, Sending.READ, deadline, params, None, {**_PLAIN, **(headers or {})}, take=take
            )
        )

    async def _repeat(self, request: _Request) -> Response:
        ends = self.monotonic() + request.deadline.total
        was_taken, lost = False, None
        attempt = 1

        def taken(chunk: bytes) -> bool:
            nonlocal was_taken
            was_taken = True
            return request.take is not None and request.take(chunk)

        while True:
            left = max(ends - self.monotonic(), 0.0)
            try:
                with request_span(
                    request.method, request.path, host=self.host, port=self._port, attempt=attempt
                ) as span:
                    answer = await self._attempt(request, taken if request.take else None, left)
                    answered(span, answer.status)
                    return answer
            except (ApiError, Unreachable, Interrupted) as error:
                if may_have_had_effect(error):
                    lost = error if request.sending is not Sending.READ else None
                elif lost is not None and isinstance(error, ApiError):
                    error.__cause__ = lost
                pause = pause_before_next(error, request.sending, attempt, self._random)
                if was_taken or pause is None or self.monotonic() + pause >= ends:
                    raise_last(error, request.sending, lost is not None)
            except AkashError as stopped:  # by whoever is asked before each attempt
                stopped.__cause__ = lost or stopped.__cause__
                raise
            log.debug(
                "%s %s: attempt %d failed, again in %.2f s", request.method, request.path, attempt, pause
            )
            await self.sleep(pause)
            attempt += 1

    async def _attempt(self, request: _Request, take: Take | None, left: float) -> Response:
        sent, begun, unused, passage = False, math.inf, UnusedConnection(), Passage(self._proxy)

        async def trace(event: str, info: Mapping[str, Any]) -> None:
            nonlocal sent
            await unused.trace(event, info)
            if passage.trace(event, info):
                if self.monotonic() - begun > LONGEST_PAUSE_SECONDS:
                    raise Unreachable(
                        f"{self.name} was not asked: this process stood still too long before it was."
                    )
                sent = True

        extensions: dict[str, Any] = {"trace": trace}
        if self._sni:
            extensions["sni_hostname"] = self._sni
        started = self.monotonic()
        try:
            with anyio.fail_after(left):
                async with self._slots, self._client(request.sending) as client, unused:
                    built = self._built(client, request, extensions)
                    begin = _before_sending.get()
                    if begin is not None and request.sending is not Sending.READ:
                        await begin(request.sending)
                        begun = self.monotonic()
                    response = await client.send(built, stream=True)
                    try:
                        if take is not None and response.is_success:
                            await _taken(response, take)
                            content, whole = b"", True
                        else:
                            limit = request.largest if response.is_success else LARGEST_ERROR
                            content, whole = await _bounded(response, limit)
                    finally:
                        await response.aclose()
        except (httpx2.RequestError, OSError) as error:
            why = why_lost(error)
            if sent:
                raise Interrupted(
                    f"{self.name} at {self.host} did not give a whole answer{passage}: {why}."
                ) from error
            unsent = passage.failed(self.name, self.host, error, why) or self._unreachable(why)
            # What a proxy says to its refusal may repeat what it was shown.
            raise unsent from (None if isinstance(error, httpx2.ProxyError) else error)
        took = self.monotonic() - started
        log.debug("%s %s: %d in %.2f s", request.method, request.path, response.status_code, took)
        self.date = date_of(response.headers.get("date", ""))
        if self.date is not None and "age" not in response.headers:
            self.clock.hear(self.date, sent=started)
        if refused := passage.refused(self.name, self.host, response.status_code):
            raise refused
        if not response.is_success:
            raise error_of(
                response.status_code,
                response.headers,
                content,
                name=self.name,
                clean=self.clean,
                advice=self._advice,
                meanings=self._meanings,
                read=self._errors,
            )
        lost = self._unreadable(request.path, response.status_code, request.sending)
        answer = Response(response.status_code, content, lost)
        if not whole:
            raise answer.lost(f"it is larger than {request.largest} bytes")
        return answer

    def _built(
        self, client: httpx2.AsyncClient, request: _Request, extensions: Mapping[str, Any]
    ) -> httpx2.Request:
        body, deadline = request.body, request.deadline
        return client.build_request(
            request.method,
            self._base_url + request.path,
            params=request.params,
            content=body.encode() if body is not None else None,
            headers={
                **self._shown,
                **request.headers,
                **({"content-type": "application/json"} if body is not None else {}),
            },
            timeout=httpx2.Timeout(deadline.read, connect=min(CONNECT_SECONDS, deadline.total)),
            extensions=dict(extensions),
        )

    def _unreachable(self, why: str) -> Unreachable:
        return Unreachable(
            f"{self.name} at {self.host} cannot be reached: {why}.",
            next_step=TRUST_ADVICE
            if why == _NOT_TRUSTED
            else "Check the network and the address, then try again.",
        )

    def _unreadable(self, path: str, status: int, sending: Sending) -> Callable[[str], AkashError]:
        def lost(why: str) -> AkashError:
            what = f"{self.name} answered {path} with something that cannot be read: {self.clean(why, limit=200)}."
            if sending is Sending.ONCE:
                return OutcomeUnknown(what, next_step="Look up what happened: the request was probably done.")
            if sending is Sending.REPEATABLE:
                return Interrupted(
                    what, next_step="The change was probably made. Doing it again is harmless."
                )
            return ServerError(what, status=status, upstream_code=UNREADABLE)

        return lost

    @cached_property
    def _proxy(self) -> Proxy | None:
        return proxy_for(self._base_url, name=self.name)

    @asynccontextmanager
    async def _client(self, sending: Sending) -> AsyncIterator[httpx2.AsyncClient]:
        if self._proxy is not None:
            # One of its own: httpcore2 keeps a tunnel in whose TLS something failed for as long as its client.
            async with self._build(httpx2.Limits(max_keepalive_connections=0)) as client:
                yield client
        elif sending is Sending.ONCE:
            # A connection of its own: a kept one, just closed by the other side, would leave the outcome
            # unknown.
            self._fresh = self._fresh or self._build(httpx2.Limits(max_keepalive_connections=0))
            yield self._fresh
        else:
            self._kept = self._kept or self._build(
                httpx2.Limits(max_keepalive_connections=4, keepalive_expiry=10)
            )
            yield self._kept

    def _build(self, limits: httpx2.Limits) -> httpx2.AsyncClient:
        proxy = self._proxy
        if self._verify is None:
            addresses = (self._base_url, proxy.url if proxy else "")
            is_tls = any(each.startswith("https") for each in addresses)
            # For plain http one that trusts no authority: reading the system's takes a while.
            self._verify = trusting(self._ca_file) if is_tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return httpx2.AsyncClient(
            headers=self._headers,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            verify=self._verify,
            proxy=httpx2.Proxy(proxy.url, ssl_context=self._verify if proxy.url.startswith("https") else None)
            if proxy
            else None,
            limits=limits,
            trust_env=False,
            follow_redirects=False,
        )


async def _bounded(response: httpx2.Response, limit: int) -> tuple[bytes, bool]:
    """At most `limit` bytes of the body, and whether that is all of it."""
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > limit:
            return bytes(content[:limit]), False
    return bytes(content), True


async def _taken(response: httpx2.Response, take: Take) -> None:
    """Hand on the body as it comes, until `take` wants no more of it."""
    async for chunk in response.aiter_bytes():
        if not take(chunk):
            return


_NOT_TRUSTED = "its TLS certificate is not trusted (is this machine's clock right?)"
TRUST_ADVICE = (
    "Check this machine's clock. Where a company's proxy opens TLS, ask the user to name its CA file in "
    "AKASH_MCP_CA_FILE and to restart this server."
)
"""What to do about a certificate that nobody vouches for whom we trust."""

_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLCertVerificationError, _NOT_TRUSTED),
    (socket.gaierror, "its name could not be looked up"),
    (ConnectionRefusedError, "the connection was refused"),
    # Before TLS: waiting for bytes is an error of the library's too.
    (httpx2.TimeoutException, "it took too long"),
    (TimeoutError, "it took too long"),
    (ssl.SSLError, "no TLS connection could be made"),
    (httpx2.DecodingError, "the answer was garbled"),
)


def why_lost(error: BaseException) -> str:
    """A few words for the reason of a lost connection.

    The library's own texts may hold header values: not used.
    """
    causes = list(_causes(error))
    for kind, reason in _REASONS:
        if any(isinstance(cause, kind) for cause in causes):
            return reason
    return "the connection was lost"


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        cause = waiting.pop()
        if cause is None or cause in found:
            continue
        found.append(cause)
        waiting += [cause.__cause__, cause.__context__]
        if isinstance(cause, BaseExceptionGroup):
            waiting += cause.exceptions
    return found
