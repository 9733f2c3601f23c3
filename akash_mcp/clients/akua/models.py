"""What Akua says of its resources, read leniently: only what names a record is required.

Times are seconds since the epoch. All text is whatever Akua, its customers or their programs wrote: untrusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import ConfigDict, model_validator

from akash_mcp.clients.akua.fields import (
    Amount,
    Count,
    Flag,
    Id,
    ManyOf,
    Moment,
    Object,
    OneOf,
    Reason,
    Text,
    text,
)
from akash_mcp.clients.api_model import ApiModel

SUCCEEDED = "SUCCEEDED"
TERMINAL = frozenset({SUCCEEDED, "FAILED", "CANCELLED"})
"""The states of an operation that it never leaves."""


class AkuaModel(ApiModel):
    """A record of Akua's. It is built when one is read first: most servers never read any."""

    model_config = ConfigDict(defer_build=True)


class WorkspacePlan(AkuaModel):
    """What a workspace is billed for, and by whom: `platform` or `seller`."""

    tier: Text = None
    billed_by: Text = None


class Workspace(AkuaModel):
    """Whose clusters, packages and installs are seen and changed."""

    id: Id
    name: Text = None
    slug: Text = None
    plan: OneOf[WorkspacePlan] = None
    workspace_class: Text = None
    created_at: Moment = None
    updated_at: Moment = None
    etag: Text = None


class AccessState(AkuaModel):
    """Whether a workspace can be used: `active`, or why not."""

    status: Text = None
    accessible: Flag = None
    reason: Text = None


class Quota(AkuaModel):
    """How much of one thing a workspace may have: `allocation`, `rate` or `concurrency`."""

    metric: Text = None
    type: Text = None
    unit: Text = None
    limit: Amount = None
    usage: Amount = None
    remaining: Amount = None
    resets_at: Moment = None


class Region(AkuaModel):
    """A label that groups clusters. A cluster or an install has to name one."""

    id: Id
    name: Text = None
    icon: Text = None
    workspace_id: Text = None
    created_at: Moment = None


class Cluster(AkuaModel):
    """A Kubernetes cluster: `pending`, `provisioning`, `active`, `suspended` or `deleting`."""

    id: Id
    html_url: Text = None
    name: Text = None
    workspace_id: Text = None
    state: Text = None
    provider: Text = None
    reconciling: Flag = None
    created_at: Moment = None
    updated_at: Moment = None
    etag: Text = None


class ComputeSettings(AkuaModel):
    """Whether a cluster rents machines by itself (`active` or `paused`), how many it has, and at most."""

    auto_scaling: Text = None
    machines: Count = None
    max_machines: Count = None
    updated_at: Moment = None
    etag: Text = None


class PackageSource(AkuaModel):
    """Where a package comes from: `hosted` in a repository, or `oci`."""

    kind: Text = None
    repository_id: Text = None
    oci_ref: Text = None


class Package(AkuaModel):
    """What can be installed."""

    id: Id
    html_url: Text = None
    workspace_id: Text = None
    name: Text = None
    latest_version_id: Text = None
    description: Text = None
    display_image_url: Text = None
    source: OneOf[PackageSource] = None
    created_at: Moment = None
    etag: Text = None


class PackageVersion(AkuaModel):
    """One version of a package, and the JSON Schema of what an install of it may be given."""

    id: Id
    package_id: Text = None
    semver: Text = None
    ref: Text = None
    input_schema: Object = None
    published_at: Moment = None
    created_at: Moment = None
    etag: Text = None


class VersionPin(AkuaModel):
    """Which version is installed: `latest`, or `pinned` to a `version`."""

    kind: Text = None
    version: Text = None


class ProductPackage(AkuaModel):
    """The package behind a product."""

    id: Text = None
    version_pin: OneOf[VersionPin] = None
    default_version_id: Text = None


class Product(AkuaModel):
    """A package as it is offered: `active` or `archived`."""

    id: Id
    html_url: Text = None
    name: Text = None
    workspace_id: Text = None
    package: OneOf[ProductPackage] = None
    custom_description: Text = None
    state: Text = None
    archived_at: Moment = None
    archive_reason: Text = None
    created_at: Moment = None
    updated_at: Moment = None
    etag: Text = None


class InstallUrl(AkuaModel):
    """An address of an install, and whether it works: `pending`, `provisioning`, `active`, `not_ready` or `failed`."""

    route_key: Text = None
    hostname: Text = None
    url: Text = None
    protocol: Text = None
    routing_mode: Text = None
    status: Text = None
    error: Text = None
    last_observed_at: Moment = None
    updated_at: Moment = None


class CustomerWorkspace(AkuaModel):
    """For whom something is installed."""

    id: Text = None
    name: Text = None


class Install(AkuaModel):
    """A package on a cluster: `pending`, `rendering`, `syncing`, `healthy`, `degraded`, `failed` or `deleted`."""

    id: Id
    html_url: Text = None
    workspace_id: Text = None
    customer_workspace: OneOf[CustomerWorkspace] = None
    cluster_id: Text = None
    product_id: Text = None
    package_version_id: Text = None
    state: Text = None
    reconciling: Flag = None
    urls: ManyOf[InstallUrl] = None
    created_at: Moment = None
    updated_at: Moment = None
    etag: Text = None


class ResourceHealth(AkuaModel):
    """What Argo says of a resource."""

    status: Text = None
    message: Text = None


class StatusResource(AkuaModel):
    """A Kubernetes resource of an install."""

    kind: Text = None
    name: Text = None
    group: Text = None
    namespace: Text = None
    version: Text = None
    status: Text = None
    message: Text = None
    health: OneOf[ResourceHealth] = None


class InstallStatus(AkuaModel):
    """How an install does."""

    install_id: Text = None
    health: Text = None
    sync: Text = None
    revision: Text = None
    resources: ManyOf[StatusResource] = None
    operation_phase: Text = None
    updated_at: Moment = None
    state: Text = None
    reconciling: Flag = None


class Pod(AkuaModel):
    """A pod of an install, and the names of its containers."""

    name: Id
    containers: ManyOf[Id] = None


class Render(AkuaModel):
    """What an install's manifests were made of: `running`, `deployed`, `skipped` or `failed`."""

    id: Id
    workspace_id: Text = None
    install_id: Text = None
    operation_id: Text = None
    repository_change_request_id: Text = None
    render_hash: Text = None
    commit_sha: Text = None
    package_version_id: Text = None
    restored_from_render_id: Text = None
    state: Text = None
    message: Text = None
    created_at: Moment = None
    updated_at: Moment = None


class Repository(AkuaModel):
    """A git repository of Akua's: its `purpose` is `deploy`, `package`, `repository_change_request` or `workspace`."""

    id: Id
    purpose: Text = None
    name: Text = None
    workspace_id: Text = None
    cluster_id: Text = None
    last_deploy_sha: Text = None
    last_render_hash: Text = None
    package_id: Text = None
    repository_change_request_id: Text = None
    reconciling: Flag = None
    created_at: Moment = None
    updated_at: Moment = None
    etag: Text = None


class InstallMutation(AkuaModel):
    """An install after its version was changed or an earlier render restored, and the render that this began."""

    install: Install
    render: OneOf[Render] = None


class Step(AkuaModel):
    """A step of an operation: `pending`, `running`, `completed`, `failed` or `skipped`.

    One whose `execution_type` is `user` or `approval` waits for a person.
    """

    name: Text = None
    status: Text = None
    execution_type: Text = None
    started_at: Moment = None
    completed_at: Moment = None
    error_message: Text = None
    retryable: Flag = None
    skippable: Flag = None


class Operation(AkuaModel):
    """Something that Akua does in the background: `RUNNING`, `SUCCEEDED`, `FAILED` or `CANCELLED`."""

    id: Id
    workspace_id: Text = None
    organization_id: Text = None
    owner_type: Text = None
    owner_id: Text = None
    parent_operation_id: Text = None
    state: Text = None
    done: Flag = None
    html_url: Text = None
    metadata: Object = None
    response: Object = None
    error: Reason = None
    last_error: Reason = None
    started_at: Moment = None
    completed_at: Moment = None
    steps: ManyOf[Step] = None

    @model_validator(mode="before")
    @classmethod
    def _as_envelope(cls, value: object) -> object:
        """Some answers name the operation in `operation_id`, and some say nothing else."""
        if isinstance(value, dict) and text(value.get("id")) is None:
            return {**value, "id": value.get("operation_id")}
        return value

    @property
    def kind(self) -> str | None:
        """What is done, such as `install.create`; None where Akua does not say."""
        return text((self.metadata or {}).get("type"))

    @property
    def results(self) -> Mapping[str, str]:
        """The ids of what came of it, by their names: `install_id`, `cluster_id`, `package_id`, …"""
        found = {name: text(value) for name, value in (self.response or {}).items() if name.endswith("_id")}
        return MappingProxyType({name: value for name, value in found.items() if value is not None})

    @property
    def failure(self) -> str:
        """Why it failed, or what went wrong last, in Akua's own words; "" where it says neither."""
        return _message(self.error) or _message(self.last_error)

    @property
    def is_over(self) -> bool:
        """Whether it certainly ended, well or not. What does not say so may still be under way."""
        return self.done is True or self._state in TERMINAL

    @property
    def succeeded(self) -> bool:
        """Whether it certainly did what it should."""
        return self.is_over and self._state == SUCCEEDED

    @property
    def _state(self) -> str:
        return (self.state or "").upper()


def _message(error: Mapping[str, Any] | None) -> str:
    return text((error or {}).get("message")) or ""
