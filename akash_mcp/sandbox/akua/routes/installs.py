"""Installs: listed, created from a package or a product, looked at, and deleted."""

from __future__ import annotations

from typing import Any

from akash_mcp.sandbox.akua.backend import Backend, find
from akash_mcp.sandbox.akua.endpoint import Answer, Call, Endpoint
from akash_mcp.sandbox.akua.errors import Refused, invalid, not_found
from akash_mcp.sandbox.akua.install_life import Wish
from akash_mcp.sandbox.akua.operations import HTML
from akash_mcp.sandbox.akua.pods import CONTAINERS, pods_of
from akash_mcp.sandbox.akua.records import Cluster, Install, Package, PackageVersion
from akash_mcp.sandbox.akua.schemas import CREATE_INSTALL, bounded, judge
from akash_mcp.sandbox.akua.world import World, seen

_HEALTH = {"healthy": "Healthy", "degraded": "Degraded", "failed": "Degraded"}


def endpoints(backend: Backend) -> list[Endpoint]:
    """Its routes."""
    world = backend.world

    def list_installs(call: Call) -> Answer:
        product = call.query.get("product_id")
        installs = [
            install
            for install in seen(world.installs.values(), call.workspaces)
            if install.state != "deleted" and product in (None, install.product_id)
        ]
        page = backend.pages.page(call.line, call.query, installs, lambda each: _install(world, each))
        return Answer(lambda: page)

    def create(call: Call) -> Answer:
        body = call.body
        find(world.regions, call, body["region_id"], "Region", ("args", "regionId"))
        if "product_id" in body:
            product = find(world.products, call, body["product_id"], "Product", ("args", "productId"))
            package, pin = world.packages[product.package_id], product.pin
        else:
            package = find(world.packages, call, body["package_id"], "Package", ("args", "packageId"))
            pin = body["package_version_pin"].get("version")
        version = _pinned(world, package, pin)
        values = body.get("initial_values", {})
        judge(version.input_schema, values, "initial_values")
        wish = Wish(_chosen_cluster(world, call), version, body.get("product_id"), values)
        key = call.key or world.new_etag()
        return Answer(backend.installs.create(wish, key, call.line).tell, 202)

    def get(call: Call) -> Answer:
        install = backend.install(call)
        return Answer(lambda: _install(world, install))

    def delete(call: Call) -> Answer:
        install = backend.install(call)
        backend.match(call, install)
        return Answer(backend.installs.delete(install, call.line).tell, 202)

    def get_status(call: Call) -> Answer:
        install = backend.install(call)
        return Answer(lambda: _status(world, install))

    def list_pods(call: Call) -> Answer:
        pods = [{"name": name, "containers": list(CONTAINERS)} for name in pods_of(backend.install(call))]
        return Answer(lambda: {"data": pods})

    return [
        Endpoint("GET", "/installs", list_installs, query={"product_id": bounded(55)}, paged=True),
        Endpoint("POST", "/installs", create, body=CREATE_INSTALL, key="optional"),
        Endpoint("GET", "/installs/{id}", get),
        Endpoint("DELETE", "/installs/{id}", delete, if_match="required", key="optional"),
        Endpoint("GET", "/installs/{id}/status", get_status),
        Endpoint("GET", "/installs/{id}/pods", list_pods),
    ]


def _pinned(world: World, package: Package, pin: str | None) -> PackageVersion:
    if pin is None:
        return world.versions[package.latest_version_id]
    for version in world.versions_of(package):
        if version.semver == pin:
            return version
    raise not_found("Package version", ("args", "packageVersionPin"))


def _chosen_cluster(world: World, call: Call) -> Cluster:
    """The cluster that was named, else the oldest active one of the region."""
    region_id = call.body["region_id"]
    if "cluster_id" in call.body:
        cluster = find(world.clusters, call, call.body["cluster_id"], "Cluster", ("args", "clusterId"))
        if cluster.region_id != region_id:
            raise invalid("The cluster is not in this region.", "args", "clusterId")
        if cluster.state != "active":
            raise Refused(409, f"The cluster is {cluster.state}.")
        return cluster
    for cluster in world.clusters.values():
        if cluster.region_id == region_id and cluster.state == "active":
            return cluster
    raise Refused(409, "The region has no active cluster.")


def _install(world: World, install: Install) -> dict[str, Any]:
    workspace = world.workspaces[install.workspace_id]
    return {
        "id": install.id,
        "html_url": f"{HTML}/installs/{install.id}",
        "workspace_id": install.workspace_id,
        "customer_workspace": {"id": workspace.id, "name": workspace.name},
        "cluster_id": install.cluster_id,
        **({} if install.product_id is None else {"product_id": install.product_id}),
        "package_version_id": install.package_version_id,
        "state": install.state,
        "reconciling": install.reconciling,
        "urls": _urls(install),
        "created_at": install.created_at,
        "updated_at": install.updated_at,
        "etag": install.etag,
    }


def _urls(install: Install) -> list[dict[str, Any]]:
    """None before it is synced. While it is changed, what ran before goes on answering."""
    if install.state in ("pending", "rendering") and install.running_since is None:
        return []
    is_up = install.running_since is not None and not install.is_doomed
    hostname = f"web-{install.id.partition('_')[2][:8]}.akua.example"
    return [
        {
            "route_key": "web",
            "hostname": hostname,
            "url": f"https://{hostname}",
            "protocol": "http",
            "routing_mode": "through_dispatcher",
            "status": "active" if is_up else "failed" if install.state == "failed" else "not_ready",
            "updated_at": install.updated_at,
        }
    ]


def _status(world: World, install: Install) -> dict[str, Any]:
    """What Argo tells of it, and nothing before it has an application there."""
    deployed = [render for render in world.renders_of(install) if render.state == "deployed"]
    is_known = install.state not in ("pending", "rendering") or bool(deployed)
    health = _HEALTH.get(install.state, "Progressing")
    phase = "Failed" if install.state == "failed" else "Running" if install.reconciling else "Succeeded"
    resource: dict[str, Any] = {
        "group": "apps",
        "version": "v1",
        "kind": "Deployment",
        "name": "web",
        "namespace": install.id.replace("_", "-"),
        "status": "OutOfSync" if install.reconciling else "Synced",
        "health": {"status": health},
    }
    if health == "Degraded":
        has_machine = bool(world.machines_of(world.clusters[install.cluster_id]))
        resource["health"]["message"] = (
            "Back-off restarting failed container web" if has_machine else "0/0 nodes are available"
        )
    return {
        "install_id": install.id,
        "health": health if is_known else None,
        "sync": resource["status"] if is_known else None,
        "revision": deployed[-1].commit_sha if deployed else None,
        "resources": [resource] if is_known else None,
        "operation_phase": phase if is_known else None,
        "updated_at": install.updated_at,
        "state": install.state,
        "reconciling": install.reconciling,
    }
