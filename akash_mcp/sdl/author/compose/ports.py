"""Ports of a compose file: `ports` in both forms and `expose`, with ranges, protocols and host addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from akash_mcp.sdl.author.compose.file import ComposeFile, label
from akash_mcp.sdl.author.compose.interpolation import Unresolved
from akash_mcp.sdl.yaml.javascript import Value
from akash_mcp.sdl.yaml.loader import Path

MAX_RANGE = 50
"""Ports of one entry that are carried. Each becomes a port that a provider has to open."""

_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", re.ASCII)
_WEB = frozenset({80, 81, 1337, 2368, 4000, 4200, 5000, 5001, 5173, 5601, 5678, 7860, 9000, 9090, 11434})
_NEVER_WEB = frozenset({3306, 3389, 8333, 8443, 8883})


@dataclass(frozen=True, slots=True)
class PublishedPort:
    """A port that the compose file opens to the outside. `host` is None where Docker chooses it."""

    port: int
    proto: str
    host: int | None
    app: str = ""

    @property
    def is_web(self) -> bool:
        """Whether it looks like a web server's: by `app_protocol`, else by the number on either side."""
        if self.proto != "TCP" or (self.app and self.app not in ("http", "http1", "http2", "ws")):
            return False
        usual = self.port in _WEB or 3000 <= self.port <= 3999 or 8000 <= self.port <= 8999
        return bool(self.app) or self.host == 80 or (usual and self.port not in _NEVER_WEB)


@dataclass(frozen=True, slots=True)
class Ports:
    """What a service listens on, as far as the file says so: opened to the outside, and to its neighbours."""

    published: tuple[PublishedPort, ...]
    listening: frozenset[tuple[int, str]]


def read_ports(file: ComposeFile, service: str, ports: Value, expose: Value, at: Path) -> Ports:
    """The ports of one service. Entries that cannot be carried are left out by name."""
    published: list[PublishedPort] = []
    listening: set[tuple[int, str]] = set()
    for item, path in file.items(ports, (*at, "ports")):
        try:
            found = (
                _long(file, service, item, path)
                if isinstance(item, dict)
                else _short(file, service, item, path)
            )
        except Unresolved as missing:
            file.unresolved(service, path, missing)
            continue
        listening |= {(each.port, each.proto) for each, _ in found}
        published += [each for each, is_open in found if is_open]
    for item, path in file.items(expose, (*at, "expose")):
        try:
            text, proto = _protocol(file.text(item, path))
        except Unresolved as missing:
            file.unresolved(service, path, missing)
            continue
        if _carried(file, service, path, numbers := _numbers(file, text, path), proto):
            listening |= {(number, proto) for number in numbers}
    once = {(each.port, each.proto): each for each in reversed(published)}
    return Ports(tuple(reversed(once.values())), frozenset(listening))


def _short(file: ComposeFile, service: str, item: Value, path: Path) -> list[tuple[PublishedPort, bool]]:
    """`[HOST_IP:][HOST:]CONTAINER[/PROTOCOL]`; each port, and whether it is open beyond the machine itself."""
    text, proto = _protocol(file.text(item, path))
    address, host, container = ["", "", *text.rsplit(":", 2)][-3:]
    return _entry(file, service, path, container, host, proto, address)


def _long(file: ComposeFile, service: str, item: Value, path: Path) -> list[tuple[PublishedPort, bool]]:
    fields = file.fields(item, path, service)
    container, host = fields.text("target"), fields.text("published")
    proto, address = fields.text("protocol", "tcp").upper(), fields.text("host_ip")
    app = fields.text("app_protocol").lower()
    name = fields.text("name")
    if fields.text("mode", "ingress") == "host":
        file.leave_out(service, f"{label(path)}.mode: host", "a provider chooses how a port is reached")
    if name:
        file.leave_out(service, f"{label(path)}.name", "ports of an SDL have no names")
    fields.leave_out_rest()
    return _entry(file, service, path, container, host, proto, address, app)


def _entry(
    file: ComposeFile,
    service: str,
    path: Path,
    container: str,
    host: str,
    proto: str,
    address: str,
    app: str = "",
) -> list[tuple[PublishedPort, bool]]:
    inside = _numbers(file, container, path)
    outside = _numbers(file, host, path) if host.strip("0") else range(0)
    if not _carried(file, service, path, inside, proto):
        return []
    is_open = not _is_inside(address)
    if not is_open:
        file.leave_out(
            service,
            f"{label(path)}: opening {container} to the outside",
            f"it is published on {address} only, which the world cannot reach",
            "publish it without an address to open it to the outside",
        )
    elif address and address.strip("[]") not in ("0.0.0.0", "::", "*"):
        file.leave_out(service, f"{label(path)}: address {address}", "a provider chooses the address")
    pairs = (
        zip(inside, outside, strict=True)
        if len(inside) == len(outside)
        else ((port, None) for port in inside)
    )
    return [(PublishedPort(port, proto, to, app), is_open) for port, to in pairs]


def _is_inside(address: str) -> bool:
    """Whether a port that is published on an address is reached from the machine or its own network only."""
    try:
        ip = ip_address(address.strip("[]"))
    except ValueError:
        return address == "localhost"
    inner = ip.ipv4_mapped if isinstance(ip, IPv6Address) and ip.ipv4_mapped else ip
    return not (inner.is_global or inner.is_unspecified)


def _protocol(text: str) -> tuple[str, str]:
    ports, _, proto = text.strip().partition("/")
    return ports, proto.upper() or "TCP"


def _numbers(file: ComposeFile, text: str, path: Path) -> range:
    match = _RANGE.fullmatch(text.strip())
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= first <= last <= 65_535:
        raise file.bad(path, "must be a port from 1 to 65535, or a range such as 8000-8010")
    return range(first, last + 1)


def _carried(file: ComposeFile, service: str, path: Path, ports: range, proto: str) -> bool:
    if proto not in ("TCP", "UDP"):
        file.leave_out(service, f"{label(path)}: {proto.lower()}", "an SDL knows TCP and UDP only")
    elif len(ports) > MAX_RANGE:
        shown = f"{ports[0]}-{ports[-1]}"
        file.leave_out(
            service,
            f"{label(path)}: ports {shown}",
            f"a range of more than {MAX_RANGE} ports is more than a provider opens",
            "name the ports that are needed",
        )
    else:
        return True
    return False
