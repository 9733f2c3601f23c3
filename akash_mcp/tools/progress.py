"""Progress: what a client that asked for it hears while its call waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from akash_mcp.sanitize.text import one_line
from akash_mcp.tools.approval import AppContext


def report_progress(ctx: AppContext) -> Callable[[str], Awaitable[None]]:
    """A function that sends a message to the client as progress, if it asked for that. Messages are cleaned here."""
    sent = 0

    async def report(message: str) -> None:
        nonlocal sent
        sent += 1  # progress must increase, and how many messages there will be is not known
        await ctx.report_progress(sent, None, one_line(message))

    return report
