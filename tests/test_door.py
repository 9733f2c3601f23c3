"""Who gets in over HTTP, and how long one that should not can keep others out."""

from __future__ import annotations

import logging
import random
import secrets
import socket
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import anyio
import httpx2
import pytest
import uvicorn
from anyio.abc import SocketStream
from mcp import Client
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Scope
from test_transports import Counted

from akash_mcp.door import (
    LONGEST_DELAY,
    MOST_CLIENTS,
    MOST_WAITING,
    BearerGuard,
    PromptRequests,
    SessionCap,
    client_of,
    token_bits,
)
from akash_mcp.transports import http_app, http_config

TOKEN = SecretStr(secrets.token_urlsafe(32))
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
ACCEPTED = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18"}


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


async def hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


INSIDE = Starlette(routes=[Route("/mcp", hello, methods=["GET", "POST"])])


@asynccontextmanager
async def served(
    app: Callable[[int], ASGIApp], http: type[PromptRequests] = PromptRequests
) -> AsyncIterator[int]:
    """An app over HTTP on a free port of 127.0.0.1, which is yielded."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        server = uvicorn.Server(http_config(app(port), http))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve, [listener])
            yield port
            server.should_exit = True


@pytest.mark.parametrize(
    "token",
    ["", "a-long-random-text", "password" * 8, "0" * 64, "abcdefghijklmnopqrstuvwxyz0123456789", "1234567890" * 4,
     "d6579184cf1f384e5d9713ce670cff", "XCHworgie37OpVHw736K", "hunter2hunter3hunter4", "abababababababababababababab"],
)  # fmt: skip
def test_a_token_of_fewer_bits_is_weak(token: str) -> None:
    assert token_bits(token) < 128


def test_tokens_of_random_bytes_are_strong() -> None:
    """Of sixteen bytes in base64 one in 50,000 has letters of one case only, and is taken for less than it is."""
    drawn = random.Random(20261129)
    for _ in range(5_000):
        assert token_bits(drawn.randbytes(16).hex()) >= 128
        assert token_bits(urlsafe_b64encode(drawn.randbytes(16)).decode().rstrip("=")) >= 128
        assert token_bits(secrets.token_urlsafe(32)) >= 128


@pytest.mark.parametrize(
    ("host", "client"),
    [("192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("::ffff:192.0.2.7", "192.0.2.7"),
     ("fe80::1%eth0", "fe80::/64"), ("testclient", "testclient")],
)  # fmt: skip
def test_a_client_is_its_address_or_network(host: str, client: str) -> None:
    assert client_of({"client": (host, 1)}) == client
    assert client_of({"client": None}) == "unknown"


class Asked:
    """A guard that is asked in this process, by clients of any address."""

    def __init__(self) -> None:
        self.time = Time()
        self.guard = BearerGuard(INSIDE, TOKEN, now=self.time, sleep=self.sleep)
        self.held: anyio.Event | None = None

    async def sleep(self, seconds: float) -> None:
        await self.time.sleep(seconds)
        if self.held:
            await self.held.wait()

    async def __call__(self, token: str, host: str = "192.0.2.1") -> tuple[int, dict[bytes, bytes]]:
        scope: Scope = {
            "type": "http", "method": "GET", "path": "/mcp", "raw_path": b"/mcp", "query_string": b"",
            "http_version": "1.1", "scheme": "http", "root_path": "", "client": (host, 1), "server": ("x", 1),
            "headers": [(b"authorization", b"Bearer " + token.encode())],
        }  # fmt: skip
        started: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.append(message)

        await self.guard(scope, receive, send)
        return started[0]["status"], dict(started[0]["headers"])


@pytest.mark.anyio
async def test_wrong_tokens_wait_ever_longer_and_others_and_the_right_one_do_not() -> None:
    ask = Asked()
    statuses = {(await ask("wrong"))[0] for _ in range(12)}
    assert statuses == {401}
    assert ask.time.slept == [0.2, 0.4, 0.8, 1.6, 3.2, *[LONGEST_DELAY] * 4]
    before = len(ask.time.slept)
    assert (await ask(TOKEN.get_secret_value()))[0] == 200
    assert (await ask("wrong", "192.0.2.2"))[0] == 401
    assert len(ask.time.slept) == before
    ask.time.now += 601  # and it is forgiven
    assert (await ask("wrong"))[0] == 401
    assert len(ask.time.slept) == before


@pytest.mark.anyio
async def test_wrong_tokens_at_once_are_not_kept_and_never_keep_the_right_one_out() -> None:
    ask = Asked()
    for _ in range(4):
        await ask("wrong")
    ask.held = anyio.Event()
    answers: list[int] = []

    async def guess() -> None:
        answers.append((await ask("wrong"))[0])

    async with anyio.create_task_group() as tasks:
        for _ in range(MOST_WAITING + 5):
            tasks.start_soon(guess)
        await anyio.wait_all_tasks_blocked()
        assert answers == [429] * 5
        assert (await ask(TOKEN.get_secret_value()))[0] == 200
        ask.held.set()
    assert answers == [429] * 5 + [401] * MOST_WAITING


@pytest.mark.anyio
async def test_failures_are_logged_without_the_token_and_fill_neither_log_nor_memory(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ask = Asked()
    for _ in range(100):
        await ask("hunter2")
    assert "a wrong token from 192.0.2.1, 64 so far" in caplog.text
    assert "hunter2" not in caplog.text
    assert len(caplog.records) == 7
    caplog.set_level(logging.ERROR)
    for number in range(MOST_CLIENTS + 100):
        await ask("hunter2", f"10.0.{number // 256}.{number % 256}")
    assert len(ask.guard._failures) == MOST_CLIENTS


class Soon(PromptRequests):
    request_seconds = 0.3


async def is_closed(stream: SocketStream, trickle: bytes = b"") -> bool:
    """Read, and send a few bytes now and then, until the other side closes."""
    try:
        while True:
            if trickle:
                await stream.send(trickle)
            with anyio.move_on_after(0.02):
                await stream.receive()
    except (anyio.EndOfStream, anyio.BrokenResourceError):
        return True


HEAD = b"POST /mcp HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "begun", [b"", b"PO", HEAD, HEAD + b"\r\n12345", b"GET /mcp HTTP/1.1\r\nhost: x\r\n\r\nGET /m"],
    ids=["silence", "a method", "half a header", "half a body", "half of the second"],
)  # fmt: skip
async def test_a_request_that_does_not_arrive_whole_loses_its_connection(begun: bytes) -> None:
    async with served(lambda _: INSIDE, Soon) as port:
        stream = await anyio.connect_tcp("127.0.0.1", port)
        async with stream:
            if begun:
                await stream.send(begun)
            with anyio.fail_after(10):
                assert await is_closed(stream)


@pytest.mark.anyio
async def test_bytes_that_trickle_in_do_not_extend_it() -> None:
    async with served(lambda _: INSIDE, Soon) as port:
        stream = await anyio.connect_tcp("127.0.0.1", port)
        async with stream:
            await stream.send(b"GET /mcp HTTP/1.1\r\n")
            with anyio.fail_after(10):
                assert await is_closed(stream, b"x: y\r\n")


@pytest.mark.anyio
async def test_a_connection_between_two_requests_is_not_hurried() -> None:
    class Patient(Soon):
        request_seconds = 1.5

    async with served(lambda _: INSIDE, Patient) as port:
        stream = await anyio.connect_tcp("127.0.0.1", port)
        async with stream:
            for idle in (2 * Patient.request_seconds, 0.0):  # allowed for 75 s
                await stream.send(HEAD + b"\r\n12345")
                await stream.send(b"67890")
                assert (await stream.receive()).startswith(b"HTTP/1.1 200")
                with anyio.move_on_after(idle):
                    await stream.receive()


def capped(time: Time, *, most: int = 2, sse: bool = False) -> Callable[[int], ASGIApp]:
    def app(port: int) -> ASGIApp:
        inner = http_app(Counted().server, host="127.0.0.1", port=port, token=None, sse=sse)
        return SessionCap(inner, idle=900, most=most, most_streams=most, now=time)

    return app


@pytest.mark.anyio
async def test_a_client_has_so_many_sessions_and_gets_another_when_one_ends_or_idles() -> None:
    time = Time()
    async with served(capped(time)) as port, httpx2.AsyncClient(headers=ACCEPTED) as http:
        url = f"http://127.0.0.1:{port}/mcp"

        async def open_session() -> tuple[int, str]:
            answer = await http.post(url, json=INITIALIZE)
            return answer.status_code, answer.headers.get("mcp-session-id", "")

        (_, first), (_, second) = [await open_session() for _ in range(2)]
        assert first
        assert second
        assert [await open_session() for _ in range(2)] == [(503, "")] * 2
        async with Client(url) as modern:  # has no session, and is served
            assert not (await modern.call_tool("hello")).is_error
        assert (await http.delete(url, headers={"mcp-session-id": first})).status_code == 200
        assert (await open_session())[0] == 200
        assert (await open_session())[0] == 503
        time.now += 800
        ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
        assert (await http.post(url, json=ping, headers={"mcp-session-id": second})).status_code == 200
        time.now += 200  # one was idle for 1000 s, and one for 200
        assert (await open_session())[0] == 200
        assert (await open_session())[0] == 503


@pytest.mark.anyio
async def test_sessions_that_are_opened_at_once_are_counted() -> None:
    async with served(capped(Time(), most=3)) as port, httpx2.AsyncClient(headers=ACCEPTED) as http:
        statuses: list[int] = []

        async def open_session() -> None:
            statuses.append((await http.post(f"http://127.0.0.1:{port}/mcp", json=INITIALIZE)).status_code)

        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(open_session)
    assert sorted(statuses) == [200] * 3 + [503] * 7


@pytest.mark.anyio
async def test_streams_of_sse_are_sessions_while_they_are_open() -> None:
    async with served(capped(Time(), sse=True)) as port, httpx2.AsyncClient() as http:
        url = f"http://127.0.0.1:{port}/sse"
        async with AsyncExitStack() as open_streams:
            for _ in range(2):
                stream = await open_streams.enter_async_context(http.stream("GET", url))
                assert stream.status_code == 200
            assert (await http.get(url)).status_code == 503
        with anyio.fail_after(10):
            while True:
                async with http.stream("GET", url) as stream:
                    if stream.status_code == 200:
                        break
