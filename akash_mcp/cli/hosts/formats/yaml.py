"""YAML edited in place, by where PyYAML's nodes begin and end: a round trip would write the whole file anew.

New values are written as JSON, which is YAML too, so that no path or text needs other quotes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

import yaml

from akash_mcp.cli.hosts.formats import Path, Tree, Unmergeable, Value, line_of, newline_of


def parse(text: str) -> Tree:
    """The mapping that a text holds. Raises `Unmergeable` for what is not YAML, with its line."""
    root = _root(text)
    if root is None:
        return {}
    try:
        return dict(yaml.SafeLoader("").construct_document(root))
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error) from error
    except ValueError as error:  # a day that there is not, or a number of too many digits
        raise Unmergeable("it holds a value that cannot be read") from error


def put(text: str, path: Path, value: Value) -> str:
    """The text with `value` at `path`, a new member behind the others. Raises `Unmergeable`."""
    found = _found(text, path)
    if found.member is None:
        missing = path[found.depth :]
        for key in reversed(missing[1:]):
            value = {str(key): value}
        return _inserted(text, found.holder, str(missing[0]), value)
    node = found.member.value
    if isinstance(value, Mapping) and not _is_empty(node):
        raise Unmergeable(f'"{path[-1]}" is there already', line_of(text, node.start_mark.index))
    start, end = node.start_mark.index, _end(node)
    written = json.dumps(value, ensure_ascii=False)
    if isinstance(node, yaml.CollectionNode) and not node.flow_style:  # on lines of its own, below the key
        colon = text.index(":", found.member.key.end_mark.index) + 1
        return f"{text[:colon]} {written}{text[colon : _line_end(text, colon)]}{text[_line_end(text, end) :]}"
    return text[:start] + (" " if text[start - 1] == ":" else "") + written + text[end:]


def remove(text: str, path: Path) -> str:
    """The text without the lines of the member at `path`. Raises `Unmergeable`."""
    found = _found(text, path)
    if found.member is None or found.holder is None:
        return text
    start, end = found.member.key.start_mark.index, _end(found.member.value)
    if found.holder.flow_style:
        behind = re.compile(r"\s*,[ \t]*").match(text, end)
        if behind is not None:
            end = behind.end()
        elif (before := re.compile(r",\s*\Z").search(text, 0, start)) is not None:
            start = before.start()
        return text[:start] + text[end:]
    start = text.rfind("\n", 0, start) + 1
    end = _line_end(text, end)
    if len(found.holder.value) == 1:  # a key without a value would be null, and a host may want a mapping
        colon = text.rindex(":", 0, start) + 1
        return f"{text[:colon]} {{}}{text[colon:start]}{text[end:]}"
    return text[:start] + text[end:]


class _Member(NamedTuple):
    key: yaml.ScalarNode
    value: yaml.Node


class _Found(NamedTuple):
    """How far a path leads: the mapping that holds its last key, or would, and the member where there is one."""

    holder: yaml.MappingNode | None
    member: _Member | None
    depth: int


def _found(text: str, path: Path) -> _Found:
    node: yaml.Node | None = _root(text)
    holder: yaml.MappingNode | None = None
    member: _Member | None = None
    for depth, key in enumerate(path):
        if node is None or _is_empty(node):
            return _Found(node if isinstance(node, yaml.MappingNode) else _empty_place(member), None, depth)
        if not isinstance(node, yaml.MappingNode):
            raise Unmergeable(f'"{path[depth - 1]}" is not a mapping', node.start_mark.line + 1)
        holder, member = node, _member(node, key)
        if member is None:
            return _Found(holder, None, depth)
        node = member.value
    return _Found(holder, member, len(path))


def _empty_place(member: _Member | None) -> yaml.MappingNode | None:
    """A mapping where a key has no value: it stands behind the colon."""
    if member is None:
        return None
    return yaml.MappingNode("", [], member.value.start_mark, member.value.end_mark, flow_style=None)


def _member(node: yaml.MappingNode, key: str | int) -> _Member | None:
    found = [_Member(name, value) for name, value in node.value if name.value == key]
    if len(found) > 1:
        raise Unmergeable(f'"{key}" stands there twice', found[1].key.start_mark.line + 1)
    return found[0] if found else None


def _inserted(text: str, holder: yaml.MappingNode | None, key: str, value: Value) -> str:
    newline = newline_of(text)
    if holder is None:  # a text that says nothing yet
        return _on_new_lines(text, len(text), "", key, value, newline)
    if not holder.value and holder.flow_style is None:
        place = _line_end(text, holder.start_mark.index)
        outer = re.match(r"[ \t]*", text[text.rfind("\n", 0, holder.start_mark.index) + 1 :])
        return _on_new_lines(text, place, f"{outer[0] if outer else ''}  ", key, value, newline)
    if holder.flow_style:
        inside = holder.start_mark.index + 1
        comma = ", " if holder.value else ""
        return (
            f"{text[:inside]}{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}{comma}{text[inside:]}"
        )
    indent = " " * holder.value[0][0].start_mark.column
    return _on_new_lines(text, _line_end(text, _end(holder)), indent, key, value, newline)


def _on_new_lines(text: str, place: int, indent: str, key: str, value: Value, newline: str) -> str:
    """The text with a member on lines of its own at `place`, which is where a line begins, or the end."""
    before = text[:place]
    if before and not before.endswith("\n"):
        before += newline
    return before + _block(key, value, indent, newline) + text[place:]


def _block(key: str, value: Value, indent: str, newline: str) -> str:
    if not isinstance(value, Mapping) or not value:
        return f"{indent}{key}: {json.dumps(value, ensure_ascii=False)}{newline}"
    members = (_block(inner, each, f"{indent}  ", newline) for inner, each in value.items())
    return f"{indent}{key}:{newline}{''.join(members)}"


def _end(node: yaml.Node) -> int:
    """Behind the last character of a node: a block's own end is where the next token begins, comments later."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _end(node.value[-1][1])
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _end(node.value[-1])
    return int(node.end_mark.index)


def _line_end(text: str, index: int) -> int:
    """Where the next line begins; here, where a line begins here already, as behind a block of text."""
    if index and text[index - 1] == "\n":
        return index
    found = text.find("\n", index)
    return len(text) if found < 0 else found + 1


def _is_empty(node: yaml.Node) -> bool:
    if isinstance(node, yaml.ScalarNode):
        return bool(node.tag == "tag:yaml.org,2002:null")
    return isinstance(node, yaml.MappingNode) and not node.value


def _root(text: str) -> yaml.MappingNode | None:
    """The mapping that is the whole text, or None of one that says nothing."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error) from error
    except yaml.YAMLError as error:
        raise Unmergeable("it is not YAML") from error
    if root is None or _is_empty(root):
        return root if isinstance(root, yaml.MappingNode) else None
    if not isinstance(root, yaml.MappingNode):
        raise Unmergeable("it holds no mapping", root.start_mark.line + 1)
    return root


def _not_yaml(error: yaml.MarkedYAMLError) -> Unmergeable:
    line = None if error.problem_mark is None else error.problem_mark.line + 1
    return Unmergeable(f"it is not YAML: {error.problem}", line)
