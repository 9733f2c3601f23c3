"""The launch: create, wait for offers, lease the best, deliver, wait until it runs; or unwind.

Each step is journalled by the permit before the next begins. Whatever goes wrong between the deposit and a lease
that works ends in a deployment proven closed, and the error says what it cost. Only one thing is never tried
twice: a request that may have spent.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from akash_mcp.errors import AkashError, Refused
from akash_mcp.guard.bounds import Bound
from akash_mcp.guard.journal import State
from akash_mcp.guard.launch_permit import LaunchPermit
from akash_mcp.guard.lease_permit import Choice, LeasePermit, OfferGone, lease_ids
from akash_mcp.guard.plans import LeasePlan
from akash_mcp.ids import Dseq
from akash_mcp.market.choice import pick
from akash_mcp.market.ranking import RankedOffer, Ranking
from akash_mcp.money import ZERO, Usd
from akash_mcp.sanitize.text import quoted
from akash_mcp.workflow.offers import read_offers, requirements, wait_for_all_groups
from akash_mcp.workflow.operations import Running
from akash_mcp.workflow.readiness import Readiness, until_ready
from akash_mcp.workflow.reconcile import create_once
from akash_mcp.workflow.runtime import Runtime

_LEASE_ATTEMPTS = 3
_NO_OFFER_NEXT_STEP = (
    "Ask for less, for a GPU model that is offered, for no placement attributes, or allow a higher price."
)


@dataclass(frozen=True, slots=True)
class Launched:
    """What a launch came to: one lease a group, and whether all of it runs yet."""

    dseq: Dseq
    chosen: tuple[RankedOffer, ...]
    offers: Ranking
    readiness: Readiness
    bound: Bound | None = None
    """What bounds its cost, as it was read back before the lease."""

    @property
    def usd_per_hour(self) -> Usd:
        """What all leases cost together."""
        return sum((offer.usd_per_hour for offer in self.chosen), ZERO)


async def launch(rt: Runtime, permit: LaunchPermit, running: Running[Launched]) -> Launched:
    """Carry a launch through. Raises the reason why it could not be, after closing what it had opened."""
    running.progress("creating the deployment")
    dseq = await create_once(rt, permit, running.progress)
    try:
        offers, chosen, bound = await _lease(rt, permit, dseq, running)
    except Exception as reason:
        # Also when the answer to the lease was lost, and when the fault is ours: closing ends what was opened.
        running.progress("closing it again")
        raise await permit.abandoning(dseq).unwind(reason) from reason
    running.progress(f"deployment {dseq} is leased; waiting for its containers")
    readiness = await until_ready(rt, lease_ids(dseq, choices(chosen)), running.progress)
    permit.leasing(dseq).advance(State.READY if readiness.is_ready else State.LEASED)
    return Launched(dseq, chosen, offers, readiness, bound)


async def _lease(
    rt: Runtime, permit: LaunchPermit, dseq: Dseq, running: Running[Launched]
) -> tuple[Ranking, tuple[RankedOffer, ...], Bound]:
    """Choose and lease. An offer that vanished, or became more expensive, is passed over for the next best."""
    leasing = permit.leasing(dseq)
    plan = permit.plan
    wanted = requirements(rt.policy, plan.max_usd_per_hour)
    refusal: OfferGone | None = None
    for _ in range(_LEASE_ATTEMPTS):
        offers = await wait_for_all_groups(rt, dseq, plan.groups, wanted, plan.prefer, running.progress)
        try:
            chosen = pick(offers, range(1, plan.groups + 1), max_usd_per_hour=plan.max_usd_per_hour)
        except Refused as none:
            raise AkashError(none.what, next_step=_NO_OFFER_NEXT_STEP) from none
        leasing.advance(State.OFFERED, f"{len(offers.ranked)} offers")
        running.progress(f"leasing from {names(chosen)}")
        try:
            return offers, chosen, await leasing.lease(choices(chosen))
        except OfferGone as vanished:
            refusal = vanished
            wanted = dataclasses.replace(wanted, denied=wanted.denied | vanished.providers)
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
    bound = await permit.lease(choices(chosen))
    running.progress("leased; waiting for its containers")
    readiness = await until_ready(rt, lease_ids(plan.dseq, choices(chosen)), running.progress)
    permit.advance(State.READY if readiness.is_ready else State.LEASED)
    return Launched(plan.dseq, chosen, offers, readiness, bound)
