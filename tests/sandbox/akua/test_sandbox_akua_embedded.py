"""The embedded Akua as a whole: coming up, the same for the same seed, its control API, and going down."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sandbox_akua import new_akua

from akash_mcp.cli import main
from akash_mcp.sandbox.akua import AKUA, AkuaOptions, EmbeddedAkua
from akash_mcp.sandbox.faults import UnknownFault
from akash_mcp.sandbox.network import Options

TOP = Path(__file__).parent.parent.parent.parent


@pytest.mark.anyio
async def test_it_says_what_one_needs_to_use_it() -> None:
    async with EmbeddedAkua() as akua:
        told = akua.describe()
        assert told == {
            "akua_url": akua.url,
            "akua_control_url": akua.control_url,
            "akua_token": akua.token,
            "akua_broad_token": akua.broad_token,
        }
        assert akua.token.startswith("sk_akua_sim_")
        assert akua.workspaces[0]["id"] == akua.workspace_id


def test_the_same_seed_is_the_same_akua() -> None:
    one, two, other = (EmbeddedAkua(AkuaOptions(seed=seed)) for seed in (7, 7, 8))
    assert (one.token, one.workspaces) == (two.token, two.workspaces)
    assert one.token != other.token


@pytest.mark.anyio
async def test_the_control_api_tells_the_state_and_turns_the_clock() -> None:
    async with new_akua(installs=1) as world:
        await world.ok("GET", "/installs")
        await world.call("GET", "/installs/inst_x")
        control = f"{world.akua.control_url}/_sandbox"
        skipped = await world.http.post(f"{control}/clock", json={"skip": 90})
        assert skipped.json() == {"elapsed_seconds": 90}
        state = (await world.http.get(f"{control}/state")).json()
        assert state == json.loads(json.dumps(world.akua.state()))
        assert state["requests"] == {"GET /installs": 1, "GET /installs/{id}": 1}
        assert [install["state"] for install in state["installs"]] == ["healthy"]
        assert state["machines"][0]["hours"] == 90 / 3600


@pytest.mark.anyio
async def test_a_state_that_was_told_does_not_change_afterwards() -> None:
    async with new_akua() as world:
        await world.begin()
        before = world.akua.state()
        text = json.dumps(before)
        world.later(60)
        assert json.dumps(world.akua.state()) != text
        assert json.dumps(before) == text


@pytest.mark.anyio
async def test_faults_are_switched_through_the_control_api() -> None:
    async with new_akua() as world:
        api = f"{world.akua.control_url}/_sandbox/faults"
        answer = await world.http.post(api, json={"name": "429", "count": 1, "route": "GET /v1/installs"})
        assert answer.json()["on"] == [{"name": "429", "count": 1, "value": None, "route": "GET /installs"}]
        assert (await world.call("GET", "/clusters")).status_code == 200
        assert (await world.call("GET", "/installs")).status_code == 429
        told = (await world.http.get(api)).json()
        assert (told["on"], told["catalogue"]) == ([], AKUA.texts)
        assert (await world.http.post(api, json={"name": "no-bids"})).status_code == 400
        assert (await world.http.post(api.replace("faults", "clock"), json={})).status_code == 400


@pytest.mark.anyio
async def test_faults_of_its_options_are_on_from_the_beginning() -> None:
    async with new_akua(faults=("501*1",)) as world:
        statuses = [(await world.call("GET", "/installs")).status_code for _ in range(2)]
        assert statuses == [501, 200]


def test_an_unknown_fault_is_refused_before_anything_starts() -> None:
    with pytest.raises(UnknownFault):
        EmbeddedAkua(AkuaOptions(faults=("gremlins",)))


@pytest.mark.anyio
async def test_a_port_in_use_is_an_oserror() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        async with EmbeddedAkua(AkuaOptions(port=taken.getsockname()[1])):
            pass


@pytest.mark.anyio
async def test_a_stream_and_a_wait_under_way_do_not_keep_it_up() -> None:
    async with new_akua(installs=1) as world:
        install = await world.first("/installs")
        operation = await world.begin()
        patience = httpx2.Timeout(30, read=0.1)
        with pytest.raises(httpx2.ReadTimeout):
            await world.call("POST", f"/operations/{operation['id']}:wait?timeout=60", timeout=patience)
        async with world.http.stream("GET", f"/installs/{install['id']}/logs") as response:
            assert response.status_code == 200
            await world.akua.__aexit__(None, None, None)


def test_the_command_starts_it_beside_the_network() -> None:
    words = ["sandbox", "--akua", "--akua-envelope", "error", "--fault", "key-revoked", "--fault", "no-bids"]
    with subprocess.Popen(
        [sys.executable, "-m", "akash_mcp", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        headers = {"Authorization": f"Bearer {told['akua_token']}"}
        refused = httpx2.get(f"{told['akua_url']}/installs", headers=headers)
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "unauthorized")
        faults = httpx2.get(f"{told['control_url']}/_sandbox/faults").json()["on"]
        assert [fault["name"] for fault in faults] == ["key-revoked", "no-bids"]
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")


def test_faults_go_to_whoever_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def run(options: Options, akua: AkuaOptions | None = None) -> int:
        asked.append((options.faults, None if akua is None else (akua.faults, akua.envelope)))
        return 0

    monkeypatch.setattr("akash_mcp.cli.sandbox.run", run)
    flags = ["--fault", "429*2", "--fault", "install-fails", "--fault", "no-bids"]
    assert main.main(["sandbox", "--akua", *flags]) == 0
    assert asked == [(("429*2", "no-bids"), (("429*2", "install-fails"), "errors"))]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("--fault install-fails", "the fault install-fails is one of Akua, which --akua plays"),
        ("--akua-envelope error", "--akua-envelope is about Akua, which --akua plays"),
        ("--akua --fault instal-fails", "no fault is called 'instal-fails'; did you mean install-fails?"),
        ("--akua --akua-envelope both", "'both' is not one of errors or error"),
    ],
)
def test_wrong_words_are_refused(words: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main.main(["sandbox", *words.split()])
    assert reason in capsys.readouterr().err.replace("\n", " ")


def test_a_wrong_value_is_said_plainly(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["sandbox", "--akua", "--fault", "log-failure=x"]) == 1
    assert "the value of log-failure is one of httpapi, http-api" in capsys.readouterr().err


def test_every_fault_is_on_its_page() -> None:
    page = (TOP / "docs" / "sandbox.md").read_text(encoding="utf-8")
    for name, words in AKUA.texts.items():
        assert f"| `{name}` | {words} |" in page, name
