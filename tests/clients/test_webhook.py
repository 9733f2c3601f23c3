"""A person's webhook: it gets what it is sent, and its address stays between the two."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from provider_certificates import authority, issued, trusting
from tcp_server import TcpServer
from wire_servers import Act, Server, Time, closed_port, drop, hang, reply, trickle

from akash_mcp.clients.webhook import PAUSES, NotTaken, Webhook

pytestmark = pytest.mark.anyio

TOKEN = "T0KENinTHEpath"
DOCUMENT = {"text": "Deployment 7 was closed – at its end.", "level": "info"}


@asynccontextmanager
async def webhook(
    *script: Act, time: Time | None = None, seconds: float = 10.0
) -> AsyncIterator[tuple[Server, Webhook]]:
    async with Server(*script) as server:
        yield (
            server,
            Webhook(f"{server.url}/{TOKEN}?key={TOKEN}", sleep=(time or Time()).sleep, seconds=seconds),
        )


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_it_gets_the_document_once(status: int) -> None:
    async with webhook(reply(status, "")) as (server, hook):
        await hook.post(DOCUMENT)
    (request,) = server.requests
    assert (request.method, request.path, request.json) == ("POST", f"/{TOKEN}?key={TOKEN}", DOCUMENT)
    assert request.headers["content-type"] == "application/json"


@pytest.mark.parametrize("fault", [reply(503, ""), reply(429, ""), drop])
async def test_what_may_pass_is_tried_again_after_a_pause(fault: Act) -> None:
    time = Time()
    async with webhook(fault, fault, reply(200, ""), time=time) as (server, hook):
        await hook.post(DOCUMENT)
    assert len(server.requests) == 3
    assert time.slept == list(PAUSES)


@pytest.mark.parametrize("fault", [reply(503, ""), drop])
async def test_after_three_attempts_it_is_given_up(fault: Act) -> None:
    async with webhook(fault) as (server, hook):
        with pytest.raises(NotTaken):
            await hook.post(DOCUMENT)
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
async def test_a_refusal_is_not_tried_again(status: int) -> None:
    async with webhook(reply(status, "")) as (server, hook):
        with pytest.raises(NotTaken, match=f"answered {status}"):
            await hook.post(DOCUMENT)
    assert len(server.requests) == 1


async def test_a_redirect_is_not_followed() -> None:
    async with (
        Server(reply(200, "")) as other,
        webhook(reply(307, "", location=f"{other.url}/elsewhere")) as (server, hook),
    ):
        with pytest.raises(NotTaken, match="answered 307, a redirect, which is not followed"):
            await hook.post(DOCUMENT)
        assert len(server.requests) == 1
        assert other.requests == []


async def test_no_answer_ends_in_time() -> None:
    async with webhook(hang, seconds=0.2) as (_, hook):
        with pytest.raises(NotTaken, match=r"did not answer within 0\.2 s"):
            await hook.post(DOCUMENT)


async def test_a_handshake_that_never_ends_leaves_no_connection_open() -> None:
    left = anyio.Semaphore(0)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        left.release()

    async with TcpServer(say_nothing) as server:
        hook = Webhook(
            f"https://127.0.0.1:{server.port}", sleep=Time().sleep, seconds=0.1, verify=trusting(authority())
        )
        with pytest.raises(NotTaken, match=r"did not answer within 0\.1 s"):
            await hook.post(DOCUMENT)
        with anyio.fail_after(5):
            for _ in range(3):
                await left.acquire()


async def test_an_answer_that_never_ends_is_not_read() -> None:
    async with webhook(trickle) as (server, hook):
        await hook.post(DOCUMENT)
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", [reply(200, ""), reply(500, ""), reply(404, ""), drop, hang])
async def test_the_address_is_in_no_log_and_no_error(fault: Act, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with webhook(fault, seconds=0.2) as (_, hook):
        try:
            await hook.post(DOCUMENT)
        except NotTaken:
            logging.getLogger("test").exception("with all that led to it")
    assert TOKEN not in caplog.text
    assert "httpcore2" in caplog.text  # what lies below was listened to


@pytest.mark.parametrize(("host", "is_taken"), [("127.0.0.1", True), ("hooks.example", False)])
async def test_over_https_the_certificate_has_to_be_its_own(
    tmp_path: Path, host: str, is_taken: bool
) -> None:
    known = authority()
    async with Server(reply(200, ""), tls=issued(known, host).server_context(tmp_path)) as server:
        hook = Webhook(f"{server.url}/{TOKEN}", sleep=Time().sleep, verify=trusting(known))
        if not is_taken:
            with pytest.raises(NotTaken, match="could not be reached"):
                await hook.post(DOCUMENT)
        else:
            await hook.post(DOCUMENT)
        assert len(server.requests) == int(is_taken)


async def test_nobody_there_says_so_and_not_where(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    hook = Webhook(f"http://127.0.0.1:{closed_port()}/{TOKEN}", sleep=Time().sleep)
    with pytest.raises(NotTaken, match=r"could not be reached \(ConnectError\)"):
        await hook.post(DOCUMENT)
    assert TOKEN not in caplog.text


async def test_a_proxy_of_the_environment_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Server(reply(200, "")) as proxy, webhook(reply(200, "")) as (server, hook):
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        await hook.post(DOCUMENT)
        assert len(server.requests) == 1
        assert proxy.requests == []
