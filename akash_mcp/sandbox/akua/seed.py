"""The world that an embedded Akua begins with: one workspace with a cluster and something to install, two without."""

from __future__ import annotations

from typing import Any

from akash_mcp.sandbox.akua.cluster_life import ClusterLife
from akash_mcp.sandbox.akua.install_life import InstallLife, Wish
from akash_mcp.sandbox.akua.package_life import PackageLife
from akash_mcp.sandbox.akua.records import Product, Workspace
from akash_mcp.sandbox.akua.world import World

_WORKSPACES = (("Demo", "demo"), ("Twin", "twin-one"), ("Twin", "twin-two"))
"""Two have the same name, so that it names neither."""


def inputs(*, has_replicas: bool) -> dict[str, Any]:
    """The inputs of `demo-web`. Its second version can have replicas as well."""
    properties: dict[str, Any] = {
        "hostname": {
            "type": "string",
            "title": "Hostname",
            "description": "Where the site answers, such as shop.example.com",
            "pattern": r"^[a-z0-9-]+(\.[a-z0-9-]+)+$",
            "maxLength": 253,
            "x-ui": {"order": 1, "placeholder": "shop.example.com"},
        },
        "tier": {
            "type": "string",
            "enum": ["small", "large"],
            "default": "small",
            "x-ui": {"order": 2, "widget": "radio"},
        },
        "admin_password": {
            "type": "string",
            "minLength": 8,
            "writeOnly": True,
            "x-ui": {"order": 3, "widget": "password"},
        },
        "database": {
            "type": "object",
            "properties": {
                "size_gib": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10},
                "backups": {"type": "boolean", "default": True},
            },
            "additionalProperties": False,
            "x-ui": {"order": 4, "collapsed": True},
        },
    }
    if has_replicas:
        properties["replicas"] = {"type": "integer", "minimum": 1, "maximum": 5, "default": 1}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "required": ["hostname"],
        "additionalProperties": False,
    }


def seed(
    world: World, clusters: ClusterLife, packages: PackageLife, installs: InstallLife, *, count: int
) -> None:
    """Fill the world, with so many healthy installs."""
    for name, slug in _WORKSPACES:
        workspace = Workspace(**world.born("ws", ""), name=name, slug=slug)
        workspace.workspace_id = workspace.id
        world.workspaces[workspace.id] = workspace
    demo = next(iter(world.workspaces.values()))
    region = world.new_region(demo.id, "eu-central")
    cluster = clusters.born(demo, region, "demo-cluster")
    world.change(cluster, state="active", reconciling=False)
    package = packages.publish(demo, "demo-web")
    package.description = "A small web site with a database"
    packages.add_version(package, "1.0.0", inputs(has_replicas=False))
    latest = packages.add_version(package, "1.1.0", inputs(has_replicas=True))
    product = Product(**world.born("prod", demo.id), name="Demo web", package_id=package.id)
    world.products[product.id] = product
    for number in range(count):
        values = {"hostname": f"site-{number}.example.com"}
        installs.born_healthy(Wish(cluster, latest, None, values))
