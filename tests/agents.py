"""MCP clients of both eras that answer questions in every way a client can, and what they see."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from mcp import Client
from mcp.types import CallToolResult, ElicitResult, TextContent

SPEED = 60.0
ERAS = ("2026-07-28", "legacy")


@dataclass
class Agent:
    """An MCP client as a test sees it."""

    client: Client
    asked: list[str] = field(default_factory=list)

    async def ask(self, tool: str, **arguments: Any) -> CallToolResult:
        return await self.client.call_tool(tool, arguments)

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured answer of a call that must succeed."""
        result = await self.ask(tool, **arguments)
        assert not result.is_error, text_of(result)
        return dict(result.structured_content or {})

    async def refused(self, tool: str, **arguments: Any) -> str:
        """The words of a call that must fail."""
        result = await self.ask(tool, **arguments)
        assert result.is_error, text_of(result)
        return text_of(result)

    async def agreed(self, shown: dict[str, Any]) -> dict[str, Any]:
        """What comes of a plan that was shown, and that the user agreed to."""
        assert shown["status"] == "confirmation_required"
        return await self.call("confirm", approval_token=shown["approval_token"])

    async def finished(self, answer: dict[str, Any]) -> dict[str, Any]:
        """An answer, waited for where it is pending."""
        while answer["status"] == "pending":
            shown = await self.call("get_deployment", id=answer["op_id"], wait_for="ready")
            if shown.get("ready"):
                return {**answer, **shown, "status": "ready"}
        return answer


def text_of(result: CallToolResult) -> str:
    return "".join(block.text for block in result.content if isinstance(block, TextContent))


YES = ElicitResult(action="accept", content={"confirm": True})
Connect = Callable[..., AbstractAsyncContextManager[Agent]]
