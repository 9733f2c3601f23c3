"""What is written down is so. `UPDATE_SNAPSHOTS=1` writes the generated parts anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import tool_reference
from command_reference import reference

from akash_mcp.sandbox.faults import CATALOGUE

TOP = Path(__file__).parent.parent
FOLDERS = ("docs", "examples", "plugin")
PAGES = sorted([*TOP.glob("*.md"), *(page for folder in FOLDERS for page in (TOP / folder).rglob("*.md"))])
GENERATED = {f"tools/{name}" for name in tool_reference.pages()}


def test_every_fault_is_on_its_page() -> None:
    table = "\n".join(
        ["| fault | what it does |", "|---|---|", *(f"| `{n}` | {w} |" for n, w in CATALOGUE.items())]
    )
    assert table in generated("sandbox.md", "faults", table)


def test_every_command_and_flag_is_on_its_page() -> None:
    told = f"\n{reference()}\n"
    assert told in generated("commands.md", "commands", told)


def generated(name: str, part: str, anew: str) -> str:
    """The text of a page, whose generated part is written anew where that is asked for."""
    page = TOP / "docs" / name
    text = page.read_text(encoding="utf-8")
    if os.environ.get("UPDATE_SNAPSHOTS"):
        text = re.sub(rf"(?s)(<!-- {part} -->\n).*?(\n?<!-- end -->)", lambda m: m[1] + anew + m[2], text)
        page.write_text(text, encoding="utf-8")
    return text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?![a-z-]+:|#)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists() or target in GENERATED, target


def test_every_benchmark_is_listed_and_says_how_it_is_run() -> None:
    listed = (TOP / "CONTRIBUTING.md").read_text(encoding="utf-8")
    folder = TOP / "benchmarks"
    for script in (*folder.glob("*.py"), folder / "ranking" / "benchmark.py"):
        name = script.relative_to(folder).as_posix()
        assert f"`{name}`" in listed, name
        assert f"python benchmarks/{name}" in script.read_text(encoding="utf-8").split('"""')[1], name
