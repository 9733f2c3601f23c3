"""`network_mode: service:X`: services that use the network of another as their own, which no provider can do.

With Docker such a service has the address of X, reaches it at localhost, and sends its traffic where X does, through a
VPN for one; and X publishes its ports, since a network has one owner. Here each service has a network of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from akash_mcp.sdl.author.compose.file import ComposeFile
from akash_mcp.sdl.author.compose.hostnames import ports_named
from akash_mcp.sdl.author.compose.ports import Ports, PublishedPort
from akash_mcp.sdl.author.compose.service import ComposeService
from akash_mcp.sdl.images.names import image_name
from akash_mcp.sdl.images.ports import PORTS
from akash_mcp.sdl.images.purposes import is_vpn

_PORTS_OF_VPNS = frozenset({8000, 8388, 8888, 51_820, 1194})
"""Where VPN containers listen themselves: gluetun's control server, its two proxies, WireGuard, OpenVPN."""


def separated(file: ComposeFile, services: Sequence[ComposeService]) -> list[ComposeService]:
    """The services, each with a network of its own and with the ports that others published for it."""
    by_name = {service.name: service for service in services}
    by_alias = {alias: name for service in services for alias, name in service.aliases.items()}
    joined: dict[str, list[str]] = {}
    for service in services:
        if service.joined is not None:
            owner = by_alias.get(service.joined, service.joined)
            _leave_out(file, service.name, service.joined, by_name.get(owner))
            if owner in by_name and owner != service.name:
                joined.setdefault(owner, []).append(service.name)
    for owner, names in joined.items():
        if is_vpn(image_name(by_name[owner].image)):
            file.leave_out(
                owner,
                "its tunnel",
                "a VPN needs NET_ADMIN and /dev/net/tun for it, and providers grant neither",
                "leave the service out",
            )
        known_as = {owner, *(alias for alias, name in by_alias.items() if name == owner)}
        _give_ports(file, by_name, owner, known_as, names)
    return list(by_name.values())


def _leave_out(file: ComposeFile, name: str, joined: str, owner: ComposeService | None) -> None:
    what = f"network_mode: the network of {joined[:60]}"
    if is_vpn(joined.lower()) or (owner is not None and is_vpn(image_name(owner.image))):
        file.leave_out(
            name,
            what,
            f"each service has a network of its own here: its traffic does not go through {joined[:60]}, a VPN, but "
            "leaves with the provider's address",
            "leave it out where it needs the VPN, or have it use a SOCKS or HTTP proxy of the VPN's maker, which takes "
            "no rights",
            protects="vpn",
        )
    else:
        file.leave_out(
            name,
            what,
            f"each service has a network of its own here: it and {joined[:60]} do not meet at localhost",
            "write their names where their settings say localhost",
        )


def _give_ports(
    file: ComposeFile,
    services: dict[str, ComposeService],
    owner: str,
    known_as: Collection[str],
    names: Sequence[str],
) -> None:
    """Move what `owner` publishes for others to those who listen there, and say what is not known.

    `known_as` are the names by which others reach it.
    """
    publisher = services[owner]
    moved: dict[str, list[PublishedPort]] = {}
    for each in publisher.ports.published:
        listener = _listener(publisher, [services[name] for name in names], each)
        if listener is not None:
            moved.setdefault(listener, []).append(each)
        elif each.port not in _own_ports(publisher):
            file.leave_out(
                owner,
                f"port {each.port}/{each.proto.lower()} for those in its network",
                f"it is not known which of {owner}, {', '.join(names)} listens there, and {owner} keeps it",
                "publish it under the one that does",
            )
    for name, ports in moved.items():
        services[name] = replace(services[name], ports=_with(services[name].ports, ports))
        shown = ", ".join(f"{each.port}/{each.proto.lower()}" for each in ports)
        file.note(f"{name}: port {shown}, which {owner} published for it, is its own now.")
    if route := publisher.route:
        page = PublishedPort(route.port or 0, "TCP", None)
        listener = _listener(publisher, [services[name] for name in names], page)
        if listener is not None:
            services[listener] = replace(services[listener], route=route)
            publisher = replace(publisher, route=None)
    gone = {each.port: name for name, ports in moved.items() for each in ports}
    services[owner] = replace(publisher, ports=_without(publisher.ports, gone))
    for name in names:
        services[name] = replace(services[name], networks=services[name].networks | publisher.networks)
    for service in services.values():
        for setting, text in service.env.items():
            for host, port in ports_named(text):
                if host in known_as and port in gone:
                    file.leave_out(
                        service.name,
                        f"environment: {setting[:60]}: {host}:{port}",
                        f"that port belongs to {gone[port]} now",
                        f"write {gone[port]}:{port}",
                    )


def _listener(publisher: ComposeService, joined: Sequence[ComposeService], port: PublishedPort) -> str | None:
    """Who of those in a network listens on a port that its owner publishes; None where it may be the owner."""
    known = [service.name for service in joined if port.port in _own_ports(service)]
    if known:
        return known[0]
    others_only = is_vpn(image_name(publisher.image)) and port.port not in _own_ports(publisher)
    return joined[0].name if len(joined) == 1 and others_only else None


def _own_ports(service: ComposeService) -> frozenset[int]:
    """The ports on which a service itself is known to listen: by its image, its settings and `expose`."""
    name = image_name(service.image)
    published = {each.port for each in service.ports.published}
    said = {int(text) for key, text in service.env.items() if "PORT" in key.upper() and _is_port(text)}
    exposed = {port for port, _ in service.ports.listening if port not in published}
    usual = _PORTS_OF_VPNS if is_vpn(name) else frozenset(PORTS.get(name, ()))
    return frozenset(said | exposed | usual)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5


def _with(ports: Ports, more: Sequence[PublishedPort]) -> Ports:
    return Ports((*ports.published, *more), ports.listening | {(each.port, each.proto) for each in more})


def _without(ports: Ports, gone: Mapping[int, str]) -> Ports:
    return Ports(
        tuple(each for each in ports.published if each.port not in gone),
        frozenset((port, proto) for port, proto in ports.listening if port not in gone),
    )
