"""Clusters, the machines that they rent for their installs, and what a plan allows."""

from __future__ import annotations

import pytest
from sandbox_akua import errors, headers_for, new_akua, states

pytestmark = pytest.mark.anyio


async def test_a_first_install_rents_a_machine_and_the_last_deletion_gives_it_back() -> None:
    async with new_akua() as world:
        cluster = await world.first("/clusters")
        settings = f"/clusters/{cluster['id']}/compute_settings"
        assert (await world.ok("GET", settings))["machines"] == 0
        install = await world.install()
        await world.install(initial_values={"hostname": "second.example.com"})
        assert (await world.ok("GET", settings))["machines"] == 1  # as many as the plan allows
        world.later(3600)
        (machine,) = world.truth("machines")
        assert 1 < machine["hours"] < 1.1
        path = f"/installs/{install['id']}"
        await world.ok("DELETE", path, headers=await headers_for(world, path, "d"))
        world.later(60)
        assert (await world.ok("GET", settings))["machines"] == 1  # for the other one


async def test_a_larger_plan_rents_a_machine_for_each_install_up_to_the_limit_of_the_cluster() -> None:
    async with new_akua(plan="pro") as world:
        cluster = await world.first("/clusters")
        path = f"/clusters/{cluster['id']}/compute_settings"
        for limit, status in ((4, 403), (2, 200)):
            response = await world.call(
                "PATCH", path, json={"max_machines": limit}, headers=await headers_for(world, path, "")
            )
            assert response.status_code == status
        for number in range(3):
            await world.install(initial_values={"hostname": f"n{number}.example.com"})
        assert len(world.truth("machines")) == 2


async def test_the_clusters_of_a_workspace_share_the_machines_of_its_plan() -> None:
    async with new_akua(plan="pro") as world:
        first, region = await world.first("/clusters"), await world.first("/regions")
        body = {"name": "second", "region_id": region["id"]}
        second = (await world.ok("POST", "/clusters", json=body))["owner_id"]
        world.later(60)
        for cluster in (first["id"], second):
            path = f"/clusters/{cluster}/compute_settings"
            headers = await headers_for(world, path, "x")
            await world.ok("PATCH", path, json={"max_machines": 3}, headers=headers)
            for number in range(2):
                values = {"hostname": f"n{number}.example.com"}
                await world.install(cluster_id=cluster, initial_values=values)
        assert len(world.truth("machines")) == 3


async def test_an_install_without_a_machine_is_degraded_until_there_is_one() -> None:
    async with new_akua() as world:
        cluster = await world.first("/clusters")
        path = f"/clusters/{cluster['id']}/compute_settings"
        await world.ok(
            "PATCH",
            path,
            json={"auto_scaling_enabled": False},
            headers=await headers_for(world, path, "x"),
        )
        install = await world.install()
        assert install["state"] == "degraded"
        status = await world.ok("GET", f"/installs/{install['id']}/status")
        assert status["resources"][0]["health"]["message"] == "0/0 nodes are available"
        await world.ok(
            "PATCH",
            path,
            json={"auto_scaling_enabled": True},
            headers=await headers_for(world, path, "x"),
        )
        assert (await world.ok("GET", f"/installs/{install['id']}"))["state"] == "healthy"


async def test_a_suspended_cluster_runs_nothing_and_costs_no_machine() -> None:
    async with new_akua() as world:
        install = await world.install()
        path = f"/clusters/{install['cluster_id']}"
        await world.ok("POST", f"{path}:suspend", headers=await headers_for(world, path, "s"))
        world.later(30)
        assert (await world.ok("GET", f"/installs/{install['id']}"))["state"] == "degraded"
        assert (await world.ok("GET", f"{path}/compute_settings"))["machines"] == 0
        for body in (await world.wish(), await world.wish(cluster_id=install["cluster_id"])):
            assert (await world.call("POST", "/installs", json=body)).status_code == 409
        again = await world.call("POST", f"{path}:suspend", headers=await headers_for(world, path, "t"))
        assert again.status_code == 409
        await world.ok("POST", f"{path}:resume", headers=await headers_for(world, path, "r"))
        world.later(30)
        assert (await world.ok("GET", f"/installs/{install['id']}"))["state"] == "healthy"


async def test_an_install_that_is_being_deleted_is_not_healthy_on_a_suspended_cluster() -> None:
    async with new_akua() as world:
        install = await world.install()
        path, cluster = f"/installs/{install['id']}", f"/clusters/{install['cluster_id']}"
        await world.akua.inject("operation-stuck", count=1)
        await world.ok("DELETE", path, headers=await headers_for(world, path, "d"))
        await world.ok("POST", f"{cluster}:suspend", headers=await headers_for(world, cluster, "s"))
        world.later(30)
        assert (await world.ok("GET", path))["state"] == "degraded"


async def test_a_cluster_with_installs_cannot_be_deleted() -> None:
    async with new_akua(installs=1) as world:
        path = f"/clusters/{(await world.first('/clusters'))['id']}"
        response = await world.call("DELETE", path, headers=await headers_for(world, path, "d"))
        assert response.status_code == 409


async def test_a_workspace_without_regions_gets_one_and_a_cluster_in_a_minute() -> None:
    async with new_akua(token="broad") as world:
        world.http.headers["Akua-Context"] = world.akua.workspaces[1]["id"]
        assert (await world.ok("GET", "/regions"))["data"] == []
        region = await world.ok("POST", "/regions", json={"name": "eu"})
        assert (await world.call("POST", "/regions", json={"name": "eu"})).status_code == 409
        body = {"name": "first", "region_id": region["id"]}
        operation = await world.ok("POST", "/clusters", json=body)
        path = f"/clusters/{operation['owner_id']}"
        assert await states(world, path, 0, 10, 45, 5) == [
            "pending",
            "provisioning",
            "provisioning",
            "active",
        ]
        assert (await world.operation(operation))["response"]["cluster_id"] == operation["owner_id"]


@pytest.mark.parametrize("status", [403, 429])
async def test_a_plan_has_an_end(status: int) -> None:
    async with new_akua(quota_status=status) as world:
        region = await world.first("/regions")
        body = {"name": "second", "region_id": region["id"]}
        refused, error = errors(await world.call("POST", "/clusters", json=body))
        assert (refused, error["metadata"]["metric"]) == (status, "compute/clusters")
        assert len(world.truth("clusters")) == 1


async def test_a_network_profile_that_is_not_enabled_is_403() -> None:
    async with new_akua() as world:
        region = await world.first("/regions")
        body = {"name": "second", "region_id": region["id"], "network_profile": "mixed_os_calico"}
        assert (await world.call("POST", "/clusters", json=body)).status_code == 403
        assert (
            await world.call("POST", "/clusters", json={**body, "network_profile": "x"})
        ).status_code == 422
