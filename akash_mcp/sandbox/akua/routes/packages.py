"""What can be installed: packages with their versions and inputs, products, and the repositories behind them."""

from __future__ import annotations

from typing import Any

from akash_mcp.sandbox.akua.backend import Backend, find
from akash_mcp.sandbox.akua.endpoint import Answer, Call, Endpoint
from akash_mcp.sandbox.akua.errors import not_found
from akash_mcp.sandbox.akua.operations import HTML
from akash_mcp.sandbox.akua.records import Package, PackageVersion, Product, Repository
from akash_mcp.sandbox.akua.schemas import CREATE_PACKAGE, one_of
from akash_mcp.sandbox.akua.world import seen


def endpoints(backend: Backend) -> list[Endpoint]:
    """Its routes."""
    world = backend.world

    def list_packages(call: Call) -> Answer:
        packages = seen(world.packages.values(), call.workspaces)
        is_full = call.query.get("view") == "full"
        page = backend.pages.page(call.line, call.query, packages, lambda p: _package(p, is_full=is_full))
        return Answer(lambda: page)

    def create(call: Call) -> Answer:
        source = call.body["sources"][0]
        if source["kind"] == "hosted":
            path = ("args", "sources", "0", "repositoryId")
            find(world.repositories, call, source["repository_id"], "Repository", path)
        key = call.key or world.new_etag()
        return Answer(backend.packages.create(call.workspace, call.body, key, call.line).tell, 202)

    def get(call: Call) -> Answer:
        package = _found(call)
        return Answer(lambda: _package(package, is_full=call.query.get("view") == "full"))

    def list_versions(call: Call) -> Answer:
        versions = world.versions_of(_found(call))
        page = backend.pages.page(call.line, call.query, versions, _version)
        return Answer(lambda: page)

    def get_version(call: Call) -> Answer:
        version = _found_version(call)
        return Answer(lambda: _version(version))

    def get_inputs(call: Call) -> Answer:
        return Answer(lambda: _found_version(call).input_schema)

    def list_products(call: Call) -> Answer:
        products = seen(world.products.values(), call.workspaces)
        page = backend.pages.page(call.line, call.query, products, _told_product)
        return Answer(lambda: page)

    def get_product(call: Call) -> Answer:
        product = find(world.products, call, call.path["id"], "Product")
        return Answer(lambda: _told_product(product))

    def list_repositories(call: Call) -> Answer:
        purpose = call.query.get("purpose")
        repositories = [
            repository
            for repository in seen(world.repositories.values(), call.workspaces)
            if purpose in (None, repository.purpose)
        ]
        page = backend.pages.page(call.line, call.query, repositories, _repository)
        return Answer(lambda: page)

    def get_repository(call: Call) -> Answer:
        repository = find(world.repositories, call, call.path["id"], "Repository")
        return Answer(lambda: _repository(repository))

    def _found(call: Call) -> Package:
        return find(world.packages, call, call.path["id"], "Package")

    def _found_version(call: Call) -> PackageVersion:
        version = find(world.versions, call, call.path["version_id"], "Package version")
        if version.package_id != _found(call).id:
            raise not_found("Package version")
        return version

    def _told_product(product: Product) -> dict[str, Any]:
        return _product(product, world.packages[product.package_id])

    view = {"view": one_of("basic", "full")}
    purpose = {"purpose": one_of("deploy", "package", "repository_change_request", "workspace")}
    version = "/packages/{id}/versions/{version_id}"
    return [
        Endpoint("GET", "/packages", list_packages, query=view, paged=True),
        Endpoint("POST", "/packages", create, body=CREATE_PACKAGE, key="optional"),
        Endpoint("GET", "/packages/{id}", get, query=view),
        Endpoint("GET", "/packages/{id}/versions", list_versions, paged=True),
        Endpoint("GET", version, get_version),
        Endpoint("GET", f"{version}/inputs", get_inputs),
        Endpoint("GET", "/products", list_products, paged=True),
        Endpoint("GET", "/products/{id}", get_product),
        Endpoint("GET", "/repositories", list_repositories, query={**purpose, **view}, paged=True),
        Endpoint("GET", "/repositories/{id}", get_repository, query=view),
    ]


def _package(package: Package, *, is_full: bool) -> dict[str, Any]:
    return {
        "id": package.id,
        "html_url": f"{HTML}/packages/{package.id}",
        "workspace_id": package.workspace_id,
        "name": package.name,
        "latest_version_id": package.latest_version_id,
        "description": package.description,
        "display_image_url": package.display_image_url,
        "source": {"kind": "hosted", "repository_id": package.repository_id},
        **({"composed_from_sources": None} if is_full else {}),
        "created_at": package.created_at,
        "etag": package.etag,
    }


def _version(version: PackageVersion) -> dict[str, Any]:
    return {
        "id": version.id,
        "package_id": version.package_id,
        "semver": version.semver,
        "ref": version.ref,
        "input_schema": version.input_schema,
        "published_at": version.created_at,
        "created_at": version.created_at,
        "etag": version.etag,
    }


def _product(product: Product, package: Package) -> dict[str, Any]:
    pin = {"kind": "latest"} if product.pin is None else {"kind": "pinned", "version": product.pin}
    return {
        "id": product.id,
        "html_url": f"{HTML}/products/{product.id}",
        "name": product.name,
        "workspace_id": product.workspace_id,
        "package": {
            "id": package.id,
            "version_pin": pin,
            "default_version_id": package.latest_version_id,
        },
        "marketplace": {"published": False},
        "state": "active",
        "created_at": product.created_at,
        "updated_at": product.updated_at,
        "etag": product.etag,
    }


def _repository(repository: Repository) -> dict[str, Any]:
    belongs = "cluster_id" if repository.purpose == "deploy" else "package_id"
    return {
        "id": repository.id,
        "name": repository.name,
        "workspace_id": repository.workspace_id,
        "reconciling": False,
        "purpose": repository.purpose,
        belongs: repository.owner_id,
        "created_at": repository.created_at,
        "updated_at": repository.updated_at,
        "etag": repository.etag,
    }
