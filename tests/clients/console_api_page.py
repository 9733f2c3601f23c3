"""docs/console-api.md as its tests read it."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.clients.console.writer import ConsoleWriter

PAGE = (Path(__file__).parents[2] / "docs" / "console-api.md").read_text(encoding="utf-8")
PLANNED = ("`market` (planned)",)
"""What stands in the column "used by" where a toolset will use a method that is not built yet."""


def public(cls: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(cls, inspect.isfunction) if not name.startswith("_")}


METHODS = public(ConsoleReader) | public(ConsoleWriter)


def rows(name: str) -> list[list[str]]:
    """The cells of a generated-looking table of the page."""
    found = re.search(rf"(?s)<!-- {name} -->\n(.*?)\n<!-- end -->", PAGE)
    assert found
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found[1].splitlines()[2:]]


def coded(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def planned_methods() -> set[str]:
    return {method for row in rows("endpoints") if row[4] in PLANNED for method in coded(row[3])}
