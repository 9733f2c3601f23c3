"""The configuration file: TOML that nobody else can write, and the lines where its keys stand."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from akash_mcp.clients.api_model import believable
from akash_mcp.errors import BadSettings
from akash_mcp.guard.policy.contradictions import Place
from akash_mcp.guard.private_files import who_else_can_write


@dataclass(frozen=True, slots=True)
class Given:
    """A value as it was written, and where: a flag, a variable, or lines of the file by the keys inside the value."""

    value: object
    where: str
    lines: Mapping[Place, str] = field(default_factory=dict)

    def place(self, keys: Place) -> str:
        """Where what stands under these keys of the value was written, as near as it is known."""
        return next(
            (self.lines[keys[:n]] for n in range(len(keys), 0, -1) if keys[:n] in self.lines), self.where
        )

    def at(self, keys: Place) -> object:
        """What stands under these keys of the value."""
        value = self.value
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else value
        return value


def read_file(path: Path) -> dict[str, Given]:
    """What stands in the file, by its top-level keys.

    Raises `FileNotFoundError`, and `BadSettings` for one that cannot be read, is not TOML or can be written by others.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"The configuration file {path} cannot be read: {error}.", money="") from error
    exposed = who_else_can_write(path)
    if exposed is not None:
        raise BadSettings(
            f"The configuration file {path} sets limits that others could change: {exposed}.",
            next_step=f"Run {exposed.fix}",
            money="",
        )
    try:
        table = tomllib.loads(text, parse_float=_number)
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"The configuration file {path} is not TOML: {error}.", money="") from error
    except (ValueError, RecursionError) as error:
        raise BadSettings(
            f"The configuration file {path} holds a number, or a nesting, that is too long to be read.",
            money="",
        ) from error
    places = {keys: f"{path}, line {line}: {'.'.join(keys)}" for keys, line in _lines_of(text).items()}
    return {
        key: Given(
            value,
            places.get((key,), f"{path}, line 1: {key}"),
            {keys[1:]: place for keys, place in places.items() if keys[0] == key and len(keys) > 1},
        )
        for key, value in table.items()
    }


def _number(written: str) -> Decimal | str:
    """A number of the file; the text of one that nobody can mean, for its setting to refuse."""
    number = believable(written)
    return written if number is None else number


_KEY = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_KEYS = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_TABLE_LINE = re.compile(rf"\s*\[+\s*({_KEYS})\s*\]")
_VALUE_LINE = re.compile(rf"\s*({_KEYS})\s*=")


def _lines_of(text: str) -> dict[Place, int]:
    """The lines, from 1, where keys and tables begin: `("agents", "builder")`. tomllib does not keep them."""
    lines: dict[Place, int] = {}
    table: Place = ()
    for number, line in enumerate(text.splitlines(), 1):
        if begins := _TABLE_LINE.match(line):
            keys = table = _keys(begins[1])
        elif begins := _VALUE_LINE.match(line):
            keys = (*table, *_keys(begins[1]))
        else:
            continue
        for length in range(1, len(keys) + 1):
            lines.setdefault(keys[:length], number)
    return lines


def _keys(dotted: str) -> Place:
    return tuple(key.strip("\"'") for key in re.findall(_KEY, dotted))
