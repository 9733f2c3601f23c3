"""The services in an answer: each with its replicas and addresses, as its provider reports them.

A provider may report anything. What is not a valid host name or IP address is left out, and however much a provider
lists, an answer stays small.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from akash_mcp.clients.lease_status import LeaseStatus, ServiceStatus
from akash_mcp.ids import LeaseId
from akash_mcp.sanitize.text import field
from akash_mcp.tools.results import ServiceResult
from akash_mcp.workflow.readiness import Readiness

MOST_SERVICES = 20
MOST_ADDRESSES = 40
"""For all services together, and as many ports."""

# RFC 1123 with the underscore that some names have, and a port. ASCII: an IDN is written in its xn-- form.
_HOST = re.compile(r"(?=.{1,253}(?::|$))\w(?:[\w.-]*\w)?(?::\d{1,5})?", re.ASCII)


def service_results(now: Readiness) -> list[ServiceResult]:
    """The services of all leases, at most `MOST_SERVICES`, those that the manifest names first."""
    rows = [(lease, name) for lease, status in now.statuses.items() for name in _in_order(now, lease, status)]
    each = MOST_ADDRESSES // max(min(len(rows), MOST_SERVICES), 1)
    return [_service(now, lease, name, each) for lease, name in rows[:MOST_SERVICES]]


def services_left_out(now: Readiness) -> int:
    """How many services `service_results` does not show."""
    return max(sum(len(status.services) for status in now.statuses.values()) - MOST_SERVICES, 0)


def _in_order(now: Readiness, lease: LeaseId, status: LeaseStatus) -> list[str]:
    desired = now.desired.get(lease, {})
    return sorted(status.services, key=lambda name: (name not in desired, name))


def _service(now: Readiness, lease: LeaseId, name: str, each: int) -> ServiceResult:
    status = now.statuses[lease]
    service = status.services[name]
    uris, more_uris = _first(each, _web_addresses(service))
    ports, more_ports = _first(each, _ports(status, name))
    return ServiceResult(
        name=field(name, 63),
        ready=service.ready,
        desired=now.desired_replicas(lease, name),
        uris=uris or None,
        ports=ports or None,
        not_shown=(more_uris + more_ports) or None,
    )


def _web_addresses(service: ServiceStatus) -> Iterator[str]:
    """URLs from the host names that a provider reports: its ingress answers plain HTTP on port 80 at each of them."""
    return (f"http://{host}" for host in service.uris if _HOST.fullmatch(host))


def _ports(status: LeaseStatus, name: str) -> Iterator[str]:
    for port in status.forwarded_ports.get(name, []):
        # A gateway leaves its host out where it has no public name.
        host = port.host or "(the provider's host)"
        if not port.host or _HOST.fullmatch(port.host):
            yield from _mapped(host, port.external_port, port.port, port.proto)
    for leased in status.ips.get(name, []):
        if (address := _address(leased.ip)) is not None:
            yield from _mapped(address, leased.external_port, leased.port, leased.protocol)


def _mapped(host: str, outside: int, inside: int, protocol: str) -> Iterator[str]:
    if all(0 < port < 65_536 for port in (outside, inside)):
        yield f"{host}:{outside} -> {inside}{'/udp' if protocol.upper() == 'UDP' else ''}"


def _address(text: str) -> str | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return f"[{address}]" if address.version == 6 else str(address)


def _first(most: int, found: Iterable[str]) -> tuple[list[str], int]:
    """The first `most`, each once, and how many more there are."""
    everything = list(dict.fromkeys(found))
    return everything[:most], max(len(everything) - most, 0)
