"""The toolset `account`: what the account spends, how its deployments are funded, and what its owner is warned of."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from akash_mcp.clients.console.account_reader import MOST_ALERTS
from akash_mcp.errors import NOTHING_MOVED
from akash_mcp.guard.books.runs import in_utc
from akash_mcp.guard.gate import Gate
from akash_mcp.guard.permits.certificate_permit import CertificatePermit
from akash_mcp.guard.permits.top_up_permit import TopUpPermit
from akash_mcp.guard.plans.plans import CertificatePlan, TopUpPlan
from akash_mcp.ids import Dseq
from akash_mcp.tools.account_results import (
    AlertList,
    DeploymentSettingsResult,
    UsageResult,
    alert_list,
    settings_result,
    usage_result,
)
from akash_mcp.tools.approval import AppContext, Approved, Decision, decided, runtime, runtime_with_key
from akash_mcp.tools.arguments import DseqArg
from akash_mcp.tools.carry_out import CarryOut
from akash_mcp.tools.results import Outcome
from akash_mcp.tools.tool import Effect, ToolSpec
from akash_mcp.workflow.account import planning
from akash_mcp.workflow.account.funding import funding_of
from akash_mcp.workflow.account.usage import usage
from akash_mcp.workflow.change import make_certificate, switch_top_up
from akash_mcp.workflow.operations import Running
from akash_mcp.workflow.runtime import Runtime


async def get_usage(ctx: AppContext) -> UsageResult:
    """Show what the account spent today, this week and month, what runs costs an hour, and how long its credit
    lasts."""
    return usage_result(await usage(runtime(ctx)))


async def get_deployment_settings(ctx: AppContext, dseq: DseqArg) -> DeploymentSettingsResult:
    """Show whether a deployment is topped up automatically, and its runtime limit. Changes nothing."""
    return settings_result(await funding_of(runtime(ctx), dseq))


async def list_alerts(ctx: AppContext, dseq: DseqArg | None = None) -> AlertList:
    """List what the user is warned of: low escrow, closed deployments."""
    reader = runtime(ctx).reader
    alerts = await reader.alerts(dseq)
    of_deployment = await reader.deployment_alerts(dseq) if dseq is not None else None
    return alert_list(alerts, of_deployment, may_be_more=len(alerts) >= MOST_ALERTS)


async def plan_top_up(ctx: AppContext, dseq: Dseq, enabled: bool) -> TopUpPlan:
    """The plan of `set_auto_top_up`."""
    return await planning.top_up_plan(runtime_with_key(ctx), dseq=dseq, enabled=enabled)


async def set_auto_top_up(
    ctx: AppContext,
    dseq: DseqArg,
    enabled: Annotated[bool, Field(description="On or off")],
    decision: Annotated[Decision[TopUpPlan], decided(plan_top_up)],
) -> Outcome:
    """SPENDS. Switch a deployment's automatic top-up, and read it back. On, only the end of its run bounds its
    cost."""
    return await TOP_UP(ctx, decision)


async def _switch_top_up(rt: Runtime, plan: TopUpPlan, permit: TopUpPermit, running: Running[Any]) -> Outcome:
    await switch_top_up(permit, running)
    if plan.enabled:
        summary = f"Automatic top-up of deployment {plan.dseq} is on: it was read back."
        reserved = f"{plan.amount} more is reserved" if plan.amount else "Nothing more is reserved"
        money = (
            f"{reserved}: it can cost {plan.total} in all until {in_utc(plan.ends_at or 0)}. The Console adds credit "
            "to its escrow from now on."
        )
        next_step = "Tell the user to keep this server or akash-mcp watch running, which ends it then."
    else:
        summary = f"Automatic top-up of deployment {plan.dseq} is off: it was read back."
        money = "No money moved. What was added before is in its escrow, and comes back when it is closed."
        next_step = (
            f"It ends with its run, or when its escrow is used up: get_deployment(id={plan.dseq}) says when."
        )
    return Outcome(
        status="updated",
        op_id=permit.op_id,
        dseq=plan.dseq,
        summary=summary,
        money=money,
        next_step=next_step,
    )


async def plan_certificate(ctx: AppContext) -> CertificatePlan:
    """The plan of `create_certificate`."""
    return await planning.certificate_plan(runtime_with_key(ctx))


async def create_certificate(
    ctx: AppContext,
    decision: Annotated[Decision[CertificatePlan], decided(plan_certificate)],
) -> Outcome:
    """Make the account's client certificate ahead of a lease, where the Console API (2025) needs one."""
    return await _certificate_carried_out(ctx, decision)


async def _certificate_carried_out(ctx: AppContext, decision: Decision[CertificatePlan]) -> Outcome:
    if isinstance(decision, Approved) and decision.plan.unneeded:
        return Outcome(
            status="not_needed",
            summary=decision.plan.unneeded,
            money=f"{NOTHING_MOVED} Nothing was sent.",
            next_step="Nothing needs doing.",
        )
    return await CERTIFICATE(ctx, decision)


async def _create_certificate(
    rt: Runtime, plan: CertificatePlan, permit: CertificatePermit, running: Running[Any]
) -> Outcome:
    await make_certificate(permit, running)
    return Outcome(
        status="created",
        op_id=permit.op_id,
        summary="The account has a client certificate: it is on the chain, and kept in the state folder with its key.",
        money=NOTHING_MOVED,
        next_step="Nothing needs doing: leases and updates use it.",
    )


TOP_UP = CarryOut(Gate.switch_top_up, _switch_top_up)
CERTIFICATE = CarryOut(Gate.certificate, _create_certificate)

TOOLS = (
    ToolSpec(get_usage, "Get usage", Effect.READS),
    ToolSpec(get_deployment_settings, "Get deployment settings", Effect.READS),
    ToolSpec(
        set_auto_top_up,
        "Set automatic top-up (spends money)",
        Effect.SPENDS,
        idempotent=True,
        carry_out=TOP_UP,
    ),
    ToolSpec(
        create_certificate,
        "Create certificate",
        Effect.CHANGES,
        idempotent=True,
        carry_out=_certificate_carried_out,
    ),
    ToolSpec(list_alerts, "List alerts", Effect.READS),
)
