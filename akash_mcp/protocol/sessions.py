"""The sessions of the older protocol era that want to hear something, and telling it to them.

From 2026-07-28 on there are none: what a client wants to hear, it asks for by a request whose answer stays open, or
with each call. Here a session says so once, and is told as long as its connection lives. One that does not read holds
up nobody: what it cannot be told is left out.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.abc import TaskGroup
from mcp.server.connection import Connection
from mcp.server.context import ServerRequestContext
from mcp.types import LoggingLevel

log = logging.getLogger(__name__)

_MOST_ON_THE_WAY = 50
"""Messages that one session has not taken yet."""


@dataclass(eq=False)
class Session:
    """A client, and what it wants to hear: the resources that it subscribed to, and log messages from a level on."""

    connection: Connection
    uris: set[str] = field(default_factory=set)
    level: LoggingLevel | None = None
    _on_the_way: int = 0


class Sessions:
    """The sessions that said what they want to hear. They are forgotten with their connection."""

    def __init__(self) -> None:
        self._known: dict[Connection, Session] = {}
        self._tasks: TaskGroup | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Within the block messages are sent."""
        async with anyio.create_task_group() as tasks:
            before, self._tasks = self._tasks, tasks
            yield
            self._tasks = before
            tasks.cancel_scope.cancel()

    def start_soon(self, send: Callable[..., Coroutine[Any, Any, object]], *args: Any) -> None:
        """Begin to send something, without waiting for it."""
        if self._tasks is not None:
            self._tasks.start_soon(send, *args)

    @property
    def all(self) -> list[Session]:
        """Each of them."""
        return [*self._known.values()]

    def of(self, ctx: ServerRequestContext[Any, Any]) -> Session:
        """The session of a request, known from now on."""
        connection = (
            ctx.session._connection
        )  # the SDK shows it to nobody, and knows a session by nothing else
        session = self._known.get(connection)
        if session is None:
            session = self._known[connection] = Session(connection)
            connection.exit_stack.callback(self._known.pop, connection, None)
        return session

    def tell(self, session: Session, method: str, params: Mapping[str, Any]) -> bool:
        """Send a notification, without waiting for it. False where it is left out."""
        if session._on_the_way >= _MOST_ON_THE_WAY:
            return False
        session._on_the_way += 1
        self.start_soon(self._send, session, method, params)
        return True

    async def _send(self, session: Session, method: str, params: Mapping[str, Any]) -> None:
        try:
            await session.connection.notify(method, params)
        except (
            Exception
        ):  # a client whose connection broke must not end the server, and all other clients with it
            self._known.pop(session.connection, None)  # first: that this is logged is not told to it again
            log.exception("a session can no longer be told anything")
        finally:
            session._on_the_way -= 1
