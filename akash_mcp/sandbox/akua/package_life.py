"""How a package comes to be: a chart is pulled from its registry and published as a version with its inputs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from akash_mcp.sandbox.akua.operations import Operation, Operations, Stage, Work
from akash_mcp.sandbox.akua.records import Package, PackageVersion, Repository, Workspace
from akash_mcp.sandbox.akua.schemas import SEMVER
from akash_mcp.sandbox.akua.world import World

_TYPES = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


class PackageLife:
    """Makes packages and their versions."""

    def __init__(self, world: World, operations: Operations) -> None:
        self._world = world
        self._operations = operations

    def create(self, workspace: Workspace, body: Mapping[str, Any], key: str, line: str) -> Operation:
        """Begin a package, twenty seconds from being there. It is listed once it is."""
        source = body["sources"][0]
        revision = source.get("target_revision", source.get("ref", ""))
        semver = revision if re.fullmatch(SEMVER, revision) else "0.1.0"
        package_id = self._world.new_id("pkg")

        def finish() -> dict[str, Any]:
            package = self.publish(workspace, body["name"], package_id)
            package.display_image_url = body.get("display_image_url")
            version = self.add_version(package, semver, inputs_of(source.get("values", {})))
            return {
                "package_id": package.id,
                "package_version_id": version.id,
                "repository_id": package.repository_id,
            }

        work = Work(
            "package.create",
            "package",
            (Stage("Pull chart", 12), Stage("Publish version", 8)),
            finish,
            metadata={"idempotency_key": key, "workspace_id": workspace.id, "name": body["name"]},
        )
        return self._operations.start(work, workspace.id, package_id, line=line)

    def publish(self, workspace: Workspace, name: str, package_id: str | None = None) -> Package:
        """A package that is there at once, as yet without a version."""
        world = self._world
        repository = Repository(
            **world.born("repo", workspace.id), name=f"package-{name}", purpose="package", owner_id=""
        )
        package = Package(
            **world.born("pkg", workspace.id),
            name=name,
            latest_version_id="",
            repository_id=repository.id,
        )
        package.id = package_id or package.id
        repository.owner_id = package.id
        world.repositories[repository.id] = repository
        world.packages[package.id] = package
        return package

    def add_version(self, package: Package, semver: str, inputs: dict[str, Any]) -> PackageVersion:
        """A new version, which is the latest from now on."""
        world = self._world
        version = PackageVersion(
            **world.born("pkgv", package.workspace_id),
            package_id=package.id,
            semver=semver,
            ref=f"oci://registry.akua.example/{package.id}:{semver}",
            input_schema=inputs,
        )
        world.versions[version.id] = version
        world.change(package, latest_version_id=version.id)
        return version


def inputs_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema that a chart without one gets: its values, with their types and as defaults."""
    properties = {
        name: {"type": _TYPES[type(value)], "default": value}
        for name, value in values.items()
        if type(value) in _TYPES
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "additionalProperties": True,
    }
