"""The network as a whole: coming up, the same for the same seed, the control api, and going down."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
from typing import Any

import httpx2
import pytest
from console_world import World, impatient, new_world
from tcp_server import TcpServer

from akash_mcp.cli import main
from akash_mcp.cli.sandbox import run
from akash_mcp.sandbox.faults import UnknownFault
from akash_mcp.sandbox.network import EmbeddedNetwork, Options

pytestmark = pytest.mark.anyio


async def test_ten_providers_come_up_with_console_and_chain() -> None:
    async with EmbeddedNetwork() as network:
        described: dict[str, Any] = network.describe()
        async with httpx2.AsyncClient() as http:
            listed = (await http.get(f"{network.console_url}/v1/providers")).json()
    assert {p["hostUri"] for p in listed} == {p["host_uri"] for p in described["providers"]}
    assert len(listed) == 10
    assert described["generation"] == "reference"
    assert re.fullmatch(r"ac\.sk\.test\.[0-9a-f]{64}", described["api_key"])


async def test_the_same_seed_is_the_same_network() -> None:
    first, second, other = (EmbeddedNetwork(Options(seed=seed)) for seed in (7, 7, 8))
    assert (first.owner, first.api_key) == (second.owner, second.api_key)
    assert first.owner != other.owner
    assert first.api_key != other.api_key


async def test_everything_is_gone_afterwards() -> None:
    async with EmbeddedNetwork(Options(providers=2)) as network:
        urls = [network.console_url, network.chain_rest_url, network.control_url]
        urls += [provider.host_uri for provider in network.chain.providers.values()]
    async with httpx2.AsyncClient(verify=False) as http:
        for url in urls:
            with pytest.raises(httpx2.ConnectError):
                await http.get(url)


async def test_two_networks_live_side_by_side() -> None:
    async with EmbeddedNetwork(Options(providers=1)) as one, EmbeddedNetwork(Options(providers=1)) as two:
        assert one.console_url != two.console_url


async def test_a_request_under_way_does_not_keep_it_up() -> None:
    async with (
        EmbeddedNetwork(Options(providers=1, faults=("slow=60",))) as network,
        httpx2.AsyncClient() as http,
    ):
        with pytest.raises(httpx2.ReadTimeout):
            await http.get(f"{network.console_url}/v1/providers", timeout=impatient(0.1))


async def test_a_handshake_with_a_provider_does_not_outlive_it() -> None:
    begun, was_left = asyncio.Event(), asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        begun.set()
        await reader.read()
        was_left.set()

    async def lease(world: World, created: dict[str, Any]) -> None:
        with pytest.raises(httpx2.TransportError):
            await world.lease(created)

    async with TcpServer(say_nothing) as silent, asyncio.TaskGroup() as asking:
        async with new_world(providers=1) as world:
            created = await world.create()
            (provider,) = world.network.chain.providers.values()
            provider.host_uri = f"https://localhost:{silent.port}"
            asking.create_task(lease(world, created))
            await begun.wait()
        async with asyncio.timeout(5):
            await was_left.wait()


async def test_the_control_api_tells_the_state_and_turns_the_clock() -> None:
    async with (
        EmbeddedNetwork(Options(providers=1, balance_uact=7)) as network,
        httpx2.AsyncClient() as control,
    ):
        api = f"{network.control_url}/_sandbox"
        skipped = await control.post(f"{api}/clock", json={"skip": 609.8})
        state = (await control.get(f"{api}/state")).json()
    assert skipped.json()["height"] >= 22_000_099
    assert (state["allowance_uact"], state["deployments"], state["spent_uact"]) == (7, [], "0")


async def test_faults_are_switched_through_the_control_api() -> None:
    async with EmbeddedNetwork(Options(providers=1)) as network, httpx2.AsyncClient() as http:
        api = f"{network.control_url}/_sandbox/faults"
        answer = await http.post(api, json={"name": "429", "count": 1, "value": 3})
        assert answer.json()["on"] == [{"name": "429", "count": 1, "value": "3", "route": None}]
        assert (await http.get(f"{network.console_url}/v1/providers")).status_code == 429
        assert (await http.get(api)).json()["on"] == []


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"x", b'{"name": "429", "count": "x"}', b'{"name": "slow", "value": "x"}']
)
async def test_a_fault_that_makes_no_sense_is_400(body: bytes) -> None:
    async with EmbeddedNetwork(Options(providers=1)) as network, httpx2.AsyncClient() as control:
        for api in ("faults", "clock"):
            assert (
                await control.post(f"{network.control_url}/_sandbox/{api}", content=body)
            ).status_code == 400


async def test_an_unknown_fault_is_refused_before_anything_starts() -> None:
    with pytest.raises(UnknownFault):
        EmbeddedNetwork(Options(faults=("gremlins",)))


def test_a_port_in_use_is_said_plainly(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(Options(console_port=port)) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert (
        printed.err
        == f"akash-mcp sandbox: port {port} of 127.0.0.1 is in use; choose another, or 0 for any free one\n"
    )


def test_an_unknown_fault_is_said_plainly(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Options(faults=("gremlins",))) == 1
    assert "no fault is called 'gremlins'" in capsys.readouterr().err


def test_the_command_prints_one_line_and_nothing_else() -> None:
    code = "import sys; from akash_mcp.cli.sandbox import run, Options; sys.exit(run(Options(providers=2)))"
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        described = json.loads(process.stdout.readline())
        assert len(described["providers"]) == 2
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")


class _SignalledOnFlush(io.StringIO):
    """Standard output whose reader sends this process a signal once it has its line."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__()
        self._number = number

    def flush(self) -> None:
        super().flush()
        os.kill(os.getpid(), self._number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_ends_on_a_signal(number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = _SignalledOnFlush(number)
    monkeypatch.setattr("sys.stdout", printed)
    assert run(Options(providers=2)) == 0
    assert len(json.loads(printed.getvalue())["providers"]) == 2


def test_the_command_line_chooses_what_is_played(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Options] = []

    def run(options: Options) -> int:
        asked.append(options)
        return 0

    monkeypatch.setattr("akash_mcp.cli.sandbox.run", run)
    words = ["sandbox", "--generation", "2026-11", "--trial", "--fault", "no-bids*2", "--fault", "429=3"]
    assert main.main(words) == 0
    assert (asked[0].generation, asked[0].trial) == ("2026-11", True)
    assert asked[0].faults == ("no-bids*2", "429=3")


def test_the_demo_refuses_an_unknown_fault(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main.main(["demo", "--fault", "no-bid"])
    assert "no fault is called 'no-bid'; did you mean no-bids?" in capsys.readouterr().err


async def test_a_network_says_what_it_plays() -> None:
    async with EmbeddedNetwork(Options(providers=1, generation="2025")) as network:
        described = network.describe()
    assert (described["generation"], described["trial"]) == ("2025", False)
