"""Each endpoint once, in the order of a life: looked around, installed, changed, suspended, deleted."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from sandbox_akua import AkuaWorld, new_akua

from akash_mcp.sandbox.akua.unplayed import unplayed

pytestmark = pytest.mark.anyio

PLAYED = 41
"""Operations of the document that are played."""


async def _look_around(world: AkuaWorld) -> None:
    workspace = await world.first("/workspaces")
    assert workspace["plan"] == {"tier": "free", "billed_by": "platform"}
    assert (await world.ok("GET", f"/workspaces/{workspace['id']}"))["slug"] == "demo"
    access = await world.ok("GET", f"/workspaces/{workspace['id']}/access_state")
    assert (access["status"], access["accessible"]) == ("active", True)
    quotas = (await world.ok("GET", "/quotas"))["data"]
    assert {quota["metric"]: quota["limit"] for quota in quotas}["compute/machines"] == 1
    assert (await world.ok("GET", "/quotas/compute%2Fclusters"))["remaining"] == 0
    product = await world.first("/products")
    assert (await world.ok("GET", f"/products/{product['id']}"))["package"]["version_pin"] == {
        "kind": "latest"
    }
    repository = await world.first("/repositories?purpose=package")
    assert (await world.ok("GET", f"/repositories/{repository['id']}"))["purpose"] == "package"


async def _read_inputs(world: AkuaWorld) -> None:
    package = await world.first("/packages?view=full")
    assert (await world.ok("GET", f"/packages/{package['id']}"))["name"] == "demo-web"
    versions = await world.versions()
    path = f"/packages/{package['id']}/versions/{versions['1.1.0']}"
    assert package["latest_version_id"] == (await world.ok("GET", path))["id"]
    inputs = await world.ok("GET", f"{path}/inputs")
    Draft202012Validator.check_schema(inputs)
    assert inputs["required"] == ["hostname"]
    assert inputs["properties"]["tier"]["enum"] == ["small", "large"]
    assert inputs["properties"]["database"]["properties"]["size_gib"]["default"] == 10
    assert inputs["properties"]["hostname"]["x-ui"]["order"] == 1


async def _change(world: AkuaWorld, install: dict[str, Any]) -> None:
    path = f"/installs/{install['id']}"
    (render,) = (await world.ok("GET", f"{path}/renders"))["data"]
    assert (await world.ok("GET", f"{path}/renders/{render['id']}"))["state"] == "deployed"
    versions = await world.versions()
    for action, body in (
        ("update", {"package_version_id": versions["1.1.0"]}),
        ("restore", {"render_id": render["id"]}),
    ):
        headers = {
            "If-Match": (await world.ok("GET", path))["etag"],
            "Idempotency-Key": action,
        }
        changed = await world.ok("POST", f"{path}:{action}", json=body, headers=headers)
        assert changed["install"]["current_version"] != changed["install"]["desired_version"]
        world.later(60)
    skipped = await world.call("POST", f"{path}/renders", json={})
    assert (skipped.status_code, skipped.json()["state"]) == (201, "skipped")


async def _tear_down(world: AkuaWorld, install: dict[str, Any]) -> None:
    path = f"/installs/{install['id']}"
    deleting = await world.call("DELETE", path, headers={"If-Match": (await world.ok("GET", path))["etag"]})
    assert deleting.status_code == 202
    world.later(60)
    done = await world.operation(deleting.json())
    assert done["response"] == {"type": "install.delete", "argo_app_deleted": True, "repo_purged": True}
    assert (await world.call("GET", path)).status_code == 404
    cluster = await world.first("/clusters")
    cluster_path = f"/clusters/{cluster['id']}"
    settings = await world.ok("GET", f"{cluster_path}/compute_settings")
    paused = await world.ok(
        "PATCH",
        f"{cluster_path}/compute_settings",
        json={"auto_scaling_enabled": False},
        headers={"If-Match": settings["etag"]},
    )
    assert paused["auto_scaling"] == "paused"
    for action, state in (
        (f"POST {cluster_path}:suspend", "suspended"),
        (f"POST {cluster_path}:resume", "active"),
        (f"DELETE {cluster_path}", "deleted"),
    ):
        method, _, url = action.partition(" ")
        etag = (await world.ok("GET", cluster_path))["etag"]
        assert (await world.call(method, url, headers={"If-Match": etag})).status_code == 202
        world.later(60)
        assert world.truth("clusters")[0]["state"] == state


async def test_a_whole_life_uses_each_endpoint() -> None:
    async with new_akua() as world:
        await _look_around(world)
        await _read_inputs(world)
        install = await world.install()
        assert (await world.ok("GET", "/installs"))["data"] == [install]
        path = f"/installs/{install['id']}"
        assert (await world.ok("GET", f"{path}/status"))["health"] == "Healthy"
        assert (await world.ok("GET", f"{path}/pods"))["data"][0]["containers"] == ["web", "metrics"]
        logs = await world.call("GET", f"{path}/logs?follow=false")
        assert logs.text.endswith("event: end\ndata: {}\n\n")
        await _change(world, install)
        await _tear_down(world, install)
        region = await world.call("POST", "/regions", json={"name": "us-east"})
        assert region.status_code == 201
        created = await world.ok(
            "POST", "/clusters", json={"name": "second", "region_id": region.json()["id"]}
        )
        cancelled = await world.call("POST", f"/operations/{created['id']}:cancel")
        assert (cancelled.status_code, cancelled.json()["state"]) == (202, "RUNNING")
        world.later(5)
        waited = await world.ok("POST", f"/operations/{created['id']}:wait")
        assert (waited["state"], waited["done"]) == ("CANCELLED", True)
        source = {"kind": "helm", "repo_url": "oci://registry.example.com/shop", "target_revision": "2.0.1"}
        await world.ok("POST", "/packages", json={"name": "shop", "sources": [source]})
        listed = (await world.ok("GET", "/operations"))["data"]
        assert [operation["metadata"]["type"] for operation in listed[:2]] == [
            "package.create",
            "cluster.create",
        ]
        assert len(world.truth("requests")) == PLAYED


async def test_what_exists_and_is_not_played_is_501() -> None:
    async with new_akua() as world:
        for method, path in unplayed():
            url = path.replace("/*", "/api/v1/pods")
            for name in ("id", "vid", "wbs_id", "userId", "version"):
                url = url.replace(f"{{{name}}}", "x")
            response = await world.call(method, url.replace("{", "").replace("}", ""))
            assert (response.status_code, response.json()["errors"][0]["code"]) == (501, 9001), path
    assert len(list(unplayed())) == 232 - PLAYED + 5


@pytest.mark.parametrize(
    "path", ["/nothing", "/installs/x:explode", "/installs/x/renders/y/z", "/quotas/compute/machines"]
)
async def test_what_does_not_exist_is_404(path: str) -> None:
    async with new_akua() as world:
        for method, url in (("GET", path), ("PUT", "/installs")):
            response = await world.call(method, url)
            assert (response.status_code, response.json()["errors"][0]["code"]) == (404, 7003)


async def test_paths_have_a_prefix() -> None:
    async with new_akua() as world:
        response = await world.http.get(world.akua.url.replace("/v1", "/v2") + "/workspaces")
        assert response.status_code == 404


async def test_an_action_may_come_with_its_colon_quoted() -> None:
    async with new_akua() as world:
        operation = await world.begin()
        world.later(60)
        waited = await world.ok("POST", f"/operations/{operation['id']}%3Await?timeout=1")
        assert waited["state"] == "SUCCEEDED"
