"""`${NAME}` in a compose file, as Compose fills it in: `$NAME`, `${NAME:-default}`, `${NAME:?error}`, `${NAME:+other}`.

Values come from the caller only: the environment of this machine belongs to its owner. So a variable without a value
and a default is `Unresolved`, where Compose would put an empty text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NoReturn

MAX_NESTED = 20
"""How deep defaults may be nested."""
MAX_LENGTH = 512 * 1024
"""Characters of one text with its variables filled in, as many as a whole file may have."""

UNSET = "\x00"
"""What stands for a variable without a value in a text of which only the form counts. YAML knows no such character."""

_DOLLAR = re.compile(r"\$(?:(?P<escaped>\$)|(?P<plain>[A-Za-z_][A-Za-z0-9_]*)|(?P<open>\{))", re.ASCII)
_BRACE = re.compile(r"\$\{|\}")
_INSIDE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-?+])(.*))?", re.ASCII | re.DOTALL)


class Unresolved(Exception):
    """A variable that has neither a value nor a default. `required`: the file itself says that it must have one
    (`${NAME:?message}`)."""

    def __init__(self, name: str, *, required: bool = False, message: str = "") -> None:
        super().__init__(name)
        self.name = name
        self.required = required
        self.message = message


def raised(variable: Unresolved) -> NoReturn:
    """Raises it: nothing stands for a variable without a value."""
    raise variable


class BadExpression(ValueError):
    """An expression that Compose would refuse too."""


def interpolate(
    text: str,
    values: Mapping[str, str],
    defaulted: set[str],
    *,
    unset: Callable[[Unresolved], str] = raised,
    depth: int = 0,
) -> str:
    """The text with every variable filled in. Names whose default was used are added to `defaulted`.

    `unset` says what stands for a variable that has neither a value nor a default, or raises it. Raises
    `BadExpression`.
    """
    if "$" not in text:
        return text
    if depth > MAX_NESTED:
        raise BadExpression(f"defaults are nested more than {MAX_NESTED} deep")
    out: list[str] = []
    at = length = 0
    while match := _DOLLAR.search(text, at):
        out.append(text[at : match.start()])
        at = match.end()
        if match["escaped"]:
            out.append("$")
        elif name := match["plain"]:
            out.append(_value(name, "", "", values, defaulted, unset, depth))
        else:
            end = _closing(text, at)
            inside = _INSIDE.fullmatch(text, at, end)
            if inside is None:
                raise BadExpression("there is no variable name between ${ and }")
            operator, word = inside[2] or "", inside[3] or ""
            out.append(_value(inside[1], operator, word, values, defaulted, unset, depth))
            at = end + 1
        length += len(out[-1])
        if length > MAX_LENGTH:
            raise BadExpression(f"with its variables it is longer than {MAX_LENGTH} characters")
    out.append(text[at:])
    return "".join(out)


def _closing(text: str, at: int) -> int:
    """Where the brace ends that was opened before `at`."""
    opened = 1
    for brace in _BRACE.finditer(text, at):
        opened += 1 if brace[0] == "${" else -1
        if opened == 0:
            return brace.start()
    raise BadExpression("a ${ is never closed")


def _value(
    name: str,
    operator: str,
    word: str,
    values: Mapping[str, str],
    defaulted: set[str],
    unset: Callable[[Unresolved], str],
    depth: int,
) -> str:
    value = values.get(name)
    there = value is not None and (value != "" or not operator.startswith(":"))
    if operator.endswith("+"):
        return interpolate(word, values, defaulted, unset=unset, depth=depth + 1) if there else ""
    if value is not None and there:
        return value
    if operator.endswith("-"):
        defaulted.add(name)
        return interpolate(word, values, defaulted, unset=unset, depth=depth + 1)
    return unset(Unresolved(name, required=operator.endswith("?"), message=word))
