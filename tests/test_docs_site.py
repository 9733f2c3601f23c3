"""The documentation site has every page, and its tool reference every tool. `make docs` builds it strictly."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from docs_site import outward_links, stage
from manifests import project
from tool_reference import example_calls, pages

from akash_mcp.tools import TOOLSETS

TOP = Path(__file__).parent.parent
DOCS = TOP / "docs"
SPECS = [spec for toolset in TOOLSETS.values() for spec in toolset]


def _listed(nav: list[dict[str, Any]]) -> Iterator[str]:
    for entry in nav:
        for target in entry.values():
            yield from _listed(target) if isinstance(target, list) else (target,)


def test_every_page_is_in_the_navigation_once() -> None:
    site = tomllib.loads((TOP / "zensical.toml").read_text(encoding="utf-8"))["project"]
    listed = sorted(page for page in _listed(site["nav"]) if not page.startswith("https://"))
    written = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    reference = {f"tools/{name}" for name in pages()}
    missing = written - set(listed)
    assert not missing, f"add to nav in zensical.toml: {sorted(missing)}"
    assert listed == sorted(written | reference), (
        "nav in zensical.toml names what is not there, or one page twice"
    )


def test_every_tool_is_in_the_reference_with_a_call_that_its_schema_takes() -> None:
    calls = example_calls()
    assert calls.keys() == {spec.name for spec in SPECS}
    reference = "\n".join(pages().values())
    for spec in SPECS:
        tool = spec.build()
        jsonschema.validate(calls[spec.name], tool.parameters)
        assert f"## {spec.name} {{#{spec.name}}}" in reference
        assert all(f"| `{name}`" in reference for name in tool.parameters["properties"])


def test_the_reference_says_what_is_required_and_what_an_answer_holds() -> None:
    deploy = pages()["deploy.md"].partition("## deploy {")[2].partition("\n## ")[0]
    assert "| `deposit_usd` (required) | number |" in deploy
    assert '| `prefer` | `"balanced"` or `"cheapest"` or `"reliable"` |' in deploy
    assert "- `services` (list of object, optional)\n    - `name` (string)\n" in deploy


@pytest.mark.parametrize(
    ("link", "leads_to"),
    [
        ("[x](runs.md#end)", "[x](runs.md#end)"),
        ("[x](../SECURITY.md)", "[x](https://example.org/r/blob/main/SECURITY.md)"),
        ("[x](../akash_mcp/money.py#L1)", "[x](https://example.org/r/blob/main/akash_mcp/money.py#L1)"),
        ("[x](https://akash.network)", "[x](https://akash.network)"),
        ("[x](vscode:mcp/install?y)", "[x](vscode:mcp/install?y)"),
        ("[x](#here)", "[x](#here)"),
    ],
)
def test_only_a_link_that_leaves_the_pages_leads_to_the_repository(link: str, leads_to: str) -> None:
    assert outward_links(link, DOCS / "page.md", DOCS, "https://example.org/r") == leads_to


def test_the_sources_of_the_site_are_the_pages_and_the_reference(tmp_path: Path) -> None:
    stage(DOCS, tmp_path / "docs", project().repository)
    staged = {path.relative_to(tmp_path / "docs").as_posix() for path in (tmp_path / "docs").rglob("*.md")}
    assert staged == {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")} | {
        f"tools/{name}" for name in pages()
    }
    assert "](../" not in "".join(
        path.read_text(encoding="utf-8") for path in (tmp_path / "docs").glob("*.md")
    )
