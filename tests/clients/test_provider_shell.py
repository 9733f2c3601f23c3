"""The shell of a lease: what a command came to, from every way in which a gateway can answer or fail to."""

from __future__ import annotations

import base64
import json
import struct
import traceback
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_provider import Script, leased, running, scripted
from websockets.asyncio.server import ServerConnection

from akash_mcp.clients.chain import ChainReader, chain_upstream
from akash_mcp.clients.console.client import ConsoleClient
from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.clients.provider.access import ProviderAccess
from akash_mcp.clients.provider.command import KEPT_BYTES, Command, ExecStatus, Output, Terminal
from akash_mcp.clients.provider.shell import ProviderShell
from akash_mcp.clients.provider.shell_frames import (
    Code,
    NoSuchProgram,
    Result,
    query_of,
    refusal_in,
    resize_frame,
    result_of,
    stdin_frame,
)
from akash_mcp.errors import AkashError, BadArgument, NotRunningYet, ProviderError
from akash_mcp.ids import Dseq, LeaseId, ProviderAddress
from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio

Act = Callable[[ServerConnection, list[str]], Awaitable[None]]
LS = Command(("ls", "-l"), "web")
ERROR = "remote command execute error: "


def frame(code: Code, payload: bytes = b"") -> bytes:
    return bytes([code]) + payload


def result(exit_code: object = 0, message: str = "") -> bytes:
    told = {"exit_code": exit_code} | ({"message": message} if message else {})
    return frame(Code.RESULT, json.dumps(told).encode() + b"\n")


def says(*frames: bytes | str) -> Act:
    """A shell that says the word it was asked for, and then these frames."""

    async def act(connection: ServerConnection, argv: list[str]) -> None:
        if argv[:2] == ["sh", "-c"]:
            await connection.send(frame(Code.STDOUT, argv[3].encode() + b"\n"))
        for each in frames:
            await connection.send(each)

    return act


def only(*frames: bytes) -> Act:
    """These frames and nothing before them."""

    async def act(connection: ServerConnection, argv: list[str]) -> None:
        for each in frames:
            await connection.send(each)

    return act


@dataclass
class Scene:
    shell: ProviderShell
    lease: LeaseId
    script: Script


@pytest.fixture
async def scene(network: EmbeddedNetwork, sdl: str, tmp_path: Path) -> AsyncIterator[Scene]:
    provider = next(iter(network.chain.providers))
    dseq = leased(network, sdl, provider).dseq
    async with (
        scripted(network, provider, tmp_path) as script,
        ConsoleClient(network.console_url, network.api_key) as console,
        chain_upstream(network.chain_rest_url) as chain,
    ):
        script.status = running(web={})
        access = ProviderAccess(
            ConsoleReader(console),
            ChainReader(chain),
            allow_private=[ip_network("127.0.0.0/8"), ip_network("::1/128")],
        )
        yield Scene(ProviderShell(access), LeaseId(Dseq(dseq), 1, 1, ProviderAddress(provider)), script)


# What a command came to.


async def test_output_error_and_exit_code_are_told_apart(scene: Scene) -> None:
    scene.script.shell = says(
        frame(Code.STDOUT, b"one\n"), frame(Code.STDERR, b"two\n"), frame(Code.STDOUT, b"three"), result(7)
    )
    ran = await scene.shell.run(scene.lease, LS, seconds=20)
    assert (ran.status, ran.exit_code, ran.started) == (ExecStatus.EXITED, 7, True)
    assert (bytes(ran.stdout.head), bytes(ran.stderr.head)) == (b"one\nthree", b"two\n")


async def test_a_word_before_the_command_proves_a_silent_success(scene: Scene) -> None:
    scene.script.shell = says(result())
    ran = await scene.shell.run(scene.lease, LS, seconds=20)
    assert (ran.status, ran.exit_code, ran.started, ran.stdout.written) == (ExecStatus.EXITED, 0, True, 0)
    (argv,) = scene.script.commands
    assert argv[:3] == ["sh", "-c", 'echo "$0"; exec "$@"']
    assert argv[4:] == ["ls", "-l"]


async def test_silence_without_the_word_proves_nothing(scene: Scene) -> None:
    scene.script.shell = only(result())
    ran = await scene.shell.run(scene.lease, LS, seconds=20)
    assert (ran.status, ran.exit_code, ran.started) == (ExecStatus.EXITED, 0, False)


@pytest.mark.parametrize(
    "refusal", [result(0, f"{ERROR}command could not be executed because it does not exist"), result(127)]
)
async def test_an_image_without_a_shell_gets_the_command_as_it_is(scene: Scene, refusal: bytes) -> None:
    async def act(connection: ServerConnection, argv: list[str]) -> None:
        await connection.send(refusal if argv[0] == "sh" else result())

    scene.script.shell = act
    ran = await scene.shell.run(scene.lease, LS, seconds=20)
    assert (ran.exit_code, ran.started) == (0, False)
    assert scene.script.commands[1:] == [["ls", "-l"]]


async def test_a_command_that_ends_with_127_itself_is_not_run_again(scene: Scene) -> None:
    async def act(connection: ServerConnection, argv: list[str]) -> None:
        # An image may have its shell say something first.
        await connection.send(frame(Code.STDOUT, b"welcome\n" + argv[3].encode() + b"\n"))
        await connection.send(result(127))

    scene.script.shell = act
    ran = await scene.shell.run(scene.lease, LS, seconds=20)
    assert (ran.exit_code, bytes(ran.stdout.head)) == (127, b"welcome\n")
    assert len(scene.script.commands) == 1


REFUSED: dict[str, tuple[type[AkashError], str]] = {
    "kube: no service for that lease": (BadArgument, "no such service"),
    f"{ERROR}no such service exists with that name": (BadArgument, "no such service"),
    "no active replicase for service": (NotRunningYet, "no replica of the service is ready"),
    f"{ERROR}service with that name is not running": (NotRunningYet, "no replica of the service is ready"),
    f"{ERROR}service with that name is not running: the service has completed": (
        NotRunningYet,
        "has completed",
    ),
    f"{ERROR}service with that name is not running: the service has failed": (NotRunningYet, "has failed"),
    f"{ERROR}service with that name is not running: the service is not ready": (
        NotRunningYet,
        "is not ready",
    ),
    f"{ERROR}pod index out of range: valid range is [0, 2]": (BadArgument, "counted from 0 to 2"),
    f"{ERROR}pod index out of range: valid range is [0, 0]": (BadArgument, "only one is 0"),
    f"{ERROR}command could not be executed because it does not exist": (NoSuchProgram, "no such program"),
}


@pytest.mark.parametrize(("message", "known"), REFUSED.items(), ids=REFUSED)
async def test_a_refusal_is_told_in_words(
    scene: Scene, message: str, known: tuple[type[Exception], str]
) -> None:
    scene.script.shell = only(result(0, message))
    with pytest.raises(known[0]) as refused:
        await scene.shell.run(scene.lease, LS, seconds=20)
    assert known[1] in str(refused.value)
    assert "No money moved." in str(refused.value)


FAILURES = {
    "103": (frame(Code.FAILURE), ""),
    "a message beside a good exit code": (
        result(0, f"{ERROR}command execution failed"),
        "command execution failed",
    ),
    "a message that nobody knows": (result(0, "\x1b[31mteapot"), "teapot"),
    "a result that is not JSON": (frame(Code.RESULT, b"{"), "cannot be read"),
    "a result that is not an object": (frame(Code.RESULT, b"[" * 100_000), "cannot be read"),
    "an exit code that is none": (result("0"), "cannot be read"),
}


@pytest.mark.parametrize(("last", "said"), FAILURES.values(), ids=FAILURES)
async def test_a_failure_leaves_open_what_the_command_did(scene: Scene, last: bytes, said: str) -> None:
    scene.script.shell = says(frame(Code.STDOUT, b"half"), last)
    ran = await scene.shell.run(scene.lease, LS, seconds=20)
    assert (ran.status, ran.exit_code, bytes(ran.stdout.head)) == (ExecStatus.FAILED, None, b"half")
    assert said in ran.message
    assert len(scene.script.commands) == 1


async def test_a_refusal_after_output_is_a_failure(scene: Scene) -> None:
    scene.script.shell = says(frame(Code.STDOUT, b"half"), result(0, next(iter(REFUSED))))
    assert (await scene.shell.run(scene.lease, LS, seconds=20)).status is ExecStatus.FAILED


async def test_a_connection_that_drops_leaves_the_end_unknown(scene: Scene) -> None:
    scene.script.shell = says(frame(Code.STDOUT, b"half"))
    ran = await scene.shell.run(scene.lease, LS, seconds=20)
    assert (ran.status, ran.exit_code, bytes(ran.stdout.head)) == (ExecStatus.DROPPED, None, b"half")
    assert len(scene.script.commands) == 1


async def test_a_handshake_whose_answer_was_lost_may_have_run_the_command(scene: Scene) -> None:
    scene.script.refusals = [(0, "")]
    ran = await scene.shell.run(scene.lease, LS, seconds=20)
    assert (ran.status, ran.started) == (ExecStatus.DROPPED, False)
    assert "opened no stream" in ran.message


async def test_frames_that_mean_nothing_are_passed_over(scene: Scene) -> None:
    scene.script.shell = says("text", b"", b"\xff?", stdin_frame(b"x"), frame(Code.STDOUT, b"ok"), result())
    ran = await scene.shell.run(scene.lease, LS, seconds=20)
    assert (ran.exit_code, bytes(ran.stdout.head)) == (0, b"ok")


async def test_what_comes_after_the_result_is_not_read(scene: Scene) -> None:
    scene.script.shell = says(result(3), frame(Code.STDOUT, b"HTTP/1.1 500"), result(4))
    ran = await scene.shell.run(scene.lease, LS, seconds=20)
    assert (ran.exit_code, ran.stdout.written) == (3, 0)


async def test_a_command_that_hangs_is_waited_for_so_long(scene: Scene) -> None:
    async def act(connection: ServerConnection, argv: list[str]) -> None:
        await says(frame(Code.STDERR, b"working"))(connection, argv)
        await connection.wait_closed()

    scene.script.shell = act
    ran = await scene.shell.run(scene.lease, LS, seconds=0.5)
    assert (ran.status, bytes(ran.stderr.head), ran.started) == (ExecStatus.TIMED_OUT, b"working", True)


async def test_output_without_end_is_ended_and_takes_no_memory(scene: Scene) -> None:
    async def act(connection: ServerConnection, argv: list[str]) -> None:
        while True:
            await connection.send(frame(Code.STDOUT, b"y\n" * 16_000))
            await anyio.lowlevel.checkpoint()  # a send to nobody does not wait, and nobody else would run

    scene.script.shell = act
    tracemalloc.start()
    try:
        ran = await scene.shell.run(scene.lease, LS, seconds=30)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert ran.status is ExecStatus.TOO_MUCH
    assert len(ran.stdout.head) + len(ran.stdout.tail) <= KEPT_BYTES
    assert ran.stdout.left_out > 8_000_000
    assert peak < 6_000_000


async def test_a_frame_too_large_to_read_ends_it(scene: Scene) -> None:
    scene.script.shell = says(frame(Code.STDOUT, b"x" * 2**21), result())
    ran = await scene.shell.run(scene.lease, LS, seconds=20)
    assert ran.status is ExecStatus.DROPPED
    assert "over 1048576 bytes" in ran.message


async def test_input_and_terminal_reach_the_program(scene: Scene) -> None:
    seen: list[bytes | str] = []

    async def act(connection: ServerConnection, argv: list[str]) -> None:
        while sum(len(each) - 1 for each in seen if each[0] == Code.STDIN) < 40_000:
            seen.append(await connection.recv())
        await says(result())(connection, argv)

    scene.script.shell = act
    command = Command(("head", "-c", "40000"), "web", stdin=b"x" * 40_000, terminal=Terminal(100, 65_532))
    assert (await scene.shell.run(scene.lease, command, seconds=20)).exit_code == 0
    assert seen[0] == bytes.fromhex("690064fffc")
    assert [each[0] for each in seen[1:]] == [Code.STDIN] * 3


async def test_a_program_that_does_not_read_its_input_ends_all_the_same(scene: Scene) -> None:
    scene.script.shell = says(result(1))
    command = Command(("false",), "web", stdin=b"x" * 4_000_000)
    assert (await scene.shell.run(scene.lease, command, seconds=20)).exit_code == 1


async def test_the_token_is_for_the_shell_of_this_service_only(scene: Scene) -> None:
    granted: list[Any] = []

    async def act(connection: ServerConnection, argv: list[str]) -> None:
        assert connection.request is not None
        claims = connection.request.headers["authorization"].split(".")[1]
        granted.append(json.loads(base64.urlsafe_b64decode(claims + "=="))["leases"])
        await says(result())(connection, argv)

    scene.script.shell = act
    await scene.shell.run(scene.lease, LS, seconds=20)
    deployment = granted[0]["permissions"][0]["deployments"][0]
    assert (deployment["scope"], deployment["services"]) == (["shell"], ["web"])
    assert deployment["dseq"] == int(scene.lease.dseq)


async def test_a_handshake_that_was_refused_is_tried_again_and_the_command_runs_once(scene: Scene) -> None:
    scene.script.shell = says(result(5))
    scene.script.refusals = [(400, '{"message":"JWT has invalid claims"}')]
    assert (await scene.shell.run(scene.lease, LS, seconds=20)).exit_code == 5
    assert len(scene.script.commands) == 1


async def test_no_command_is_in_a_log_or_an_error(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    command = Command(("sesame", "open"), "web")
    scene.script.shell = says(result())
    await scene.shell.run(scene.lease, command, seconds=20)
    scene.script.shell = only(result(0, f"{ERROR}command could not be executed because it does not exist"))
    with pytest.raises(NoSuchProgram) as refused:
        await scene.shell.run(scene.lease, command, seconds=20)
    scene.script.refusals = [(500, "no")]
    with pytest.raises(ProviderError) as failed:
        await scene.shell.run(scene.lease, command, seconds=20)
    # The log of the test's own server aside.
    ours = [
        record.getMessage() for record in caplog.records if not record.name.startswith("websockets.server")
    ]
    told = traceback.format_exception(refused.value) + traceback.format_exception(failed.value)
    assert not [line for line in ours + told if "sesame" in line]


# Frames and queries.


def test_what_a_gateway_cannot_be_asked_is_refused() -> None:
    for argv in ((), ("",), ("grep", "", "x"), ("a\0b",), ("-c",)):
        with pytest.raises(BadArgument):
            Command(argv, "web")
    with pytest.raises(BadArgument):
        Command(("ls",), "web", pod_index=2**31)


WORD = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(st.lists(WORD.filter(lambda word: word[0] != "-"), min_size=1, max_size=12), st.integers(0, 2**31 - 1))
def test_the_words_of_a_command_arrive_as_they_were(argv: list[str], index: int) -> None:
    query = dict(parse_qsl(query_of(Command(tuple(argv), "web", index)), keep_blank_values=True))
    assert [query[f"cmd{number}"] for number in range(len(argv))] == argv
    assert f"cmd{len(argv)}" not in query
    assert (query["tty"], query["stdin"], query["podIndex"]) == ("0", "0", str(index))


@given(st.integers(0, 65535), st.integers(0, 65535))
def test_a_size_is_columns_and_rows(columns: int, rows: int) -> None:
    assert struct.unpack(">BHH", resize_frame(Terminal(columns, rows))) == (105, columns, rows)


@given(st.integers(), st.text())
def test_a_result_is_read_as_it_was_written(exit_code: int, message: str) -> None:
    payload = json.dumps({"exit_code": exit_code, "message": message}).encode()
    assert result_of(payload) == Result(exit_code, message)


@given(st.binary())
def test_no_bytes_break_the_reading_of_a_result(payload: bytes) -> None:
    result_of(payload)


@given(st.text())
def test_no_message_breaks_its_reading(message: str) -> None:
    refusal_in(message)


@given(st.lists(st.binary(max_size=KEPT_BYTES)))
def test_output_keeps_its_start_and_its_end(pieces: list[bytes]) -> None:
    output, whole = Output(), b"".join(pieces)
    for piece in pieces:
        output.add(piece)
    assert whole.startswith(output.head)
    assert whole.endswith(output.tail)
    assert len(output.head) + len(output.tail) == min(len(whole), KEPT_BYTES)
    assert output.left_out == max(len(whole) - KEPT_BYTES, 0)
