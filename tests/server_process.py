"""The server as a process of its own, beside an embedded network that runs here: what a signal ends is really over."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio.to_thread

from akash_mcp.sandbox.network import EmbeddedNetwork


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A running server: where it listens, and itself."""

    url: str
    process: subprocess.Popen[str]


@asynccontextmanager
async def server_process(
    network: EmbeddedNetwork, home: Path, *, speed: float = 1.0, is_killed: bool = False
) -> AsyncIterator[ServerProcess]:
    """A server over HTTP whose state is in `home`, that approves by itself; `speed` is the network's. It ends as it is
    told, unless it `is_killed`."""
    serve = ("serve", "--transport", "http", "--port", "0", "--speed", str(speed))
    process = await anyio.to_thread.run_sync(
        partial(
            subprocess.Popen,
            [sys.executable, "-m", "akash_mcp", *serve],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(home),
                "AKASH_API_KEY": network.api_key,
                "AKASH_CONSOLE_URL": network.console_url,
                "AKASH_CHAIN_REST_URL": network.chain_rest_url,
                "AKASH_MCP_STATE_DIR": str(home / "state"),
                "AKASH_MCP_APPROVAL": "auto",
                "AKASH_MCP_ALLOW_PRIVATE_PROVIDERS": "127.0.0.0/8,::1/128",
            },
            stderr=subprocess.PIPE,
            text=True,
        )
    )
    assert process.stderr is not None
    try:
        line = await anyio.to_thread.run_sync(process.stderr.readline)
        yield ServerProcess(line.rpartition(" ")[2].strip(), process)
        if not is_killed:
            process.terminate()
            assert await anyio.to_thread.run_sync(partial(process.wait, timeout=20)) == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
