"""Progress: what a client that asked for it hears while its call waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from akash_mcp.sanitize.text import one_line
from akash_mcp.tools.approval import AppContext


def report_progress(ctx: AppContext) -> Callable[[str], Awaitable[None]]:
    """What tells the client of each stage, where it asked to be told. A stage may name what others named."""
    told = 0

    async def tell(stage: str) -> None:
        nonlocal told
        told += 1  # progress must increase, and nobody knows how many stages there will be
        await ctx.report_progress(told, None, one_line(stage))

    return tell
