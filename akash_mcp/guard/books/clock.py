"""What time it is for the ledger. A limit of 24 hours is worth what its clock is worth, and ours can be set.

Two clocks are asked: this machine's, and the Console's, by the `Date` of its answers and what has passed since. Either
may jump, and which one did cannot be told. So what counts against a limit is dated by the latest moment that it can be,
and counted from the earliest: while one of the two is right, a reservation never leaves its 24 hours early, whatever
the other says, also across a restart. What was written into the future by a clock that ran ahead is brought back once
that is known (`ledger.bring_back`).

Everything else goes by the Console's time where that is known. Where it is not, it goes by the later of ours and the
newest moment in the file: what is written down does not go back. A Console that is further away from us than any
certificate is valid tells no time: over TLS, one of us would have been refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from akash_mcp.clients.service_clock import ServiceClock
from akash_mcp.errors import UnknownTime

FAR_SECONDS = 398 * 86_400.0
"""No publicly trusted certificate is valid for longer (CA/Browser Forum baseline requirements, 6.3.2)."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, in seconds since the epoch: as far as it is known, and the earliest and the latest that it can be.

    `is_told`: whether the Console's time is known.
    """

    now: float
    earliest: float
    latest: float
    is_told: bool


def exactly(now: float) -> Moment:
    """The moment of a clock that is right."""
    return Moment(now, now, now, is_told=True)


class ConsoleClock:
    """The Console's clock beside ours. `wall` is ours, in seconds since the epoch."""

    def __init__(self, console: ServiceClock, wall: Callable[[], float] = time.time) -> None:
        self._console = console
        self._wall = wall

    def moment(self, newest: float | None) -> Moment:
        """Now. `newest` is the newest moment in the file, if there is one."""
        ours = self._wall()
        told = self._console.between()
        if told is None or abs(told[0] - ours) > FAR_SECONDS:
            known = ours if newest is None else newest
            return Moment(max(ours, known), min(ours, known), max(ours, known), is_told=False)
        earliest, latest = told
        return Moment(earliest, min(earliest, ours), max(latest, ours), is_told=True)


def check_told(moment: Moment) -> None:
    """Raise `UnknownTime` where the Console's time is not known, before anything is spent: ours alone can be set."""
    if not moment.is_told:
        raise UnknownTime(
            "What time it is is not certain, so nothing is spent: Akash Console's answers tell no time, or one that is "
            "more than a year away from this machine's.",
            next_step="Ask the user to run akash-mcp doctor, which compares the clocks. Deployments can still be "
            "listed and closed.",
        )


def day_of(moment: float) -> str:
    """The day of a moment in seconds since the epoch: `2026-11-29`, in UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")


def month_of(moment: float) -> datetime:
    """When the calendar month of a moment began, in UTC."""
    return datetime.fromtimestamp(moment, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
