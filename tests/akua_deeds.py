"""Each thing that this server does at Akua: the call that asks for it, the request that does it, and how often it was
done in truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from akua_world import things

from akash_mcp.sandbox.akua import EmbeddedAkua


@dataclass(frozen=True)
class Deed:
    """`arguments` of `tool`, in a world with one healthy install; `route` of its request, and `times` it was done."""

    tool: str
    route: str
    arguments: Callable[[EmbeddedAkua], dict[str, Any]]
    times: Callable[[EmbeddedAkua], int]
    before: int = 0
    """What `times` gives before anything was done."""
    has_key: bool = True
    makes: bool = False
    """It makes a thing of its own, and one more is another thing."""
    adds_cost: bool = False

    def __str__(self) -> str:
        return self.route.partition(" ")[0] + " " + self.tool.removeprefix("akua_")


def install_id(akua: EmbeddedAkua) -> str:
    return str(things(akua, "installs")[0]["id"])


def cluster_id(akua: EmbeddedAkua) -> str:
    return str(things(akua, "clusters")[0]["id"])


def package_id(akua: EmbeddedAkua) -> str:
    return str(things(akua, "packages")[0]["id"])


def _operations(kind: str) -> Callable[[EmbeddedAkua], int]:
    return lambda akua: sum(each["metadata"]["type"] == kind for each in things(akua, "operations"))


def _count(kind: str) -> Callable[[EmbeddedAkua], int]:
    return lambda akua: len(things(akua, kind))


def _renders(akua: EmbeddedAkua) -> int:
    return len(things(akua, "installs")[0]["renders"])


def _restored(akua: EmbeddedAkua) -> int:
    install = things(akua, "installs")[0]
    return sum(each["restored_from"] == install["renders"][0]["id"] for each in install["renders"])


def _most_machines(akua: EmbeddedAkua) -> int:
    return int(things(akua, "clusters")[0]["max_machines"] == 3)


PACKAGE = Deed(
    "akua_create_package",
    "POST /packages",
    lambda akua: {"name": "web", "oci_repo_url": "oci://charts.example/nginx", "revision": "18.1.0"},
    _count("packages"),
    before=1,
    makes=True,
)
INSTALL = Deed(
    "akua_create_install",
    "POST /installs",
    lambda akua: {
        "region": "eu-central",
        "package_id": package_id(akua),
        "cluster_id": cluster_id(akua),
        "values": {"hostname": "a.example.com"},
    },
    _count("installs"),
    before=1,
    makes=True,
    adds_cost=True,
)
UPDATE = Deed(
    "akua_update_install",
    "POST /installs/{id}:update",
    lambda akua: {"install_id": install_id(akua), "version": "1.0.0"},
    _renders,
    before=1,
    adds_cost=True,
)
RESTORE = Deed(
    "akua_update_install",
    "POST /installs/{id}:restore",
    lambda akua: {
        "install_id": install_id(akua),
        "restore_render_id": things(akua, "installs")[0]["renders"][0]["id"],
    },
    _restored,
    adds_cost=True,
)
DELETE = Deed(
    "akua_delete_install",
    "DELETE /installs/{id}",
    lambda akua: {"install_id": install_id(akua)},
    _operations("install.delete"),
)
CLUSTER = Deed(
    "akua_create_cluster",
    "POST /clusters",
    lambda akua: {"name": "mine", "region": "eu-central"},
    _count("clusters"),
    before=1,
    makes=True,
    adds_cost=True,
)
REGION = Deed(
    "akua_create_cluster",
    "POST /regions",
    lambda akua: {"name": "mine", "region": "lab"},
    _count("regions"),
    before=1,
    has_key=False,
    adds_cost=True,
)
SUSPEND = Deed(
    "akua_set_cluster_power",
    "POST /clusters/{id}:suspend",
    lambda akua: {"cluster_id": cluster_id(akua), "on": False},
    _operations("cluster.suspend"),
)
LIMITS = Deed(
    "akua_set_autoscaling",
    "PATCH /clusters/{id}/compute_settings",
    lambda akua: {"cluster_id": cluster_id(akua), "max_machines": 3},
    _most_machines,
    has_key=False,
    adds_cost=True,
)

DEEDS = (PACKAGE, INSTALL, UPDATE, RESTORE, DELETE, CLUSTER, REGION, SUSPEND, LIMITS)


def route_of(deed: Deed, akua: EmbeddedAkua) -> str:
    """The line of its request, as faults are narrowed to it."""
    named = cluster_id(akua) if "/clusters/" in deed.route else install_id(akua)
    return deed.route.replace("{id}", named)
