"""Named fields of a stored SDL set to something else. Nothing but what a request names is touched."""

from __future__ import annotations

from typing import Any

from akash_mcp.sandbox.console import schema
from akash_mcp.sandbox.console.generation_2026_11.references import Tree
from akash_mcp.sandbox.console.responses import Problem

_UINT32 = 4_294_967_295
_PORT = schema.optional(schema.at_least(1, 65_535, whole=True))
_TEXTS = schema.optional(schema.nullable(schema.array(schema.string)))
_TIMEOUT = schema.optional(schema.at_least(1, _UINT32, whole=True))
_COUNT = schema.optional(schema.at_least(0, _UINT32, whole=True))
_CASES = ("error", "timeout", "500", "502", "503", "504", "403", "404", "429", "off")
_HTTP_OPTIONS = schema.obj(
    maxBodySize=schema.optional(schema.at_least(1, 104_857_600, whole=True)),
    readTimeout=_TIMEOUT,
    sendTimeout=_TIMEOUT,
    nextTries=_COUNT,
    nextTimeout=_COUNT,
    nextCases=schema.optional(schema.array(schema.choice(*_CASES), minimum=1)),
)
_EXPOSURE = schema.obj(
    port=_PORT,
    **{"as": _PORT},
    accept=schema.optional(schema.array(schema.string)),
    httpOptions=schema.optional(_HTTP_OPTIONS),
)
_CREDENTIALS = schema.obj(host=schema.string, username=schema.string, password=schema.string)
_MOUNT = schema.obj(mount=schema.optional(schema.string), readOnly=schema.optional(schema.boolean))
SERVICE = schema.obj(
    image=schema.optional(schema.string),
    env=schema.optional(
        schema.mapping(schema.nullable(schema.string), names=schema.text(1, 1024, r"[A-Za-z_][A-Za-z0-9_]*"))
    ),
    command=_TEXTS,
    args=_TEXTS,
    credentials=schema.optional(schema.nullable(_CREDENTIALS)),
    expose=schema.optional(schema.mapping(_EXPOSURE)),
    storage=schema.optional(schema.mapping(_MOUNT)),
)
"""What can be said of a service. Anything else is dropped before the patch is looked at."""

_OPTIONS = {
    "maxBodySize": "max_body_size",
    "readTimeout": "read_timeout",
    "sendTimeout": "send_timeout",
    "nextTries": "next_tries",
    "nextTimeout": "next_timeout",
    "nextCases": "next_cases",
}


def names_a_field(services: dict[str, dict[str, Any]]) -> bool:
    """Whether there is anything to change: an empty map of ports changes as little as no map."""
    return any(value != {} for service in services.values() for value in service.values())


def apply(tree: Tree, services: dict[str, dict[str, Any]]) -> set[tuple[str, str]]:
    """Set these fields; gives the variables and credentials that were written, by service and key.

    Raises `Problem` 400 for a service, port or volume that is not there.
    """
    wrote: set[tuple[str, str]] = set()
    for name, changes in services.items():
        service = tree["services"].get(name)
        if service is None:
            raise Problem(400, f'"{name[:64]}" is not a service of this deployment')
        if "image" in changes:
            service["image"] = changes["image"]
        for field in ("command", "args"):
            _set_or_drop(service, field, changes)
        if "env" in changes:
            _env(service, changes["env"])
            wrote |= {(name, key) for key, value in changes["env"].items() if value is not None}
        if "credentials" in changes:
            _credentials(service, changes["credentials"])
            wrote |= {(name, "username"), (name, "password")}
        _exposures(name, service, changes.get("expose", {}))
        for volume, mount in changes.get("storage", {}).items():
            known = ((service.get("params") or {}).get("storage") or {}).get(volume)
            if known is None:
                raise Problem(400, f'service "{name}" mounts no volume "{volume[:64]}"')
            known.update(mount)
    return wrote


def _set_or_drop(service: dict[str, Any], field: str, changes: dict[str, Any]) -> None:
    if changes.get(field) is not None:
        service[field] = changes[field]
    elif field in changes:
        service.pop(field, None)


def _env(service: dict[str, Any], changes: dict[str, str | None]) -> None:
    """A variable that is set anew moves to the end."""
    held = [line for line in service.get("env") or [] if str(line).partition("=")[0] not in changes]
    held += [f"{key}={value}" for key, value in changes.items() if value is not None]
    if held:
        service["env"] = held
    else:
        service.pop("env", None)


def _credentials(service: dict[str, Any], changes: dict[str, str] | None) -> None:
    if changes is None:
        service.pop("credentials", None)
    else:
        service["credentials"] = {**(service.get("credentials") or {}), **changes}


def _exposures(name: str, service: dict[str, Any], patches: dict[str, dict[str, Any]]) -> None:
    """Entries are found by the ports that the stored SDL declares, whatever else of the request moves them."""
    declared = service.get("expose") or []
    found = {port: [each for each in declared if str(each.get("port")) == port] for port in patches}
    for port, changes in patches.items():
        if not found[port]:
            raise Problem(400, f'service "{name}" exposes no port "{port[:64]}"')
        _refuse_move(name, declared, found[port], changes)
        for each in found[port]:
            if options := changes.get("httpOptions"):
                renamed = {_OPTIONS[key]: value for key, value in options.items()}
                each["http_options"] = {**(each.get("http_options") or {}), **renamed}
            each.update({key: value for key, value in changes.items() if key != "httpOptions"})


def _refuse_move(
    name: str, declared: list[dict[str, Any]], moved: list[dict[str, Any]], changes: dict[str, Any]
) -> None:
    """Raises `Problem` 400 for a move onto another port of the service, or of an endpoint with an IP of its own."""
    if "port" not in changes and "as" not in changes:
        return
    if any(to.get("ip") for each in moved for to in each.get("to") or []):
        raise Problem(400, f'service "{name}" reaches this port through a leased IP, so it cannot move')
    others = [each for each in declared if each not in moved]
    if changes.get("port") in [each.get("port") for each in others]:
        raise Problem(400, f'service "{name}" exposes port "{changes["port"]}" already')
    if "as" in changes and changes["as"] in [each.get("as", each.get("port")) for each in others]:
        raise Problem(400, f'another endpoint of service "{name}" uses port "{changes["as"]}" already')
