from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path

import anyio
import pytest
from pydantic import TypeAdapter
from wire_servers import (
    Act,
    Request,
    Server,
    Time,
    closed_port,
    drop,
    drop_in_the_middle,
    hang,
    page,
    reply,
    trickle,
)

from akash_mcp.clients.http import Response, Upstream
from akash_mcp.clients.retries import Deadline, Sending
from akash_mcp.errors import (
    AkashError,
    BadRequest,
    BadSettings,
    Conflict,
    Interrupted,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    ServerError,
    Unreachable,
)

pytestmark = pytest.mark.anyio

KEY = "ac.sk.production." + "0123456789abcdef" * 4
SHORT = Deadline(read=0.1, total=30)
OK = reply(200, {"data": {"price": 0.1}})
ANYTHING = TypeAdapter(dict[str, object])


def upstream(url: str, time: Time | None = None, most_at_once: int = 8) -> Upstream:
    time = time or Time()
    return Upstream(
        url,
        name="The API",
        headers={"x-api-key": KEY},
        secrets=[KEY],
        sleep=time.sleep,
        monotonic=time,
        random=lambda: 1.0,
        most_at_once=most_at_once,
    )


async def ask(
    server: Server,
    sending: Sending = Sending.READ,
    deadline: Deadline = SHORT,
    time: Time | None = None,
    body: str | None = None,
) -> Response:
    async with upstream(server.url, time) as api:
        return await api.send("GET", "/v1/thing", sending=sending, deadline=deadline, body=body)


async def test_an_answer_is_read_with_exact_decimals() -> None:
    async with Server(OK) as server:
        answer = await ask(server)
    assert answer.read(ANYTHING, "data") == {"price": Decimal("0.1")}


async def test_nothing_listening_is_unreachable_and_names_the_host() -> None:
    async with upstream(f"http://127.0.0.1:{closed_port()}") as api:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1 cannot be reached: the connection was refused"):
            await api.send("GET", "/", sending=Sending.ONCE, deadline=SHORT)


async def test_a_name_that_does_not_exist_is_unreachable() -> None:
    async with upstream("http://nowhere.invalid") as api:
        with pytest.raises(Unreachable, match=r"nowhere\.invalid cannot be reached: its name"):
            await api.send("GET", "/", sending=Sending.ONCE, deadline=SHORT)


@pytest.mark.parametrize(
    "trouble", [hang, drop, drop_in_the_middle, page(502), page(503), page(504), page(522)]
)
@pytest.mark.parametrize("sending", [Sending.READ, Sending.REPEATABLE])
async def test_passing_trouble_is_tried_again(trouble: Act, sending: Sending) -> None:
    async with Server(trouble, trouble, OK) as server:
        assert (await ask(server, sending)).status == 200
    assert len(server.requests) == 3


async def test_pauses_grow() -> None:
    time = Time()
    async with Server(page(503)) as server:
        with pytest.raises(ServerError):
            await ask(server, time=time)
    assert time.slept == [0.5, 1.0, 2.0]
    assert len(server.requests) == 4


async def test_retry_after_is_honoured() -> None:
    time = Time()
    async with Server(reply(429, {"message": "slow down"}, retry_after="7"), OK) as server:
        await ask(server, time=time)
    assert time.slept == [7.0]


async def test_a_retry_after_beyond_the_deadline_is_told_at_once() -> None:
    async with Server(reply(429, {}, retry_after="3600")) as server:
        with pytest.raises(RateLimited) as caught:
            await ask(server)
    assert caught.value.retry_after == 3600
    assert len(server.requests) == 1


async def test_the_total_deadline_bounds_all_attempts() -> None:
    time = Time()
    async with Server(page(503)) as server:
        with pytest.raises(ServerError):
            await ask(server, deadline=Deadline(read=0.1, total=1.2), time=time)
    assert time.slept == [0.5]


async def test_an_answer_that_trickles_forever_ends_at_the_total_deadline() -> None:
    async with Server(trickle) as server:
        with pytest.raises(Interrupted, match="took too long"):
            await ask(server, deadline=Deadline(read=5, total=0.2), time=Time())


@pytest.mark.parametrize("status", [500, 501])
async def test_a_lasting_failure_is_not_tried_again(status: int) -> None:
    async with Server(reply(status, {"message": "no"})) as server:
        with pytest.raises(ServerError):
            await ask(server)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        hang,
        drop,
        drop_in_the_middle,
        page(500),
        page(502),
        page(503, retry_after="1"),
        page(524),
        reply(503, {"message": "Service temporarily unavailable", "code": "service_unavailable"}),
        reply(408, "Request Timeout"),
        reply(499, "gone"),
        reply(302, "", location="/elsewhere"),
    ],
)
async def test_a_request_that_may_spend_is_sent_once_and_its_loss_is_unknown(trouble: Act) -> None:
    async with Server(trouble) as server:
        with pytest.raises(OutcomeUnknown) as caught:
            await ask(server, Sending.ONCE)
    assert len(server.requests) == 1
    assert "not known" in caught.value.money


@pytest.mark.parametrize(("status", "kind"), [(400, BadRequest), (404, NotFound), (429, RateLimited)])
async def test_a_request_that_may_spend_can_be_refused_for_sure(status: int, kind: type[AkashError]) -> None:
    async with Server(reply(status, {"message": "no"})) as server:
        with pytest.raises(kind):
            await ask(server, Sending.ONCE)
    assert len(server.requests) == 1


async def test_a_spending_request_uses_a_connection_of_its_own() -> None:
    async with Server(OK) as server, upstream(server.url) as api:
        for sending in (Sending.READ, Sending.READ, Sending.ONCE, Sending.ONCE):
            await api.send("POST", "/", sending=sending, deadline=SHORT)
    assert server.connections == 3


async def test_a_change_whose_every_answer_is_lost_may_have_been_made() -> None:
    async with Server(drop) as server:
        with pytest.raises(Interrupted, match="not known") as caught:
            await ask(server, Sending.REPEATABLE)
    assert "harmless" in caught.value.next_step
    assert len(server.requests) == 4


async def test_a_refusal_after_a_lost_attempt_is_a_refusal() -> None:
    async with Server(drop, reply(404, {"message": "Deployment not found"})) as server:
        with pytest.raises(NotFound, match="Deployment not found"):
            await ask(server, Sending.REPEATABLE)


async def test_a_refusal_names_the_lost_attempt_before_it() -> None:
    async with Server(page(503), drop, page(503), reply(409, {"message": "changed"})) as server:
        with pytest.raises(Conflict) as caught:
            await ask(server, Sending.REPEATABLE)
    assert isinstance(caught.value.__cause__, ServerError)
    async with Server(reply(429, {}), reply(409, {"message": "changed"})) as server:
        with pytest.raises(Conflict) as caught:
            await ask(server, Sending.REPEATABLE)
    assert caught.value.__cause__ is None  # nothing was done before: we asked too often
    async with Server(drop, reply(409, {"message": "changed"})) as server:
        with pytest.raises(Conflict) as caught:
            await ask(server, Sending.READ)
    assert caught.value.__cause__ is None  # a read does nothing


async def test_a_change_lost_by_a_server_that_then_vanished_may_have_been_made() -> None:
    async with Server(drop) as server:
        time = Time()

        async def sleep(seconds: float) -> None:
            await time.sleep(seconds)
            server._server.close_port()

        async with Upstream(server.url, name="The API", sleep=sleep, monotonic=time) as api:
            with pytest.raises(Interrupted, match="refused"):
                await api.send("PUT", "/", sending=Sending.REPEATABLE, deadline=SHORT)


@pytest.mark.parametrize(
    ("sending", "kind"),
    [(Sending.READ, ServerError), (Sending.REPEATABLE, Interrupted), (Sending.ONCE, OutcomeUnknown)],
)
@pytest.mark.parametrize(
    "body", ["", "<html>", "[]", '{"dat": 1}', '{"data": NaN}', "[" * 100_000, '{"data": "text"}', "9" * 9000]
)
async def test_an_answer_that_makes_no_sense_is_told(
    sending: Sending, kind: type[AkashError], body: str
) -> None:
    async with Server(reply(200, body)) as server:
        answer = await ask(server, sending)
    with pytest.raises(kind, match="cannot be read"):
        answer.read(ANYTHING, "data")


async def test_an_answer_that_is_too_large_is_cut_off() -> None:
    async with Server(reply(200, "x" * 5000)) as server, upstream(server.url) as api:
        with pytest.raises(ServerError, match="larger than 1000 bytes"):
            await api.send("GET", "/", sending=Sending.READ, deadline=SHORT, largest=1000)


class Taken:
    """What a stream's reader got, until it has enough."""

    def __init__(self, enough: int = 10**6) -> None:
        self.content = b""
        self._enough = enough

    def __call__(self, chunk: bytes) -> bool:
        self.content += chunk
        return len(self.content) < self._enough


async def stream(server: Server, taken: Taken, *, total: float = 30) -> Response:
    async with upstream(server.url) as api:
        return await api.stream("/v1/logs", taken, deadline=Deadline(read=9, total=total))


async def test_a_stream_is_handed_on_as_it_comes() -> None:
    taken = Taken()
    async with Server(page(503), reply(200, "one\ntwo\n")) as server:
        assert (await stream(server, taken)).status == 200
    assert taken.content == b"one\ntwo\n"
    assert server.requests[1].headers["accept-encoding"] == "identity"


async def test_a_stream_without_end_ends_when_its_reader_has_enough() -> None:
    taken = Taken(enough=3)
    async with Server(trickle) as server:
        await stream(server, taken)
    assert 3 <= len(taken.content) < 100


async def test_a_stream_without_end_ends_when_its_time_is_up() -> None:
    taken = Taken()
    async with Server(trickle) as server:
        with pytest.raises(Interrupted, match="took too long"):
            await stream(server, taken, total=0.2)
    assert taken.content
    assert len(server.requests) == 1


async def test_a_stream_that_breaks_off_is_not_asked_for_again() -> None:
    taken = Taken()
    async with Server(drop_in_the_middle) as server:
        with pytest.raises(Interrupted):
            await stream(server, taken)
    assert taken.content == b"{"
    assert len(server.requests) == 1


async def test_a_stream_that_is_refused_hands_on_nothing() -> None:
    taken = Taken()
    async with Server(reply(404, {"message": "no such install"})) as server:
        with pytest.raises(NotFound, match="no such install"):
            await stream(server, taken)
    assert not taken.content


async def test_only_so_many_requests_run_at_once() -> None:
    full, release = anyio.Event(), anyio.Event()

    async def wait(request: Request, writer: asyncio.StreamWriter) -> None:
        if server.at_once == 2:
            full.set()
        await release.wait()
        await OK(request, writer)

    async def one() -> None:
        await api.send("GET", "/", sending=Sending.READ, deadline=Deadline(9, 9))

    async with (
        Server(wait) as server,
        upstream(server.url, most_at_once=2) as api,
        anyio.create_task_group() as group,
    ):
        for _ in range(5):
            group.start_soon(one)
        await full.wait()
        release.set()
    assert server.most_at_once == 2
    assert len(server.requests) == 5


async def test_only_our_own_credential_is_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    nowhere = f"http://127.0.0.1:{closed_port()}"
    for name, value in {"NETRC": str(netrc), "HTTP_PROXY": nowhere, "ALL_PROXY": nowhere}.items():
        monkeypatch.setenv(name, value)
    async with Server(reply(200, {}, set_cookie="a=b; Path=/")) as server, upstream(server.url) as api:
        for _ in range(2):
            await api.send("GET", "/", sending=Sending.READ, deadline=SHORT)
    assert server.requests[1].headers["x-api-key"] == KEY
    assert not {"authorization", "cookie"} & set(server.requests[1].headers)


async def test_a_redirect_is_not_followed() -> None:
    async with Server(OK) as other, Server(reply(307, "", location=other.url)) as server:
        with pytest.raises(ServerError, match="307"):
            await ask(server)
    assert not other.requests


@pytest.mark.parametrize("sending", list(Sending))
@pytest.mark.parametrize(
    "echo",
    [
        lambda status: reply(status, {"message": f"key {KEY} and {KEY.upper()} are wrong"}),
        lambda status: reply(status, f"x-api-key: {KEY}"),
        lambda status: reply(status, {"message": "x" * 290 + KEY}),
    ],
)
@pytest.mark.parametrize("status", [401, 500])
async def test_the_key_is_never_repeated(
    sending: Sending, echo: Callable[[int], Act], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with Server(echo(status)) as server:
        with pytest.raises(AkashError) as caught:
            await ask(server, sending, body='{"secret": true}')
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caplog.text
    assert KEY[17:40].lower() not in shown.lower()


@pytest.mark.parametrize("url", ["ftp://x", "example.com", "https://user:pw@example.com", "https://"])
async def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(BadSettings, match="http or https"):
        upstream(url)


async def test_the_connections_of_a_closed_upstream_are_gone_and_it_still_works() -> None:
    async with Server(OK) as server, upstream(server.url) as api:
        await api.send("GET", "/", sending=Sending.READ, deadline=SHORT)
        await api.aclose()
        assert (await api.send("GET", "/", sending=Sending.READ, deadline=SHORT)).status == 200
    assert server.connections == 2


async def test_a_handshake_that_is_cut_off_leaves_no_connection_open() -> None:
    begun, was_left = anyio.Event(), anyio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        begun.set()
        await reader.read()
        was_left.set()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with upstream(f"https://127.0.0.1:{port}") as client, anyio.create_task_group() as asking:
            asking.start_soon(partial(client.send, "GET", "/", sending=Sending.READ, deadline=Deadline(9, 9)))
            await begun.wait()
            asking.cancel_scope.cancel()
        with anyio.fail_after(5):
            await was_left.wait()
