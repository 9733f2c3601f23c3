"""langchain-mcp-adapters: its tools are called as an agent's node calls them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from langchain_core.tools import BaseTool
from langchain_mcp_adapters.callbacks import Callbacks
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from mcp.types import ElicitResult
from orders import Person, Seen, Target, drive


class Tools:
    """LangChain's tools, as orders need them."""

    protocol = ""

    def __init__(self, tools: list[BaseTool]) -> None:
        self._tools = {tool.name: tool for tool in tools}

    async def tools(self) -> list[str]:
        return list(self._tools)

    async def call(self, tool: str, arguments: dict[str, Any]) -> Seen:
        call = {"name": tool, "args": arguments, "id": "1", "type": "tool_call"}
        message = await self._tools[tool].ainvoke(call)
        artifact = message.artifact or {}
        blocks = message.content if isinstance(message.content, list) else [message.content]
        text = "".join(block if isinstance(block, str) else block.get("text", "") for block in blocks)
        # What a model reads is the text; the structured content is an artifact for programs.
        return Seen(text, artifact.get("structured_content"), message.status == "error")


@asynccontextmanager
async def connect(target: Target, person: Person) -> AsyncIterator[Tools]:
    async def answer(context: object, params: Any, about: object) -> ElicitResult:
        return ElicitResult(**await person.asks(params.message))

    callbacks = Callbacks(on_elicitation=answer) if target.can_be_asked else Callbacks()
    client = MultiServerMCPClient({"akash": _connection(target)}, callbacks=callbacks)
    async with client.session("akash") as session:
        yield Tools(await load_mcp_tools(session, callbacks=callbacks, server_name="akash"))


def _connection(target: Target) -> dict[str, Any]:
    if target.transport == "stdio":
        return {
            "transport": "stdio",
            "command": target.command,
            "args": target.arguments,
            "env": target.environment,
        }
    return {"transport": "sse" if target.transport == "sse" else "streamable_http", "url": target.url}


drive(connect)
