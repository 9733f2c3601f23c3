"""The toolset `deploy`: everything between an SDL and a deployment that is proven closed."""

from __future__ import annotations

from typing import Annotated

from mcp.server.elicitation import ElicitationResult
from mcp.server.mcpserver.resolve import Elicit, Resolve
from pydantic import Field

from akash_mcp.errors import BadArgument
from akash_mcp.guard.plans import ClosePlan, FundPlan, LaunchPlan, LeasePlan, UpdatePlan
from akash_mcp.ids import Dseq, ProviderAddress
from akash_mcp.market.ranking import Prefer
from akash_mcp.money import Usd
from akash_mcp.sdl import check
from akash_mcp.tools.approval import AppContext, Confirm, Consent, ask, runtime, runtime_with_key, settle
from akash_mcp.tools.arguments import ApprovalToken, DseqArg, ProviderArg, SdlArg, UsdArg
from akash_mcp.tools.present import launch_outcome, offer_list, pending, verdict
from akash_mcp.tools.progress import MAX_WAIT_SECONDS, WAIT_SECONDS, report_progress
from akash_mcp.tools.results import OfferList, Outcome, Verdict
from akash_mcp.tools.service_results import service_results
from akash_mcp.tools.tool import Effect, ToolSpec
from akash_mcp.workflow import planning
from akash_mcp.workflow.change import close, create, fund, update
from akash_mcp.workflow.launch import launch, lease_from
from akash_mcp.workflow.offers import requirements, wait_for_offers
from akash_mcp.workflow.status import hours_text, status_of

Asked = Elicit[Confirm] | Consent
Wait = Annotated[int, Field(ge=0, le=MAX_WAIT_SECONDS, description="Seconds")]


async def validate_sdl(sdl: SdlArg) -> Verdict:
    """Check an SDL as Console, chain and providers will, for free: errors with line and fix, and its price ceiling."""
    return verdict(check(sdl))


async def _launch_plan(
    ctx: AppContext,
    tool: str,
    sdl: str,
    deposit_usd: Usd,
    max_usd_per_hour: Usd | None,
    prefer: Prefer = "balanced",
) -> LaunchPlan:
    return await planning.launch_plan(
        runtime_with_key(ctx),
        tool=tool,
        sdl=sdl,
        deposit=deposit_usd,
        max_usd_per_hour=max_usd_per_hour,
        prefer=prefer,
    )


async def ask_deploy(
    ctx: AppContext,
    sdl: str,
    deposit_usd: Usd,
    max_usd_per_hour: Usd | None,
    prefer: Prefer,
    approval_token: str | None,
) -> Asked:
    """Ask for a yes to `deploy`."""
    return ask(
        ctx, await _launch_plan(ctx, "deploy", sdl, deposit_usd, max_usd_per_hour, prefer), approval_token
    )


async def deploy(
    ctx: AppContext,
    sdl: SdlArg,
    deposit_usd: Annotated[UsdArg, Field(description="The most it can cost; the unused part comes back")],
    answer: Annotated[ElicitationResult[Confirm], Resolve(ask_deploy)],
    max_usd_per_hour: Annotated[UsdArg | None, Field(description="Take no dearer offer")] = None,
    prefer: Prefer = "balanced",
    approval_token: ApprovalToken = None,
) -> Outcome:
    """SPENDS. Deploy an SDL whole: approve, create, wait for bids, lease the best, wait until it runs. Answers
    pending with an op_id when it takes longer."""
    plan = await _launch_plan(ctx, "deploy", sdl, deposit_usd, max_usd_per_hour, prefer)
    approval = settle(ctx, plan, answer)
    if isinstance(approval, Outcome):
        return approval
    rt = runtime(ctx)
    permit = rt.gate.launch(plan, approval)
    running = rt.operations.start(permit.op_id, lambda running: launch(rt, permit, running))
    launched = await running.wait(WAIT_SECONDS, report_progress(ctx))
    return launch_outcome(permit.op_id, launched) if launched else pending(permit.op_id, running.stage)


async def ask_create(
    ctx: AppContext, sdl: str, deposit_usd: Usd, max_usd_per_hour: Usd | None, approval_token: str | None
) -> Asked:
    """Ask for a yes to `create_deployment`."""
    return ask(
        ctx, await _launch_plan(ctx, "create_deployment", sdl, deposit_usd, max_usd_per_hour), approval_token
    )


async def create_deployment(
    ctx: AppContext,
    sdl: SdlArg,
    deposit_usd: Annotated[UsdArg, Field(description="The most it can cost; the unused part comes back")],
    answer: Annotated[ElicitationResult[Confirm], Resolve(ask_create)],
    max_usd_per_hour: UsdArg | None = None,
    approval_token: ApprovalToken = None,
) -> Outcome:
    """SPENDS. Only create a deployment, to choose among its bids yourself: then list_bids and create_lease."""
    plan = await _launch_plan(ctx, "create_deployment", sdl, deposit_usd, max_usd_per_hour)
    approval = settle(ctx, plan, answer)
    if isinstance(approval, Outcome):
        return approval
    rt = runtime(ctx)
    permit = rt.gate.launch(plan, approval)
    running = rt.operations.start(permit.op_id, lambda running: create(rt, permit, running))
    dseq = await running.wait(WAIT_SECONDS, report_progress(ctx))
    if dseq is None:
        return pending(permit.op_id, running.stage)
    return Outcome(
        status="created",
        op_id=permit.op_id,
        dseq=dseq,
        summary=f"Deployment {dseq} is created and waits for bids.",
        money=f"{plan.deposit} went into its escrow. Nothing is spent until a lease starts.",
        next_step=f"Call list_bids(dseq={dseq}), then create_lease within five minutes, or close_deployment.",
    )


async def list_bids(
    ctx: AppContext, dseq: DseqArg, prefer: Prefer = "balanced", wait_s: Wait = int(WAIT_SECONDS)
) -> OfferList:
    """Wait for bids on a deployment and rank them: USD per hour, expected cost, reasons, what is unknown."""
    rt = runtime(ctx)
    ranking = await wait_for_offers(rt, dseq, requirements(rt.policy), prefer, wait_s, report_progress(ctx))
    return offer_list(dseq, ranking)


def _lease_plan(
    ctx: AppContext, dseq: Dseq, providers: list[ProviderAddress], max_usd_per_hour: Usd
) -> LeasePlan:
    if not providers:
        raise BadArgument("providers is empty.", next_step="Name one provider a group, from list_bids.")
    return planning.lease_plan(
        runtime_with_key(ctx), dseq=dseq, providers=tuple(providers), max_usd_per_hour=max_usd_per_hour
    )


async def ask_lease(
    ctx: AppContext,
    dseq: Dseq,
    providers: list[ProviderAddress],
    max_usd_per_hour: Usd,
    approval_token: str | None,
) -> Asked:
    """Ask for a yes to `create_lease`."""
    return ask(ctx, _lease_plan(ctx, dseq, providers, max_usd_per_hour), approval_token)


async def create_lease(
    ctx: AppContext,
    dseq: DseqArg,
    providers: Annotated[list[ProviderArg], Field(description="One address a group, in group order")],
    max_usd_per_hour: Annotated[UsdArg, Field(description="For all groups together")],
    answer: Annotated[ElicitationResult[Confirm], Resolve(ask_lease)],
    approval_token: ApprovalToken = None,
) -> Outcome:
    """SPENDS. Accept bids on a deployment of ours, paid from its deposit; deliver its manifest, wait until it runs."""
    plan = _lease_plan(ctx, dseq, providers, max_usd_per_hour)
    approval = settle(ctx, plan, answer)
    if isinstance(approval, Outcome):
        return approval
    rt = runtime(ctx)
    permit = rt.gate.lease(plan, approval)
    running = rt.operations.start(permit.op_id, lambda running: lease_from(rt, permit, plan, running))
    launched = await running.wait(WAIT_SECONDS, report_progress(ctx))
    return launch_outcome(permit.op_id, launched) if launched else pending(permit.op_id, running.stage, dseq)


def _update_plan(ctx: AppContext, dseq: Dseq, sdl: str) -> UpdatePlan:
    return planning.update_plan(runtime_with_key(ctx), dseq=dseq, sdl=sdl)


async def ask_update(ctx: AppContext, dseq: Dseq, sdl: str, approval_token: str | None) -> Asked:
    """Ask for a yes to `update_deployment`, where one is needed."""
    return ask(ctx, _update_plan(ctx, dseq, sdl), approval_token)


async def update_deployment(
    ctx: AppContext,
    dseq: DseqArg,
    sdl: SdlArg,
    answer: Annotated[ElicitationResult[Confirm], Resolve(ask_update)],
    approval_token: ApprovalToken = None,
) -> Outcome:
    """Replace a running SDL: image, command, env, ports. Resources and placement cannot change. Containers restart."""
    plan = _update_plan(ctx, dseq, sdl)
    approval = settle(ctx, plan, answer)
    if isinstance(approval, Outcome):
        return approval
    rt = runtime(ctx)
    permit = rt.gate.update(plan, approval)
    running = rt.operations.start(permit.op_id, lambda running: update(permit, running))
    detail = await running.wait(WAIT_SECONDS, report_progress(ctx))
    if detail is None:
        return pending(permit.op_id, running.stage, dseq)
    return Outcome(
        status="updated",
        op_id=permit.op_id,
        dseq=dseq,
        summary=f"Deployment {dseq} now runs {plan.contents}; its containers restart.",
        money="No money moved, and the rate stays as it was.",
        next_step=f'Call get_deployment(id={dseq}, wait_for="ready").',
    )


async def _fund_plan(ctx: AppContext, dseq: Dseq, amount_usd: Usd) -> FundPlan:
    return await planning.fund_plan(runtime_with_key(ctx), dseq=dseq, amount=amount_usd)


async def ask_funds(ctx: AppContext, dseq: Dseq, amount_usd: Usd, approval_token: str | None) -> Asked:
    """Ask for a yes to `add_funds`."""
    return ask(ctx, await _fund_plan(ctx, dseq, amount_usd), approval_token)


async def add_funds(
    ctx: AppContext,
    dseq: DseqArg,
    amount_usd: UsdArg,
    answer: Annotated[ElicitationResult[Confirm], Resolve(ask_funds)],
    approval_token: ApprovalToken = None,
) -> Outcome:
    """SPENDS. Add money to a deployment's escrow so that it runs longer."""
    plan = await _fund_plan(ctx, dseq, amount_usd)
    approval = settle(ctx, plan, answer)
    if isinstance(approval, Outcome):
        return approval
    rt = runtime(ctx)
    permit = rt.gate.fund(plan, approval)
    running = rt.operations.start(permit.op_id, lambda running: fund(permit, running))
    detail = await running.wait(WAIT_SECONDS, report_progress(ctx))
    if detail is None:
        return pending(permit.op_id, running.stage, dseq)
    now = await status_of(rt, detail)
    return Outcome(
        status="funded",
        op_id=permit.op_id,
        dseq=dseq,
        summary=f"{plan.amount} was added to deployment {dseq}.",
        money=f"{plan.amount} went into escrow; what is left comes back when it is closed.",
        usd_per_hour=now.usd_per_hour,
        escrow_left_usd=now.escrow_left,
        hours_left=hours_text(now.hours_left),
        services=service_results(now.readiness),
        next_step="Nothing needs doing.",
    )


def _close_plan(ctx: AppContext, dseq: Dseq) -> ClosePlan:
    return planning.close_plan(runtime_with_key(ctx), dseq=dseq)


async def ask_close(ctx: AppContext, dseq: Dseq, approval_token: str | None) -> Asked:
    """Ask for a yes to `close_deployment`, where one is needed."""
    return ask(ctx, _close_plan(ctx, dseq), approval_token)


async def close_deployment(
    ctx: AppContext,
    dseq: DseqArg,
    answer: Annotated[ElicitationResult[Confirm], Resolve(ask_close)],
    approval_token: ApprovalToken = None,
) -> Outcome:
    """DELETES. Close a deployment for good, prove it, and get back what its escrow did not use. Harmless to repeat."""
    plan = _close_plan(ctx, dseq)
    approval = settle(ctx, plan, answer)
    if isinstance(approval, Outcome):
        return approval
    rt = runtime(ctx)
    permit = rt.gate.close(plan, approval)
    running = rt.operations.start(permit.op_id, lambda running: close(permit, running))
    closed = await running.wait(MAX_WAIT_SECONDS, report_progress(ctx))
    if closed is None:
        return pending(permit.op_id, running.stage, dseq)
    if closed.spent is None:
        money = "What it cost is not on record any more, so its whole reservation counts as spent."
    elif closed.refunded is None:
        money = f"It cost {closed.spent}; what was left of its escrow came back."
    else:
        money = f"It cost {closed.spent}, and {closed.refunded} came back."
    return Outcome(
        status="closed",
        op_id=permit.op_id,
        dseq=dseq,
        summary=f"Deployment {dseq} is closed: the Console was asked afterwards and says so.",
        money=money,
        spent_usd=closed.spent,
        refunded_usd=closed.refunded,
        next_step="Nothing needs doing.",
    )


TOOLS = (
    ToolSpec(validate_sdl, "Validate SDL", Effect.READS),
    ToolSpec(deploy, "Deploy an app (spends money)", Effect.SPENDS),
    ToolSpec(create_deployment, "Create deployment (spends money)", Effect.SPENDS),
    ToolSpec(list_bids, "List and rank bids", Effect.READS),
    ToolSpec(create_lease, "Create lease (spends money)", Effect.SPENDS),
    ToolSpec(update_deployment, "Update deployment", Effect.CHANGES, idempotent=True),
    ToolSpec(add_funds, "Add funds (spends money)", Effect.SPENDS),
    ToolSpec(close_deployment, "Close deployment (deletes)", Effect.DELETES, idempotent=True),
)
