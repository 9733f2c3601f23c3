"""One look at a web address: what counts as an app that listens, what does not, and what proves nothing."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any

import anyio
import pytest

from akash_mcp.clients.provider import http_probe
from akash_mcp.clients.provider.http_probe import ProbeOutcome, probe

pytestmark = pytest.mark.anyio

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@asynccontextmanager
async def serving(answer: bytes, *, hang: bool = False) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that says the same to everyone, and the requests that it got."""
    heard: list[bytes] = []

    async def serve(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            heard.append(await stream.receive())
            await stream.send(answer)
            if hang:
                await anyio.sleep_forever()

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        yield f"localhost:{listener.extra(anyio.abc.SocketAttribute.local_port)}", heard
        tasks.cancel_scope.cancel()


def said(status: int, *headers: str, body: str = "") -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", *headers, f"content-length: {len(body)}", "connection: close"]
    return ("\r\n".join(lines) + f"\r\n\r\n{body}").encode()


@pytest.mark.parametrize(
    ("answer", "status"),
    [(ProbeOutcome.LISTENS, status) for status in (200, 204, 401, 404, 500)]
    + [(ProbeOutcome.NO_APP, status) for status in (502, 503, 504)],
)
async def test_only_the_ingress_own_errors_mean_that_no_app_listens(
    answer: ProbeOutcome, status: int
) -> None:
    async with serving(said(status)) as (uri, _):
        seen = await probe(uri, LOOPBACK)
    assert (seen.outcome, seen.message) == (answer, f"answers {status}")


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async with serving(said(200)) as (other, visits):
        async with serving(said(302, f"location: http://{other}/")) as (uri, _):
            assert (await probe(uri, LOOPBACK)).outcome is ProbeOutcome.LISTENS
        assert visits == []


async def test_nothing_of_ours_is_shown() -> None:
    async with serving(said(200, "set-cookie: a=b")) as (uri, heard):
        await probe(uri, LOOPBACK)
    request = heard[0].decode().lower()
    assert request.startswith("get / http/1.1\r\n")
    assert f"host: {uri}" in request
    assert "authorization" not in request
    assert "cookie" not in request


async def test_a_body_without_end_is_not_read() -> None:
    async with serving(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000, hang=True) as (uri, _):
        assert (await probe(uri, LOOPBACK)).outcome is ProbeOutcome.LISTENS


@pytest.mark.parametrize(("answer", "hang"), [(b"", True), (b"HTTP/1.1 200", True)])
async def test_silence_proves_nothing(answer: bytes, hang: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_probe, "SECONDS", 0.2)
    async with serving(answer, hang=hang) as (uri, _):
        seen = await probe(uri, LOOPBACK)
    assert (seen.outcome, seen.message) == (ProbeOutcome.UNKNOWN, "did not answer within 0 seconds")


@pytest.mark.parametrize("answer", [b"", b"\x16\x03\x01 this is not HTTP\r\n\r\n"])
async def test_a_broken_connection_proves_nothing(answer: bytes) -> None:
    async with serving(answer) as (uri, _):
        seen = await probe(uri, LOOPBACK)
    assert (seen.outcome, seen.message) == (
        ProbeOutcome.UNKNOWN,
        "broke the connection off without an answer",
    )


async def test_a_closed_port_proves_nothing() -> None:
    async with serving(b"") as (uri, _):
        pass
    assert (await probe(uri, LOOPBACK)).message == "could not be connected to from here"


async def test_private_addresses_and_other_ports_are_not_asked() -> None:
    async with serving(said(200)) as (uri, heard):
        assert "not a public web address" in (await probe(uri)).message
        assert "not a public web address" in (await probe("localhost")).message
        assert "not a public web address" in (await probe("1.1.1.1:22")).message
        assert heard == []


@pytest.mark.parametrize(
    "uri", ["", "a/b", "user@host", "host?x", "host#x", "host:port", "[::1", "http://host"]
)
async def test_what_is_not_a_host_name_is_not_asked(uri: str) -> None:
    seen = await probe(uri, LOOPBACK)
    assert (seen.outcome, seen.message) == (ProbeOutcome.UNKNOWN, "is not a host name")


@pytest.mark.parametrize(
    ("errno", "answer"), [(socket.EAI_NONAME, ProbeOutcome.NO_NAME), (socket.EAI_AGAIN, ProbeOutcome.UNKNOWN)]
)
async def test_only_a_name_that_does_not_exist_is_called_so(errno: int, answer: ProbeOutcome) -> None:
    async def lookup(*arguments: Any, **options: Any) -> list[Any]:
        raise socket.gaierror(errno, "as the resolver says")

    assert (await probe("shop.example", lookup=lookup)).outcome is answer
