"""The wire: the requests under way that change something, and how they end when a server stops.

A payment that is cut off in the middle is found again, but an answer that is waited for is known at once. So a server
that stops sends nothing more, and waits a while for what it sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

_GRACE_SECONDS = 1.0
"""How long whoever got an answer has to write it down."""


class Wire:
    """Counts the requests under way. One a process."""

    def __init__(self) -> None:
        self._under_way = 0
        self._is_closed = False
        self._changed = anyio.Event()

    @asynccontextmanager
    async def request(self) -> AsyncIterator[None]:
        """Around one request. Where the server stops, whoever comes late waits here until it is cancelled."""
        if self._is_closed:
            await anyio.sleep_forever()
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self._changed.set()

    async def close(self, seconds: float) -> None:
        """Let no more requests out, and wait at most so long for those that are."""
        self._is_closed = True
        if not self._under_way:
            return
        with anyio.move_on_after(seconds):
            while self._under_way:
                self._changed = anyio.Event()
                await self._changed.wait()
        await anyio.sleep(_GRACE_SECONDS)
