"""The toolset `deploy`: everything between an SDL and a deployment that is proven closed."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, TypeVar

from pydantic import Field

from akash_mcp.errors import AkashError, BadArgument, LedgerUnusable
from akash_mcp.guard.books import journal
from akash_mcp.guard.gate import Gate
from akash_mcp.guard.permits.close_permit import ClosePermit
from akash_mcp.guard.permits.fund_permit import FundPermit
from akash_mcp.guard.permits.launch_permit import LaunchPermit
from akash_mcp.guard.permits.lease_permit import LeasePermit
from akash_mcp.guard.permits.update_permit import UpdatePermit
from akash_mcp.guard.plans.plans import ClosePlan, FundPlan, LaunchPlan, LeasePlan, UpdatePlan
from akash_mcp.ids import Dseq, ProviderAddress
from akash_mcp.market.ranking import Prefer
from akash_mcp.money import Usd
from akash_mcp.sdl import check
from akash_mcp.tools.approval import AppContext, Decision, decided, runtime, runtime_with_key
from akash_mcp.tools.arguments import (
    DseqArg,
    NameArg,
    PreferArg,
    ProviderArg,
    RegionsArg,
    SdlArg,
    UntilArg,
    UsdArg,
)
from akash_mcp.tools.carry_out import CarryOut
from akash_mcp.tools.checked_images import checked_images
from akash_mcp.tools.deadline import MAX_WAIT_SECONDS, WAIT_SECONDS
from akash_mcp.tools.money_words import came_back, closed_money, created_money, funded_money, funded_summary
from akash_mcp.tools.offer_results import offer_list
from akash_mcp.tools.present import launch_outcome, verdict
from akash_mcp.tools.progress import report_progress
from akash_mcp.tools.results import OfferList, Outcome, Verdict
from akash_mcp.tools.service_results import service_results
from akash_mcp.tools.tool import Effect, ToolSpec
from akash_mcp.workflow import listed_bids, planning
from akash_mcp.workflow.change import close, create, fund, update
from akash_mcp.workflow.jobs.until import Until
from akash_mcp.workflow.launch import launch, lease_from
from akash_mcp.workflow.operations import Running
from akash_mcp.workflow.runtime import Runtime
from akash_mcp.workflow.sdl_text import sdl_text
from akash_mcp.workflow.status import hours_text, status_of
from akash_mcp.workflow.update_planning import update_plan

RunsSdl = TypeVar("RunsSdl", LaunchPlan, UpdatePlan)

HoursArg = Annotated[int | None, Field(ge=1, description="Then it is closed")]
ExcludedArg = Annotated[list[ProviderArg], Field(description="None of these", max_length=20)]
MaxRateArg = Annotated[UsdArg | None, Field(description="No dearer offer")]
Wait = Annotated[int, Field(ge=0, le=MAX_WAIT_SECONDS, description="Seconds, up to 40")]
ImagesArg = Annotated[bool, Field(description="Ask registries")]


async def validate_sdl(ctx: AppContext, sdl: SdlArg, check_images: ImagesArg = False) -> Verdict:
    """Check an SDL as Console, chain and providers will, for free: errors with fixes, price ceiling, and an sdl_id to
    send in its place."""
    rt = runtime(ctx)
    text = await sdl_text(rt, sdl)
    report = check(text)
    images = await checked_images(rt, report) if check_images else None
    return verdict(report, rt.sdls.keep(text) if report.ok else None, images)


def _known(rt: Runtime, plan: RunsSdl) -> RunsSdl:
    """The plan, whose SDL has a name from now on."""
    rt.sdls.keep(plan.sdl)
    return plan


async def plan_deploy(
    ctx: AppContext,
    sdl: str,
    deposit_usd: Usd,
    max_usd_per_hour: Usd | None,
    prefer: Prefer,
    name: str | None,
    hours: int | None,
    until: Until | None,
    regions: list[str] | None,
    exclude_providers: list[ProviderAddress] | None,
) -> LaunchPlan:
    """The plan of `deploy`."""
    rt = runtime_with_key(ctx)
    return _known(
        rt,
        await planning.launch_plan(
            rt,
            tool="deploy",
            sdl=await sdl_text(rt, sdl),
            deposit=deposit_usd,
            max_usd_per_hour=max_usd_per_hour,
            prefer=prefer,
            name=name,
            hours=hours,
            until=until,
            regions=regions or (),
            excluded=exclude_providers or (),
        ),
    )


async def deploy(
    ctx: AppContext,
    sdl: SdlArg,
    deposit_usd: Annotated[UsdArg, Field(description="The most it can cost")],
    decision: Annotated[Decision[LaunchPlan], decided(plan_deploy)],
    max_usd_per_hour: MaxRateArg = None,
    prefer: PreferArg = "balanced",
    name: NameArg = None,
    hours: HoursArg = None,
    until: UntilArg | None = None,
    regions: RegionsArg | None = None,
    exclude_providers: ExcludedArg | None = None,
) -> Outcome:
    """SPENDS. Deploy an SDL: create, lease the best bid, wait until it runs; pending when that takes longer."""
    return await LAUNCH(ctx, decision)


async def _launch(rt: Runtime, plan: LaunchPlan, permit: LaunchPermit, running: Running[Any]) -> Outcome:
    return launch_outcome(permit.op_id, await launch(rt, permit, running), plan)


async def plan_create(
    ctx: AppContext,
    sdl: str,
    deposit_usd: Usd,
    max_usd_per_hour: Usd | None,
    name: str | None,
    hours: int | None,
) -> LaunchPlan:
    """The plan of `create_deployment`."""
    rt = runtime_with_key(ctx)
    return _known(
        rt,
        await planning.launch_plan(
            rt,
            tool="create_deployment",
            sdl=await sdl_text(rt, sdl),
            deposit=deposit_usd,
            max_usd_per_hour=max_usd_per_hour,
            name=name,
            hours=hours,
        ),
    )


async def create_deployment(
    ctx: AppContext,
    sdl: SdlArg,
    deposit_usd: Annotated[UsdArg, Field(description="The most it can cost")],
    decision: Annotated[Decision[LaunchPlan], decided(plan_create)],
    max_usd_per_hour: MaxRateArg = None,
    name: NameArg = None,
    hours: HoursArg = None,
) -> Outcome:
    """SPENDS. Only create a deployment: list_bids and create_lease go on."""
    return await CREATE(ctx, decision)


async def _create(rt: Runtime, plan: LaunchPlan, permit: LaunchPermit, running: Running[Any]) -> Outcome:
    dseq = await create(rt, permit, running)
    return Outcome(
        status="created",
        op_id=permit.op_id,
        dseq=dseq,
        summary=f"Deployment {dseq} is created and waits for bids.",
        money=created_money(plan),
        next_step=f"Call list_bids(dseq={dseq}), then create_lease within five minutes, or close_deployment.",
    )


async def list_bids(
    ctx: AppContext,
    dseq: DseqArg,
    prefer: PreferArg = "balanced",
    wait_s: Wait = int(WAIT_SECONDS),
    regions: RegionsArg | None = None,
) -> OfferList:
    """Wait for bids and rank them, with reasons. Once leased: what was taken, and why."""
    found = await listed_bids.list_bids(
        runtime(ctx),
        dseq,
        prefer=prefer,
        wait_seconds=wait_s,
        on_progress=report_progress(ctx),
        regions=regions or (),
    )
    return offer_list(found)


async def plan_lease(
    ctx: AppContext, dseq: Dseq, providers: list[ProviderAddress], max_usd_per_hour: Usd
) -> LeasePlan:
    """The plan of `create_lease`."""
    if not providers:
        raise BadArgument("providers is empty.", next_step="Name one provider a group, from list_bids.")
    return await planning.lease_plan(
        runtime_with_key(ctx), dseq=dseq, providers=tuple(providers), max_usd_per_hour=max_usd_per_hour
    )


async def create_lease(
    ctx: AppContext,
    dseq: DseqArg,
    providers: Annotated[list[ProviderArg], Field(description="One a group", max_length=20)],
    max_usd_per_hour: Annotated[UsdArg, Field(description="For all groups together")],
    decision: Annotated[Decision[LeasePlan], decided(plan_lease)],
) -> Outcome:
    """SPENDS. Accept bids on a deployment created here, within what was approved; wait until it runs."""
    return await LEASE(ctx, decision)


async def _lease(rt: Runtime, plan: LeasePlan, permit: LeasePermit, running: Running[Any]) -> Outcome:
    return launch_outcome(permit.op_id, await lease_from(rt, permit, plan, running), plan)


async def plan_update(ctx: AppContext, dseq: Dseq, sdl: str) -> UpdatePlan:
    """The plan of `update_deployment`."""
    rt = runtime_with_key(ctx)
    return _known(rt, await update_plan(rt, dseq=dseq, sdl=await sdl_text(rt, sdl)))


async def update_deployment(
    ctx: AppContext,
    dseq: DseqArg,
    sdl: SdlArg,
    decision: Annotated[Decision[UpdatePlan], decided(plan_update)],
) -> Outcome:
    """Replace what runs: image, command, env, ports; no resources, no placement. Containers restart."""
    return await UPDATE(ctx, decision)


async def _update(rt: Runtime, plan: UpdatePlan, permit: UpdatePermit, running: Running[Any]) -> Outcome:
    if not await update(rt, permit, running):
        return Outcome(
            status="pending",
            op_id=permit.op_id,
            dseq=plan.dseq,
            summary=f"The change of deployment {plan.dseq} is recorded and on chain, and its provider has not taken it "
            "yet: it may still run what it ran before. It was sent twice, and is not sent again by itself.",
            money="No money moved, and the rate stays as it was.",
            next_step=f"Look with get_deployment(id={plan.dseq}). If the old version still runs in ten minutes, call "
            "update_deployment again with the same SDL.",
        )
    if plan.is_idle:
        return Outcome(
            status="updated",
            op_id=permit.op_id,
            dseq=plan.dseq,
            summary=f"Deployment {plan.dseq} is changed to {plan.contents.words}. It had no lease when "
            "that was planned, so nothing of it runs by this.",
            money="No money moved.",
            next_step=f"Call list_bids(dseq={plan.dseq}), then create_lease.",
        )
    return Outcome(
        status="updated",
        op_id=permit.op_id,
        dseq=plan.dseq,
        summary=f"Deployment {plan.dseq} now runs {plan.contents.words}; its containers restart.",
        money="No money moved, and the rate stays as it was.",
        next_step=f'Call get_deployment(id={plan.dseq}, wait_for="ready").',
    )


async def plan_funds(ctx: AppContext, dseq: Dseq, amount_usd: Usd | None, hours: int | None) -> FundPlan:
    """The plan of `add_funds`."""
    return await planning.fund_plan(runtime_with_key(ctx), dseq=dseq, amount=amount_usd, hours=hours)


async def add_funds(
    ctx: AppContext,
    dseq: DseqArg,
    decision: Annotated[Decision[FundPlan], decided(plan_funds)],
    amount_usd: Annotated[UsdArg | None, Field(description="More that it may cost")] = None,
    hours: Annotated[int | None, Field(ge=1, description="How much longer it may run")] = None,
) -> Outcome:
    """SPENDS. Let a deployment cost more, or run hours longer, or both."""
    return await FUND(ctx, decision)


async def _fund(rt: Runtime, plan: FundPlan, permit: FundPermit, running: Running[Any]) -> Outcome:
    detail, now = await fund(permit, running), None
    with suppress(AkashError):  # the money is in: what cannot be read now is left out
        now = await status_of(rt, detail)
    return Outcome(
        status="funded",
        op_id=permit.op_id,
        dseq=plan.dseq,
        summary=funded_summary(plan),
        money=funded_money(plan),
        usd_per_hour=now.usd_per_hour if now else None,
        escrow_left_usd=now.escrow_left if now else None,
        hours_left=hours_text(now.hours_left) if now else None,
        services=service_results(now.readiness) if now else None,
        next_step="Nothing needs doing.",
    )


async def plan_close(ctx: AppContext, dseq: Dseq) -> ClosePlan:
    """The plan of `close_deployment`."""
    return await planning.close_plan(runtime_with_key(ctx), dseq=dseq)


async def close_deployment(
    ctx: AppContext,
    dseq: DseqArg,
    decision: Annotated[Decision[ClosePlan], decided(plan_close, repeatable=True)],
) -> Outcome:
    """DELETES. Close a deployment for good, prove it, and say what it cost."""
    return await CLOSE(ctx, decision)


async def _close(rt: Runtime, plan: ClosePlan, permit: ClosePermit, running: Running[Any]) -> Outcome:
    closed = await close(permit, running)
    refunded = came_back(plan, closed.spent)
    return Outcome(
        status="closed",
        op_id=permit.op_id,
        dseq=plan.dseq,
        summary=f"Deployment {plan.dseq} is closed: the Console was asked afterwards and says so.",
        money=closed_money(plan, closed.spent, refunded),
        spent_usd=closed.spent,
        refunded_usd=refunded,
        next_step=await _after_close(rt, plan.dseq),
    )


async def _after_close(rt: Runtime, dseq: Dseq) -> str:
    """What is left to do: the launch of what was closed may be going on at another provider."""
    with suppress(LedgerUnusable):
        going_on = await rt.store.read(journal.goes_on_as, dseq)
        if going_on is not None:
            end = f"close_deployment(dseq={going_on.dseq})" if going_on.dseq else "closing what it creates"
            return (
                f"Its launch went on at another provider, as operation {going_on.op_id}: "
                f"get_deployment(id={going_on.op_id!r}) shows it, and {end} ends that too."
            )
    return "Nothing needs doing."


LAUNCH = CarryOut(Gate.launch, _launch)
CREATE = CarryOut(Gate.launch, _create)
LEASE = CarryOut(Gate.lease, _lease)
UPDATE = CarryOut(Gate.update, _update)
FUND = CarryOut(Gate.fund, _fund)
CLOSE = CarryOut(Gate.close, _close, wait=MAX_WAIT_SECONDS)

TOOLS = (
    ToolSpec(validate_sdl, "Validate SDL", Effect.READS),
    ToolSpec(deploy, "Deploy an app (spends money)", Effect.SPENDS, carry_out=LAUNCH),
    ToolSpec(create_deployment, "Create deployment (spends money)", Effect.SPENDS, carry_out=CREATE),
    ToolSpec(list_bids, "List and rank bids", Effect.READS),
    ToolSpec(create_lease, "Create lease (spends money)", Effect.SPENDS, carry_out=LEASE),
    ToolSpec(update_deployment, "Update deployment", Effect.CHANGES, idempotent=True, carry_out=UPDATE),
    ToolSpec(add_funds, "Add funds (spends money)", Effect.SPENDS, carry_out=FUND),
    ToolSpec(
        close_deployment, "Close deployment (deletes)", Effect.DELETES, idempotent=True, carry_out=CLOSE
    ),
)
