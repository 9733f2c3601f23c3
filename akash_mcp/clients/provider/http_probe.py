"""Whether a web service answers at its address: one request from outside, as any visitor sends it.

A lease's URIs are what its provider says they are: bare host names, served over HTTP on port 80 (akash-network/provider
cluster/kube). So nothing of ours is shown there, no token and no cookie; only addresses that were judged are connected
to; no redirect is followed; and of the answer only its status is taken.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2

from akash_mcp.clients.public_addresses import bracketed, is_allowed

SECONDS = 5.0
"""For a whole probe: name, connection and the first line of the answer."""

HTTP_PORT = 80

_NO_SUCH_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
_BY_INGRESS = (502, 503, 504)

_NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts no authority: nothing here speaks TLS, and the client would load the system's authorities for each probe."""

Lookup = Callable[..., Awaitable[Sequence[Any]]]


class ProbeOutcome(Enum):
    """What a probe found out."""

    LISTENS = "something behind the ingress answers, with whatever status: a 404 or 500 is an app's own"
    NO_APP = "the ingress answers 502, 503 or 504, since no app listens behind it"
    NO_NAME = "the host name does not exist"
    UNKNOWN = "it could not be reached from here, which proves nothing"


@dataclass(frozen=True, slots=True)
class Probe:
    """What one request to one URI showed. `message` says it as a sentence goes on after the URI, in our words."""

    uri: str
    outcome: ProbeOutcome
    message: str


async def probe(
    uri: str,
    allowed: Sequence[IPv4Network | IPv6Network] = (),
    *,
    lookup: Lookup = anyio.getaddrinfo,
) -> Probe:
    """Ask once for `/` at a URI such as `shop.example`, without credentials. Never raises what the network does.

    A port other than 80 is asked only in networks that are `allowed` although they are not public.
    """
    with anyio.move_on_after(SECONDS):
        host, port = _parts(uri)
        if not host:
            return Probe(uri, ProbeOutcome.UNKNOWN, "is not a host name")
        try:
            found = await lookup(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            if error.errno in _NO_SUCH_NAME:
                return Probe(uri, ProbeOutcome.NO_NAME, "the host name does not exist in DNS")
            return Probe(uri, ProbeOutcome.UNKNOWN, "the host name could not be looked up")
        except UnicodeError:
            return Probe(uri, ProbeOutcome.UNKNOWN, "is not a host name")
        addresses = [ip_address(sockaddr[0]) for *_, sockaddr in found]
        own = () if port == HTTP_PORT else allowed
        if not all(is_allowed(address, allowed) for address in addresses) or not all(
            any(address in network for network in own) for address in addresses if port != HTTP_PORT
        ):
            return Probe(uri, ProbeOutcome.UNKNOWN, "is not a public web address, so it was not asked")
        return await _ask(uri, f"http://{bracketed(str(addresses[0]))}:{port}/")
    return Probe(uri, ProbeOutcome.UNKNOWN, f"did not answer within {SECONDS:.0f} seconds")


async def _ask(uri: str, url: str) -> Probe:
    headers = {"host": uri, "user-agent": "akash-mcp", "accept": "*/*", "accept-encoding": "identity"}
    try:
        async with (
            httpx2.AsyncClient(
                trust_env=False, follow_redirects=False, timeout=SECONDS, verify=_NO_AUTHORITIES
            ) as client,
            client.stream("GET", url, headers=headers) as answer,
        ):
            status = answer.status_code
    except httpx2.TimeoutException:
        return Probe(uri, ProbeOutcome.UNKNOWN, f"did not answer within {SECONDS:.0f} seconds")
    except httpx2.ConnectError:
        return Probe(uri, ProbeOutcome.UNKNOWN, "could not be connected to from here")
    except httpx2.TransportError:
        return Probe(uri, ProbeOutcome.UNKNOWN, "broke the connection off without an answer")
    return Probe(
        uri, ProbeOutcome.NO_APP if status in _BY_INGRESS else ProbeOutcome.LISTENS, f"answers {status}"
    )


def _parts(uri: str) -> tuple[str, int]:
    """Host and port of a URI that is nothing more than that, else an empty host."""
    try:
        parts = urlsplit(f"//{uri}")
        host, port = parts.hostname or "", parts.port or HTTP_PORT
    except ValueError:
        return "", HTTP_PORT
    return (host, port) if uri in (host, f"{host}:{port}", f"{bracketed(host)}:{port}") else ("", HTTP_PORT)
