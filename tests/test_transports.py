from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO, Any, Literal

import anyio
import httpx2
import pytest
import uvicorn
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import MCPServer
from pydantic import SecretStr

from akash_mcp.errors import BadSettings
from akash_mcp.transports import http_app, http_config, serve_http

ROOT = Path(__file__).parent.parent
TOKEN = SecretStr("a-long-random-text")


class Counted:
    """A server with one tool, that counts how often its lifespan was entered and left."""

    def __init__(self) -> None:
        self.entered = self.left = 0
        self.server = MCPServer("test", lifespan=self._lifespan, log_level="WARNING")
        self.server.tool()(self.hello)

    @asynccontextmanager
    async def _lifespan(self, _: MCPServer[Any]) -> AsyncIterator[None]:
        self.entered += 1
        yield
        self.left += 1

    async def hello(self) -> str:
        """Says hello."""
        return "hello"


@asynccontextmanager
async def listening(
    counted: Counted,
    *,
    token: SecretStr | None = None,
    sse: bool = False,
    allowed_hosts: tuple[str, ...] = (),
) -> AsyncIterator[str]:
    """The server over HTTP on a free port of 127.0.0.1; yields its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        app = http_app(
            counted.server, host="127.0.0.1", port=port, token=token, sse=sse, allowed_hosts=allowed_hosts
        )
        http = uvicorn.Server(http_config(app))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(http.serve, [listener])
            url = f"http://127.0.0.1:{port}"
            yield url
            http.should_exit = True


async def post(url: str, headers: dict[str, str] | None = None, content: bytes = b"{}") -> int:
    accepted = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    async with httpx2.AsyncClient(headers=accepted) as client:
        return (await client.post(url + "/mcp", content=content, headers=headers)).status_code


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_both_protocol_eras_are_served_at_mcp(mode: Literal["auto", "legacy"]) -> None:
    async with listening(Counted()) as url, Client(url + "/mcp", mode=mode) as client:
        assert not (await client.call_tool("hello")).is_error


@pytest.mark.anyio
async def test_sse_clients_share_the_lifespan_with_all_others() -> None:
    counted = Counted()
    async with listening(counted, sse=True) as url:
        async with (
            Client(sse_client(url + "/sse"), mode="legacy") as one,
            Client(sse_client(url + "/sse"), mode="legacy") as two,
            Client(url + "/mcp") as three,
        ):
            for client in (one, two, three):
                assert not (await client.call_tool("hello")).is_error
        assert (counted.entered, counted.left) == (1, 0)
    assert counted.left == 1


@pytest.mark.anyio
async def test_sse_is_served_only_when_asked_for() -> None:
    async with listening(Counted()) as url, httpx2.AsyncClient() as client:
        assert (await client.get(url + "/sse")).status_code == 404


@pytest.mark.anyio
async def test_health_answers_without_a_token() -> None:
    async with listening(Counted(), token=TOKEN) as url, httpx2.AsyncClient() as client:
        assert (await client.get(url + "/health")).json() == {"status": "ok"}


@pytest.mark.anyio
@pytest.mark.parametrize(
    "header", [None, "Bearer", "Bearer wrong", "Basic a-long-random-text", "a-long-random-text"]
)
async def test_without_the_token_nothing_is_served(header: str | None) -> None:
    headers = {} if header is None else {"authorization": header}
    async with listening(Counted(), token=TOKEN, sse=True) as url, httpx2.AsyncClient() as client:
        assert await post(url, headers) == 401
        answer = await client.get(url + "/sse", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.anyio
async def test_with_the_token_it_is_served() -> None:
    async with (
        listening(Counted(), token=TOKEN) as url,
        httpx2.AsyncClient(headers={"authorization": "bearer a-long-random-text"}) as http,
        Client(streamable_http_client(url + "/mcp", http_client=http)) as client,
    ):
        assert not (await client.call_tool("hello")).is_error


@pytest.mark.anyio
async def test_a_host_name_that_is_not_allowed_is_refused() -> None:
    async with listening(Counted(), sse=True) as url, httpx2.AsyncClient() as client:
        assert await post(url, {"host": "rebound.example"}) == 421
        assert (await client.get(url + "/sse", headers={"host": "rebound.example"})).status_code == 421


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("mcp.example:8443", "The host mcp.example:8443 is not served here"),
        ("[fd00::1]", "--allowed-hosts [fd00::1], or set AKASH_MCP_ALLOWED_HOSTS"),
        ("mcp.example:8443", "--allowed-hosts mcp.example, or set AKASH_MCP_ALLOWED_HOSTS"),
        ('a"<script>', "Without a host name that can be one"),
    ],
)
async def test_a_refused_host_is_told_with_the_setting_that_allows_it(host: str, said: str) -> None:
    async with listening(Counted()) as url, httpx2.AsyncClient() as client:
        for method in ("GET", "POST"):
            answer = await client.request(
                method,
                url + "/mcp",
                headers={"host": host, "content-type": "application/json"},
                content=b"{}",
            )
            told = answer.json()["error_description"]
            assert (answer.status_code, said in told, "<" in told) == (421, True, False)


@pytest.mark.anyio
@pytest.mark.parametrize("token", [None, TOKEN])
async def test_there_is_no_oauth_and_who_looks_for_it_is_told_so_without_a_token(
    token: SecretStr | None, caplog: pytest.LogCaptureFixture
) -> None:
    """By the way: mcp-remote 0.15.1 looks at all of these before it connects with the token that it was given."""
    kinds = ("oauth-protected-resource", "oauth-authorization-server", "openid-configuration")
    paths = [
        f"{before}/.well-known/{kind}{after}"
        for kind in kinds
        for before, after in (("", ""), ("", "/mcp"), ("/mcp", ""))
    ]
    async with listening(Counted(), token=token) as url, httpx2.AsyncClient() as client:
        for path in paths:
            answer = await client.get(url + path)
            assert (answer.status_code, answer.json()["error"]) == (404, "not_found")
        assert "Authorization: Bearer" in (await client.post(url + "/register")).json()["error_description"]
        assert (await client.get(url + "/mcp")).status_code == (400 if token is None else 401)
    assert caplog.text.count("wrong token") == (0 if token is None else 1)


@pytest.mark.anyio
async def test_a_page_of_another_origin_is_refused() -> None:
    async with listening(Counted()) as url:
        assert await post(url, {"origin": "https://evil.example"}) == 403
        assert await post(url, {"origin": url}) not in (403, 421)


@pytest.mark.anyio
async def test_an_allowed_host_name_is_served_with_and_without_a_port() -> None:
    async with listening(Counted(), allowed_hosts=("mcp.example",)) as url:
        for host in ("mcp.example", "mcp.example:443"):
            assert await post(url, {"host": host, "origin": f"https://{host}"}) not in (403, 421)
        assert await post(url, {"host": "mcp.example.evil"}) == 421


@pytest.mark.anyio
async def test_a_body_over_one_mebibyte_is_refused() -> None:
    async with listening(Counted()) as url:
        assert await post(url, content=b" " * (1 << 20) + b"{}") == 413


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "mcp.example"])
def test_beyond_loopback_a_token_is_required(host: str) -> None:
    with pytest.raises(BadSettings, match="AKASH_MCP_TOKEN"):
        http_app(Counted().server, host=host, port=1, token=None, sse=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_on_loopback_no_token_is_required(host: str) -> None:
    http_app(Counted().server, host=host, port=1, token=None, sse=False)


@pytest.mark.anyio
async def test_a_port_in_use_is_reported_in_plain_words() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(BadSettings, match=f"port {port}: Address already in use"):
            await serve_http(Counted().server, host="127.0.0.1", port=port, token=None, sse=False)


@pytest.mark.anyio
async def test_an_address_of_another_machine_is_reported_in_plain_words() -> None:
    token = SecretStr(secrets.token_urlsafe(16))
    with pytest.raises(BadSettings, match=r"Cannot listen on 192\.0\.2\.1"):
        await serve_http(Counted().server, host="192.0.2.1", port=0, token=token, sse=False)


def test_beyond_loopback_a_token_that_can_be_guessed_is_refused_with_how_to_make_one() -> None:
    with pytest.raises(BadSettings, match="128 random bits") as refused:
        http_app(Counted().server, host="0.0.0.0", port=1, token=TOKEN, sse=False)
    assert TOKEN.get_secret_value() not in str(refused.value)
    made = subprocess.run(
        refused.value.next_step.split("what ")[1].split(" prints")[0].replace("python3", sys.executable),
        shell=True, capture_output=True, text=True, check=True,
    )  # fmt: skip
    http_app(Counted().server, host="0.0.0.0", port=1, token=SecretStr(made.stdout.strip()), sse=False)


def test_a_connection_is_kept_longer_than_a_balancer_keeps_its_own() -> None:
    assert http_config(Counted().server.streamable_http_app()).timeout_keep_alive > 60


SERVER = """
import sys
from contextlib import asynccontextmanager
import anyio
from mcp.server.mcpserver import MCPServer
from akash_mcp.transports import serve_http, serve_stdio

@asynccontextmanager
async def lifespan(server):
    yield
    print("left", file=sys.stderr)

server = MCPServer("test", lifespan=lifespan, log_level="WARNING")

@server.tool()
async def hello() -> str:
    print("a stray line", flush=True)
    return "hello"

async def over_http():
    await serve_http(server, host="127.0.0.1", port=0, token=None, sse=True,
                     listening=lambda url: print(url, flush=True))

anyio.run(over_http) if "http" in sys.argv else anyio.run(serve_stdio, server)
print("ended", file=sys.stderr)
"""


class Process:
    """The server above in a process of its own, spoken to by hand."""

    def __init__(self, popen: subprocess.Popen[str], stdin: IO[str], stdout: IO[str]) -> None:
        self.popen, self.stdin, self.stdout = popen, stdin, stdout

    def call(self, method: str, params: dict[str, object], id: int = 1) -> dict[str, Any]:
        self.stdin.write(json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params}) + "\n")
        self.stdin.flush()
        answer: dict[str, Any] = json.loads(self.stdout.readline())
        return answer

    def greet(self) -> dict[str, Any]:
        """Shake hands in the older way, then call the tool."""
        client = {"name": "test", "version": "1"}
        self.call("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client})
        self.stdin.write('{"jsonrpc": "2.0", "method": "notifications/initialized"}\n')
        return self.call("tools/call", {"name": "hello", "arguments": {}}, id=2)

    def end(self) -> str:
        """Wait for its end and return what it said on stderr. Nothing more may be on stdout."""
        out, err = self.popen.communicate(timeout=20)
        assert out == ""
        assert self.popen.returncode == 0
        return err


@contextmanager
def process(*arguments: str) -> Iterator[Process]:
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
    ) as popen:
        assert popen.stdin is not None
        assert popen.stdout is not None
        try:
            yield Process(popen, popen.stdin, popen.stdout)
        finally:
            popen.kill()


def test_stdio_ends_cleanly_when_the_client_hangs_up_and_carries_nothing_but_mcp() -> None:
    with process() as server:
        assert server.greet()["result"]["isError"] is False
        assert server.end() == "a stray line\nleft\nended\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stdio_ends_cleanly_on_a_signal_though_the_client_stays(number: signal.Signals) -> None:
    with process() as server:
        server.greet()
        server.popen.send_signal(number)
        server.popen.wait(timeout=20)  # while its stdin is still open
        assert server.end() == "a stray line\nleft\nended\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_http_ends_cleanly_on_a_signal_though_a_stream_is_open() -> None:
    with process("http") as server:
        url = server.stdout.readline().strip()
        with httpx2.stream("GET", url.replace("/mcp", "/sse")) as stream:
            assert stream.status_code == 200
            server.popen.send_signal(signal.SIGTERM)
            server.popen.wait(timeout=20)
        assert server.end() == "left\nended\n"
