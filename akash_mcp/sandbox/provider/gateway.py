"""One provider's gateway on a port of its own: TLS, HTTP and WebSocket, and the cluster behind them."""

from __future__ import annotations

import asyncio

from akash_mcp.sandbox.certificates import IssuedCertificate
from akash_mcp.sandbox.chain import Chain, Provider
from akash_mcp.sandbox.market import GI, TI, Node, Seller
from akash_mcp.sandbox.provider.cluster import Cluster
from akash_mcp.sandbox.provider.http1 import Connection
from akash_mcp.sandbox.provider.listener import Listener
from akash_mcp.sandbox.provider.routes import Routes
from akash_mcp.sandbox.provider.tls import server_context
from akash_mcp.sandbox.provider.websocket import PING_SECONDS


class Gateway:
    """The gateway of `provider`, serving the leases that `chain` holds for it. Tokens only, no client certificates.

    `seller` tells what `/status` shows of its machines. `ping_seconds` is the real time between two pings.
    """

    def __init__(
        self,
        chain: Chain,
        provider: Provider,
        certificate: IssuedCertificate,
        *,
        host: str = "127.0.0.1",
        seller: Seller | None = None,
        ping_seconds: float = PING_SECONDS,
    ) -> None:
        self._chain = chain
        self._provider = provider
        self._certificate = certificate
        self._host = host
        self._seller = seller
        self._ping_seconds = ping_seconds
        self._listener: Listener | None = None
        self._cluster: Cluster | None = None
        self._port = 0

    async def start(self) -> None:
        """Listen, on a free port the first time, and put it on chain: `host_uri` becomes `https://localhost:PORT`."""
        if self._cluster is None:
            self._cluster = Cluster(self._chain, self._provider.owner, self._host)
        nodes, storage = _inventory(self._seller)
        routes = Routes(self._cluster, nodes, storage, self._ping_seconds)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await Connection(reader, writer, routes.answer).run()

        self._listener = Listener(self._host, serve, port=self._port, tls=server_context(self._certificate))
        self._listener.start()
        self._port = self._listener.port
        self._provider.host_uri = f"https://localhost:{self._port}"

    async def unplug(self) -> None:
        """Be unreachable until the next `start`, on the same port. What runs goes on running."""
        if self._listener is not None:
            self._listener.close()
            await self._listener.wait_closed()
            self._listener = None

    async def stop(self) -> None:
        """End everything: connections, streams, workloads and their ports."""
        await self.unplug()
        if self._cluster is not None:
            await self._cluster.close()
            self._cluster = None


def _inventory(seller: Seller | None) -> tuple[list[Node], dict[str, int]]:
    """The machines, and bytes of storage by class."""
    if seller is None:
        return [Node(64_000, 256 * GI)], {"ephemeral": 4 * TI}
    storage = {"ephemeral": seller.ephemeral}
    if seller.storage_class:
        storage[seller.storage_class] = seller.persistent
    return [seller.node] * seller.nodes, storage
