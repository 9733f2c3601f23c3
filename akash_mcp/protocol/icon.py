"""The server's icon, where it costs nothing.

From 2026-07-28 on the SDK puts the whole identity of a server into each of its answers, where an icon is 80 bytes more
(22 tokens of o200k, for whoever shows a model the whole message). So it stands only where a client gets to know the
server: in the answers to `initialize` and `server/discover`.
"""

from __future__ import annotations

from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.types import SERVER_INFO_META_KEY

ICON = {"src": "https://github.com/akash-network.png", "mimeType": "image/png"}
"""The picture of Akash Network's organization on GitHub, by the address that GitHub keeps for each."""


async def show_icon(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware: add the icon where the server tells who it is."""
    answer = await call_next(ctx)
    if isinstance(answer, dict):
        if ctx.method == "initialize":
            answer["serverInfo"]["icons"] = [ICON]
        elif ctx.method == "server/discover":
            answer["_meta"][SERVER_INFO_META_KEY]["icons"] = [ICON]
    return answer
