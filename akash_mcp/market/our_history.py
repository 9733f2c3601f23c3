"""What our own leases at a provider say about the next one there."""

from __future__ import annotations

from decimal import Decimal

from akash_mcp.track_record import TrackRecord

PRIOR_HOURS = 168
"""How much the network's word of a provider weighs against our own leases there: like a week of ours. One that its
provider ended makes an interruption a little likelier; only many hours without one make it much less likely."""


def interruptions_per_hour(by_uptime: Decimal, ours: TrackRecord) -> Decimal:
    """How often a lease is interrupted: the mean of a Gamma posterior, whose prior is what the provider's uptime says.

    Without a lease of ours it is that, so that a provider that we do not know is taken for what it is for everybody.
    """
    hours = max(ours.hours, Decimal(0))
    return (by_uptime * PRIOR_HOURS + ours.interruptions) / (PRIOR_HOURS + hours)
