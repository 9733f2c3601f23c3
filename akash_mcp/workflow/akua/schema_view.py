"""A package's input schema as it is shown: cleaned text by text, and small enough for an answer.

It is somebody else's JSON, so what is too much of it is left out by a rule, and said: fewer names, less depth, shorter
texts, until it fits. It stays JSON in doing so. A default that sounds like a secret is masked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from akash_mcp.sanitize import secrets
from akash_mcp.sanitize.text import Cleaned, one_line

ROOM_BYTES = 16_000
"""The most that a schema takes of an answer."""
MOST_NAMED = 60
"""Required inputs and defaults that are named."""
_DEEPEST_NAMED = 6
_NAME_BYTES = 100
_DEFAULT_BYTES = 200
_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class _Room:
    """What is let through: levels inside each other, names or items of one, bytes of a text, hints for forms."""

    levels: int
    names: int
    text: int
    hints: bool = False


_ROOMS = (
    _Room(24, 300, 600, hints=True),
    _Room(24, 300, 200),
    _Room(12, 150, 100),
    _Room(8, 60, 60),
    _Room(5, 25, 40),
    _Room(3, 10, 40),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaView:
    """A schema as JSON text; the inputs that it requires and the defaults that it has, by their paths.

    `has_conditions`: it says in other ways too what is required, which are not looked into. `left_out`: what is not
    shown, as a sentence; "" where all is.
    """

    json: Cleaned
    required: list[str]
    defaults: list[str]
    has_conditions: bool
    left_out: str


def view_schema(schema: Mapping[str, Any]) -> SchemaView:
    """The view of a JSON Schema from outside, whatever stands in it."""
    required = list(islice(_required(schema), MOST_NAMED + 1))
    defaults = list(islice(_defaults(schema), MOST_NAMED + 1))
    text, cut = _fitting(schema)
    cut.named = len(required) > MOST_NAMED or len(defaults) > MOST_NAMED
    return SchemaView(
        json=Cleaned(text, cut=bool(cut.words)),
        required=required[:MOST_NAMED],
        defaults=defaults[:MOST_NAMED],
        has_conditions=_has_conditions(schema),
        left_out=cut.words,
    )


def _fitting(schema: Mapping[str, Any]) -> tuple[str, _Cut]:
    """As much of a schema as there is room for."""
    for room in _ROOMS:
        cut = _Cut()
        with suppress(_NoRoom):
            shown = _shown(schema, room, cut)
            return json.dumps(shown, ensure_ascii=False, separators=(",", ":")), cut
    return "{}", _Cut(all_of_it=True)


class _NoRoom(Exception):
    """More is shown than fits."""


@dataclass
class _Cut:
    """What was left out on the way, and how many bytes are left."""

    room: int = ROOM_BYTES
    names: int = 0
    deep: int = 0
    texts: int = 0
    hints: bool = False
    named: bool = False
    all_of_it: bool = False

    def take(self, size: int) -> None:
        """Use up so many bytes. Raises `_NoRoom` where there are not so many."""
        self.room -= size
        if self.room < 0:
            raise _NoRoom

    @property
    def words(self) -> str:
        """What was left out, as a sentence; "" where nothing was."""
        if self.all_of_it:
            return "The schema is too large to be shown."
        parts = [
            f"{self.names} names or items" if self.names else "",
            f"what is nested deeper in {self.deep} places" if self.deep else "",
            f"the ends of {self.texts} long texts" if self.texts else "",
            "hints for forms" if self.hints else "",
            "some required inputs or defaults in the lists" if self.named else "",
        ]
        told = ", ".join(filter(None, parts))
        return f"Left out: {told}." if told else ""


def _shown(value: Any, room: _Room, cut: _Cut, level: int = 0, *, secret: bool = False) -> Any:
    """A part of a schema, cleaned. `secret`: it describes an input whose values are likely to be secrets."""
    if isinstance(value, str):
        shown = one_line(value, limit=room.text)
        cut.texts += shown.endswith(_ELLIPSIS) and not value.endswith(_ELLIPSIS)
        cut.take(len(json.dumps(shown, ensure_ascii=False).encode()) + 1)
        return shown
    if isinstance(value, list):
        if level >= room.levels and value:
            cut.deep += 1
            return [_ELLIPSIS]
        cut.names += max(len(value) - room.names, 0)
        cut.take(3)
        return [_shown(each, room, cut, level + 1, secret=secret) for each in value[: room.names]]
    if isinstance(value, Mapping):
        if level >= room.levels and value:
            cut.deep += 1
            return {_ELLIPSIS: _ELLIPSIS}
        return _object(value, room, cut, level, secret=secret)
    cut.take(len(str(value)) + 1)
    if value is None or isinstance(value, bool | int):
        return value
    return float(value)  # a fraction, or what the client read as one


def _object(value: Mapping[str, Any], room: _Room, cut: _Cut, level: int, *, secret: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    cut.take(3)
    for name, entry in value.items():
        if name.startswith("x-") and not room.hints:
            cut.hints = True
            continue
        label = one_line(name, limit=_NAME_BYTES) if len(shown) < room.names else ""
        if not label or label in shown:
            cut.names += 1
            continue
        cut.take(len(label.encode()) + 4)
        is_value = (secret and name in _VALUES) or (secrets.sounds_secret(name) and not _describes(entry))
        if is_value and entry not in ("", None):
            shown[label] = secrets.MASK
            continue
        # What is inside an object of secrets is judged by its own name.
        below = name != "properties" and (secret or secrets.sounds_secret(name))
        shown[label] = _shown(entry, room, cut, level + 1, secret=below)
    return shown


_VALUES = frozenset({"default", "const", "examples"})
"""Where a schema itself holds values."""


def _describes(entry: object) -> bool:
    """Whether what stands at a name can only describe its value and not be it."""
    return isinstance(entry, Mapping | bool)


def _required(schema: Mapping[str, Any], path: str = "", level: int = 0) -> Iterator[str]:
    """The paths of what has to be given: what is required of an object that is itself optional is not among them."""
    required, properties = schema.get("required"), schema.get("properties")
    names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    for name in names:
        place = f"{path}{name}"
        yield one_line(place, limit=_NAME_BYTES)
        inner = properties.get(name) if isinstance(properties, Mapping) else None
        if isinstance(inner, Mapping) and level < _DEEPEST_NAMED:
            yield from _required(inner, f"{place}.", level + 1)


def _defaults(schema: Mapping[str, Any], path: str = "", level: int = 0) -> Iterator[str]:
    """`replicas = 1`, for each input that has a default."""
    properties = schema.get("properties")
    for name, inner in properties.items() if isinstance(properties, Mapping) else ():
        if not isinstance(inner, Mapping):
            continue
        place = f"{path}{name}"
        if "default" in inner:
            value = inner["default"]
            if secrets.sounds_secret(name) and value not in ("", None):
                value = secrets.MASK
            # Cleaned as the sentence that it is, in which an assigned secret is found by its name.
            text = json.dumps(value, ensure_ascii=False, default=float)
            yield one_line(f"{place} = {text}", limit=_DEFAULT_BYTES)
        if level < _DEEPEST_NAMED:
            yield from _defaults(inner, f"{place}.", level + 1)


_CONDITIONS = frozenset(
    {
        *("$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "not", "if"),
        *("dependentRequired", "dependentSchemas", "dependencies", "minProperties"),
    }
)


def _has_conditions(schema: Mapping[str, Any], level: int = 0) -> bool:
    """Whether an object is described by more than its `properties` and what of them is `required`."""
    properties = schema.get("properties")
    inner = properties.values() if isinstance(properties, Mapping) else ()
    return not _CONDITIONS.isdisjoint(schema) or any(
        isinstance(each, Mapping) and (level >= _DEEPEST_NAMED or _has_conditions(each, level + 1))
        for each in inner
    )
