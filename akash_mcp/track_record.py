"""What became of our own leases at one provider: counts and times, a leaf that books write, ranking weighs and tools
show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackRecord:
    """Our leases at one provider within the last 90 days. Nothing of it is the provider's own word.

    A lease is one deployment's, however many groups it has there. What nobody saw is in none of the counts but
    `leases`: a lease that never ran by the app's own fault is neither in `ran` nor in `failed`.
    """

    leases: int = 0
    ran: int = 0
    """Of which all that they asked for was seen to run."""
    ready_seconds: Decimal | None = None
    """From the lease until it ran: the median of those of which it was watched; None without any."""
    hours: Decimal = Decimal(0)
    """For how long they ran together, as far as that was seen."""
    closed_by_provider: int = 0
    """Which the provider ended."""
    failed: int = 0
    """Which never ran, or stopped to, by the provider's fault, without that it ended them."""
    interruptions: int = 0
    """Which did not come to what was paid for by the provider's doing: the two above, and another GPU; each once."""
    gpus_as_promised: int = 0
    other_gpus: int = 0
    """Whose containers saw another GPU than was bid or asked for."""
    last_failure: str = ""
    """How the last one failed, in our words."""

    def __str__(self) -> str:
        """`ran 4 times for us, ready within 41 s in the median, closed by it once`; empty without a lease."""
        if not self.leases:
            return ""
        ready = "" if self.ready_seconds is None else f"ready within {math.ceil(self.ready_seconds)} s"
        if ready and self.ran > 1:
            ready += " in the median"
        parts = (
            f"ran {_times(self.ran)} for us"
            if self.ran
            else f"leased {_times(self.leases)} by us, never seen to run",
            ready,
            f"closed by it {_times(self.closed_by_provider)}" if self.closed_by_provider else "",
            f"failed {_times(self.failed)}" if self.failed else "",
            f"gave another GPU {_times(self.other_gpus)}" if self.other_gpus else "",
        )
        return ", ".join(part for part in parts if part)


NOT_KNOWN = TrackRecord()
"""Of a provider that we never had a lease at."""


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
