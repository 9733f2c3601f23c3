"""A session is known for as long as its connection lives, and one that reads nothing holds up nobody."""

from __future__ import annotations

import pytest
from mcp import Client
from mcp.server.mcpserver import MCPServer

from akash_mcp.protocol.sessions import Sessions
from akash_mcp.protocol.subscriptions import Subscriptions

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore:resources/subscribe is removed")]


async def test_a_session_is_forgotten_with_its_connection() -> None:
    sessions, server = Sessions(), MCPServer("test", log_level="WARNING")
    Subscriptions(sessions).serve(server)
    async with sessions.open():
        async with Client(server, mode="legacy") as one:
            await one.subscribe_resource("akash://budget")
            await one.subscribe_resource("akash://deployments")
            async with Client(server, mode="legacy") as two:
                await two.subscribe_resource("akash://budget")
                assert [len(session.uris) for session in sessions.all] == [2, 1]
            assert len(sessions.all) == 1
        assert sessions.all == []


async def test_what_a_session_does_not_take_is_left_out() -> None:
    sessions, server = Sessions(), MCPServer("test", log_level="WARNING")
    Subscriptions(sessions).serve(server)
    async with sessions.open(), Client(server, mode="legacy") as client:
        await client.subscribe_resource("akash://budget")
        (session,) = sessions.all
        method, params = "notifications/resources/updated", {"uri": "akash://budget"}
        assert [sessions.tell(session, method, params) for _ in range(52)].count(False) == 2
        await client.list_prompts()  # they are on their way by then
        assert sessions.tell(session, method, params)
