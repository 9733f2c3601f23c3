"""What there is in a workspace. Times are whole seconds since the epoch, by the clock of the embedded Akua."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

ClusterState: TypeAlias = Literal["pending", "provisioning", "active", "suspended", "deleting", "deleted"]
"""`deleted` is ours: such a cluster is not shown any more."""

InstallState: TypeAlias = Literal[
    "pending", "rendering", "syncing", "healthy", "degraded", "failed", "deleted"
]
RenderState: TypeAlias = Literal["running", "deployed", "skipped", "failed"]
Purpose: TypeAlias = Literal["deploy", "package"]


@dataclass(kw_only=True)
class Record:
    """What everything has. `number` is the order in which things were made; `etag` is another at every write."""

    id: str
    workspace_id: str
    number: int
    etag: str
    created_at: int
    updated_at: int


@dataclass(kw_only=True)
class Workspace(Record):
    """Its `workspace_id` is its own `id`."""

    name: str
    slug: str


@dataclass(kw_only=True)
class Region(Record):
    """A label under which clusters stand."""

    name: str
    icon: str | None = None


@dataclass(kw_only=True)
class Cluster(Record):
    """`settings_etag` is the one of its compute settings, which are a resource of their own."""

    name: str
    region_id: str
    state: ClusterState = "pending"
    reconciling: bool = True
    auto_scaling: bool = True
    max_machines: int = 1
    settings_etag: str
    settings_updated_at: int


@dataclass(kw_only=True)
class Machine:
    """A rented server, which costs money from `launched` to `removed`, in simulated seconds since the start."""

    id: str
    workspace_id: str
    cluster_id: str
    launched: float
    removed: float | None = None


@dataclass(kw_only=True)
class Package(Record):
    """Something that can be installed, in versions."""

    name: str
    latest_version_id: str
    repository_id: str
    description: str | None = None
    display_image_url: str | None = None


@dataclass(kw_only=True)
class PackageVersion(Record):
    """One version; `input_schema` is the JSON Schema of the values that an install of it takes."""

    package_id: str
    semver: str
    ref: str
    input_schema: dict[str, Any]


@dataclass(kw_only=True)
class Product(Record):
    """A package as it is sold. `pin`: a semver, or None for the latest version."""

    name: str
    package_id: str
    pin: str | None = None


@dataclass(kw_only=True)
class Repository(Record):
    """A git repository: what an install deploys from, or what a package is built from."""

    name: str
    purpose: Purpose
    owner_id: str


@dataclass(kw_only=True)
class Install(Record):
    """A running package. `package_version_id` is what runs, `desired_version_id` what a render is on its way to.

    `is_doomed`: it is degraded for good. `running_since`: when its pods started, in simulated seconds.
    """

    cluster_id: str
    region_id: str
    product_id: str | None
    package_version_id: str
    desired_version_id: str
    values: dict[str, Any] = field(default_factory=dict)
    repository_id: str | None = None
    state: InstallState = "pending"
    reconciling: bool = True
    is_doomed: bool = False
    running_since: float | None = None


@dataclass(kw_only=True)
class Render(Record):
    """The manifests of an install at one moment, on their way to the cluster or arrived."""

    install_id: str
    operation_id: str | None
    package_version_id: str
    render_hash: str | None = None
    commit_sha: str | None = None
    restored_from: str | None = None
    message: str | None = None
    state: RenderState = "running"
