from __future__ import annotations

import asyncio
from typing import Any

import pytest
from console_requests import client
from test_console_models import PROVIDER_ADDRESS, lease
from wire_servers import Request, Server, Time, closed_port, reply

from akash_mcp.clients.console.client import ConsoleClient
from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.errors import BadSettings, MissingKey, NotFound, ServerError, Unauthorized
from akash_mcp.ids import Dseq, ProviderAddress
from akash_mcp.money import Usd

pytestmark = pytest.mark.anyio

KEY = "ac.sk.production." + "ab" * 32
NO_ROUTE = reply(404, "404 Not Found")
MISSING = reply(404, {"error": "NotFoundError", "message": "Deployment not found", "code": "not_found"})


def reader(
    server: Server,
    time: Time | None = None,
    key: str | None = KEY,
    generation: Generation | None = Generation.REFERENCE,
) -> ConsoleReader:
    return ConsoleReader(client(server, generation, key=key, time=time))


def deployment(dseq: int, leases: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    identity = {"owner": "akash1me", "dseq": str(dseq)}
    return {"deployment": {"id": identity, "state": "active"}, "leases": leases or [], "escrow_account": {}}


def listing(*deployments: dict[str, Any]) -> dict[str, Any]:
    return {"data": {"deployments": list(deployments), "pagination": {"total": 1, "hasMore": False}}}


async def test_leases_go_to_the_deployment_that_they_name() -> None:
    shuffled = listing(deployment(1, [lease(3)]), deployment(2, [lease(1)]), deployment(3))
    async with Server(reply(200, shuffled)) as server:
        first, second, third = await reader(server).list_deployments()
    assert [len(first.leases), len(second.leases), len(third.leases)] == [1, 0, 1]
    assert first.leases[0].id.dseq == "1"


@pytest.mark.parametrize("named", [None, "", "6"])
async def test_a_runtime_limit_that_is_not_certain_to_be_its_own_is_not_told(named: str | None) -> None:
    told = {"dseq": "5", "runtimeLimitHours": 24, "runtimeEndsAt": "2026-11-22T06:00:00.000Z"}
    async with Server(reply(200, {"data": told}), reply(200, {"data": told | {"dseq": named}})) as server:
        asked = reader(server, generation=Generation.V2026_11)
        assert (await asked.runtime_limit(Dseq("5"))).runtime_limit_hours == 24
        with pytest.raises(ServerError):
            await asked.runtime_limit(Dseq("5"))


async def test_pages_are_read_until_one_is_short() -> None:
    full = reply(200, listing(*(deployment(n) for n in range(1, 101))))
    rest = reply(200, listing(deployment(100), deployment(101)))
    async with Server(full, rest) as server:
        assert len(await reader(server).list_deployments()) == 101
    assert [request.path for request in server.requests] == [
        "/v1/deployments?skip=0&limit=100",
        "/v1/deployments?skip=100&limit=100",
    ]


async def test_an_api_that_ignores_skip_is_not_asked_forever() -> None:
    async with Server(reply(200, listing(*(deployment(n) for n in range(1, 101))))) as server:
        assert len(await reader(server).list_deployments()) == 100
    assert len(server.requests) == 2


async def test_a_deployment_just_created_may_be_unknown_for_a_while() -> None:
    time = Time()
    async with Server(MISSING, MISSING, reply(200, {"data": deployment(7)})) as server:
        assert (await reader(server, time).get_deployment(Dseq("7"), just_created=True)).dseq == "7"
    assert time.slept == [2.0, 2.0]


async def test_a_deployment_that_stays_unknown_is_not_found() -> None:
    time = Time()
    async with Server(MISSING) as server:
        with pytest.raises(NotFound):
            await reader(server, time).get_deployment(Dseq("7"), just_created=True)
        assert sum(time.slept) <= 15
        asked = len(server.requests)
        with pytest.raises(NotFound):
            await reader(server, time).get_deployment(Dseq("7"))
        assert len(server.requests) == asked + 1


async def test_bids_of_every_state_are_listed() -> None:
    bids = [{"bid": {"id": lease()["id"], "state": state, "price": {"denom": "uact", "amount": "12.5"}}}
            for state in ("open", "closed", "lost")]  # fmt: skip
    async with Server(reply(200, {"data": bids})) as server:
        listed = await reader(server).list_bids(Dseq("1763759482113"))
    assert [bid.is_open for bid in listed] == [True, False, False]
    assert server.requests[0].path == "/v1/bids?dseq=1763759482113"


async def test_no_bid_is_an_empty_list() -> None:
    async with Server(reply(200, {"data": []})) as server:
        assert await reader(server).list_bids(Dseq("1")) == []


@pytest.mark.parametrize("bids", [None, {}, "", [{"bid": {"id": {}}}]])
async def test_bids_that_cannot_be_read_are_not_taken_for_none(bids: object) -> None:
    async with Server(reply(200, {"data": bids})) as server:
        with pytest.raises(ServerError, match="cannot be read"):
            await reader(server).list_bids(Dseq("1"))


@pytest.mark.parametrize("deployments", [None, {}, "", 0])
async def test_a_list_that_cannot_be_read_is_not_taken_for_an_empty_one(deployments: object) -> None:
    async with Server(reply(200, {"data": {"deployments": deployments, "pagination": {}}})) as server:
        with pytest.raises(ServerError, match="cannot be read"):
            await reader(server).list_deployments()


async def test_providers_are_asked_for_twenty_at_a_time() -> None:
    addresses = [ProviderAddress(f"akash1provider{n}") for n in range(45)]
    async with Server(reply(200, [{"owner": PROVIDER_ADDRESS}])) as server:
        assert len(await reader(server, key=None).list_providers([*addresses, addresses[0]])) == 3
    assert [request.path.count("akash1") for request in server.requests] == [20, 20, 5]


async def test_all_providers_are_one_call() -> None:
    async with Server(reply(200, [{"owner": PROVIDER_ADDRESS}])) as server:
        await reader(server, key=None).list_providers()
    assert server.requests[0].path == "/v1/providers"


async def test_an_unknown_provider_is_not_found() -> None:
    async with Server(reply(404, "Provider not found.")) as server:
        with pytest.raises(NotFound, match="Provider not found"):
            await reader(server).get_provider(ProviderAddress("akash1../../x"))
    assert server.requests[0].path == "/v1/providers/akash1..%2F..%2Fx"


async def test_balances_are_uact() -> None:
    time = Time()
    balances = reply(200, {"data": {"balance": 4200000.5, "deployments": 800000, "total": 5000000}})
    async with Server(balances, balances, reply(200, listing())) as server:
        money = await reader(server, time).balances(fresh=True)
    assert (money.available, money.in_deployments) == (Usd("4.2000005"), Usd("0.8"))
    assert [request.path for request in server.requests[:2]] == ["/v1/balances", "/v1/balances"]
    assert time.slept == [2.0]


async def test_height_and_user() -> None:
    async with Server(
        reply(200, [{"height": 22000001}]), reply(200, {"data": {"id": "u", "trial": True}})
    ) as server:
        console = reader(server)
        assert await console.latest_height() == 22000001
        assert (await console.current_user()).trial


async def test_a_token_is_minted_by_a_post_that_may_be_repeated() -> None:
    async with Server(reply(503, ""), reply(201, {"data": {"token": "a.b.c"}})) as server:
        assert await reader(server).mint_token(900, {"access": "full"}) == "a.b.c"
    assert server.requests[1].json == {"data": {"ttl": 900, "leases": {"access": "full"}}}
    assert server.requests[1].headers["content-type"] == "application/json"


async def test_without_a_key_nothing_is_sent() -> None:
    async with Server(reply(200, {})) as server:
        with pytest.raises(MissingKey):
            await reader(server, key=None).list_deployments()
        with pytest.raises(MissingKey):
            await reader(server, key="").balances()
    assert not server.requests


async def test_a_wrong_key_tells_how_to_get_a_right_one() -> None:
    async with Server(reply(401, {"message": "Invalid API key"})) as server:
        with pytest.raises(Unauthorized, match=r"AKASH_API_KEY") as caught:
            await reader(server).list_deployments()
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("key", ["line\nbreak", "sp ace", "schlüssel", "a\x00b"])
async def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(BadSettings) as caught:
        ConsoleClient(f"http://127.0.0.1:{closed_port()}", key)
    assert key not in str(caught.value)


async def test_reading_one_deployment_waits_for_slow_providers() -> None:
    async def slowly(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        await reply(200, {"data": deployment(1)})(request, writer)

    async with Server(slowly) as server:
        assert (await reader(server).get_deployment(Dseq("1"))).dseq == "1"
