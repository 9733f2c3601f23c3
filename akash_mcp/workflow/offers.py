"""Offers: bids joined with what is known of their providers, waited for, ranked, and chosen from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal

import anyio

from akash_mcp.clients.console.models import Bid
from akash_mcp.errors import BadArgument, Interrupted, RateLimited, ServerError, Unreachable
from akash_mcp.guard.policy import Policy
from akash_mcp.ids import Dseq
from akash_mcp.market.offers import Offer, offer_from
from akash_mcp.market.ranking import Prefer, Ranking, Requirements, rank
from akash_mcp.money import BLOCK_SECONDS, Usd
from akash_mcp.sanitize.text import field
from akash_mcp.workflow.runtime import Runtime

_PLANNED_HOURS = Decimal(24)
"""The run that expected costs are compared over, where nobody said how long it will be."""

_PLENTY = 8
"""Offers a group after which waiting for more is not worth the time."""


def requirements(policy: Policy, max_usd_per_hour: Usd | None = None) -> Requirements:
    """What the person's policy, and a highest rate, demand of an offer."""
    return Requirements(
        hours=_PLANNED_HOURS,
        max_usd_per_hour=max_usd_per_hour if max_usd_per_hour is not None else policy.max_usd_per_hour,
        allowed=policy.allowed_providers,
        denied=policy.denied_providers,
        audited_only=policy.audited_only,
    )


async def offers_now(rt: Runtime, dseq: Dseq, wanted: Requirements, prefer: Prefer = "balanced") -> Ranking:
    """The offers as they stand."""
    bids = await rt.reader.list_bids(dseq)
    return rank(await _joined(rt, bids), requirements=wanted, prefer=prefer)


async def until_offers(
    rt: Runtime,
    dseq: Dseq,
    wanted: Requirements,
    prefer: Prefer,
    seconds: float,
    on_progress: Callable[[str], Awaitable[None]],
) -> Ranking:
    """The offers, waited for while there are none that can be taken.

    Raises `NotFound` for a deployment that this account does not have and `BadArgument` for a closed one: the bid
    list itself is empty for both and says nothing.
    """
    detail = await rt.reader.get_deployment(dseq, just_created=rt.gate.owns(dseq))
    if detail.state != "active":
        raise BadArgument(f"Deployment {dseq} is {field(detail.state)}, so nobody bids on it.")
    offers = await offers_now(rt, dseq, wanted, prefer)
    ends = anyio.current_time() + seconds
    while not offers.ranked and not detail.active_leases and anyio.current_time() < ends:
        await on_progress(f"{len(offers.rejected)} bids so far, none that can be taken")
        await rt.sleep(rt.intervals.bid_poll)
        offers = await offers_now(rt, dseq, wanted, prefer)
    return offers


async def gather(
    rt: Runtime,
    dseq: Dseq,
    groups: int,
    wanted: Requirements,
    prefer: Prefer,
    on_progress: Callable[[str], None],
) -> Ranking:
    """Offers for all groups: waited for until each has one, and a little longer for better ones."""
    waited = settled = 0.0
    offers = Ranking((), ())
    while True:
        try:
            offers = await offers_now(rt, dseq, wanted, prefer)
        except (ServerError, RateLimited, Interrupted, Unreachable):
            # A look that failed costs nothing; giving up on it would close what was just paid for.
            if waited >= rt.intervals.bid_give_up:
                raise
        counts = [
            sum(ranked.offer.gseq == group for ranked in offers.ranked) for group in range(1, groups + 1)
        ]
        on_progress(f"deployment {dseq} has {sum(counts)} offers that can be taken")
        intervals = rt.intervals
        if all(counts):
            if min(counts) >= _PLENTY or settled >= intervals.bid_settle:
                return offers
            settled += intervals.bid_poll
        elif waited >= intervals.bid_give_up:
            return offers
        waited += intervals.bid_poll
        await rt.sleep(intervals.bid_poll)


async def _joined(rt: Runtime, bids: Sequence[Bid]) -> list[Offer]:
    if not bids:
        return []
    providers = {
        record.owner: record
        for record in await rt.reader.list_providers(list({bid.provider for bid in bids}))
    }
    height = await rt.reader.latest_height()
    return [offer_from(bid, providers.get(bid.provider), age_seconds=_age(bid, height)) for bid in bids]


def _age(bid: Bid, height: int) -> Decimal | None:
    return max(height - bid.created_at, 0) * BLOCK_SECONDS if bid.created_at and height else None
