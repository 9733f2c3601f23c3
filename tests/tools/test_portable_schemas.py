"""Every tool's schema as the three large providers of models take it, with what each refuses written down as rules.

A host hands all tools of a server to its model at once, so one schema that is refused costs the whole server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp.types import Tool

from akash_mcp import config
from akash_mcp.server import build
from akash_mcp.tools import TOOLSETS
from akash_mcp.tools.arguments import ADDED_BY_HOSTS
from akash_mcp.tools.tool import Effect

pytestmark = pytest.mark.anyio

Schema = dict[str, Any]


@pytest.fixture
async def tools(tmp_path: Path) -> list[Tool]:
    """The tools of all toolsets."""
    return await build(config.Settings(state_dir=tmp_path, toolsets=tuple(TOOLSETS))).list_tools()


def nodes(schema: Schema, depth: int = 1) -> Iterator[tuple[int, Schema]]:
    """Every schema inside a schema, itself first, with how deep it lies."""
    yield depth, schema
    for child in schema.get("properties", {}).values():
        yield from nodes(child, depth + 1)
    if isinstance(schema.get("items"), dict):
        yield from nodes(schema["items"], depth + 1)


def openai_strict(tool: Tool) -> Iterator[str]:
    """What OpenAI refuses where `strict` is set, once a host has made the schema strict: everything required, and null
    allowed where it was optional (OpenAI, "Structured model outputs", Supported schemas)."""
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", tool.name):
        yield "its name"
    if len(tool.description or "") > 1_024:
        yield "the length of its description"
    known = {
        "type",
        "properties",
        "required",
        "additionalProperties",
        "description",
        "enum",
        "items",
        "pattern",
    }
    schema = made_strict(tool.input_schema)
    for depth, node in nodes(schema):
        yield from sorted(node.keys() - known)
        if depth > 10:
            yield "its depth"
        if node["type"] == "object" and (
            node["additionalProperties"] is not False or set(node["required"]) != set(node["properties"])
        ):
            yield "an object that is not closed"
    if sum(len(node.get("properties", ())) for _, node in nodes(schema)) > 5_000:
        yield "how many properties it has"


def made_strict(schema: Schema) -> Schema:
    """As OpenAI's own Agents SDK and others change a tool of MCP before they set `strict`."""
    optional = schema["properties"].keys() - set(schema.get("required", ()))
    properties = {
        name: {**child, "type": [child["type"], "null"]} if name in optional else child
        for name, child in schema["properties"].items()
    }
    return {**schema, "properties": properties, "required": list(properties)}


def anthropic(tool: Tool) -> Iterator[str]:
    """What Anthropic refuses: of every tool, and of one whose `strict` is set (Claude's documentation, "Define tools",
    "Structured outputs", JSON Schema limitations)."""
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", tool.name):
        yield "its name"
    if tool.input_schema["type"] != "object" or tool.input_schema.keys() & {"anyOf", "oneOf", "allOf"}:
        yield "its root"
    bounds = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
    bounds |= {"minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "$ref", "not", "if", "const"}
    for _, node in nodes(tool.input_schema):
        yield from sorted(node.keys() & bounds)
        for name in node.get("properties", ()):
            if not re.fullmatch(r"[a-zA-Z0-9_.-]{1,64}", name):
                yield f"the name {name}"
        # Its grammars know neither look-around nor back references nor word boundaries.
        if re.search(r"\(\?|\\[0-9bB]", node.get("pattern", "")):
            yield f"the pattern {node['pattern']}"
        if node["type"] == "object" and node["additionalProperties"] is not False:
            yield "an object that is not closed"


def gemini(tool: Tool) -> Iterator[str]:
    """What Gemini refuses in a function declaration, which knows a part of OpenAPI 3.0 (Google, `FunctionDeclaration`
    and `Schema`). `additionalProperties` and `$schema` are taken off by those who convert; nothing else is."""
    if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_.-]{0,63}", tool.name):
        yield "its name"
    known = {
        "type",
        "properties",
        "required",
        "additionalProperties",
        "description",
        "enum",
        "items",
        "pattern",
    }
    for depth, node in nodes(tool.input_schema):
        yield from sorted(node.keys() - known)
        if node.get("type") not in ("object", "string", "number", "integer", "boolean", "array"):
            yield f"the type {node.get('type')}"
        if "enum" in node and (node["type"] != "string" or not all(isinstance(v, str) for v in node["enum"])):
            yield "values of an enum that are not text"
        if node["type"] == "array" and "items" not in node:
            yield "a list of anything"
        if node["type"] == "object" and depth > 1 and not node.get("properties"):
            yield "an object of anything"
        if set(node.get("required", ())) - set(node.get("properties", ())):
            yield "a required property that is not there"
        for name in node.get("properties", ()):
            if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]{0,63}", name):
                yield f"the name {name}"


@pytest.mark.parametrize("refusals", [openai_strict, anthropic, gemini])
async def test_no_provider_refuses_a_tool(
    refusals: Callable[[Tool], Iterator[str]], tools: list[Tool]
) -> None:
    assert {tool.name: found for tool in tools if (found := list(refusals(tool)))} == {}


@pytest.mark.parametrize(
    ("refusals", "spoilt"),
    [
        (openai_strict, {"type": "string", "default": "x"}),
        (openai_strict, {"type": "object", "properties": {"a": {"type": "string"}}, "required": [],
                         "additionalProperties": False}),
        (anthropic, {"type": "integer", "exclusiveMinimum": 0}),
        (anthropic, {"type": "string", "pattern": r"^(?=a)"}),
        (gemini, {"type": "integer", "enum": [1, 2]}),
        (gemini, {"type": "array"}),
        (gemini, {"type": ["string", "null"]}),
    ],
)  # fmt: skip
async def test_the_rules_refuse_what_they_are_there_for(
    refusals: Callable[[Tool], Iterator[str]], spoilt: Schema
) -> None:
    schema = {"type": "object", "properties": {"x": spoilt}, "required": ["x"], "additionalProperties": False}
    assert list(refusals(Tool(name="spoilt", input_schema=schema)))


async def test_every_parameter_says_what_it_is(tools: list[Tool]) -> None:
    for tool in tools:
        for name, parameter in tool.input_schema["properties"].items():
            assert parameter.get("description"), f"{tool.name}: {name}"
            assert name not in ADDED_BY_HOSTS


async def test_ids_say_their_form(tools: list[Tool]) -> None:
    for tool in tools:
        for name in ("dseq", "approval_token"):
            if name in tool.input_schema["properties"]:
                assert tool.input_schema["properties"][name]["pattern"]


async def test_only_what_asks_nobody_has_a_closed_world(tools: list[Tool]) -> None:
    closed = {tool.name for tool in tools if tool.annotations and not tool.annotations.open_world_hint}
    assert closed == {"list_operations", "convert_compose"}


async def test_what_a_repeated_call_does_is_hinted(tools: list[Tool]) -> None:
    specs = {spec.name: spec for toolset in TOOLSETS.values() for spec in toolset}
    twice = {
        tool.name
        for tool in tools
        if tool.annotations
        and not tool.annotations.idempotent_hint
        and specs[tool.name].effect is not Effect.READS
    }
    at_akua = {"akua_create_package", "akua_create_install", "akua_create_cluster"}
    assert twice == {"deploy", "create_deployment", "create_lease", "add_funds", "run_command"} | at_akua
