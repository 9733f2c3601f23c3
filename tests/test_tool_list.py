"""The tool list is what every session pays for and every approval prompt shows: it changes only on purpose.

`UPDATE_SNAPSHOTS=1` writes the snapshots and the README's table anew.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import bpe_openai
import pytest
from mcp.types import Tool
from tool_reference import EFFECTS, first_sentence

from akash_mcp import config
from akash_mcp.server import AKUA_INSTRUCTIONS, INSTRUCTIONS, build
from akash_mcp.tools import TOOLSETS
from akash_mcp.tools.tool import Effect

TOP = Path(__file__).parent.parent
SNAPSHOTS = Path(__file__).parent / "snapshots" / "tools"
MAX_TOKENS = 2_100
MAX_TOKENS_MORE = {
    "account": 470,
    "exec": 300,
    "market": 1_150,
    "sdl": 660,
    "akua": 1_350,
    "akua-clusters": 400,
}
UPDATE = bool(os.environ.get("UPDATE_SNAPSHOTS"))

pytestmark = pytest.mark.anyio


async def listed(tmp_path: Path, **chosen: Any) -> list[Tool]:
    return await build(config.Settings(state_dir=tmp_path, **chosen)).list_tools()


@pytest.fixture
async def tools(tmp_path: Path) -> list[Tool]:
    """The tools of all toolsets."""
    return await listed(tmp_path, toolsets=tuple(TOOLSETS))


def tokens(tools: list[Tool]) -> int:
    """What a model pays to know them: names, descriptions and input schemas."""
    seen = [{"name": t.name, "description": t.description, "input_schema": t.input_schema} for t in tools]
    text = json.dumps(seen, separators=(",", ":"), ensure_ascii=False)
    return len(bpe_openai.get_encoding("o200k_base").encode(text))


async def test_every_tool_is_as_its_snapshot(tools: list[Tool]) -> None:
    for tool in tools:
        text = json.dumps(tool.model_dump(by_alias=True, exclude_none=True, mode="json"), indent=2) + "\n"
        path = SNAPSHOTS / f"{tool.name}.json"
        if UPDATE:
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text
    assert {path.stem for path in SNAPSHOTS.glob("*.json")} == {tool.name for tool in tools}


async def test_the_default_list_fits_its_budget(tmp_path: Path) -> None:
    assert tokens(await listed(tmp_path)) <= MAX_TOKENS


@pytest.mark.parametrize(("toolset", "most"), MAX_TOKENS_MORE.items())
async def test_a_toolset_beyond_the_default_fits_its_budget(toolset: str, most: int, tmp_path: Path) -> None:
    assert tokens(await listed(tmp_path, toolsets=(toolset,))) <= most


async def test_the_default_list_is_deploy_and_observe(tmp_path: Path) -> None:
    names = [tool.name for tool in await listed(tmp_path)]
    assert names == [spec.name for toolset in ("deploy", "observe") for spec in TOOLSETS[toolset]]


async def test_every_tool_says_what_hosts_ask_of_it(tools: list[Tool]) -> None:
    specs = {spec.name: spec for toolset in TOOLSETS.values() for spec in toolset}
    for tool in tools:
        spec = specs[tool.name]
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,39}", tool.name)
        assert tool.title
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is (spec.effect is Effect.READS)
        assert (tool.description or "").startswith("SPENDS") is (spec.effect is Effect.SPENDS)
        assert (tool.description or "").startswith("DELETES") is (spec.effect is Effect.DELETES)
        assert (tool.output_schema is None) is spec.text_only


def _nodes(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, list):
        return [node for item in schema for node in _nodes(item)]
    if not isinstance(schema, dict):
        return []
    return [schema, *(node for value in schema.values() for node in _nodes(value))]


async def test_schemas_are_flat_strict_and_portable(tools: list[Tool]) -> None:
    for tool in tools:
        assert tool.input_schema["type"] == "object"
        assert tool.input_schema["additionalProperties"] is False
        for schema in (tool.input_schema, tool.output_schema or {}):
            for node in _nodes(schema):
                assert node.keys().isdisjoint({"$ref", "$defs", "anyOf", "oneOf", "allOf", "const"})
                assert not isinstance(node.get("title"), str)
                assert not isinstance(node.get("type"), list)
        assert all(node.get("type") != "object" for node in _nodes(tool.input_schema["properties"])[1:])


def test_the_instructions_are_read_whole_by_every_host() -> None:
    assert len(INSTRUCTIONS + AKUA_INSTRUCTIONS) < 2_048


def test_the_readme_lists_the_tools() -> None:
    rows = (
        f"| `{toolset}` | `{spec.name}` | {EFFECTS[spec.effect]} | {first_sentence(spec)} |"
        for toolset, specs in TOOLSETS.items()
        for spec in specs
    )
    table = "\n".join(["| toolset | tool | effect | |", "|---|---|---|---|", *rows])
    readme = TOP / "README.md"
    text = readme.read_text(encoding="utf-8")
    if UPDATE:
        text = re.sub(r"(?s)(<!-- tools -->\n).*?(\n<!-- end -->)", lambda m: m[1] + table + m[2], text)
        readme.write_text(text, encoding="utf-8")
    assert table in text
