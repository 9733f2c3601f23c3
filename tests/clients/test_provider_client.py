"""The provider client against gateways that the tests script: TLS, HTTP and WebSocket on one port."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import ip_network
from pathlib import Path
from time import time as wall

import pytest
from provider_certificates import Shown, authority, issued, registered, trusting
from test_chain_reader import chain, listed
from test_console_models import PROVIDER_ADDRESS
from test_console_reader import reader
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from wire_servers import Request as Asked
from wire_servers import Server, Time, closed_port, reply

from akash_mcp.clients.provider.access import ProviderAccess
from akash_mcp.clients.provider.client import ProviderClient
from akash_mcp.clients.provider.log_frames import LogLine
from akash_mcp.errors import (
    AkashError,
    LeaseGone,
    NotRunningYet,
    ProviderError,
    TokenRefused,
    Unreachable,
    UntrustedProvider,
)
from akash_mcp.ids import Dseq, LeaseId

pytestmark = pytest.mark.anyio

LEASE = LeaseId(Dseq("1763759482113"), 1, 1, PROVIDER_ADDRESS)
STATUS = {
    "services": {"web": {"name": "web", "available": 1, "total": 1, "uris": ["x.example"]}},
    "ips": None,
}
TOKEN = "eyJhbGciOiJFUzI1NksifQ.eyJzZWNyZXQiOjF9.{n}"

Stream = Callable[[ServerConnection], Awaitable[None]]


async def goodbye(connection: ServerConnection) -> None:
    """End as gateways do: the connection drops, and no close frame is sent."""
    connection.transport.close()


def says(*frames: str, ending: Stream = goodbye) -> Stream:
    async def stream(connection: ServerConnection) -> None:
        for frame in frames:
            await connection.send(frame)
        await ending(connection)

    return stream


def closes(code: int, reason: str = "") -> Stream:
    async def stream(connection: ServerConnection) -> None:
        await connection.close(code, reason)

    return stream


@dataclass
class Gateway:
    """A provider's gateway: status answers and streams in the order in which they are asked for."""

    statuses: list[tuple[int, str]] = field(default_factory=lambda: [(200, json.dumps(STATUS))])
    refusals: list[tuple[int, str]] = field(default_factory=list)
    stream: Stream = goodbye
    asked: list[tuple[str, str]] = field(default_factory=list)

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        self.asked.append((request.path, request.headers["Authorization"]))
        assert "Origin" not in request.headers
        if request.path.endswith("/status"):
            status, text = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
            return connection.respond(HTTPStatus(status), text)
        assert "Sec-WebSocket-Extensions" not in request.headers
        if self.refusals:
            status, text = self.refusals.pop(0)
            return connection.respond(HTTPStatus(status), text)
        return None

    @property
    def paths(self) -> list[str]:
        return [path.removeprefix(LEASE.path) for path, _ in self.asked]


@dataclass
class Scene:
    client: ProviderClient
    console: Server
    node: Server
    time: Time
    port: int
    tls: ssl.SSLContext
    on_chain: list[Shown]
    """What the chain lists: a test may change it."""


@asynccontextmanager
async def scene(
    gateway: Gateway,
    folder: Path,
    *,
    shown: Shown | None = None,
    on_chain: list[Shown] | None = None,
    allow: str = "127.0.0.0/8",
) -> AsyncIterator[Scene]:
    """A gateway that shows its registered certificate, a Console that mints tokens, and a node."""
    shown = shown or registered(PROVIDER_ADDRESS)
    certificates = [shown] if on_chain is None else on_chain
    tls = shown.server_context(folder)
    time = Time()
    time.now = 0.0

    async def answer(request: Asked, writer: asyncio.StreamWriter) -> None:
        record = {"provider": {"host_uri": f"https://127.0.0.1:{port}", "owner": PROVIDER_ADDRESS}}
        found = listed(*(one.listed() for one in certificates)) if "/cert/" in request.path else record
        await reply(200, found)(request, writer)

    mints = [reply(201, {"data": {"token": TOKEN.format(n=n)}}) for n in range(9)]
    async with (
        serve(
            lambda connection: gateway.stream(connection),
            "127.0.0.1",
            0,
            ssl=tls,
            process_request=gateway.answer,
        ) as running,
        Server(*mints) as console,
        Server(answer) as node,
    ):
        port = next(iter(running.sockets)).getsockname()[1]
        client = ProviderClient(
            ProviderAccess(
                reader(console),
                chain(node),
                allow_private=[ip_network(allow)],
                sleep=time.sleep,
                clock=lambda: wall() + time.now,
            )
        )
        yield Scene(client, console, node, time, port, tls, certificates)


def permission(request: object) -> dict[str, object]:
    assert isinstance(request, dict)
    [found] = request["data"]["leases"]["permissions"]
    assert isinstance(found, dict)
    return found


async def test_a_lease_tells_what_runs(tmp_path: Path) -> None:
    gateway = Gateway()
    async with scene(gateway, tmp_path) as now:
        status = await now.client.lease_status(LEASE)
        again = await now.client.lease_status(LEASE)
    assert status.services["web"].uris == ["x.example"]
    assert again == status
    assert gateway.asked[0] == (f"{LEASE.path}/status", f"Bearer {TOKEN.format(n=0)}")


async def test_tokens_become_narrower_once_the_services_are_known(tmp_path: Path) -> None:
    async with scene(Gateway(), tmp_path) as now:
        await now.client.lease_status(LEASE)
        await now.client.lease_status(LEASE)
        first, second = (permission(request.json) for request in now.console.requests)
    assert (first["access"], first["scope"]) == ("scoped", ["status"])
    assert second["access"] == "granular"


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (404, "", LeaseGone),
        (404, "kube: lease not found\n", LeaseGone),
        (404, "kube: no deployments for lease\n", NotRunningYet),
        (401, '{"message":"unauthorized access"}', TokenRefused),
        (401, '{"message":"JWT is invalid"}', TokenRefused),
        (500, "boom\n", ProviderError),
        (503, "kube api\n", ProviderError),
    ],
)
async def test_refusals_are_told_apart(
    status: int, text: str, kind: type[AkashError], tmp_path: Path
) -> None:
    gateway = Gateway(statuses=[(status, text)])
    async with scene(gateway, tmp_path) as now:
        with pytest.raises(ProviderError) as caught:
            await now.client.lease_status(LEASE)
    assert type(caught.value) is kind
    assert caught.value.status == status


@pytest.mark.parametrize("text", ["", "<html>", "[]", '{"services": 5}'])
async def test_a_status_that_makes_no_sense_is_the_providers_error(text: str, tmp_path: Path) -> None:
    async with scene(Gateway(statuses=[(200, text)]), tmp_path) as now:
        with pytest.raises(ProviderError, match="cannot be read"):
            await now.client.lease_status(LEASE)


@pytest.mark.parametrize(
    "refusal",
    [
        (400, '{"message":"JWT has invalid claims"}'),
        (401, '{"message":"JWT is expired"}'),
        (500, '{"message":"unknown error while processing JWT. token is expired"}'),
    ],
)
async def test_a_stale_token_is_replaced_once(refusal: tuple[int, str], tmp_path: Path) -> None:
    gateway = Gateway(statuses=[refusal, (200, json.dumps(STATUS))])
    async with scene(gateway, tmp_path) as now:
        await now.client.lease_status(LEASE)
        assert now.time.slept == [2.0]
    assert [token for _, token in gateway.asked] == [f"Bearer {TOKEN.format(n=n)}" for n in (0, 1)]


async def test_a_token_that_is_always_stale_is_refused(tmp_path: Path) -> None:
    gateway = Gateway(statuses=[(400, '{"message":"JWT has invalid claims"}')])
    async with scene(gateway, tmp_path) as now:
        with pytest.raises(TokenRefused, match="clock"):
            await now.client.lease_status(LEASE)
    assert len(gateway.asked) == 2


async def test_log_lines_until_the_connection_drops(tmp_path: Path) -> None:
    gateway = Gateway(
        stream=says(
            '{"name":"web-6cbb7f9f4b-4xk2d","message":"one"}\n',
            '{"name":"web-6cbb7f9f4b-4xk2d","message":"two"}\n',
        )
    )
    async with scene(gateway, tmp_path) as now:
        lines = [line async for line in now.client.logs(LEASE, services=["web"], tail=5)]
    assert lines == [LogLine("web-6cbb7f9f4b-4xk2d", text, "web") for text in ("one", "two")]
    assert gateway.paths == ["/logs?follow=false&tail=5&service=web"]
    assert permission(now.console.requests[0].json)["access"] == "granular"


async def test_logs_of_all_services_first_learn_their_names(tmp_path: Path) -> None:
    gateway = Gateway(stream=says('{"name":"web-0","message":"x"}'))
    async with scene(gateway, tmp_path) as now:
        assert [line.service async for line in now.client.logs(LEASE)] == ["web"]
    assert gateway.paths == ["/status", "/logs?follow=false"]


async def test_a_lease_without_services_has_no_logs_yet(tmp_path: Path) -> None:
    async with scene(Gateway(statuses=[(200, '{"services":null}')]), tmp_path) as now:
        with pytest.raises(NotRunningYet):
            _ = [line async for line in now.client.logs(LEASE)]


async def test_a_followed_stream_can_be_left(tmp_path: Path) -> None:
    left = asyncio.Event()

    async def forever(connection: ServerConnection) -> None:
        await connection.wait_closed()
        left.set()

    gateway = Gateway(stream=says('{"name":"web-0","message":"x"}', ending=forever))
    async with scene(gateway, tmp_path) as now:
        async with aclosing(now.client.logs(LEASE, services=["web"], follow=True)) as lines:
            assert (await anext(lines)).message == "x"
        await asyncio.wait_for(left.wait(), 5)
    assert gateway.paths == ["/logs?follow=true&service=web"]


async def test_events_until_the_provider_closes(tmp_path: Path) -> None:
    event = {"type": "Warning", "reason": "BackOff", "note": "n", "object": {"kind": "Pod", "name": "web-0"}}
    gateway = Gateway(stream=says(json.dumps(event) + "\n", "not json", ending=closes(1000)))
    async with scene(gateway, tmp_path) as now:
        events = [event async for event in now.client.events(LEASE)]
    assert [(e.reason, e.object_kind, e.service) for e in events] == [("BackOff", "Pod", "web")]
    assert gateway.paths == ["/status", "/kubeevents?follow=false"]


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (4000, "no running pods", NotRunningYet),
        (4000, "", ProviderError),
        (4001, "", LeaseGone),
        (4002, "", ProviderError),
        (1011, "", ProviderError),
    ],
)
async def test_close_codes_are_told_apart(
    code: int, reason: str, kind: type[AkashError], tmp_path: Path
) -> None:
    async with scene(Gateway(stream=closes(code, reason)), tmp_path) as now:
        with pytest.raises(ProviderError) as caught:
            _ = [line async for line in now.client.logs(LEASE, services=["web"])]
    assert type(caught.value) is kind
    assert caught.value.status == code


async def test_a_stream_with_a_stale_token_gets_another(tmp_path: Path) -> None:
    gateway = Gateway(refusals=[(400, '{"message":"JWT has invalid claims"}')], stream=says("x"))
    async with scene(gateway, tmp_path) as now:
        assert [line.message async for line in now.client.logs(LEASE, services=["web"])] == ["x"]
    assert len(gateway.asked) == 2


async def test_a_stream_refused_before_the_upgrade(tmp_path: Path) -> None:
    gateway = Gateway(refusals=[(401, '{"message":"unauthorized access"}')])
    async with scene(gateway, tmp_path) as now:
        with pytest.raises(TokenRefused, match="unauthorized access"):
            _ = [line async for line in now.client.logs(LEASE, services=["web"])]
    assert len(gateway.asked) == 1


async def test_a_redirected_stream_is_not_followed(tmp_path: Path) -> None:
    gateway = Gateway()

    def moved(connection: ServerConnection, request: Request) -> Response:
        gateway.asked.append((request.path, ""))
        response = connection.respond(HTTPStatus.FOUND, "")
        response.headers["Location"] = "/elsewhere"
        return response

    gateway.answer = moved  # type: ignore[method-assign]  # this gateway only redirects
    async with scene(gateway, tmp_path) as now:
        with pytest.raises(ProviderError, match="302"):
            _ = [line async for line in now.client.logs(LEASE, services=["web"])]
    assert len(gateway.asked) == 1


async def test_a_frame_that_is_too_large_ends_the_stream(tmp_path: Path) -> None:
    async with scene(Gateway(stream=says("x" * (2**20 + 1))), tmp_path) as now:
        with pytest.raises(ProviderError, match="over 1048576 bytes"):
            _ = [line async for line in now.client.logs(LEASE, services=["web"])]


async def test_an_impostor_gets_no_token(tmp_path: Path) -> None:
    gateway = Gateway()
    async with scene(gateway, tmp_path, on_chain=[registered(PROVIDER_ADDRESS)]) as now:
        with pytest.raises(UntrustedProvider):
            await now.client.lease_status(LEASE)
        with pytest.raises(UntrustedProvider):
            _ = [line async for line in now.client.logs(LEASE, services=["web"])]
        assert not now.console.requests
    assert not gateway.asked


async def test_a_private_host_is_not_contacted(tmp_path: Path) -> None:
    gateway = Gateway()
    async with scene(gateway, tmp_path, allow="10.0.0.0/8") as now:
        with pytest.raises(UntrustedProvider, match="not a public address"):
            await now.client.lease_status(LEASE)
        assert not now.console.requests
    assert not gateway.asked


async def test_a_revoked_certificate_is_trusted_for_a_minute_at_most(tmp_path: Path) -> None:
    async with scene(Gateway(), tmp_path) as now:
        await now.client.lease_status(LEASE)
        now.on_chain.clear()
        now.time.now += 59
        await now.client.lease_status(LEASE)
        now.time.now += 2
        with pytest.raises(UntrustedProvider):
            await now.client.lease_status(LEASE)


@pytest.mark.parametrize("what", ["status", "logs"])
async def test_a_certificate_replaced_within_the_minute_is_looked_up_again(what: str, tmp_path: Path) -> None:
    gateway = Gateway(stream=says("x"))
    async with scene(gateway, tmp_path) as now:
        await now.client.lease_status(LEASE)
        now.on_chain[:] = [registered(PROVIDER_ADDRESS)]
        now.tls.load_cert_chain(now.on_chain[0].key_file(tmp_path))
        if what == "status":
            assert (await now.client.lease_status(LEASE)).is_ready
        else:
            assert [line.message async for line in now.client.logs(LEASE)] == ["x"]


async def test_a_stream_to_an_impostor_carries_no_token(tmp_path: Path) -> None:
    gateway = Gateway(stream=says("x"))
    async with scene(gateway, tmp_path) as now:
        await now.client.lease_status(LEASE)
        asked = len(gateway.asked)
        now.tls.load_cert_chain(registered(PROVIDER_ADDRESS).key_file(tmp_path))
        with pytest.raises(UntrustedProvider):
            _ = [line async for line in now.client.logs(LEASE)]
    assert len(gateway.asked) == asked


async def test_a_node_that_is_down_leaves_the_consoles_record(tmp_path: Path) -> None:
    root = authority()
    gateway = Gateway()
    async with scene(gateway, tmp_path, shown=issued(root, "127.0.0.1")) as now:
        port = now.port
        record = {"owner": PROVIDER_ADDRESS, "hostUri": f"https://127.0.0.1:{port}"}
        token = reply(201, {"data": {"token": TOKEN.format(n=0)}})
        async with Server(reply(200, record), token) as console, Server(reply(500, "")) as node:
            client = ProviderClient(
                ProviderAccess(
                    reader(console),
                    chain(node),
                    allow_private=[ip_network("127.0.0.0/8")],
                    public=trusting(root),
                )
            )
            assert (await client.lease_status(LEASE)).is_ready


async def test_a_provider_that_is_down_is_unreachable(tmp_path: Path) -> None:
    record = {"provider": {"host_uri": f"https://127.0.0.1:{closed_port()}", "owner": PROVIDER_ADDRESS}}
    async with Server(reply(200, record)) as node, Server(reply(500, "")) as console:
        client = ProviderClient(
            ProviderAccess(reader(console), chain(node), allow_private=[ip_network("127.0.0.0/8")])
        )
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1"):
            await client.lease_status(LEASE)


@pytest.mark.parametrize("status", [400, 401, 500])
async def test_a_token_is_never_repeated(
    status: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("websockets.server").setLevel(logging.INFO)
    echo = (status, f"Bearer {TOKEN.format(n=0)}")
    gateway = Gateway(statuses=[echo], refusals=[echo])
    async with scene(gateway, tmp_path) as now:
        with pytest.raises(ProviderError) as rest:
            await now.client.lease_status(LEASE)
        with pytest.raises(ProviderError) as stream:
            _ = [line async for line in now.client.logs(LEASE, services=["web"])]
    shown = caplog.text + "".join(
        "".join(traceback.format_exception(error.value)) for error in (rest, stream)
    )
    assert "eyJhbGci" not in shown
