"""One question over https to a host that others named: a registry, its token server, or where its redirects lead.

Only public addresses are connected to, and exactly those that were judged (`public_addresses`). Each host has
connections of its own, since one that was proven for a name must not serve another at the same address. No cookie,
proxy or .netrc is used, and no address is logged: that of a blob can hold a signature.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any
from urllib.parse import urljoin, urlsplit

import anyio
import httpx2

from akash_mcp import __version__
from akash_mcp.clients.authorities import system_authorities
from akash_mcp.clients.http import why_lost
from akash_mcp.clients.public_addresses import LOOKUP_SECONDS, MOST_ADDRESSES, bracketed, is_allowed, is_ip
from akash_mcp.clients.registry.answers import NotKnown
from akash_mcp.clients.tracing import answered, request_span
from akash_mcp.clients.unused_connection import UnusedConnection
from akash_mcp.sanitize.text import field

SECONDS = 10.0
"""The longest silence within one question."""
MOST_REDIRECTS = 4
_HTTPS = 443
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_-]{1,63})*\.?")
"""The name of a host, as DNS has it."""
_REDIRECTS = (301, 302, 303, 307, 308)

Lookup = Callable[..., Awaitable[Sequence[Any]]]


@dataclass(frozen=True, slots=True)
class Origin:
    """Who is asked: a host as a URL names it, in small letters and without brackets, and its port."""

    host: str
    port: int = _HTTPS

    def __str__(self) -> str:
        return bracketed(self.host) + (f":{self.port}" if self.port != _HTTPS else "")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status, and who gave it: after redirects that can be another than was asked."""

    origin: Origin
    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpsReader:
    """Asks hosts that others named. Call `aclose` in the end.

    `allowed` are networks that are not public and may be asked all the same; `verify` is the TLS context, by default
    the system's authorities.
    """

    def __init__(
        self,
        allowed: Sequence[IPv4Network | IPv6Network] = (),
        *,
        verify: ssl.SSLContext | None = None,
        lookup: Lookup = anyio.getaddrinfo,
    ) -> None:
        self._allowed = tuple(allowed)
        self._verify = verify
        self._lookup = lookup
        self._judged: dict[Origin, tuple[tuple[str, int], ...]] = {}
        self._transports: dict[Origin, httpx2.AsyncHTTPTransport] = {}

    async def aclose(self) -> None:
        """Close all connections."""
        transports = [*self._transports.values()]
        self._transports.clear()
        for transport in transports:
            await transport.aclose()

    async def get(
        self, url: str, *, largest: int, headers: Mapping[str, str] | None = None, authorization: str = ""
    ) -> Answer:
        """Ask for a URL, and follow where it leads. `authorization` is shown to the host of `url` and to no other.

        `largest` is the most bytes of a body that are taken. Raises `NotKnown`, with nothing of the URL but its host.
        """
        asked = origin_of(url)
        for _ in range(MOST_REDIRECTS + 1):
            origin = origin_of(url)
            shown = {"authorization": authorization} if authorization and origin == asked else {}
            answer = await self._ask(origin, url, {**(headers or {}), **shown}, largest)
            if answer.status not in _REDIRECTS or not (location := answer.headers.get("location")):
                return answer
            url = _joined(url, location)
        raise NotKnown(f"could not be asked about: {asked} leads from one address to the next")

    async def _ask(self, origin: Origin, url: str, headers: Mapping[str, str], largest: int) -> Answer:
        reason: Exception | None = None
        for address, port in await self._addresses(origin):
            try:
                with request_span("GET", None, host=origin.host, port=port) as span:
                    answer = await self._send(origin, bracketed(address), port, url, headers, largest)
                    answered(span, answer.status)
                    return answer
            except (
                httpx2.ConnectError,
                httpx2.ConnectTimeout,
            ) as error:  # nothing was sent: try the next one
                reason = error
            except (httpx2.RequestError, httpx2.InvalidURL, OSError) as error:
                raise NotKnown(
                    f"could not be asked about: {origin} gave no whole answer: {why_lost(error)}"
                ) from error
        why = f": {why_lost(reason)}" if reason else ""
        raise NotKnown(f"could not be asked about: {origin} cannot be reached{why}") from reason

    async def _send(
        self, origin: Origin, address: str, port: int, url: str, headers: Mapping[str, str], largest: int
    ) -> Answer:
        parts = urlsplit(url)
        query = f"?{parts.query}" if parts.query else ""
        unused = UnusedConnection()
        request = httpx2.Request(
            "GET",
            f"https://{address}:{port}{parts.path or '/'}{query}",
            headers={
                "host": str(origin),
                "user-agent": f"akash-mcp/{__version__}",
                "accept-encoding": "identity",
                **headers,
            },
            extensions={
                "sni_hostname": origin.host,
                "timeout": httpx2.Timeout(SECONDS).as_dict(),
                "trace": unused.trace,
            },
        )
        async with unused:
            response = await self._transport(origin).handle_async_request(request)
        try:
            if response.headers.get("content-encoding", "identity") != "identity":
                raise NotKnown(f"could not be read: {origin} packs what was not to be packed")
            return Answer(
                origin, response.status_code, response.headers, await _body(response, origin, largest)
            )
        finally:
            await response.aclose()

    async def _addresses(self, origin: Origin) -> tuple[tuple[str, int], ...]:
        """The addresses of a host, looked up once: a name that changes its mind meanwhile changes nothing."""
        if origin not in self._judged:
            try:
                with anyio.fail_after(LOOKUP_SECONDS):
                    found = await self._lookup(origin.host, origin.port, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError) as error:
                raise NotKnown(f"could not be asked about: {origin} cannot be looked up") from error
            addresses = tuple(dict.fromkeys((str(sockaddr[0]), int(sockaddr[1])) for *_, sockaddr in found))
            if not all(is_allowed(ip_address(address), self._allowed) for address, _ in addresses):
                raise NotKnown(f"was not asked about: {origin} is not at a public address")
            self._judged[origin] = addresses[:MOST_ADDRESSES]
        return self._judged[origin]

    def _transport(self, origin: Origin) -> httpx2.AsyncHTTPTransport:
        if origin not in self._transports:
            self._verify = self._verify or system_authorities()
            self._transports[origin] = httpx2.AsyncHTTPTransport(verify=self._verify, trust_env=False)
        return self._transports[origin]


def origin_of(url: str) -> Origin:
    """Whom a URL asks. Raises `NotKnown` unless it is https and printable ASCII, with the name or the address of a host
    and without credentials. So what is said of a host is never somebody's sentence."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise NotKnown("could not be asked about: its registry names an address that is not one") from None
    if not (url.isascii() and url.isprintable() and " " not in url) or parts.username is not None:
        raise NotKnown("could not be asked about: its registry names an address that is not one")
    if not (_NAME.fullmatch(host) or is_ip(host)):
        raise NotKnown("could not be asked about: its registry names an address that is not one")
    if parts.scheme != "https":
        raise NotKnown(f"was not asked about: its registry leads to {field(host, 80)} without TLS")
    return Origin(host, _HTTPS if port is None else port)


def _joined(url: str, location: str) -> str:
    """Where a redirect leads. Raises `NotKnown` where it is not a URL."""
    try:
        return urljoin(url, location)
    except ValueError:
        raise NotKnown("could not be asked about: its registry leads to an address that is not one") from None


async def _body(response: httpx2.Response, origin: Origin, largest: int) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) > largest:
            raise NotKnown(f"could not be read: {origin} sends more than {largest} bytes")
    return bytes(content)
