"""The types that the schema of an SDL is put together from: text, whole numbers, choices, lists, maps and records.

A type takes a value and its path and gives the faults found, one for each mistake, in plain words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import TypeAlias

from akash_mcp.sdl.report import Fault
from akash_mcp.sdl.rules import hints
from akash_mcp.sdl.yaml.javascript import Value, is_number
from akash_mcp.sdl.yaml.loader import Path

SchemaType: TypeAlias = Callable[[Value, Path], list[Fault]]
"""Judges a value, and gives what is wrong with it."""


def pointer(path: Path) -> str:
    """A path as a JSON pointer: `/services/web/expose/0`, empty for the root."""
    return "".join(["/" + str(step).replace("~", "~0").replace("/", "~1") for step in path])


def name(path: Path) -> str:
    """What to call the value at `path` in a sentence."""
    if not path:
        return "the SDL"
    last = path[-1]
    return f"item {last + 1} of {name(path[:-1])}" if isinstance(last, int) else f'"{last}"'


_WORDS = {
    "object": "a map",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


def wrong_type(value: Value, path: Path, wanted: str) -> Fault:
    """The fault (S03) of a `value` that is not of the JSON schema type `wanted`."""
    return Fault(
        "S03",
        path,
        f"{name(path)} must be {_WORDS[wanted]}, and is {hints.kind_of(value, path)}",
        hints.for_type(value, path, wanted),
        at_key=value is None,
    )


def anything(_value: Value, _path: Path) -> list[Fault]:
    """Takes every value."""
    return []


def any_map(value: Value, path: Path) -> list[Fault]:
    """Takes any map."""
    return [] if isinstance(value, dict) else [wrong_type(value, path, "object")]


def flag(value: Value, path: Path) -> list[Fault]:
    """Takes true and false, and no text that says so."""
    return [] if isinstance(value, bool) else [wrong_type(value, path, "boolean")]


def string(*, least: int = 0, pattern: str | None = None, meaning: str = "") -> SchemaType:
    """Takes text of at least `least` characters in which `pattern` is found.

    `meaning` says what the pattern asks for, after "must": `be a path that begins with "/"`.
    """
    expression = re.compile(pattern, re.ASCII) if pattern else None

    def check(value: Value, path: Path) -> list[Fault]:
        if not isinstance(value, str):
            return [wrong_type(value, path, "string")]
        if len(value) >= least and (expression is None or found(expression, value)):
            return []
        wanted = meaning or (f"have at least {least} characters" if least > 1 else "not be empty")
        return [Fault("S05", path, f"{name(path)} must {wanted}", hints.for_format(value, path))]

    return check


def found(expression: re.Pattern[str], value: str) -> bool:
    """Whether `expression` is found in `value`, as JavaScript's `test` says: its `$` is the very end, where
    Python's also stands before a last line break.
    """
    return expression.search(value) is not None and not (
        value.endswith("\n") and expression.pattern.endswith("$")
    )


def choice(*allowed: str) -> SchemaType:
    """Takes one of a few texts."""

    def check(value: Value, path: Path) -> list[Fault]:
        if value in allowed:
            return []
        given = "a number, not text" if is_number(value) else hints.shown(value)
        message = f"{name(path)} must be one of {', '.join(allowed)}, and is {given}"
        return [Fault("S04", path, message, hints.for_choice(value, path, allowed), at_key=value is None)]

    return check


def whole(low: int, high: int | None = None) -> SchemaType:
    """Takes a whole number within bounds."""

    def check(value: Value, path: Path) -> list[Fault]:
        if not is_number(value):
            return [wrong_type(value, path, "integer")]
        # The Console's schema takes an infinite number for a whole one.
        is_whole = math.isinf(value) or float(value).is_integer()
        faults = [] if is_whole else [wrong_type(value, path, "integer")]
        if value < low:
            faults.append(Fault("S06", path, f"{name(path)} must be {low} or more"))
        if high is not None and value > high:
            faults.append(Fault("S06", path, f"{name(path)} must be {high} or less"))
        return faults

    return check


def list_of(item: SchemaType) -> SchemaType:
    """Takes a list whose items all have one shape."""

    def check(value: Value, path: Path) -> list[Fault]:
        if not isinstance(value, list):
            return [wrong_type(value, path, "array")]
        return _each(item, enumerate(value), path)

    return check


def map_of(item: SchemaType) -> SchemaType:
    """Takes a map of any names to values of one shape."""

    def check(value: Value, path: Path) -> list[Fault]:
        if not isinstance(value, dict):
            return [wrong_type(value, path, "object")]
        return _each(item, value.items(), path)

    return check


ENOUGH = 100
"""Faults after which one list or map is not searched further: nobody reads so many."""


def _each(item: SchemaType, values: Iterable[tuple[str | int, Value]], path: Path) -> list[Fault]:
    faults: list[Fault] = []
    for step, value in values:
        faults += item(value, (*path, step))
        if len(faults) > ENOUGH:
            break
    return faults


def record(
    what: str,
    fields: Mapping[str, SchemaType],
    *,
    required: Sequence[str] = (),
    first: SchemaType = anything,
) -> SchemaType:
    """Takes a map of known fields, called `what` in messages. `first` judges fields against each other."""

    def check(value: Value, path: Path) -> list[Fault]:
        faults = first(value, path)
        if not isinstance(value, dict):
            return [*faults, wrong_type(value, path, "object")]
        faults += [missing(field, what, path, value) for field in required if field not in value]
        for key in islice((key for key in value if key not in fields), ENOUGH):
            message = f'{what} has no field "{key}"'
            fix = hints.for_unknown(key, what, fields)
            named = hints.named_in(fix, fields) or (fields if len(fields) == 1 else ())
            meant = tuple((*path, field) for field in named if field not in value)
            faults.append(Fault("S02", (*path, key), message, fix, at_key=True, lacks=meant))
        for key, shape in fields.items():
            if key in value:
                faults += shape(value[key], (*path, key))
        return faults

    return check


def missing(field: str, what: str, path: Path, value: Mapping[str, Value]) -> Fault:
    """The fault (S01) of a map, called `what`, without a field that it needs. `value` is the map."""
    message = f'{what} needs the field "{field}"'
    fix = hints.for_missing(field, what, value)
    return Fault("S01", path, message, fix, at_key=True, lacks=((*path, field),))


def or_null(shape: SchemaType) -> SchemaType:
    """Takes the shape, or null."""
    return lambda value, path: [] if value is None else shape(value, path)
