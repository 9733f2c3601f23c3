"""The Python SDK since 2.0: `Client`, in both protocol eras."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.types import ElicitResult, TextContent
from orders import Person, Seen, Target, drive
from taken_tasks import TakenTasks

_MODES = {"legacy": "legacy", "auto": "auto", "modern": "2026-07-28"}


class Connection:
    """A client, as orders need it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.protocol = str(client.protocol_version)

    async def tools(self) -> list[str]:
        return [tool.name for tool in (await self._client.list_tools()).tools]

    async def call(self, tool: str, arguments: dict[str, Any]) -> Seen:
        result = await self._client.call_tool(tool, arguments)
        text = "".join(block.text for block in result.content if isinstance(block, TextContent))
        return Seen(text, result.structured_content, bool(result.is_error))


@asynccontextmanager
async def connect(target: Target, person: Person) -> AsyncIterator[Connection]:
    async def answer(context: object, params: Any) -> ElicitResult:
        return ElicitResult(**await person.asks(params.message))

    server: Any = target.url
    if target.transport == "stdio":
        server = StdioServerParameters(command=target.command, args=target.arguments, env=target.environment)
    elif target.transport == "sse":
        server = sse_client(target.url)
    asked = {"elicitation_callback": answer} if target.can_be_asked else {}
    extensions = [TakenTasks()] if target.takes_tasks else []
    async with Client(server, mode=_MODES[target.era], extensions=extensions, **asked) as client:
        yield Connection(client)


drive(connect)
