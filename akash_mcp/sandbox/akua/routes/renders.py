"""What changes an install: another version, an older render again, or its manifests anew."""

from __future__ import annotations

from typing import Any

from akash_mcp.sandbox.akua.backend import Backend, find
from akash_mcp.sandbox.akua.endpoint import Answer, Call, Endpoint, Handler
from akash_mcp.sandbox.akua.errors import not_found
from akash_mcp.sandbox.akua.records import Install, PackageVersion, Render
from akash_mcp.sandbox.akua.schemas import CREATE_RENDER, RESTORE_INSTALL, UPDATE_INSTALL
from akash_mcp.sandbox.akua.world import World


def endpoints(backend: Backend) -> list[Endpoint]:
    """Its routes."""
    world, life = backend.world, backend.installs

    def list_renders(call: Call) -> Answer:
        renders = world.renders_of(backend.install(call))
        page = backend.pages.page(call.line, call.query, renders, _render)
        return Answer(lambda: page)

    def get(call: Call) -> Answer:
        render = _found(call, backend.install(call), call.path["render_id"])
        return Answer(lambda: _render(render))

    def create(call: Call) -> Answer:
        render = life.render(backend.install(call), call.body, call.line)
        return Answer(lambda: _render(render), 201)

    def update(call: Call) -> Answer:
        install = backend.install(call)
        path = ("args", "packageVersionId")
        wanted = find(world.versions, call, call.body["package_version_id"], "Package version", path)
        if wanted.package_id != world.versions[install.package_version_id].package_id:
            raise not_found("Package version", path)
        backend.match(call, install)
        render = life.update(install, wanted, call.line)
        return Answer(lambda: _mutation(world, install, render), 202)

    def restore(call: Call) -> Answer:
        install = backend.install(call)
        wanted = _found(call, install, call.body["render_id"])
        backend.match(call, install)
        render = life.restore(install, wanted, call.line)
        return Answer(lambda: _mutation(world, install, render), 202)

    def _found(call: Call, install: Install, wanted: str) -> Render:
        render = find(world.renders, call, wanted, "Render")
        if render.install_id != install.id:
            raise not_found("Render")
        return render

    def write(action: str, handler: Handler, body: dict[str, Any]) -> Endpoint:
        path = f"/installs/{{id}}:{action}"
        return Endpoint("POST", path, handler, body=body, if_match="required", key="required")

    renders = "/installs/{id}/renders"
    return [
        Endpoint("GET", renders, list_renders, paged=True),
        Endpoint("POST", renders, create, body=CREATE_RENDER, key="optional"),
        Endpoint("GET", f"{renders}/{{render_id}}", get),
        write("update", update, UPDATE_INSTALL),
        write("restore", restore, RESTORE_INSTALL),
    ]


def _render(render: Render) -> dict[str, Any]:
    return {
        "id": render.id,
        "workspace_id": render.workspace_id,
        "install_id": render.install_id,
        "operation_id": render.operation_id,
        "repository_change_request_id": None,
        "render_hash": render.render_hash,
        "commit_sha": render.commit_sha,
        "package_version_id": render.package_version_id,
        "restored_from_render_id": render.restored_from,
        "state": render.state,
        "message": render.message,
        "created_at": render.created_at,
        "updated_at": render.updated_at,
    }


def _mutation(world: World, install: Install, render: Render | None) -> dict[str, Any]:
    return {
        "install": {
            "id": install.id,
            "current_version": _summary(world.versions[install.package_version_id]),
            "desired_version": _summary(world.versions[install.desired_version_id]),
            "automatic_updates_enabled": False,
            "updated_at": install.updated_at,
            "etag": install.etag,
        },
        "render": None if render is None else _render(render),
    }


def _summary(version: PackageVersion) -> dict[str, Any]:
    return {"id": version.id, "semver": version.semver}
