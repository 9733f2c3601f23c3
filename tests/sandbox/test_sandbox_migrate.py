"""Moving hostnames and leased IPs between deployments of one owner."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from provider_world import World, a_world, account, expose, service

pytestmark = pytest.mark.anyio

HOSTS = "hostnames_to_migrate"
ENDPOINTS = "endpoints_to_migrate"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as world:
        yield world


async def deployed(world: World) -> int:
    """The dseq of a deployment with two hostnames and two leased IPs."""
    ways = [
        expose(externalPort=80, hosts=["a.example", "b.example"]),
        expose(port=81, ip="first", endpointSequenceNumber=1),
        expose(port=82, ip="second", endpointSequenceNumber=2),
    ]
    lease = await world.deploy(service(expose=ways))
    return int(lease.split("/")[2])


async def migrate(world: World, what: str, body: object, **headers: str) -> httpx2.Response:
    path = "/hostname/migrate" if what == HOSTS else "/endpoint/migrate"
    content = {"content": body} if isinstance(body, bytes) else {"json": body}
    options: dict[str, Any] = {"headers": headers or world.auth(), **content}
    return await world.client.post(world.url + path, **options)


def wish(what: str, names: list[str], dseq: int, gseq: int = 1) -> dict[str, object]:
    return {what: names, "destination_dseq": dseq, "destination_gseq": gseq}


@pytest.mark.parametrize(
    ("what", "names"), [(HOSTS, ["a.example", "b.example"]), (HOSTS, ["b.example"]), (ENDPOINTS, ["second"])]
)
async def test_what_the_destination_declares_is_transferred(
    world: World, what: str, names: list[str]
) -> None:
    body = wish(what, names, await deployed(world))
    for _ in range(2):  # asking again is harmless
        response = await migrate(world, what, body)
        assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
        assert response.json() == {"transferred": names}


@pytest.mark.parametrize("what", [HOSTS, ENDPOINTS])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no",
        b"[]",
        b'{"destination_dseq":"7"}',
        b'{"destination_dseq":-1}',
        b'{"destination_gseq":1.5}',
        b'{"hostnames_to_migrate":[1],"endpoints_to_migrate":[1]}',
    ],
)
async def test_a_body_that_is_not_a_request_is_422_without_a_body(
    world: World, what: str, body: bytes
) -> None:
    response = await migrate(world, what, body)
    assert (response.status_code, response.text) == (422, "")


@pytest.mark.parametrize("what", [HOSTS, ENDPOINTS])
@pytest.mark.parametrize("names", [[], None])
async def test_nothing_to_move_is_400_without_a_body(world: World, what: str, names: object) -> None:
    response = await migrate(world, what, {what: names})
    assert (response.status_code, response.text) == (400, "")


@pytest.mark.parametrize("what", [HOSTS, ENDPOINTS])
async def test_a_destination_must_run_here_and_be_ones_own(world: World, what: str) -> None:
    dseq, stranger = await deployed(world), account()
    world.chain.accounts[stranger.address] = stranger
    absent = (400, "destination deployment does not exist\n")
    for body in (wish(what, ["x"], 7), wish(what, ["x"], dseq, gseq=2)):
        response = await migrate(world, what, body)
        assert (response.status_code, response.text) == absent
    response = await migrate(world, what, wish(what, ["x"], dseq), **world.auth(account=stranger))
    assert (response.status_code, response.text) == absent


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (HOSTS, 'the hostname "c.example" is not used by this deployment\n'),
        (ENDPOINTS, 'the endpoint "c.example" does not exist in the destination deployment\n'),
    ],
)
async def test_a_name_that_the_destination_does_not_declare_is_named(
    world: World, what: str, message: str
) -> None:
    response = await migrate(world, what, wish(what, ["c.example", "d.example"], await deployed(world)))
    assert (response.status_code, response.text) == (400, message)


@pytest.mark.parametrize(
    ("what", "text"),
    [(HOSTS, 'failed transferring "b.example": Get "https://'), (ENDPOINTS, "")],
)
async def test_a_cluster_that_is_down_is_500(world: World, what: str, text: str) -> None:
    name = "b.example" if what == HOSTS else "first"
    body = wish(what, [name], await deployed(world))
    await world.inject("kube-down")
    response = await migrate(world, what, body)
    assert response.status_code == 500
    assert response.text.startswith(text)
    assert bool(response.text) == bool(text)


async def test_any_token_for_this_provider_will_do_whatever_its_scopes(world: World) -> None:
    body = wish(HOSTS, ["a.example"], await deployed(world))
    elsewhere = {"dseq": 1, "scope": ["logs"], "services": ["web"]}
    permission = {"provider": world.provider.owner, "access": "granular", "deployments": [elsewhere]}
    narrow = {"access": "granular", "permissions": [permission]}
    assert (await migrate(world, HOSTS, body, **world.auth(narrow))).status_code == 200
    other = {"access": "granular", "permissions": [{"provider": account().address, "access": "full"}]}
    for headers in (world.auth(other), {"X": "anonymous"}):
        response = await migrate(world, HOSTS, body, **headers)
        assert (response.status_code, response.text) == (401, '{"message":"unauthorized access"}')


async def test_only_a_post_is_answered(world: World) -> None:
    assert (await world.get("/hostname/migrate")).status_code == 405
