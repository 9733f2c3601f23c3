"""An offer in one line, for an answer that has no room for more."""

from __future__ import annotations

from akash_mcp.market.offers import Offer
from akash_mcp.market.ranking import RankedOffer
from akash_mcp.sanitize.text import field, quoted


def offer_line(ranked: RankedOffer) -> str:
    """Who, where, USD an hour and what speaks for it or against it most: `"cedar" (Oregon, United States), $0.59 an
    hour: the lowest price of 6 acceptable bids`."""
    offer = ranked.offer
    who = quoted(offer.name or offer.provider)
    return f"{who} ({place(offer)}), {ranked.usd_per_hour} an hour: {ranked.reasons[0]}"


def place(offer: Offer) -> str:
    """Where the address of its provider is, `unknown` where nobody knows."""
    return field(", ".join(part for part in (offer.region, offer.country) if part)) or "unknown"
