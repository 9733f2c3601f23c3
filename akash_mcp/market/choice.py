"""From a ranking to the bids to lease: one for each group, all groups or none."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from akash_mcp.errors import Refused
from akash_mcp.ids import ProviderAddress
from akash_mcp.market.ranking import RankedOffer, Ranking
from akash_mcp.money import ZERO, Usd, told_apart


def best_per_group(ranking: Ranking) -> dict[int, RankedOffer]:
    """The first acceptable offer of each group, by `gseq`. A group without one is missing."""
    return {ranked.offer.gseq: ranked for ranked in reversed(ranking.ranked)}


def pick(
    ranking: Ranking,
    groups: Collection[int],
    *,
    chosen: Mapping[int, ProviderAddress] | None = None,
    max_usd_per_hour: Usd | None = None,
) -> tuple[RankedOffer, ...]:
    """One acceptable offer for each of `groups`, by `gseq`: the `chosen` provider's where one is named, else the best.

    Leases are made for all groups in one call, since a second call for a deployment creates nothing. Raises
    `Refused` when a group has no acceptable offer, when a chosen provider has none, or when all together cost more
    than `max_usd_per_hour`.
    """
    best = best_per_group(ranking)
    picked: list[RankedOffer] = []
    for gseq in sorted(set(groups)):
        if provider := (chosen or {}).get(gseq):
            picked.append(_of(provider, ranking, gseq))
        elif gseq in best:
            picked.append(best[gseq])
        else:
            raise Refused(
                f"Group {gseq} has no acceptable bid. {_why_none(ranking, gseq)}",
                next_step="Wait for more bids, or loosen what rules them out.",
            )
    total = sum((offer.usd_per_hour for offer in picked), ZERO)
    if max_usd_per_hour is not None and total > max_usd_per_hour:
        cost, allowed = told_apart(total, max_usd_per_hour)
        raise Refused(
            f"The groups together cost {cost} an hour, more than the {allowed} allowed.",
            next_step="Rank again with prefer=cheapest, or ask for less.",
        )
    return tuple(picked)


def _of(provider: ProviderAddress, ranking: Ranking, gseq: int) -> RankedOffer:
    for ranked in ranking.ranked:
        if (ranked.offer.gseq, ranked.offer.provider) == (gseq, provider):
            return ranked
    against = [
        reason
        for rejected in ranking.rejected
        if (rejected.offer.gseq, rejected.offer.provider) == (gseq, provider)
        for reason in rejected.reasons
    ]
    why = f"its bid was ruled out: {'; '.join(dict.fromkeys(against))}" if against else "it made no bid"
    raise Refused(f"{provider} cannot have group {gseq}: {why}.", next_step="Choose another provider.")


def _why_none(ranking: Ranking, gseq: int) -> str:
    reasons = [
        reason for rejected in ranking.rejected if rejected.offer.gseq == gseq for reason in rejected.reasons
    ]
    if not reasons:
        return "None has arrived."
    counted = {reason: reasons.count(reason) for reason in reasons}
    return "Ruled out: " + "; ".join(f"{reason} ({count})" for reason, count in counted.items()) + "."
