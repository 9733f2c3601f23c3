"""Workspaces with their state of access, what their plan allows, and their regions."""

from __future__ import annotations

from typing import Any

from akash_mcp.sandbox.akua.backend import Backend, find
from akash_mcp.sandbox.akua.endpoint import Answer, Call, Endpoint
from akash_mcp.sandbox.akua.errors import Refused, not_found
from akash_mcp.sandbox.akua.records import Region, Workspace
from akash_mcp.sandbox.akua.schemas import CREATE_REGION, bounded
from akash_mcp.sandbox.akua.world import seen


def endpoints(backend: Backend) -> list[Endpoint]:
    """Its routes."""
    world = backend.world

    def list_workspaces(call: Call) -> Answer:
        is_lost = backend.faults.take("lost-workspace", call.line)
        page = backend.pages.page(
            call.line, call.query, () if is_lost else call.workspaces, lambda w: _workspace(backend, w)
        )
        return Answer(lambda: page)

    def get_workspace(call: Call) -> Answer:
        workspace = find(world.workspaces, call, call.path["id"], "Workspace")
        return Answer(lambda: _workspace(backend, workspace))

    def get_access_state(call: Call) -> Answer:
        workspace = find(world.workspaces, call, call.path["id"], "Workspace")
        return Answer(lambda: _access_state(workspace))

    def list_quotas(call: Call) -> Answer:
        if "cluster_id" in call.query:
            find(world.clusters, call, call.query["cluster_id"], "Cluster", ("query", "cluster_id"))
        told = [backend.quotas.tell(metric, call.workspaces) for metric in backend.quotas.metrics]
        return Answer(lambda: {"data": told, "has_more": False, "next_cursor": None})

    def get_quota(call: Call) -> Answer:
        metric = call.path["metric"]
        if metric not in backend.quotas.metrics:
            raise not_found("Quota")
        return Answer(lambda: backend.quotas.tell(metric, call.workspaces))

    def list_regions(call: Call) -> Answer:
        regions = seen(world.regions.values(), call.workspaces)
        page = backend.pages.page(call.line, call.query, regions, _region)
        return Answer(lambda: page)

    def create_region(call: Call) -> Answer:
        name: str = call.body["name"]
        if any(region.name == name for region in seen(world.regions.values(), call.workspaces)):
            raise Refused(409, "A region of this name exists already.", path=("args", "name"))
        region = world.new_region(call.workspace.id, name, call.body.get("icon"))
        return Answer(lambda: _region(region), 201)

    return [
        Endpoint("GET", "/workspaces", list_workspaces, "optional", paged=True),
        Endpoint("GET", "/workspaces/{id}", get_workspace, "optional"),
        Endpoint("GET", "/workspaces/{id}/access_state", get_access_state, "optional"),
        Endpoint("GET", "/quotas", list_quotas, "optional", {"cluster_id": bounded(54)}),
        Endpoint("GET", "/quotas/{metric}", get_quota, "optional"),
        Endpoint("GET", "/regions", list_regions, paged=True),
        Endpoint("POST", "/regions", create_region, body=CREATE_REGION),
    ]


def _workspace(backend: Backend, workspace: Workspace) -> dict[str, Any]:
    return {
        "id": workspace.id,
        "name": workspace.name,
        "slug": workspace.slug,
        "plan": {"tier": backend.quotas.plan, "billed_by": "platform"},
        "workspace_class": "standard",
        "created_at": workspace.created_at,
        "updated_at": workspace.updated_at,
        "etag": workspace.etag,
    }


def _access_state(workspace: Workspace) -> dict[str, Any]:
    return {
        "workspace_id": workspace.id,
        "status": "active",
        "access_version": 1,
        "accessible": True,
        "reason": None,
        "reconciliation_status": "reconciled",
        "payment_grace_ends_at": None,
        "restricted_at": None,
        "suspend_at": None,
        "ended_at": None,
    }


def _region(region: Region) -> dict[str, Any]:
    return {
        "id": region.id,
        "name": region.name,
        "icon": region.icon,
        "workspace_id": region.workspace_id,
        "created_at": region.created_at,
    }
