"""What a demo works with: the server as its own process, a real MCP client, and the books of what is embedded."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client import ClientRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult, ElicitRequestParams, ElicitResult, TextContent

from akash_mcp.cli.demo_story import DemoFailed, Story

_ANSWER_SECONDS = 60.0
"""For one answer of the server, which gives each well before that (`tools/deadline.py`)."""


@asynccontextmanager
async def served(
    story: Story, state: Path, flags: Sequence[str], variables: Mapping[str, str], *, play: str
) -> AsyncIterator[Client]:
    """An MCP client over stdio, with the server as its own process and a person who says yes.

    `state` is the server's folder and its home; of this process's environment it gets PATH and nothing else. `play`
    says why a yes costs nothing here. Raises `DemoFailed` where the server is not there, or goes.
    """

    async def yes(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        story.step("You are asked first", f"“{params.message}”  {play}, and here the demo says yes for you.")
        return ElicitResult(action="accept", content={"confirm": True})

    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "akash_mcp", "serve", *flags],
        env={
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(state),
            "AKASH_MCP_STATE_DIR": str(state),
            **variables,
        },
    )
    client = Client(server, elicitation_callback=yes, read_timeout_seconds=_ANSWER_SECONDS)
    try:
        async with client:
            tools = (await client.list_tools()).tools
            story.step("An MCP client talks to akash-mcp over stdio", f"{len(tools)} tools")
            yield client
    except* MCPError as lost:
        raise DemoFailed(f"The server gave no answer: {lost.exceptions[0]}.") from lost


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """What a tool answers, as fields. Raises `DemoFailed` for an error, and where no answer comes."""
    return dict((await _answered(client, tool, arguments)).structured_content or {})


async def text(client: Client, tool: str, **arguments: Any) -> str:
    """What a tool answers, as text. Raises `DemoFailed` as `call` does."""
    return _text(await _answered(client, tool, arguments))


async def refusal(client: Client, tool: str, **arguments: Any) -> str:
    """The error of a call that must fail. Raises `DemoFailed` where it does not, and where no answer comes."""
    result = await _ask(client, tool, arguments)
    if not result.is_error:
        raise DemoFailed(f"{tool} took what it should have refused: {_text(result)}")
    return _text(result)


def outside(control_url: str) -> httpx2.AsyncClient:
    """Asks what is embedded, past the server, for its books."""
    return httpx2.AsyncClient(base_url=control_url, trust_env=False)


async def books(outside: httpx2.AsyncClient) -> dict[str, Any]:
    """What is true on the embedded side, whatever the server says. Raises `httpx2.HTTPError`."""
    state = (await outside.get("/_sandbox/state")).raise_for_status().json()
    return dict(state)


async def _answered(client: Client, tool: str, arguments: dict[str, Any]) -> CallToolResult:
    result = await _ask(client, tool, arguments)
    if result.is_error:
        raise DemoFailed(f"{tool} failed: {_text(result)}")
    return result


async def _ask(client: Client, tool: str, arguments: dict[str, Any]) -> CallToolResult:
    try:
        return await client.call_tool(tool, arguments)
    except MCPError as lost:
        raise DemoFailed(f"{tool} got no answer: {lost}.") from lost


def _text(result: CallToolResult) -> str:
    return "".join(block.text for block in result.content if isinstance(block, TextContent))
