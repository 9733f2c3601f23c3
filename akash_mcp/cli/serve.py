"""`akash-mcp serve`: the MCP server on one transport, on the real network or on an embedded one."""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from pydantic import SecretStr

from akash_mcp.cli.output import wrapped
from akash_mcp.config import Settings
from akash_mcp.errors import BadSettings
from akash_mcp.server import build
from akash_mcp.tool_choice import Serving, serves_akua
from akash_mcp.transports import serve_http, serve_stdio
from akash_mcp.workflow.runtime import Intervals

if TYPE_CHECKING:
    from akash_mcp.stdio_wire import StdioWire

_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def run(settings: Settings, *, speed: float, wire: StdioWire | None = None) -> int:
    """Serve until the client hangs up or a signal comes, then 0.

    `speed` is how fast time runs on the network: on an embedded one that is started here, or is known to be there.
    `wire`: the client on stdio, where it was answered already.

    Raises `BadSettings` for an address that cannot be listened on, or must not be without a token, for an embedded
    network that this Python cannot run, and where a client was promised something else than these settings serve.
    """
    if wire is not None:
        _keep_promise(wire, settings)
    if settings.debug:  # the file or the environment may say so, where no flag did
        logging.getLogger("akash_mcp").setLevel(logging.DEBUG)
    anyio.run(_serve, settings, speed, wire)
    return 0


def _keep_promise(wire: StdioWire, settings: Settings) -> None:
    served = Serving(settings.toolsets, read_only=settings.read_only, sandbox=settings.sandbox)
    if settings.transport != "stdio" or wire.promised != served:
        raise BadSettings(
            "The configuration changed while the server started.", next_step="Start it again.", money=""
        )


async def _serve(settings: Settings, speed: float, wire: StdioWire | None) -> None:
    async with AsyncExitStack() as stack:
        secrets_dir = settings.state_dir  # a person's own, on an embedded network too
        sandbox = settings.sandbox
        if sandbox:
            settings = await stack.enter_async_context(embedded_network(settings, speed))
            _say("this is a sandbox: a simulated network with play money, which is gone when it ends")
        server = build(
            settings, intervals=Intervals().times(speed), secrets_dir=secrets_dir, play_money=sandbox
        )
        if settings.transport == "stdio":
            if sys.stdin.isatty():
                _say(_WAITS)
            await serve_stdio(server, wire)
            return
        await serve_http(
            server,
            host=settings.host,
            port=settings.port,
            token=settings.token,
            sse=settings.transport == "sse",
            allowed_hosts=settings.allowed_hosts,
            listening=partial(_say_where, sse=settings.transport == "sse"),
        )


_WAITS = (
    "it waits for an MCP client to speak to it on standard input, and this is a terminal. Your host application starts "
    "it by itself: akash-mcp install shows how. To see what it does, run akash-mcp demo. Ctrl-C ends it"
)


def _say(text: str) -> None:
    said = wrapped(f"akash-mcp: {text}", sys.stderr)
    sys.stderr.write(f"{said}\n")


def _say_where(url: str, *, sse: bool) -> None:
    _say(f"listening on {url}")
    if sse:
        _say(f"older clients, which know SSE alone: {url.removesuffix('/mcp')}/sse")


@asynccontextmanager
async def embedded_network(settings: Settings, speed: float) -> AsyncIterator[Settings]:
    """Run the embedded network, and beside it an embedded Akua where its tools are served; yields settings that know
    only these, with a ledger of their own for play money.

    `speed` is how many times faster than the clock their time runs.
    """
    # The real network needs none of it.
    from akash_mcp.sandbox.akua import AkuaOptions, EmbeddedAkua
    from akash_mcp.sandbox.network import EmbeddedNetwork, Options
    from akash_mcp.sandbox.tokens import NoRipemd160

    try:
        embedded = EmbeddedNetwork(Options(speed=speed))
    except NoRipemd160 as error:
        raise BadSettings(
            str(error), next_step="Or serve without --sandbox: the real network needs no such hash."
        ) from error
    has_akua = serves_akua(settings.toolsets)
    with tempfile.TemporaryDirectory(prefix="akash-mcp-") as folder:
        async with embedded as network, AsyncExitStack() as beside:
            akua = (
                await beside.enter_async_context(EmbeddedAkua(AkuaOptions(speed=speed, plan="pro")))
                if has_akua
                else None
            )
            yield settings.model_copy(
                update={
                    "akua_token": SecretStr(akua.token) if akua else None,
                    "akua_url": akua.url if akua else settings.akua_url,
                    "akua_workspace": None,
                    "api_key": SecretStr(network.api_key),
                    "console_url": network.console_url,
                    "chain_rest_url": network.chain_rest_url,
                    "state_dir": Path(folder),
                    "allow_private_providers": _LOOPBACK,
                }
            )
