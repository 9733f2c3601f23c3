"""Clusters, and the settings that decide how many machines they rent."""

from __future__ import annotations

from typing import Any

from akash_mcp.sandbox.akua.backend import Backend, find, refuse_stale
from akash_mcp.sandbox.akua.endpoint import Answer, Call, Endpoint
from akash_mcp.sandbox.akua.errors import Refused
from akash_mcp.sandbox.akua.operations import HTML
from akash_mcp.sandbox.akua.records import Cluster
from akash_mcp.sandbox.akua.schemas import COMPUTE_SETTINGS, CREATE_CLUSTER
from akash_mcp.sandbox.akua.world import seen


def endpoints(backend: Backend) -> list[Endpoint]:
    """Its routes."""
    world, life = backend.world, backend.clusters

    def list_clusters(call: Call) -> Answer:
        clusters = [c for c in seen(world.clusters.values(), call.workspaces) if c.state != "deleted"]
        page = backend.pages.page(call.line, call.query, clusters, _cluster)
        return Answer(lambda: page)

    def create(call: Call) -> Answer:
        region = find(world.regions, call, call.body["region_id"], "Region", ("args", "regionId"))
        if call.body.get("network_profile") == "mixed_os_calico":
            raise Refused(403, "The network profile mixed_os_calico is not enabled for this workspace.")
        return Answer(life.create(call.workspace, region, call.body["name"], call.line).tell, 202)

    def get(call: Call) -> Answer:
        cluster = backend.cluster(call)
        return Answer(lambda: _cluster(cluster))

    def delete(call: Call) -> Answer:
        return Answer(life.delete(_matched(call), call.line).tell, 202)

    def suspend(call: Call) -> Answer:
        return Answer(life.suspend(_matched(call), call.line).tell, 202)

    def resume(call: Call) -> Answer:
        return Answer(life.resume(_matched(call), call.line).tell, 202)

    def get_settings(call: Call) -> Answer:
        cluster = backend.cluster(call)
        return Answer(lambda: _settings(backend, cluster))

    def update_settings(call: Call) -> Answer:
        cluster = backend.cluster(call)
        staled = f"{cluster.id} settings"
        if staled not in backend.made_stale and backend.faults.take("stale-etag", call.line):
            backend.made_stale.add(staled)
            cluster.settings_etag = world.new_etag()
        refuse_stale(call, cluster.settings_etag)
        life.set_compute(
            cluster,
            is_scaling=call.body.get("auto_scaling_enabled"),
            max_machines=call.body.get("max_machines"),
        )
        return Answer(lambda: _settings(backend, cluster))

    def _matched(call: Call) -> Cluster:
        cluster = backend.cluster(call)
        backend.match(call, cluster)
        return cluster

    settings = "/clusters/{id}/compute_settings"
    return [
        Endpoint("GET", "/clusters", list_clusters, paged=True),
        Endpoint("POST", "/clusters", create, body=CREATE_CLUSTER, key="optional"),
        Endpoint("GET", "/clusters/{id}", get),
        Endpoint("DELETE", "/clusters/{id}", delete, if_match="required", key="optional"),
        Endpoint("POST", "/clusters/{id}:suspend", suspend, if_match="required", key="optional"),
        Endpoint("POST", "/clusters/{id}:resume", resume, if_match="required", key="optional"),
        Endpoint("GET", settings, get_settings),
        Endpoint("PATCH", settings, update_settings, body=COMPUTE_SETTINGS, if_match="required"),
    ]


def _cluster(cluster: Cluster) -> dict[str, Any]:
    return {
        "id": cluster.id,
        "html_url": f"{HTML}/clusters/{cluster.id}",
        "name": cluster.name,
        "workspace_id": cluster.workspace_id,
        "state": cluster.state,
        "provider": "managed_kaas",
        "reconciling": cluster.reconciling,
        "created_at": cluster.created_at,
        "updated_at": cluster.updated_at,
        "etag": cluster.etag,
    }


def _settings(backend: Backend, cluster: Cluster) -> dict[str, Any]:
    return {
        "auto_scaling": "active" if cluster.auto_scaling else "paused",
        "machines": len(backend.world.machines_of(cluster)),
        "max_machines": cluster.max_machines,
        "updated_at": cluster.settings_updated_at,
        "etag": cluster.settings_etag,
    }
