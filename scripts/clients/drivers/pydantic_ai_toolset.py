"""pydantic-ai: a whole run of an agent a call, with a model that is a function."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import SSETransport, StdioTransport, StreamableHttpTransport
from orders import Person, Seen, Target, drive
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import (
    ModelMessage,
    ModelResponse,
    RetryPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel


class Toolset:
    """A toolset, as orders need it."""

    def __init__(self, toolset: MCPToolset[None]) -> None:
        self._toolset = toolset
        self.protocol = ""

    async def tools(self) -> list[str]:
        return [tool.name for tool in await self._toolset.list_tools()]

    async def call(self, tool: str, arguments: dict[str, Any]) -> Seen:
        seen: list[Seen] = []

        def model(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
            for part in messages[-1].parts:
                if isinstance(part, ToolReturnPart):
                    structured = part.content if isinstance(part.content, dict) else None
                    text = part.content if isinstance(part.content, str) else json.dumps(part.content)
                    seen.append(Seen(text, structured, False))
                elif isinstance(part, RetryPromptPart):
                    seen.append(Seen(part.model_response(), None, True))
            return ModelResponse([TextPart("done")] if seen else [ToolCallPart(tool, arguments)])

        await Agent(FunctionModel(model), toolsets=[self._toolset]).run("go")
        return seen[-1]


@asynccontextmanager
async def connect(target: Target, person: Person) -> AsyncIterator[Toolset]:
    async def answer(message: str, kind: object, params: object, context: object) -> ElicitResult:
        return ElicitResult(**await person.asks(message))

    handler = answer if target.can_be_asked else None
    async with MCPToolset(_transport(target), elicitation_handler=handler) as toolset:
        yield Toolset(toolset)


def _transport(target: Target) -> Any:
    if target.transport == "stdio":
        return StdioTransport(target.command, target.arguments, env=target.environment)
    return SSETransport(target.url) if target.transport == "sse" else StreamableHttpTransport(target.url)


drive(connect)
