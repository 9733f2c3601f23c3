"""The client of fastmcp, before 3.0 and since."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import SSETransport, StdioTransport, StreamableHttpTransport
from orders import Person, Seen, Target, drive

_MODES = {"legacy": "legacy", "auto": "auto", "modern": "2026-07-28"}


class Connection:
    """A client, as orders need it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        told = getattr(client, "initialize_result", None)
        version = getattr(told, "protocol_version", None) or getattr(told, "protocolVersion", None)
        self.protocol = str(version or getattr(client, "protocol_version", None) or "")

    async def tools(self) -> list[str]:
        return [tool.name for tool in await self._client.list_tools()]

    async def call(self, tool: str, arguments: dict[str, Any]) -> Seen:
        result = await self._client.call_tool(tool, arguments, raise_on_error=False)
        text = "".join(block.text for block in result.content if block.type == "text")
        return Seen(text, result.structured_content, bool(result.is_error))


@asynccontextmanager
async def connect(target: Target, person: Person) -> AsyncIterator[Connection]:
    async def answer(message: str, kind: object, params: object, context: object) -> ElicitResult:
        return ElicitResult(**await person.asks(message))

    if target.takes_tasks:
        import fastmcp_tasks  # noqa: F401 - importing it is how a client comes to take tasks

    options: dict[str, Any] = {"elicitation_handler": answer} if target.can_be_asked else {}
    if "mode" in inspect.signature(Client.__init__).parameters:
        options["mode"] = _MODES[target.era]
    async with Client(_transport(target), **options) as client:
        yield Connection(client)


def _transport(target: Target) -> Any:
    if target.transport == "stdio":
        return StdioTransport(target.command, target.arguments, env=target.environment)
    return SSETransport(target.url) if target.transport == "sse" else StreamableHttpTransport(target.url)


drive(connect)
