"""The names that a provider takes: of services, of environment variables and of hosts (judge B).

Console and chain take any name, so these mistakes cost a deposit and a lease.
Sources: akash-network/chain-sdk go/manifest (Manifest.Validate); Kubernetes apimachinery validation for names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from akash_mcp.sdl.model import Service
from akash_mcp.sdl.output.orders import exposes
from akash_mcp.sdl.report import Fault
from akash_mcp.sdl.yaml.loader import Path

_SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_HOST = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_MAX_HOST = 253
_MAX_LABEL = 63
_SPELLED_AS_A_NAME = re.compile(r"[\w .-]+")


def check_names(services: Iterable[Service]) -> Iterator[Fault]:
    """Every name in `services` that a provider would refuse (P02 to P05), and names it sorts otherwise (P22).

    A service is there once for each placement that it is ordered in.
    """
    hosts: set[str] = set()
    seen: set[str] = set()
    for service in services:
        if service.name not in seen:
            yield from _service_name(service)
            yield from _variable_names(service)
            yield from _sorting(service)
        yield from _host_names(service, hosts, again=service.name in seen)
        seen.add(service.name)


def _fault(rule: str, path: Path, message: str, fix: str, *, at_key: bool = False) -> Fault:
    return Fault(rule, path, message, fix, "provider", at_key)


def _service_name(service: Service) -> Iterator[Fault]:
    name = service.name
    if not _SERVICE_NAME.fullmatch(name):
        message = (
            f'"{name}" cannot be the name of a service: it takes a-z, 0-9 and "-", begins with a letter and '
            'does not end with "-"'
        )
        plain = re.sub("-+", "-", re.sub("[^a-z0-9]", "-", name.lower())).strip("-").lstrip("0123456789-")
        # A name of other characters may be a secret that slipped in, which no fix may repeat in new words.
        is_a_name = plain and len(name) <= _MAX_LABEL and _SPELLED_AS_A_NAME.fullmatch(name)
        fix = f"call it {plain}, here and under deployment" if is_a_name else "give it a short name of these"
        yield _fault("P02", ("services", name), message, fix, at_key=True)


def _variable_names(service: Service) -> Iterator[Fault]:
    for i, variable in enumerate(service.env):
        name = variable.partition("=")[0]
        if not ENV_NAME.fullmatch(name) or name == "." or name.startswith(".."):
            message = f'the item that begins with "{_first_word(name)}" has no valid variable name before "="'
            yield _fault("P03", ("services", service.name, "env", i), message, _variable_fix(variable))


def _first_word(text: str) -> str:
    """All that may be repeated of a variable without its "=": the rest may be its secret value."""
    return re.split(r"[=:\s]", text.strip(), maxsplit=1)[0][:60]


def _variable_fix(variable: str) -> str:
    name, _, value = variable.partition("=")
    if name.startswith("export "):
        return f"write {_first_word(name[7:])}=…"
    if ":" in name and not value:
        return f"write {_first_word(name)}=… instead of {_first_word(name)}: …"
    if name.strip() != name and name.strip():
        return "remove the space around the name"
    return "write NAME=value"


def _sorting(service: Service) -> Iterator[Fault]:
    """The manifest is sorted by JavaScript, and refused where Go would have sorted it differently."""
    in_bytes = [
        (to.service.encode(), expose.port, expose.proto, not to.is_global) for expose, to in exposes(service)
    ]
    if in_bytes != sorted(in_bytes):
        message = 'the names under "to: - service:" sort one way at the Console and another at the provider'
        fix = "name existing services, in a-z, 0-9 and -"
        path: Path = ("services", service.name, "expose")
        yield Fault("P22", path, message, fix, "provider", rests_on=(path,))


def _host_names(service: Service, taken: set[str], *, again: bool) -> Iterator[Fault]:
    for i, expose in enumerate(service.expose):
        for j in range(len(expose.to)):
            for k, host in enumerate(expose.accept):
                path: Path = ("services", service.name, "expose", i, "accept", k)
                if len(host) > _MAX_HOST or not _HOST.fullmatch(host):
                    if j == 0 and not again:
                        yield _bad_host(path, host)
                elif host in taken:
                    yield _host_taken(path, host, entry=j)
                taken.add(host)


def _bad_host(path: Path, host: str) -> Fault:
    fix = "write a lower-case host name without scheme, port, path or wildcard: www.example.com"
    return _fault("P04", path, f'"{host[:80]}" is not a host name', fix)


def _host_taken(path: Path, host: str, *, entry: int) -> Fault:
    message, fix = f'the host name "{host}" is requested twice', "keep one"
    if entry:
        message += ': each "to" entry requests every name in "accept" once more'
        fix = 'give each "to" an expose entry of its own, with "accept" on the global one'
    return _fault("P05", path, message, fix)
