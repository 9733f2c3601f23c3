"""An offer in one line, for an answer that has no room for more."""

from __future__ import annotations

from akash_mcp.market.offers import Offer
from akash_mcp.market.ranking import RankedOffer
from akash_mcp.sanitize.text import field, quoted


def offer_line(ranked: RankedOffer) -> str:
    """Who, where, USD an hour and what speaks for it or against it most: `"cedar" (Oregon, United States), $0.59 an
    hour: the lowest price of 6 acceptable bids`."""
    offer = ranked.offer
    return f"{who_where(offer)}, {ranked.usd_per_hour} an hour: {ranked.reasons[0]}"


def who_where(offer: Offer) -> str:
    """What its provider calls itself, and where its address is."""
    return f"{quoted(offer.name or offer.provider)} ({place(offer)})"


def place(offer: Offer) -> str:
    """Where the address of its provider is, `unknown` where nobody knows."""
    return field(", ".join(part for part in (offer.region, offer.country) if part)) or "unknown"
