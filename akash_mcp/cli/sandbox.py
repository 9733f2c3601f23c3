"""`akash-mcp sandbox`: the embedded network on its own, for any client to try."""

from __future__ import annotations

import asyncio
import errno
import json
import signal
import sys
from contextlib import AsyncExitStack

import anyio

from akash_mcp.sandbox.faults import UnknownFault
from akash_mcp.sandbox.network import EmbeddedNetwork, Options
from akash_mcp.sandbox.tokens import NoRipemd160


def run(options: Options) -> int:
    """Print one JSON line with URLs and key, then serve until SIGINT or SIGTERM. Returns the exit status."""
    return asyncio.run(_serve(options))


async def _serve(options: Options) -> int:
    async with AsyncExitStack() as stack:
        signals = stack.enter_context(anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM))
        try:
            network = await stack.enter_async_context(EmbeddedNetwork(options))
        except (OSError, UnknownFault, NoRipemd160) as error:
            sys.stderr.write(f"akash-mcp sandbox: {_reason(options, error)}\n")
            return 1
        sys.stdout.write(json.dumps(network.describe()) + "\n")
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
