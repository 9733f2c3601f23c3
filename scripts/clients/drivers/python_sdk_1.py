"""The Python SDK before 2.0: `ClientSession` over its transports."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from mcp import ClientSession, StdioServerParameters, types
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from orders import Person, Seen, Target, drive


class Session:
    """A session, as orders need it."""

    def __init__(self, session: ClientSession, protocol: str) -> None:
        self._session = session
        self.protocol = protocol

    async def tools(self) -> list[str]:
        return [tool.name for tool in (await self._session.list_tools()).tools]

    async def call(self, tool: str, arguments: dict[str, Any]) -> Seen:
        result = await self._session.call_tool(tool, arguments)
        text = "".join(block.text for block in result.content if block.type == "text")
        return Seen(text, getattr(result, "structuredContent", None), bool(result.isError))


@asynccontextmanager
async def connect(target: Target, person: Person) -> AsyncIterator[Session]:
    async def answer(context: object, params: Any) -> Any:
        return types.ElicitResult(**await person.asks(params.message))

    knows = "elicitation_callback" in inspect.signature(ClientSession.__init__).parameters
    async with AsyncExitStack() as stack:
        streams = await stack.enter_async_context(_transport(target))
        asked = {"elicitation_callback": answer} if knows and target.can_be_asked else {}
        session = await stack.enter_async_context(ClientSession(streams[0], streams[1], **asked))
        yield Session(session, str((await session.initialize()).protocolVersion))


def _transport(target: Target) -> Any:
    if target.transport == "stdio":
        return stdio_client(
            StdioServerParameters(command=target.command, args=target.arguments, env=target.environment)
        )
    if target.transport == "sse":
        return sse_client(target.url)
    from mcp.client.streamable_http import streamablehttp_client  # not there before 1.8

    return streamablehttp_client(target.url)


drive(connect)
