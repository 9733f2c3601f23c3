"""Keys that stand in plain text in the files of host applications, where every program of their owner reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_ASSIGNED = re.compile(r"""\bAKASH_(?:MCP_)?API_KEY["']?[ \t]*[:=][ \t]*["']?([^\s"',}\]#]+)""")
"""In JSON, TOML, YAML and command lines alike: the name, and what it is set to."""
_PLACEHOLDER = re.compile(r"[$<{%]")
"""How what a host application fills in by itself begins."""
_SHORTEST_KEY = 8


def plain_keys(files: Iterable[tuple[str, Path]]) -> list[tuple[str, Path]]:
    """Those of the files, each with its host application's title, that hold a key. What cannot be read has none."""
    return [(title, path) for title, path in files if _has_key(path)]


def _has_key(path: Path) -> bool:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(
        len(value) >= _SHORTEST_KEY and not _PLACEHOLDER.match(value) for value in _ASSIGNED.findall(text)
    )
