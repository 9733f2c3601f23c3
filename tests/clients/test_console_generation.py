"""Which Console API answers: told apart by harmless reads, once, and never guessed from a failure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from console_requests import client, reader, writer
from wire_servers import Act, Server, Time, drop, page, reply

from akash_mcp.clients.console.client import GENERATION_SECONDS
from akash_mcp.clients.console.generation import Generation, NotOffered
from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.clients.console.writer import ConsoleWriter
from akash_mcp.errors import (
    ApiError,
    Interrupted,
    MissingKey,
    OutcomeUnknown,
    ServerError,
    Unauthorized,
    Unreachable,
)
from akash_mcp.ids import Dseq
from akash_mcp.money import Usd

pytestmark = pytest.mark.anyio

NO_ROUTE = reply(404, "404 Not Found")
FUNDING = reply(200, {"data": {"targetRunwayHours": 48, "balanceHeadroomUsd": 5, "defaultDepositUsd": 0.5}})
INVALID = reply(400, {"error": "BadRequestError", "message": "Validation error", "code": "validation_error"})


@pytest.mark.parametrize(
    ("script", "generation"),
    [
        ([FUNDING], Generation.V2026_11),
        ([NO_ROUTE, INVALID], Generation.REFERENCE),
        ([NO_ROUTE, NO_ROUTE], Generation.V2025),
        ([NO_ROUTE, reply(404, {"error": "NotFound", "message": "Route not found"})], Generation.V2025),
        # in doubt: switching the top-up off must be tried
        ([NO_ROUTE, reply(404, {"message": "Deployment setting not found"})], Generation.REFERENCE),
        ([NO_ROUTE, reply(404, {"message": "Not found", "code": "not_found"})], Generation.REFERENCE),
        ([NO_ROUTE, page(404)], Generation.REFERENCE),
        ([NO_ROUTE, reply(404, "Cannot GET /v2/deployment-settings/0")], Generation.REFERENCE),
        ([NO_ROUTE, reply(200, {"data": {"dseq": "0"}})], Generation.REFERENCE),
    ],
)
async def test_each_generation_is_told_by_its_answers(script: list[Act], generation: Generation) -> None:
    async with Server(*script) as server:
        console = reader(server, None)
        assert await console.generation() is generation
        assert await console.generation() is generation
    assert [request.method for request in server.requests] == ["GET"] * len(script)


async def test_it_is_asked_for_once_by_all_who_share_a_client() -> None:
    created = reply(201, {"data": {"dseq": "1", "manifest": "[]"}})
    async with Server(NO_ROUTE, INVALID, created, created) as server:
        shared = client(server, None)
        await ConsoleWriter(shared).create_deployment("x", Usd(1))
        await ConsoleWriter(shared).create_deployment("x", Usd(1))
        assert await ConsoleReader(shared).generation() is Generation.REFERENCE
    assert [request.method for request in server.requests] == ["GET", "GET", "POST", "POST"]


async def test_it_is_asked_for_again_after_hours() -> None:
    time = Time()
    async with Server(NO_ROUTE, INVALID, NO_ROUTE, NO_ROUTE, FUNDING) as server:
        console = reader(server, None, time=time)
        for generation, wait in (
            (Generation.REFERENCE, GENERATION_SECONDS - 1),
            (Generation.REFERENCE, 1.0),
            (Generation.V2025, GENERATION_SECONDS),
            (Generation.V2026_11, 0.0),
        ):
            assert await console.generation() is generation
            time.now += wait
    assert len(server.requests) == 5


async def test_a_fresh_answer_is_one_more_request_and_replaces_what_was_known() -> None:
    async with Server(NO_ROUTE, INVALID, NO_ROUTE, FUNDING, page(502)) as server:
        console = reader(server, None)
        assert await console.generation() is Generation.REFERENCE
        assert await console.generation(fresh=True) is Generation.REFERENCE
        assert len(server.requests) == 3
        assert await console.generation(fresh=True) is Generation.V2026_11
        assert await console.generation() is Generation.V2026_11
        with pytest.raises(ServerError):
            await console.generation(fresh=True)


async def test_what_a_person_said_is_not_asked_for_and_not_forgotten() -> None:
    async with Server(NO_ROUTE) as server:
        console = client(server, Generation.REFERENCE)
        console.forget_generation()
        assert await console.generation(fresh=True) is Generation.REFERENCE
        assert console.known_generation is Generation.REFERENCE
    assert not server.requests


@pytest.mark.parametrize(
    ("write", "misfit"),
    [
        (lambda w: w.set_auto_top_up(Dseq("7"), False), INVALID),
        (lambda w: w.get_settings(Dseq("7")), reply(200, {"data": {"dseq": "7"}})),
        (lambda w: w.deposit(Dseq("7"), Usd(1)), NO_ROUTE),
    ],
    ids=["top-up cannot be off", "settings without top-up", "no such route"],
)
async def test_an_answer_that_does_not_fit_has_it_asked_for_again(
    write: Callable[[ConsoleWriter], Awaitable[object]], misfit: Act
) -> None:
    async with Server(NO_ROUTE, INVALID, misfit, FUNDING) as server:
        shared = client(server, None)
        with suppress(ApiError):
            await write(ConsoleWriter(shared))
        assert shared.known_generation is None
        assert await shared.generation() is Generation.V2026_11


async def test_a_route_that_only_some_references_of_2025_have_is_no_misfit() -> None:
    detail = reply(200, {"data": {"deployment": {"id": {"dseq": "7"}, "state": "active"}}})
    async with Server(NO_ROUTE, NO_ROUTE, NO_ROUTE, detail) as server:
        shared = client(server, None)
        await ConsoleWriter(shared).deposit(Dseq("7"), Usd(1))
        assert shared.known_generation is Generation.V2025


async def test_a_person_may_say_which_it_is() -> None:
    async with Server(NO_ROUTE) as server:
        assert await reader(server, Generation.V2026_11).generation() is Generation.V2026_11
    assert not server.requests


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ([drop], Unreachable),
        ([page(502)], ServerError),
        ([reply(200, "surely")], ServerError),
        ([reply(401, {"message": "Invalid API key"})], Unauthorized),
        ([NO_ROUTE, drop], Unreachable),
        ([NO_ROUTE, page(500)], ServerError),
    ],
)
async def test_nothing_is_sent_where_the_generation_cannot_be_asked(
    script: list[Act], kind: type[Exception]
) -> None:
    async with Server(*script) as server:
        console = writer(server, None)
        with pytest.raises(kind) as caught:
            await console.create_deployment("x", Usd(1))
    assert {request.method for request in server.requests} == {"GET"}
    assert not isinstance(caught.value, OutcomeUnknown | Interrupted)


async def test_a_failure_to_ask_is_not_remembered() -> None:
    async with Server(reply(500, {"message": "Internal server error"}), FUNDING) as server:
        console = reader(server, None)
        with pytest.raises(ApiError):
            await console.generation()
        assert await console.generation() is Generation.V2026_11


async def test_without_a_key_not_even_the_generation_is_asked() -> None:
    async with Server(FUNDING) as server:
        with pytest.raises(MissingKey):
            await writer(server, None, key=None).create_deployment("x", Usd(1))
    assert not server.requests


async def test_reads_of_the_old_generations_do_not_ask_which_of_them_it_is() -> None:
    empty = reply(200, {"data": {"deployments": []}})
    async with Server(NO_ROUTE, empty) as server:
        assert await reader(server, None).list_deployments() == []
    assert [request.path for request in server.requests] == [
        "/v1/deployment-funding-config", "/v1/deployments?skip=0&limit=100",
    ]  # fmt: skip


@pytest.mark.parametrize("call", ["placement_options", "spend_rate"])
async def test_what_an_api_is_too_old_for_is_said_before_anything_is_sent(call: str) -> None:
    async with Server(NO_ROUTE) as server:
        with pytest.raises(NotOffered, match="older"):
            await getattr(reader(server), call)()
    assert not server.requests
