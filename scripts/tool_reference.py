"""The tool reference of the documentation site, written from the tools themselves: a page a toolset.

The words and schemas are those that a model gets. Only the example calls are written by hand (`tool_calls.json`), and
tests/test_site.py holds them to the schemas.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from akash_mcp import config
from akash_mcp.tools import TOOLSETS
from akash_mcp.tools.tool import Effect, ToolSpec

EFFECTS = {
    Effect.READS: "reads",
    Effect.CHANGES: "changes",
    Effect.SPENDS: "**spends**",
    Effect.DELETES: "**deletes**",
}
DEFAULT_TOOLSETS: tuple[str, ...] = config.Settings.model_fields["toolsets"].default
DEFAULT_TOOLS = [spec for toolset in DEFAULT_TOOLSETS for spec in TOOLSETS[toolset]]
Schema = Mapping[str, Any]


def description(spec: ToolSpec) -> str:
    """What a model is told of the tool, without the word for its effect."""
    return re.sub(r"^(SPENDS|DELETES)\S*\s", "", " ".join((spec.function.__doc__ or "").split()))


def first_sentence(spec: ToolSpec) -> str:
    """What the tool does, in one sentence: for tables."""
    return description(spec).split(". ")[0].rstrip(".")


def example_calls() -> dict[str, dict[str, Any]]:
    """The arguments of one call of each tool, by its name."""
    text = Path(__file__).with_name("tool_calls.json").read_text(encoding="utf-8")
    calls: dict[str, dict[str, Any]] = json.loads(text)
    return calls


def pages() -> dict[str, str]:
    """The reference as Markdown, by file name: a page a toolset, and `index.md` with the table of all."""
    calls = example_calls()
    return {
        "index.md": "\n".join(_index()),
        **{f"{name}.md": "\n".join(_toolset(name, specs, calls)) for name, specs in TOOLSETS.items()},
    }


def _index() -> Iterator[str]:
    yield "# The tools\n"
    yield "What a model is told of each tool, what it can do to money and things, what it takes and what it answers."
    yield f"The toolsets {_listed(DEFAULT_TOOLSETS)} are on unless [`toolsets`](../settings.md) says otherwise.\n"
    yield "| toolset | tool | effect | |\n|---|---|---|---|"
    for toolset, specs in TOOLSETS.items():
        for spec in specs:
            yield (
                f"| [`{toolset}`]({toolset}.md) | [`{spec.name}`]({toolset}.md#{spec.name}) | {EFFECTS[spec.effect]} "
                f"| {first_sentence(spec)} |"
            )


def _toolset(name: str, specs: tuple[ToolSpec, ...], calls: Mapping[str, object]) -> Iterator[str]:
    yield f"# Toolset {name}\n"
    if name not in DEFAULT_TOOLSETS:
        how = f"`akash-mcp serve --toolsets {','.join((*DEFAULT_TOOLSETS, name))}`"
        if name == "akua":
            yield f"On where there is a token of [Akua](../akua.md) and nobody names the toolsets, or by {how}.\n"
        else:
            yield f"Off unless named: {how}.\n"
    for spec in specs:
        tool = spec.build()
        yield f"## {spec.name} {{#{spec.name}}}\n"
        yield f"*{spec.title}*: {EFFECTS[spec.effect]}. {description(spec)}\n"
        yield from _parameters(tool.parameters)
        yield "Example:\n"
        yield f"```json\n{json.dumps(calls[spec.name], indent=2, ensure_ascii=False)}\n```\n"
        yield from _answer(tool.output_schema)


def _parameters(schema: Schema) -> Iterator[str]:
    if not schema["properties"]:
        yield "It takes nothing.\n"
        return
    yield "| parameter | type | |\n|---|---|---|"
    needed = schema.get("required", ())
    for name, part in schema["properties"].items():
        yield f"| `{name}`{' (required)' if name in needed else ''} | {_type(part)} | {_about(part)} |"
    yield ""


def _answer(schema: Schema | None) -> Iterator[str]:
    if schema is None:
        yield "It answers with text.\n"
        return
    yield f"It answers with: {about}\n" if (about := _about(schema)) else "It answers with:\n"
    yield from _fields(schema, depth=0)
    yield ""


def _fields(schema: Schema, depth: int) -> Iterator[str]:
    needed = schema.get("required", ())
    for name, part in schema.get("properties", {}).items():
        sometimes = "" if name in needed else ", optional"
        about = _about(part)
        yield f"{'    ' * depth}- `{name}` ({_type(part)}{sometimes}){f': {about}' if about else ''}"
        yield from _fields(part.get("items", part), depth + 1)


def _type(schema: Schema) -> str:
    if "enum" in schema:
        return " or ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


def _about(schema: Schema) -> str:
    """Its description, in one line that a table cell can hold."""
    return " ".join(str(schema.get("description", "")).split()).replace("|", "\\|")


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join(f"[`{name}`]({name}.md)" for name in names)
