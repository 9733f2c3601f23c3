"""`akash-mcp watch` and `doctor --fix`: what they end, what they say, and their exit status."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from agents import SPEED, Connect

from akash_mcp import config
from akash_mcp.cli import doctor, watch
from akash_mcp.errors import BadSettings
from akash_mcp.guard.books import duties
from akash_mcp.guard.books.store import Store
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.workflow.runtime import Intervals
from akash_mcp.workflow.watch.looking import DUTY

pytestmark = pytest.mark.anyio

INTERVALS = Intervals().times(SPEED)


def let_hours_pass(settings: config.Settings, hours: float) -> None:
    """Every run ends so many hours earlier."""
    store = Store(settings.state_dir)
    store.run_now(lambda db: db.run("UPDATE operations SET ends_at = ends_at - :s", s=hours * INTERVALS.hour))
    store.close()


async def test_one_look_closes_what_is_due_and_leaves_nothing_open(
    connect: Connect, settings: config.Settings, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        dseq = (await agent.call("create_deployment", sdl=sdl, deposit_usd=1, hours=2))["dseq"]
    let_hours_pass(settings, 2)
    lines = await watch.look_once(settings, INTERVALS, 60)
    assert lines.left == []
    [closed] = [line for line in lines.done if f"closed at the end of its run: deployment {dseq}" in line]
    assert closed.endswith(": it is proven closed, and cost $0.00")
    assert [each.state for each in network.chain.deployments.values()] == ["closed"]
    assert (await watch.look_once(settings, INTERVALS, 60)).done == [
        "Nothing is left open that should be ended."
    ]


async def test_what_cannot_be_closed_is_said_to_be_left(
    connect: Connect, settings: config.Settings, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        await agent.call("create_deployment", sdl=sdl, deposit_usd=1, hours=2)
    let_hours_pass(settings, 2)
    await network.inject("close-fails")
    lines = await watch.look_once(settings, INTERVALS, 60)
    assert any("not proven closed" in line for line in lines.done)
    assert lines.left


async def test_one_look_does_the_duty_of_a_process_that_stands_still(
    connect: Connect, settings: config.Settings, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        await agent.call("create_deployment", sdl=sdl, deposit_usd=1, hours=2)
    let_hours_pass(settings, 2)
    frozen = Store(settings.state_dir)
    with anyio.fail_after(20), closing(frozen):
        frozen.account = frozen.read_now(lambda db: db.value("SELECT account FROM operations"))
        assert frozen.run_now(duties.take, DUTY, 3)
        lines = await watch.look_once(settings, INTERVALS, 60)
    assert lines.left == []
    assert [each.state for each in network.chain.deployments.values()] == ["closed"]


async def test_without_a_ledger_nothing_is_begun_and_no_file_made(settings: config.Settings) -> None:
    assert (await watch.look_once(settings, INTERVALS, 1)).left == []
    assert not settings.state_dir.exists()


def test_it_says_what_is_missing(tmp_path: Path) -> None:
    settings = config.Settings(state_dir=tmp_path)
    with pytest.raises(BadSettings, match="no Akash Console API key"):
        watch.run(settings, once=True, seconds=1)
    with pytest.raises(BadSettings, match="read_only is set"):
        watch.run(config.Settings(state_dir=tmp_path, api_key="k" * 20, read_only=True), once=True, seconds=1)


async def test_it_ends_on_a_signal(settings: config.Settings, tmp_path: Path) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AKASH")},
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "AKASH_API_KEY": "k" * 20,
        "AKASH_CONSOLE_URL": settings.console_url,
        "AKASH_MCP_STATE_DIR": str(tmp_path / "state"),
    }

    def watch_until_told() -> tuple[int, str]:
        with subprocess.Popen(
            [sys.executable, "-m", "akash_mcp", "watch"], env=environment, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            first = process.stderr.readline()
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            process.wait(20)
            assert time.monotonic() - began < 10
            return process.returncode, first

    status, said = await anyio.to_thread.run_sync(watch_until_told)
    assert (status, "watching over" in said) == (0, True)


async def test_the_doctor_ends_what_is_due_where_it_is_told_to_fix(
    connect: Connect,
    settings: config.Settings,
    network: EmbeddedNetwork,
    sdl: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with connect(approval="auto") as agent:
        await agent.call("create_deployment", sdl=sdl, deposit_usd=1, hours=2)
    let_hours_pass(settings, 2)
    checks = await doctor.fix_once(settings, INTERVALS, lambda _: False)
    assert all(check.ok for check in checks)
    assert any("closed at the end of its run" in check.message for check in checks)
    assert [each.state for each in network.chain.deployments.values()] == ["closed"]


@pytest.mark.parametrize("answer", [True, False])
async def test_the_doctor_goes_on_without_a_lost_history_only_where_a_person_says_so(
    answer: bool, connect: Connect, settings: config.Settings, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
    for file in settings.state_dir.glob("akash-mcp.sqlite3*"):
        file.unlink()
    asked: list[str] = []

    def confirm(question: str) -> bool:
        asked.append(question)
        return answer

    checks = {check.subject: check for check in await doctor.fix_once(settings, INTERVALS, confirm)}
    assert "does not hold all that this account spent" in asked[0]
    assert checks["history"].ok is answer
    async with connect(approval="auto") as agent:
        if answer:
            await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
        else:
            assert "nothing is spent" in await agent.refused("create_deployment", sdl=sdl, deposit_usd=1)
