"""A server that is killed in the middle of a deed at Akua: whoever comes next brings it to its end, once."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from agents import SPEED, Connect
from akua_deeds import DELETE, INSTALL, PACKAGE, REGION, Deed
from akua_doomed_server import (
    BEFORE_ITS_ANSWER,
    BEFORE_ITS_BYTES,
    BEFORE_ITS_ROW,
    MOMENTS,
    kill_at,
)
from akua_world import AKUA_INTERVALS, operation_ids, requests

from akash_mcp import config
from akash_mcp.cli import watch
from akash_mcp.errors import BadSettings
from akash_mcp.sandbox.akua import AkuaOptions, EmbeddedAkua

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

INTERVALS = replace(AKUA_INTERVALS, approval_lasts=600.0)
"""However slow the machine is, what was approved is still begun."""


@pytest.fixture
def akua_options() -> AkuaOptions:
    return AkuaOptions(speed=SPEED, automine=True, plan="pro", installs=1)


@pytest.mark.parametrize(
    ("deed", "moment"),
    [*((INSTALL, moment) for moment in MOMENTS), (DELETE, BEFORE_ITS_BYTES), (DELETE, BEFORE_ITS_ANSWER)],
    ids=str,
)
async def test_the_next_server_brings_it_to_its_end(
    akua: EmbeddedAkua, akua_settings: config.Settings, at_akua: Connect, deed: Deed, moment: str
) -> None:
    await kill_at(moment, deed, akua, akua_settings.state_dir)
    was_sent = moment not in (BEFORE_ITS_ROW, BEFORE_ITS_BYTES)
    assert requests(akua, deed.route) == int(was_sent)
    [op_id] = operation_ids(akua_settings)
    async with at_akua(intervals=INTERVALS) as agent:
        with anyio.fail_after(20):
            while not (shown := await agent.call("akua_get_operation", operation_id=op_id, wait_s=10)).get(
                "done"
            ):
                pass
    assert shown["state"] == "succeeded"
    assert deed.times(akua) == deed.before + 1


@pytest.mark.parametrize(
    ("deed", "moment"),
    [(PACKAGE, BEFORE_ITS_BYTES), (PACKAGE, BEFORE_ITS_ANSWER), (REGION, BEFORE_ITS_ANSWER)],
    ids=str,
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
    await kill_at(BEFORE_ITS_ROW, PACKAGE, akua, akua_settings.state_dir)
    lines = await watch.look_once(akua_settings, replace(INTERVALS, approval_lasts=0.0), 20)
    assert "refused (its server stopped before anything was sent)" in lines.done[0]
    assert PACKAGE.times(akua) == PACKAGE.before


async def test_what_one_look_cannot_end_is_said_to_be_left(
    akua: EmbeddedAkua, akua_settings: config.Settings
) -> None:
    await kill_at(BEFORE_ITS_ANSWER, PACKAGE, akua, akua_settings.state_dir)
    await akua.inject("drop-connection", value="after", route=PACKAGE.route)
    lines = await watch.look_once(akua_settings, INTERVALS, 20)
    assert lines.done == []
    [left] = lines.left
    assert left.startswith("not ended at Akua: operation op_")
    assert "is not known" in left
    await akua.inject("drop-connection", count=0)
    await anyio.sleep(INTERVALS.before_retry(0))  # until it is tried again
    assert (await watch.look_once(akua_settings, INTERVALS, 20)).left == []
    assert PACKAGE.times(akua) == PACKAGE.before + 1


async def test_the_watch_takes_a_token_of_akuas_alone(
    akua_settings: config.Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    look = partial(watch.run, once=True, seconds=5)
    assert await anyio.to_thread.run_sync(look, akua_settings) == 0
    without = akua_settings.model_copy(update={"akua_token": None})
    with pytest.raises(BadSettings, match="There is no Akash Console API key"):
        await anyio.to_thread.run_sync(look, without)
