"""Offers in answers: one by one with their reasons, and the list of them with what to do next."""

from __future__ import annotations

from collections import Counter

from akash_mcp.market.offer_line import place
from akash_mcp.market.ranking import RankedOffer, Ranking, Rejected
from akash_mcp.sanitize.text import field
from akash_mcp.tools.results import OfferList, OfferResult, RejectedResult
from akash_mcp.workflow.listed_bids import ListedBids

MOST_OFFERS = 10
_MOST_EXPLAINED = 3
_MOST_REASONS = 3


def offer_result(ranked: RankedOffer, *, is_taken: bool = False) -> OfferResult:
    """One ranked offer in an answer. Of those far down only who and how much: nobody reads why they are there."""
    offer = ranked.offer
    is_explained = ranked.rank <= _MOST_EXPLAINED or is_taken or offer.record.leases > 0
    return OfferResult(
        rank=ranked.rank,
        group=offer.gseq,
        provider=offer.provider,
        name=field(offer.name),
        region=place(offer),
        usd_per_hour=ranked.usd_per_hour,
        expected_usd=ranked.expected_cost,
        taken=is_taken or None,
        reasons=[*ranked.reasons, *filter(None, [ranked.before_next])] if is_explained else None,
        unknown=list(ranked.unknowns) or None if is_explained else None,
    )


def rejected_result(rejected: Rejected, *, is_taken: bool = False) -> RejectedResult:
    """One rejected bid in an answer."""
    return RejectedResult(
        provider=rejected.offer.provider,
        usd_per_hour=rejected.offer.usd_per_hour if rejected.offer.has_price else None,
        taken=is_taken or None,
        reasons=list(rejected.reasons),
    )


def offer_list(found: ListedBids) -> OfferList:
    """The answer of `list_bids`. What was taken comes first."""
    ranking = found.ranking

    def is_taken(each: RankedOffer | Rejected) -> bool:
        return (each.offer.gseq, each.offer.provider) in found.taken

    ranked = sorted(ranking.ranked, key=lambda each: not is_taken(each))
    rejected = sorted(ranking.rejected, key=lambda each: not is_taken(each))
    status, next_step = (
        ("leased", _leased(found))
        if found.is_leased
        else ("offers", _offers(found))
        if ranked
        else ("none", _none(found))
        if rejected or found.are_over
        else ("pending", _pending(found))
    )
    return OfferList(
        status=status,
        dseq=found.dseq,
        hours=found.hours,
        more_may_come=found.more_may_come,
        why=found.why or None,
        offers=[offer_result(each, is_taken=is_taken(each)) for each in ranked[:MOST_OFFERS]],
        rejected=[rejected_result(each, is_taken=is_taken(each)) for each in rejected[:MOST_OFFERS]],
        next_step=next_step,
    )


def _leased(found: ListedBids) -> str:
    taken = ", ".join(f'"{provider}"' for _, provider in sorted(found.taken))
    why = "" if found.why else "Why they were taken is not on record here. "
    return (
        f"It is leased, from those that are marked taken. {why}get_deployment(id={found.dseq}) shows what runs. The "
        "other bids are over, so another provider means a new deployment with empty disks. Without a gap: "
        f"deploy(…, exclude_providers=[{taken}]), see that it runs, then close_deployment(dseq={found.dseq}). Until "
        "then both cost, and the budget has to hold both."
    )


def _offers(found: ListedBids) -> str:
    more = (
        f"More bids may come: list_bids(dseq={found.dseq}) again shows them."
        if found.more_may_come
        else "No more bids are to be expected."
    )
    return f"Call create_lease with the provider you choose, within five minutes of its bid. {more}"


def _none(found: ListedBids) -> str:
    if found.are_over:
        over = "Bids last five minutes, and these are over"
        return f"{over}: call close_deployment(dseq={found.dseq}), and deploy again."
    ends = f"close_deployment(dseq={found.dseq}) ends the deployment."
    more = f"More may come: call list_bids(dseq={found.dseq}) again." if found.more_may_come else ""
    return " ".join(
        filter(None, (f"None of the bids can be accepted: {_most_frequent(found.ranking)}.", more, ends))
    )


def _most_frequent(ranking: Ranking) -> str:
    """What rules out most bids, and how many."""
    reasons = Counter(reason for rejected in ranking.rejected for reason in rejected.reasons)
    return "; ".join(f"{reason} ({count})" for reason, count in reasons.most_common(_MOST_REASONS))


def _pending(found: ListedBids) -> str:
    again = f"call list_bids(dseq={found.dseq}) again"
    if found.more_may_come:
        return f"No bids yet: {again}. After two minutes without any, call close_deployment."
    return (
        "No bids, and providers mostly bid within half a minute, so what it asks for may be had nowhere, or not at its "
        f"price ceiling: {again}, or call close_deployment and deploy with less, other or no attributes, or a higher "
        "ceiling."
    )
