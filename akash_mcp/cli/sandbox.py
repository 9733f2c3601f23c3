"""`akash-mcp sandbox`: the embedded network on its own, for any client to try."""

from __future__ import annotations

import asyncio
import errno
import json
import signal
import sys
from contextlib import AsyncExitStack

import anyio

from akash_mcp.sandbox.akua import AkuaOptions, EmbeddedAkua
from akash_mcp.sandbox.faults import UnknownFault
from akash_mcp.sandbox.network import EmbeddedNetwork, Options
from akash_mcp.sandbox.tokens import NoRipemd160


def run(options: Options, akua: AkuaOptions | None = None) -> int:
    """Print one JSON line with URLs and keys, then serve until SIGINT or SIGTERM. Returns the exit status.

    With `akua` an embedded Akua stands beside the network.
    """
    return asyncio.run(_serve(options, akua))


async def _serve(options: Options, akua: AkuaOptions | None) -> int:
    async with AsyncExitStack() as stack:
        signals = stack.enter_context(anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM))
        try:
            network = await stack.enter_async_context(EmbeddedNetwork(options))
            told = network.describe()
            if akua is not None:
                told |= (await stack.enter_async_context(EmbeddedAkua(akua))).describe()
        except (OSError, UnknownFault, NoRipemd160) as error:
            sys.stderr.write(f"akash-mcp sandbox: {_reason(options, error)}\n")
            return 1
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        async for _ in signals:
            break
    return 0


def _reason(options: Options, error: OSError | UnknownFault | NoRipemd160) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return (
            f"port {options.console_port} of {options.host} is in use; choose another, or 0 for any free one"
        )
    return str(error)
