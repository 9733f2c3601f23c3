"""From a tool's arguments to a plan, or to the reason why there can be none. What touches the network here is a read.

What can be refused for free is refused here, before a person is asked: an SDL that some judge would not take, a
deposit under the chain's minimum, an amount over the budget.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

import anyio

from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.limits import FIRST_RUNTIME_HOURS, MINIMUM_DEPOSIT
from akash_mcp.clients.console.models import DeploymentDetail
from akash_mcp.clients.console.names import words_for, words_of
from akash_mcp.errors import (
    AkashError,
    BadArgument,
    InvalidSdl,
    LedgerUnusable,
    NotFound,
    OverBudget,
)
from akash_mcp.guard.approval import equal_launches
from akash_mcp.guard.books import holds, journal, runs, top_ups
from akash_mcp.guard.books.runs import Run
from akash_mcp.guard.books.store import Work
from akash_mcp.guard.plans.contents import Contents, Seller, check_all_named
from akash_mcp.guard.plans.plans import (
    FREE_CLOSING_HOURS,
    ClosePlan,
    FundPlan,
    LaunchPlan,
    LeasePlan,
)
from akash_mcp.guard.secret_store import filled
from akash_mcp.ids import Dseq, ProviderAddress
from akash_mcp.market.offers import Offer
from akash_mcp.market.ranking import Prefer
from akash_mcp.money import (
    BLOCK_SECONDS,
    ZERO,
    Usd,
    told_apart,
    uact_per_block,
    usd_per_hour,
    usd_per_hour_at_most,
)
from akash_mcp.sdl import Finding, Report, check
from akash_mcp.workflow.contents import contents_of
from akash_mcp.workflow.jobs.until import Until
from akash_mcp.workflow.market.screening_words import market_view
from akash_mcp.workflow.offers import places, read_offers, requirements
from akash_mcp.workflow.paid_hours import limited
from akash_mcp.workflow.runtime import Runtime
from akash_mcp.workflow.settling import settle_closed
from akash_mcp.workflow.status import is_ours, read_deployment

log = logging.getLogger(__name__)

T = TypeVar("T")

_READ_SECONDS = 10.0
"""How long a plan waits for what it only tells: the call has other things to do in its time."""

_MARKET_SECONDS = 5.0
"""How long a launch's plan waits for what the market says of it."""

_SHOWN_FINDINGS = 6


async def launch_plan(
    rt: Runtime,
    *,
    tool: str,
    sdl: str,
    deposit: Usd,
    max_usd_per_hour: Usd | None,
    prefer: Prefer = "balanced",
    name: str | None = None,
    hours: int | None = None,
    until: Until | None = None,
    regions: Sequence[str] = (),
    excluded: Sequence[ProviderAddress] = (),
) -> LaunchPlan:
    """The plan for a new deployment that runs for so many `hours`, the user's default where nobody says.

    Raises `InvalidSdl`, `BadArgument` or `OverBudget`, `HeldBack` where the Console takes none now, and `Unreachable`.
    """
    if name is not None and not name.strip():
        raise BadArgument("name is empty.", next_step="Leave it out, or name the deployment in a few words.")
    hours = _run_hours(rt, hours)
    report = accepted(sdl)
    if until is not None:
        until.check_service([app.service for app in contents_of(report).apps])
    await check_secrets(rt, sdl, report)
    generation = await rt.reader.generation()
    least = MINIMUM_DEPOSIT[generation]
    if deposit < least:
        asked, minimum = told_apart(deposit, least)
        raise BadArgument(
            f"A deposit of {asked} is below the minimum of {minimum}.", next_step=f"Use at least {minimum}."
        )
    ceiling = usd_per_hour(sum((group.price for group in report.groups), Decimal(0)))
    rate = _rate(rt, ceiling, max_usd_per_hour)
    limit, allowed = None, deposit
    if generation is Generation.V2026_11:
        limit, deposit = limited(deposit, uact_per_block(rate), hours)
    # Less than another hour's worth is only what does not make a whole one.
    is_cut = limit is not None and allowed >= deposit + rate
    plan = LaunchPlan(
        tool=tool,
        sdl=sdl,
        manifest=report.manifest or "",
        contents=contents_of(report),
        deposit=deposit,
        max_usd_per_hour=rate,
        groups=len(report.groups),
        prefer=prefer,
        regions=await places(rt, regions),
        excluded=tuple(sorted(set(excluded))),
        hours=hours,
        runtime_limit_hours=limit,
        generation=generation,
        name=words_for(name or "", ()),
        asked=allowed if is_cut else None,
        until="" if until is None else str(until),
        until_words="" if until is None else until.what,
    )
    await rt.store.read(rt.ledger.check, plan.exposure, dseq=None, rate=plan.max_usd_per_hour)
    await rt.gate.check_launch(plan)
    view = await market_view(
        rt, report, rate, regions=plan.regions, excluded=plan.excluded, seconds=_MARKET_SECONDS
    )
    return replace(
        plan,
        equal=await rt.store.read(equal_launches.warning, plan),
        market=view.sentence,
        bidders=view.bidders,
    )


async def lease_plan(
    rt: Runtime, *, dseq: Dseq, providers: tuple[ProviderAddress, ...], max_usd_per_hour: Usd
) -> LeasePlan:
    """The plan to lease offers.

    Raises `Busy`, `OverBudget` for a rate over the user's limit, and `BadArgument` for what is not ours, is closed or
    leased already: nobody is asked for these.
    """
    await rt.store.read(holds.check_free, dseq)
    rate = _rate(rt, max_usd_per_hour, max_usd_per_hour)
    await rt.gate.check_lease(dseq)
    await rt.store.read(rt.ledger.check_rate, dseq, rate)
    sources, launch, run = await rt.store.read(
        lambda db: (journal.sources(db, dseq), journal.launch_of(db, dseq), runs.find(db, dseq))
    )
    generation = await rt.reader.generation()
    if sources is not None and generation is not Generation.V2026_11:
        await rt.secrets.filled_manifest(sources.sdl, sources.manifest)  # what will be delivered can be made
    detail = await read_deployment(rt, dseq)
    if detail.state == "closed":
        await settle_closed(rt, detail)
        raise BadArgument(f"Deployment {dseq} is closed, so nothing can be leased for it.")
    if detail.open_leases:
        raise BadArgument(
            f"Deployment {dseq} is leased already.", next_step=f"get_deployment(id={dseq}) shows what runs."
        )
    return LeasePlan(
        tool="create_lease",
        dseq=dseq,
        providers=providers,
        max_usd_per_hour=rate,
        held=await rt.store.read(rt.ledger.held, dseq),
        sellers=await _sellers(rt, dseq, providers, rate),
        contents=_contents_of(sources.sdl if sources else ""),
        runtime_limit_hours=sources.runtime_limit_hours if sources else None,
        generation=generation,
        name=words_of(detail.name) or (launch.name if launch else ""),
        hours=run.hours(rt.intervals.hour) if run else None,
    )


async def fund_plan(rt: Runtime, *, dseq: Dseq, amount: Usd | None, hours: int | None = None) -> FundPlan:
    """The plan to add money, or to let a deployment run longer, or both.

    Where its escrow pays for the `hours` no amount is needed; where the Console funds by itself none is needed either.
    Raises `Busy`, `OverBudget`, `BadArgument` for what runs no longer and for hours that nothing pays for, and
    `NotFound`: nobody is asked for these.
    """
    if amount is None and hours is None:
        raise BadArgument(
            "Neither amount_usd nor hours is given.", next_step="Say how much more, or how much longer."
        )
    await rt.store.read(holds.check_free, dseq)
    generation = await rt.reader.generation()
    detail = await read_deployment(rt, dseq)
    if detail.state == "closed":
        await settle_closed(rt, detail)
        raise BadArgument(f"Deployment {dseq} is closed, so it cannot be made to run longer.")
    if detail.leases and not detail.open_leases:
        raise BadArgument(
            f"Nothing runs in deployment {dseq} any more: its lease is over.",
            next_step=f"close_deployment(dseq={dseq}) gives back what is left of it.",
        )
    sources, run = await rt.store.read(lambda db: (journal.sources(db, dseq), runs.find(db, dseq)))
    more_hours, rate = None, detail.rate_uact
    if generation is Generation.V2026_11:
        more_hours, amount = await _more_hours(rt, dseq, rate, amount, hours)
        hours = more_hours if run is not None else None
    if hours is not None:
        _check_extension(rt, dseq, run, hours)
        await rt.store.read(top_ups.check_end_may_move, dseq)
    if amount is None:
        assert run is not None
        assert hours is not None
        amount = await _paid_already(rt, detail, run, hours)
    await rt.store.read(rt.ledger.check, amount, dseq=dseq)
    return FundPlan(
        tool="add_funds",
        dseq=dseq,
        amount=amount,
        ours=await is_ours(rt, detail),
        more_hours=more_hours,
        run_hours=hours,
        ends_at=int(run.ends_at) if run else None,
        moved_to=int(run.ends_at + hours * rt.intervals.hour) if run and hours else None,
        usd_per_hour=usd_per_hour(rate or 0),
        contents=_contents_of(sources.sdl if sources and detail.open_leases else ""),
        generation=generation,
    )


async def _more_hours(
    rt: Runtime, dseq: Dseq, rate: Decimal | None, amount: Usd | None, hours: int | None
) -> tuple[int, Usd]:
    """By how many hours the runtime limit is raised, and what those can cost: the fewer of what is asked for and what
    the amount pays for."""
    if (await rt.reader.runtime_limit(dseq)).runtime_limit_hours is None:
        raise BadArgument(
            f"Deployment {dseq} has no runtime limit that is known, so it may be funded without end already.",
            next_step=f"get_deployment(id={dseq}) shows what it costs; close_deployment ends it.",
        )
    if rate is None:
        raise BadArgument(f"What deployment {dseq} costs an hour is not known, so no hours can be added.")
    if not rate:
        raise BadArgument(f"Deployment {dseq} has no running lease, so it cannot be made to run longer.")
    most = FIRST_RUNTIME_HOURS if hours is None else hours
    if most > FIRST_RUNTIME_HOURS:
        raise BadArgument(
            f"A runtime limit is raised by {FIRST_RUNTIME_HOURS} hours at most.",
            next_step=f"Ask for up to {FIRST_RUNTIME_HOURS} hours, and again once they are near their end.",
        )
    return limited(usd_per_hour_at_most(rate) * most if amount is None else amount, rate, most)


def _check_extension(rt: Runtime, dseq: Dseq, run: Run | None, hours: int) -> None:
    """Raise where the end of a run cannot be moved so far."""
    if run is None:
        raise BadArgument(
            f"Deployment {dseq} has no end that this server set, so there is none to move.",
            next_step="Leave hours out: amount_usd lets it run longer.",
        )
    if run.ends_at <= rt.now():
        raise BadArgument(f"The run of deployment {dseq} is over, and it is being closed.")
    run.check_longer(hours, rt.policy.max_hours, rt.intervals.hour)


async def _paid_already(rt: Runtime, detail: DeploymentDetail, run: Run, hours: int) -> Usd:
    """Nothing, where the escrow pays until the new end. Raises `BadArgument` with what is missing otherwise."""
    rate = detail.rate_uact
    left = detail.escrow_left(await rt.reader.latest_height())
    if rate is None or left is None:
        raise BadArgument(
            f"What deployment {detail.dseq} costs, or what is in its escrow, is not known.",
            next_step="Say with amount_usd how much it may cost more.",
        )
    until = run.ends_at + hours * rt.intervals.hour
    seconds = Decimal(max(until - rt.now(), 0)) * Decimal(3600) / Decimal(rt.intervals.hour)
    need, has = usd_per_hour_at_most(rate) * (seconds / 3600), Usd.from_uact(left)
    if need > has:
        missing = need - has
        raise BadArgument(
            f"Until then it can cost {missing} more than its escrow holds.",
            next_step=f"Call again with amount_usd={missing.plain()}, which goes into its escrow.",
        )
    return ZERO


async def check_secrets(rt: Runtime, sdl: str, report: Report) -> None:
    """Raise `MissingSecret` for a secret that is not stored, `BadArgument` for more than a question can name, and
    `Refused` where the values do not fit in the SDL."""
    check_all_named(contents_of(report))
    if report.secrets:
        filled(sdl, await rt.secrets.values(name for name, _ in report.secrets))


async def close_plan(rt: Runtime, *, dseq: Dseq) -> ClosePlan:
    """The plan to close a deployment: what is lost with it, as far as that can be read.

    Raises `NotFound` for one that neither the account nor our journal knows. Nothing else that fails here is raised,
    since it must not stand in the way of closing: what is not known is not told, and counts as what is there.
    """
    ours = await rt.gate.owns(dseq)
    detail = await as_it_stands(rt, dseq, ours=ours)
    ours = ours and (detail is None or await is_ours(rt, detail))
    if detail is not None:
        await settle_closed(rt, detail)
    sources = await _known(rt, journal.sources, dseq)
    contents = _contents_of(sources.sdl if sources else detail.stored.sdl if detail and detail.stored else "")
    ended = detail is not None and (
        detail.state == "closed" or (bool(detail.leases) and not detail.open_leases)
    )
    hours = None if ended else await _hours_leased(rt, dseq, detail)
    may_hold_data = not ended and (hours is not None or detail is None)
    return ClosePlan(
        tool="close_deployment",
        dseq=dseq,
        ours=ours,
        lasting=(hours is not None and hours > FREE_CLOSING_HOURS)
        or (may_hold_data and bool(contents.disks)),
        contents=contents,
        hours=hours,
        usd_per_hour=usd_per_hour(max(detail.rate_uact or ZERO.amount, ZERO.amount)) if detail else ZERO,
        paid_in=detail.paid_in if detail else None,
        generation=await _generation(rt),
    )


async def as_it_stands(rt: Runtime, dseq: Dseq, *, ours: bool) -> DeploymentDetail | None:
    """The Console's record, or None where it cannot be read in time. Raises `NotFound` unless it is `ours`."""
    try:
        with anyio.fail_after(_READ_SECONDS):
            return await read_deployment(rt, dseq)
    except NotFound:
        if ours:
            return None
        raise
    except (AkashError, TimeoutError) as failure:
        log.info("deployment %s cannot be read before it is closed: %s", dseq, failure)
        return None


async def _hours_leased(rt: Runtime, dseq: Dseq, detail: DeploymentDetail | None) -> Decimal | None:
    """For how long it is leased, by the chain or by our journal, whichever says longer; None where neither knows."""
    known: list[Decimal] = []
    leased_at = await _known(rt, journal.leased_at, dseq)
    if leased_at is not None:
        known.append(Decimal(max(rt.now() - leased_at, 0)) / 3600)
    begun = [lease.created_at for lease in detail.leases if lease.state != "closed"] if detail else []
    if begun:
        try:
            with anyio.fail_after(_READ_SECONDS):
                height = await rt.reader.latest_height()
            known.append(max(height - min(begun), 0) * BLOCK_SECONDS / 3600)
        except (AkashError, TimeoutError):
            known.append(Decimal(0))  # it is leased, and for how long the journal has to say
    return max(known, default=None)


async def _generation(rt: Runtime) -> Generation | None:
    try:
        return await rt.reader.generation()
    except AkashError:
        return None


async def _known(rt: Runtime, read: Work[[Dseq], T], dseq: Dseq) -> T | None:
    """What the ledger says, or None where it is damaged: that stops spending and never closing."""
    try:
        return await rt.store.read(read, dseq)
    except LedgerUnusable:
        return None


async def _sellers(
    rt: Runtime, dseq: Dseq, providers: Sequence[ProviderAddress], rate: Usd
) -> tuple[Seller, ...]:
    """The chosen providers with what is known of their offers now: nothing, where the bids cannot be read."""
    try:
        with anyio.fail_after(_READ_SECONDS):
            ranking = await read_offers(rt, dseq, requirements(rt.policy, max_usd_per_hour=rate))
    except (AkashError, TimeoutError):
        return tuple(Seller(provider) for provider in providers)
    offers = [
        *(ranked.offer for ranked in ranking.ranked),
        *(rejected.offer for rejected in ranking.rejected),
    ]
    open_now = {
        (offer.gseq, offer.provider): offer for offer in offers if offer.state == "open" and offer.has_price
    }
    return tuple(
        _seller(provider, open_now.get((gseq, provider))) for gseq, provider in enumerate(providers, start=1)
    )


def _seller(provider: ProviderAddress, offer: Offer | None) -> Seller:
    if offer is None:
        return Seller(provider)
    region = ", ".join(part for part in (offer.region, offer.country) if part)
    return Seller(provider, offer.name, region, offer.usd_per_hour)


def _contents_of(sdl: str) -> Contents:
    return contents_of(check(sdl)) if sdl else Contents()


def accepted(sdl: str) -> Report:
    """The report on an SDL that console, chain and providers take. Raises `InvalidSdl` with line and fix."""
    report = check(sdl)
    if not report.ok:
        shown = "\n".join(f"- {describe(finding)}" for finding in report.errors[:_SHOWN_FINDINGS])
        rest = len(report.errors) - _SHOWN_FINDINGS
        more = f"\n- and {rest} more" if rest > 0 else ""
        raise InvalidSdl(
            f"The SDL would be refused:\n{shown}{more}\n",
            next_step="Fix these and call again; validate_sdl checks without any cost.",
        )
    return report


def describe(finding: Finding) -> str:
    """One finding in one line: where, what, and how to fix it."""
    where = f"line {finding.line}, column {finding.column}" if finding.line else finding.path
    fix = f" Fix: {finding.fix.rstrip('.')}." if finding.fix else ""
    return f"{where}: {finding.message.rstrip('.')}.{fix}"


def _run_hours(rt: Runtime, asked: int | None) -> int:
    """How long a run lasts. Raises `BadArgument` for less than an hour, `OverBudget` for more than the user allows."""
    hours, most = rt.policy.default_hours if asked is None else asked, rt.policy.max_hours
    if hours < 1:
        raise BadArgument("hours is a whole number from 1 on.")
    if hours > most:
        raise OverBudget(
            f"{hours} hours are over the user's limit of {most}.",
            next_step="Ask for less. Only the user can raise the limit (AKASH_MCP_MAX_HOURS).",
        )
    return hours


def _rate(rt: Runtime, ceiling: Usd, asked: Usd | None) -> Usd:
    """The highest rate we take: what was asked for, the SDL's ceiling and the user's limit, whichever is least."""
    limit = rt.policy.max_usd_per_hour
    if asked is not None and limit is not None and asked > limit:
        rate, most = told_apart(asked, limit)
        raise OverBudget(
            f"{rate} an hour is over the user's limit of {most} an hour.",
            next_step="Ask for less. Only the user can raise the limit (AKASH_MCP_MAX_USD_PER_HOUR).",
        )
    return min(rate for rate in (ceiling, asked, limit) if rate is not None)
