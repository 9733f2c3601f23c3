"""A server that is killed in the middle of a deed at Akua: whoever comes next brings it to its end, once."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from agents import SPEED, Connect
from akua_deeds import DELETE, INSTALL, PACKAGE, REGION, Deed
from akua_world import AKUA_INTERVALS, operation_ids, requests

from akash_mcp import config
from akash_mcp.cli import watch
from akash_mcp.sandbox.akua import AkuaOptions, EmbeddedAkua

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

INTERVALS = replace(AKUA_INTERVALS, approval_lasts=600.0)
"""However slow the machine is, what was approved is still begun."""

_SERVER = """
import json, os, signal, sys
from pathlib import Path
import anyio
from mcp import Client
from pydantic import SecretStr
from akash_mcp import config
from akash_mcp.guard.permits import akua_permit
from akash_mcp.server import build
from akash_mcp.workflow.akua import doing

url, token, folder, moment, tool, arguments = sys.argv[1:]

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

def killing_before(thing, name):
    async def killed(*arguments, **named):
        kill()
    setattr(thing, name, killed)

def killing_after(thing, name):
    original = getattr(thing, name)
    async def killed(*arguments, **named):
        await original(*arguments, **named)
        kill()
    setattr(thing, name, killed)

match moment:
    case "before its row":
        killing_before(akua_permit._Attempt, "_begin")
    case "before its bytes":
        killing_after(akua_permit._Attempt, "_begin")
    case "before its answer is written":
        killing_before(akua_permit.AkuaPermit, "_taken")
    case "while it waits":
        killing_before(doing, "_operation_ended")
    case "before its end is written":
        killing_before(akua_permit.AkuaPermit, "ended")

async def main():
    settings = config.Settings(
        akua_token=SecretStr(token), akua_url=url, state_dir=Path(folder), toolsets=("akua", "akua-clusters"),
        console_url="http://127.0.0.1:9", chain_rest_url="http://127.0.0.1:9",
    )
    async with Client(build(settings)) as client:
        shown = await client.call_tool(tool, json.loads(arguments))
        await client.call_tool("confirm", {"approval_token": shown.structured_content["approval_token"]})
        await anyio.sleep(30)

anyio.run(main)
"""

MOMENTS = (
    "before its row",
    "before its bytes",
    "before its answer is written",
    "while it waits",
    "before its end is written",
)


@pytest.fixture
def akua_options() -> AkuaOptions:
    return AkuaOptions(speed=SPEED, automine=True, plan="pro", installs=1)


async def kill_at(moment: str, deed: Deed, akua: EmbeddedAkua, folder: Path) -> None:
    """Run a server of its own that carries out a deed, until it is killed at this moment."""
    arguments = json.dumps(deed.arguments(akua))
    command = [sys.executable, "-c", _SERVER, akua.url, akua.token, str(folder), moment, deed.tool, arguments]
    ended = await anyio.to_thread.run_sync(partial(subprocess.run, command, timeout=100, capture_output=True))
    assert ended.returncode == -9, ended.stderr.decode()[-2000:]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("deed", [INSTALL, DELETE], ids=str)
async def test_the_next_server_brings_it_to_its_end(
    akua: EmbeddedAkua, akua_settings: config.Settings, at_akua: Connect, deed: Deed, moment: str
) -> None:
    await kill_at(moment, deed, akua, akua_settings.state_dir)
    was_sent = moment not in MOMENTS[:2]
    assert requests(akua, deed.route) == int(was_sent)
    [op_id] = operation_ids(akua_settings)
    async with at_akua(intervals=INTERVALS) as agent:
        with anyio.fail_after(20):
            while not (shown := await agent.call("akua_get_operation", operation_id=op_id, wait_s=10)).get(
                "done"
            ):
                pass
    assert shown["state"] == "done"
    assert deed.times(akua) == deed.before + 1


@pytest.mark.parametrize(
    ("deed", "moment"), [(PACKAGE, MOMENTS[1]), (PACKAGE, MOMENTS[2]), (REGION, MOMENTS[2])], ids=str
)
async def test_one_look_of_the_watch_does(
    akua: EmbeddedAkua, akua_settings: config.Settings, deed: Deed, moment: str
) -> None:
    """With a token of Akua's alone: there is no key of the Console to look with."""
    await kill_at(moment, deed, akua, akua_settings.state_dir)
    lines = await watch.look_once(akua_settings, INTERVALS, 20)
    assert lines.left == []
    assert [line.partition(": operation")[0] for line in lines.done] == [
        "carried on at Akua",
        "Nothing is left open that should be ended.",
    ]
    assert deed.times(akua) == deed.before + 1


async def test_an_approval_that_is_too_old_is_not_begun(
    akua: EmbeddedAkua, akua_settings: config.Settings
) -> None:
    await kill_at("before its row", PACKAGE, akua, akua_settings.state_dir)
    lines = await watch.look_once(akua_settings, replace(INTERVALS, approval_lasts=0.0), 20)
    assert "refused (its server stopped before anything was sent)" in lines.done[0]
    assert PACKAGE.times(akua) == PACKAGE.before
