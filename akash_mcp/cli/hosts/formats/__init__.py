"""Editing a host's file in place: one module a format, each of which changes what it is told to and no other byte.

Each has `parse`, `put` and `remove`, and raises `Unmergeable` for a text that it cannot take.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

Value: TypeAlias = "str | int | float | bool | Sequence[Value] | Mapping[str, Value] | None"
"""What a configuration file holds."""

Tree: TypeAlias = dict[str, Value]
Path: TypeAlias = tuple[str | int, ...]
"""Keys from the root to a value; a number is a place in a list."""

Name = Literal["jsonc", "toml", "yaml"]


class Unmergeable(Exception):
    """A text that we do not edit: why not, and in which line (from 1) where that is known."""

    def __init__(self, why: str, line: int | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.line = line


class Format(Protocol):
    """What a module of this folder offers."""

    def parse(self, text: str) -> Tree:
        """What the text says. An empty text is an empty tree."""

    def put(self, text: str, path: Path, value: Value) -> str:
        """The text with `value` at `path`, in place of what is there or behind the last of its neighbours."""

    def remove(self, text: str, path: Path) -> str:
        """The text without what is at `path`, and with the comments around it."""


@dataclass(frozen=True, slots=True)
class Put:
    """A value that a file is to have."""

    path: Path
    value: Value


@dataclass(frozen=True, slots=True)
class Remove:
    """A value that a file is to lose."""

    path: Path


Change = Put | Remove


def format_named(name: Name) -> Format:
    """The module of a format. It is imported here, since TOML and YAML bring a library each."""
    if name == "toml":
        from akash_mcp.cli.hosts.formats import toml

        return toml
    if name == "yaml":
        from akash_mcp.cli.hosts.formats import yaml

        return yaml
    from akash_mcp.cli.hosts.formats import jsonc

    return jsonc


def edited(format: Format, text: str, changes: Sequence[Change]) -> str:
    """The text with the changes, proven: it says what it said before, and them, and nothing else.

    Raises `Unmergeable`, also where that proof fails: a file with a form that no editor here knows stays as it is.
    """
    expected = format.parse(text)
    for change in changes:
        if isinstance(change, Put):
            text = format.put(text, change.path, change.value)
            expected = _with(expected, change.path, change.value)
        else:
            text = format.remove(text, change.path)
            expected = _without(expected, change.path)
    try:
        says_it = _bare(format.parse(text)) == _bare(expected)
    except Unmergeable:
        says_it = False
    if not says_it:
        raise Unmergeable("it is written in a way in which we cannot change one entry alone")
    return text


def at(tree: Value, path: Path) -> Value:
    """What a tree has at a path, or None."""
    for key in path:
        if isinstance(key, int):
            tree = tree[key] if isinstance(tree, list) and key < len(tree) else None
        else:
            tree = tree.get(key) if isinstance(tree, Mapping) else None
    return tree


def line_of(text: str, index: int) -> int:
    """The line, from 1, of a place in a text."""
    return text.count("\n", 0, index) + 1


def lines_of(text: str) -> list[str]:
    """The lines of a text with their ends, and parted by line feeds alone: a comment may hold other separators."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def newline_of(text: str) -> str:
    """How the text ends its lines: what new ones end with as well."""
    return "\r\n" if "\r\n" in text else "\n"


def _with(tree: Tree, path: Path, value: Value) -> Tree:
    copied = dict(tree)
    within: Value = copied
    for key, following in zip(path, (*path[1:], None), strict=True):
        inside = value if following is None else _copy_of(at(within, (key,)), following)
        if isinstance(within, list) and isinstance(key, int):
            within[key : key + 1] = [inside]
        elif isinstance(within, dict) and isinstance(key, str):
            within[key] = inside
        within = inside
    return copied


def _without(tree: Tree, path: Path) -> Tree:
    *above, last = path
    holder = at(tree, tuple(above))
    if isinstance(holder, Mapping):
        left: Value = {key: value for key, value in holder.items() if key != last}
    elif isinstance(holder, list):
        left = [value for place, value in enumerate(holder) if place != last]
    else:
        return tree
    return _with(tree, tuple(above), left) if above else dict(_pairs(left))


def _bare(value: Value) -> Value:
    """A value without empty tables: a format may keep one or lose it with the last that stood in it."""
    if not isinstance(value, Mapping):
        return value
    members = {key: _bare(each) for key, each in value.items()}
    return {key: each for key, each in members.items() if each not in ({}, None)}


def _copy_of(value: Value, following: str | int) -> Value:
    if isinstance(following, int):
        return list(value) if isinstance(value, list) else []
    return dict(_pairs(value))


def _pairs(value: Value) -> Iterator[tuple[str, Value]]:
    return iter(value.items()) if isinstance(value, Mapping) else iter(())
