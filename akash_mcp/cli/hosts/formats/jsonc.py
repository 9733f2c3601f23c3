"""JSON with comments and trailing commas, as editors write their settings, edited in place.

The text is read into nodes that know where they begin and end. A change is a splice between them, in the indentation
and the line ends that are there, so every other byte stays.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from akash_mcp.cli.hosts.formats import Path, Tree, Unmergeable, Value, line_of, newline_of

_BLANK = re.compile(r"(?:[ \t\r\n]|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
"""What may stand between two tokens."""

_SAME_LINE = re.compile(r"(?:[ \t]|/\*[^\n]*?\*/)*(?://[^\r\n]*)?")
"""Blanks and comments up to the end of a line."""

_SCALAR = re.compile(r'["\-0-9]|true\b|false\b|null\b')
_DEEPEST = 200
"""Levels of nesting that are read: many times what a settings file has, and well within Python's own limit."""


def _refuse_constant(name: str) -> Value:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


@dataclass(slots=True)
class _Node:
    """A value and where it stands: `start` is its first character, `end` the one behind its last."""

    start: int
    end: int
    value: Value
    members: list[_Member] = field(default_factory=list)
    """Of an object or a list."""


@dataclass(slots=True)
class _Member:
    """One of an object or a list: `start` is where it begins, with its key; `comma` where one follows it."""

    key: str | int
    start: int
    node: _Node
    comma: int | None = None

    @property
    def end(self) -> int:
        """Behind its value, or behind the comma that follows."""
        return self.node.end if self.comma is None else self.comma + 1


def parse(text: str) -> Tree:
    """The object that a text holds; of an empty one, or one of comments alone, an empty object.

    Raises `Unmergeable` for what is not JSON, with its line, and for a text that holds something else.
    """
    root = _root(text)
    if root is None:
        return {}
    if not isinstance(root.value, dict):
        raise Unmergeable("it holds no JSON object", line_of(text, root.start))
    return root.value


def put(text: str, path: Path, value: Value) -> str:
    """The text with `value` at `path`. What is missing on the way there is made. Raises `Unmergeable`."""
    root = _root(text)
    if root is None:
        before = text if not text or text.endswith("\n") else text + newline_of(text)
        return put(f"{before}{{}}{newline_of(text)}", path, value)
    node = root
    for depth, key in enumerate(path):
        member = _member(text, node, key, path[:depth])
        if member is None:
            return _inserted(text, node, key, _nested(path[depth + 1 :], value))
        node = member.node
    written = _written(value, _indent_of_line(text, node.start), _unit(text, root), newline_of(text))
    return text[: node.start] + written + text[node.end :]


def remove(text: str, path: Path) -> str:
    """The text without the member at `path`, and as it is where there is none. Raises `Unmergeable`."""
    node = _root(text)
    if node is None:
        return text
    holder, member = node, None
    for depth, key in enumerate(path):
        holder, member = node, _member(text, node, key, path[:depth])
        if member is None:
            return text
        node = member.node
    return text if member is None else _removed(text, holder, member)


def _member(text: str, node: _Node, key: str | int, above: Path) -> _Member | None:
    """The member of an object or a list. Raises `Unmergeable` where it is neither, or has the key twice."""
    if not isinstance(node.value, list if isinstance(key, int) else dict):
        wanted = "a list" if isinstance(key, int) else "an object"
        name = f'"{".".join(map(str, above))}"' if above else "what it holds"
        raise Unmergeable(f"{name} is not {wanted}", line_of(text, node.start))
    found = [member for member in node.members if member.key == key]
    if len(found) > 1:
        raise Unmergeable(f'"{key}" stands there twice', line_of(text, found[1].start))
    return found[0] if found else None


def _inserted(text: str, holder: _Node, key: str | int, value: Value) -> str:
    """The text with a new last member."""
    newline, unit = newline_of(text), _unit(text, holder)
    name = "" if isinstance(key, int) else json.dumps(key, ensure_ascii=False) + ": "
    inside = text[holder.start : holder.end]
    if not holder.members:
        outer = _indent_of_line(text, holder.start)
        behind = _behind(text, holder.start + 1, holder.end)
        member = f"{newline}{outer}{unit}{name}{_written(value, outer + unit, unit, newline)}"
        closing = "" if "\n" in text[behind : holder.end - 1] else newline + outer
        return text[:behind] + member + closing + text[behind:].lstrip(" \t" if closing else "")
    last = holder.members[-1]
    if "\n" not in inside:
        member = f"{name}{json.dumps(value, ensure_ascii=False)}"
        if last.comma is None:
            return f"{text[: last.end]}, {member}{text[last.end :]}"
        return f"{text[: last.end]} {member},{text[last.end :]}"
    indent = _indent_of_line(text, last.start)
    comma, trailing = (",", "") if last.comma is None else ("", ",")
    behind = _behind(text, last.end, holder.end)
    member = f"{newline}{indent}{name}{_written(value, indent, unit, newline)}{trailing}"
    closing = "" if "\n" in text[behind : holder.end] else newline + _indent_of_line(text, holder.start)
    rest = text[behind:].lstrip(" \t") if closing else text[behind:]
    return text[: last.end] + comma + text[last.end : behind] + member + closing + rest


def _removed(text: str, holder: _Node, member: _Member) -> str:
    """The text without a member: its lines, where nothing else stands on them, and a comma that would be left over."""
    place = holder.members.index(member)
    start, end = member.start, member.end
    line = text.rfind("\n", 0, start) + 1
    behind = re.compile(r"[ \t]*\r?\n?").match(text, end)
    owns_line_start = not text[line:start].strip(" \t")
    if owns_line_start and behind is not None and behind[0].endswith("\n"):
        start, end = line, behind.end()
    elif place + 1 < len(holder.members):
        end += len(text[end:]) - len(text[end:].lstrip(" \t"))
    before = text[:start]
    if (
        place and member.comma is None
    ):  # the one before becomes the last, and had a comma only because of this one
        comma = holder.members[place - 1].comma
        assert comma is not None
        before = text[:comma] + text[comma + 1 : start]
        if not owns_line_start:
            before = before.rstrip(" \t")
    left = before + text[end:]
    if len(holder.members) == 1 and not (text[holder.start + 1 : start] + text[end : holder.end - 1]).strip():
        left = text[: holder.start + 1] + text[holder.end - 1 :]
    return left


def _behind(text: str, start: int, stop: int) -> int:
    """Where what belongs to the line of `start` ends: a comment that follows there stays with it."""
    found = _SAME_LINE.match(text, start, stop - 1)
    return start + len(found[0].rstrip(" \t")) if found is not None else start


def _nested(path: Path, value: Value) -> Value:
    for key in reversed(path):
        value = [value] if isinstance(key, int) else {key: value}
    return value


def _written(value: Value, indent: str, unit: str, newline: str) -> str:
    """The value as JSON: a member of an object a line, below `indent`, and a list of words on one line."""
    inner = indent + unit
    if isinstance(value, Mapping) and value:
        members = [
            f"{json.dumps(key, ensure_ascii=False)}: {_written(each, inner, unit, newline)}"
            for key, each in value.items()
        ]
        opening, closing = "{}"
    elif isinstance(value, list | tuple) and any(isinstance(each, Mapping) for each in value):
        members = [_written(each, inner, unit, newline) for each in value]
        opening, closing = "[]"
    else:
        return json.dumps(value, ensure_ascii=False)
    return f"{opening}{newline}{inner}{f',{newline}{inner}'.join(members)}{newline}{indent}{closing}"


def _indent_of_line(text: str, index: int) -> str:
    line = text[text.rfind("\n", 0, index) + 1 : index]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _unit(text: str, node: _Node) -> str:
    """One level of indentation: how much further in than `node` its first member stands, else two spaces."""
    outer = _indent_of_line(text, node.start)
    for member in node.members:
        inner = _indent_of_line(text, member.start)
        if text[text.rfind("\n", 0, member.start) + 1 : member.start] == inner and inner.startswith(outer):
            return inner[len(outer) :] or "  "
    return "\t" if outer.startswith("\t") else "  "


def _root(text: str) -> _Node | None:
    start = _skip(text, 0)
    if start == len(text):
        return None
    root = _node(text, start, 0)
    end = _skip(text, root.end)
    if end != len(text):
        raise Unmergeable("something follows where it should end", line_of(text, end))
    return root


def _skip(text: str, index: int) -> int:
    found = _BLANK.match(text, index)
    return index if found is None else found.end()


def _node(text: str, start: int, depth: int) -> _Node:
    if depth > _DEEPEST:
        raise Unmergeable(f"it is nested more than {_DEEPEST} deep", line_of(text, start))
    if text.startswith(("{", "["), start):
        return _container(text, start, depth)
    if not _SCALAR.match(text, start):
        raise Unmergeable("a value is missing or is not JSON", line_of(text, start))
    try:
        value, end = _DECODER.raw_decode(text, start)
    except ValueError as error:
        raise Unmergeable("a value is not JSON", line_of(text, start)) from error
    return _Node(start, end, value)


def _container(text: str, start: int, depth: int) -> _Node:
    is_object = text[start] == "{"
    closing = "}" if is_object else "]"
    node = _Node(start, start + 1, None)
    index = _skip(text, start + 1)
    while not text.startswith(closing, index):
        if node.members and node.members[-1].comma is None:
            raise Unmergeable(f'"," or "{closing}" is missing', line_of(text, min(index, len(text))))
        begin, key = index, len(node.members)
        name: str | int = key
        if is_object:
            name, index = _key(text, index)
        member = _Member(name, begin, _node(text, index, depth + 1))
        node.members.append(member)
        index = _skip(text, member.node.end)
        if text.startswith(",", index):
            member.comma = index
            index = _skip(text, index + 1)
    node.end = index + 1
    values = [member.node.value for member in node.members]
    node.value = (
        {str(member.key): value for member, value in zip(node.members, values, strict=True)}
        if is_object
        else values
    )
    return node


def _key(text: str, index: int) -> tuple[str, int]:
    """The key of a member, and where its value begins."""
    if not text.startswith('"', index):
        raise Unmergeable("a key in double quotes is missing", line_of(text, min(index, len(text))))
    key = _node(text, index, 0)
    colon = _skip(text, key.end)
    if not text.startswith(":", colon):
        raise Unmergeable('":" is missing behind a key', line_of(text, colon))
    return str(key.value), _skip(text, colon + 1)
