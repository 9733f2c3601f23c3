"""`akash-mcp demo --akua`: the whole life of an install, and what it does when Akua or the server lets it down."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.server.mcpserver import MCPServer
from rich.console import Console

from akash_mcp.cli import akua_demo, main
from akash_mcp.cli.akua_demo import _Life
from akash_mcp.cli.demo_client import books, outside, refusal
from akash_mcp.cli.demo_story import DemoFailed, Story
from akash_mcp.errors import BadArgument
from akash_mcp.sandbox.akua import AkuaOptions, EmbeddedAkua

Demo = Callable[..., tuple[int, dict[str, object], str]]


@pytest.fixture
def demo(capfd: pytest.CaptureFixture[str]) -> Demo:
    """Runs the command here; its server is a process of its own. Status, the line of JSON, and what is on stderr."""

    def run(*faults: str) -> tuple[int, dict[str, object], str]:
        status = akua_demo.run(as_json=True, speed=100, faults=faults)
        out, err = capfd.readouterr()
        return status, json.loads(out.splitlines()[-1]), " ".join(err.split())

    return run


def test_the_life_of_an_install_is_led_and_seen_from_outside(tmp_path: Any) -> None:
    """As a person runs it: a process, with the defaults, and no key of Akash anywhere."""
    done = subprocess.run(
        [sys.executable, "-m", "akash_mcp", "demo", "--akua", "--json"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=55,
    )
    line = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0, done.stderr
    assert set(line) == {"ok", "cluster", "package", "install", "urls", "deleted", "seconds"}
    assert (line["ok"], line["deleted"]) == (True, True)
    assert [line[key].split("_")[0] for key in ("cluster", "package", "install")] == ["clu", "pkg", "inst"]
    assert line["urls"]
    told = " ".join(done.stderr.split())
    # Cluster, package, install, update, restore, delete, suspend: no change without a question.
    assert told.count("You are asked first") == 7
    assert "no limit of this server bounds it" in told
    assert "sk_akua_" not in done.stdout + done.stderr


@pytest.mark.anyio
async def test_answers_that_are_lost_on_the_way_make_nothing_twice() -> None:
    """That each thing was done once is what the demo itself asks the books."""
    akua = EmbeddedAkua(AkuaOptions(speed=100, plan="pro"))
    lost = {"drop-connection": "POST /clusters", "503": "POST /installs", "504": "DELETE /installs"}
    for fault, route in lost.items():
        await akua.inject(fault, value="after", count=1, route=route)
    out = io.StringIO()
    story = Story(Console(file=out))
    await akua_demo._tell(story, akua)
    assert story.result["deleted"] is True
    assert "Each thing was done once" in out.getvalue()
    replays = akua.state()["replays"]
    assert isinstance(replays, dict)
    assert sum(replays.values()) == len(lost)


def test_an_install_that_fails_is_deleted_and_the_reason_is_told(demo: Demo) -> None:
    status, line, told = demo("install-fails*1")
    assert status == 1
    assert (line["ok"], line["deleted"]) == (False, True)
    assert "By Akua's own books install inst_" in told
    assert "is failed" in told
    assert "Wait for health" in told


def test_a_token_that_is_refused_ends_it_with_the_reason(demo: Demo) -> None:
    status, line, told = demo("key-revoked")
    assert status == 1
    assert line == {
        "ok": False,
        **dict.fromkeys(("cluster", "package", "install", "urls", "deleted")),
        "seconds": line["seconds"],
    }
    assert "akua_whoami failed" in told
    assert "AKUA_API_TOKEN" in told


def test_a_server_that_does_not_start_ends_it(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    status, line, told = demo()
    assert (status, line["ok"], line["install"]) == (1, False, None)
    assert "The server gave no answer" in told


def test_a_fault_whose_value_is_wrong_starts_nothing() -> None:
    with pytest.raises(BadArgument, match="the value of 429 is a number"):
        akua_demo.run(as_json=True, speed=100, faults=("429=soon",))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("demo --akua deploy.yaml", "FILE is an SDL, which Akash deploys"),
        ("demo --akua --generation 2025", "--generation is about the Console API"),
        ("demo --akua --fault no-bids", "the fault no-bids is one of the network"),
        ("demo --fault install-fails", "the fault install-fails is one of Akua"),
        ("demo --akua --fault install-fail", "did you mean install-fails"),
    ],
)
def test_what_the_other_demo_takes_is_refused(
    words: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(words.split())
    assert ended.value.code == 2
    assert reason in " ".join(capsys.readouterr().err.split())


@pytest.fixture
async def akua() -> AsyncIterator[EmbeddedAkua]:
    async with EmbeddedAkua(AkuaOptions(speed=1000, plan="pro")) as running:
        yield running


@asynccontextmanager
async def life(akua: EmbeddedAkua, server: MCPServer) -> AsyncIterator[_Life]:
    """A life beside a server that is not ours."""
    async with outside(akua.control_url) as beside, Client(server, read_timeout_seconds=5) as client:
        yield _Life(Story(Console(file=io.StringIO())), client, beside, await books(beside))


def liar(akua: EmbeddedAkua, **answers: Any) -> MCPServer:
    """A server that answers just so, and does nothing. It knows the workspace."""
    server = MCPServer("liar")

    def tool(name: str, answer: dict[str, Any]) -> None:
        async def say() -> dict[str, Any]:
            return answer

        server.add_tool(say, name=name, structured_output=True)

    tool(
        "akua_whoami",
        {"workspace": {"id": akua.workspace_id, "name": "Demo"}, "accessible": True, "next_step": "Go on."},
    )
    for name, answer in answers.items():
        tool(name, answer)
    return server


@pytest.mark.anyio
async def test_a_cluster_is_not_there_because_the_server_says_so(akua: EmbeddedAkua) -> None:
    said = {"status": "created", "cluster_id": "clu_made0up", "summary": "The cluster was made."}
    async with life(akua, liar(akua, akua_create_cluster=said)) as led:
        with pytest.raises(
            DemoFailed, match=r"By Akua's own books 0 clusters were made\. The server says: The"
        ):
            await led.lead()


@pytest.mark.anyio
async def test_an_install_is_not_deleted_because_the_server_says_so(akua: EmbeddedAkua) -> None:
    said = {"status": "deleted", "summary": "The install was deleted."}
    async with life(akua, liar(akua, akua_delete_install=said)) as led:
        await _install(akua, "once")
        with pytest.raises(DemoFailed, match=r"By Akua's own books inst_\w+ is \w+, not deleted"):
            await led.end()
        assert "deleted" not in led.story.result


@pytest.mark.anyio
async def test_what_was_made_twice_is_noticed(akua: EmbeddedAkua) -> None:
    async with life(akua, liar(akua)) as led:
        for key in ("once", "twice"):
            await _install(akua, key)
        with pytest.raises(DemoFailed, match="2 installs were made"):
            await led._one("installs", {"summary": "It is installed."})
        with pytest.raises(DemoFailed, match=r"'install\.create': 2"):
            await led.prove()


@pytest.mark.anyio
async def test_what_never_ends_is_not_waited_for_without_end(akua: EmbeddedAkua) -> None:
    begun = {"status": "pending", "op_id": "op_1", "summary": "Still in progress."}
    server = liar(akua, akua_create_cluster=begun, akua_get_operation={"summary": "Akua works on it."})
    async with life(akua, server) as led:
        with pytest.raises(
            DemoFailed, match="akua_create_cluster does not come to an end: Still in progress"
        ):
            await led.lead()


@pytest.mark.anyio
async def test_a_call_that_should_have_been_refused_is_noticed(akua: EmbeddedAkua) -> None:
    async with life(akua, liar(akua)) as led:
        with pytest.raises(DemoFailed, match="akua_whoami took what it should have refused"):
            await refusal(led.client, "akua_whoami")


async def _install(akua: EmbeddedAkua, key: str) -> None:
    """Install something without the server that is looked at."""
    state = akua.state()
    regions, packages = state["regions"], state["packages"]
    assert isinstance(regions, list)
    assert isinstance(packages, list)
    async with httpx2.AsyncClient(trust_env=False) as others:
        answer = await others.post(
            f"{akua.url}/installs",
            headers={"Authorization": f"Bearer {akua.token}", "Idempotency-Key": key},
            json={
                "package_id": packages[0]["id"],
                "package_version_pin": {"kind": "latest"},
                "region_id": regions[0]["id"],
                "initial_values": {"hostname": "shop.example.com"},
            },
        )
    assert answer.status_code == 202, answer.text
