"""Reading the text of an SDL: YAML 1.2 as js-yaml 4.2 reads it, with a line and a column for every value.

PyYAML's parser gives the events, this module composes them, so that nothing recurses and every bound (size, depth,
number of values after aliases are expanded) is checked while reading. Duplicate keys, a second document and unknown
tags are refused, anchors, aliases and merge keys are taken, as Console does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol, TypeAlias

import yaml

from akash_mcp.sdl.yaml.arrival import is_fence
from akash_mcp.sdl.yaml.javascript import Date, Value, text
from akash_mcp.sdl.yaml.scalars import resolve

MAX_BYTES = 512 * 1024
"""The largest request body that Console takes."""
MAX_DEPTH = 100
"""js-yaml's own bound."""
MAX_VALUES = 8_192
"""Values, keys among them, after expanding aliases: thirteen times the largest SDL in the wild."""
MAX_CHARACTERS = 4 * MAX_BYTES
"""Characters of text after expanding aliases."""

Path: TypeAlias = tuple[str | int, ...]


class Mark(NamedTuple):
    """A place in the text, counted from 1."""

    line: int
    column: int


Trouble: TypeAlias = Literal[
    "alias",  # one whose anchor is not there
    "bounds",  # too long, too deep, or too many values
    "character",  # one that YAML does not allow
    "documents",  # more than one
    "duplicate",  # a key that appears twice in a map
    "merge",  # a merge key without a map to merge
    "quote",  # one that is never closed
    "syntax",  # anything else that cannot be read
    "tab",  # one in the indentation
    "tag",  # one that is unknown
    "tagged",  # a value that is not what its tag says
]
"""What can be wrong with a text before it is an SDL at all."""


class BadYaml(ValueError):
    """Text that cannot be taken as one YAML document.

    `mark` says where. `what` is the alias or the tag that is meant, the kind of quote (single or double), or what the
    parser said of the syntax. `fix` says what to do about it, and may be empty.
    """

    def __init__(self, message: str, mark: Mark, *, kind: Trouble, what: str = "", fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.mark = mark
        self.kind: Trouble = kind
        self.what = what
        self.fix = fix


class Size(NamedTuple):
    """How many values there are in a node, of how many characters, and how deep they are nested."""

    values: int
    characters: int
    height: int


class _Place(Protocol):
    """Where an event of PyYAML's begins, counted from 0."""

    line: int
    column: int


@dataclass(slots=True)
class Node:
    """A value and where it is in the file. `merges`: it is a merge key, which is a plain `<<` or one tagged so."""

    start: _Place | None
    value: Value
    merges: bool = False

    @property
    def mark(self) -> Mark:
        """Where it begins; line 1 for an empty document."""
        return _mark(self.start)


@dataclass(slots=True)
class Branch(Node):
    """A map or a list. `keys` are a map's keys, `merged` those that came by a merge key and may yet be replaced.

    While it is being read, `anchor` is the name it will answer to, and `waiting` the key that has no value yet. `size`
    is known once an alias has asked for it.
    """

    children: dict[str | int, Node] = field(default_factory=dict)
    keys: dict[str, Node] = field(default_factory=dict)
    merged: frozenset[str] = frozenset()
    anchor: str | None = None
    waiting: Node | None = None
    size: Size | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed text: `data` is plain values, `where` finds their places."""

    root: Node

    @property
    def data(self) -> Value:
        """The text as plain dictionaries, lists and scalars."""
        return self.root.value

    def where(self, path: Path, *, key: bool = False) -> Mark:
        """The place of the value at `path`, or of its key; of the nearest one above where there is none."""
        node, key_of_it = self.root, self.root
        for step in path:
            if not isinstance(node, Branch) or step not in node.children:
                return key_of_it.mark
            key_of_it = node.keys[step] if isinstance(step, str) else node.children[step]
            node = node.children[step]
        return key_of_it.mark if key else node.mark


def load(source: str, *, as_written: bool = False) -> Document:
    """Parse one YAML document. Raises `BadYaml`, and nothing else, where the text is not one.

    With `as_written` numbers, dates and truth values are the text that stands in the file (`022`, `1.20`, `True`),
    so that nothing changes on its way; only null is not.
    """
    if len(source) > MAX_BYTES or len(source.encode(errors="replace")) > MAX_BYTES:
        raise BadYaml(
            "the SDL is larger than 512 KiB, which is the most that the Console takes",
            Mark(1, 1),
            kind="bounds",
        )
    source = source.removeprefix("\ufeff")
    if bad := _UNPRINTABLE.search(source):
        raise BadYaml(
            f"the text holds the character U+{ord(bad[0]):04X}, which YAML does not allow",
            _mark_of(source, bad.start()),
            kind="character",
            fix="remove it, or write it as an escape inside double quotes",
        )
    try:
        return Document(_Composer(source, as_written).compose())
    except BadYaml:
        # libyaml refuses a tab before a comment or on a blank line; YAML and js-yaml take it
        forgiving = forgiven(source)
        if forgiving == source:
            raise
        return Document(_Composer(forgiving, as_written).compose())


def forgiven(source: str) -> str:
    """The text without the tabs that mean nothing, before a comment or on a blank line."""
    return _IDLE_TABS.sub("", source)


_IDLE_TABS = re.compile(r"^ *\t[ \t]*(?=[#\r\n])", re.MULTILINE)
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def _mark_of(source: str, offset: int) -> Mark:
    before = source[:offset]
    return Mark(before.count("\n") + 1, offset - before.rfind("\n"))


class _Composer:
    """Turns events into nodes with a stack of its own."""

    def __init__(self, source: str, as_written: bool) -> None:
        shield = shield_of(source)
        self.source = source.translate(shield) if shield else source
        self.unshield = {stand_in: char for char, stand_in in shield.items()}
        self.as_written = as_written
        self.anchors: dict[str, Node] = {}
        self.parents: list[Branch] = []
        self.values = 0
        self.characters = 0

    def compose(self) -> Node:
        """The root of the document. Raises `BadYaml`."""
        root: Node | None = None
        for event in self._events():
            match event:
                case yaml.ScalarEvent():
                    node = self._scalar(event)
                case yaml.CollectionStartEvent():
                    self.parents.append(self._branch(event))
                    continue
                case yaml.CollectionEndEvent():
                    node = self._closed()
                case yaml.AliasEvent():
                    node = self._alias(event)
                case yaml.DocumentStartEvent() if root is not None:
                    raise BadYaml(
                        "the text holds a second YAML document; an SDL is a single one",
                        _mark(event.start_mark),
                        kind="documents",
                        fix='remove the "---" and what follows it',
                    )
                case _:
                    continue
            if self.parents:
                self._put(self.parents[-1], node)
            else:
                root = node
        return root or Node(None, None)

    def _events(self) -> Iterator[yaml.Event]:
        try:
            yield from yaml.parse(self.source, Loader=LOADER)
        except yaml.MarkedYAMLError as error:
            raise self._bad_syntax(error) from error
        except yaml.reader.ReaderError as error:
            message = f"the text is not readable as YAML: {error.reason}"
            raise BadYaml(message, Mark(1, 1), kind="syntax", what=error.reason) from error

    def _bad_syntax(self, error: yaml.MarkedYAMLError) -> BadYaml:
        mark = _mark(error.problem_mark or error.context_mark)
        lines = self.source.splitlines() or [""]
        line = lines[mark.line - 1] if mark.line <= len(lines) else None
        if line is None:  # past the end: point at the end of the last line
            mark = Mark(len(lines), len(lines[-1]) + 1)
        if line is not None and line[: mark.column].strip(" ").startswith("\t"):
            return BadYaml("the line is indented with a tab", mark, kind="tab", fix="indent with spaces")
        if error.problem == "found unexpected end of stream" and (opened := error.context_mark):
            quote = "double" if lines[opened.line][opened.column : opened.column + 1] == '"' else "single"
            message = f"the quote opened at line {opened.line + 1} is never closed"
            return BadYaml(message, mark, kind="quote", what=quote, fix="close it")
        problem = " ".join(part for part in (error.context, error.problem) if part)
        if line is not None and is_fence(line):
            return BadYaml(
                "this line is the fence of a Markdown code block, not YAML",
                mark,
                kind="syntax",
                what=problem,
                fix="leave out everything but what stands between the fences",
            )
        return BadYaml(f"the YAML is broken here: {problem}", mark, kind="syntax", what=problem)

    def _count(self, values: int, characters: int, event: yaml.Event) -> None:
        self.values += values
        self.characters += characters
        if self.values > MAX_VALUES or self.characters > MAX_CHARACTERS:
            what = f"{MAX_VALUES} values" if self.values > MAX_VALUES else f"{MAX_CHARACTERS} characters"
            message = f"the SDL holds more than {what}, counting each use of an alias"
            raise BadYaml(message, _mark(event.start_mark), kind="bounds")

    def _check_depth(self, height: int, event: yaml.Event) -> None:
        if len(self.parents) + height > MAX_DEPTH:
            message = f"values are nested more than {MAX_DEPTH} deep"
            raise BadYaml(message, _mark(event.start_mark), kind="bounds")

    # ── one event, one node ──────────────────────────────────────────────────────────────────────────────────────

    def _scalar(self, event: yaml.ScalarEvent) -> Node:
        plain = event.value.translate(self.unshield) if self.unshield else event.value
        self._count(1, len(plain), event)
        value: Value = plain
        if event.tag is not None:
            value = _tagged(event.tag, plain, _mark(event.start_mark))
        elif event.implicit[0]:
            value = resolve(plain)
        if self.as_written and value is not None:
            value = plain
        merges = event.tag == _MERGE or (event.tag is None and event.implicit[0] and plain == "<<")
        node = Node(event.start_mark, value, merges)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def _branch(self, event: yaml.CollectionStartEvent) -> Branch:
        self._check_depth(1, event)
        self._count(1, 0, event)
        is_map = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", f"{_CORE}map" if is_map else f"{_CORE}seq"):
            raise _unknown_tag(event.tag, _mark(event.start_mark))
        return Branch(event.start_mark, {} if is_map else [], anchor=event.anchor)

    def _closed(self) -> Branch:
        branch = self.parents.pop()
        if branch.anchor is not None:
            self.anchors[branch.anchor] = branch
        return branch

    def _alias(self, event: yaml.AliasEvent) -> Node:
        node = self.anchors.get(event.anchor or "")
        if node is None:
            raise BadYaml(
                "this alias names an anchor that is not complete before it",
                _mark(event.start_mark),
                kind="alias",
                what=str(event.anchor),
                fix='put the value in quotes if it is text that begins with "*"',
            )
        size = _size(node)
        self._check_depth(size.height, event)
        self._count(size.values, size.characters, event)
        return node

    # ── a node into its parent ───────────────────────────────────────────────────────────────────────────────────

    def _put(self, parent: Branch, node: Node) -> None:
        if isinstance(parent.value, list):
            parent.children[len(parent.value)] = node
            parent.value.append(node.value)
        elif parent.waiting is None:
            parent.waiting = node
        else:
            self._pair(parent, parent.waiting, node)
            parent.waiting = None

    def _pair(self, parent: Branch, key_node: Node, node: Node) -> None:
        if key_node.merges:
            self._merge(parent, key_node, node)
            return
        key = key_node.value if isinstance(key_node.value, str) else text(key_node.value)
        if key in parent.merged:
            parent.merged -= {key}
        elif key in parent.children:
            raise BadYaml(
                f'the key "{key}" appears twice in one map, first at line {parent.keys[key].mark.line}',
                key_node.mark,
                kind="duplicate",
                fix="keep one of the two",
            )
        _set(parent, key, key_node, node)

    def _merge(self, parent: Branch, key_node: Node, node: Node) -> None:
        sources = [node]
        if isinstance(node, Branch) and isinstance(node.value, list):
            sources = list(node.children.values())
        for source in sources:
            if not isinstance(source, Branch) or isinstance(source.value, list):
                message = 'the merge key "<<" takes a map or a list of maps'
                raise BadYaml(message, key_node.mark, kind="merge")
            merged = {key: source.keys[key] for key in source.keys if key not in parent.children}
            parent.merged |= merged.keys()
            for key, key_node in merged.items():
                _set(parent, key, key_node, source.children[key])


def _set(parent: Branch, key: str, key_node: Node, node: Node) -> None:
    assert isinstance(parent.value, dict)
    parent.value[key] = node.value
    parent.children[key] = node
    parent.keys[key] = key_node


def _size(node: Node) -> Size:
    if not isinstance(node, Branch):
        return Size(1, len(node.value) if isinstance(node.value, str) else 0, 1)
    if node.size is None:
        sizes = [_size(child) for child in node.children.values()]
        values, characters = sum(size.values for size in sizes), sum(size.characters for size in sizes)
        node.size = Size(1 + values, characters, 1 + max((size.height for size in sizes), default=0))
    return node.size


def _mark(place: _Place | None) -> Mark:
    return Mark(place.line + 1, place.column + 1) if place else Mark(1, 1)


# ── tags ─────────────────────────────────────────────────────────────────────────────────────────────────────────

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
_MERGE = f"{_CORE}merge"
_KINDS: Mapping[str, type | tuple[type, ...]] = {
    f"{_CORE}null": type(None),
    f"{_CORE}bool": bool,
    f"{_CORE}int": int,
    f"{_CORE}float": (int, float),
    f"{_CORE}timestamp": Date,
}


def _tagged(tag: str, plain: str, mark: Mark) -> Value:
    """The value of a scalar that says itself what it is."""
    if tag in ("!", f"{_CORE}str") or (tag == _MERGE and plain == "<<"):
        return plain
    if tag == _MERGE and not plain:
        return None
    if tag not in _KINDS and tag != _MERGE:
        raise _unknown_tag(tag, mark)
    value = resolve(plain)
    if isinstance(value, bool) != (tag == f"{_CORE}bool") or not isinstance(value, _KINDS.get(tag, ())):
        raise BadYaml(f"the value is not what its tag {tag} says", mark, kind="tagged", what=tag)
    return value


def _unknown_tag(tag: str, mark: Mark) -> BadYaml:
    return BadYaml(
        "this tag has no meaning here",
        mark,
        kind="tag",
        what=tag,
        fix='remove the tag, or put the value in quotes if it is text that begins with "!"',
    )


# ── characters that js-yaml takes as they are ────────────────────────────────────────────────────────────────────

_MEANT_OTHERWISE = "\x85\u2028\u2029\ufeff"


def shield_of(source: str) -> dict[int, int]:
    """Stand-ins for what libyaml alone gives a meaning: YAML 1.1's line breaks, and byte order marks but the first."""
    present = [c for c in _MEANT_OTHERWISE if c in source]
    if not present:
        return {}
    used = set(source)
    free = (code for code in range(0xE000, 0xF8FF) if chr(code) not in used)
    return {ord(c): code for c, code in zip(present, free, strict=False)}
