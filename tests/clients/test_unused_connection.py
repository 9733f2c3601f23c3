"""Of a request that is cancelled no connection is left open, whenever that is; of one that is made it is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx2
import pytest
from provider_certificates import authority, issued, trusting
from wire_servers import Server, reply

from akash_mcp.clients.unused_connection import UnusedConnection

pytestmark = pytest.mark.anyio


class Opened(UnusedConnection):
    """Cancels a scope at an event, and remembers what was opened."""

    def __init__(self, scope: anyio.CancelScope, moment: str) -> None:
        super().__init__()
        self.stream: Any = None
        self._scope = scope
        self._moment = moment

    @property
    def is_open(self) -> bool:
        return bool(self.stream.get_extra_info("socket").fileno() >= 0)

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        await super().trace(event, info)
        if event == "connection.connect_tcp.complete":
            self.stream = info["return_value"]
        if event == self._moment:
            self._scope.cancel()


@asynccontextmanager
async def asking(folder: Path) -> AsyncIterator[tuple[Server, httpx2.AsyncClient]]:
    known = authority()
    async with (
        Server(reply(200, ""), tls=issued(known, "127.0.0.1").server_context(folder)) as server,
        httpx2.AsyncClient(verify=trusting(known), trust_env=False) as client,
    ):
        yield server, client


async def ask(server: Server, client: httpx2.AsyncClient, moment: str = "") -> Opened:
    with anyio.CancelScope() as scope:
        async with Opened(scope, moment) as opened:
            await client.get(server.url, extensions={"trace": opened.trace})
    await anyio.lowlevel.checkpoint()
    return opened


@pytest.mark.parametrize(
    "moment",
    ["connection.start_tls.started", "connection.start_tls.complete", "http11.send_request_body.started"],
)
async def test_a_cancelled_request_leaves_nothing_open(moment: str, tmp_path: Path) -> None:
    async with asking(tmp_path) as (server, client):
        assert not (await ask(server, client, moment)).is_open


async def test_a_connection_that_was_used_is_kept_for_the_next_request(tmp_path: Path) -> None:
    async with asking(tmp_path) as (server, client):
        opened = await ask(server, client)
        assert opened.is_open
        await ask(server, client)
        assert opened.is_open
    assert (server.connections, len(server.requests)) == (1, 2)
