"""How to fix what the schema refuses: the nearest field, the SDL way of a Compose habit, missing quotes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from akash_mcp.sdl.output.quantities import BadSize, size_bytes
from akash_mcp.sdl.yaml.javascript import Date, Value, is_number, number_text, text
from akash_mcp.sdl.yaml.loader import Path

SERVICE = "a service"
EXPOSE = "an expose entry"
RESOURCES = "resources"
VOLUME = "a volume"
DEPLOYED = "a deployment entry"
ROOT = "an SDL"

_COUNT = "remove it and set deployment.<service>.<placement>.count"
_NO_EFFECT = "remove it: an SDL has nothing like it"
_SIZES = "remove it and size the service in profiles.compute.<profile>.resources"
_BY_NAME = (
    'remove it: services reach each other by name; write "to: - service: <name>" under the target\'s expose'
)

_HABITS: dict[str, dict[str, str]] = {
    SERVICE: {
        "depends_on": 'did you mean "dependencies"? Write "- service: <name>" items, or remove it: it never '
        "orders the start",
        "ports": 'did you mean "expose"? "8080:80" is port: 80, as: 8080, to: - global: true',
        "volumes": "name a volume in profiles.compute.<profile>.resources.storage (persistent: true, class: beta3) and "
        "mount it in params.storage.<name>.mount",
        "environment": 'did you mean "env"? Write a list of NAME=value items',
        "env_file": 'write the variables into "env" as NAME=value items',
        "restart": "remove it: providers restart a service that ends",
        "links": _BY_NAME,
        "networks": _BY_NAME,
        "network_mode": _BY_NAME,
        "cmd": 'did you mean "command"? It is a list, as is "args"',
        "entrypoint": 'did you mean "command"? It replaces the entrypoint and is a list; arguments go to "args"',
        "build": "build the image, push it to a registry and name it in image",
        "container_name": "remove it: the service's key is its name",
        "name": "remove it: the service's key is its name",
        "hostname": "remove it: the service's key is its name",
        "healthcheck": _NO_EFFECT,
        "labels": _NO_EFFECT,
        "privileged": "remove it: providers do not run privileged containers",
        "cap_add": "remove it: providers do not grant capabilities",
        "user": "remove it: set the user in the image",
        "working_dir": 'remove it, or change the folder in "command"',
        "count": _COUNT,
        "replicas": _COUNT,
        "deploy": _COUNT,
        "resources": _SIZES,
        "cpu": _SIZES,
        "memory": _SIZES,
        "gpu": _SIZES,
        "storage": 'mount volumes in "params: storage:", and size them in profiles.compute.<profile>.resources.storage',
        "compute": "indent it less: profiles belongs at the root, beside services",
        "placement": "indent it less: profiles belongs at the root, beside services",
    },
    EXPOSE: {
        "hosts": 'did you mean "accept"?',
        "host": 'did you mean "accept"? It is a list of host names',
        "global": 'move it under "to": - global: true',
        "service": 'move it under "to": - service: <name>',
        "ip": 'move it under "to": - ip: <endpoint>, global: true',
        "protocol": 'did you mean "proto"?',
        "target": 'did you mean "port"?',
        "published": 'did you mean "as"?',
    },
    "http_options": {
        # akash-skill writes proxy: {buffering_disable: …}; akash-network/provider issue 430 asks for such
        "proxy": "remove it: the Console refuses it, and no provider acts on it; what there is: read_timeout and "
        "send_timeout (milliseconds, 60000 at most), max_body_size, proxy_buffer_size, next_tries, next_timeout, "
        "next_cases",
        "timeout": "write read_timeout and send_timeout, in milliseconds",
        "proxy_read_timeout": 'did you mean "read_timeout"? It is in milliseconds',
        "proxy_send_timeout": 'did you mean "send_timeout"? It is in milliseconds',
        "connect_timeout": "remove it: providers set it themselves",
        "client_max_body_size": 'did you mean "max_body_size"? It is in bytes',
        "buffer_size": 'did you mean "proxy_buffer_size"? Many providers do not know it yet',
    },
    RESOURCES: {"disk": 'did you mean "storage"?', "ram": 'did you mean "memory"?', "id": "remove it"},
    VOLUME: {
        "mount": "move it to services.<service>.params.storage.<volume>.mount",
        "class": 'move it under "attributes"',
        "persistent": 'move it under "attributes"',
    },
    "volume attributes": {"mount": "move it to services.<service>.params.storage.<volume>.mount"},
    "GPU attributes": {
        "interconnect": "remove it: only Consoles newer than chain-sdk alpha.38 know GPU interconnect",
        "model": 'move it under "vendor: nvidia:" as "- model: <model>"',
        "nvidia": 'move it under "vendor"',
    },
    "a placement": {
        "placement": "remove one of the two: placements belong directly under profiles.placement",
        "denom": "move it to pricing.<profile>",
        "amount": "move it to pricing.<profile>",
    },
    "profiles": {"storage": "move it to profiles.compute.<profile>.resources.storage"},
    ROOT: {
        "networks": _BY_NAME,
        "volumes": "name volumes in profiles.compute.<profile>.resources.storage",
        "compute": "indent it under profiles",
        "placement": "indent it under profiles",
        "deployments": 'did you mean "deployment"?',
    },
}

_MISSING: dict[tuple[str, str], str] = {
    (ROOT, "version"): 'add version: "2.0"',
    (ROOT, "services"): "add services: with an image and an expose list for each service",
    (ROOT, "profiles"): "add profiles: with compute and placement below it",
    (ROOT, "deployment"): "add deployment: <service>: <placement>: with profile and count",
    (SERVICE, "image"): "add image: with a name and a tag, such as nginx:1.27.0",
    (EXPOSE, "port"): "add port: with the port that the container listens on",
    (DEPLOYED, "count"): "add count: 1",
    (DEPLOYED, "profile"): "add profile: with the name of a compute profile",
    ("volume attributes", "class"): "add class: beta3 (or beta1, beta2, default; ram for memory)",
    ("volume attributes", "persistent"): "add persistent: true, or false for class ram",
    ("a placement", "pricing"): "add pricing: <profile>: with denom: uact and amount",
    ("a price", "amount"): "add amount: the most to pay in uact per block for one replica",
    ("memory", "size"): "add size: such as 512Mi",
    (VOLUME, "size"): "add size: such as 1Gi",
    (
        "a GPU",
        "attributes",
    ): "add attributes: vendor: nvidia: (with - model: <model> below, or nothing for any)",
    ("a GPU", "units"): "add units: 1",
    ("an endpoint", "kind"): "add kind: ip",
    ("reclamation", "min_window"): "add min_window: such as 24h",
}


_PRIVATE = ("args", "command", "credentials", "env")


def _is_private(path: Path) -> bool:
    """Whether people keep secrets at `path`, so that what is there is not repeated."""
    return path[:1] == ("services",) and len(path) > 2 and path[2] in _PRIVATE


def kind_of(value: Value, path: Path) -> str:
    """What the value at `path` is, for a sentence."""
    match value:
        case None:
            return "empty"
        case Date():
            return "a date"
        case list():
            return "a list"
        case dict():
            return "a map"
        case _:
            return _KINDS[type(value)] if _is_private(path) else shown(value)


_KINDS = {bool: "true or false", int: "a number", float: "a number", str: "text"}


def shown(value: Value) -> str:
    """A value as its writer sees it, cut where it is long."""
    match value:
        case None | Date() | list() | dict():
            return kind_of(value, ())
        case bool():
            return str(value).lower()
        case str():
            return f'the text "{value[:60]}"'
        case _:
            return f"the number {number_text(value)}"


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """`did you mean "…"?` for the known name that is most like `name`, empty where none is near."""
    best = nearest_name(name, known, cutoff=cutoff)
    return f'did you mean "{best}"?' if best is not None else ""


def nearest_name(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The known name that is most like `name`, None where none is near.

    A slip is mostly in one place, so two names are alike by the share of the longer one that both begin and end with.
    Looks at thirty names, and at short ones only: the SDL may have been written to keep us busy.
    """
    if len(name) > 48:
        return None
    best = max(islice(known, 30), key=lambda each: _likeness(name, each), default="")
    return best if _likeness(name, best) >= cutoff else None


def _likeness(one: str, other: str) -> float:
    shorter, longer = sorted((len(one), len(other)))
    both = _shared_start(one, other) + _shared_start(one[::-1], other[::-1])
    return min(both, shorter) / longer if longer else 0.0


def _shared_start(one: str, other: str) -> int:
    for i, (here, there) in enumerate(zip(one, other, strict=False)):
        if here != there:
            return i
    return min(len(one), len(other))


def for_unknown(key: str, what: str, known: Iterable[str]) -> str:
    """The field that `key` was meant to be, or where what it wants is written."""
    habits = _HABITS.get(what, {})
    plain = key.lower().replace("-", "_")
    if plain in habits:
        return habits[plain]
    return nearest(plain, known) or f"remove it; {_KNOWN}{', '.join(known)}"


def named_in(fix: str, known: Iterable[str]) -> list[str]:
    """Which of the `known` fields a fix speaks of, as the one that was meant."""
    words = set(_WORD.findall(fix.partition(_KNOWN)[0]))
    return [field for field in known if field in words]


_KNOWN = "known here: "
_WORD = re.compile("[a-z_]+")


_OF_COMPOSE = frozenset(
    {"build", "container_name", "depends_on", "environment", "networks", "ports", "restart", "volumes"}
)
"""Fields of a service in a compose file, and in no SDL."""


A_COMPOSE_FILE = "this is a compose file: akash-mcp import (convert_compose) makes an SDL of it"
"""The fix of whatever a compose file lacks of an SDL."""


def for_missing(field: str, what: str, value: Mapping[str, Value]) -> str:
    """What to add where `what`, which is `value`, needs `field`."""
    if what == ROOT and _is_compose(value):
        return A_COMPOSE_FILE
    return _MISSING.get((what, field), f"add {field}:")


def _is_compose(sdl: Mapping[str, Value]) -> bool:
    services = sdl.get("services")
    each = services.values() if isinstance(services, dict) else ()
    return not {"profiles", "deployment"} & sdl.keys() and any(
        isinstance(service, dict) and _OF_COMPOSE & service.keys() for service in each
    )


def for_type(value: Value, path: Path, wanted: str) -> str:
    """How to write what is there so that it has the type `wanted`."""
    field = path[-1] if path else ""
    if value is None and wanted in ("object", "array"):
        return f'remove "{field}:" or put something below it'
    if len(path) > 1 and path[-2] == "env":
        return 'write NAME=value, in quotes where it holds ": "'
    if field == "size" and is_number(value):
        return for_size(number_text(value))
    if wanted == "string" and isinstance(value, bool | int | float | Date):
        return "quote it" if isinstance(value, Date) or _is_private(path) else f'quote it: "{text(value)}"'
    if wanted == "integer" and isinstance(value, str):
        target = value.rpartition(":")[2]
        if value.isascii() and value.isdigit():
            return "remove the quotes"
        if field == "port" and target.isascii() and target.isdigit():
            return f"write port: {int(target[:6])} for the container and as: for the outside"
    if wanted == "array":
        if field == "env" and isinstance(value, dict):
            return "write each variable as a list item: - NAME=value"
        if isinstance(value, dict):
            return 'begin each item with "- "'
        return 'write a list: one "- " item a line'
    if wanted == "object" and isinstance(value, list):
        return "write name: kind: ip" if field == "endpoints" else 'remove the "- " before its fields'
    if wanted == "object" and len(path) > 1 and path[-2] == "dependencies":
        return f"write - service: {value}"
    if wanted == "boolean" and isinstance(value, str):
        return "write true or false, without quotes"
    return ""


def for_size(size: str) -> str:
    """How to write `size` so that it can be read: `512` becomes `512Mi`."""
    plain = size.replace(" ", "").replace(",", ".").replace("_", "").lstrip("+-")
    try:
        size_bytes(plain)
    except BadSize:
        if not (plain.isascii() and plain.isdigit()):
            return "write a number and a unit, such as 512Mi"
        count = int(plain[:20])
        if count >= 2**20:
            return f"write {-(-count // 2**20)}Mi"
        return f"write {plain}Mi" if count else "write 512Mi, or what it needs"
    return f"write {plain}"


def for_format(value: str, path: Path) -> str:
    """How to write text that does not match the pattern of its field."""
    match path[-1]:
        case "mount":
            return f"write /{value.lstrip('./')}" if value else "write a path such as /data"
        case "min_window":
            return 'write a whole number and a unit, such as "24h"'
        case "amount":
            return "write a plain number, such as 1000"
        case "units":
            return "write cores (0.5) or millicores (500m)"
        case _:
            return ""


def for_choice(value: Value, path: Path, allowed: Sequence[str]) -> str:
    """How to write the allowed text that was probably meant."""
    spelled = (
        number_text(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
    )
    match path[-1]:
        case "version":
            return 'write version: "2.0", with the quotes'
        case "proto" if isinstance(value, str) and value.upper() in allowed:
            return f"write {value.upper()}"
        case "proto":
            return "write TCP, and as: 80 for an HTTP address; or leave proto out"
    if spelled in allowed:
        return f'quote it: "{spelled}"'
    return nearest(spelled.lower(), allowed, cutoff=0.5) or "write one of " + ", ".join(allowed)
