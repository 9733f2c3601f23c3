"""What Console's schema validator (ajv) says of a value, in the sentences that Console makes of it.

A rule takes a value and its path and gives ajv's complaints in ajv's order, those of the branches of a `oneOf` that
nobody meant included. Console drops the complaint of the `oneOf` itself.
Source: akash-network/chain-sdk ts/src/utils/jsonSchemaValidation.ts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from akash_mcp.sdl.yaml.javascript import Value, is_number
from akash_mcp.sdl.yaml.loader import Path

Rule: TypeAlias = Callable[[Value, Path], list[str]]


def quoted(path: Path) -> str:
    """The last step of a path and what holds it: `"port" at "/services/web/expose/0"`."""
    return f'"{_escaped(path[-1]) if path else ""}"{at(path[:-1])}'


def at(path: Path) -> str:
    """Where: ` at "/services/web"`, and nothing at the root."""
    return ' at "' + "".join("/" + _escaped(step) for step in path) + '"' if path else ""


def _escaped(step: str | int) -> str:
    return str(step).replace("~", "~0").replace("/", "~1")


def matches(pattern: str, value: str) -> bool:
    """JavaScript's `RegExp.test`: its `$` is the very end, where Python's also stands before a last line break."""
    found = re.search(pattern, value, re.ASCII)
    return found is not None and not (value.endswith("\n") and pattern.endswith("$"))


def should_be(kind: str, path: Path) -> str:
    """The complaint about a value of another type than `kind`."""
    return f"{quoted(path)} should be {kind}."


def missing(field: str, path: Path) -> str:
    """The complaint about a map without a field that it needs."""
    return f'Missing required field: "{field}"{at(path)}.'


def anything(_value: Value, _path: Path) -> list[str]:
    """Takes every value."""
    return []


def some_map(value: Value, path: Path) -> list[str]:
    """Takes any map."""
    return [] if isinstance(value, dict) else [should_be("object", path)]


def boolean(value: Value, path: Path) -> list[str]:
    """Takes true and false, and no text that says so."""
    return [] if isinstance(value, bool) else [should_be("boolean", path)]


def string(*, least: int = 0, pattern: str = "", instead: str = "", shown: str = "string") -> Rule:
    """Takes text of at least `least` characters in which `pattern` is found.

    `instead` is what Console says in place of ajv's words on the pattern, `shown` what it calls the type: it looks
    that up in the schema, and finds "undefined" where a shared definition was in the way.
    """

    def rule(value: Value, path: Path) -> list[str]:
        if not isinstance(value, str):
            return [should_be(shown, path)]
        said = []
        if len(value) < least:
            said.append(f"{quoted(path)} must be at least {least} characters long.")
        if pattern and not matches(pattern, value):
            said.append(instead or f'Invalid format: {quoted(path)} does not match pattern "{pattern}"')
        return said

    return rule


def choice(*allowed: str) -> Rule:
    """Takes one of a few texts."""

    def rule(value: Value, path: Path) -> list[str]:
        if value in allowed:
            return []
        said = [] if isinstance(value, str) else [should_be("string", path)]
        return [*said, f"{quoted(path)} should be one of: {', '.join(allowed)}."]

    return rule


def integer(low: int, high: int | None = None) -> Rule:
    """Takes a whole number within bounds."""

    def rule(value: Value, path: Path) -> list[str]:
        if not is_number(value):
            return [should_be("integer", path)]
        said = [] if float(value).is_integer() else [should_be("integer", path)]
        if value < low:
            said.append(f"{quoted(path)} must be at least {low}.")
        if high is not None and value > high:
            said.append(f"{quoted(path)} must be at most {high}.")
        return said

    return rule


def list_of(item: Rule) -> Rule:
    """Takes a list whose items the rule `item` takes."""

    def rule(value: Value, path: Path) -> list[str]:
        if not isinstance(value, list):
            return [should_be("array", path)]
        return [said for i, each in enumerate(value) for said in item(each, (*path, i))]

    return rule


def map_of(item: Rule) -> Rule:
    """Takes a map of any names whose values the rule `item` takes."""

    def rule(value: Value, path: Path) -> list[str]:
        if not isinstance(value, dict):
            return [should_be("object", path)]
        return [said for key, each in value.items() for said in item(each, (*path, key))]

    return rule


def record(
    fields: Mapping[str, Rule], *, required: Sequence[str] = (), first: Rule = anything, shown: str = "object"
) -> Rule:
    """Takes a map of known fields. `first` is what ajv asks before it looks at the fields; `shown` as in `string`."""

    def rule(value: Value, path: Path) -> list[str]:
        said = first(value, path)
        if not isinstance(value, dict):
            return [*said, should_be(shown, path)]
        said += [missing(field, path) for field in required if field not in value]
        said += [
            f'Additional property "{key}" is not allowed{at(path)}.' for key in value if key not in fields
        ]
        return said + [
            each for key, field in fields.items() if key in value for each in field(value[key], (*path, key))
        ]

    return rule


def or_null(rule: Rule) -> Rule:
    """Takes null too: every complaint of `rule` is followed by one that the value is not null."""

    def nullable(value: Value, path: Path) -> list[str]:
        said = [] if value is None else rule(value, path)
        return [*said, should_be("null", path)] if said else []

    return nullable


def filled_in(rule: Rule) -> Rule:
    """Takes null too, because Console has put its own value there before ajv sees it."""
    return lambda value, path: [] if value is None else rule(value, path)


def one_or_more(rule: Rule) -> Rule:
    """Takes one map or a list of them, and complains of the branch that was not meant as well."""

    def either(value: Value, path: Path) -> list[str]:
        as_list = list_of(rule)(value, path)
        if isinstance(value, list):
            return [should_be("object", path), *as_list] if as_list else []
        as_map = rule(value, path) if isinstance(value, dict) else [should_be("object", path)]
        return [*as_map, *as_list] if as_map else []

    return either
