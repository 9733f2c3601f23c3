"""Web proxies of a compose file, whose work a provider's ingress does: host names lead to services without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from akash_mcp.sdl.author.compose.file import ComposeFile
from akash_mcp.sdl.author.compose.gates import (
    INNER_SETTING,
    Middlewares,
    checks_of_all,
    is_inner,
    middlewares,
)
from akash_mcp.sdl.author.compose.labels import Route
from akash_mcp.sdl.author.compose.ports import PublishedPort
from akash_mcp.sdl.author.compose.service import ComposeService
from akash_mcp.sdl.author.workload import WEB_PORT
from akash_mcp.sdl.images.names import image_name
from akash_mcp.sdl.images.ports import PORTS
from akash_mcp.sdl.images.purposes import PROXIES

_PORTS_OF_PROXIES = frozenset({80, 443, 8080, 8443})
"""Where proxies listen for the web, and Traefik shows its dashboard."""


def without_proxies(file: ComposeFile, services: Sequence[ComposeService]) -> list[ComposeService]:
    """The services that are behind a web proxy open to the world at their web address, and the proxy left out.

    A proxy stays where nothing tells it a route, and where it publishes other ports than those of the web. A service
    behind something that asks who may pass (a password, a login, an address) is not opened, since nothing asks here.
    """
    behind = {service.name: service.route for service in services if service.route and not _is_proxy(service)}
    known = middlewares([service.labels for service in services])
    of_all = frozenset[str]().union(*map(_checks_of_all, filter(_is_proxy, services)))
    kept: list[ComposeService] = []
    hosts: dict[str, str] = {}
    for service in services:
        route = behind.get(service.name)
        if route and (closed := _closed(service, route, known, of_all)):
            file.leave_out(
                service.name,
                "its web address",
                f"the proxy asks who may pass, as far as is known ({', '.join(closed)}), and nothing does so here",
                "take that away from its labels to open it to everyone",
            )
            kept.append(replace(service, route=None))
        elif route:
            kept.append(_open(file, service, route, hosts))
        elif behind and _is_proxy(service) and all(map(_is_for_the_web, service.ports.published)):
            names = ", ".join(behind)
            file.leave_out_service(
                service.name,
                f"a provider's ingress does its work: it leads to {names}",
                f"to run it all the same, take its labels and variables away from {names}",
            )
        else:
            kept.append(replace(service, route=None))
    return kept


def _closed(service: ComposeService, route: Route, known: Middlewares, of_all: frozenset[str]) -> list[str]:
    """What asks who may pass on the way to a service."""
    gates = {*route.gates, *known.gates(route.checks | of_all)}
    if is_inner(service.env):
        gates.add(INNER_SETTING)
    return sorted(each[:60] for each in gates)


def _checks_of_all(proxy: ComposeService) -> frozenset[str]:
    return checks_of_all((*proxy.command, *proxy.args), proxy.env)


def _is_proxy(service: ComposeService) -> bool:
    return image_name(service.image) in PROXIES


def _is_for_the_web(port: PublishedPort) -> bool:
    return port.port in _PORTS_OF_PROXIES or port.host in (80, 443)


def _open(file: ComposeFile, service: ComposeService, route: Route, hosts: dict[str, str]) -> ComposeService:
    """The service with the port of its route published as its web page. `hosts` are the names that are taken."""
    listening = sorted(port for port, proto in service.ports.listening if proto == "TCP")
    known = [route.port, *listening, *PORTS.get(image_name(service.image), ())]
    port = next((each for each in known if each), None)
    if port is None:
        file.leave_out(
            service.name,
            "its web address",
            "nothing says at which port it serves",
            "name the port under expose",
        )
        return replace(service, route=None)
    own = tuple(host for host in route.hosts if hosts.setdefault(host, service.name) == service.name)
    for host in route.hosts:
        if host not in own:
            file.leave_out(
                service.name,
                f"the host name {host}",
                f"{hosts[host]} has it, and a host name leads to one service here",
                "give it a name of its own",
            )
    if own:
        file.note(
            f"{service.name}: its web address answers to {', '.join(own)} as well, once the DNS of each leads there: a "
            "CNAME to the host name that get_deployment shows."
        )
    others = (each for each in service.ports.published if (each.port, each.proto) != (port, "TCP"))
    page = PublishedPort(port, "TCP", WEB_PORT, "http")
    ports = replace(
        service.ports, published=(page, *others), listening=service.ports.listening | {(port, "TCP")}
    )
    return replace(service, ports=ports, route=Route(port, own))
