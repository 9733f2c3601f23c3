"""Named fields of a stored SDL, changed; and a definition that is recorded afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from autumn_world import create, lease, patch, with_env
from console_world import World, new_world, sdl

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world("2026-11") as fresh:
        yield fresh


async def test_resources_cannot_be_patched(world: World) -> None:
    dseq = await create(world)
    response = await patch(world, dseq, services={"web": {"expose": {"80": {"as": 8080}}}})
    assert (response.status_code, response.json()["code"]) == (422, "deployment_resources_changed")
    put = await world.http.put(f"/v1/deployments/{dseq}", json={"data": {"sdl": sdl(cpu="1")}})
    assert put.status_code == 422


async def test_named_fields_are_patched_and_the_rest_stays(world: World) -> None:
    dseq = await create(world, name="shop")
    await lease(world, dseq)
    version = (await world.get(dseq))["consoleSettings"]["manifestVersion"]
    change = {"web": {"image": "nginx:1.28", "env": {"A": "1"}, "expose": {"80": {"accept": ["a.example"]}}}}
    response = await patch(world, dseq, services=change, ifManifestVersion=version, name="store")
    assert response.status_code == 200, response.text
    told = response.json()["data"]
    assert "consoleSettings" not in told
    read = await world.get(dseq)
    assert "nginx:1.28" in read["consoleSettings"]["sdl"]
    assert told["name"] == read["name"] == "store"
    assert told["manifestVersion"] == read["consoleSettings"]["manifestVersion"] != version
    assert told["deployment"]["hash"] == told["manifestVersion"]
    await patch(world, dseq, services={"web": {"env": {"A": None}}})
    assert "A=" not in (await world.get(dseq))["consoleSettings"]["sdl"]


async def test_options_of_http_have_the_names_of_the_contract_and_merge(world: World) -> None:
    dseq = await create(world)
    for options in ({"maxBodySize": 2_097_152, "readTimeout": 5000}, {"readTimeout": 6000}):
        change = {"web": {"expose": {"80": {"httpOptions": options}}}}
        response = await patch(world, dseq, services=change)
        assert response.status_code == 200, response.text
    stored = (await world.get(dseq))["consoleSettings"]["sdl"]
    assert "max_body_size: 2097152" in stored
    assert "read_timeout: 6000" in stored


@pytest.mark.parametrize(
    "options", [{"maxBodySize": 0}, {"readTimeout": 0}, {"nextCases": []}, {"nextCases": ["418"]}]
)
async def test_options_out_of_bounds_are_400(world: World, options: dict[str, Any]) -> None:
    change = {"web": {"expose": {"80": {"httpOptions": options}}}}
    assert (await patch(world, await create(world), services=change)).status_code == 400


async def test_a_patch_of_an_older_version_is_409_unless_it_is_done_already(world: World) -> None:
    dseq = await create(world)
    await lease(world, dseq)
    version = (await world.get(dseq))["consoleSettings"]["manifestVersion"]
    first = {"services": {"web": {"image": "nginx:1.28"}}, "ifManifestVersion": version}
    await world.network.inject("lease-manifest-fails", count=1, value="422")
    behind = await patch(world, dseq, **first)
    assert (behind.status_code, behind.json()["code"]) == (409, "provider_manifest_version_stale")
    assert "nginx:1.28" in (await world.get(dseq))["consoleSettings"]["sdl"]
    assert (await patch(world, dseq, **first)).status_code == 200
    other = await patch(world, dseq, services={"web": {"image": "nginx:1.29"}}, ifManifestVersion=version)
    assert (other.status_code, other.json()["code"]) == (409, "deployment_definition_changed")


async def test_another_failure_of_the_provider_has_its_own_status(world: World) -> None:
    dseq = await create(world)
    await lease(world, dseq)
    await world.network.inject("lease-manifest-fails", count=1)
    assert (await patch(world, dseq, services={"web": {"image": "nginx:1.28"}})).status_code == 503


@pytest.mark.parametrize(
    ("services", "told"),
    [
        ({"db": {"image": "x"}}, '"db" is not a service of this deployment'),
        ({"web": {"expose": {"81": {"as": 82}}}}, 'service "web" exposes no port "81"'),
        ({"web": {"storage": {"x": {"readOnly": True}}}}, 'service "web" mounts no volume "x"'),
    ],
)
async def test_what_is_not_there_cannot_be_patched(world: World, services: dict[str, Any], told: str) -> None:
    response = await patch(world, await create(world), services=services)
    assert (response.status_code, response.json()["message"]) == (400, told)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"services": {}},
        {"services": {"web": {}}},
        {"services": {"web": {"expose": {}}}},
        {"services": {"web": {"count": 3}}},
        {"name": "  "},
        {"ifManifestVersion": ""},
        {"services": {"web": {"env": {"1A": "x"}}}},
    ],
)
async def test_a_patch_that_says_nothing_is_400(world: World, data: dict[str, Any]) -> None:
    assert (await patch(world, await create(world), **data)).status_code == 400


async def test_a_rename_asks_no_provider_and_needs_no_definition(world: World) -> None:
    await world.network.inject("definition-missing", count=1)
    dseq = await create(world)
    renamed = (await patch(world, dseq, name=" shop ")).json()["data"]
    assert renamed["name"] == "shop"
    assert "manifestVersion" not in renamed
    other = await create(world)
    await lease(world, other)
    assert (await patch(world, other, name="till")).json()["data"]["leases"][0]["status"] is None


async def test_a_definition_that_was_never_kept_can_be_recorded(world: World) -> None:
    await world.network.inject("definition-missing", count=1)
    dseq = await create(world)
    path = f"/v1/deployments/{dseq}"
    assert (await world.get(dseq))["consoleSettings"] is None
    assert (await patch(world, dseq, services={"web": {"image": "x"}})).status_code == 404
    wrong = await world.http.post(f"{path}/definition", json={"data": {"sdl": sdl(image="redis:8")}})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "deployment_definition_mismatch")
    right = await world.http.post(f"{path}/definition", json={"data": {"sdl": sdl()}})
    assert (right.status_code, right.json()["data"].keys()) == (201, {"sdl", "manifestVersion"})
    again = await world.http.post(f"{path}/definition", json={"data": {"sdl": sdl()}})
    assert (again.status_code, again.json()["code"]) == (409, "deployment_definition_exists")
    assert (await patch(world, dseq, services={"web": {"image": "nginx:1.28"}})).status_code == 200


async def test_a_variable_that_is_patched_moves_to_the_end_and_the_others_stay(world: World) -> None:
    dseq = await create(world, sdl=with_env("A=1", "B=2"))
    await patch(world, dseq, services={"web": {"env": {"A": "3"}, "command": ["sh"]}})
    await patch(world, dseq, services={"web": {"command": None}})
    stored = (await world.get(dseq))["consoleSettings"]["sdl"]
    assert stored.index("B=") < stored.index("A=")
    assert "command" not in stored
    plain = await world.http.put(f"/v1/deployments/{dseq}", json={"data": {"sdl": with_env("B=2", "A=3")}})
    assert plain.json()["data"]["deployment"]["hash"] == (await world.get(dseq))["deployment"]["hash"]
