"""Small checkers that are put together to a grammar.

A shape takes a value and its path and gives the problems found. Each problem says in plain words what is wrong and
carries the Console's own texts for it (`akash-network/chain-sdk` ts/src/utils/jsonSchemaValidation.ts), in the order
in which its schema validator (AJV) utters them, those of branches that nobody meant included.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

from akash_mcp.sdl.rules import hints
from akash_mcp.sdl.yaml.javascript import Value, is_number
from akash_mcp.sdl.yaml.loader import Path


@dataclass(slots=True)
class Problem:
    """One thing wrong with the form of an SDL. `at_key`: it is the key at `path` that is wrong, not its value."""

    rule: str
    path: Path
    message: str
    official: list[str]
    hint: str = ""
    at_key: bool = False


Shape: TypeAlias = Callable[[Value, Path], list[Problem]]


def pointer(path: Path) -> str:
    """A path as a JSON pointer: `/services/web/expose/0`, empty for the root."""
    return "".join(["/" + _escaped(step) for step in path])


def _escaped(step: str | int) -> str:
    return str(step).replace("~", "~0").replace("/", "~1")


def at(path: Path) -> str:
    """How Console says where: ` at "/services/web"`, and nothing at the root."""
    return f' at "{pointer(path)}"' if path else ""


def quoted(path: Path) -> str:
    """The last step of a path and its place: `"port" at "/services/web/expose/0"`."""
    return f'"{_escaped(path[-1]) if path else ""}"{at(path[:-1])}'


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


def wrong_type(value: Value, path: Path, wanted: str, *, shown: str | None = None) -> Problem:
    """`value` is not of the JSON schema type `wanted`. `shown` is what Console calls that type, where it errs."""
    return Problem(
        "S03",
        path,
        f"{name(path)} must be {_WORDS[wanted]}, and is {hints.kind_of(value, path)}",
        [f"{quoted(path)} should be {shown or wanted}."],
        hints.for_type(value, path, wanted),
        at_key=value is None,
    )


def anything(_value: Value, _path: Path) -> list[Problem]:
    """Every value will do."""
    return []


def any_map(value: Value, path: Path) -> list[Problem]:
    """A map of whatever."""
    return [] if isinstance(value, dict) else [wrong_type(value, path, "object")]


def flag(value: Value, path: Path) -> list[Problem]:
    """A real boolean."""
    return [] if isinstance(value, bool) else [wrong_type(value, path, "boolean")]


def string(
    *,
    least: int = 0,
    pattern: str | None = None,
    meaning: str = "",
    official: str = "",
    shown: str | None = None,
) -> Shape:
    """Text of at least `least` characters in which `pattern` is found. `meaning` says what the pattern asks for."""
    expression = re.compile(pattern, re.ASCII) if pattern else None

    def check(value: Value, path: Path) -> list[Problem]:
        if not isinstance(value, str):
            return [wrong_type(value, path, "string", shown=shown)]
        said: list[str] = []
        if len(value) < least:
            said.append(f"{quoted(path)} must be at least {least} characters long.")
        if expression and not found(expression, value):
            said.append(official or f'Invalid format: {quoted(path)} does not match pattern "{pattern}"')
        if not said:
            return []
        wanted = meaning or (f"have at least {least} characters" if least > 1 else "not be empty")
        return [Problem("S05", path, f"{name(path)} must {wanted}", said, hints.for_format(value, path))]

    return check


def found(expression: re.Pattern[str], value: str) -> bool:
    """JavaScript's `test`: its `$` is the very end, where Python's also stands before a last line break."""
    return expression.search(value) is not None and not (
        value.endswith("\n") and expression.pattern.endswith("$")
    )


def choice(*allowed: str) -> Shape:
    """One of a few texts."""

    def check(value: Value, path: Path) -> list[Problem]:
        if value in allowed:
            return []
        said = [] if isinstance(value, str) else [f"{quoted(path)} should be string."]
        said.append(f"{quoted(path)} should be one of: {', '.join(allowed)}.")
        given = "a number, not text" if is_number(value) else hints.shown(value)
        message = f"{name(path)} must be one of {', '.join(allowed)}, and is {given}"
        return [
            Problem("S04", path, message, said, hints.for_choice(value, path, allowed), at_key=value is None)
        ]

    return check


def whole(low: int, high: int | None = None) -> Shape:
    """A whole number within bounds."""

    def check(value: Value, path: Path) -> list[Problem]:
        if not is_number(value):
            return [wrong_type(value, path, "integer")]
        problems = [] if float(value).is_integer() else [wrong_type(value, path, "integer")]
        if value < low:
            said = f"{quoted(path)} must be at least {low}."
            problems.append(Problem("S06", path, f"{name(path)} must be {low} or more", [said]))
        if high is not None and value > high:
            said = f"{quoted(path)} must be at most {high}."
            problems.append(Problem("S06", path, f"{name(path)} must be {high} or less", [said]))
        return problems

    return check


def list_of(item: Shape) -> Shape:
    """A list whose items all have one shape."""

    def check(value: Value, path: Path) -> list[Problem]:
        if not isinstance(value, list):
            return [wrong_type(value, path, "array")]
        return _each(item, enumerate(value), path)

    return check


def map_of(item: Shape) -> Shape:
    """A map of free names to values of one shape."""

    def check(value: Value, path: Path) -> list[Problem]:
        if not isinstance(value, dict):
            return [wrong_type(value, path, "object")]
        return _each(item, value.items(), path)

    return check


ENOUGH = 100
"""Problems after which we look for no more in the same list or map: nobody reads so many."""


def _each(item: Shape, values: Iterable[tuple[str | int, Value]], path: Path) -> list[Problem]:
    problems: list[Problem] = []
    for step, value in values:
        problems += item(value, (*path, step))
        if len(problems) > ENOUGH:
            break
    return problems


def record(
    what: str,
    fields: Mapping[str, Shape],
    *,
    required: Sequence[str] = (),
    first: Shape = anything,
    shown: str | None = None,
) -> Shape:
    """A map with known fields, called `what` in messages. `first` checks fields against each other before all else."""

    def check(value: Value, path: Path) -> list[Problem]:
        problems = first(value, path)
        if not isinstance(value, dict):
            return [*problems, wrong_type(value, path, "object", shown=shown)]
        problems += [missing(field, what, path) for field in required if field not in value]
        for key in islice((key for key in value if key not in fields), ENOUGH):
            message = f'{what} has no field "{key}"'
            said = [f'Additional property "{key}" is not allowed{at(path)}.']
            hint = hints.for_unknown(key, what, fields)
            problems.append(Problem("S02", (*path, key), message, said, hint, at_key=True))
        for key, shape in fields.items():
            if key in value:
                problems += shape(value[key], (*path, key))
        return problems

    return check


def missing(field: str, what: str, path: Path) -> Problem:
    """A required field is not there."""
    said = f'Missing required field: "{field}"{at(path)}.'
    message = f'{what} needs the field "{field}"'
    return Problem("S01", path, message, [said], hints.for_missing(field, what), at_key=True)


def filled_in(shape: Shape) -> Shape:
    """The shape, or nothing at all, because Console puts its own value there."""
    return lambda value, path: [] if value is None else shape(value, path)


def or_null(shape: Shape) -> Shape:
    """The shape, or nothing at all. Console echoes every problem with a complaint that the value is not null."""

    def check(value: Value, path: Path) -> list[Problem]:
        if value is None:
            return []
        problems = shape(value, path)
        if problems:
            problems[-1].official.append(f"{quoted(path)} should be null.")
        return problems

    return check
