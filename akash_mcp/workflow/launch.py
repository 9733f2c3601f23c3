"""The launch: create, wait for offers, lease the best, deliver, wait until it runs; or unwind.

Each step is journalled by the permit before the next begins. Whatever goes wrong between the deposit and a lease
that works ends in a deployment proven closed, and the error says what it cost. Only one thing is never tried
twice: a request that may have spent.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.models import DeploymentDetail
from akash_mcp.errors import (
    AkashError,
    ApiError,
    Interrupted,
    LedgerUnusable,
    NotFound,
    OutcomeUnknown,
    Refused,
    TakenOver,
    Unreachable,
)
from akash_mcp.guard.close_permit import ClosePermit
from akash_mcp.guard.journal import State
from akash_mcp.guard.launch_permit import LaunchPermit
from akash_mcp.guard.lease_permit import Choice, LeasePermit, lease_ids
from akash_mcp.guard.plans import LeasePlan
from akash_mcp.ids import Dseq, LeaseId
from akash_mcp.market.choice import pick
from akash_mcp.market.ranking import RankedOffer, Ranking
from akash_mcp.money import ZERO, Usd
from akash_mcp.sanitize.text import quoted
from akash_mcp.workflow.arrival import until_ready
from akash_mcp.workflow.diagnosis.causes import Cause
from akash_mcp.workflow.offers import read_leased_offers, read_offers, requirements, wait_for_all_groups
from akash_mcp.workflow.operations import Running
from akash_mcp.workflow.readiness import Readiness
from akash_mcp.workflow.reconcile import create_once
from akash_mcp.workflow.runtime import Runtime

log = logging.getLogger(__name__)

_LEASE_ATTEMPTS = 3
_NO_OFFER_NEXT_STEP = (
    "Ask for less, for a GPU model that is offered, for no placement attributes, or allow a higher price."
)
_MANIFEST_ATTEMPTS = 3


class _NotDelivered(AkashError):
    """A lease that exists, and whose provider does not take the manifest."""


@dataclass(frozen=True, slots=True)
class Launched:
    """What a launch came to: one lease a group, whether all of it runs, and the causes why not.

    `is_over`: its leases are closed already.
    """

    dseq: Dseq
    chosen: tuple[RankedOffer, ...]
    offers: Ranking
    readiness: Readiness
    causes: tuple[Cause, ...] = ()
    is_over: bool = False

    @property
    def usd_per_hour(self) -> Usd:
        """What all leases cost together."""
        return _rate(self.chosen)


def _rate(chosen: Sequence[RankedOffer]) -> Usd:
    return sum((offer.usd_per_hour for offer in chosen), ZERO)


async def launch(rt: Runtime, permit: LaunchPermit, running: Running[Launched]) -> Launched:
    """Carry a launch through. Raises the reason why it could not be, after closing what it had opened."""
    running.progress("creating the deployment")
    running.dseq = dseq = await create_once(rt, permit, running.progress)
    sent: list[LeaseId] = []
    try:
        offers, chosen = await _lease(rt, permit, dseq, running, sent)
    except TakenOver:
        raise
    except Exception as reason:
        with suppress(LedgerUnusable):
            rt.journal.holds.keep(permit.op_id)  # whoever has it in hand now decides what becomes of it
        # Also when the answer to the lease was lost, and when the fault is ours: closing ends what was opened.
        words = _in_words(reason)
        detail = await _leased_by_others(rt, dseq, sent, words)
        if detail is None:
            running.progress("closing it again")
            raise await _unwound(permit.abandoning(dseq), words, permit.plan.generation) from reason
        running.progress("somebody leased it meanwhile")
        offers, chosen = await _accepted(rt, permit, detail, words)
    running.usd_per_hour = _rate(chosen)
    running.progress(f"deployment {dseq} is leased; waiting for its containers")
    return await _arrived(rt, permit.leasing(dseq), dseq, chosen, offers, running)


async def _arrived(
    rt: Runtime,
    permit: LeasePermit,
    dseq: Dseq,
    chosen: tuple[RankedOffer, ...],
    offers: Ranking,
    running: Running[Launched],
) -> Launched:
    """Wait until it runs, or cannot, and write down which."""
    arrival = await until_ready(rt, lease_ids(dseq, choices(chosen)), running.progress)
    why = "; ".join(cause.what for cause in arrival.causes[:1])
    permit.advance(State.READY if arrival.is_ready else State.LEASED, why)
    return Launched(dseq, chosen, offers, arrival.readiness, arrival.causes, arrival.is_over)


async def _lease(
    rt: Runtime, permit: LaunchPermit, dseq: Dseq, running: Running[Launched], sent: list[LeaseId]
) -> tuple[Ranking, tuple[RankedOffer, ...]]:
    """Choose and lease. An offer that vanished, or became more expensive, is passed over for the next best.

    Where this raises, `sent` are the leases that may have come of it.
    """
    leasing = permit.leasing(dseq)
    plan = permit.plan
    wanted = requirements(rt.policy, plan.max_usd_per_hour, rt.evidence.failing_providers())
    refusal: Refused | None = None
    for _ in range(_LEASE_ATTEMPTS):
        offers = await wait_for_all_groups(rt, dseq, plan.groups, wanted, plan.prefer, running.progress)
        try:
            chosen = pick(offers, range(1, plan.groups + 1), max_usd_per_hour=plan.max_usd_per_hour)
        except Refused as none:
            raise AkashError(none.what, next_step=_NO_OFFER_NEXT_STEP) from none
        leasing.advance(State.OFFERED, f"{len(offers.ranked)} offers")
        running.progress(f"leasing from {names(chosen)}")
        sent[:] = lease_ids(dseq, choices(chosen))
        try:
            await lease_and_deliver(rt, leasing, dseq, chosen)
        except Refused as vanished:
            sent.clear()
            refusal = vanished
            continue
        return offers, chosen
    assert refusal is not None
    raise refusal


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
    return detail if set(detail.open_leases) - set(sent) else None


async def _accepted(
    rt: Runtime, permit: LaunchPermit, detail: DeploymentDetail, reason: AkashError
) -> tuple[Ranking, tuple[RankedOffer, ...]]:
    """Go on with leases that somebody else made, where they are within what was approved; else they are left alone."""
    plan, dseq = permit.plan, detail.dseq
    offers = await read_leased_offers(rt, detail, requirements(rt.policy, plan.max_usd_per_hour), plan.prefer)
    leasing = permit.leasing(dseq)
    try:
        if len(offers.ranked) != plan.groups or offers.rejected:
            against = [speaks for rejected in offers.rejected for speaks in rejected.reasons]
            raise Refused("; ".join(against) or f"It has {len(offers.ranked)} of {plan.groups} leases.")
        await leasing.accept(detail)
    except TakenOver:
        raise
    except AkashError as beyond:
        leasing.advance(State.LEASED, "by somebody else")
        raise AkashError(
            f"{reason.what} Somebody else leased deployment {dseq} meanwhile, not within what was approved here, so it "
            f"was left as it is: {beyond.what}",
            money="It costs money until it is closed, and this operation made none of its leases.",
            next_step=f"Ask the user whether it is theirs. get_deployment(id={dseq}) shows what it costs; "
            "close_deployment ends it.",
        ) from beyond
    return offers, offers.ranked


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
    offers = await read_offers(rt, plan.dseq, requirements(rt.policy, plan.max_usd_per_hour))
    named = dict(enumerate(plan.providers, start=1))
    chosen = pick(offers, list(named), chosen=named, max_usd_per_hour=plan.max_usd_per_hour)
    running.progress("leasing")
    await lease_and_deliver(rt, permit, plan.dseq, chosen)
    running.dseq, running.usd_per_hour = plan.dseq, _rate(chosen)
    running.progress("leased; waiting for its containers")
    return await _arrived(rt, permit, plan.dseq, chosen, offers, running)


async def lease_and_deliver(
    rt: Runtime, leasing: LeasePermit, dseq: Dseq, chosen: Sequence[RankedOffer]
) -> None:
    """Lease, and see to it that the providers have the manifest.

    The Console creates the lease first and delivers the manifest then, so an error can mean either. Whether there
    is a lease is read back; if there is, the same call delivers again and creates nothing.

    Raises `Refused` when nothing was leased and another offer may do, the Console's own error when nothing was
    leased and none will, and `OutcomeUnknown` when a lease may exist that we cannot see.
    """
    try:
        await leasing.lease(choices(chosen))
        return
    except (OutcomeUnknown, ApiError, Unreachable) as failure:
        leases = await _leases_now(rt, dseq, failure)
        if not leases:
            if isinstance(failure, ApiError) and failure.status in (400, 403, 404):
                raise Refused(failure.what) from failure
            raise
        await _deliver_again(rt, leasing, leases, failure)


async def _leases_now(rt: Runtime, dseq: Dseq, failure: AkashError) -> list[LeaseId]:
    try:
        detail: DeploymentDetail = await rt.reader.get_deployment(dseq)
    except (ApiError, Unreachable, Interrupted) as unread:
        raise OutcomeUnknown(
            f"The answer to the lease of deployment {dseq} was lost, and reading it back failed. {failure.what}",
            next_step=f"Call get_deployment(id={dseq}); if it has a lease it costs money until closed.",
        ) from unread
    return detail.open_leases


async def _deliver_again(
    rt: Runtime, leasing: LeasePermit, leases: Sequence[LeaseId], failure: AkashError
) -> None:
    for _ in range(_MANIFEST_ATTEMPTS):
        await rt.sleep(rt.intervals.retry)
        try:
            await leasing.resend_manifest(leases)
            return
        except (OutcomeUnknown, ApiError, Unreachable) as again:
            failure = again
    if len(leases) == 1:  # of several the Console does not say which
        rt.evidence.provider_failed(leases[0].provider, "it did not take a manifest")
    raise _NotDelivered(
        f"It was leased, and its provider does not take the manifest: {_certain(failure)}",
        money="The lease is paid for while it stands.",
        next_step=f"It costs money until it is closed: close_deployment(dseq={leases[0].dseq}) ends it.",
    ) from failure


def _in_words(reason: Exception) -> AkashError:
    if isinstance(reason, AkashError):
        return reason
    log.error("a launch broke", exc_info=reason)
    return AkashError(
        "This server failed while it looked for a lease.", next_step="The user finds why in its log."
    )


async def _unwound(closing: ClosePermit, reason: AkashError, generation: Generation) -> AkashError:
    """The reason, together with what closing came to: once that is proven, nothing is uncertain any more."""
    try:
        closed = await closing.close()
    except AkashError as stuck:
        return OutcomeUnknown(
            f"{reason.what} Closing it again did not work either: {stuck.what}", next_step=stuck.next_step
        )
    cost = "what it cost is not known" if closed.spent is None else f"it cost {closed.spent}"
    return AkashError(
        f"{_certain(reason)} Deployment {closed.dseq} was closed again, proven; {cost}.",
        money="The account's credit pays for it no longer."
        if generation is Generation.V2026_11
        else "The rest of the deposit came back.",
        next_step="" if isinstance(reason, OutcomeUnknown | _NotDelivered) else reason.next_step,
    )


def _certain(reason: AkashError) -> str:
    """What happened, without what was not known then: a lost answer is told as the refusal that it may hide."""
    cause = reason.__cause__
    return cause.what if isinstance(reason, OutcomeUnknown) and isinstance(cause, AkashError) else reason.what
