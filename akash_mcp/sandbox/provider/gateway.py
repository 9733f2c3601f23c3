"""One provider's gateway on a port of its own: TLS, HTTP and WebSocket, and the cluster behind them."""

from __future__ import annotations

import asyncio
import socket
from functools import partial

from akash_mcp.sandbox.certificates import IssuedCertificate
from akash_mcp.sandbox.chain import Chain, Provider
from akash_mcp.sandbox.faults import Faults
from akash_mcp.sandbox.provider.client_certificates import ClientCertificates, common_name
from akash_mcp.sandbox.provider.cluster import Cluster
from akash_mcp.sandbox.provider.gateway_tls import GatewayTls
from akash_mcp.sandbox.provider.http1 import Connection
from akash_mcp.sandbox.provider.listener import Listener
from akash_mcp.sandbox.provider.routes import Routes
from akash_mcp.sandbox.provider.tls_transport import TlsTransport
from akash_mcp.sandbox.provider.websocket import PING_SECONDS
from akash_mcp.sandbox.sellers import GI, TI, Node, Seller

PUBLIC_HOSTNAME = "localhost"
"""The host of every `host_uri`. Who asks for exactly it is shown a public certificate, if there is one."""

HANDSHAKE_SECONDS = 10.0
"""How long a client may take over the TLS handshake, in real seconds."""


class Gateway:
    """The gateway of `provider`, serving the leases that `chain` holds for it.

    It shows `certificate`, or `public` to who asks for its public hostname. `seller` tells what `/status` shows of its
    machines. `faults` are those of the network. `ping_seconds` is the real time between two pings.
    """

    def __init__(
        self,
        chain: Chain,
        provider: Provider,
        certificate: IssuedCertificate,
        *,
        public: IssuedCertificate | None = None,
        host: str = "127.0.0.1",
        seller: Seller | None = None,
        faults: Faults | None = None,
        ping_seconds: float = PING_SECONDS,
        handshake_seconds: float = HANDSHAKE_SECONDS,
    ) -> None:
        self._chain = chain
        self._provider = provider
        self._public = public
        self._host = host
        self._seller = seller
        self._faults = faults or Faults()
        self._ping_seconds = ping_seconds
        self._handshake_seconds = handshake_seconds
        self._clients = ClientCertificates(chain)
        self._listener: Listener | None = None
        self._cluster: Cluster | None = None
        self._port = 0
        self._kept: socket.socket | None = None
        self.show(certificate)

    def show(self, certificate: IssuedCertificate) -> None:
        """Change to another self-signed certificate, for connections that begin from now on."""
        self.certificate = certificate
        self._tls = GatewayTls(certificate, self._public, PUBLIC_HOSTNAME, self._clients.accepts)

    async def start(self) -> None:
        """Listen, on a free port the first time, and put it on chain: `host_uri` becomes `https://localhost:PORT`."""
        if self._cluster is None:
            self._cluster = Cluster(self._chain, self._provider.owner, self._host)
        nodes, storage = _inventory(self._seller)
        routes = Routes(self._cluster, nodes, storage, self._faults, self._ping_seconds)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            assert isinstance(writer.transport, TlsTransport)
            async with asyncio.timeout(self._handshake_seconds):
                shown = await writer.transport.handshake()
            client = common_name(shown.subject) if shown else None
            await Connection(reader, writer, partial(routes.answer, client=client)).run()

        self._listener = Listener(self._host, serve, port=self._port, tls=lambda: self._tls.connection())
        self._listener.start()
        self._port = self._listener.port
        self._let_go_of_port()
        self._provider.host_uri = f"https://{PUBLIC_HOSTNAME}:{self._port}"

    def receive(self, owner: str, dseq: str, manifest: bytes) -> None:
        """Take a manifest that came on no connection. Raises `ManifestRefused`. After `start`."""
        assert self._cluster is not None
        self._cluster.receive(owner, dseq, manifest)

    async def unplug(self) -> None:
        """Be unreachable until the next `start`, on the same port. What runs goes on running."""
        if self._listener is not None:
            self._listener.close()
            await self._listener.wait_closed()
            self._listener = None
            # Bound and not listened on: connections are refused, and no other program gets the port meanwhile.
            self._kept = socket.socket(socket.AF_INET)
            self._kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._kept.bind((self._host, self._port))

    def _let_go_of_port(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    async def stop(self) -> None:
        """End everything: connections, streams, workloads and their ports."""
        await self.unplug()
        self._let_go_of_port()
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
