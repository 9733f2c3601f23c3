"""TOML edited in place, by tomlkit, which keeps a person's comments, order and blank lines.

What tomlkit does to line ends it does to new lines only, and what it cannot give back as it was is left alone.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, MutableMapping, Sequence
from typing import NamedTuple

import tomlkit
from tomlkit.exceptions import ParseError, TOMLKitError
from tomlkit.items import Item
from tomlkit.toml_document import TOMLDocument

from akash_mcp.cli.hosts.formats import Path, Tree, Unmergeable, Value, lines_of, newline_of


def parse(text: str) -> Tree:
    """The tables of a text, by the standard library: an edit is judged by another reader than made it.

    Raises `Unmergeable` for what is not TOML, with its line.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise Unmergeable("it is not TOML", int(line[1]) if line else None) from error
    except ValueError as error:  # Python reads no number of so many digits
        raise Unmergeable("it holds a value that cannot be read") from error


def put(text: str, path: Path, value: Value) -> str:
    """The text with `value` at `path`. A new table is written behind everything. Raises `Unmergeable`."""
    document = _document(text)
    *above, last = map(str, path)
    within = _within(document, above)
    if isinstance(value, Mapping) and (within is None or last not in within):
        return _appended(text, path, value)
    if within is None:
        raise Unmergeable(f"there is no table {'.'.join(above)}")
    lines = lines_of(text)
    table = next((table for table in _tables(lines) if table.path == tuple(above)), None)
    if last in within or table is None:
        within[last] = tomlkit.item(value)
        return _written(document, text)
    lines[table.end - 1] = lines[table.end - 1].rstrip("\r\n") + newline_of(text)
    lines.insert(table.end, tomlkit.dumps({last: value}).replace("\n", newline_of(text)))
    return "".join(lines)


def remove(text: str, path: Path) -> str:
    """The text without the table at `path`, whose comments behind the last key stay. Raises `Unmergeable`."""
    lines = lines_of(text)
    ours = [table for table in _tables(lines) if table.path[: len(path)] == path]
    if not ours:
        return _without_keys(text, path)
    for table in reversed(ours):
        start = table.start
        if table.end == len(lines) and start and not lines[start - 1].strip():
            start -= 1  # the empty line that parted it from the rest
        del lines[start : table.end]
    return "".join(lines)


class _Table(NamedTuple):
    """A table with a header of its own, by its lines: `end` is the one behind its last key."""

    path: Path
    start: int
    end: int


def _tables(lines: Sequence[str]) -> list[_Table]:
    headers = [index for index, line in enumerate(lines) if _is_header(line, lines[:index])]
    found = []
    for start, following in zip(headers, [*headers[1:], len(lines)], strict=False):
        end = following
        while not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#"):
            end -= 1
        found.append(_Table(_named(lines[start]), start, end))
    return found


def _without_keys(text: str, path: Path) -> str:
    """The text without what stands at `path` in another form than below a header."""
    document = _document(text)
    *above, last = map(str, path)
    within = _within(document, above)
    if within is None or last not in within:
        return text
    del within[last]
    return _written(document, text)


def _is_header(line: str, before: Sequence[str]) -> bool:
    """Whether a line opens a table: it looks so, and what is before it is complete, so it is in no list or string."""
    if not line.lstrip().startswith("["):
        return False
    try:
        tomllib.loads("".join(before))
        return bool(_named(line))
    except tomllib.TOMLDecodeError:
        return False


def _named(header: str) -> Path:
    """The keys in the header of a table."""
    path: list[str] = []
    within: object = tomllib.loads(header)
    while within:
        if isinstance(within, list):
            within = within[0]
        elif isinstance(within, dict):
            key, within = next(iter(within.items()))
            path.append(key)
    return tuple(path)


def _within(document: TOMLDocument, above: Sequence[str]) -> MutableMapping[str, object] | None:
    """The table at a path, where there is one."""
    within: MutableMapping[str, object] = document
    for key in above:
        inner = within.get(key)
        if inner is None:
            return None
        if not isinstance(inner, MutableMapping):
            raise Unmergeable(f'"{key}" is not a table')
        within = inner
    return within


def _appended(text: str, path: Path, table: Mapping[str, Value]) -> str:
    """The text with a new table behind it: tomlkit would leave out the empty line before or after it."""
    inner: Item = tomlkit.item(dict(table))
    for key in reversed(path[1:]):
        outer = tomlkit.table(is_super_table=True)  # which gets no header of its own
        outer.append(str(key), inner)
        inner = outer
    written = tomlkit.dumps({str(path[0]): inner})
    newline = newline_of(text)
    parted = "" if not text else newline if text.endswith("\n") else newline * 2
    return text + parted + written.replace("\n", newline)


def _document(text: str) -> TOMLDocument:
    try:
        document = tomlkit.parse(_in_one_kind(text))
    except ParseError as error:
        raise Unmergeable("it is not TOML", error.line) from error
    except TOMLKitError as error:
        raise Unmergeable(f"it is not TOML: {error}") from error
    if tomlkit.dumps(document) != _in_one_kind(text):
        raise Unmergeable("it is written in a way that we could not keep")
    return document


def _is_crlf(text: str) -> bool:
    """Whether every line ends as on Windows: then new ones do as well."""
    return "\r\n" in text and re.search(r"(?<!\r)\n", text) is None


def _in_one_kind(text: str) -> str:
    return text.replace("\r\n", "\n") if _is_crlf(text) else text


def _written(document: TOMLDocument, before: str) -> str:
    text: str = tomlkit.dumps(document)
    return text.replace("\n", "\r\n") if _is_crlf(before) else text
