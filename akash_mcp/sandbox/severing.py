"""Applications that can cut a connection without a word: by a fault, and when they stop."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send


class SeveringApp(ABC):
    """An ASGI application that cuts off every request under way once it stops, as a process that ends does."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        self._stopping = False

    @abstractmethod
    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.current_task()
        if task is None or scope["type"] != "http":
            return
        self._running.add(task)
        try:
            await self._serve(scope, receive, send)
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            await sever(scope, receive)
        except ClientDisconnect:
            return  # nobody is left to answer
        finally:
            self._running.discard(task)

    def stop(self) -> None:
        """Cut off every request under way."""
        self._stopping = True
        for task in self._running:
            task.cancel()


async def gone(receive: Receive) -> None:
    """Wait until the client has hung up."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def sever(scope: Scope, receive: Receive) -> None:
    """Cut the TCP connection without a word."""
    scope["state"]["abort"]()
    await gone(receive)
