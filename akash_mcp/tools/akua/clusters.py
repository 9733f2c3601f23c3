"""The toolset `akua-clusters`: what costs money at Akua for as long as it is there. Off unless a person names it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from akash_mcp.guard.plans.akua_plans import AutoscalingPlan, ClusterPowerPlan, CreateClusterPlan
from akash_mcp.tools.akua.arguments import ClusterArg
from akash_mcp.tools.akua.outcomes import AkuaOutcome, carried_out
from akash_mcp.tools.akua.writing import runtime_with_token
from akash_mcp.tools.approval import AppContext, Decision, akua_desk, decided
from akash_mcp.tools.tool import Effect, ToolSpec
from akash_mcp.workflow.akua import planning


async def plan_cluster(
    ctx: AppContext, name: str, region: str, network_profile: str | None
) -> CreateClusterPlan:
    """The plan of `akua_create_cluster`."""
    return await planning.cluster_plan(
        await runtime_with_token(ctx), name=name, region=region, network_profile=network_profile
    )


async def akua_create_cluster(
    ctx: AppContext,
    name: Annotated[str, Field(description="2 to 32 characters", max_length=32)],
    region: Annotated[str, Field(description="By id or name; a new name makes one", max_length=100)],
    decision: Annotated[Decision[CreateClusterPlan], decided(plan_cluster, desk_of=akua_desk)],
    network_profile: Annotated[
        Literal["linux_cilium", "mixed_os_calico"] | None, Field(description="linux_cilium if absent")
    ] = None,
) -> AkuaOutcome:
    """SPENDS. Make a Kubernetes cluster at Akua. What it costs cannot be read, and no limit here bounds it."""
    return await carried_out(ctx, decision)


async def plan_power(ctx: AppContext, cluster_id: str, on: bool) -> ClusterPowerPlan:
    """The plan of `akua_set_cluster_power`."""
    return await planning.power_plan(await runtime_with_token(ctx), cluster_id=cluster_id, on=on)


async def akua_set_cluster_power(
    ctx: AppContext,
    cluster_id: ClusterArg,
    on: Annotated[bool, Field(description="false suspends it, with all that runs on it")],
    decision: Annotated[Decision[ClusterPowerPlan], decided(plan_power, desk_of=akua_desk)],
) -> AkuaOutcome:
    """SPENDS. Suspend a cluster at Akua, or resume it, which costs money again."""
    return await carried_out(ctx, decision)


async def plan_autoscaling(
    ctx: AppContext, cluster_id: str, enabled: bool | None, max_machines: int | None
) -> AutoscalingPlan:
    """The plan of `akua_set_autoscaling`."""
    return await planning.autoscaling_plan(
        await runtime_with_token(ctx), cluster_id=cluster_id, enabled=enabled, max_machines=max_machines
    )


async def akua_set_autoscaling(
    ctx: AppContext,
    cluster_id: ClusterArg,
    decision: Annotated[Decision[AutoscalingPlan], decided(plan_autoscaling, desk_of=akua_desk)],
    enabled: Annotated[bool | None, Field(description="As it is if absent")] = None,
    max_machines: Annotated[
        int | None, Field(ge=0, le=100, description="0 to 100; as it is if absent")
    ] = None,
) -> AkuaOutcome:
    """SPENDS. Set whether a cluster at Akua adds machines by itself, and how many at most."""
    return await carried_out(ctx, decision)


TOOLS = (
    ToolSpec(akua_create_cluster, "Create Akua cluster (costs money)", Effect.SPENDS, carry_out=carried_out),
    ToolSpec(
        akua_set_cluster_power,
        "Suspend or resume Akua cluster (may cost money)",
        Effect.SPENDS,
        idempotent=True,
        carry_out=carried_out,
    ),
    ToolSpec(
        akua_set_autoscaling,
        "Set Akua autoscaling (may cost money)",
        Effect.SPENDS,
        idempotent=True,
        carry_out=carried_out,
    ),
)
