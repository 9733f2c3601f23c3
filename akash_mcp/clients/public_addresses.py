"""Which addresses may be connected to: public ones, and those of networks that a person allows.

What names a host to us may be hostile, a provider's record or a registry's answer, and we stand inside the user's
network. So a name is looked up once, every address that it has is judged, and the connection goes to a judged address.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

LOOKUP_SECONDS = 10.0
MOST_ADDRESSES = 4
"""How many of a host's addresses are tried; all of them are judged."""

_NAT64 = IPv6Network("64:ff9b::/96")


def is_allowed(address: IPv4Address | IPv6Address, allowed: Sequence[IPv4Network | IPv6Network] = ()) -> bool:
    """Whether an address is public, or in one of the `allowed` networks.

    An embedded IPv4 address counts too.
    """
    if any(address in network for network in allowed):
        return True
    inner = _embedded(address)
    if inner is not None:
        return is_allowed(inner, allowed)
    is_site_local = isinstance(address, IPv6Address) and address.is_site_local  # old, and still inside
    return address.is_global and not (address.is_multicast or address.is_reserved or is_site_local)


def _embedded(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour


def is_ip(host: str) -> bool:
    """Whether a host is an IP address rather than a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def bracketed(host: str) -> str:
    """The host as a URL writes it."""
    return f"[{host}]" if ":" in host else host
