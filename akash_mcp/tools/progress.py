"""How long a call may take: hosts give up at about a minute, so every call answers well before that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from akash_mcp.sanitize.text import one_line
from akash_mcp.tools.approval import AppContext

WAIT_SECONDS = 20.0
"""How long a tool waits for work that goes on without it."""

MAX_WAIT_SECONDS = 40
"""How long a model may ask a reading tool to wait."""


def report_progress(ctx: AppContext) -> Callable[[str], Awaitable[None]]:
    """What tells the client of each stage, where it asked to be told. A stage may name what others named."""
    told = 0

    async def tell(stage: str) -> None:
        nonlocal told
        told += 1  # progress must increase, and nobody knows how many stages there will be
        await ctx.report_progress(told, None, one_line(stage))

    return tell
