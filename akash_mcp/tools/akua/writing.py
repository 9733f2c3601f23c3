"""The tools of the toolset `akua` that make, change or delete something: each with a person's yes to the exact plan."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from akash_mcp.guard.plans.akua_plans import (
    CreateInstallPlan,
    CreatePackagePlan,
    DeleteInstallPlan,
    UpdateInstallPlan,
)
from akash_mcp.tools.akua.arguments import InstallArg, ValuesArg
from akash_mcp.tools.akua.outcomes import AkuaOutcome, carried_out
from akash_mcp.tools.approval import AppContext, Decision, akua_desk, decided, runtime
from akash_mcp.tools.tool import Effect, ToolSpec
from akash_mcp.workflow.akua import planning
from akash_mcp.workflow.runtime import Runtime


async def runtime_with_token(ctx: AppContext) -> Runtime:
    """The process's services, for a plan at Akua. Raises `MissingAkuaToken`."""
    services = runtime(ctx)
    await services.akua.desk.key.need()
    return services


async def plan_package(
    ctx: AppContext,
    name: str,
    oci_repo_url: str,
    revision: str,
    chart: str | None,
    values: dict[str, Any] | None,
) -> CreatePackagePlan:
    """The plan of `akua_create_package`."""
    return await planning.package_plan(
        await runtime_with_token(ctx),
        name=name,
        repo_url=oci_repo_url,
        revision=revision,
        chart=chart,
        values=values,
    )


async def akua_create_package(
    ctx: AppContext,
    name: Annotated[str, Field(description="What to call it", max_length=100)],
    oci_repo_url: Annotated[
        str,
        Field(
            description="oci://… of a Helm chart", max_length=500, json_schema_extra={"pattern": "^oci://"}
        ),
    ],
    revision: Annotated[str, Field(description="The chart's version", max_length=100)],
    decision: Annotated[Decision[CreatePackagePlan], decided(plan_package, desk_of=akua_desk)],
    chart: Annotated[str | None, Field(description="Its name, if the URL lacks it", max_length=100)] = None,
    values: ValuesArg = None,
) -> AkuaOutcome:
    """Make an Akua package of a Helm chart. Nothing is installed by that."""
    return await carried_out(ctx, decision)


async def plan_install(
    ctx: AppContext,
    region: str,
    package_id: str | None,
    version: str | None,
    product_id: str | None,
    cluster_id: str | None,
    values: dict[str, Any] | None,
) -> CreateInstallPlan:
    """The plan of `akua_create_install`."""
    return await planning.install_plan(
        await runtime_with_token(ctx),
        region=region,
        package_id=package_id,
        version=version,
        product_id=product_id,
        cluster_id=cluster_id,
        values=values,
    )


async def akua_create_install(
    ctx: AppContext,
    region: Annotated[str, Field(description="Region, by id or name", max_length=100)],
    decision: Annotated[Decision[CreateInstallPlan], decided(plan_install, desk_of=akua_desk)],
    package_id: Annotated[str | None, Field(description="This or product_id", max_length=80)] = None,
    version: Annotated[
        str | None, Field(description="Of the package; latest if absent", max_length=80)
    ] = None,
    product_id: Annotated[str | None, Field(description="This or package_id", max_length=80)] = None,
    cluster_id: Annotated[str | None, Field(description="Akua chooses if absent", max_length=80)] = None,
    values: ValuesArg = None,
) -> AkuaOutcome:
    """SPENDS. Install a package or product on a cluster at Akua; a cluster that grows by itself may add machines."""
    return await carried_out(ctx, decision)


async def plan_update(
    ctx: AppContext, install_id: str, version: str | None, restore_render_id: str | None
) -> UpdateInstallPlan:
    """The plan of `akua_update_install`."""
    return await planning.update_plan(
        await runtime_with_token(ctx), install_id=install_id, version=version, render_id=restore_render_id
    )


async def akua_update_install(
    ctx: AppContext,
    install_id: InstallArg,
    decision: Annotated[Decision[UpdateInstallPlan], decided(plan_update, desk_of=akua_desk)],
    version: Annotated[str | None, Field(description="To update to", max_length=80)] = None,
    restore_render_id: Annotated[
        str | None, Field(description="Instead: the render to go back to", max_length=80)
    ] = None,
) -> AkuaOutcome:
    """SPENDS. Bring an install at Akua to another version, or back to an earlier render; its cluster may add
    machines."""
    return await carried_out(ctx, decision)


async def plan_delete(ctx: AppContext, install_id: str) -> DeleteInstallPlan:
    """The plan of `akua_delete_install`."""
    return await planning.delete_plan(await runtime_with_token(ctx), install_id=install_id)


async def akua_delete_install(
    ctx: AppContext,
    install_id: InstallArg,
    decision: Annotated[Decision[DeleteInstallPlan], decided(plan_delete, desk_of=akua_desk)],
) -> AkuaOutcome:
    """DELETES. Delete an install at Akua for good, with what it stored."""
    return await carried_out(ctx, decision)


TOOLS = (
    ToolSpec(akua_create_package, "Create Akua package", Effect.CHANGES, carry_out=carried_out),
    ToolSpec(akua_create_install, "Install at Akua (may cost money)", Effect.SPENDS, carry_out=carried_out),
    ToolSpec(
        akua_update_install,
        "Update Akua install (may cost money)",
        Effect.SPENDS,
        idempotent=True,
        carry_out=carried_out,
    ),
    ToolSpec(
        akua_delete_install, "Delete Akua install", Effect.DELETES, idempotent=True, carry_out=carried_out
    ),
)
