"""What a container gets to read instead of what was meant (N01 to N03, N05): quotes, references that nobody fills in,
placeholders, and localhost for a neighbour.

An SDL is not a shell, nor a Compose file: the text after `NAME=` is the value, to the letter. Kubernetes fills in
`$(NAME)` alone, and among variables only from those that stand before it. What is in a value is not repeated: it may be
a secret.
Sources: akash-network/provider cluster/kube/builder/workload.go; Kubernetes third_party/forked/golang/expansion and
pkg/kubelet/kubelet_pods.go (makeEnvironmentVariables).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from akash_mcp.sanitize.secrets import looks_secret, sounds_secret
from akash_mcp.sdl.images.names import image_name
from akash_mcp.sdl.images.ports import PORTS
from akash_mcp.sdl.model import Expose, Sdl, Service
from akash_mcp.sdl.report import Fault
from akash_mcp.sdl.rules.command_lines import shell_with_script
from akash_mcp.sdl.rules.placeholder_text import is_placeholder
from akash_mcp.sdl.secret_reference import CONSOLE_SCHEME, NAME, SCHEME
from akash_mcp.sdl.yaml.loader import Path

_LOOKED_AT = 2_000
"""Characters of a value that are looked at."""

_LITERAL_IN_QUOTES = re.compile(r"'(?:self|none|unsafe-inline|unsafe-eval|strict-dynamic|unsafe-hashes)'")
"""Words of a Content-Security-Policy, to which the quotes belong."""
_QUOTED_OPTION = re.compile(r"--?[A-Za-z][\w.-]*=(?P<value>([\"']).*\2)", re.DOTALL)

_FILLED_IN = re.compile(r"(?<!\$)\$\(([A-Za-z_][-.\w]*)\)")
_BRACES = re.compile(r"\$\{([A-Za-z_]\w*)(?::?[-?+=][^{}]*)?\}")
_BARE = re.compile(r"(?:(?<=[/:@=,])|\A)\$([A-Z_][A-Z0-9_]+)(?=[/:@?&,]|\Z)")
_WINDOWS = re.compile(r"\A%([A-Za-z_][A-Za-z0-9_]{2,})%")
_FROM_KUBERNETES = re.compile(r"KUBERNETES_\w+|[A-Z0-9_]+_(?:SERVICE_HOST|SERVICE_PORT|PORT)(?:_\w+)?")
"""Addresses of services, which Kubernetes itself sets."""
_FROM_PROVIDER = frozenset(
    {
        "AKASH_CLUSTER_PUBLIC_HOSTNAME",
        "AKASH_DEPLOYMENT_SEQUENCE",
        "AKASH_GROUP_SEQUENCE",
        "AKASH_INGRESS_HOST",
        "AKASH_ORDER_SEQUENCE",
        "AKASH_OWNER",
        "AKASH_PROVIDER",
    }
)
"""Variables that a provider sets behind those of the SDL: known to a command, and not to another variable."""

_LOCAL = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]{1,30})://(?:[^/?#\s@]{0,200}@)?|\A)"
    r"(?:localhost|127\.0\.0\.1|\[::1\])(?::(?P<port>[0-9]{1,5}))?(?=[/?#,]|\Z)",
    re.IGNORECASE,
)
_PORT = re.compile(r"(?<!\d)\d{2,5}(?!\d)", re.ASCII)
_SCHEME_PORTS = {
    "amqp": 5672,
    "mariadb": 3306,
    "mongodb": 27017,
    "mysql": 3306,
    "nats": 4222,
    "postgres": 5432,
    "postgresql": 5432,
    "redis": 6379,
}
_FOR_BROWSERS = re.compile(
    r"PUBLIC|EXTERNAL|SITE|ROOT|BASE|ORIGIN|CORS|ALLOW|REDIRECT|CALLBACK|HEALTH|VITE|FRONTEND|WEB", re.I
)
"""In names of variables whose address is for people, not for a container."""


def check_values(sdl: Sdl) -> Iterator[Fault]:
    """Warnings of values, arguments and host names that are not what was meant in the container."""
    listening = _listening(sdl)
    for service in sdl.services.values():
        yield from _variables(service, listening)
        yield from _arguments(service)
        for i, expose in enumerate(service.expose):
            for j, host in enumerate(expose.accept):
                if is_placeholder(host):
                    path: Path = ("services", service.name, "expose", i, "accept", j)
                    fix = "write a host name of yours, or take it out"
                    yield _warn("N03", path, "this host name is a placeholder", fix)
        if is_placeholder(service.image):
            path = ("services", service.name, "image")
            yield _warn(
                "N03", path, "the name of the image holds a placeholder", "write the image's own name"
            )


def _warn(rule: str, path: Path, message: str, fix: str) -> Fault:
    return Fault(rule, path, message, fix, "runtime")


def _variables(service: Service, listening: _Listening) -> Iterator[Fault]:
    own_ports = _own_ports(service)
    all_names = [entry.partition("=")[0] for entry in service.env]
    names, before = frozenset(all_names), set[str]()
    for index, (entry, name) in enumerate(zip(service.env, all_names, strict=True)):
        path: Path = ("services", service.name, "env", index)
        _, equals, value = entry.partition("=")
        value = value[:_LOOKED_AT]
        if equals and not value.startswith((SCHEME, CONSOLE_SCHEME)):
            shown = name[:64]
            if _is_quoted(value):
                yield _quotes(path, shown)
            if unfilled := _unfilled(value, shown, names, before):
                yield _warn("N02", path, *unfilled)
            elif is_placeholder(value, name) and "</" not in value:
                yield _placeholder(path, shown, value)
            elif neighbour := _neighbour(service, name, value, listening, own_ports):
                yield _warn("N05", path, *neighbour)
        before.add(name)


def _is_quoted(value: str) -> bool:
    """Whether a value as a whole stands in quotes. Quotes of two texts, as in `"a" "b"`, belong to them."""
    if (
        len(value) < 2
        or value[0] not in "\"'"
        or value[-1] != value[0]
        or _LITERAL_IN_QUOTES.fullmatch(value)
    ):
        return False
    inner = value[1:-1]
    is_json = inner[:1] + inner[-1:] in ("{}", "[]")
    return is_json or value[0] not in inner.replace("\\" + value[0], "")


def _quotes(path: Path, name: str) -> Fault:
    fix = f'write - {name}=… without them; where YAML wants quotes, they go around it all: - "{name}=…"'
    return _warn("N01", path, f"the quotes around the value of {name} are a part of it", fix)


def _unfilled(value: str, name: str, names: frozenset[str], before: set[str]) -> tuple[str, str] | None:
    """What is wrong with the first reference in a value that stays as it is, and the fix; None where none does."""
    for match in _FILLED_IN.finditer(value):
        meant = match[1][:64]
        if meant in before or _FROM_KUBERNETES.fullmatch(meant):
            continue
        message = f"$({meant}) in {name} stays as it is: only variables before it in the list are filled in"
        if meant in names:
            return message, f"move {meant} above {name}"
        return message, _without_reference(meant, name, whole=match[0] == value)
    found = _BRACES.search(value) or _BARE.search(value) or _WINDOWS.search(value)
    if found is None or not (found[1].isupper() or found[0] == value):
        return None
    meant = found[1][:64]
    message = f"nobody fills in {_shown(found)}: {name} keeps it as text"
    if meant in names and meant != name:
        first = "" if meant in before else f"move {meant} above {name}, and "
        return message, f"{first}write $({meant})"
    return message, _without_reference(meant, name, whole=found[0] == value)


def _shown(reference: re.Match[str]) -> str:
    """A reference without its default, which may be a secret."""
    return f"${{{reference[1][:64]}}}" if reference[0].startswith("${") else reference[0][:66]


def _without_reference(meant: str, name: str, *, whole: bool) -> str:
    if meant in _FROM_PROVIDER or meant == "AKASH_HOST":
        known = "AKASH_INGRESS_HOST" if meant == "AKASH_HOST" else meant
        return (
            f"providers set {known} behind your variables: write the host name once it is known, or read ${known} in a "
            'shell (command: ["sh", "-c"])'
        )
    if whole and sounds_secret(name) and NAME.fullmatch(name):
        return f"write {name}={SCHEME}{name}, once the user ran: akash-mcp secret set {name}"
    return "write the value itself"


def _placeholder(path: Path, name: str, value: str) -> Fault:
    if (sounds_secret(name) or looks_secret(value)) and NAME.fullmatch(name):
        message = f"{name} holds a placeholder or a password that everybody knows"
        fix = f"let the user run: akash-mcp secret set {name}; then write {name}={SCHEME}{name}"
        return _warn("N03", path, message, fix)
    message = f"{name} holds a placeholder, and the container gets just that"
    return _warn("N03", path, message, f"ask the user, and write {name}=… with the real value")


def _arguments(service: Service) -> Iterator[Fault]:
    """Words of a command that no shell reads. What follows an option may be a script of its program."""
    words = (*service.command, *service.args)
    if shell_with_script(words):
        return
    names = frozenset(entry.partition("=")[0] for entry in service.env)
    for index, word in enumerate(words):
        is_arg = index >= len(service.command)
        place = index - len(service.command) if is_arg else index
        path: Path = ("services", service.name, "args" if is_arg else "command", place)
        text, previous = word[:_LOOKED_AT], words[index - 1] if index else ""
        if "\n" in text or (previous.startswith("-") and len(previous) == 2):
            continue
        if (match := _QUOTED_OPTION.fullmatch(text)) and _is_quoted(match["value"]):
            message = "the quotes around the value of this option are a part of it: no shell takes them off"
            yield _warn(
                "N01", path, message, "write the option without them, and YAML's own around the whole item"
            )
        if reference := _unread(text, names):
            yield _warn("N02", path, *reference)
        elif " " not in text and is_placeholder(text):
            yield _warn("N03", path, "this word holds a placeholder", "write the real value")


def _unread(text: str, names: frozenset[str]) -> tuple[str, str] | None:
    for match in _FILLED_IN.finditer(text):
        if not (match[1] in names or match[1] in _FROM_PROVIDER or _FROM_KUBERNETES.fullmatch(match[1])):
            message = f"$({match[1][:64]}) stays as it is: the SDL has no such variable"
            return message, "write the value itself, or add the variable to env"
    found = _BRACES.search(text) or _BARE.search(text)
    if found is None or not found[1].isupper():
        return None
    meant = found[1][:64]
    message = f"no shell reads this word, so {_shown(found)} stays as it is"
    if meant in names or meant in _FROM_PROVIDER:
        return message, f"write $({meant})"
    return (
        message,
        'write the value itself, or start a shell: command: ["sh", "-c"], and all of it in one args item',
    )


_Listening: TypeAlias = Mapping[int, Mapping[str, Expose]]
"""The services that expose each port, and how."""


def _listening(sdl: Sdl) -> _Listening:
    found: dict[int, dict[str, Expose]] = {}
    for service in sdl.services.values():
        for expose in service.expose:
            for port in (expose.port, expose.outer_port):
                found.setdefault(port, {}).setdefault(service.name, expose)
    return found


def _own_ports(service: Service) -> frozenset[int]:
    """The ports on which a service may listen: those it exposes, those of its image, and those its settings name."""
    told = (entry for entry in service.env if "PORT" in entry.partition("=")[0].upper())
    texts = (text[:_LOOKED_AT] for text in (*service.command, *service.args, *told))
    named = (int(number) for text in texts for number in _PORT.findall(text))
    exposed = (port for expose in service.expose for port in (expose.port, expose.outer_port))
    return frozenset((*named, *exposed, *PORTS.get(image_name(service.image), ())))


def _neighbour(
    service: Service, name: str, value: str, listening: _Listening, own_ports: frozenset[int]
) -> tuple[str, str] | None:
    """What is wrong with localhost in a value, and the fix, where a neighbour listens on that port; else None."""
    match = _LOCAL.search(value)
    if match is None or _FOR_BROWSERS.search(name):
        return None
    scheme = (match["scheme"] or "").lower().partition("+")[0]
    port = int(match["port"]) if match["port"] else _SCHEME_PORTS.get(scheme, 0)
    if port in own_ports or port not in listening:
        return None
    other, expose = next(iter(listening[port].items()))
    message = f"localhost in {name[:64]} is this container itself, and port {port} is that of service {other}"
    fix = f"write {other}:{port} in the place of localhost"
    if all(to.service != service.name for to in expose.to):
        fix += f", and add - service: {service.name} to the to of its port"
    return message, fix
