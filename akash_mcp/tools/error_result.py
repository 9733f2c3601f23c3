"""How a call that failed is answered: in words, and with a code for programs (docs/errors.md)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext
from mcp.types import CallToolResult, TextContent

from akash_mcp.errors import AkashError, BadArgument
from akash_mcp.sanitize.text import clean, quoted
from akash_mcp.tools.hiding import hidden
from akash_mcp.workflow.play_money import marked

MAX_ERROR_BYTES = 4_000


def error_result(
    error: AkashError, *, retryable: bool, notices: Sequence[str] = (), play_money: bool = False
) -> CallToolResult:
    """The answer: what happened, what happened meanwhile, and last the code. The code stands in `_meta` too.

    There is no structured half: clients hold that to the tool's output schema, also where a call failed.
    """
    # Whatever an error quotes, an upstream's words or the caller's own, comes in plain text.
    said = marked(str(error)) if play_money else str(error)
    text = clean(said, limit=MAX_ERROR_BYTES).text
    last = f"code: {error.code} · retryable: {'yes' if retryable else 'no'}"
    return CallToolResult(
        content=[TextContent(type="text", text="\n".join([text, *hidden(list(notices)), last]))],
        is_error=True,
        _meta={"code": error.code, "retryable": retryable},
    )


def refuse_other_tools(names: Collection[str], *, play_money: bool) -> ServerMiddleware[Any]:
    """Middleware: a tool that there is not is answered like any other wrong argument."""

    async def refuse(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        name = (ctx.params or {}).get("name")
        if ctx.method != "tools/call" or not isinstance(name, str) or name in names:
            return await call_next(ctx)
        unknown = BadArgument(
            f"There is no tool {quoted(name)} here.",
            next_step="The user chooses which there are (toolsets, read_only); tools/list has them.",
        )
        return error_result(unknown, retryable=False, play_money=play_money)

    return refuse
