"""The answers about what there is at Akua: workspaces, clusters, packages, products and repositories.

A field that is left out was not told, which is not the same as "no". `incomplete` says what could not be read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeVar

from pydantic import BaseModel, Field

from akash_mcp.clients.akua.models import (
    Cluster,
    ComputeSettings,
    Package,
    PackageVersion,
    Product,
    Quota,
    Region,
    Repository,
    Workspace,
)
from akash_mcp.clients.akua.pages import Listing
from akash_mcp.guard.books.runs import in_utc
from akash_mcp.sanitize.text import fence, field
from akash_mcp.tools.results import Result
from akash_mcp.workflow.akua.clusters import Clusters
from akash_mcp.workflow.akua.schema_view import view_schema
from akash_mcp.workflow.akua.workspaces import Standing

MOST_ROWS = 50
_ID_BYTES = 100
_WORD_BYTES = 60
_TEXT_BYTES = 160

T = TypeVar("T")
R = TypeVar("R")


def id_of(value: str | None) -> str | None:
    """An id as an answer shows it; None where there is none."""
    return field(value, _ID_BYTES) or None


def word(value: str | None) -> str | None:
    """A state or a kind of Akua's."""
    return field(value, _WORD_BYTES) or None


def name_of(value: str | None) -> str | None:
    """A name or a short text that somebody chose."""
    return field(value, _TEXT_BYTES) or None


def told(problems: Sequence[str]) -> str | None:
    """What could not be read; None where all was."""
    return " ".join(field(problem, 400) for problem in problems) or None


def if_none(listing: Listing[object], what: str, certain: str) -> str:
    """The next step where a list shows nothing. `certain`: where there certainly is nothing."""
    if listing.is_whole:
        return certain
    return f"No {what} was read, which does not mean that there is none: call again in a minute."


def _rows(records: Sequence[T], row: Callable[[T], R]) -> tuple[list[R], int | None]:
    """The rows of a list, and how many are not shown."""
    return [row(each) for each in records[:MOST_ROWS]], max(len(records) - MOST_ROWS, 0) or None


class WorkspaceRow(Result):
    """A workspace. `plan`: its tier."""

    id: str
    name: str | None = None
    slug: str | None = None
    plan: str | None = None


class QuotaRow(Result):
    """How much of one thing the workspace may have."""

    metric: str
    unit: str | None = None
    limit: str | None = None
    usage: str | None = None
    remaining: str | None = None
    resets_at: str | None = None


class WhoamiResult(Result):
    """The workspace in force, and what it may have. `others`: what else the token reaches."""

    workspace: WorkspaceRow
    accessible: bool | None = None
    access: str | None = Field(None, description="Its state, and why it is so")
    quotas: list[QuotaRow] | None = None
    others: list[WorkspaceRow] | None = None
    not_shown: int | None = Field(None, description="Further workspaces")
    incomplete: str | None = None
    next_step: str


def whoami_result(found: Standing) -> WhoamiResult:
    """The answer of `akua_whoami`."""
    access = found.access
    others, not_shown = _rows(found.others or [], _workspace)
    if access is not None and access.accessible is False:
        next_step = "Tell the user: only they can make this workspace usable again, at https://akua.dev."
    elif access is None or access.accessible is None:
        next_step = "Whether this workspace can be used is not known: call again in a minute."
    else:
        next_step = "akua_list_clusters shows where something can run, akua_list_installs what does."
    return WhoamiResult(
        workspace=_workspace(found.workspace),
        accessible=access.accessible if access else None,
        access=": ".join(filter(None, (word(access.status), name_of(access.reason)))) or None
        if access
        else None,
        quotas=None if found.quotas is None else [_quota(each) for each in found.quotas[:MOST_ROWS]],
        others=None if found.others is None else others,
        not_shown=not_shown,
        incomplete=told(found.problems),
        next_step=next_step,
    )


def _workspace(workspace: Workspace) -> WorkspaceRow:
    return WorkspaceRow(
        id=field(workspace.id, _ID_BYTES),
        name=name_of(workspace.name),
        slug=name_of(workspace.slug),
        plan=word(workspace.plan.tier) if workspace.plan else None,
    )


def _quota(quota: Quota) -> QuotaRow:
    return QuotaRow(
        metric=word(quota.metric) or "not named",
        unit=word(quota.unit),
        limit=_amount(quota.limit),
        usage=_amount(quota.usage),
        remaining=_amount(quota.remaining),
        resets_at=None if quota.resets_at is None else in_utc(quota.resets_at),
    )


def _amount(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount.normalize():f}"


class ClusterRow(Result):
    """A cluster. `auto_scaling` active: it rents machines by itself, up to `max_machines`."""

    id: str
    name: str | None = None
    state: str | None = None
    provider: str | None = None
    reconciling: bool | None = None
    auto_scaling: str | None = None
    machines: int | None = None
    max_machines: int | None = None


class RegionRow(Result):
    """A region: a label that groups clusters, and that each install names."""

    id: str
    name: str | None = None


class ClusterList(Result):
    """The workspace's clusters and regions."""

    clusters: list[ClusterRow]
    regions: list[RegionRow] | None = None
    not_shown: int | None = Field(None, description="Further clusters")
    incomplete: str | None = None
    next_step: str


def cluster_list(found: Clusters) -> ClusterList:
    """The answer of `akua_list_clusters`."""
    rows, not_shown = _rows(found.listing.records, lambda each: _cluster(each, found.machines.get(each.id)))
    return ClusterList(
        clusters=rows,
        regions=None if found.regions is None else [_region(each) for each in found.regions[:MOST_ROWS]],
        not_shown=not_shown,
        incomplete=told(found.problems),
        next_step="akua_list_installs(cluster_id) shows what runs on one."
        if rows
        else if_none(found.listing, "cluster", "Nothing can be installed before there is a cluster."),
    )


def _cluster(cluster: Cluster, machines: ComputeSettings | None) -> ClusterRow:
    return ClusterRow(
        id=field(cluster.id, _ID_BYTES),
        name=name_of(cluster.name),
        state=word(cluster.state),
        provider=word(cluster.provider),
        reconciling=cluster.reconciling,
        auto_scaling=word(machines.auto_scaling) if machines else None,
        machines=machines.machines if machines else None,
        max_machines=machines.max_machines if machines else None,
    )


def _region(region: Region) -> RegionRow:
    return RegionRow(id=field(region.id, _ID_BYTES), name=name_of(region.name))


class PackageRow(Result):
    """A package. `source`: the OCI reference or the repository that it comes from."""

    id: str
    name: str | None = None
    description: str | None = None
    latest_version_id: str | None = None
    source: str | None = None


class PackageList(Result):
    """What can be installed."""

    packages: list[PackageRow]
    not_shown: int | None = Field(None, description="Further packages")
    incomplete: str | None = None
    next_step: str


def package_list(listing: Listing[Package]) -> PackageList:
    """The answer of `akua_list_packages`."""
    rows, not_shown = _rows(listing.records, _package)
    return PackageList(
        packages=rows,
        not_shown=not_shown,
        incomplete=told([listing.problem]) if listing.problem else None,
        next_step="akua_get_package_inputs(package_id) shows what an install of one is given."
        if rows
        else if_none(listing, "package", "The workspace has no package: one is made from a Helm chart."),
    )


def _package(package: Package) -> PackageRow:
    source = package.source
    return PackageRow(
        id=field(package.id, _ID_BYTES),
        name=name_of(package.name),
        description=name_of(package.description),
        latest_version_id=id_of(package.latest_version_id),
        source=name_of(source.oci_ref or source.repository_id or source.kind) if source else None,
    )


class ProductRow(Result):
    """A product. `version`: latest, or the one that it is pinned to."""

    id: str
    name: str | None = None
    description: str | None = None
    state: str | None = None
    package_id: str | None = None
    version: str | None = None


class ProductList(Result):
    """Packages as they are offered."""

    products: list[ProductRow]
    not_shown: int | None = Field(None, description="Further products")
    incomplete: str | None = None
    next_step: str


def product_list(listing: Listing[Product]) -> ProductList:
    """The answer of `akua_list_products`."""
    rows, not_shown = _rows(listing.records, _product)
    return ProductList(
        products=rows,
        not_shown=not_shown,
        incomplete=told([listing.problem]) if listing.problem else None,
        next_step="akua_list_installs(product_id) shows who has one."
        if rows
        else if_none(listing, "product", "The workspace offers none. A package can be installed by itself."),
    )


def _product(product: Product) -> ProductRow:
    package = product.package
    pin = package.version_pin if package else None
    return ProductRow(
        id=field(product.id, _ID_BYTES),
        name=name_of(product.name),
        description=name_of(product.custom_description),
        state=word(product.state),
        package_id=id_of(package.id) if package else None,
        version=word(pin.version or pin.kind) if pin else None,
    )


class RepositoryRow(Result):
    """A git repository of Akua's, and what it is of."""

    id: str
    name: str | None = None
    purpose: str | None = None
    cluster_id: str | None = None
    package_id: str | None = None
    last_deploy_sha: str | None = None
    reconciling: bool | None = None


class RepositoryList(Result):
    """Akua's git repositories."""

    repositories: list[RepositoryRow]
    not_shown: int | None = Field(None, description="Further repositories")
    incomplete: str | None = None
    next_step: str


def repository_list(listing: Listing[Repository]) -> RepositoryList:
    """The answer of `akua_list_repositories`."""
    rows, not_shown = _rows(listing.records, _repository)
    return RepositoryList(
        repositories=rows,
        not_shown=not_shown,
        incomplete=told([listing.problem]) if listing.problem else None,
        next_step="An install's inputs stand in its repository, where the user changes them."
        if rows
        else if_none(listing, "repository", "There is none of this purpose."),
    )


def _repository(repository: Repository) -> RepositoryRow:
    return RepositoryRow(
        id=field(repository.id, _ID_BYTES),
        name=name_of(repository.name),
        purpose=word(repository.purpose),
        cluster_id=id_of(repository.cluster_id),
        package_id=id_of(repository.package_id),
        last_deploy_sha=word(repository.last_deploy_sha),
        reconciling=repository.reconciling,
    )


class PackageInputs(BaseModel):
    """What an install of a package version is given. `input_schema` is fenced: other people's JSON, secrets masked."""

    package_id: str
    version_id: str
    semver: str | None = None
    required: list[str] | None = Field(None, description="Paths of what has to be given in any case")
    defaults: list[str] | None = None
    input_schema: str
    left_out: str | None = Field(None, description="Of the schema")
    next_step: str


def package_inputs(package_id: str, version: PackageVersion, schema: dict[str, object]) -> PackageInputs:
    """The answer of `akua_get_package_inputs`."""
    view = view_schema(schema)
    conditions = "More than `required` may be: the schema has conditions. " if view.has_conditions else ""
    return PackageInputs(
        package_id=field(package_id, _ID_BYTES),
        version_id=field(version.id, _ID_BYTES),
        semver=word(version.semver),
        required=view.required or None,
        defaults=view.defaults or None,
        input_schema=fence(f"input schema of {field(package_id, _ID_BYTES)}", view.json),
        left_out=view.left_out or None,
        next_step=f"{conditions}Values are checked by the whole schema before anything is sent. Ask the user what you "
        "do not know.",
    )
