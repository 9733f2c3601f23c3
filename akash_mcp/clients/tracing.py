"""Spans of what is asked of others, by OpenTelemetry's conventions for HTTP clients (docs/telemetry.md).

Nobody records them unless somebody installs OpenTelemetry's SDK. A span tells who was asked and how that ended, and
never what was sent or answered: no query, no header, no body, and of a path its shape (`/v1/deployments/{}`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.util.types import AttributeValue

_tracer = trace.get_tracer("akash-mcp")

_WORD = re.compile(r"v\d{1,2}(?:beta\d{1,2})?|[a-z]+(?:-[a-z]+)?")
"""A part of a path that is the API's own, and no name of somebody's."""
_NAMED_BEFORE = frozenset(("templates", "providers", "deployments"))
"""What comes after these is a name, whatever it looks like."""


@contextmanager
def request_span(method: str, path: str | None, *, host: str, port: int, attempt: int = 1) -> Iterator[Span]:
    """A span around one HTTP request. `path` is None where its words are somebody's own, as an image's name is."""
    attributes: dict[str, AttributeValue] = {"http.request.method": method}
    shape = "" if path is None else shape_of(path)
    if shape:
        attributes["url.template"] = shape
    if attempt > 1:
        attributes["http.request.resend_count"] = attempt - 1
    with _span(f"{method} {shape}".rstrip(), host, port, attributes) as span:
        yield span


@contextmanager
def connection_span(name: str, *, host: str, port: int) -> Iterator[Span]:
    """A span around a connection that is no HTTP request, or not only one."""
    with _span(name, host, port, {}) as span:
        yield span


def answered(span: Span, status: int) -> None:
    """Tell the status of a successful answer."""
    span.set_attribute("http.response.status_code", status)


@contextmanager
def _span(name: str, host: str, port: int, attributes: dict[str, AttributeValue]) -> Iterator[Span]:
    span = _tracer.start_span(
        name, kind=SpanKind.CLIENT, attributes={"server.address": host, "server.port": port, **attributes}
    )
    try:
        yield span
    except Exception as error:  # raised again: only told
        status = getattr(error, "status", None)
        if isinstance(status, int) and status:
            span.set_attribute("http.response.status_code", status)
            span.set_attribute("error.type", str(status))
        else:
            span.set_attribute("error.type", type(error).__name__)
        # Without the error's words: they may quote what was answered.
        span.set_status(StatusCode.ERROR)
        raise
    finally:
        span.end()


def shape_of(path: str) -> str:
    """A path with every part that may be somebody's replaced: the same for all deployments, providers and templates."""
    parts = path.partition("?")[0].split("/")
    shown = [
        part if not part or (_WORD.fullmatch(part) and before not in _NAMED_BEFORE) else "{}"
        for before, part in zip(["", *parts], parts, strict=False)
    ]
    return "/".join(shown)
