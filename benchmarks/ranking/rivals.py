"""Ways to order bids: ours, the simple ones, and those of two other programs as their sources describe them.

Each takes a market and gives the bids that it would lease, best first. What it does not name it would not take.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial
from statistics import fmean
from typing import TypeAlias

from markets import Bidder, Market
from run_cost import alone

from akash_mcp.market.offers import Offer
from akash_mcp.market.ranking import Prefer, Requirements, rank
from akash_mcp.market.risk import NEW_DAYS

Ranker: TypeAlias = Callable[[Market], list[Bidder]]


def ours(
    market: Market, prefer: Prefer = "balanced", seen: Callable[[Offer], Offer] = lambda offer: offer
) -> list[Bidder]:
    """`akash_mcp.market.ranking`, which sees the offers and the planned hours and nothing else."""
    bidders = {bidder.offer.provider: bidder for bidder in market.bidders}
    ranking = rank(
        (seen(bidder.offer) for bidder in market.bidders),
        requirements=Requirements(hours=market.planned_hours),
        prefer=prefer,
    )
    return [bidders[ranked.offer.provider] for ranked in ranking.ranked]


def proven(offer: Offer) -> Offer:
    """As if everybody were audited and of long standing: what our rule is without its doubt."""
    return replace(offer, audited=True, registered_days=Decimal(NEW_DAYS))


def cheapest(market: Market) -> list[Bidder]:
    return sorted(market.bidders, key=_price)


def at_random(market: Market) -> list[Bidder]:
    order = list(market.bidders)
    random.Random(order[0].offer.provider).shuffle(order)
    return order


def uptime_first(market: Market) -> list[Bidder]:
    """The longest known window's uptime, unknown last; of equals the cheapest."""
    return sorted(market.bidders, key=lambda bidder: (-(_uptime(bidder) or 0.0), _price(bidder)))


def price_by_uptime(market: Market) -> list[Bidder]:
    """The price of an hour that is up; an unknown uptime counts as the mean of the others."""
    known = [uptime for bidder in market.bidders if (uptime := _uptime(bidder))]
    usual = fmean(known) if known else 1.0
    return sorted(market.bidders, key=lambda bidder: _price(bidder) / (_uptime(bidder) or usual))


def clouddeck(market: Market) -> list[Bidder]:
    """clouddeck 0.1.2: price by a speed guessed from the memory that the provider names.

    Of providers that Console knows, those with less than 95 % over 7 days, or none, are left out; a provider that
    it does not know passes. No measurements of our own, as on a first run.
    """
    speeds = {"ddr5": 1.0, "ddr4": 0.6}
    passed = [b for b in market.bidders if not b.recorded or (b.offer.uptime_7d or 0) >= Decimal("0.95")]
    return sorted(
        passed, key=lambda b: (_price(b) / speeds.get(b.memory if b.recorded else "", 0.75), _price(b))
    )


def provider_intelligence(market: Market) -> list[Bidder]:
    """akash-provider-intelligence (2025): a weighted sum in which the bid does not stand.

    Its price (0.4) is guessed from the number of leases, reliability (0.3) is response time and leases, performance
    (0.2) response time, geography (0.1) a taste for the United States. Every cluster here has room, and its own node
    answers within two seconds.
    """
    return sorted(market.bidders, key=lambda bidder: -_intelligence(bidder))


def _intelligence(bidder: Bidder) -> float:
    seconds, leases = bidder.response_seconds, bidder.active_leases
    answer = _tier(seconds, ((0.5, 0.30), (1, 0.25), (2, 0.20), (3, 0.15)), 0.10)
    trust = _tier(-leases, ((-100, 0.40), (-50, 0.35), (-20, 0.30), (-10, 0.25), (-5, 0.20), (0, 0.10)), 0.0)
    quick = _tier(seconds, ((0.3, 0.50), (0.5, 0.45), (1, 0.40), (2, 0.30), (3, 0.20)), 0.10)
    price = _tier(-leases, ((-100, 0.40), (-50, 0.45), (-20, 0.50), (-5, 0.55)), 0.60)
    tastes = {"us-west-1": 0.95, "us-east-1": 0.90, "us-central-1": 0.85, "eu-west-1": 0.75, "": 0.50}
    reliability = 0.2 + answer + trust + 0.1
    performance = quick + 0.3 + 0.2
    return 0.4 * price + 0.3 * reliability + 0.2 * performance + 0.1 * tastes[bidder.location]


def _tier(value: float, tiers: tuple[tuple[float, float], ...], otherwise: float) -> float:
    """The points of the first tier whose bound is above the value."""
    return next((points for bound, points in tiers if value < bound), otherwise)


def told_who_fails(market: Market) -> list[Bidder]:
    """By what each costs alone, knowing everything hidden but its speed: more than any rule can be told."""
    blind = [replace(bidder.hidden, speed=1.0) for bidder in market.bidders]
    costs = dict(zip(market.bidders, alone(blind, market.job), strict=True))
    return sorted(market.bidders, key=costs.__getitem__)


def _price(bidder: Bidder) -> float:
    return bidder.hidden.usd_per_hour


def _uptime(bidder: Bidder) -> float | None:
    offer = bidder.offer
    longest = offer.uptime_30d or offer.uptime_7d or offer.uptime_1d
    return None if longest is None else float(longest)


RANKERS: Mapping[str, Ranker] = {
    "balanced": ours,
    "reliable": partial(ours, prefer="reliable"),
    "without doubt": partial(ours, seen=proven),
    "cheapest": cheapest,
    "random": at_random,
    "uptime first": uptime_first,
    "price / uptime": price_by_uptime,
    "clouddeck": clouddeck,
    "provider-intelligence": provider_intelligence,
}

OURS = ("balanced", "reliable", "without doubt")
RIVALS = tuple(name for name in RANKERS if name not in OURS)
