from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
from provider_world import World, a_world, expose, service, until_end
from websockets.exceptions import ConnectionClosed

from akash_mcp.sandbox.provider import shell_session as gateway_shell

pytestmark = pytest.mark.anyio

STDOUT, STDERR, RESULT, FAILURE, STDIN, RESIZE = range(100, 106)
HIDDEN = [expose(port=5432, **{"global": False})]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as world:
        yield world


def query(*argv: str, **changes: str) -> str:
    words = {f"cmd{index}": word for index, word in enumerate(argv)}
    return urlencode(words | {"service": "web", "tty": "0", "stdin": "0", "podIndex": "0"} | changes)


async def frames(world: World, lease: str, *argv: str, **changes: str) -> list[tuple[int, bytes]]:
    async with world.socket(f"{lease}/shell?{query(*argv, **changes)}") as socket:
        ended = await until_end(socket)
    assert ended.code == 1006  # TCP drops: success is the result frame and never the close code
    assert all(isinstance(frame, bytes) for frame in ended.messages)
    return [(frame[0], frame[1:]) for frame in ended.messages]


def result(exit_code: int, message: str = "") -> tuple[int, bytes]:
    body: dict[str, Any] = {"exit_code": exit_code} | ({"message": message} if message else {})
    return RESULT, json.dumps(body, separators=(",", ":")).encode() + b"\n"


# What is refused before the upgrade.


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cmd=echo&service=web&tty=0&stdin=0&podIndex=0",
        "cmd1=echo&service=web&tty=0&stdin=0&podIndex=0",
        "cmd0=echo&service=web&stdin=0&podIndex=0",
        "cmd0=echo&tty=0&stdin=0&podIndex=0",
        "cmd0=echo&service=web&tty=0&podIndex=0",
        "cmd0=echo&service=web&tty=0&stdin=0",
        "cmd0=echo&service=web&tty=0&stdin=0&podIndex=-1",
        "cmd0=echo&service=web&tty=0&stdin=0&podIndex=2147483648",
        "cmd0=echo&service=web&tty=0&stdin=0&podIndex=08",
    ],
)
async def test_a_query_that_lacks_something_is_400_without_a_body(world: World, text: str) -> None:
    response = await world.get(f"/lease/1/1/1/shell?{text}")
    assert (response.status_code, response.content) == (400, b"")


# Commands.


async def test_output_and_then_the_result(world: World) -> None:
    lease = await world.deploy(service())
    assert await frames(world, lease, "echo", "hello", "you") == [(STDOUT, b"hello you\n"), result(0)]


async def test_the_gateway_never_logs_a_command(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    lease = await world.deploy(service())
    assert await frames(world, lease, "echo", "hush") == [(STDOUT, b"hush\n"), result(0)]
    said = [record.getMessage() for record in caplog.records if record.name != "websockets.client"]
    assert not [line for line in said if "hush" in line]


async def test_an_exit_code_is_told(world: World) -> None:
    lease = await world.deploy(service())
    assert await frames(world, lease, "sh", "-c", "exit 3") == [result(3)]
    assert await frames(world, lease, "false") == [result(1)]


async def test_a_script_goes_on_as_its_operators_say(world: World) -> None:
    lease = await world.deploy(service())
    script = "false && echo no; false || echo yes; true && exit 4; echo never"
    assert await frames(world, lease, "sh", "-c", script) == [(STDOUT, b"yes\n"), result(4)]


async def test_errors_have_a_frame_of_their_own_but_not_under_a_tty(world: World) -> None:
    lease = await world.deploy(service())
    said = b"cat: /none: No such file or directory\n"
    assert await frames(world, lease, "cat", "/none") == [(STDERR, said), result(1)]
    assert await frames(world, lease, "cat", "/none", tty="1") == [(STDOUT, said), result(1)]


async def test_only_1_switches_stdin_and_tty_on(world: World) -> None:
    lease = await world.deploy(service())
    assert (await frames(world, lease, "cat", "/none", tty="true"))[0][0] == STDERR


async def test_a_container_knows_its_name_and_environment(world: World) -> None:
    lease = await world.deploy(service(env=["GREETING=hi"]))
    (_, name), _ = await frames(world, lease, "cat", "/etc/hostname")
    assert name.startswith(b"web-")
    assert (await frames(world, lease, "printenv", "GREETING"))[0] == (STDOUT, b"hi\n")


async def test_arguments_end_at_the_first_empty_one(world: World) -> None:
    lease = await world.deploy(service())
    assert (await frames(world, lease, "echo", "a", "", "b"))[0] == (STDOUT, b"a\n")


async def test_long_output_comes_in_chunks(world: World) -> None:
    lease = await world.deploy(service())
    words = "x" * 40_000
    *chunks, last = await frames(world, lease, "printenv", "BIG")
    assert (chunks, last) == ([], result(1))
    lease = await world.deploy(service(env=[f"BIG={words}"]))
    *chunks, last = await frames(world, lease, "printenv", "BIG")
    assert [len(data) for _, data in chunks] == [32768, 40_001 - 32768]


# Failures, which are told in a result with exit code 0.


async def test_a_program_that_is_not_there(world: World) -> None:
    lease = await world.deploy(service())
    message = "remote command execute error: command could not be executed because it does not exist"
    assert await frames(world, lease, "psql", "-l") == [result(0, message)]


async def test_an_unknown_service(world: World) -> None:
    lease = await world.deploy(service())
    assert await frames(world, lease, "true", service="api") == [result(0, "kube: no service for that lease")]


async def test_a_service_that_does_not_run(world: World) -> None:
    lease = await world.deploy(service(), service("db", "db:does-not-exist", expose=HIDDEN))
    message = "no active replicase for service"
    assert await frames(world, lease, "true", service="db") == [result(0, message)]


async def test_a_pod_index_out_of_range_is_refused(world: World) -> None:
    lease = await world.deploy(service(count=2))
    message = "remote command execute error: pod index out of range: valid range is [0, 1]"
    assert await frames(world, lease, "true", podIndex="0x2") == [result(0, message)]
    assert await frames(world, lease, "true", podIndex="1") == [result(0)]


async def test_a_dead_lease_looks_like_a_success_that_said_nothing(world: World) -> None:
    lease = await world.deploy(service())
    world.close(lease)
    assert await frames(world, lease, "echo", "hello") == [result(0)]


# Standard input.


async def test_without_stdin_the_gateway_never_reads(world: World) -> None:
    lease = await world.deploy(service())
    async with world.socket(f"{lease}/shell?{query('sleep', '60')}", close_timeout=0.2) as socket:
        pong = await socket.ping()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(pong, 0.3)


async def test_with_stdin_it_answers_pings(world: World) -> None:
    lease = await world.deploy(service())
    async with world.socket(f"{lease}/shell?{query('sleep', '60', stdin='1')}", close_timeout=0.2) as socket:
        await (await socket.ping())


async def test_cat_gives_back_what_it_gets_and_no_end_can_be_told(world: World) -> None:
    lease = await world.deploy(service())
    async with world.socket(f"{lease}/shell?{query('cat', stdin='1')}", close_timeout=0.2) as socket:
        await socket.send(bytes([STDIN]) + b"abc")
        assert await socket.recv() == bytes([STDOUT]) + b"abc"
        await socket.send(bytes([STDIN]))
        await socket.send("text is ignored")
        await socket.send([bytes([STDIN]), b"d", b"ef"])
        assert await socket.recv() == bytes([STDOUT]) + b"def"


async def test_under_a_tty_ctrl_d_ends_the_input(world: World) -> None:
    lease = await world.deploy(service())
    async with world.socket(f"{lease}/shell?{query('cat', stdin='1', tty='1')}") as socket:
        await socket.send(bytes([RESIZE, 0, 80, 0, 24]))
        await socket.send(bytes([STDIN]) + b"\x04")
        assert (await until_end(socket)).messages == [b"f" + b'{"exit_code":0}\n']


async def test_a_frame_that_cannot_be_read_ends_the_reading_only(world: World) -> None:
    lease = await world.deploy(service())
    async with world.socket(f"{lease}/shell?{query('cat', stdin='1')}", close_timeout=0.2) as socket:
        await socket.send(bytes([STDIN]) + b"one")
        assert await socket.recv() == b"done"  # 0x64, and the data
        await socket.send(bytes([RESIZE, 0, 80]))
        await socket.send(bytes([STDIN]) + b"two")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 0.2)


async def test_cat_without_stdin_has_nothing_to_copy(world: World) -> None:
    lease = await world.deploy(service())
    assert await frames(world, lease, "cat") == [result(0)]


async def test_a_pong_that_stays_away_after_the_first_cancels_the_command(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_shell, "PONG_SECONDS", 0.1)
    lease = await world.deploy(service())
    async with world.socket(f"{lease}/shell?{query('sleep', '60', stdin='1')}") as socket:
        await socket.pong()
        assert (await until_end(socket)).messages == [bytes([FAILURE])]


async def test_a_gateway_that_stops_says_nothing_of_the_command(world: World) -> None:
    lease = await world.deploy(service())
    async with world.socket(f"{lease}/shell?{query('sleep', '60')}") as socket:
        await world.gateway.stop()
        with pytest.raises(ConnectionClosed):
            await socket.recv()


# Shells in the container.


async def test_a_shell_knows_the_words_that_come_after_its_script(world: World) -> None:
    lease = await world.deploy(service())
    script = 'echo "$0"; exec "$@"'
    assert await frames(world, lease, "sh", "-c", script, "name", "echo", "a b", "c") == [
        (STDOUT, b"name\n"),
        (STDOUT, b"a b c\n"),
        result(0),
    ]
    assert (await frames(world, lease, "sh", "-c", script, "name", "sh", "-c", "exit 3"))[1:] == [result(3)]


async def test_a_shell_says_which_program_is_not_there(world: World) -> None:
    lease = await world.deploy(service())
    assert await frames(world, lease, "sh", "-c", "exec psql -l; echo never") == [
        (STDERR, b"sh: 1: psql: not found (this is a sandbox, which plays few programs)\n"),
        result(127),
    ]


async def test_a_tenant_sees_what_the_command_wrote_and_it_what_the_tenant_did(world: World) -> None:
    script = "echo begun > /tmp/state; until [ -f /tmp/go ]; do sleep 1; done; echo gone; sleep infinity"
    lease = await world.deploy(service(command=["sh", "-c", script]))
    assert await frames(world, lease, "cat", "/tmp/state") == [(STDOUT, b"begun\n"), result(0)]
    assert await frames(world, lease, "sh", "-c", "cd /tmp && mkdir a && touch go; ls") == [
        (STDOUT, b"a\ngo\nstate\n"),
        result(0),
    ]
    world.chain.clock.skip(1.5)
    async with world.socket(f"{lease}/logs") as socket:
        assert json.loads((await until_end(socket)).messages[0])["message"] == "gone"


async def test_a_tenant_is_told_what_is_not_played(world: World) -> None:
    lease = await world.deploy(service())
    assert await frames(world, lease, "sh", "-c", "sleep 1 & echo on") == [
        (STDERR, b"sh: this sandbox does not play: sleep 1 &\n"),
        result(127),
    ]
    said, ended = await frames(world, lease, "sh", "-c", "ls -l")
    assert (said, ended) == ((STDERR, b"ls: this sandbox does not play it like this: ls -l\n"), result(1))


async def test_an_image_may_have_no_shell(world: World) -> None:
    lease = await world.deploy(service("web", "gcr.io/distroless/static:1"))
    message = "remote command execute error: command could not be executed because it does not exist"
    assert await frames(world, lease, "sh", "-c", "true") == [result(0, message)]
    assert await frames(world, lease, "echo", "hello") == [(STDOUT, b"hello\n"), result(0)]


async def test_output_without_end_goes_on_until_the_client_leaves(world: World) -> None:
    lease = await world.deploy(service())
    async with world.socket(f"{lease}/shell?{query('yes')}", close_timeout=0.2) as socket:
        for _ in range(100):
            assert await socket.recv() == bytes([STDOUT]) + b"y\n" * (16 * 1024)
        socket.transport.abort()
