"""Where a call belongs to a trace that its client began: told in `_meta`, which the SDK reads, or in HTTP's headers."""

from __future__ import annotations

from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from opentelemetry.context import attach, detach
from opentelemetry.propagate import extract

_PARENT = "traceparent"


async def take_trace_of_headers(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware, before the SDK's own: the trace of the headers, unless `_meta` names one."""
    headers = getattr(ctx.request, "headers", None)  # a request over HTTP has some
    if headers is None or _PARENT not in headers or _PARENT in (ctx.meta or {}):
        return await call_next(ctx)
    token = attach(extract(headers))
    try:
        return await call_next(ctx)
    finally:
        detach(token)
