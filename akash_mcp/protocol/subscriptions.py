"""Which client wants to hear that a resource has changed, and telling it, in both protocol eras.

From 2026-07-28 on by `subscriptions/listen`, which the SDK serves; before by `resources/subscribe`, which it leaves to
us. A message says which resource changed, and nothing else: the client reads it again if it wants to know. The lists
of resources, prompts and tools never change, so nobody is told that they did.
"""

from __future__ import annotations

from typing import Any

from mcp import MCPError
from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import MCPServer
from mcp.server.subscriptions import InMemorySubscriptionBus, ResourceUpdated
from mcp.types import INVALID_PARAMS, EmptyResult, SubscribeRequestParams, UnsubscribeRequestParams

from akash_mcp.protocol.sessions import Sessions
from akash_mcp.resources import BUDGET, DEPLOYMENTS, NOTICES
from akash_mcp.workflow.changes import Change

Context = ServerRequestContext[Any, Any]

_MOST_URIS = 200
_LONGEST_URI = 500


class Subscriptions:
    """Tells subscribers of both eras. `bus` is for the SDK, which serves those of the newer."""

    def __init__(self, sessions: Sessions) -> None:
        self.bus = InMemorySubscriptionBus()
        self._sessions = sessions

    def serve(self, server: MCPServer[Any]) -> None:
        """Have the server take subscriptions of the older era too."""
        lowlevel = server._lowlevel_server
        lowlevel.add_request_handler("resources/subscribe", SubscribeRequestParams, self._subscribe)
        lowlevel.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, self._unsubscribe)

    def hear(self, change: Change) -> None:
        """Tell whoever subscribed to what looks different now."""
        for uri in uris_of(change):
            self._sessions.start_soon(self.bus.publish, ResourceUpdated(uri))
            self._tell_sessions(uri)

    def _tell_sessions(self, uri: str) -> None:
        for session in self._sessions.all:
            if uri in session.uris:
                self._sessions.tell(session, "notifications/resources/updated", {"uri": uri})

    async def _subscribe(self, ctx: Context, params: SubscribeRequestParams) -> EmptyResult:
        """To what there is not, a client may subscribe as well: it hears nothing of it."""
        session, uri = self._sessions.of(ctx), str(params.uri)
        if len(uri) > _LONGEST_URI or len(session.uris) >= _MOST_URIS:
            raise MCPError(
                INVALID_PARAMS, f"A session has at most {_MOST_URIS} subscriptions, to short addresses"
            )
        session.uris.add(uri)
        return EmptyResult()

    async def _unsubscribe(self, ctx: Context, params: UnsubscribeRequestParams) -> EmptyResult:
        self._sessions.of(ctx).uris.discard(str(params.uri))
        return EmptyResult()


def uris_of(change: Change) -> tuple[str, ...]:
    """The resources that look different after a change."""
    deployment = (f"{DEPLOYMENTS}/{change.dseq}",) if change.dseq else ()
    return (*deployment, DEPLOYMENTS, BUDGET, *((NOTICES,) if change.is_notice else ()))
