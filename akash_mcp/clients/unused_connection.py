"""What a request opened and never used is closed: httpcore2 leaves it open where the request is cancelled.

Of a TLS handshake that fails it closes the connection, of one that is cancelled it does not: its `start_tls` catches
`Exception`, and a cancellation is none (httpcore2 2.16, `_backends/anyio.py`). Nor does it close one whose request was
cancelled between the handshake and its first byte, which no other request of the pool is given either.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol, Self

import anyio


class _Connection(Protocol):
    async def aclose(self) -> None: ...


class UnusedConnection:
    """The connection that was made for one request, from then until its first byte. `trace` is the request's extension
    of that name. At the end of an `async with` it is closed if there still is one."""

    def __init__(self) -> None:
        self._connection: _Connection | None = None

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            self._connection = info["return_value"]
        elif event.endswith("send_request_headers.started") and not is_for_proxy(info):
            self._connection = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            with anyio.CancelScope(shield=True):
                await self._connection.aclose()


def is_for_proxy(info: Mapping[str, Any]) -> bool:
    """Whether a trace event is of the CONNECT to a proxy, and not of the request behind it."""
    return bool(getattr(info.get("request"), "method", b"") == b"CONNECT")
