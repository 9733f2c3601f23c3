"""The Console API key goes with a request from when it is needed, and makes the account known."""

from __future__ import annotations

import threading

import pytest
from wire_servers import Server, reply

from akash_mcp.clients.console.client import ConsoleClient
from akash_mcp.clients.console.key import ConsoleKey

pytestmark = pytest.mark.anyio

KEY = "ac.sk.production.0123456789"


async def test_it_is_read_when_it_is_needed_and_once() -> None:
    reads: list[str] = []

    def read() -> str:
        reads.append(threading.current_thread().name)
        return KEY

    async with Server(reply(200, {"data": {}})) as server:
        key = ConsoleKey(read=read)
        console = server.closes(ConsoleClient(server.url, key))
        await console.get_public("/v1/blocks")
        assert (reads, server.requests[0].headers.get("x-api-key")) == ([], None)
        before = console.account
        await console.get("/v1/user/me")
        await console.get_public("/v1/blocks")
        assert [request.headers.get("x-api-key") for request in server.requests[1:]] == [KEY, KEY]
        assert console.account != before
    assert reads == ["key"]
    key.forget()
