"""From a ranking to the bids to lease: one for each group, all groups or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from akash_mcp.errors import Refused
from akash_mcp.ids import ProviderAddress
from akash_mcp.market.offer_line import offer_line
from akash_mcp.market.ranking import Prefer, RankedOffer, Ranking, Rejected, Requirements
from akash_mcp.money import ZERO, Usd, told_apart
from akash_mcp.sanitize.text import quoted


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


def choice_words(ranking: Ranking, picked: Collection[RankedOffer], prefer: Prefer, missed: str = "") -> str:
    """Which offers were chosen among which, and why, for whoever asks later. `missed`: what may have been, a sentence.

    Begins with the number of acceptable bids. Nothing in it is anybody else's word, but for names in quotes.
    """
    against = f", {len(ranking.rejected)} ruled out" if ranking.rejected else ""
    lines = ". ".join(
        f"{offer_line(each)}; {'; '.join((*each.reasons[1:], *filter(None, (each.before_next,))))}"
        for each in picked
    )
    return f"{len(ranking.ranked)} acceptable bids{against} ({prefer}): {lines}. {missed}".rstrip()


def left_out(ranking: Ranking, wanted: Requirements) -> str:
    """Which bidders were left out because they failed us lately, or by the caller's word, in a sentence."""
    passed_over = {
        rejected.offer.provider: (
            f"{quoted(rejected.offer.name or rejected.offer.provider)} ({wanted.failed.get(rejected.offer.provider)})"
            if rejected.offer.provider in wanted.failed
            else f"{quoted(rejected.offer.name or rejected.offer.provider)} (as asked)"
        )
        for rejected in ranking.rejected
        if rejected.offer.provider in wanted.failed or rejected.offer.provider in wanted.excluded
    }
    return f"Left out: {', '.join(passed_over.values())}." if passed_over else ""


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


def enough_per_hour(ranking: Ranking, groups: Collection[int]) -> Usd | None:
    """The least rate at which each of `groups` could be leased by what was bid, where only the rate stands in the way
    of some; None where something else does.
    """
    together = ZERO
    best = best_per_group(ranking)
    for gseq in groups:
        dear = [each.offer.usd_per_hour for each in _rejected(ranking, gseq) if each.is_only_too_dear]
        if gseq not in best and not dear:
            return None
        together += best[gseq].usd_per_hour if gseq in best else min(dear)
    return together


def _why_none(ranking: Ranking, gseq: int) -> str:
    rejected = _rejected(ranking, gseq)
    if not rejected:
        return "None has arrived."
    counts = Counter(reason for each in rejected for reason in each.reasons if reason != each.too_dear)
    told = [f"{reason} ({count})" for reason, count in counts.items()]
    dear = [each for each in rejected if each.too_dear]
    if len(dear) == 1:
        told.insert(0, f"{dear[0].too_dear} (1)")
    elif dear:
        rates = [each.offer.usd_per_hour for each in dear]
        low, high = told_apart(min(rates), max(rates))
        told.insert(0, f"they cost {low} to {high} an hour, more than is allowed ({len(dear)})")
    return f"Ruled out: {'; '.join(told)}."


def _rejected(ranking: Ranking, gseq: int) -> list[Rejected]:
    return [each for each in ranking.rejected if each.offer.gseq == gseq]
