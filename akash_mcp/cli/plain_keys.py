"""Keys that stand in plain text in the files of host applications, where every program of their owner reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from akash_mcp.guard.login_keys import AKUA, CONSOLE, Service

_VARIABLES = {
    "AKASH_API_KEY": CONSOLE,
    "AKASH_MCP_API_KEY": CONSOLE,
    "AKUA_API_TOKEN": AKUA,
    "AKASH_MCP_AKUA_TOKEN": AKUA,
}
_ASSIGNED = re.compile(rf"""\b({"|".join(_VARIABLES)})["']?[ \t]*[:=][ \t]*["']?([^\s"',}}\]#]+)""")
"""In JSON, TOML, YAML and command lines alike: the name, and what it is set to."""
_PLACEHOLDER = re.compile(r"[$<{%]")
"""How what a host application fills in by itself begins."""
_SHORTEST_KEY = 8


@dataclass(frozen=True, slots=True)
class PlainKey:
    """A key in the file of a host application: the variable that it is set in, and never what it is."""

    title: str
    path: Path
    variable: str

    @property
    def service(self) -> Service:
        """Whose key it is."""
        return _VARIABLES[self.variable]


def plain_keys(files: Iterable[tuple[str, Path]]) -> list[PlainKey]:
    """The keys in files, each of which comes with its host application's title. What cannot be read has none."""
    return [PlainKey(title, path, variable) for title, path in files for variable in _held_by(path)]


def _held_by(path: Path) -> Iterator[str]:
    """The variables that a file sets to a key, in the order of the services, each once."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    found = {
        variable
        for variable, value in _ASSIGNED.findall(text)
        if len(value) >= _SHORTEST_KEY and not _PLACEHOLDER.match(value)
    }
    yield from (variable for variable in _VARIABLES if variable in found)
