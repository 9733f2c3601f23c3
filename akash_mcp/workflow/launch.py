"""The launch: create, wait for offers, lease the best, deliver, wait until it runs; or unwind.

Each step is journalled by the permit before the next begins. Whatever goes wrong between the deposit and a lease
that works ends in a deployment proven closed, and the error says what it cost. Only one thing is never tried
twice: a request that may have spent.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from akash_mcp.clients.console.models import DeploymentDetail
from akash_mcp.errors import (
    AkashError,
    ApiError,
    HeldBack,
    Interrupted,
    LedgerUnusable,
    NotDelivered,
    NotFound,
    OutcomeUnknown,
    Refused,
    TakenOver,
    Unreachable,
)
from akash_mcp.guard.books import journal
from akash_mcp.guard.books.choices import CHOSEN
from akash_mcp.guard.books.journal import State
from akash_mcp.guard.books.store import Db
from akash_mcp.guard.permits.bounds import Bound
from akash_mcp.guard.permits.close_permit import Unwound, in_words
from akash_mcp.guard.permits.launch_permit import LaunchPermit
from akash_mcp.guard.permits.lease_permit import (
    Choice,
    LeasePermit,
    OfferGone,
    is_invalid,
    lease_ids,
    providers_asked,
)
from akash_mcp.guard.plans.contents import Contents
from akash_mcp.guard.plans.plans import LaunchPlan, LeasePlan
from akash_mcp.ids import Dseq, LeaseId, OpId, ProviderAddress
from akash_mcp.market.choice import choice_words, enough_per_hour, left_out, pick
from akash_mcp.market.ranking import Prefer, RankedOffer, Ranking
from akash_mcp.money import ZERO, Usd
from akash_mcp.sanitize.text import quoted
from akash_mcp.sdl import check
from akash_mcp.workflow.arrival import until_ready
from akash_mcp.workflow.bid_wait import times, wait_for_all_groups
from akash_mcp.workflow.diagnosis.causes import PROVIDER_UNREACHABLE, PROVIDERS_FAULT, Cause
from akash_mcp.workflow.jobs.ended import EndedRun, run_to_its_end
from akash_mcp.workflow.jobs.until import parse_until
from akash_mcp.workflow.market.screening_words import why_no_bids
from akash_mcp.workflow.offers import hours_of, read_leased_offers, read_offers, requirements
from akash_mcp.workflow.operations import Running
from akash_mcp.workflow.paid_hours import plan_elsewhere
from akash_mcp.workflow.readiness import Readiness
from akash_mcp.workflow.reconcile import create_once
from akash_mcp.workflow.runtime import Runtime

_LEASE_ATTEMPTS = 3
MOST_PROVIDERS = 3
"""So many deployments of one launch, one after the other."""

_MOVES_ON = PROVIDERS_FAULT - {PROVIDER_UNREACHABLE}
"""Why a deployment that never ran is closed for another one. That a provider cannot be reached from here says little of
how others reach it."""

_WHY_SECONDS = 10.0
"""How long a launch without an offer looks for the reason, before it is closed again."""

_NO_OFFER_NEXT_STEP = (
    "Ask for less, for a GPU model that is offered, for no placement attributes or regions, or allow a higher "
    "price."
)


@dataclass(frozen=True, slots=True)
class Leased:
    """The offers that there were, those that were leased, and what bounds the cost, read back before the lease."""

    offers: Ranking
    chosen: tuple[RankedOffer, ...]
    bound: Bound
    by_others: bool = False
    """Whether somebody else made the leases: a person in the Console, or another program."""
    missed: str = ""
    """What may have been missed when they were chosen, in a sentence; empty where it was not chosen here."""
    left_out: str = ""
    """Which bidders were left out because they failed us, or by the caller's word, in a sentence."""

    @property
    def usd_per_hour(self) -> Usd:
        """What all leases cost together."""
        return sum((offer.usd_per_hour for offer in self.chosen), ZERO)


@dataclass(frozen=True, slots=True)
class Launched:
    """What a launch came to: one lease a group, whether all of it runs, and the causes why not.

    `is_over`: its leases are closed already. `ended`: how its run ended, where that ends by itself. `plan`: what
    of the approval it has, and `earlier`: what was tried before that at other providers.
    """

    dseq: Dseq
    leased: Leased
    readiness: Readiness
    causes: tuple[Cause, ...] = ()
    is_over: bool = False
    ended: EndedRun | None = None
    plan: LaunchPlan | None = None
    earlier: tuple[Unwound, ...] = ()

    @property
    def spent_before(self) -> Usd:
        """What was spent at other providers."""
        return _sum(self.earlier)


async def launch(rt: Runtime, permit: LaunchPermit, running: Running[Launched]) -> Launched:
    """Carry a launch through; where its provider fails, at another one, as long as that is within what was approved.

    Raises the reason why it could not be, after closing what it had opened.
    """
    return await elsewhere_if_it_fails(rt, permit, running, lambda: launch_once(rt, permit, running))


async def elsewhere_if_it_fails(
    rt: Runtime,
    permit: LaunchPermit,
    running: Running[Launched],
    first: Callable[[], Awaitable[Launched]],
) -> Launched:
    """What `first` comes to. Where its provider failed it is closed, proven, and a new deployment made for another one.

    An order takes one lease in its life. What is the app's own fault would fail there too, and is left to be looked at.
    What it raises tells of all attempts.
    """
    before = len(await rt.store.read(journal.before, permit.op_id))
    failed: list[Unwound] = []
    attempt = first
    while True:
        try:
            done = await _failed(rt, permit, attempt)
            if isinstance(done, Launched):
                return dataclasses.replace(done, plan=permit.plan, earlier=tuple(failed))
            permit = await _elsewhere(rt, permit, done, before + len(failed) + 1)
        except AkashError as reason:
            raise _together(failed, reason) from reason
        failed.append(done)
        running.dseq = running.usd_per_hour = None  # of the one that is closed
        running.progress("its provider failed; trying another one")
        attempt = partial(_as_work, rt, permit, running)


async def _failed(
    rt: Runtime, permit: LaunchPermit, attempt: Callable[[], Awaitable[Launched]]
) -> Launched | Unwound:
    """What an attempt came to; where its provider failed, that it was closed because of that."""
    try:
        launched = await attempt()
    except Unwound as unwound:
        if isinstance(unwound.__cause__, NotDelivered) and not is_invalid(unwound.__cause__.__cause__):
            return unwound
        raise
    faults = [cause for cause in launched.causes if cause.kind in _MOVES_ON]
    is_providers = bool(faults) and len(faults) == len(launched.causes)
    if launched.readiness.is_ready or launched.leased.by_others or launched.ended or not is_providers:
        return launched
    if not await _is_recent(rt, permit):
        return launched  # whether it ran in the meantime, and for whom, nobody saw
    return await permit.abandoning(launched.dseq).unwind(
        AkashError(
            f"Deployment {launched.dseq} did not come up at {names(launched.leased.chosen)}: {faults[0].what}"
        )
    )


async def _elsewhere(rt: Runtime, permit: LaunchPermit, unwound: Unwound, providers: int) -> LaunchPermit:
    """The permit to try another provider after so many. Raises `Unwound` where there is no other, and why."""
    if not unwound.is_closed or unwound.spent is None:
        raise unwound
    if providers >= MOST_PROVIDERS:
        raise _and_no_other(unwound, f"{providers} were tried, which is the most for one approval.")
    try:
        if not await _is_recent(rt, permit):
            raise Refused("This one was begun too long ago.")
        return await rt.gate.launch_elsewhere(permit, plan_elsewhere(permit.plan, unwound.spent))
    except AkashError as refusal:
        raise _and_no_other(unwound, refusal.what) from refusal


async def _is_recent(rt: Runtime, permit: LaunchPermit) -> bool:
    """Whether an attempt was begun so short a time ago that it is still the launch that a person waits for."""
    operation = await rt.store.read(journal.find, permit.op_id)
    return operation is not None and rt.now() - operation.created_at < rt.intervals.moves_on


async def _as_work(rt: Runtime, permit: LaunchPermit, running: Running[Launched]) -> Launched:
    """Launch as an operation of its own, told as a part of the one that was asked for."""

    async def tell(stage: str) -> None:
        running.dseq, running.usd_per_hour = work.dseq, work.usd_per_hour
        running.progress(stage)

    work: Running[Launched] = rt.operations.start(permit.op_id, lambda own: launch_once(rt, permit, own))
    launched = await work.wait(math.inf, tell)
    assert launched is not None
    return launched


def _and_no_other(unwound: Unwound, why: str) -> Unwound:
    """A failure at one provider that is not followed by another attempt."""
    told = Unwound(
        f"{unwound.what} No further provider is tried: {why}",
        money=unwound.money,
        next_step=unwound.next_step or "Tell the user. deploy tries anew, and asks again.",
    )
    told.spent = unwound.spent
    return told


def _together(failed: Sequence[Unwound], reason: AkashError) -> AkashError:
    """Why a launch ended at last, told with the attempts that failed before that."""
    if not failed:
        return reason
    what = " ".join((*(f"{unwound.what} Another provider was tried." for unwound in failed), reason.what))
    if not isinstance(reason, Unwound):
        return AkashError(what, money=reason.money, next_step=reason.next_step)
    money = reason.money
    if reason.spent is not None:
        money = f"All attempts together cost {_sum(failed) + reason.spent}. {money}"
    told = Unwound(what, money=money, next_step=reason.next_step)
    told.is_closed, told.spent = reason.is_closed, reason.spent
    return told


def _sum(failed: Sequence[Unwound]) -> Usd:
    """What attempts cost that were followed by another one, which none is whose cost is not known."""
    return sum((unwound.spent for unwound in failed if unwound.spent is not None), ZERO)


async def launch_once(rt: Runtime, permit: LaunchPermit, running: Running[Launched]) -> Launched:
    """Carry a launch through at one provider. Raises like `launch`."""
    running.progress("creating the deployment")
    running.dseq = dseq = await create_once(rt, permit, running.progress)
    return await lease_and_wait(rt, permit, dseq, running)


async def lease_and_wait(
    rt: Runtime, permit: LaunchPermit, dseq: Dseq, running: Running[Launched]
) -> Launched:
    """The rest of a launch, from its deployment on. Raises like `launch`."""
    sent: list[LeaseId] = []
    try:
        leased = await _lease(rt, permit, dseq, running, sent)
    except (TakenOver, Unwound):
        raise
    except Exception as reason:
        with suppress(LedgerUnusable):
            await permit.keep()  # whoever has it in hand now decides what becomes of it
        # Also when the answer to the lease was lost, and when the fault is ours: closing ends what was opened.
        words = in_words(reason)
        detail = await _leased_by_others(rt, dseq, sent, words)
        if detail is None:
            running.progress("closing it again")
            raise await permit.abandoning(dseq).unwind(words) from reason
        running.progress("somebody leased it meanwhile")
        leased = await _accepted(rt, permit, detail, words)
    running.usd_per_hour = leased.usd_per_hour
    running.progress(f"deployment {dseq} is leased; waiting for its containers")
    return await _arrived(rt, permit.leasing(dseq), dseq, leased, running, permit.plan.until)


async def go_on_leased(
    rt: Runtime,
    permit: LeasePermit,
    detail: DeploymentDetail,
    prefer: Prefer,
    running: Running[Launched],
    until: str = "",
) -> Launched:
    """Go on with a deployment that is leased, after whoever leased it is gone: prove what it costs, deliver once more
    what may not have been delivered, and wait until it runs.

    Raises `Unwound` where what it costs is not what was approved: it was closed then.
    """
    running.dseq = detail.dseq
    running.progress("it is leased; delivering its manifest once more")
    bound = await permit.take_up(detail)
    wanted = requirements(
        rt.policy, hours=await hours_of(rt, detail.dseq), max_usd_per_hour=permit.max_usd_per_hour
    )
    offers = await read_leased_offers(rt, detail, wanted, prefer)
    asked = await rt.store.read(providers_asked, permit.op_id)
    leased = Leased(
        offers,
        offers.ranked,
        bound,
        by_others=not {lease.provider for lease in detail.open_leases} <= asked,
    )
    running.usd_per_hour = leased.usd_per_hour
    running.progress(f"deployment {detail.dseq} is leased; waiting for its containers")
    return await _arrived(rt, permit, detail.dseq, leased, running, until)


async def are_others(rt: Runtime, permit: LaunchPermit, detail: DeploymentDetail) -> bool:
    """Whether a lease of what a launch created was asked for by somebody else, and not by any worker of its own."""
    asked = await rt.store.read(providers_asked, permit.op_id)
    return not {lease.provider for lease in detail.open_leases} <= asked


async def go_on_leased_by_others(
    rt: Runtime, permit: LaunchPermit, detail: DeploymentDetail, running: Running[Launched]
) -> Launched:
    """Go on with a deployment that somebody else leased while no server had it in hand, and wait until it runs.

    Raises where its leases are not within what was approved: they are somebody's, and left as they are.
    """
    running.dseq = detail.dseq
    running.progress("somebody leased it meanwhile")
    leased = await _accepted(rt, permit, detail, AkashError("Its server stopped before it had leased."))
    running.usd_per_hour = leased.usd_per_hour
    return await _arrived(rt, permit.leasing(detail.dseq), detail.dseq, leased, running, permit.plan.until)


async def _arrived(
    rt: Runtime, permit: LeasePermit, dseq: Dseq, leased: Leased, running: Running[Launched], until: str = ""
) -> Launched:
    """Wait until it runs, or cannot, and write down which. One that ends by itself is waited for until it has."""
    leases = lease_ids(dseq, choices(leased.chosen))
    if until:
        run = await run_to_its_end(rt, permit, leases, parse_until(until), running.progress)
        if isinstance(run, EndedRun):
            return Launched(dseq, leased, Readiness(0, {}), is_over=True, ended=run)
        return Launched(dseq, leased, run.readiness, run.causes, run.is_over)
    arrival = await until_ready(rt, leases, running.progress)
    why = "; ".join(cause.what for cause in arrival.causes[:1])
    await permit.advance(State.READY if arrival.is_ready else State.LEASED, why)
    return Launched(dseq, leased, arrival.readiness, arrival.causes, arrival.is_over)


async def _lease(
    rt: Runtime, permit: LaunchPermit, dseq: Dseq, running: Running[Launched], sent: list[LeaseId]
) -> Leased:
    """Choose and lease. An offer that vanished, or became more expensive, is passed over for the next best.

    Where this raises, `sent` are the leases that may have come of it.
    """
    leasing = permit.leasing(dseq)
    plan = permit.plan
    tried = await rt.store.read(_tried_before, permit.op_id)
    failing = {**await rt.evidence.failing_providers(), **dict.fromkeys(tried, "this launch, a moment ago")}
    wanted = requirements(
        rt.policy,
        hours=plan.run_hours,
        max_usd_per_hour=plan.max_usd_per_hour,
        failed=failing,
        regions=plan.regions,
        excluded=plan.excluded,
    )
    refusal: OfferGone | None = None
    for _ in range(_LEASE_ATTEMPTS):
        gathered = await wait_for_all_groups(
            rt,
            dseq,
            plan.groups,
            wanted,
            plan.prefer,
            running.progress,
            possible=None if wanted.leaves_out else plan.bidders,
        )
        offers = gathered.ranking
        try:
            chosen = pick(offers, range(1, plan.groups + 1), max_usd_per_hour=plan.max_usd_per_hour)
        except Refused as none:
            running.progress("nobody to lease from; asking the market why")
            why = _allow_more(rt, offers, plan) or await why_no_bids(
                rt,
                check(plan.sdl),
                plan.max_usd_per_hour,
                regions=plan.regions,
                excluded=(*plan.excluded, *tried),
                seconds=_WHY_SECONDS,
            )
            asked = Contents(filters=plan.contents.filters).sentences
            raise AkashError(" ".join((none.what, *asked)), next_step=why or _NO_OFFER_NEXT_STEP) from none
        missed = gathered.arrivals.missed(times(rt.intervals))
        await leasing.advance(State.OFFERED, f"{CHOSEN}{choice_words(offers, chosen, plan.prefer, missed)}")
        running.progress(f"leasing from {names(chosen)}")
        sent[:] = lease_ids(dseq, choices(chosen))
        try:
            bound = await _lease_or_note(rt, leasing, dseq, chosen)
            return Leased(offers, chosen, bound, missed=missed, left_out=left_out(offers, wanted))
        except HeldBack as held:
            sent.clear()
            why = f"{refusal.what} {held.what}" if refusal else held.what
            raise HeldBack(why, next_step=held.next_step) from held
        except OfferGone as vanished:
            sent.clear()
            refusal = vanished
            wanted = dataclasses.replace(wanted, denied=wanted.denied | vanished.providers)
    assert refusal is not None
    raise refusal


def _allow_more(rt: Runtime, offers: Ranking, plan: LaunchPlan) -> str:
    """At which rate the bids that came could have been taken; empty where more than the rate stood in the way."""
    enough = enough_per_hour(offers, range(1, plan.groups + 1))
    if enough is None:
        return ""
    limit = rt.policy.max_usd_per_hour
    if limit is not None and enough > limit:
        return f"${enough.precise()} an hour would do, which only the user can allow (AKASH_MCP_MAX_USD_PER_HOUR)."
    return f"max_usd_per_hour={enough.precise()} would do: allow that, or a little more, as bids change."


def _tried_before(db: Db, op_id: OpId) -> frozenset[ProviderAddress]:
    """The providers at which a launch was tried before, whichever process did that."""
    return frozenset().union(*(providers_asked(db, earlier.op_id) for earlier in journal.before(db, op_id)))


async def _lease_or_note(
    rt: Runtime, leasing: LeasePermit, dseq: Dseq, chosen: Sequence[RankedOffer]
) -> Bound:
    """Lease, and remember it; a provider that does not take the manifest is passed over next time."""
    providers = [ranked.offer.provider for ranked in chosen]
    try:
        bound = await leasing.lease(choices(chosen))
    except NotDelivered as refused:
        await rt.track_records.leased(dseq, providers)
        # Of several the Console does not say which, and what it took for wrong itself no provider refused.
        if len(chosen) == 1:
            why = "it did not take a manifest"
            await rt.evidence.provider_failed(providers[0], why)
            if not is_invalid(refused.__cause__):
                await rt.track_records.failed(dseq, providers[0], why)
        raise
    await rt.track_records.leased(dseq, providers)
    return bound


async def _leased_by_others(
    rt: Runtime, dseq: Dseq, sent: Sequence[LeaseId], reason: AkashError
) -> DeploymentDetail | None:
    """The deployment, where it has a lease that we did not ask for: a person's in the Console, or another program's.

    Asked before a launch closes what it created: what others did meanwhile is theirs. Raises `OutcomeUnknown` where
    that cannot be read and we sent no lease: it costs nothing of ours then, and closing it could destroy theirs.
    """
    try:
        detail = await rt.reader.get_deployment(dseq)
    except NotFound:
        return None
    except (ApiError, Interrupted, Unreachable) as unread:
        if sent:
            return None
        raise OutcomeUnknown(
            f"{reason.what} Whether somebody leased deployment {dseq} meanwhile cannot be read, so it was not closed: "
            f"{unread.what}",
            next_step=f"What was approved for it stays reserved. Call get_deployment(id={dseq}) in a minute, and "
            f"close_deployment(dseq={dseq}) where nobody uses it.",
        ) from unread
    if detail.unread_leases and not sent:
        raise OutcomeUnknown(
            f"{reason.what} A lease of deployment {dseq} cannot be read, and we made none, so it was not closed.",
            next_step=f"What was approved for it stays reserved. Call get_deployment(id={dseq}) in a minute, and "
            f"close_deployment(dseq={dseq}) where nobody uses it.",
        )
    return detail if set(detail.open_leases) - set(sent) else None


async def _accepted(
    rt: Runtime, permit: LaunchPermit, detail: DeploymentDetail, reason: AkashError
) -> Leased:
    """Go on with leases that somebody else made, where they are within what was approved; else they are left alone."""
    plan, dseq = permit.plan, detail.dseq
    wanted = requirements(
        rt.policy,
        hours=plan.run_hours,
        max_usd_per_hour=plan.max_usd_per_hour,
        regions=plan.regions,
        excluded=plan.excluded,
    )
    offers = await read_leased_offers(rt, detail, wanted, plan.prefer)
    leasing = permit.leasing(dseq)
    try:
        if len(offers.ranked) != plan.groups or offers.rejected:
            against = [speaks for rejected in offers.rejected for speaks in rejected.reasons]
            raise Refused("; ".join(against) or f"It has {len(offers.ranked)} of {plan.groups} leases.")
        bound = await leasing.accept(detail)
    except TakenOver:
        raise
    except AkashError as beyond:
        await leasing.advance(State.LEASED, "by somebody else")
        raise AkashError(
            f"{reason.what} Somebody else leased deployment {dseq} meanwhile, not within what was approved here, so it "
            f"was left as it is: {beyond.what}",
            money="It costs money until it is closed, and this operation made none of its leases.",
            next_step=f"Ask the user whether it is theirs. get_deployment(id={dseq}) shows what it costs; "
            "close_deployment ends it.",
        ) from beyond
    return Leased(offers, offers.ranked, bound, by_others=True)


def choices(chosen: Sequence[RankedOffer]) -> list[Choice]:
    """What the guard needs to know of the offers that were chosen."""
    return [
        Choice(
            gseq=ranked.offer.gseq,
            oseq=ranked.offer.oseq,
            provider=ranked.offer.provider,
            price_uact_per_block=ranked.offer.price_uact_per_block,
        )
        for ranked in chosen
    ]


def names(chosen: Sequence[RankedOffer]) -> str:
    """The providers of offers by the names that they gave themselves, which are quoted: anything may stand in them."""
    return ", ".join(quoted(ranked.offer.name or ranked.offer.provider) for ranked in chosen)


async def lease_from(
    rt: Runtime, permit: LeasePermit, plan: LeasePlan, running: Running[Launched]
) -> Launched:
    """Lease from the providers that the plan names, one a group, and wait until it runs."""
    wanted = requirements(rt.policy, hours=plan.hours, max_usd_per_hour=plan.max_usd_per_hour)
    named = dict(enumerate(plan.providers, start=1))
    try:
        offers = await read_offers(rt, plan.dseq, wanted)
        chosen = pick(offers, list(named), chosen=named, max_usd_per_hour=plan.max_usd_per_hour)
    except AkashError as unmet:
        with suppress(LedgerUnusable):
            await permit.refuse(unmet.what)  # nothing was sent, so nothing is left to look up
        raise
    running.progress("leasing")
    words = choice_words(offers, chosen, "balanced", "They were named by create_lease.")
    await permit.advance(State.OFFERED, f"{CHOSEN}{words}")
    leased = Leased(offers, chosen, await _lease_or_note(rt, permit, plan.dseq, chosen))
    running.dseq, running.usd_per_hour = plan.dseq, leased.usd_per_hour
    running.progress("leased; waiting for its containers")
    return await _arrived(rt, permit, plan.dseq, leased, running)
