"""Which provider hosts we connect to.

A provider writes its own host into its record, and we would send a bearer token there from inside the user's
network. So only public addresses are connected to, and exactly those that were checked: the name is looked up
once, every address it has is judged, and the connection goes to a judged address. A name that changes its
mind in between (DNS rebinding) therefore changes nothing.

Not covered: a public address that a router or a load balancer maps to something inside, and a public service
that is not a provider's; what answers there still has to present the provider's certificate before it gets a byte
of HTTP.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from urllib.parse import urlsplit

import anyio

from akash_mcp.clients.public_addresses import LOOKUP_SECONDS, MOST_ADDRESSES, is_allowed, is_ip
from akash_mcp.errors import UntrustedProvider
from akash_mcp.sanitize.text import quoted

DEFAULT_PORT = 443
LOWEST_OTHER_PORT = 1024
"""Below it are mail, shells and the like: gateways listen on 443 or above (8443 by default)."""

_PLAIN = re.compile(r"[!-~]*")
_HOST = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A provider's gateway: the host of its record, its port, and the addresses that may be connected to."""

    host: str
    port: int
    addresses: tuple[str, ...]


def parse_host_uri(host_uri: str) -> tuple[str, int]:
    """Host and port of a provider record's `host_uri`.

    Raises `UntrustedProvider` unless it is https with a plain host, without credentials, path, query or
    fragment, and its port is 443 or at least 1024.
    """
    try:
        parts = urlsplit(host_uri)
        host, port = parts.hostname or "", DEFAULT_PORT if parts.port is None else parts.port
    except ValueError:
        raise _refused(host_uri, "is not a URL") from None
    if not _PLAIN.fullmatch(host_uri):  # some of what it excludes is dropped silently above
        raise _refused(host_uri, "is not a URL")
    if parts.scheme != "https":
        raise _refused(host_uri, "is not https")
    if parts.username is not None or parts.password is not None:
        raise _refused(host_uri, "carries credentials")
    if parts.path or "?" in host_uri or "#" in host_uri:
        raise _refused(host_uri, "has a path")
    if port != DEFAULT_PORT and port < LOWEST_OTHER_PORT:
        raise _refused(host_uri, "names a port of another service")
    if not is_ip(host) and not (_HOST.fullmatch(host) and len(host) <= 253):
        raise _refused(host_uri, "does not have a valid host name")
    name = f"[{host}]" if ":" in host else host
    if parts.netloc.lower() not in (name, f"{name}:{port}"):
        raise _refused(host_uri, "has more than a host and a port")
    return host.rstrip("."), port


async def resolve(host_uri: str, allowed: Sequence[IPv4Network | IPv6Network] = ()) -> Endpoint:
    """Look a provider's host up and judge every address that it has.

    `allowed` are networks of a devnet of one's own. Raises `UntrustedProvider` when the host is not a proper
    one, cannot be looked up, or has an address that is neither public nor in `allowed`.
    """
    host, port = parse_host_uri(host_uri)
    try:
        with anyio.fail_after(LOOKUP_SECONDS):
            found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UntrustedProvider(f"The provider's host {host} cannot be looked up.") from error
    addresses = tuple(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
    for address in addresses:
        if not is_allowed(ip_address(address), allowed):
            raise UntrustedProvider(
                f"The provider's host {host} is at {address}, which is not a public address.",
                next_step="Choose another provider. For a devnet of your own, the user can allow its network "
                "with AKASH_MCP_ALLOW_PRIVATE_PROVIDERS.",
            )
    return Endpoint(host, port, addresses[:MOST_ADDRESSES])


def _refused(host_uri: str, why: str) -> UntrustedProvider:
    return UntrustedProvider(
        f"The provider's registered host {quoted(host_uri)} {why}.", next_step="Choose another provider."
    )
