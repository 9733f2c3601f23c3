"""What each generation of the Console API is sent for the same wish."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from console_requests import DSEQ, LEASE, PEMS, writer
from wire_servers import Act, Server, page, reply

from akash_mcp.clients.console.generation import Generation, NotOffered
from akash_mcp.clients.console.limits import MINIMUM_DEPOSIT
from akash_mcp.clients.console.writer import ConsoleWriter
from akash_mcp.errors import (
    AkashError,
    BadArgument,
    Conflict,
    NotFound,
    OutcomeUnknown,
    Refused,
    ServerError,
)
from akash_mcp.money import Usd

pytestmark = pytest.mark.anyio

OLD, NOW, NEW = Generation.V2025, Generation.REFERENCE, Generation.V2026_11
DETAIL = {"data": {"deployment": {"id": {"dseq": DSEQ}, "state": "active"}, "leases": []}}
CREATED = {"data": {"dseq": DSEQ, "manifest": "[]"}}
CERTIFICATE = {"data": {"certPem": "a certificate", "pubkeyPem": "a public key", "encryptedKey": "a key"}}
SETTINGS = {"data": {"dseq": DSEQ, "autoTopUpEnabled": False, "runtimeLimitHours": 24}}
ENTRY = b'{"dseq":"1763759482113","gseq":1,"oseq":1,"provider":"%s"}' % LEASE.provider.encode()
PATH = f"/v1/deployments/{DSEQ}"
FUNDING = f"/v2/deployment-settings/{DSEQ}"

Write = Callable[[ConsoleWriter], Awaitable[object]]


async def last(generation: Generation, write: Write, *script: Act) -> tuple[str, str, bytes]:
    """The last request that a write sends."""
    async with Server(*script) as server:
        await write(writer(server, generation))
    request = server.requests[-1]
    return request.method, request.path, request.body


@pytest.mark.parametrize(
    ("generation", "body"),
    [
        (OLD, b'{"data":{"sdl":"x","deposit":5}}'),
        (NOW, b'{"data":{"sdl":"x","deposit":5}}'),
        (NEW, b'{"data":{"sdl":"x","name":"op_1","runtimeLimitHours":24}}'),
    ],
)
async def test_a_creation(generation: Generation, body: bytes) -> None:
    def write(w: ConsoleWriter) -> Awaitable[object]:
        return w.create_deployment("x", Usd(5), name="op_1", runtime_limit_hours=24)

    assert await last(generation, write, reply(201, CREATED)) == ("POST", "/v1/deployments", body)


@pytest.mark.parametrize(
    ("generation", "body"),
    [
        (OLD, b'{"manifest":"[]","certificate":{"certPem":"a certificate","keyPem":"a key"},"leases":[%s]}' % ENTRY),
        (NOW, b'{"manifest":"[]","leases":[%s]}' % ENTRY),
        (NEW, b'{"leases":[%s]}' % ENTRY),
    ],
)  # fmt: skip
async def test_a_lease(generation: Generation, body: bytes) -> None:
    def write(w: ConsoleWriter) -> Awaitable[object]:
        return w.create_lease("[]", [LEASE], certificate=PEMS)

    assert await last(generation, write, reply(200, DETAIL)) == ("POST", "/v1/leases", body)


async def test_a_certificate_is_made_once_where_leases_want_one() -> None:
    async with Server(reply(201, CERTIFICATE), reply(200, DETAIL)) as server:
        console = writer(server, OLD)
        await console.create_lease("[]", [LEASE])
        await console.create_lease("[]", [LEASE])
        await console.update_deployment(DSEQ, "x")
    assert [request.path for request in server.requests] == [
        "/v1/certificates",
        "/v1/leases",
        "/v1/leases",
        PATH,
    ]
    assert all(b'"keyPem":"a key"' in request.body for request in server.requests[1:])


@pytest.mark.parametrize(
    "gone", [reply(400, {"error": "This endpoint has been removed."}), reply(404, "404 Not Found")]
)
async def test_a_lease_goes_without_a_certificate_where_these_were_removed(gone: Act) -> None:
    async with Server(gone, reply(200, DETAIL)) as server:
        await writer(server, OLD).create_lease("[]", [LEASE])
    assert server.requests[-1].body == b'{"manifest":"[]","leases":[%s]}' % ENTRY


@pytest.mark.parametrize("generation", [NOW, NEW])
async def test_no_certificate_is_asked_for_where_none_is_wanted(generation: Generation) -> None:
    async with Server(reply(400, {"error": "removed"})) as server:
        assert await writer(server, generation).create_certificate() is None
    assert not server.requests


def test_the_key_of_a_certificate_does_not_show() -> None:
    assert "a key" not in repr(PEMS)


async def test_deposits() -> None:
    def write(w: ConsoleWriter) -> Awaitable[object]:
        return w.deposit(DSEQ, Usd("2.50"))

    body = b'{"data":{"dseq":"1763759482113","deposit":2.50}}'
    for generation in (OLD, NOW):
        assert await last(generation, write, reply(200, DETAIL)) == ("POST", "/v1/deposit-deployment", body)
    # its guide names another path
    guide = await last(OLD, write, reply(404, "404 Not Found"), reply(200, DETAIL))
    assert guide == ("POST", f"/v1/deployments/deposit/{DSEQ}", b'{"amount":2.50}')


async def test_a_deposit_to_an_unknown_deployment_is_not_sent_twice() -> None:
    async with Server(reply(404, {"message": "Deployment not found", "code": "not_found"})) as server:
        with pytest.raises(NotFound):
            await writer(server, OLD).deposit(DSEQ, Usd(1))
    assert len(server.requests) == 1


async def test_switching_top_up_off() -> None:
    async with Server(reply(200, SETTINGS)) as server:
        for generation in (NOW, OLD):
            await writer(server, generation).set_auto_top_up(DSEQ, False)
        for enabled in (False, True):
            with pytest.raises(NotOffered, match="runtime limit"):
                await writer(server, NEW).set_auto_top_up(DSEQ, enabled)
    body = b'{"data":{"autoTopUpEnabled":false}}'
    asked = [(request.method, request.path, request.body) for request in server.requests]
    assert asked == [("PATCH", FUNDING, body)] * 2


async def test_a_raise_of_the_runtime_limit_is_sent_once() -> None:
    async with Server(page(503), reply(200, SETTINGS)) as server:
        with pytest.raises(OutcomeUnknown):
            await writer(server, NEW).set_runtime_limit(DSEQ, 72)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("told", "top_up", "hours"),
    [
        ({"autoTopUpEnabled": False, "runtimeLimitHours": 24}, False, 24),
        ({"autoTopUpEnabled": True, "runtimeLimitHours": None}, True, None),
        ({}, None, None),
        ({"autoTopUpEnabled": None, "runtimeLimitHours": 24.5}, None, None),
        ({"autoTopUpEnabled": "false", "runtimeLimitHours": "24"}, None, None),
        ({"autoTopUpEnabled": 0, "runtimeLimitHours": True}, None, None),
    ],
)
async def test_settings_that_say_nothing_plain_are_unknown(
    told: dict[str, object], top_up: bool | None, hours: int | None
) -> None:
    async with Server(reply(200, {"data": {"dseq": DSEQ, **told}})) as server:
        settings = await writer(server, NOW).get_settings(DSEQ)
    assert (settings.auto_top_up_enabled, settings.runtime_limit_hours) == (top_up, hours)


async def test_a_runtime_limit_is_a_new_total_and_never_null() -> None:
    def write(w: ConsoleWriter) -> Awaitable[object]:
        return w.set_runtime_limit(DSEQ, 72)

    assert await last(NEW, write, reply(200, SETTINGS)) == (
        "PATCH", FUNDING, b'{"data":{"runtimeLimitHours":72}}',
    )  # fmt: skip
    async with Server(reply(200, SETTINGS)) as server:
        for wrong in (None, 0, -1, 8761, True, 1.5):
            with pytest.raises(BadArgument, match="whole number of hours"):
                await writer(server, NEW).set_runtime_limit(DSEQ, wrong)  # type: ignore[arg-type]  # what a bug sends
    assert not server.requests


async def test_a_runtime_limit_that_another_change_overtook_is_a_conflict() -> None:
    async with Server(reply(409, {"message": "read again", "code": "conflict"})) as server:
        with pytest.raises(Conflict):
            await writer(server, NEW).set_runtime_limit(DSEQ, 72)


@pytest.mark.parametrize("hours", [None, 0, 49])
async def test_an_api_that_funds_by_itself_gets_no_deployment_without_a_limit(hours: int | None) -> None:
    async with Server(reply(201, CREATED)) as server:
        with pytest.raises((Refused, BadArgument), match="runtime"):
            await writer(server, NEW).create_deployment("x", Usd(1), runtime_limit_hours=hours)
    assert not server.requests


LACKING: list[tuple[Generation, Write]] = [
    (NEW, lambda w: w.deposit(DSEQ, Usd(1))),
    (NOW, lambda w: w.set_runtime_limit(DSEQ, 24)),
    (OLD, lambda w: w.set_auto_top_up(DSEQ, True)),
    (OLD, lambda w: w.get_settings(DSEQ)),
]


@pytest.mark.parametrize(("generation", "write"), LACKING)
async def test_what_a_generation_lacks_is_said_and_not_sent(generation: Generation, write: Write) -> None:
    async with Server(reply(200, {})) as server:
        with pytest.raises(NotOffered, match=generation):
            await write(writer(server, generation))
    assert not server.requests


async def test_closing_in_the_background_is_waited_for() -> None:
    begun = reply(202, {"data": {"activityId": "a-1"}})
    pending, done = (reply(200, {"data": {"id": "a-1", "status": s}}) for s in ("pending", "succeeded"))
    async with Server(begun, pending, done) as server:
        await writer(server, NEW).close_deployment(DSEQ)
    assert [(request.method, request.path) for request in server.requests] == [
        ("DELETE", f"{PATH}?async=true"), ("GET", "/v1/activities/a-1"), ("GET", "/v1/activities/a-1"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ({"code": "bad_gateway", "message": "the chain said no"}, "the chain said no"),
        ({"code": "bad_gateway"}, "bad_gateway"),
        ("the chain said no", "the chain said no"),
        ({"message": {"odd": 1}}, "it does not say why"),
        ([1], "it does not say why"),
    ],
    ids=["code and message", "code", "text", "odd", "no object"],
)
async def test_closing_in_the_background_can_fail(error: object, told: str) -> None:
    failed = reply(200, {"data": {"status": "failed", "meta": {"dseq": DSEQ, "error": error}}})
    async with Server(reply(202, {"data": {"activityId": "a-1"}}), failed) as server:
        with pytest.raises(ServerError, match=told):
            await writer(server, NEW).close_deployment(DSEQ)


@pytest.mark.parametrize("generation", [None, OLD, NOW])
async def test_closing_needs_to_know_nothing(generation: Generation | None) -> None:
    async with Server(reply(200, {"data": {"success": True}})) as server:
        await writer(server, generation).close_deployment(DSEQ)
    assert [(request.method, request.path) for request in server.requests] == [("DELETE", PATH)]


def test_each_generation_has_its_minimum_deposit() -> None:
    assert [MINIMUM_DEPOSIT[each] for each in (OLD, NOW, NEW)] == [Usd(5), Usd("0.5"), Usd("0.5")]


async def test_an_answer_that_only_says_done_is_read_back() -> None:
    done = reply(200, {"data": {"success": True, "message": "Lease created"}})
    async with Server(done, reply(200, DETAIL)) as server:
        assert (await writer(server).create_lease("[]", [LEASE])).dseq == DSEQ
    assert [(request.method, request.path) for request in server.requests] == [
        ("POST", "/v1/leases"),
        ("GET", PATH),
    ]


async def test_a_change_that_was_made_and_cannot_be_read_back_is_not_told_as_refused() -> None:
    done = reply(200, {"data": {"success": True}})
    async with Server(done, reply(404, {"message": "Deployment not found", "code": "not_found"})) as server:
        with pytest.raises(AkashError, match="was made") as caught:
            await writer(server).create_lease("[]", [LEASE])
    assert "not known" in caught.value.money
