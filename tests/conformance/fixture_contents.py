"""What the official suite reads: tools of every kind of content, and resources and prompts that say a given thing."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from typing import Annotated, Any

import anyio
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.context import Context
from mcp.server.mcpserver.prompts.base import Prompt, UserMessage
from mcp.types import (
    AudioContent,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    TextContent,
    TextResourceContents,
)
from pydantic import Field

from akash_mcp.errors import AkashError
from akash_mcp.tools.tool import Effect, ToolSpec

_PAUSE = 0.05  # seconds, as the suite asks for

Ctx = Context[Any, Any]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\0\xff\0\0"))
    + _chunk(b"IEND", b"")
)
"""One red pixel."""

_SAMPLES = bytes([128] * 8)
WAV = (
    b"RIFF"
    + struct.pack("<I", 36 + len(_SAMPLES))
    + b"WAVEfmt "
    + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    + b"data"
    + struct.pack("<I", len(_SAMPLES))
    + _SAMPLES
)
"""A millisecond of silence."""


def text(words: str) -> TextContent:
    """A block of text."""
    return TextContent(type="text", text=words)


def _image() -> ImageContent:
    return ImageContent(type="image", data=b64encode(PNG).decode(), mime_type="image/png")


def _embedded(uri: str, mime_type: str, words: str) -> EmbeddedResource:
    return EmbeddedResource(
        type="resource", resource=TextResourceContents(uri=uri, mime_type=mime_type, text=words)
    )


def result(*blocks: ContentBlock) -> CallToolResult:
    """A tool's answer of these blocks."""
    return CallToolResult(content=list(blocks))


async def test_simple_text() -> CallToolResult:
    """Answer with a text."""
    return result(text("This is a simple text response for testing."))


async def test_image_content() -> CallToolResult:
    """Answer with an image."""
    return result(_image())


async def test_audio_content() -> CallToolResult:
    """Answer with a sound."""
    return result(AudioContent(type="audio", data=b64encode(WAV).decode(), mime_type="audio/wav"))


async def test_embedded_resource() -> CallToolResult:
    """Answer with a resource."""
    return result(
        _embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")
    )


async def test_multiple_content_types() -> CallToolResult:
    """Answer with a text, an image and a resource."""
    mixed = _embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}')
    return result(text("Multiple content types test:"), _image(), mixed)


async def test_error_handling() -> CallToolResult:
    """Fail."""
    raise AkashError("This tool intentionally returns an error for testing")


async def test_tool_with_progress(ctx: Ctx) -> CallToolResult:
    """Tell how far it has come, three times."""
    for progress in (0, 50, 100):
        await ctx.report_progress(progress, 100)
        await anyio.sleep(_PAUSE)
    return result(text("Told three times."))


async def test_header_argument(
    region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})],
) -> CallToolResult:
    """Take an argument that is told to proxies in a header too."""
    return result(text(f"In {region}."))


async def json_schema_2020_12_tool() -> CallToolResult:
    """Be listed with a schema of every kind of keyword."""
    return result(text("Listed."))


SCHEMA_2020_12 = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
"""What the suite looks for in the list. A schema of ours is flat; this shows that the way to the client keeps it."""

CONTENTS = tuple(
    ToolSpec(function, title=function.__name__, effect=Effect.READS, text_only=True)
    for function in (
        test_simple_text,
        test_image_content,
        test_audio_content,
        test_embedded_resource,
        test_multiple_content_types,
        test_error_handling,
        test_tool_with_progress,
        test_header_argument,
        json_schema_2020_12_tool,
    )
)
CONTENTS[-1].build().parameters = SCHEMA_2020_12


def test_simple_prompt() -> str:
    """A prompt without arguments."""
    return "This is a simple prompt for testing."


def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
    """A prompt with two arguments."""
    return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"


def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:
    """A prompt that brings a resource."""
    return [
        UserMessage(_embedded(resourceUri, "text/plain", "Embedded resource content for testing.")),
        UserMessage("Please process the embedded resource above."),
    ]


def test_prompt_with_image() -> list[UserMessage]:
    """A prompt that brings an image."""
    return [UserMessage(_image()), UserMessage("Please analyze the image above.")]


def add_readable(server: MCPServer[Any]) -> None:
    """Add the resources and the prompts that the suite reads."""

    @server.resource("test://static-text", mime_type="text/plain")
    def static_text() -> str:
        """A text."""
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", mime_type="image/png")
    def static_binary() -> bytes:
        """An image."""
        return PNG

    @server.resource("test://watched-resource", mime_type="text/plain")
    def watched_resource() -> str:
        """What a client may subscribe to."""
        return "Nothing changes here."

    @server.resource("test://template/{id}/data", mime_type="application/json")
    def template(id: str) -> str:
        """A resource for each id."""
        return f'{{"id":"{id}","templateTest":true,"data":"Data for ID: {id}"}}'

    for function in (
        test_simple_prompt,
        test_prompt_with_arguments,
        test_prompt_with_embedded_resource,
        test_prompt_with_image,
    ):
        server.add_prompt(Prompt.from_function(function))
