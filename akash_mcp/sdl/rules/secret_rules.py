"""Secrets in an SDL: references where they can be one, and a warning of what looks like a secret in plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from akash_mcp.sanitize.secrets import looks_secret, sounds_secret
from akash_mcp.sdl.model import Sdl, Service
from akash_mcp.sdl.report import Fault
from akash_mcp.sdl.rules.placeholder_text import is_placeholder
from akash_mcp.sdl.secret_reference import CREDENTIALS, MOST, SCHEME, mentions, referenced_name
from akash_mcp.sdl.yaml.javascript import Value
from akash_mcp.sdl.yaml.loader import Path

_HOW = (
    f"write NAME={SCHEME}NAME as the whole value of a variable, or as the username or password of credentials"
)
_SWITCH = re.compile(r"(?:true|false|yes|no|on|off|null|none|\d{1,5}|\$\{?\w+\}?|ac-\S+)?", re.IGNORECASE)
"""What no secret is: a switch, a port, a variable, a reference of the Console's own."""
_SHORTEST = 4
_LOOKED_AT = 512
"""Characters of a value that are looked at: a key is at its beginning."""


def check_secrets(sdl: Sdl, data: Value) -> Iterator[Fault]:
    """What stands in the place of a secret and cannot be filled in. `data` is the parsed YAML of the SDL: what is in it
    and in no variable may be public on the chain."""
    for service in sdl.services.values():
        for path, value in _values(service, ("services", service.name)):
            # Of a variable without its "=" nothing may be repeated: it may be a secret itself.
            if mentions(value) and referenced_name(value) is None:
                yield _fault("K01", path, f"{SCHEME} with a name must be the whole value", _HOW)
    for path, text, at_key in _elsewhere(data, ()):
        if mentions(text):
            fault = _fault("K02", path, f"{SCHEME} is not filled in here", _HOW)
            yield replace(fault, at_key=at_key)
    if len(secrets_of(sdl)) > MOST:
        yield _fault("K03", ("services",), f"a deployment has at most {MOST} secrets", "use fewer")


def check_literals(sdl: Sdl) -> Iterator[Fault]:
    """What looks like a secret in plain text: whoever reads the SDL reads it, and so does every model."""
    for service in sdl.services.values():
        for path, value in _values(service, ("services", service.name)):
            name = str(path[-1]) if path[-2] == "credentials" else _variable(service, path)
            if name == "username" or mentions(value) or len(value) < _SHORTEST or _SWITCH.fullmatch(value):
                continue
            if path[-2] == "env" and is_placeholder(value, name):
                continue  # it is nobody's secret, and has a warning of its own (N03)
            if sounds_secret(name) or looks_secret(value[:_LOOKED_AT]):
                stored = name if re.fullmatch(r"[A-Za-z_]\w{0,63}", name, re.ASCII) else "NAME"
                yield Fault(
                    "K04",
                    path,
                    f"{name[:64]} looks like a secret in plain text",
                    f"let the user run: akash-mcp secret set {stored}; then write {SCHEME}{stored} as the value",
                    "akash-mcp",
                )


def secrets_of(sdl: Sdl) -> tuple[tuple[str, str], ...]:
    """Each secret with the service that it goes to, in the order of the SDL, each pair once."""
    return tuple(
        dict.fromkeys(
            (name, service.name)
            for service in sdl.services.values()
            for _, value in _values(service, ())
            if (name := referenced_name(value))
        )
    )


def _fault(rule: str, path: Path, message: str, fix: str) -> Fault:
    return Fault(rule, path, message, fix, "akash-mcp")


def _variable(service: Service, path: Path) -> str:
    index = path[-1]
    assert isinstance(index, int)
    return service.env[index].partition("=")[0]


def _values(service: Service, at: Path) -> Iterator[tuple[Path, str]]:
    """What can be a reference: the value of each variable that has one, and the credentials."""
    for index, entry in enumerate(service.env):
        _, equals, value = entry.partition("=")
        if equals:
            yield (*at, "env", index), value
    for key in CREDENTIALS:
        if value := (service.credentials or {}).get(key, ""):
            yield (*at, "credentials", key), value


def _elsewhere(node: Value, path: Path) -> Iterator[tuple[Path, str, bool]]:
    """All text that is not what `_values` gives: where it stands, and whether it is a key there."""
    if isinstance(node, str):
        match path:
            case ("services", _, "env", int()):
                yield path, node.partition("=")[0], False
            case ("services", _, "credentials", key) if key in CREDENTIALS:
                pass
            case _:
                yield path, node, False
    elif isinstance(node, dict):
        for key, value in node.items():
            yield (*path, key), key, True
            yield from _elsewhere(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _elsewhere(value, (*path, index))
