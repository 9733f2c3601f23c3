"""A server that stops cuts off everyone, those included who were just being let in."""

from __future__ import annotations

import asyncio
import gc
import socket
from contextlib import suppress

import pytest

from akash_mcp.sandbox.provider.listener import Listener
from akash_mcp.sandbox.stop_accepting import stop_accepting

pytestmark = pytest.mark.anyio

TURNS = range(6)
"""Of the event loop: from before a connection is accepted until after it is served."""


def was_cut_off(client: socket.socket) -> bool:
    client.settimeout(5)
    with suppress(ConnectionResetError):
        return client.recv(1) == b""
    return True


@pytest.mark.parametrize("turns", TURNS)
async def test_a_connection_is_known_to_its_protocol_or_was_never_accepted(turns: int) -> None:
    made: list[asyncio.BaseTransport] = []

    class Known(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            made.append(transport)

    server = await asyncio.get_running_loop().create_server(Known, "127.0.0.1", 0)
    with socket.create_connection(server.sockets[0].getsockname()) as client:
        for _ in range(turns):
            await asyncio.sleep(0)
        await stop_accepting(server)
        for transport in made:
            transport.close()
        await asyncio.sleep(0)
        assert was_cut_off(client)
    gc.collect()  # what nobody closed warns, and a warning is an error


@pytest.mark.parametrize("turns", TURNS)
async def test_nobody_is_connected_to_a_listener_that_is_closed(turns: int) -> None:
    served: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(writer)
        await reader.read()

    listener = Listener("127.0.0.1", serve)
    listener.start()
    await asyncio.sleep(0)
    with socket.create_connection(("127.0.0.1", listener.port)) as client:
        for _ in range(turns):
            await asyncio.sleep(0)
        listener.close()
        begun = len(served)
        await listener.wait_closed()
        await asyncio.sleep(0)
        assert was_cut_off(client)
    assert len(served) == begun
    gc.collect()
