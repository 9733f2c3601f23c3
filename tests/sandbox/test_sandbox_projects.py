"""A team with projects, and keys that reach less than the whole account."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from autumn_world import create, open_bid
from console_world import World, new_world, sdl

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world("2026-11", organizations=True) as fresh:
        yield fresh


def key(world: World, name: str) -> dict[str, str]:
    return {"x-api-key": world.network.keys[name]}


async def projects(world: World, name: str = "sandbox") -> dict[str, str]:
    listed = (await world.http.get("/v1/projects", headers=key(world, name))).json()["data"]
    return {each["name"]: each["id"] for each in listed}


async def listed(world: World, name: str = "sandbox", **query: str) -> list[dict[str, Any]]:
    response = await world.http.get("/v1/deployments", headers=key(world, name), params=query)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["data"]["deployments"]
    return found


async def test_a_key_of_a_project_works_on_its_deployments_and_knows_no_others(world: World) -> None:
    elsewhere = await create(world)
    theirs = key(world, "project")
    made = await world.http.post("/v1/deployments", json={"data": {"sdl": sdl()}}, headers=theirs)
    dseq = made.json()["data"]["dseq"]
    assert [each["deployment"]["id"]["dseq"] for each in await listed(world, "project")] == [dseq]
    assert (await listed(world, "project"))[0]["projectId"] == (await projects(world))["ci"]
    bid = await open_bid(world, elsewhere)
    for method, path, body in (
        ("GET", f"/v1/deployments/{elsewhere}", None),
        ("DELETE", f"/v1/deployments/{elsewhere}", None),
        ("GET", f"/v2/deployment-settings/{elsewhere}", None),
        ("PATCH", f"/v2/deployment-settings/{elsewhere}", {"data": {"runtimeLimitHours": 3}}),
        ("POST", "/v1/leases", {"leases": [bid]}),
    ):
        response = await world.http.request(method, path, json=body, headers=theirs)
        assert response.status_code == 404, (method, path)
    assert world.truth(elsewhere).state == "active"
    assert (await world.http.get(f"/v1/deployments/{dseq}", headers=theirs)).status_code == 200
    assert (await world.http.delete(f"/v1/deployments/{dseq}", headers=theirs)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "data"),
    [
        ("GET", "/v1/api-keys", None),
        ("POST", "/v1/api-keys", {"name": "more"}),
        ("GET", "/v1/wallet-settings", None),
        ("POST", "/v1/wallet-settings", {"autoReloadEnabled": False}),
        ("POST", "/v1/projects", {"name": "more"}),
    ],
)
async def test_a_key_of_a_project_is_refused_what_is_the_teams(
    world: World, method: str, path: str, data: object
) -> None:
    body = None if data is None else {"data": data}
    response = await world.http.request(method, path, json=body, headers=key(world, "project"))
    assert response.status_code == 403
    assert (await projects(world, "project")).keys() == {"ci"}
    assert (await world.http.get("/v1/organizations", headers=key(world, "project"))).status_code == 200


async def test_a_viewers_key_reads_and_changes_nothing(world: World) -> None:
    dseq = await create(world)
    theirs = key(world, "viewer")
    assert (await world.http.get(f"/v1/deployments/{dseq}", headers=theirs)).status_code == 200
    body = {"data": {"sdl": sdl()}}
    assert (await world.http.post("/v1/deployments", json=body, headers=theirs)).status_code == 403
    assert (await world.http.delete(f"/v1/deployments/{dseq}", headers=theirs)).status_code == 403
    change = {"data": {"runtimeLimitHours": 3}}
    path = f"/v2/deployment-settings/{dseq}"
    assert (await world.http.patch(path, json=change, headers=theirs)).status_code == 403
    assert world.truth(dseq).state == "active"


async def test_a_create_names_its_project_or_lands_in_the_default(world: World) -> None:
    ours = await projects(world)
    first, second = await create(world), await create(world, projectId=ours["ci"])
    where = {each["deployment"]["id"]["dseq"]: each["projectId"] for each in await listed(world)}
    assert (where[first], where[second]) == (ours["default"], ours["ci"])
    assert [each["projectId"] for each in await listed(world, projectId=ours["ci"])] == [ours["ci"]]
    body = {"data": {"sdl": sdl(), "projectId": ours["default"]}}
    response = await world.http.post("/v1/deployments", json=body, headers=key(world, "project"))
    assert response.status_code == 404
    assert len(world.network.chain.deployments_of(world.network.owner)) == 2


async def test_the_list_shows_what_a_colleague_owns(world: World) -> None:
    await create(world)
    owners = {each["deployment"]["id"]["owner"] for each in await listed(world)}
    assert world.network.owner in owners
    assert len(owners) == 2
    assert await listed(world, "project") == []


async def test_a_deployment_can_be_moved_and_is_then_another_keys(world: World) -> None:
    dseq, ours = await create(world), await projects(world)
    path, body = f"/v1/deployments/{dseq}/project", {"data": {"projectId": ours["ci"]}}
    assert (await world.http.patch(path, json=body, headers=key(world, "project"))).status_code == 403
    moved = await world.http.patch(path, json=body)
    assert moved.json() == {"data": {"dseq": dseq, "projectId": ours["ci"]}}
    assert len(await listed(world, "project")) == 1


async def test_headers_narrow_and_must_not_name_another_team(world: World) -> None:
    ours = await projects(world)
    await create(world)
    narrow = await world.http.get("/v1/deployments", headers={"x-project-id": ours["ci"]})
    assert narrow.json()["data"]["deployments"] == []
    other = await world.http.get("/v1/deployments", headers={"x-organization-id": str(uuid.uuid4())})
    assert (other.status_code, other.json()["code"]) == (400, "organization_mismatch")
    stranger = await world.http.get("/v1/deployments", headers={"x-project-id": str(uuid.uuid4())})
    assert (stranger.status_code, stranger.json()["code"]) == (403, "project_forbidden")


async def test_a_key_is_made_for_a_project_within_reach(world: World) -> None:
    ours = await projects(world)
    body = {"data": {"name": "bot", "projectId": ours["ci"]}}
    made = await world.http.post("/v1/api-keys", json=body)
    assert made.json()["data"]["projectId"] == ours["ci"]
    assert (await projects(world, "bot")).keys() == {"ci"}
    body["data"]["projectId"] = str(uuid.uuid4())
    assert (await world.http.post("/v1/api-keys", json=body)).status_code == 404


async def test_a_project_has_a_name_of_its_own(world: World) -> None:
    body = {"data": {"name": "web"}}
    assert (await world.http.post("/v1/projects", json=body)).status_code == 201
    taken = await world.http.post("/v1/projects", json=body)
    assert (taken.status_code, taken.json()["code"]) == (409, "project_name_taken")


async def test_without_organizations_a_project_is_ignored_and_nothing_is_told_of_any() -> None:
    async with new_world("2026-11") as world:
        await create(world, projectId=str(uuid.uuid4()))
        item = (await world.http.get("/v1/deployments")).json()["data"]["deployments"][0]
        assert "projectId" not in item
        assert (await world.http.get("/v1/projects")).status_code == 404
        body = {"data": {"name": "bot", "projectId": str(uuid.uuid4())}}
        assert (await world.http.post("/v1/api-keys", json=body)).status_code == 404


async def test_what_the_network_prints_names_the_keys_that_reach_less(world: World) -> None:
    described = world.network.describe()
    assert described["keys"] == world.network.keys
    assert list(world.network.keys) == ["sandbox", "project", "viewer"]
    assert world.network.keys["sandbox"] == world.network.api_key
