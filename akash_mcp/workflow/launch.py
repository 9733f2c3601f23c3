"""The launch: create, wait for offers, lease the best, deliver, wait until it runs; or unwind.

Each step is journalled by the permit before the next begins. Whatever goes wrong between the deposit and a lease
that works ends in a deployment proven closed, and the error says what it cost. Only one thing is never tried
twice: a request that may have spent.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.models import DeploymentDetail
from akash_mcp.errors import AkashError, ApiError, Interrupted, OutcomeUnknown, Refused, Unreachable
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
from akash_mcp.workflow.offers import read_offers, requirements, wait_for_all_groups
from akash_mcp.workflow.operations import Running
from akash_mcp.workflow.readiness import Readiness, until_ready
from akash_mcp.workflow.reconcile import create_once
from akash_mcp.workflow.runtime import Runtime

log = logging.getLogger(__name__)

_LEASE_ATTEMPTS = 3
_NO_OFFER_NEXT_STEP = (
    "Ask for less, for a GPU model that is offered, for no placement attributes, or allow a higher price."
)
_MANIFEST_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Launched:
    """What a launch came to: one lease a group, and whether all of it runs yet."""

    dseq: Dseq
    chosen: tuple[RankedOffer, ...]
    offers: Ranking
    readiness: Readiness

    @property
    def usd_per_hour(self) -> Usd:
        """What all leases cost together."""
        return sum((offer.usd_per_hour for offer in self.chosen), ZERO)


async def launch(rt: Runtime, permit: LaunchPermit, running: Running[Launched]) -> Launched:
    """Carry a launch through. Raises the reason why it could not be, after closing what it had opened."""
    running.progress("creating the deployment")
    dseq = await create_once(rt, permit, running.progress)
    try:
        offers, chosen = await _lease(rt, permit, dseq, running)
    except Exception as reason:
        # Also when the answer to the lease was lost, and when the fault is ours: closing ends what was opened.
        running.progress("closing it again")
        raise await _unwound(permit.abandoning(dseq), _in_words(reason), permit.plan.generation) from reason
    running.progress(f"deployment {dseq} is leased; waiting for its containers")
    readiness = await until_ready(rt, lease_ids(dseq, choices(chosen)), running.progress)
    permit.leasing(dseq).advance(State.READY if readiness.is_ready else State.LEASED)
    return Launched(dseq, chosen, offers, readiness)


async def _lease(
    rt: Runtime, permit: LaunchPermit, dseq: Dseq, running: Running[Launched]
) -> tuple[Ranking, tuple[RankedOffer, ...]]:
    """Choose and lease. An offer that vanished, or became more expensive, is passed over for the next best."""
    leasing = permit.leasing(dseq)
    plan = permit.plan
    wanted = requirements(rt.policy, plan.max_usd_per_hour)
    refusal: Refused | None = None
    for _ in range(_LEASE_ATTEMPTS):
        offers = await wait_for_all_groups(rt, dseq, plan.groups, wanted, plan.prefer, running.progress)
        try:
            chosen = pick(offers, range(1, plan.groups + 1), max_usd_per_hour=plan.max_usd_per_hour)
        except Refused as none:
            raise AkashError(none.what, next_step=_NO_OFFER_NEXT_STEP) from none
        leasing.advance(State.OFFERED, f"{len(offers.ranked)} offers")
        running.progress(f"leasing from {names(chosen)}")
        try:
            await lease_and_deliver(rt, leasing, dseq, chosen)
        except Refused as vanished:
            refusal = vanished
            continue
        return offers, chosen
    assert refusal is not None
    raise refusal


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
    running.progress("leased; waiting for its containers")
    readiness = await until_ready(rt, lease_ids(plan.dseq, choices(chosen)), running.progress)
    permit.advance(State.READY if readiness.is_ready else State.LEASED)
    return Launched(plan.dseq, chosen, offers, readiness)


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
    raise AkashError(
        f"The lease exists and its provider does not take the manifest: {failure.what}",
        money="The lease was paid for while this was tried.",
    ) from failure


def _in_words(reason: Exception) -> AkashError:
    if isinstance(reason, AkashError):
        return reason
    log.error("a launch broke", exc_info=reason)
    return AkashError(
        "This server failed while it looked for a lease.", next_step="The user finds why in its log."
    )


async def _unwound(closing: ClosePermit, reason: AkashError, generation: Generation) -> AkashError:
    """The reason, together with what closing came to."""
    try:
        closed = await closing.close()
    except AkashError as stuck:
        return OutcomeUnknown(
            f"{reason.what} Closing it again did not work either: {stuck.what}", next_step=stuck.next_step
        )
    cost = "what it cost is not known" if closed.spent is None else f"it cost {closed.spent}"
    return AkashError(
        f"{reason.what} Deployment {closed.dseq} was closed again, proven; {cost}.",
        money="The account's credit pays for it no longer."
        if generation is Generation.V2026_11
        else "The rest of the deposit came back.",
        next_step=reason.next_step,
    )
