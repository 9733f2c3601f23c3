"""What happens as time passes: operations step by step, packages, and installs until they are deleted."""

from __future__ import annotations

import time
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from sandbox_akua import VALUES, headers_for, new_akua, states

pytestmark = pytest.mark.anyio


async def test_an_install_gets_healthy_in_three_quarters_of_a_minute() -> None:
    async with new_akua() as world:
        operation = await world.begin()
        assert (operation["owner_type"], operation["state"]) == ("install", "RUNNING")
        path = f"/installs/{operation['owner_id']}"
        assert await states(world, path, 0, 5, 10, 20, 10) == [
            "pending",
            "rendering",
            "syncing",
            "syncing",
            "healthy",
        ]
        done = await world.operation(operation)
        assert (done["done"], done["response"]["install_id"]) == (True, operation["owner_id"])
        assert done["completed_at"] - done["started_at"] == 45


async def test_the_steps_of_an_operation_can_be_watched() -> None:
    async with new_akua() as world:
        operation = await world.begin()
        world.later(6)
        steps = (await world.operation(operation))["steps"]
        assert [step["status"] for step in steps] == ["completed", "running", "pending", "pending"]
        assert (steps[0]["completed_at"], steps[1]["completed_at"]) == (operation["started_at"] + 5, None)


async def test_a_terminal_operation_never_changes() -> None:
    async with new_akua() as world:
        operation = await world.begin()
        world.later(60)
        done = await world.operation(operation)
        install = await world.ok("GET", f"/installs/{operation['owner_id']}")
        await world.ok("DELETE", f"/installs/{install['id']}", headers={"If-Match": install["etag"]})
        refused = await world.call("POST", f"/operations/{operation['id']}:cancel")
        assert refused.status_code == 422
        world.later(600)
        assert await world.operation(operation) == done


async def test_a_wait_ends_as_soon_as_the_operation_does() -> None:
    async with new_akua(speed=1000, monotonic=time.monotonic) as world:
        operation = await world.begin()
        waited = await world.ok("POST", f"/operations/{operation['id']}:wait?timeout=60")
        assert waited["state"] == "SUCCEEDED"


async def test_a_wait_ends_when_its_time_is_over() -> None:
    async with new_akua() as world:
        operation = await world.begin()
        started = anyio.current_time()
        waited = await world.ok("POST", f"/operations/{operation['id']}:wait?timeout=1")
        assert 0.9 < anyio.current_time() - started < 5
        assert waited["done"] is False


async def test_a_wait_ends_when_somebody_turns_the_clock() -> None:
    async with new_akua() as world:
        operation = await world.begin()
        ended: list[Any] = []

        async def wait() -> None:
            ended.append(await world.ok("POST", f"/operations/{operation['id']}:wait?timeout=60"))

        async with anyio.create_task_group() as waiting:
            waiting.start_soon(wait)
            while "POST /operations/{id}:wait" not in world.truth("requests"):
                await checkpoint()
            clock = f"{world.akua.control_url}/_sandbox/clock"
            await world.http.post(clock, json={"skip": 50})
        assert ended[0]["state"] == "SUCCEEDED"


async def test_whoever_waits_with_automine_waits_for_nothing() -> None:
    async with new_akua(automine=True) as world:
        operation = await world.begin()
        waited = await world.ok("POST", f"/operations/{operation['id']}:wait?timeout=60")
        assert (waited["state"], world.truth("elapsed_seconds")) == ("SUCCEEDED", 45)


async def test_a_cancelled_operation_ends_a_little_later() -> None:
    async with new_akua() as world:
        operation = await world.begin()
        cancelled = await world.call("POST", f"/operations/{operation['id']}:cancel")
        assert (cancelled.status_code, cancelled.json()["done"]) == (202, False)
        world.later(3)
        ended = await world.operation(operation)
        assert (ended["state"], ended["done"], ended["response"]) == ("CANCELLED", True, None)
        assert ended["error"]["message"]
        install = await world.ok("GET", f"/installs/{operation['owner_id']}")
        assert (install["state"], install["reconciling"]) == ("failed", False)


async def test_an_update_changes_the_version_once_its_render_has_arrived() -> None:
    async with new_akua() as world:
        install = await world.install()
        path, versions = f"/installs/{install['id']}", await world.versions()
        body = {"package_version_id": versions["1.1.0"]}
        changed = await world.ok(
            "POST", f"{path}:update", json=body, headers=await headers_for(world, path, "k")
        )
        assert changed["install"]["current_version"]["semver"] == "1.0.0"
        assert changed["install"]["desired_version"]["semver"] == "1.1.0"
        before = await world.ok("GET", path)
        assert (before["package_version_id"], before["reconciling"]) == (versions["1.0.0"], True)
        assert before["urls"][0]["status"] == "active"
        world.later(30)
        after = await world.ok("GET", path)
        assert (after["package_version_id"], after["state"]) == (versions["1.1.0"], "healthy")
        render = await world.ok("GET", f"{path}/renders/{changed['render']['id']}")
        assert (render["state"], render["package_version_id"]) == ("deployed", versions["1.1.0"])
        assert (await world.ok("GET", f"{path}/status"))["revision"] == render["commit_sha"]


async def test_a_restore_brings_back_the_version_of_its_render() -> None:
    async with new_akua() as world:
        install = await world.install()
        path, versions = f"/installs/{install['id']}", await world.versions()
        (first,) = (await world.ok("GET", f"{path}/renders"))["data"]
        body = {"package_version_id": versions["1.1.0"]}
        await world.ok("POST", f"{path}:update", json=body, headers=await headers_for(world, path, "k"))
        world.later(30)
        restored = await world.ok(
            "POST",
            f"{path}:restore",
            json={"render_id": first["id"]},
            headers=await headers_for(world, path, "r"),
        )
        assert restored["render"]["restored_from_render_id"] == first["id"]
        world.later(30)
        assert (await world.ok("GET", path))["package_version_id"] == versions["1.0.0"]
        assert len((await world.ok("GET", f"{path}/renders"))["data"]) == 3


async def test_an_update_to_what_it_is_already_renders_nothing() -> None:
    async with new_akua() as world:
        install = await world.install()
        path = f"/installs/{install['id']}"
        body = {"package_version_id": install["package_version_id"]}
        changed = await world.ok(
            "POST", f"{path}:update", json=body, headers=await headers_for(world, path, "k")
        )
        assert changed["render"] is None


async def test_one_change_at_a_time() -> None:
    async with new_akua() as world:
        install = await world.install()
        path, versions = f"/installs/{install['id']}", await world.versions()
        body = {"package_version_id": versions["1.1.0"]}
        await world.ok("POST", f"{path}:update", json=body, headers=await headers_for(world, path, "k"))
        again = await world.call(
            "POST", f"{path}:update", json=body, headers=await headers_for(world, path, "k2")
        )
        assert again.status_code == 409
        assert (await world.call("POST", f"{path}/renders", json={})).status_code == 409


async def test_a_version_of_another_package_and_a_render_of_another_install_are_404() -> None:
    async with new_akua(installs=2) as world:
        source = {"kind": "helm", "repo_url": "oci://r.example.com/x", "target_revision": "3.0.0"}
        await world.ok("POST", "/packages", json={"name": "x", "sources": [source]})
        world.later(30)
        newest = await world.first("/packages")
        one, two = (await world.ok("GET", "/installs"))["data"]
        render = await world.first(f"/installs/{two['id']}/renders")
        path = f"/installs/{one['id']}"
        for action, body in (
            ("update", {"package_version_id": newest["latest_version_id"]}),
            ("restore", {"render_id": render["id"]}),
        ):
            headers = await headers_for(world, path, action)
            response = await world.call("POST", f"{path}:{action}", json=body, headers=headers)
            assert response.status_code == 404


async def test_a_render_that_failed_cannot_be_restored() -> None:
    async with new_akua() as world:
        install = await world.install()
        path, versions = f"/installs/{install['id']}", await world.versions()
        await world.akua.inject("operation-fails", count=1)
        body = {"package_version_id": versions["1.1.0"]}
        changed = await world.ok(
            "POST", f"{path}:update", json=body, headers=await headers_for(world, path, "k")
        )
        world.later(60)
        after = await world.ok("GET", path)
        assert (after["state"], after["package_version_id"]) == ("healthy", versions["1.0.0"])
        response = await world.call(
            "POST",
            f"{path}:restore",
            json={"render_id": changed["render"]["id"]},
            headers=await headers_for(world, path, "r"),
        )
        assert response.status_code == 409


async def test_an_install_can_be_deleted_while_it_is_created() -> None:
    async with new_akua() as world:
        operation = await world.begin()
        path = f"/installs/{operation['owner_id']}"
        world.later(20)
        deleting = await world.ok("DELETE", path, headers=await headers_for(world, path, "d"))
        world.later(4)
        assert (await world.operation(operation))["state"] == "CANCELLED"
        assert (await world.ok("GET", path))["reconciling"] is True
        again = await world.call("DELETE", path, headers=await headers_for(world, path, "d2"))
        assert again.status_code == 409
        world.later(20)
        assert (await world.operation(deleting))["state"] == "SUCCEEDED"
        assert (await world.call("GET", path)).status_code == 404
        assert [machine["removed"] is None for machine in world.truth("machines")] == [False]


async def test_a_creation_that_ends_while_it_is_cancelled_leaves_its_deletion_alone() -> None:
    async with new_akua() as world:
        operation = await world.begin()
        path = f"/installs/{operation['owner_id']}"
        world.later(42)
        await world.ok("DELETE", path, headers=await headers_for(world, path, "d"))
        world.later(3)
        assert (await world.operation(operation))["state"] == "SUCCEEDED"  # before its worker could stop
        assert (await world.ok("GET", path))["reconciling"] is True
        world.later(20)
        assert (await world.call("GET", path)).status_code == 404


async def test_an_install_whose_deletion_failed_runs_on() -> None:
    async with new_akua() as world:
        operation = await world.begin()
        path = f"/installs/{operation['owner_id']}"
        world.later(42)
        await world.akua.inject("operation-fails", count=1)
        await world.ok("DELETE", path, headers=await headers_for(world, path, "d"))
        world.later(20)
        install = await world.ok("GET", path)
        assert (install["state"], install["reconciling"]) == ("healthy", False)


async def test_a_package_is_there_in_twenty_seconds_with_inputs_of_its_values() -> None:
    async with new_akua() as world:
        source = {
            "kind": "helm",
            "repo_url": "oci://registry.example.com/charts/shop",
            "target_revision": "2.0.1",
            "values": {"replicas": 2, "debug": False, "tags": ["a"]},
        }
        operation = await world.ok("POST", "/packages", json={"name": "shop", "sources": [source]})
        world.later(19)
        assert (await world.first("/packages"))["name"] == "demo-web"
        world.later(1)
        told = (await world.operation(operation))["response"]
        path = f"/packages/{told['package_id']}/versions/{told['package_version_id']}"
        assert (await world.ok("GET", path))["semver"] == "2.0.1"
        inputs = await world.ok("GET", f"{path}/inputs")
        assert inputs["properties"]["replicas"] == {"type": "integer", "default": 2}
        for wrong in ({"repo_url": "https://registry.example.com"}, {"kind": "oci"}, {"surprise": 1}):
            body = {"name": "x", "sources": [{**source, **wrong}]}
            assert (await world.call("POST", "/packages", json=body)).status_code == 422
        assert (
            await world.call("POST", "/packages", json={"name": "x", "sources": [source, source]})
        ).status_code == 422


async def test_the_newer_contract_builds_a_package_from_a_repository() -> None:
    async with new_akua() as world:
        repository = await world.first("/repositories?purpose=package")
        source = {"kind": "hosted", "repository_id": repository["id"], "ref": "main"}
        body = {"name": "x", "sources": [source], "keep_source_repository": True}
        operation = await world.ok("POST", "/packages", json=body)
        world.later(20)
        assert (await world.operation(operation))["state"] == "SUCCEEDED"
        body["sources"] = [{**source, "repository_id": "repo_x"}]
        assert (await world.call("POST", "/packages", json=body)).status_code == 404


async def test_an_operation_may_not_know_its_install_at_once() -> None:
    async with new_akua(is_owner_late=True) as world:
        operation = await world.begin()
        assert operation["owner_id"] == ""
        world.later(5)
        named = (await world.operation(operation))["owner_id"]
        assert (await world.ok("GET", f"/installs/{named}"))["state"] == "rendering"


async def test_values_are_kept_for_the_next_version() -> None:
    async with new_akua() as world:
        await world.install()
        assert world.truth("installs")[0]["values"] == VALUES
