"""An SDL with other words in the place of its references to secrets: their values, or the Console's own references.

Only the references are rewritten, in quotes; what else stands in the text is left as it was written. That this is
exact is not believed: the manifest of the result is compared with the manifest in which the values were replaced, and
its orders with what they were.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from akash_mcp.sdl.check import check
from akash_mcp.sdl.output.manifest import manifest_json
from akash_mcp.sdl.secret_reference import (
    CONSOLE_SCHEME,
    CREDENTIALS,
    names_mentioned,
    referenced_name,
)
from akash_mcp.sdl.yaml.scalar_places import double_quoted, scalar_places


class CannotFill(ValueError):
    """The secrets cannot be put into this SDL exactly. The message holds no value."""


def with_values(sdl: str, values: Mapping[str, str]) -> str:
    """The SDL with the value of every secret in its place. Raises `CannotFill`, also for a name without a value."""
    return _replaced(sdl, values)


def with_console_references(sdl: str) -> str:
    """The SDL as a Console takes it that gets the values sealed. Raises `CannotFill`."""
    return _replaced(sdl, {name: CONSOLE_SCHEME + name for name in names_mentioned(sdl)})


def console_references(changes: Mapping[str, Any]) -> set[str]:
    """The names of secrets that changes of services (`sdl.patch.field_changes`) refer to."""
    values = [value for each in changes.values() for value in each.get("env", {}).values()]
    values += [value for each in changes.values() for value in (each.get("credentials") or {}).values()]
    return {value.removeprefix(CONSOLE_SCHEME) for value in values if str(value).startswith(CONSOLE_SCHEME)}


def _replaced(sdl: str, words: Mapping[str, str]) -> str:
    before = check(sdl)
    if before.manifest is None:
        raise CannotFill("the SDL cannot be read")
    source, places = scalar_places(sdl)
    pieces, done = [], 0
    for start, end, text in places:
        key, equals, value = text.partition("=") if "=" in text else ("", "", text)
        name = referenced_name(value)
        if name is None:
            continue
        if name not in words:
            raise CannotFill(f"secret {name} has no value")
        pieces += [source[done:start], double_quoted(key + equals + words[name])]
        done = end
    filled = "".join(pieces) + source[done:]
    after = check(filled)
    if after.manifest is None:
        # Of what is wrong only the place: the rest may quote a value.
        where = ", ".join(finding.path or "its size" for finding in after.errors[:3])
        raise CannotFill(f"the Console would not take the SDL with its secrets, for {where}")
    # The groups are what is public on the chain.
    if after.manifest != _manifest_with(before.manifest, words) or after.groups != before.groups:
        raise CannotFill("its secrets cannot be put in exactly: write each as NAME=secret://NAME on a line")
    return filled


def _manifest_with(manifest: str, words: Mapping[str, str]) -> str:
    groups = json.loads(manifest)
    for service in (service for group in groups for service in group["services"]):
        service["env"] = service["env"] and [_entry_with(entry, words) for entry in service["env"]]
        for key in CREDENTIALS if service["credentials"] else ():
            service["credentials"][key] = _word(service["credentials"][key], words)
    return manifest_json(groups)


def _entry_with(entry: str, words: Mapping[str, str]) -> str:
    name, equals, value = entry.partition("=")
    return name + equals + _word(value, words)


def _word(value: str, words: Mapping[str, str]) -> str:
    name = referenced_name(value)
    return value if name is None else words[name]
