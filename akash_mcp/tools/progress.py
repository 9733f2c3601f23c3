"""How long a call waits, and how it reports progress. Hosts give up after about a minute, so calls end well before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from akash_mcp.sanitize.text import one_line
from akash_mcp.tools.approval import AppContext

WAIT_SECONDS = 20.0
"""How long a tool waits for work that also goes on without it."""

MAX_WAIT_SECONDS = 40
"""The longest that a call waits."""


def report_progress(ctx: AppContext) -> Callable[[str], Awaitable[None]]:
    """A function that sends a message to the client as progress, if it asked for that. Messages are cleaned here."""
    sent = 0

    async def report(message: str) -> None:
        nonlocal sent
        sent += 1  # progress must increase, and how many messages there will be is not known
        await ctx.report_progress(sent, None, one_line(message))

    return report
