"""The README's first command, and what it does when the job cannot be done."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
import shared_data
from agents import Connect
from failing_deployments import IMPATIENT, leased, script, sdl_of
from mcp import Client, MCPError
from mcp.server.mcpserver import MCPServer
from rich.console import Console

from akash_mcp.cli import demo as demo_command
from akash_mcp.cli import demo_story
from akash_mcp.cli.demo_client import call
from akash_mcp.cli.demo_story import DemoFailed, Story
from akash_mcp.sandbox.network import EmbeddedNetwork

Demo = Callable[..., tuple[int, dict[str, object], str]]


@pytest.fixture
def demo(capfd: pytest.CaptureFixture[str]) -> Demo:
    """Runs the command here; its server is a process of its own. Status, the line of JSON, and what is on stderr."""

    def run(file: Path | None = None, *, speed: float = 60) -> tuple[int, dict[str, object], str]:
        status = demo_command.run(file, as_json=True, speed=speed)
        out, err = capfd.readouterr()
        return status, json.loads(out.splitlines()[-1]), err

    return run


def test_the_main_job_is_done_and_seen_from_outside(tmp_path: Path) -> None:
    """As a person runs it: a process, with the defaults."""
    done = subprocess.run(
        [sys.executable, "-m", "akash_mcp", "demo", "--json"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=55,
    )
    line = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0
    assert line["ok"] is True
    assert line["closed"] is True
    assert str(line["uri"]).startswith("http://localhost:")
    assert set(line) == {"ok", "dseq", "provider", "uri", "bids", "spent_usd", "closed", "seconds"}


def test_one_of_the_larger_real_sdls_is_deployed(demo: Demo) -> None:
    status, line, told = demo(shared_data.require("sdl/corpus/langfuse__deploy.yaml"))
    assert status == 0, told
    assert line["ok"] is True


def test_an_sdl_that_crashes_ends_closed_and_says_why(demo: Demo, tmp_path: Path) -> None:
    """It runs, and so crashes, without the secret that it names: here that has a value that was made up."""
    sdl = tmp_path / "crash.yaml"
    web = (Path(__file__).parent.parent / "examples" / "web.yaml").read_text(encoding="utf-8")
    image = "image: nginx:1.28.0-alpine"
    assert image in web
    sdl.write_text(
        web.replace(image, "image: ghcr.io/acme/crash:1\n    env: [KEY=secret://KEY]"), encoding="utf-8"
    )
    status, line, told = demo(sdl)
    assert "Its secrets have made-up values here" in told
    assert status == 1
    assert (line["ok"], line["closed"]) == (False, True)
    assert "a variable is missing" in " ".join(told.split())


def test_an_sdl_that_would_be_refused_costs_nothing(demo: Demo, tmp_path: Path) -> None:
    sdl = tmp_path / "bad.yaml"
    sdl.write_text("version: '2.0'\n", encoding="utf-8")
    status, line, told = demo(sdl)
    assert (status, line["ok"], line["dseq"]) == (1, False, None)
    assert "nothing was spent" in told


@pytest.mark.anyio
async def test_what_crashes_is_not_believed_to_run_in_the_moment_in_which_it_does(
    connect: Connect, network: EmbeddedNetwork
) -> None:
    async with connect(approval="auto", intervals=IMPATIENT) as agent:
        dseq = await leased(agent, network, sdl_of(web=script("echo no database; nc -l -p 80 -w 4; exit 3")))
        while not (await agent.call("get_deployment", id=dseq))["ready"]:
            network.clock.skip(1.0)
        launched = {"status": "leased", "dseq": dseq}
        with pytest.raises(DemoFailed, match="It does not get ready"):
            await demo_command._look(Story(Console(file=io.StringIO())), agent.client, launched)


@pytest.mark.anyio
async def test_a_page_that_does_not_come_ends_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_command, "_PAGE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(DemoFailed, match=r"No address answered within 0\.2 seconds"):
            await demo_command._page([uri])


@pytest.mark.anyio
async def test_of_several_ports_one_that_takes_connections_is_tried() -> None:
    story = Story(Console(file=io.StringIO()))
    udp = "localhost:9 -> 19132/udp"
    with socket.create_server(("127.0.0.1", 0)) as game:
        address = f"127.0.0.1:{game.getsockname()[1]}"
        await demo_command._visit(story, [{"ports": [udp]}, {"ports": [f"{address} -> 25565"]}])
    assert story.result["uri"] == f"tcp://{address}"
    await demo_command._visit(story, [{"ports": [udp]}])
    assert story.result["uri"] == "udp://localhost:9"


@pytest.mark.anyio
async def test_a_server_that_falls_silent_ends_the_demo() -> None:
    server = MCPServer("silent")

    @server.tool()
    async def deploy() -> str:
        await anyio.sleep_forever()
        raise AssertionError

    async with Client(server, read_timeout_seconds=0.1) as client:
        with pytest.raises(DemoFailed, match="deploy got no answer"):
            await call(client, "deploy")


def test_an_end_that_fails_hides_nothing_of_why_it_came(capfd: pytest.CaptureFixture[str]) -> None:
    async def lost(story: Story) -> None:
        try:
            try:
                raise DemoFailed("It does not run")
            except DemoFailed as unseen:
                raise DemoFailed(f"{unseen}: it crashes") from unseen
        finally:
            try:
                raise MCPError(-32000, "Connection closed")
            except MCPError as gone:
                raise DemoFailed(f"close got no answer: {gone}") from gone

    assert demo_story.tell(lost, title="A", how="b", ending="c", keys=(), as_json=True) == 1
    told = [line for line in capfd.readouterr().err.splitlines() if line.startswith("✗")]
    assert told == ["✗ It does not run: it crashes", "✗ close got no answer: Connection closed"]


def test_a_server_that_does_not_start_ends_the_demo(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    status, line, told = demo()
    assert (status, line["ok"], line["dseq"]) == (1, False, None)
    assert "The server gave no answer" in told
