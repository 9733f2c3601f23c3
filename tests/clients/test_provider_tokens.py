from __future__ import annotations

import base64
import json
from functools import partial

import anyio
import jsonschema
import pytest
import shared_data
from test_console_models import PROVIDER_ADDRESS
from test_console_reader import reader
from wire_servers import Server, Time, reply

from akash_mcp.clients.provider.tokens import READ_SCOPES, TTL_SECONDS, Tokens, grant, not_before
from akash_mcp.ids import Dseq, LeaseId

pytestmark = pytest.mark.anyio

LEASE = LeaseId(Dseq("1763759482113"), 1, 1, PROVIDER_ADDRESS)
MINTED = [reply(201, {"data": {"token": f"token-{n}"}}) for n in range(9)]


def test_a_grant_names_the_deployment_and_its_services() -> None:
    deployment = {
        "dseq": 1763759482113,
        "gseq": 1,
        "oseq": 1,
        "scope": ["status", "logs"],
        "services": ["db", "web"],
    }
    assert grant(LEASE, ["web", "db", "web"], ("status", "logs")) == {
        "access": "granular",
        "permissions": [{"provider": PROVIDER_ADDRESS, "access": "granular", "deployments": [deployment]}],
    }


def test_a_grant_without_services_is_for_the_provider() -> None:
    permission = {"provider": PROVIDER_ADDRESS, "access": "scoped", "scope": ["status"]}
    assert grant(LEASE, [], ["status"]) == {"access": "granular", "permissions": [permission]}


@pytest.mark.parametrize("services", [[], ["web"], ["web", "db"]])
def test_a_grant_keeps_to_the_published_schema(services: list[str]) -> None:
    path = shared_data.require("jwt/jwt-schema.json")
    claims = {
        "iss": PROVIDER_ADDRESS,
        "iat": 1,
        "nbf": 1,
        "exp": 2,
        "version": "v1",
        "leases": grant(LEASE, services, READ_SCOPES),
    }
    jsonschema.validate(claims, json.loads(path.read_text()))


async def test_a_token_is_kept_until_a_minute_before_it_expires() -> None:
    clock = Time()
    async with Server(*MINTED) as server:
        tokens = Tokens(reader(server), clock)
        first = await tokens.get(LEASE, services=["web"])
        clock.now += TTL_SECONDS - 61
        assert await tokens.get(LEASE, services=["web"]) is first
        clock.now += 1
        assert (await tokens.get(LEASE, services=["web"])).text == "token-1"
    assert len(server.requests) == 2


async def test_other_leases_services_and_scopes_have_other_tokens() -> None:
    other = LeaseId(LEASE.dseq, 2, 1, PROVIDER_ADDRESS)
    async with Server(*MINTED) as server:
        tokens = Tokens(reader(server), Time())
        found = [
            await tokens.get(LEASE, services=["web"]),
            await tokens.get(LEASE, services=["web", "db"]),
            await tokens.get(LEASE, services=["web"], scopes=("shell",)),
            await tokens.get(other, services=["web"]),
        ]
        assert await tokens.get(LEASE, services=["db", "web"]) is found[1]
    assert len({token.text for token in found}) == 4


async def test_a_refused_token_is_not_handed_out_again() -> None:
    async with Server(*MINTED) as server:
        tokens = Tokens(reader(server), Time())
        refused = await tokens.get(LEASE)
        assert (await tokens.get(LEASE, refused=refused)).text == "token-1"
        assert (await tokens.get(LEASE, refused=refused)).text == "token-1"


async def test_many_at_once_mint_one() -> None:
    async with Server(*MINTED) as server, anyio.create_task_group() as group:
        tokens = Tokens(reader(server), Time())
        for _ in range(5):
            group.start_soon(tokens.get, LEASE)
    assert len(server.requests) == 1


async def test_a_token_never_shows() -> None:
    async with Server(*MINTED) as server:
        assert "token-0" not in repr(await Tokens(reader(server), Time()).get(LEASE))


def token_with(claims: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJFUzI1NksifQ.{body}.c2ln"


def test_a_token_tells_when_it_starts() -> None:
    assert not_before(token_with({"nbf": 1763759482})) == 1763759482


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "a.!!.c",
        *map(token_with, ([], 5, {}, {"nbf": "1"}, {"nbf": 1.5}, {"nbf": -1}, {"nbf": 2**80})),
    ],
)
def test_a_token_that_makes_no_sense_tells_nothing(token: str) -> None:
    assert not_before(token) is None


async def test_two_who_were_refused_the_same_token_mint_one() -> None:
    async with Server(*MINTED) as server:
        tokens = Tokens(reader(server), Time())
        refused = await tokens.get(LEASE)
        async with anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(partial(tokens.get, LEASE, refused=refused))
    assert len(server.requests) == 2


async def test_how_long_a_token_is_good_for_does_not_depend_on_what_our_clock_shows() -> None:
    clock = Time()
    clock.now = 5.0  # fifty years behind
    async with Server(reply(201, {"data": {"token": token_with({"nbf": 1763759482})}})) as server:
        tokens = Tokens(reader(server), clock)
        token = await tokens.get(LEASE)
        assert await tokens.get(LEASE) is token
        assert (token.expires, token.starts) == (5.0 + TTL_SECONDS, 1763759482)
