"""The services in an answer: each with its replicas and addresses, as its provider reports them, and with what it is
told to run, as its manifest says.

A provider may report anything. What is not a valid host name or IP address is left out, and however much a provider
lists, an answer stays small.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from akash_mcp.clients.lease_status import LeaseStatus, ServiceStatus
from akash_mcp.guard.plans.contents import IMAGE_BYTES
from akash_mcp.ids import LeaseId
from akash_mcp.sanitize.text import field
from akash_mcp.tools.results import ServiceResult
from akash_mcp.workflow.desired_state import DesiredDisk, DesiredService, DesiredState, size_text
from akash_mcp.workflow.readiness import Readiness

MOST_SERVICES = 20
MOST_ADDRESSES = 40
"""For all services together, and as many ports."""
MOST_SHOWN = 6
"""Disks or public ports of one service."""

# RFC 1123 with the underscore that some names have, and a port. ASCII: an IDN is written in its xn-- form.
_HOST = re.compile(r"(?=.{1,253}(?::|$))\w(?:[\w.-]*\w)?(?::\d{1,5})?", re.ASCII)


def service_results(now: Readiness, desired: DesiredState | None = None) -> list[ServiceResult]:
    """The services of all leases, at most `MOST_SERVICES`, those that the manifest names first.

    With what is `desired` also those of which no provider says anything.
    """
    reported = [
        (lease, name) for lease, status in now.statuses.items() for name in _in_order(now, lease, status)
    ]
    each = MOST_ADDRESSES // max(min(len(reported), MOST_SERVICES), 1)
    wanted = dict(desired.by_group) if desired else {}
    results = [
        _with_wanted(_service(now, lease, name, each), wanted.get((lease.gseq, name)))
        for lease, name in reported[:MOST_SERVICES]
    ]
    for lease, name in reported:
        wanted.pop((lease.gseq, name), None)
    results += [
        _with_wanted(ServiceResult(name=field(service.name, 63), desired=service.replicas), service)
        for service in wanted.values()
    ]
    return results[:MOST_SERVICES]


def _with_wanted(result: ServiceResult, wanted: DesiredService | None) -> ServiceResult:
    """A service with what its manifest asks for. The words are somebody else's, and few here."""
    if wanted is None:
        return result
    told = {
        "image": field(wanted.image, IMAGE_BYTES) or None,
        "disks": [_disk(disk) for disk in wanted.disks[:MOST_SHOWN]] or None,
        "public_ports": list(wanted.public_ports[:MOST_SHOWN]) or None,
    }
    return result.model_copy(update=told)


def _disk(disk: DesiredDisk) -> str:
    """`data 10Gi beta3 at /data`; one without a class lasts as long as its replica."""
    name = field(disk.name, 32) if disk.kind else ""
    mount = f"at {field(disk.mount, 64)}" if disk.mount else ""
    return " ".join(filter(None, (name, size_text(disk.size), field(disk.kind, 16) or "ephemeral", mount)))


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
