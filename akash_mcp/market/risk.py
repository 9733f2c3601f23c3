"""How a provider may let us down, by what others know of it: how often a lease is interrupted, and what is not proven.

How many interruptions to expect comes from the share of status checks that the provider answered, drawn toward what is
usual for the network, so that a new provider is neither perfect nor hopeless, and from what became of our own leases
there. A status page says nothing of what is delivered: that is what the doubt is for, in a provider that nobody has
audited or that is new on the chain. What is unknown counts as usual or as new.
"""

from __future__ import annotations

from decimal import Decimal

from akash_mcp.market.offers import Offer
from akash_mcp.market.our_history import interruptions_per_hour

USUAL_UPTIME = Decimal("0.97")
"""What a provider's uptime is taken for before anything is known of it: an assumption, on the careful side."""

USUAL_WEIGHT = 4
"""How much that assumption weighs, against the windows below: a third of a full record."""

WINDOW_WEIGHTS = {"1 day": 2, "7 days": 4, "30 days": 6}
"""What a window's uptime weighs. A day counts more than a thirtieth of thirty days: what is going on matters."""

OUTAGE_HOURS = 2
"""How long an outage lasts, paid for. It turns a share of time into a number of outages: 1 % down is one in 200 h."""

WEEK_HOURS = 168

NOT_AUDITED_DOUBT = Decimal("0.2")
"""What is expected to be lost, in bills, at a provider that nobody has audited."""

NEW_DOUBT = Decimal("1.5")
NEW_DAYS = 30
"""The same at one that registered just now, or nobody knows when; it fades evenly over so many days. Whoever deceives
is found out and comes again under a new address, whose record is short and perfect, and a run that was deceived costs
more than its rent. It is an insurance, not an estimate of an honest newcomer: docs/ranking.md has what it costs where
nobody deceives and what it saves where some do."""


def expected_uptime(offer: Offer) -> Decimal:
    """The share of time the provider is expected to be up: the mean of a Beta posterior, 0 < x < 1.

    The prior is worth `USUAL_WEIGHT` observations of `USUAL_UPTIME`, each known window as many as it weighs, and an
    unknown one as many of the usual.
    """
    known = known_uptimes(offer)
    total = sum(WINDOW_WEIGHTS.values()) + USUAL_WEIGHT
    up = USUAL_UPTIME * USUAL_WEIGHT + sum(
        known.get(window, USUAL_UPTIME) * weight for window, weight in WINDOW_WEIGHTS.items()
    )
    return up / total


def expected_interruptions(offer: Offer, hours: Decimal) -> Decimal:
    """How many interruptions a lease of so many hours is to expect, with outages coming at a steady rate.

    The rate is what the uptime says, or what the incidents of the last week say, whichever is worse; our own leases
    there move it. It is never more than one outage after the other.
    """
    uptime = expected_uptime(offer)
    outages_per_hour = max(
        (1 - uptime) / (uptime * OUTAGE_HOURS),
        Decimal(max(offer.incidents_7d or 0, 0)) / WEEK_HOURS,
    )
    expected = interruptions_per_hour(outages_per_hour, offer.record)
    return min(expected, 1 / Decimal(OUTAGE_HOURS)) * hours


def interruption_probability(offer: Offer, hours: Decimal) -> Decimal:
    """How likely at least one of the `expected_interruptions` is."""
    return 1 - (-expected_interruptions(offer, hours)).exp()


def doubt(offer: Offer) -> Decimal:
    """What is expected to be lost, in bills, because little about the provider is proven."""
    days = offer.registered_days
    age = (
        min(max(days, Decimal(0)), Decimal(NEW_DAYS)) if days is not None and days.is_finite() else Decimal(0)
    )
    return NEW_DOUBT * (1 - age / NEW_DAYS) + (0 if offer.audited else NOT_AUDITED_DOUBT)


def unknown_facts(offer: Offer) -> int:
    """How many of the facts that decide are not known."""
    facts = (
        offer.uptime_1d,
        offer.uptime_7d,
        offer.uptime_30d,
        offer.incidents_7d,
        offer.registered_days,
        offer.online,
        offer.valid_version,
        offer.age_seconds,
    )
    return sum(fact is None for fact in facts)


def known_uptimes(offer: Offer) -> dict[str, Decimal]:
    """The shares of status checks that were answered, by window, those that are known."""
    uptimes = zip(WINDOW_WEIGHTS, (offer.uptime_1d, offer.uptime_7d, offer.uptime_30d), strict=True)
    return {
        window: uptime
        for window, uptime in uptimes
        if uptime is not None and uptime.is_finite() and 0 <= uptime <= 1
    }
