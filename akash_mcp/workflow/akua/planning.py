"""The plans at Akua, or the reasons why there can be none. What touches the network here is a read.

A plan names exactly what is done: the version that "latest" is now, the cluster, the region. What is changed is read
first, and its etag goes with the change.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from akash_mcp.clients.akua.models import ComputeSettings, Install, Package, Product, Region
from akash_mcp.errors import AkashError, BadArgument, LedgerUnusable
from akash_mcp.guard.books import akua_results
from akash_mcp.guard.plans.akua_plans import (
    AutoscalingPlan,
    ClusterPowerPlan,
    CreateClusterPlan,
    CreateInstallPlan,
    CreatePackagePlan,
    DeleteInstallPlan,
    UpdateInstallPlan,
)
from akash_mcp.sanitize.text import field
from akash_mcp.workflow.akua.growth import growth_of
from akash_mcp.workflow.akua.secret_inputs import secret_paths
from akash_mcp.workflow.akua.values import check_values
from akash_mcp.workflow.akua.versions import LATEST, version_of
from akash_mcp.workflow.akua.versions_in_words import render_words, version_of_product, version_words
from akash_mcp.workflow.runtime import Runtime

_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,100}")
_REPO = re.compile(r"oci://[A-Za-z0-9.-]+(:\d{1,5})?(/[A-Za-z0-9._-]+)+/?")


async def package_plan(
    rt: Runtime,
    *,
    name: str,
    repo_url: str,
    revision: str,
    chart: str | None,
    values: Mapping[str, Any] | None,
) -> CreatePackagePlan:
    """The plan to make a package of a Helm chart. Raises `BadArgument`, and what Akua raises."""
    _check_name("name", name)
    _check_name("revision", revision)
    if not _REPO.fullmatch(repo_url):
        raise BadArgument(
            "oci_repo_url must name a Helm chart in an OCI registry, such as "
            "oci://registry-1.docker.io/bitnamicharts/nginx.",
            next_step="A plain container image is not a chart: on Akash, deploy runs images.",
        )
    await check_values({}, values or {})  # of a chart nothing is known yet but how large they may be
    workspace = await rt.akua.reader.workspace()
    return CreatePackagePlan(
        tool="akua_create_package",
        workspace=workspace.id,
        named=workspace.name or "",
        name=name,
        repo_url=repo_url,
        revision=revision,
        chart=chart or "",
        values=_text(values),
    )


async def install_plan(
    rt: Runtime,
    *,
    region: str,
    package_id: str | None,
    version: str | None,
    product_id: str | None,
    cluster_id: str | None,
    values: Mapping[str, Any] | None,
) -> CreateInstallPlan:
    """The plan to install a package or a product. Raises `BadArgument`, for values that its inputs do not allow too,
    and what Akua raises.
    """
    if (package_id is None) == (product_id is None):
        raise BadArgument(
            "An install is of a package or of a product, and one of package_id and product_id says which.",
            next_step="akua_list_packages and akua_list_products show them.",
        )
    if product_id is not None and version is not None:
        raise BadArgument("A product has its own version: version goes with package_id alone.")
    reader = rt.akua.reader
    workspace = await reader.workspace()
    place = await _region(rt, region)
    cluster = await reader.cluster(cluster_id) if cluster_id is not None else None
    what: Package | Product
    pinned, semver = "", ""
    if package_id is not None:
        what = await reader.package(package_id)
        chosen = await version_of(reader, package_id, LATEST if version is None else version)
        if not chosen.semver:
            raise BadArgument("That version of the package has no number, so it cannot be pinned.")
        semver, version_id = chosen.semver, chosen.id
    else:
        assert product_id is not None
        what = await reader.product(product_id)
        package_id_of, version_id, pinned = await version_of_product(reader, what)
        package_id = package_id_of
    inputs = await reader.inputs(package_id, version_id)
    await check_values(inputs, values or {})
    adds, most = await growth_of(reader, cluster.id if cluster is not None else None)
    return CreateInstallPlan(
        tool="akua_create_install",
        workspace=workspace.id,
        named=workspace.name or "",
        region_id=place.id,
        region=place.name or "",
        product_id=product_id or "",
        package_id="" if product_id is not None else package_id,
        version=semver,
        cluster_id=cluster.id if cluster is not None else "",
        cluster=(cluster.name or "") if cluster is not None else "",
        values=_text(values),
        secret_paths=tuple(secret_paths(inputs)),
        adds_machines=adds,
        most_machines=most,
        what=what.name or "",
        pinned=pinned,
    )


async def update_plan(
    rt: Runtime, *, install_id: str, version: str | None, render_id: str | None
) -> UpdateInstallPlan:
    """The plan to update an install, or to restore one of its renders. Raises `BadArgument`, and what Akua raises."""
    if (version is None) == (render_id is None):
        raise BadArgument(
            "Say one of version, to update it, and restore_render_id, to go back.",
            next_step="akua_get_install shows its renders, and akua_get_package_inputs the versions of its package.",
        )
    reader = rt.akua.reader
    workspace = await reader.workspace()
    install, etag = await _changeable(rt, install_id)
    before = install.package_version_id or ""
    now, package_id = await version_words(reader, install)
    version_id = ""
    if version is not None:
        if not package_id:
            raise BadArgument(
                f"Which package install {install_id} is of cannot be found out, so no version of it can be named."
            )
        chosen = await version_of(reader, package_id, version)
        version_id, to_words = chosen.id, chosen.semver or ""
        if version_id == before:
            raise BadArgument(
                f"Install {install_id} has version {field(to_words or version_id, 60)} already.",
                next_step="Nothing needs doing. akua_get_install shows how it stands.",
            )
    else:
        assert render_id is not None
        to_words = await render_words(reader, install_id, render_id, package_id)
    adds, most = await growth_of(reader, install.cluster_id)
    return UpdateInstallPlan(
        tool="akua_update_install",
        workspace=workspace.id,
        named=workspace.name or "",
        install_id=install.id,
        ours=await _is_ours(rt, install.id),
        before=before,
        version_id=version_id,
        render_id=render_id or "",
        adds_machines=adds,
        most_machines=most,
        etag=etag,
        what=await _what(rt, install),
        from_words=now,
        to_words=to_words,
    )


async def delete_plan(rt: Runtime, *, install_id: str) -> DeleteInstallPlan:
    """The plan to delete an install. Raises `BadArgument`, and what Akua raises."""
    workspace = await rt.akua.reader.workspace()
    install, etag = await _changeable(rt, install_id)
    return DeleteInstallPlan(
        tool="akua_delete_install",
        workspace=workspace.id,
        named=workspace.name or "",
        install_id=install.id,
        ours=await _is_ours(rt, install.id),
        etag=etag,
        what=await _what(rt, install),
        state=install.state or "",
        urls=tuple(url.url for url in install.urls or () if url.url),
    )


async def cluster_plan(
    rt: Runtime, *, name: str, region: str, network_profile: str | None
) -> CreateClusterPlan:
    """The plan to make a cluster, in a region by its id or name, or in a new one. Raises `BadArgument`, and what Akua
    raises."""
    if not 2 <= len(name) <= 32 or not name.isprintable():
        raise BadArgument("The name of a cluster has 2 to 32 characters.")
    _check_name("region", region)
    reader = rt.akua.reader
    workspace = await reader.workspace()
    listing = await reader.regions()
    named = [each for each in listing.records if region in (each.id, each.name)]
    if len(named) > 1:
        raise BadArgument(
            f"There are {len(named)} regions of that name.",
            next_step=f"Name one by its id: {', '.join(field(each.id, 60) for each in named[:5])}.",
        )
    if not named and (not listing.is_whole or region.startswith("reg_")):
        raise BadArgument(
            "There is no such region"
            + ("." if listing.is_whole else f", as far as the list could be read: {listing.problem}"),
            next_step="akua_list_clusters shows the regions; a name that none has makes a new one.",
        )
    return CreateClusterPlan(
        tool="akua_create_cluster",
        workspace=workspace.id,
        named=workspace.name or "",
        name=name,
        region_id=named[0].id if named else "",
        region=(named[0].name or "") if named else "",
        new_region="" if named else region,
        network_profile=network_profile or "",
    )


async def power_plan(rt: Runtime, *, cluster_id: str, on: bool) -> ClusterPowerPlan:
    """The plan to suspend or resume a cluster. Raises `BadArgument`, and what Akua raises."""
    workspace = await rt.akua.reader.workspace()
    cluster = await rt.akua.reader.cluster(cluster_id)
    state = "active" if on else "suspended"
    if cluster.state == state and not cluster.reconciling:
        raise BadArgument(
            f"Cluster {cluster_id} is {state} already.",
            next_step="Nothing needs doing, and nothing was sent.",
        )
    return ClusterPowerPlan(
        tool="akua_set_cluster_power",
        workspace=workspace.id,
        named=workspace.name or "",
        cluster_id=cluster.id,
        on=on,
        ours=await _is_ours(rt, cluster.id),
        etag=_etag(cluster.etag, f"cluster {cluster_id}"),
        cluster=cluster.name or "",
    )


async def autoscaling_plan(
    rt: Runtime, *, cluster_id: str, enabled: bool | None, max_machines: int | None
) -> AutoscalingPlan:
    """The plan to change how a cluster grows by itself. Raises `BadArgument`, and what Akua raises."""
    if enabled is None and max_machines is None:
        raise BadArgument("Say enabled, max_machines, or both.")
    reader = rt.akua.reader
    workspace = await reader.workspace()
    cluster, now = await reader.cluster(cluster_id), await reader.compute_settings(cluster_id)
    return AutoscalingPlan(
        tool="akua_set_autoscaling",
        workspace=workspace.id,
        named=workspace.name or "",
        cluster_id=cluster.id,
        ours=await _is_ours(rt, cluster.id),
        enabled=enabled,
        max_machines=max_machines,
        raises=_raises(now, enabled, max_machines),
        etag=_etag(now.etag, f"the limits of cluster {cluster_id}"),
        cluster=cluster.name or "",
        now=_now(now),
    )


def _raises(now: ComputeSettings, enabled: bool | None, max_machines: int | None) -> bool:
    """Whether a cluster may grow further with it than it may now. What is not known may be less."""
    if enabled and now.auto_scaling != "active":
        return True
    return max_machines is not None and (now.max_machines is None or max_machines > now.max_machines)


def _now(now: ComputeSettings) -> str:
    known = (
        f"autoscaling {field(now.auto_scaling, 20)}" if now.auto_scaling else "",
        f"{now.machines} machines" if now.machines is not None else "",
        f"at most {now.max_machines}" if now.max_machines is not None else "",
    )
    return ", ".join(filter(None, known))


async def _region(rt: Runtime, wanted: str) -> Region:
    listing = await rt.akua.reader.regions()
    found = [each for each in listing.records if wanted in (each.id, each.name)]
    if len(found) == 1:
        return found[0]
    there = ", ".join(f"{field(each.name or '', 40)} ({field(each.id, 60)})" for each in listing.records[:10])
    if found:
        raise BadArgument(f"There are {len(found)} regions of that name.", next_step=f"Regions: {there}.")
    raise BadArgument(
        "There is no such region" + ("." if listing.is_whole else f", as far as was read: {listing.problem}"),
        next_step=f"Regions: {there}."
        if there
        else "akua_create_cluster makes a region with a cluster in it.",
    )


async def _changeable(rt: Runtime, install_id: str) -> tuple[Install, str]:
    """An install that is there, and its etag."""
    install = await rt.akua.reader.install(install_id)
    if install.state == "deleted":
        raise BadArgument(
            f"Install {install_id} is deleted.", next_step="akua_list_installs shows the others."
        )
    return install, _etag(install.etag, f"install {install_id}")


def _etag(etag: str | None, what: str) -> str:
    if not etag:
        raise BadArgument(
            f"Akua does not say in which state {what} is (it has no etag), so nothing of it is changed blindly.",
            next_step="Try again in a minute.",
        )
    return etag


async def _what(rt: Runtime, install: Install) -> str:
    """What an install is of, by name, as far as that can be read: it decides nothing."""
    try:
        if install.product_id:
            return (await rt.akua.reader.product(install.product_id)).name or ""
    except AkashError:
        return ""
    return ""


async def _is_ours(rt: Runtime, resource_id: str) -> bool:
    """Whether this server made it. A ledger that cannot be read has made nothing."""
    await rt.akua.desk.account.bind()
    try:
        return await rt.akua.desk.store.read(akua_results.made_here, resource_id)
    except LedgerUnusable:
        return False


def _check_name(argument: str, text: str) -> None:
    if not _NAME.fullmatch(text) or not text.strip():
        raise BadArgument(f"{argument} has 1 to 100 characters on one line.")


def _text(values: Mapping[str, Any] | None) -> str:
    return json.dumps(values, ensure_ascii=False, sort_keys=True) if values else ""
