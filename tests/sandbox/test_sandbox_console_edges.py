"""Before a handler is reached: keys, content types, bodies, schemas, and which of them is judged first."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from console_world import World, new_world, sdl

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def world() -> AsyncIterator[World]:
    """One network for them all: what is refused before a handler is reached changes nothing."""
    async with new_world() as fresh:
        yield fresh


INVALID_KEY = {
    "error": "UnauthorizedError",
    "message": "Invalid API key",
    "code": "unauthorized",
    "type": "client_error",
}


async def test_a_wrong_key_is_401_even_on_public_and_unknown_routes(world: World) -> None:
    headers = {"x-api-key": "ac.sk.test." + "0" * 64}
    for path in ("/v1/providers", "/v1/nowhere", "/v1/deployments"):
        response = await world.http.get(path, headers=headers)
        assert (response.status_code, response.json()) == (401, INVALID_KEY)


async def test_no_key_is_401_on_a_protected_route(world: World) -> None:
    async with httpx2.AsyncClient(base_url=world.network.console_url) as stranger:
        response = await stranger.get("/v1/deployments")
    assert (response.status_code, response.json()["message"]) == (401, "Unauthorized")


async def test_no_key_and_a_bad_body_is_400(world: World) -> None:
    async with httpx2.AsyncClient(base_url=world.network.console_url) as stranger:
        response = await stranger.post("/v1/deployments", json={})
    assert (response.status_code, response.json()["code"]) == (400, "validation_error")


async def test_a_key_and_a_bearer_token_exclude_each_other(world: World) -> None:
    response = await world.http.get("/v1/deployments", headers={"Authorization": "Bearer x"})
    assert response.status_code == 400
    assert response.json()["message"] == "Authorization and X-Api-Key headers are mutually exclusive"


async def test_an_unknown_route_and_a_wrong_method_are_404_in_plain_text(world: World) -> None:
    for method, path in (("GET", "/v1/sdl/validate"), ("PATCH", "/v1/deployments")):
        response = await world.http.request(method, path)
        assert (response.status_code, response.text) == (404, "404 Not Found")
        assert response.headers["content-type"].startswith("text/plain")


async def test_a_body_over_512_kib_is_413_without_a_message(world: World) -> None:
    response = await world.http.post("/v1/deployments", json={"data": {"sdl": "x" * 600_000}})
    assert response.status_code == 413
    assert response.json() == {
        "error": "Error",
        "message": "",
        "code": "unknown_error",
        "type": "client_error",
    }


@pytest.mark.parametrize(
    ("headers", "error"),
    [({}, "Content-Type header is required"), ({"Content-Type": "text/yaml"}, "Unsupported Content-Type")],
)
async def test_the_content_type_is_looked_at(world: World, headers: dict[str, str], error: str) -> None:
    response = await world.http.post("/v1/deployments", content=b"{}", headers=headers)
    assert (response.status_code, response.json()) == (400, {"error": error})


@pytest.mark.parametrize("content", [b"", b"{", b'{"data": NaN}', b"[" * 5_000])
async def test_malformed_json_has_its_own_error(world: World, content: bytes) -> None:
    response = await world.http.post(
        "/v1/deployments", content=content, headers={"Content-Type": "application/json; charset=utf-8"}
    )
    assert response.status_code == 400
    assert response.json() == {
        "error": "Error",
        "message": "Malformed JSON in request body",
        "code": "bad_request",
        "type": "client_error",
    }


@pytest.mark.parametrize(
    ("body", "path", "message"),
    [
        ({}, ["data"], "Required"),
        ([], [], "Expected object, received array"),
        ({"data": {}}, ["data", "sdl"], "Required"),
        ({"data": {"sdl": 7}}, ["data", "sdl"], "Expected string, received number"),
        ({"data": {"sdl": "", "deposit": None}}, ["data", "deposit"], "Expected number, received null"),
        ({"data": {"sdl": "", "deposit": "5"}}, ["data", "deposit"], "Expected number, received string"),
    ],
)
async def test_validation_errors_say_where_and_what(
    world: World, body: Any, path: list[str], message: str
) -> None:
    answer = (await world.http.post("/v1/deployments", json=body)).json()
    assert answer["message"] == "Validation error"
    assert [(issue["path"], issue["message"]) for issue in answer["data"]] == [(path, message)]


@pytest.mark.parametrize(
    ("dseq", "message"),
    [
        ("abc", "Expected bigint, received string"),
        ("1e3", "Expected bigint, received string"),
        ("-4", "Number must be greater than 0"),
        ("0", "Number must be greater than 0"),
    ],
)
async def test_a_dseq_that_is_not_a_positive_number_is_400(world: World, dseq: str, message: str) -> None:
    response = await world.http.get("/v1/bids", params={"dseq": dseq})
    assert [issue["message"] for issue in response.json()["data"]] == [message]


async def test_a_dseq_is_read_as_javascript_reads_one(world: World) -> None:
    dseq = (await world.create())["dseq"]
    for spelling in (f"%20{dseq}%20", hex(int(dseq))):
        assert (await world.http.get(f"/v1/deployments/{spelling}")).status_code == 200


async def test_unknown_keys_are_dropped(world: World) -> None:
    body = {"data": {"sdl": "", "deposit": 5, "certificate": {}}, "more": 1}
    response = await world.http.post("/v1/deployments", json=body)
    assert response.json()["message"].startswith("Invalid SDL: ")


async def test_answers_for_a_key_are_not_to_be_stored(world: World) -> None:
    own = await world.http.get("/v1/deployments")
    public = await world.http.get("/v1/providers")
    assert own.headers["cache-control"] == "private, no-store"
    assert public.headers["cache-control"] == "private, max-age=60, stale-while-revalidate=120"


@pytest.mark.parametrize("deposit", ["1e999", "-1e999", "-5", "0", "1e300"])
async def test_absurd_deposits_are_refused_and_nothing_breaks(world: World, deposit: str) -> None:
    before = world.allowance
    content = f'{{"data": {{"sdl": {json.dumps(sdl())}, "deposit": {deposit}}}}}'
    response = await world.http.post(
        "/v1/deployments", content=content, headers={"Content-Type": "application/json"}
    )
    assert response.status_code in (400, 402)
    assert world.allowance == before


@pytest.mark.parametrize("limit", ["nan", "inf", "1e999", "1_0", "9" * 500, "0", "-1"])
async def test_absurd_limits_are_400(world: World, limit: str) -> None:
    assert (await world.http.get("/v1/deployments", params={"limit": limit})).status_code == 400


async def test_a_dseq_of_a_thousand_digits_is_400(world: World) -> None:
    assert (await world.http.get(f"/v1/deployments/{'9' * 5000}")).status_code == 400
