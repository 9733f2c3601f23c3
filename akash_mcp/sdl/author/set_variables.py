"""An SDL with other values in its variables, and everything else as it was written.

Only the entries that change are rewritten, in quotes; new ones are put before the others. That this is exact is not
believed: the manifest of the result is compared with the manifest in which the values were replaced, and its orders
with what they were.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from akash_mcp.errors import BadArgument
from akash_mcp.sanitize.text import field
from akash_mcp.sdl.check import check
from akash_mcp.sdl.model import Sdl, Service
from akash_mcp.sdl.output.manifest import manifest_json
from akash_mcp.sdl.yaml.loader import Document, Mark, load
from akash_mcp.sdl.yaml.scalar_places import double_quoted, scalar_places

Values: TypeAlias = Mapping[str, Mapping[str, str]]
"""Of each service by its name: the values by the names of their variables."""

_NAME = re.compile(r"[-._A-Za-z][-._A-Za-z0-9]{0,255}")
_MOST_NAMED = 20
_BREAK = re.compile("\r\n|\r|\n")
_UNREADABLE = "This SDL would be refused, so nothing can be filled in."
_BY_HAND = "Send the SDL itself, with these variables in it, in place of its sdl_id."


def values_of(text: str, items: Sequence[str]) -> Values:
    """What `SERVICE.NAME=VALUE` and `NAME=VALUE` mean in an SDL. No value is ever repeated in an error.

    A name without a service is the variable of that name wherever it stands, if it has one value there; a new one goes
    to the only service. Raises `BadArgument` for what could mean two things, for what is no assignment, and for an SDL
    that cannot be read.
    """
    sdl = check(text).model
    if sdl is None:
        raise BadArgument(_UNREADABLE, next_step=_BY_HAND)
    values: dict[str, dict[str, str]] = {}
    for item in items:
        name, equals, value = item.partition("=")
        service, dot, rest = name.partition(".")
        named = [service] if dot and service in sdl.services else []
        name = rest if named else name
        if not equals or not _NAME.fullmatch(name):
            raise BadArgument("env must be a list of NAME=VALUE or SERVICE.NAME=VALUE.")
        for each in named or _meant(sdl, name):
            if values.setdefault(each, {}).setdefault(name, value) != value:
                raise BadArgument(f"env has two values for {name} of service {field(each, 63)}.")
    return values


def with_variables(text: str, values: Values) -> str:
    """The SDL with these values. Raises `BadArgument` where they cannot be put in exactly."""
    before = check(text)
    if before.manifest is None or before.model is None:
        raise BadArgument(_UNREADABLE, next_step=_BY_HAND)
    source, places = scalar_places(text)
    place = _Places(source, places, load(text))
    edits: set[tuple[int, int, str]] = set()
    for name, variables in values.items():
        edits.update(place.edits(before.model.services[name], variables))
    changed, done = [], 0
    for start, end, new in sorted(edits):
        changed += [source[done:start], new]
        done = max(done, end)
    result = "".join(changed) + source[done:]
    after = check(result)
    if after.manifest != _expected(before.manifest, values) or after.groups != before.groups:
        raise BadArgument("These variables cannot be put into this SDL exactly.", next_step=_BY_HAND)
    return result


def _meant(sdl: Sdl, name: str) -> list[str]:
    held = {
        service.name: [entry for entry in service.env if entry.partition("=")[0] == name]
        for service in sdl.services.values()
    }
    having = [service for service, entries in held.items() if entries]
    if having and len({entry for entries in held.values() for entry in entries}) == 1:
        return having
    if not having and len(held) == 1:
        return list(held)
    what = f"{name} has not the same value everywhere" if having else f"No service has {name}"
    names = ", ".join(field(each, 63) for each in (having or [*held])[:_MOST_NAMED])
    raise BadArgument(f"{what}.", next_step=f"Write SERVICE.{name}=VALUE. Services: {names}.")


class _Places:
    """Where things stand in the text of an SDL."""

    def __init__(self, source: str, scalars: Sequence[tuple[int, int, str]], document: Document) -> None:
        self._source = source
        self._scalars = scalars
        self._starts = [start for start, _, _ in scalars]
        self._document = document
        self._lines = [0, *(found.end() for found in _BREAK.finditer(source))]
        self._newline = "\r\n" if "\r\n" in source else "\n"

    def edits(self, service: Service, values: Mapping[str, str]) -> Iterator[tuple[int, int, str]]:
        """Start, end and new text for each place that changes."""
        held = [entry.partition("=")[0] for entry in service.env]
        for index, name in enumerate(held):
            if name in values:
                start = self._offset(self._document.where(("services", service.name, "env", index)))
                start, end = self._scalar(start)
                yield start, end, double_quoted(f"{name}={values[name]}")
        new = [double_quoted(f"{name}={value}") for name, value in values.items() if name not in held]
        if new:
            yield self._insertion(service, new)

    def _insertion(self, service: Service, items: Sequence[str]) -> tuple[int, int, str]:
        at, listed = ("services", service.name), ", ".join(items)
        if service.env:
            mark = self._document.where((*at, "env"))
            start = self._offset(mark)
            if self._source.startswith("[", start):
                return start + 1, start + 1, f"{listed}, "
            indent = self._newline + " " * (mark.column - 1)
            return start, start, "".join(f"- {item}{indent}" for item in items)
        if "env" in self._keys(service):
            key = self._offset(self._document.where((*at, "env"), key=True))
            colon = self._source.find(":", key) + 1
            value = self._offset(self._document.where((*at, "env")))
            if self._source.startswith("[", value):
                return value + 1, value + 1, listed
            if self._source.startswith(("~", "null"), value):
                return *self._scalar(value), f"[{listed}]"
            return colon, colon, f" [{listed}]"
        mark = self._document.where(at)
        start = self._offset(mark)
        if self._source.startswith("{", start):
            return start + 1, start + 1, f"env: [{listed}], "
        return start, start, f"env: [{listed}]{self._newline}{' ' * (mark.column - 1)}"

    def _keys(self, service: Service) -> Mapping[str, object]:
        data = self._document.data
        services = data["services"] if isinstance(data, dict) else None
        held = services[service.name] if isinstance(services, dict) else None
        return held if isinstance(held, dict) else {}

    def _scalar(self, start: int) -> tuple[int, int]:
        """Where the scalar is that begins at `start`, with its anchor and its tag."""
        nearest = bisect_left(self._starts, start)
        return self._scalars[nearest][:2] if nearest < len(self._scalars) else (start, start)

    def _offset(self, mark: Mark) -> int:
        return self._lines[mark.line - 1] + mark.column - 1


def _expected(manifest: str, values: Values) -> str:
    groups = json.loads(manifest)
    for service in (service for group in groups for service in group["services"]):
        wanted = values.get(service["name"], {})
        held = service["env"] or []
        names = {entry.partition("=")[0] for entry in held}
        new = [f"{name}={value}" for name, value in wanted.items() if name not in names]
        service["env"] = new + [_entry(entry, wanted) for entry in held] or None
    return manifest_json(groups)


def _entry(entry: str, wanted: Mapping[str, str]) -> str:
    name = entry.partition("=")[0]
    return f"{name}={wanted[name]}" if name in wanted else entry
