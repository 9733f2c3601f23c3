"""What a client hears unasked: which resources changed, and what the server's log says."""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio
from mcp.client.session import IncomingMessage
from mcp.types import (
    LoggingMessageNotification,
    LoggingMessageNotificationParams,
    ResourceUpdatedNotification,
)

PATIENCE = 20.0


@dataclass
class Heard:
    """A message handler that remembers."""

    uris: list[str] = field(default_factory=list)
    log: list[LoggingMessageNotificationParams] = field(default_factory=list)
    _more: anyio.Event = field(default_factory=anyio.Event)

    async def __call__(self, message: IncomingMessage) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            self.uris.append(str(message.params.uri))
        elif isinstance(message, LoggingMessageNotification):
            self.log.append(message.params)
        self._more.set()
        self._more = anyio.Event()

    async def hear_of(self, uri: str) -> None:
        """Wait until a resource changed."""
        with anyio.fail_after(PATIENCE):
            while uri not in self.uris:
                await self._more.wait()
