"""Plans at Akua: what is about to be made, changed or deleted there.

Akua is another company's platform, with an account and a bill of its own. What its machines cost can be read nowhere,
so none of our limits bounds it: a plan that can add one says so, and a person says yes to each (`is_unbounded`).

What Akua names is somebody else's words, and comes into a sentence as a `label` only.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from akash_mcp.guard.books.journal import Kind
from akash_mcp.guard.plans.akua_values import secret_values, values_whole, values_words
from akash_mcp.guard.plans.contents import label, listed
from akash_mcp.guard.plans.plans import Plan

NAME_BYTES = 64

_NO_MACHINE = "It adds no machine, so Akua bills nothing more for it."
_NO_LIMIT = (
    "Akua bills it to the owner of the workspace, what it costs cannot be read here, and no limit of this server "
    "bounds it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AkuaPlan(Plan):
    """The base of all plans at Akua. `workspace`: the id of the one that it is about, `named`: what it is called.

    `values`: JSON text of those that are sent, "" for none. `secret_paths`: which of them are secrets, as the package
    says (`admin_password`, `db.pin`), beside those whose names say so.
    """

    kind: ClassVar[Kind]
    workspace: str
    named: str = field(default="", compare=False)
    values: str = field(default="", repr=False)
    secret_paths: tuple[str, ...] = field(default=(), compare=False)

    @property
    def thing(self) -> str:
        return "cluster" if hasattr(self, "cluster_id") else "install"

    @property
    def elsewhere(self) -> str:
        return "in Akua's dashboard"

    @property
    @abstractmethod
    def deed(self) -> str:
        """What is done, and what becomes of what is there, in sentences."""

    @property
    def cost(self) -> str:
        """What is known of its cost, in a sentence."""
        return _NO_LIMIT if self.is_unbounded else _NO_MACHINE

    @property
    def secrets(self) -> list[str]:
        """The secrets among what is sent."""
        return secret_values(self.values, self.secret_paths)

    @property
    def whole_values(self) -> str:
        """The values that are sent, none of them left out, for a person at a terminal; "" where there are none."""
        return values_whole(self.values, self.secret_paths) if self.values else ""

    @property
    def summary(self) -> str:
        first = "Cost not known." if self.is_unbounded else "No cost by itself."
        named = f" {label(self.named, NAME_BYTES)}" if self.named else ""
        where = f"This is at Akua, another service than Akash, in workspace{named} ({self.workspace})."
        return " ".join((first, self.deed, self.cost, where))

    @property
    def record(self) -> str:
        return f"{replace(self, values='').summary} Its values are not kept." if self.values else self.summary


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePackagePlan(AkuaPlan):
    """Make a package of a Helm chart in an OCI registry. Its values are what is other than the chart's own."""

    kind = Kind.AKUA_PACKAGE
    name: str
    repo_url: str
    revision: str
    chart: str = ""

    @property
    def body(self) -> dict[str, Any]:
        """What is sent."""
        source: dict[str, Any] = {
            "kind": "helm",
            "repo_url": self.repo_url,
            "target_revision": self.revision,
        }
        if self.chart:
            source["chart"] = self.chart
        if self.values:
            source["values"] = json.loads(self.values)
        return {"name": self.name, "sources": [source]}

    @property
    def deed(self) -> str:
        chart = f", chart {label(self.chart, NAME_BYTES)}" if self.chart else ""
        values = values_words(self.values, self.secret_paths)
        return (
            f"Make package {label(self.name, NAME_BYTES)} of the Helm chart at {label(self.repo_url, 200)}{chart}, "
            f"version {label(self.revision, NAME_BYTES)}{values}. Nothing is installed by that."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateInstallPlan(AkuaPlan):
    """Install a version of a package, or a product, in a region.

    `adds_machines`: whether the cluster may grow for it; None where that is not known, as where Akua chooses the
    cluster.
    """

    kind = Kind.AKUA_INSTALL
    region_id: str
    product_id: str = ""
    package_id: str = ""
    version: str = ""
    """Of a package: its exact version, also where the latest was asked for."""
    cluster_id: str = ""
    adds_machines: bool | None = None
    most_machines: int | None = None
    pinned: str = ""
    """Which version a product installs now, in words."""
    what: str = field(default="", compare=False)
    """What the package or product is called."""
    region: str = field(default="", compare=False)
    cluster: str = field(default="", compare=False)

    @property
    def is_unbounded(self) -> bool:
        return self.adds_machines is not False

    @property
    def body(self) -> dict[str, Any]:
        """What is sent."""
        what: dict[str, Any] = (
            {"product_id": self.product_id}
            if self.product_id
            else {
                "package_id": self.package_id,
                "package_version_pin": {"kind": "pinned", "version": self.version},
            }
        )
        if self.cluster_id:
            what["cluster_id"] = self.cluster_id
        if self.values:
            what["initial_values"] = json.loads(self.values)
        return {**what, "region_id": self.region_id}

    @property
    def deed(self) -> str:
        what = (
            f"product {label(self.what or self.product_id, NAME_BYTES)}{f' ({self.pinned})' if self.pinned else ''}"
            if self.product_id
            else f"version {label(self.version)} of package {label(self.what or self.package_id, NAME_BYTES)}"
        )
        cluster = (
            f"on cluster {label(self.cluster or self.cluster_id, NAME_BYTES)}"
            if self.cluster_id
            else "on a cluster that Akua chooses"
        )
        region = f"in region {label(self.region or self.region_id, NAME_BYTES)}"
        return f"Install {what} {cluster} {region}{values_words(self.values, self.secret_paths)}."

    @property
    def cost(self) -> str:
        return growth_words(self.adds_machines, self.most_machines)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateInstallPlan(AkuaPlan):
    """Bring an install to another version of its package, or back to an earlier render. `etag`: of what was read.

    One of `version_id` and `render_id` is there. `before`: the version that it has now. `adds_machines`: whether its
    cluster may grow for it; None where that is not known.
    """

    kind = Kind.AKUA_UPDATE
    install_id: str
    ours: bool
    before: str
    version_id: str = ""
    render_id: str = ""
    adds_machines: bool | None = None
    most_machines: int | None = None
    etag: str = field(compare=False)
    what: str = field(default="", compare=False)
    from_words: str = field(default="", compare=False)
    to_words: str = field(default="", compare=False)
    """Of a render: the version that it brings back."""

    @property
    def is_unbounded(self) -> bool:
        return self.adds_machines is not False

    @property
    def cost(self) -> str:
        return growth_words(self.adds_machines, self.most_machines)

    @property
    def deed(self) -> str:
        install = f"install {self.install_id}{_of(self.what)}{_whose(self.ours)}"
        comma = "" if self.ours else ","
        now = f"version {label(self.from_words or self.before, NAME_BYTES)}" if self.before else "its version"
        if self.render_id:
            brings = (
                f"which has version {label(self.to_words, NAME_BYTES)}"
                if self.to_words
                else "whose version is not known here"
            )
            how = f"Restore {install}{comma} from {now} to render {label(self.render_id, NAME_BYTES)}, {brings}."
        else:
            target = label(self.to_words or self.version_id, NAME_BYTES)
            how = f"Update {install}{comma} from {now} to {target}."
        return (
            f"{how} What it runs is replaced, and may be interrupted; its data may not fit another version."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteInstallPlan(AkuaPlan):
    """Delete an install for good. `etag`: of what was read."""

    kind = Kind.AKUA_DELETE
    install_id: str
    ours: bool
    etag: str = field(compare=False)
    what: str = field(default="", compare=False)
    state: str = field(default="", compare=False)
    urls: tuple[str, ...] = field(default=(), compare=False)

    @property
    def deed(self) -> str:
        install = f"install {self.install_id}{_of(self.what)}{_whose(self.ours)}"
        comma = "" if self.ours else ","
        state = f" It is {label(self.state)} now." if self.state else ""
        urls = f" Nothing answers any more at {listed(self.urls, _url, 2)}." if self.urls else ""
        return f"Delete {install}{comma} for good, with its repository and all that it stored.{state}{urls}"

    @property
    def cost(self) -> str:
        return "Machines of its cluster go on costing until they are removed."


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateClusterPlan(AkuaPlan):
    """Make a managed cluster, in a region that there is (`region_id`) or in a new one (`new_region`)."""

    kind = Kind.AKUA_CLUSTER
    name: str
    region_id: str = ""
    new_region: str = ""
    network_profile: str = ""
    region: str = field(default="", compare=False)

    @property
    def is_unbounded(self) -> bool:
        return True

    def body(self, region_id: str) -> dict[str, Any]:
        """What is sent, in the region that there is by then."""
        profile = {"network_profile": self.network_profile} if self.network_profile else {}
        return {"name": self.name, "region_id": region_id, **profile}

    @property
    def deed(self) -> str:
        region = (
            f"a new region {label(self.new_region, NAME_BYTES)}"
            if self.new_region
            else f"region {label(self.region or self.region_id, NAME_BYTES)}"
        )
        profile = f", network profile {self.network_profile}" if self.network_profile else ""
        return (
            f"Make a managed Kubernetes cluster {label(self.name)} in {region}{profile}. It runs until somebody "
            "deletes it, which no tool of this server does."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterPowerPlan(AkuaPlan):
    """Suspend a cluster, or resume it. `etag`: of what was read."""

    kind = Kind.AKUA_POWER
    cluster_id: str
    on: bool
    ours: bool
    etag: str = field(compare=False)
    cluster: str = field(default="", compare=False)

    @property
    def is_unbounded(self) -> bool:
        return self.on

    @property
    def deed(self) -> str:
        cluster = f"cluster {self.cluster_id}{_of(self.cluster)}{_whose(self.ours)}"
        comma = "" if self.ours else ","
        if self.on:
            return f"Resume {cluster}{comma}: its machines run again."
        return f"Suspend {cluster}{comma}: all that is installed on it stops until it is resumed."

    @property
    def cost(self) -> str:
        return _NO_LIMIT if self.on else "What is kept of its machines meanwhile, Akua bills still."


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoscalingPlan(AkuaPlan):
    """Let a cluster grow by itself or not, and how far. `etag`: of what was read. None leaves a setting as it is.

    `raises`: it lets the cluster cost more than it can now, or may.
    """

    kind = Kind.AKUA_SCALING
    cluster_id: str
    ours: bool
    enabled: bool | None = None
    max_machines: int | None = None
    raises: bool = True
    etag: str = field(compare=False)
    cluster: str = field(default="", compare=False)
    now: str = field(default="", compare=False)

    @property
    def is_unbounded(self) -> bool:
        return self.raises

    @property
    def deed(self) -> str:
        cluster = f"cluster {self.cluster_id}{_of(self.cluster)}{_whose(self.ours)}"
        comma = "" if self.ours else ","
        parts = []
        if self.enabled is not None:
            parts.append(f"autoscaling {'on' if self.enabled else 'off'}")
        if self.max_machines is not None:
            parts.append(f"at most {self.max_machines} machine{'' if self.max_machines == 1 else 's'}")
        now = f" Now: {self.now}." if self.now else ""
        return f"Set {cluster}{comma} to {' and '.join(parts)}.{now}"

    @property
    def cost(self) -> str:
        return _NO_LIMIT if self.raises else "It can cost no more than it can now."


AKUA_PLANS: tuple[type[AkuaPlan], ...] = (
    CreatePackagePlan,
    CreateInstallPlan,
    UpdateInstallPlan,
    DeleteInstallPlan,
    CreateClusterPlan,
    ClusterPowerPlan,
    AutoscalingPlan,
)
KINDS = frozenset(name for plan in AKUA_PLANS for name in (plan.__name__, plan.kind))
"""What plans at Akua, and the operations that they open, say that they are."""


def growth_words(adds_machines: bool | None, most: int | None = None) -> str:
    """What an install can make its cluster cost. `most`: so many machines it has at the most; None is not known."""
    if adds_machines is False:
        return "Its cluster does not grow by itself. " + _NO_MACHINE
    limit = f", up to {most} in all" if most is not None else ""
    grows = (
        f"Its cluster may add machines for it{limit}."
        if adds_machines
        else "Whether its cluster adds machines for it is not known."
    )
    return f"{grows} {_NO_LIMIT}"


def _of(name: str) -> str:
    return f" ({label(name, NAME_BYTES)})" if name else ""


def _url(url: str) -> str:
    return label(url, 100)


def _whose(ours: bool) -> str:
    return "" if ours else ", which this server did not create"
