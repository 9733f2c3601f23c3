"""A server at Akua that kills itself in the middle of a deed, as the kernel would: nothing of it runs afterwards.

Each is a process of its own, forked from one that has imported what it needs: to start a dozen from nothing takes a
minute.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from akua_deeds import Deed
from mcp import Client
from pydantic import SecretStr

from akash_mcp import config
from akash_mcp.guard.permits import akua_permit
from akash_mcp.sandbox.akua import EmbeddedAkua
from akash_mcp.server import build
from akash_mcp.workflow.akua import doing

BEFORE_ITS_ROW = "before its row"
BEFORE_ITS_BYTES = "before its bytes"
BEFORE_ITS_ANSWER = "before its answer is written down"
WHILE_IT_WAITS = "while it waits"
BEFORE_ITS_END = "before its end is written down"

MOMENTS = (BEFORE_ITS_ROW, BEFORE_ITS_BYTES, BEFORE_ITS_ANSWER, WHILE_IT_WAITS, BEFORE_ITS_END)

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    ["pytest", "mcp", "akash_mcp.server", "akash_mcp.sandbox.akua", "akash_mcp.workflow.akua.schema_judge"]
)


async def kill_at(moment: str, deed: Deed, akua: EmbeddedAkua, folder: Path) -> None:
    """Run a server whose state is in `folder`, and have it carry out a deed that is agreed to, until this moment."""
    about = (akua.url, akua.token, str(folder), moment, deed.tool, json.dumps(deed.arguments(akua)))
    process = _PROCESSES.Process(target=_run, args=about)
    process.start()
    try:
        await anyio.to_thread.run_sync(partial(process.join, 60))
        assert process.exitcode == -signal.SIGKILL
    finally:
        process.kill()


def _run(url: str, token: str, folder: str, moment: str, tool: str, arguments: str) -> None:
    match moment:
        case "before its row":
            _kill_before(akua_permit._Attempt, "_begin")
        case "before its bytes":
            _kill_after(akua_permit._Attempt, "_begin")
        case "before its answer is written down":
            _kill_before(akua_permit.AkuaPermit, "_taken")
        case "while it waits":
            _kill_before(doing, "_operation_ended")
        case "before its end is written down":
            _kill_before(akua_permit.AkuaPermit, "ended")
    anyio.run(_serve, url, token, Path(folder), tool, json.loads(arguments))


async def _serve(url: str, token: str, folder: Path, tool: str, arguments: dict[str, Any]) -> None:
    settings = config.Settings(
        akua_token=SecretStr(token),
        akua_url=url,
        state_dir=folder,
        toolsets=("akua", "akua-clusters"),
        console_url="http://127.0.0.1:9",
        chain_rest_url="http://127.0.0.1:9",
    )
    async with Client(build(settings)) as client:
        shown = (await client.call_tool(tool, arguments)).structured_content or {}
        await client.call_tool("confirm", {"approval_token": shown["approval_token"]})
        await anyio.sleep(30)


def _kill_before(thing: Any, name: str) -> None:
    async def killed(*arguments: Any, **named: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(thing, name, killed)


def _kill_after(thing: Any, name: str) -> None:
    original = getattr(thing, name)

    async def killed(*arguments: Any, **named: Any) -> None:
        await original(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(thing, name, killed)
