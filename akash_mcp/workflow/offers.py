"""Offers: bids joined with the records of their providers, waited for and ranked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal

import anyio

from akash_mcp.clients.console.models import Bid, DeploymentDetail
from akash_mcp.errors import BadArgument, Interrupted, RateLimited, ServerError, Unreachable
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.ids import Dseq, ProviderAddress
from akash_mcp.market.offers import Offer, offer_from
from akash_mcp.market.ranking import Prefer, Ranking, Requirements, rank
from akash_mcp.money import BLOCK_SECONDS, Usd
from akash_mcp.sanitize.text import field
from akash_mcp.workflow.runtime import Runtime

_PLANNED_HOURS = Decimal(24)
"""How long a run is taken to be when expected costs are compared."""

_PLENTY = 8
"""With so many offers for each group, waiting for more is not worth the time."""


def requirements(
    policy: Policy,
    max_usd_per_hour: Usd | None = None,
    failed: Mapping[ProviderAddress, str] | None = None,
) -> Requirements:
    """What an offer must meet: the policy, with `max_usd_per_hour` in place of the policy's own where it is given.

    Providers that `failed` lately are passed over, but for a provider that is chosen by name.
    """
    return Requirements(
        hours=_PLANNED_HOURS,
        max_usd_per_hour=max_usd_per_hour if max_usd_per_hour is not None else policy.max_usd_per_hour,
        allowed=policy.allowed_providers,
        denied=policy.denied_providers,
        audited_only=policy.audited_only,
        failed=failed or {},
    )


async def read_offers(rt: Runtime, dseq: Dseq, wanted: Requirements, prefer: Prefer = "balanced") -> Ranking:
    """The bids of a deployment as they stand, ranked. Raises what the Console does."""
    bids = await rt.reader.list_bids(dseq)
    return rank(await _joined(rt, bids), requirements=wanted, prefer=prefer)


async def read_leased_offers(
    rt: Runtime, detail: DeploymentDetail, wanted: Requirements, prefer: Prefer = "balanced"
) -> Ranking:
    """The offers that a deployment's open leases came of, ranked: those that meet what is `wanted`, and the others."""
    leases = [lease for lease in detail.leases if lease.lease_id in detail.open_leases]
    bids = [Bid(id=lease.id, state="open", price=lease.price) for lease in leases]
    return rank(await _joined(rt, bids), requirements=wanted, prefer=prefer)


async def wait_for_offers(
    rt: Runtime,
    dseq: Dseq,
    wanted: Requirements,
    prefer: Prefer,
    seconds: float,
    on_progress: Callable[[str], Awaitable[None]],
) -> tuple[Ranking, bool]:
    """The offers, and whether the deployment is leased already; while none can be taken, wait for at most `seconds`.

    Raises `NotFound` for a deployment that this account does not have and `BadArgument` for a closed one: the bid
    list itself is empty for both and says nothing.
    """
    detail = await rt.reader.get_deployment(dseq, just_created=await rt.gate.owns(dseq))
    if detail.state != "active":
        raise BadArgument(f"Deployment {dseq} is {field(detail.state)}, so no provider bids on it.")
    offers = await read_offers(rt, dseq, wanted, prefer)
    ends = anyio.current_time() + seconds
    while not offers.ranked and not detail.active_leases and anyio.current_time() < ends:
        await on_progress(f"{len(offers.rejected)} bids so far, none of them acceptable")
        await rt.sleep(rt.intervals.bid_poll)
        offers = await read_offers(rt, dseq, wanted, prefer)
    return offers, bool(detail.active_leases)


async def wait_for_all_groups(
    rt: Runtime,
    dseq: Dseq,
    groups: int,
    wanted: Requirements,
    prefer: Prefer,
    on_progress: Callable[[str], None],
) -> Ranking:
    """Wait until each group has an offer, and a little longer for better ones; then return all offers, ranked.

    After `rt.intervals.bid_give_up` the offers are returned even if a group has none.
    """
    waited = settled = 0.0
    offers = Ranking((), ())
    while True:
        try:
            offers = await read_offers(rt, dseq, wanted, prefer)
        except (ServerError, RateLimited, Interrupted, Unreachable):
            # A read that failed costs nothing; giving up over it would close what was just paid for.
            if waited >= rt.intervals.bid_give_up:
                raise
        counts = [
            sum(ranked.offer.gseq == group for ranked in offers.ranked) for group in range(1, groups + 1)
        ]
        on_progress(f"deployment {dseq} has {sum(counts)} acceptable offers")
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
