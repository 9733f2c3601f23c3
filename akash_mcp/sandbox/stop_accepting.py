"""How a server of the embedded network stops listening without losing whoever is just being let in."""

from __future__ import annotations

import asyncio
from contextlib import suppress


async def stop_accepting(server: asyncio.Server) -> None:
    """Close `server` once the protocol of each connection that it accepted knows of it.

    A connection that was accepted in the same turn of the event loop in which its server is closed is lost: asyncio
    refuses to make its transport, and nobody closes its socket (python/cpython issue 109564). So nothing more is
    accepted first. In the next turn what was accepted gets its transport, and in the one after that its protocol
    is told.
    """
    loop = asyncio.get_running_loop()
    for listening in server.sockets:
        with suppress(NotImplementedError):  # Windows' own loop accepts without a reader
            loop.remove_reader(listening)
    for _ in range(2):
        await asyncio.sleep(0)
    server.close()
