"""What a service tells a web proxy in its labels and variables: the port that it serves, and under which host names.

A provider's ingress does the proxy's work, so the port gets the web address and the names are accepted there. Read are
the labels of Traefik (Dokploy and Coolify write them) and of caddy-docker-proxy, VIRTUAL_HOST and VIRTUAL_PORT of
nginx-proxy, and SERVICE_FQDN_… and SERVICE_URL_… of Coolify.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from akash_mcp.sdl.author.compose.file import ComposeFile
from akash_mcp.sdl.author.compose.gates import checks_of, gates_of
from akash_mcp.sdl.author.compose.interpolation import Unresolved
from akash_mcp.sdl.yaml.javascript import Value
from akash_mcp.sdl.yaml.loader import Path

MAX_HOST = 253
"""The longest host name that DNS has."""

_HOST_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)+")
_ROUTER = re.compile(r"traefik\.http\.routers\.([^.]+)\.(rule|service)", re.IGNORECASE)
_SERVICE_PORT = re.compile(r"traefik\.http\.services\.([^.]+)\.loadbalancer\.server\.port", re.IGNORECASE)
_OLD_PORT, _OLD_RULE = "traefik.port", "traefik.frontend.rule"
_HOST_RULE = re.compile(r"\bHost\s*[(:]([^)]*)")
_BEYOND_HOSTS = re.compile(
    r"\b(?:Path\w*|Headers?\w*|Query\w*|Method|ClientIP|HostRegexp)\s*\(|!", re.IGNORECASE
)
_CADDY = re.compile(r"caddy(?:_[0-9]+)?")
_CADDY_PROXY = re.compile(r"(caddy(?:_[0-9]+)?(?:\.[^.]+)*)\.reverse_proxy")
_UPSTREAMS = re.compile(r"\{\{\s*upstreams(?:\s+https?)?\s*([0-9]{1,5})?\s*\}\}")
_COOLIFY = re.compile(r"SERVICE_(?:FQDN|URL)_([A-Z0-9_]+?)(?:_([0-9]{2,5}))?", re.ASCII)
_NGINX_HOST, _NGINX_PORT = "VIRTUAL_HOST", "VIRTUAL_PORT"
_CARRIED = re.compile(
    r"traefik\.(?:enable|docker\.|port$|frontend\.rule$|http\.routers\.[^.]+\.(?:rule|service|entrypoints|tls\b)"
    r"|http\.services\.[^.]+\.loadbalancer\.server\.port$)"
    r"|caddy(?:_[0-9]+)?(?:$|(?:\.[^.]+)*\.(?:reverse_proxy|tls)\b)",
    re.IGNORECASE,
)
"""Labels whose meaning is carried: ports and host names, and where and how a proxy listens."""
_PRIVATE = re.compile(r"\.(?:localhost|local|localdomain|lan|home|internal|intranet|test|home\.arpa|[0-9]+)$")


@dataclass(frozen=True, slots=True)
class Route:
    """How the world reaches a service by a web proxy.

    `port` is None where the labels leave it to the proxy. `checks` are the middlewares that a request passes, `gates`
    the labels that ask who may pass by themselves.
    """

    port: int | None
    hosts: tuple[str, ...]
    checks: frozenset[str] = frozenset()
    gates: frozenset[str] = frozenset()


def read_route(
    file: ComposeFile,
    service: str,
    labels: Sequence[tuple[Value, Path]],
    environment: tuple[Value, Path],
) -> tuple[Route | None, Mapping[str, str]]:
    """What labels and variables say of the way to a service, None where they say nothing of one; and all its labels,
    empty those that need a variable without a value.

    `labels` are the service's own and those under `deploy`, each with their place.
    """
    texts: dict[str, str] = {}
    unknown: dict[str, str] = {}
    for value, path in labels:
        _read(file, service, value, path, texts, unknown)
    said = [*_traefik(texts), *_caddy(texts), *_variables(file, service, *environment)]
    is_off = texts.get("traefik.enable", "").lower() == "false"
    route = _joined(file, service, said) if said and not is_off else None
    if route:
        route = replace(route, checks=checks_of(texts), gates=gates_of(texts, unknown))
    _leave_out_rest(file, service, texts, is_read=is_off or route is not None)
    return route, {**unknown, **texts}


def _joined(file: ComposeFile, service: str, said: Sequence[Route]) -> Route:
    """The one route of a service, with the host names of all that lead to the same port."""
    ports = list(dict.fromkeys(route.port for route in said if route.port))
    port = ports[0] if ports else None
    for other in ports[1:]:
        file.leave_out(
            service,
            f"labels: a web address for port {other}",
            "a service has one web address",
            "run the image as a second service for it",
        )
    hosts = [host.lower() for route in said if route.port in (None, port) for host in route.hosts]
    return Route(port, tuple(host for host in dict.fromkeys(hosts) if _is_accepted(file, service, host)))


def _is_accepted(file: ComposeFile, service: str, host: str) -> bool:
    """Whether a provider leads this host name to a service, and the world can find it there."""
    if len(host) > MAX_HOST or not _HOST_NAME.fullmatch(host):
        why = "a provider accepts whole names of a-z, 0-9, - and dots"
    elif _PRIVATE.search(host):
        why = "it means something on your own network only"
    else:
        return True
    file.leave_out(service, f"the host name {host[:60]}", why, "use the web address that the provider gives")
    return False


def _leave_out_rest(file: ComposeFile, service: str, labels: Mapping[str, str], *, is_read: bool) -> None:
    """List what labels say beyond a port and host names."""
    for name, text in labels.items():
        if is_read and _ROUTER.fullmatch(name) and _BEYOND_HOSTS.search(text):
            file.leave_out(
                service,
                f"labels: {name[:60]}: all but its host names",
                "a provider's ingress goes by the host name alone",
                "let the program look at the rest of a request",
            )
    if rest := [name for name in labels if not is_read or not _CARRIED.match(name)]:
        shown = ", ".join(name[:60] for name in rest[:3])
        more = f" and {len(rest) - 3} more" if len(rest) > 3 else ""
        file.leave_out(
            service,
            f"labels: {shown}{more}",
            "nothing on Akash reads labels",
            "put what a proxy read from them into its own configuration",
        )


def _read(
    file: ComposeFile, service: str, labels: Value, path: Path, texts: dict[str, str], unknown: dict[str, str]
) -> None:
    """Put the labels with their texts into `texts`; those that need a variable without a value are left out, and are
    `unknown`."""
    for name, item, at in _pairs(file, labels, path):
        try:
            texts[name] = "" if item is None else file.text(item, at)
        except Unresolved as missing:
            file.unresolved(service, at, missing)
            unknown[name] = ""


def _pairs(file: ComposeFile, value: Value, path: Path) -> Iterable[tuple[str, Value, Path]]:
    """Names with values and places, of a map or a list of NAME=VALUE."""
    if isinstance(value, dict):
        yield from ((name, item, (*path, name)) for name, item in value.items())
        return
    for item, at in file.items(value, path):
        if not isinstance(item, str):
            raise file.bad(at, "must be NAME=VALUE")
        name, equals, text = item.partition("=")
        yield name, text if equals else None, at


def _traefik(labels: Mapping[str, str]) -> list[Route]:
    """A route for each router with a host name, and for each port that no router asks for."""
    ports = {
        match[1]: _port(text) for name, text in labels.items() if (match := _SERVICE_PORT.fullmatch(name))
    }
    rules: dict[str, str] = {}
    targets: dict[str, str] = {}
    for name, text in labels.items():
        if match := _ROUTER.fullmatch(name):
            (rules if match[2].lower() == "rule" else targets)[match[1]] = text
    routes = []
    for router, rule in rules.items():
        target = targets.get(router, router)
        if not target.endswith("@internal"):
            only = next(iter(ports.values())) if len(ports) == 1 else None
            routes.append(Route(ports.get(target, only), tuple(_hosts_of(rule))))
    asked = {route.port for route in routes}
    routes += [Route(port, ()) for port in ports.values() if port not in asked]
    if _OLD_RULE in labels or _OLD_PORT in labels:
        routes.append(Route(_port(labels.get(_OLD_PORT, "")), tuple(_hosts_of(labels.get(_OLD_RULE, "")))))
    is_web = not any(name.startswith(("traefik.tcp.", "traefik.udp.")) for name in labels)
    if not routes and is_web and labels.get("traefik.enable", "").lower() == "true":
        routes.append(Route(None, ()))  # Traefik makes up a host name and takes the lowest port
    return routes


def _hosts_of(rule: str) -> Iterable[str]:
    """The names in Host(`a`, `b`) || Host(`c`), and in Host:a,b of Traefik 1."""
    for match in _HOST_RULE.finditer(rule):
        yield from (name.strip(" `'\"") for name in match[1].partition(";")[0].split(","))


def _caddy(labels: Mapping[str, str]) -> list[Route]:
    routes = []
    for name, text in labels.items():
        if _CADDY.fullmatch(name):
            proxies = [
                _UPSTREAMS.search(to)
                for key, to in labels.items()
                if (match := _CADDY_PROXY.fullmatch(key)) and match[1].partition(".")[0] == name
            ]
            ports = [_port(match[1] or "80") for match in proxies if match]
            hosts = (re.sub(r"^https?://|:[0-9]+$", "", host) for host in re.split(r"[\s,]+", text.strip()))
            routes.append(Route(ports[0] if ports else None, tuple(host for host in hosts if host)))
    return routes


def _variables(file: ComposeFile, service: str, environment: Value, path: Path) -> list[Route]:
    """The routes in the variables of a service, which stay variables as well."""
    routes = []
    texts: dict[str, str] = {}
    for name, item, at in _pairs(file, environment, path):
        coolify = _COOLIFY.fullmatch(name)
        if coolify is None and name not in (_NGINX_HOST, _NGINX_PORT):
            continue
        try:
            texts[name] = "" if item is None else file.text(item, at)
        except Unresolved:  # told where the variables are read
            continue
        if coolify and (coolify[2] or coolify[1] == re.sub("[^A-Z0-9]", "_", service.upper())):
            host = re.match(r"https?://([^/:]+)", texts[name])
            routes.append(Route(_port(coolify[2] or ""), (host[1],) if host else ()))
    if hosts := texts.get(_NGINX_HOST):
        routes.append(
            Route(_port(texts.get(_NGINX_PORT, "")), tuple(host.strip() for host in hosts.split(",")))
        )
    return routes


def _port(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 65_535 else None
