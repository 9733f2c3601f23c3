"""Reading the text of an SDL: YAML 1.2 as js-yaml 4.2 reads it, with a line and a column for every value.

PyYAML's parser gives the events, this module composes them, so that nothing recurses and every bound (size, depth,
number of values after aliases are expanded) is checked while reading. Duplicate keys, a second document and unknown
tags are refused, anchors, aliases and merge keys are taken, as Console does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import yaml

from akash_mcp.sdl.javascript import Date, Value, text
from akash_mcp.sdl.scalars import resolve

MAX_BYTES = 512 * 1024
"""The largest request body that Console takes."""
MAX_DEPTH = 100
"""js-yaml's own bound."""
MAX_VALUES = 10_000
"""Values after expanding aliases: several times the largest SDL in the wild."""
MAX_CHARACTERS = 4 * MAX_BYTES
"""Characters of text after expanding aliases."""

Path: TypeAlias = tuple[str | int, ...]


class Mark(NamedTuple):
    """A place in the text, counted from 1."""

    line: int
    column: int


class BadYaml(ValueError):
    """Text that is no YAML document we can take. `mark` says where, `official` how js-yaml puts it."""

    def __init__(self, message: str, mark: Mark, *, official: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.mark = mark
        self.official = official or message
        self.hint = hint


@dataclass(slots=True)
class Node:
    """A value and where it stands. `children` are those of a map or list; `keys` is where a map's keys stand.

    `weight` counts the values in it, `length` their characters, `height` how deep they are nested.
    """

    mark: Mark
    value: Value
    children: dict[str | int, Node] = field(default_factory=dict)
    keys: dict[str, Mark] = field(default_factory=dict)
    merged: set[str] = field(default_factory=set)
    weight: int = 1
    length: int = 0
    height: int = 1


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed text: `data` is plain values, `where` finds their places."""

    root: Node

    @property
    def data(self) -> Value:
        return self.root.value

    def where(self, path: Path, *, key: bool = False) -> Mark:
        """The place of the value at `path`, or of its key; of the nearest one above where there is none."""
        node, at_key = self.root, self.root.mark
        for step in path:
            child = node.children.get(step)
            if child is None:
                return at_key
            at_key = node.keys.get(str(step), child.mark)
            node = child
        return at_key if key else node.mark


def load(source: str) -> Document:
    """Parse one YAML document. Raises `BadYaml`, and nothing else, on text that is none."""
    if len(source) > MAX_BYTES or len(source.encode(errors="replace")) > MAX_BYTES:
        raise BadYaml("the SDL is larger than 512 KiB, which is all that the Console takes", Mark(1, 1))
    source = source.removeprefix("\ufeff")
    if bad := _UNPRINTABLE.search(source):
        raise BadYaml(
            f"the text holds the character U+{ord(bad[0]):04X}, which YAML does not allow",
            _mark_of(source, bad.start()),
            official="the stream contains non-printable characters",
            hint="remove it, or write it as an escape inside double quotes",
        )
    return Document(_Composer(source).compose())


_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_BREAKS_OF_YAML_1_1 = "\x85\u2028\u2029"


def _mark_of(source: str, offset: int) -> Mark:
    before = source[:offset]
    return Mark(before.count("\n") + 1, offset - before.rfind("\n"))


class _Composer:
    """Turns events into nodes with a stack of its own."""

    def __init__(self, source: str) -> None:
        self.shield = _shield(source)
        self.source = source.translate(self.shield)
        self.unshield = {value: key for key, value in self.shield.items()}
        self.anchors: dict[str, Node] = {}
        self.values = 0
        self.characters = 0

    def compose(self) -> Node:
        root: Node | None = None
        stack: list[tuple[Node, str | None]] = []  # open collections with the anchor each will answer to
        pending: list[
            tuple[Node, bool] | None
        ] = []  # beside it: a map's key that waits for its value, is it "<<"
        for event in self._events():
            mark = _mark(event)
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise BadYaml(
                        "the text holds a second YAML document; an SDL is one",
                        mark,
                        official="expected a single document in the stream, but found more",
                        hint='remove the "---" and what follows it',
                    )
                continue
            if isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
                if len(stack) >= MAX_DEPTH:
                    raise BadYaml(f"values are nested more than {MAX_DEPTH} deep", mark)
                _check_collection_tag(event, mark)
                stack.append(
                    (Node(mark, [] if isinstance(event, yaml.SequenceStartEvent) else {}), event.anchor)
                )
                pending.append(None)
                self._count(1, 0, mark)
                continue
            is_merge = False
            if isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
                node, anchor = stack.pop()
                pending.pop()
            elif isinstance(event, yaml.ScalarEvent):
                node, anchor = Node(mark, self._scalar(event, mark), length=len(event.value)), event.anchor
                is_merge = event.value == "<<" and event.implicit[0] and event.tag is None
                self._count(1, node.length, mark)
            elif isinstance(event, yaml.AliasEvent):
                node, anchor = self._alias(event, mark, len(stack)), None
            else:
                continue
            if anchor is not None:
                self.anchors[anchor] = node
            if not stack:
                root = node
                continue
            parent = stack[-1][0]
            if isinstance(parent.value, list):
                parent.children[len(parent.value)] = node
                parent.value.append(node.value)
                _grow(parent, node)
            elif (waiting := pending[-1]) is None:
                pending[-1] = (node, is_merge)
            else:
                pending[-1] = None
                self._pair(parent, waiting, node)
        return root or Node(Mark(1, 1), None)

    def _events(self) -> Iterator[yaml.Event]:
        try:
            yield from yaml.parse(self.source, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            raise self._said_plainly(error) from error
        except yaml.reader.ReaderError as error:
            raise BadYaml(f"the text is not readable as YAML: {error.reason}", Mark(1, 1)) from error

    def _said_plainly(self, error: yaml.MarkedYAMLError) -> BadYaml:
        place = error.problem_mark or error.context_mark
        line, column = (place.line + 1, place.column + 1) if place else (1, 1)
        lines = self.source.splitlines() or [""]
        past_the_end = line > len(lines)
        mark = Mark(len(lines), len(lines[-1]) + 1) if past_the_end else Mark(line, column)
        if not past_the_end and lines[line - 1][:column].strip(" ").startswith("\t"):
            problem = "tab characters must not be used in indentation"
            message, hint = "the line is indented with a tab", "indent with spaces"
        elif error.problem == "found unexpected end of stream" and (opened := error.context_mark):
            kind = "double" if lines[opened.line][opened.column : opened.column + 1] == '"' else "single"
            problem = f"unexpected end of the stream within a {kind} quoted scalar"
            message, hint = f"the quote opened at line {opened.line + 1} is never closed", "close it"
        else:
            problem = " ".join(part for part in (error.context, error.problem) if part)
            message, hint = f"the YAML is broken here: {problem}", ""
        return BadYaml(message, mark, official=f"{problem} ({line}:{column})", hint=hint)

    def _count(self, values: int, characters: int, mark: Mark) -> None:
        self.values += values
        self.characters += characters
        if self.values > MAX_VALUES or self.characters > MAX_CHARACTERS:
            what = f"{MAX_VALUES} values" if self.values > MAX_VALUES else f"{MAX_CHARACTERS} characters"
            raise BadYaml(f"the SDL holds more than {what}, counting each use of an alias", mark)

    def _alias(self, event: yaml.AliasEvent, mark: Mark, depth: int) -> Node:
        target = self.anchors.get(event.anchor or "")
        if target is None:
            raise BadYaml(
                f'the alias "*{event.anchor}" names no anchor that is complete before it',
                mark,
                official=f'unidentified alias "{event.anchor}" ({mark.line}:{mark.column})',
            )
        if depth + target.height > MAX_DEPTH:
            raise BadYaml(f"values are nested more than {MAX_DEPTH} deep", mark)
        self._count(target.weight, target.length, mark)
        return target

    def _pair(self, parent: Node, waiting: tuple[Node, bool], node: Node) -> None:
        key_node, is_merge = waiting
        if is_merge:
            self._merge(parent, node, key_node.mark)
            return
        key = text(key_node.value)
        if key in parent.children and key not in parent.merged:
            line, column = key_node.mark
            raise BadYaml(
                f'the key "{key}" stands twice in the same map, first at line {parent.keys[key].line}',
                key_node.mark,
                official=f"duplicated mapping key ({line}:{column})",
                hint="keep one of the two",
            )
        parent.merged.discard(key)
        self._set(parent, key, key_node.mark, node)

    def _merge(self, parent: Node, node: Node, mark: Mark) -> None:
        sources = list(node.children.values()) if isinstance(node.value, list) else [node]
        for source in sources:
            if not isinstance(source.value, dict):
                raise BadYaml(
                    'the merge key "<<" takes a map or a list of maps',
                    mark,
                    official=f"cannot merge mappings; the provided source object is unacceptable "
                    f"({mark.line}:{mark.column})",
                )
            for key, child in source.children.items():
                if key not in parent.children and isinstance(key, str):
                    parent.merged.add(key)
                    self._set(parent, key, source.keys[key], child)

    @staticmethod
    def _set(parent: Node, key: str, mark: Mark, node: Node) -> None:
        assert isinstance(parent.value, dict)
        parent.value[key] = node.value
        parent.children[key] = node
        parent.keys[key] = mark
        _grow(parent, node)

    def _scalar(self, event: yaml.ScalarEvent, mark: Mark) -> Value:
        value = event.value.translate(self.unshield) if self.unshield else event.value
        tag = event.tag
        if tag is None:
            return resolve(value) if event.implicit[0] else value
        if tag in ("!", f"{_CORE}str"):
            return value
        resolved = resolve(value)
        if tag not in _KINDS:
            raise BadYaml(
                f"the tag {tag} means nothing in an SDL",
                mark,
                official=f"unknown tag !<{tag}> ({mark.line}:{mark.column})",
                hint="remove the tag",
            )
        if isinstance(resolved, bool) != (tag == f"{_CORE}bool") or not isinstance(resolved, _KINDS[tag]):
            raise BadYaml(
                f"{value!r} is not what its tag {tag} says",
                mark,
                official=f"cannot resolve a node with !<{tag}> explicit tag ({mark.line}:{mark.column})",
            )
        return resolved


def _mark(event: yaml.Event) -> Mark:
    start = event.start_mark
    return Mark(start.line + 1, start.column + 1) if start else Mark(1, 1)


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
_KINDS: Mapping[str, type | tuple[type, ...]] = {
    f"{_CORE}null": type(None),
    f"{_CORE}bool": bool,
    f"{_CORE}int": int,
    f"{_CORE}float": (int, float),
    f"{_CORE}timestamp": Date,
}


def _check_collection_tag(event: yaml.SequenceStartEvent | yaml.MappingStartEvent, mark: Mark) -> None:
    own = f"{_CORE}seq" if isinstance(event, yaml.SequenceStartEvent) else f"{_CORE}map"
    if event.tag not in (None, "!", own):
        raise BadYaml(
            f"the tag {event.tag} means nothing in an SDL",
            mark,
            official=f"unknown tag !<{event.tag}> ({mark.line}:{mark.column})",
            hint="remove the tag",
        )


def _grow(parent: Node, child: Node) -> None:
    parent.weight += child.weight
    parent.length += child.length
    parent.height = max(parent.height, child.height + 1)


def _shield(source: str) -> dict[int, int]:
    """Stand-ins for the three characters that only YAML 1.1 takes as line breaks."""
    present = [c for c in _BREAKS_OF_YAML_1_1 if c in source]
    if not present:
        return {}
    used = set(source)
    free = (code for code in range(0xE000, 0xF8FF) if chr(code) not in used)
    return {ord(c): code for c, code in zip(present, free, strict=False)}
