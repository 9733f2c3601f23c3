"""Providers that say what a test wrote down: statuses, log lines, events, refusals. Their TLS is in order."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from akash_mcp.sandbox import transactions
from akash_mcp.sandbox.certificates import issue
from akash_mcp.sandbox.chain import Certificate, Deployment, Lease
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.sdl import check

DEPOSIT = 1_000_000
"""uact: $1.00."""
PRICE = Decimal(10)
"""uact per block: $0.0059 an hour."""


@dataclass
class Script:
    """What the provider answers next. `status` is its status code and body; None never answers."""

    status: tuple[int, object] | None = (200, {"services": {}})
    logs: list[object] = field(default_factory=list)
    logs_later: list[object] | None = field(default_factory=list)
    """What a log goes on with for who follows it, and then it ends; None for one that goes on and says no more."""
    events: list[object] = field(default_factory=list)
    close: tuple[int, str] | None = None
    """How streams end; without it as gateways end them, without a word."""
    streams: int = 0
    """How many streams of logs or events were opened."""
    status_reads: int = 0
    """How often the status was asked for."""
    shell: Callable[[ServerConnection, list[str]], Awaitable[None]] | None = None
    """What a shell does with the words of a command."""
    commands: list[list[str]] = field(default_factory=list)
    refusals: list[tuple[int, str]] = field(default_factory=list)
    """What the next handshakes of shells are refused with: status and body, or 0 for no answer at all."""


def running(**services: Any) -> tuple[int, object]:
    """The status of services that run: `running(web={})`, with whatever is to differ."""
    usual = {"available": 1, "total": 1, "replicas": 1, "updated_replicas": 1, "ready_replicas": 1}
    told = {name: {"name": name, "uris": ["web.example"], **usual, **odd} for name, odd in services.items()}
    return 200, {"services": told, "forwarded_ports": None, "ips": None}


@asynccontextmanager
async def scripted(network: EmbeddedNetwork, provider: str, folder: Path) -> AsyncIterator[Script]:
    """A server in the place of one provider's gateway, with a certificate that is registered on the chain."""
    script = Script()
    over = asyncio.Event()
    shown = issue(provider, hosts=["localhost"], now=network.clock.wall())
    network.chain.certificates.append(Certificate(provider, shown.serial, shown.pem, shown.pubkey_pem))
    file = folder / f"{shown.serial}.pem"
    file.write_bytes(shown.key_pem + shown.pem)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)

    async def answer(connection: ServerConnection, request: Request) -> Response | None:
        if not request.path.endswith("/status"):
            if "/shell?" not in request.path or not script.refusals:
                return None
            code, text = script.refusals.pop(0)
            if code == 0:
                connection.transport.abort()
                return None
            return connection.respond(HTTPStatus(code), text)
        script.status_reads += 1
        if script.status is None:
            await over.wait()
        return _response(connection, *(script.status or (500, "")))

    async def stream(connection: ServerConnection) -> None:
        assert connection.request is not None
        if script.shell and "/shell?" in connection.request.path:
            words = parse_qsl(urlsplit(connection.request.path).query)
            script.commands.append([value for name, value in words if name.startswith("cmd")])
            await script.shell(connection, script.commands[-1])
            connection.transport.close()
            return
        script.streams += 1
        is_log = "/logs" in connection.request.path
        is_followed = is_log and "follow=true" in connection.request.path
        later = script.logs_later if is_followed else []
        for frame in [*(script.logs if is_log else script.events), *(later or ())]:
            await connection.send(frame if isinstance(frame, str) else json.dumps(frame))
        if later is None:
            await connection.wait_closed()
        if script.close:
            await connection.close(*script.close)
        else:
            connection.transport.close()

    serving = serve(stream, "127.0.0.1", 0, ssl=tls, process_request=answer, compression=None)
    async with serving as server:
        port = server.sockets[0].getsockname()[1]
        network.chain.providers[provider].host_uri = f"https://localhost:{port}"
        try:
            yield script
        finally:
            over.set()


@asynccontextmanager
async def answering(answers: Callable[[str], tuple[int, object] | None]) -> AsyncIterator[str]:
    """The URL of an upstream that gives to each GET what `answers` says for its path: the Console, say.

    None never answers.
    """
    over = asyncio.Event()

    async def answer(connection: ServerConnection, request: Request) -> Response:
        told = answers(request.path.partition("?")[0])
        if told is None:
            await over.wait()
        return _response(connection, *(told or (500, "")))

    async with serve(_silent, "127.0.0.1", 0, process_request=answer, compression=None) as server:
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            over.set()


async def _silent(connection: ServerConnection) -> None:
    """Never reached: every request is answered before it could become a stream."""


def _response(connection: ServerConnection, status: int, body: object) -> Response:
    response = connection.respond(200, body if isinstance(body, str) else json.dumps(body))
    response.status_code = status
    return response


def leased(network: EmbeddedNetwork, sdl: str, *providers: str) -> Deployment:
    """A deployment that this server did not create, with a lease a provider, one for each group."""
    report = check(sdl)
    dseq = str(int(network.clock.now() * 1000))
    deployment = transactions.create_deployment(
        network.chain,
        network.owner,
        dseq,
        groups=report.groups,
        version=b"\0" * 32,
        deposit_uact=DEPOSIT,
    )
    for gseq, provider in enumerate(providers, start=1):
        deployment.leases.append(Lease(dseq, gseq, 1, provider, PRICE, network.chain.height))
    return deployment
