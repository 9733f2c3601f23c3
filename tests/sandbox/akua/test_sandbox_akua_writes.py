"""Writes that are sent twice, or by somebody who read something older."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox_akua import AkuaWorld, errors, new_akua

pytestmark = pytest.mark.anyio


async def _writes(world: AkuaWorld) -> list[tuple[str, str, dict[str, Any] | None]]:
    """Each write that needs If-Match, on things that are there."""
    install = await world.first("/installs")
    path, cluster = f"/installs/{install['id']}", f"/clusters/{install['cluster_id']}"
    render = await world.first(f"{path}/renders")
    version = (await world.versions())["1.0.0"]
    return [
        ("POST", f"{path}:update", {"package_version_id": version}),
        ("POST", f"{path}:restore", {"render_id": render["id"]}),
        ("DELETE", path, None),
        ("PATCH", f"{cluster}/compute_settings", {"max_machines": 0}),
        ("POST", f"{cluster}:suspend", None),
        ("POST", f"{cluster}:resume", None),
        ("DELETE", cluster, None),
    ]


async def test_a_write_without_if_match_is_refused() -> None:
    async with new_akua(installs=1) as world:
        for method, path, body in await _writes(world):
            status, error = errors(
                await world.call(method, path, json=body or {}, headers={"Idempotency-Key": "k"})
            )
            assert (status, error["path"]) == (400, ["headers", "If-Match"]), path


async def test_which_status_that_has_can_be_chosen() -> None:
    async with new_akua(installs=1, missing_header=422) as world:
        method, path, _ = (await _writes(world))[2]
        assert (await world.call(method, path)).status_code == 422


async def test_a_write_with_another_etag_is_409_and_tells_the_right_one() -> None:
    async with new_akua(installs=1) as world:
        for method, path, body in await _writes(world):
            headers = {"If-Match": "another", "Idempotency-Key": "k"}
            status, error = errors(await world.call(method, path, json=body or {}, headers=headers))
            resource = path.replace(":update", "").replace(":restore", "")
            resource = resource.replace(":suspend", "").replace(":resume", "")
            assert (status, error["metadata"]) == (
                409,
                {"etag": (await world.ok("GET", resource))["etag"]},
            )
            assert error["message"].startswith("ABORTED")
        assert world.truth("operations") == []


async def test_the_etag_of_a_cluster_is_not_the_one_of_its_settings() -> None:
    async with new_akua() as world:
        cluster = await world.first("/clusters")
        response = await world.call(
            "PATCH",
            f"/clusters/{cluster['id']}/compute_settings",
            json={"max_machines": 1},
            headers={"If-Match": cluster["etag"]},
        )
        assert response.status_code == 409


async def test_an_etag_is_another_after_each_write() -> None:
    async with new_akua() as world:
        operation = await world.begin()
        etags = []
        for seconds in (0, 5, 10, 30):  # pending, rendering, syncing, healthy
            world.later(seconds)
            etags.append((await world.ok("GET", f"/installs/{operation['owner_id']}"))["etag"])
        assert len(set(etags)) == 4
        assert (await world.ok("GET", f"/installs/{operation['owner_id']}"))["etag"] == etags[-1]


async def test_what_is_sent_twice_under_one_key_is_done_once() -> None:
    async with new_akua() as world:
        first = await world.begin("k")
        world.later(60)
        again = await world.begin("k")
        assert (again["id"], again["done"]) == (first["id"], True)
        assert len(world.truth("installs")) == len(world.truth("machines")) == 1
        assert world.truth("replays") == {"k": 1}


async def test_what_is_sent_twice_without_a_key_is_done_twice() -> None:
    async with new_akua() as world:
        assert (await world.begin())["id"] != (await world.begin())["id"]
        assert len(world.truth("installs")) == 2


async def test_a_key_of_another_request_is_409() -> None:
    async with new_akua(installs=1) as world:
        await world.begin("k")
        body = await world.wish(initial_values={"hostname": "other.example.com"})
        headers = {"Idempotency-Key": "k"}
        assert (await world.call("POST", "/installs", json=body, headers=headers)).status_code == 409
        # The same key is another one for another operation.
        source = {"kind": "helm", "repo_url": "oci://r.example.com/x", "target_revision": "1.0.0"}
        package = {"name": "x", "sources": [source]}
        assert (await world.call("POST", "/packages", json=package, headers=headers)).status_code == 202


async def test_a_key_of_the_same_write_to_something_else_is_409() -> None:
    async with new_akua(installs=2) as world:
        one, two = (await world.ok("GET", "/installs"))["data"]
        for install, status in ((one, 202), (two, 409)):
            headers = {"If-Match": install["etag"], "Idempotency-Key": "k"}
            response = await world.call("DELETE", f"/installs/{install['id']}", headers=headers)
            assert response.status_code == status


async def test_a_refused_request_does_not_use_its_key_up() -> None:
    async with new_akua() as world:
        headers = {"Idempotency-Key": "k"}
        body = await world.wish(initial_values={})
        assert (await world.call("POST", "/installs", json=body, headers=headers)).status_code == 422
        assert (await world.begin("k"))["state"] == "RUNNING"


@pytest.mark.parametrize("key", ["", "k" * 65])
async def test_a_key_has_1_to_64_characters(key: str) -> None:
    async with new_akua() as world:
        headers = {"Idempotency-Key": key}
        response = await world.call("POST", "/installs", json=await world.wish(), headers=headers)
        assert response.status_code == 400


async def test_an_update_and_a_restore_need_a_key() -> None:
    async with new_akua(installs=1) as world:
        for method, path, body in (await _writes(world))[:2]:
            etag = (await world.first("/installs"))["etag"]
            status, error = errors(await world.call(method, path, json=body, headers={"If-Match": etag}))
            assert (status, error["path"]) == (400, ["headers", "Idempotency-Key"])


async def test_a_deletion_is_answered_again_although_the_install_is_gone_no_more_than_once() -> None:
    async with new_akua(installs=1) as world:
        install = await world.first("/installs")
        headers = {"If-Match": install["etag"], "Idempotency-Key": "k"}
        first = await world.ok("DELETE", f"/installs/{install['id']}", headers=headers)
        again = await world.ok("DELETE", f"/installs/{install['id']}", headers=headers)
        world.later(60)
        after = await world.ok("DELETE", f"/installs/{install['id']}", headers=headers)
        assert first["id"] == again["id"] == after["id"]
        assert after["state"] == "SUCCEEDED"
        assert len(world.truth("operations")) == 1


async def test_the_same_key_in_another_workspace_is_another() -> None:
    async with new_akua(token="broad") as world:
        _, one, two = world.akua.workspaces
        made = []
        for workspace in (one, two):
            headers = {"Akua-Context": workspace["id"], "Idempotency-Key": "k"}
            region = await world.ok("POST", "/regions", json={"name": "r"}, headers=headers)
            body = {"name": "c", "region_id": region["id"]}
            made.append(await world.ok("POST", "/clusters", json=body, headers=headers))
        assert made[0]["id"] != made[1]["id"]
