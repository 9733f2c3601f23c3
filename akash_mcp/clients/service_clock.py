"""What time it is at a service: by the `Date` of its answers, and by the time that has passed since.

RFC 9110, 6.6.1: whoever has a clock dates its answers, to the second. Servers keep the header for a second or two, and
an answer takes its time, so one answer says between which moments it is now; several narrow that down. A cache's answer
is dated when it was first given, so what has an `Age` says nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

COARSE_SECONDS = 3.0
"""How far a true `Date` may lie behind the moment in which the answer began."""

LONGEST_AGREEMENT = 3600.0
"""Seconds after which what was heard no longer narrows down what is heard: this machine's seconds have drifted."""


def elapsed() -> float:
    """Seconds since some moment, which pass at the same rate whatever is done to the machine's clock, and also while
    the machine sleeps. `time.monotonic` stands still then on Linux and macOS.
    """
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":
        return time.clock_gettime(time.CLOCK_MONOTONIC)
    return time.monotonic()


class ServiceClock:
    """The time at a service. `monotonic` is what passes in between, in seconds.

    Whoever asks may do so from any thread: what was heard is one value, put in the place of another.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._heard: tuple[float, float, float] | None = None

    def hear(self, date: float, *, sent: float) -> None:
        """An answer was dated so, in seconds since the epoch. Its request was sent at `sent`, by `monotonic`."""
        now = self._monotonic()
        earliest, latest = date - now, date + COARSE_SECONDS - sent
        if self._heard is not None:
            known_earliest, known_latest, since = self._heard
            is_recent = now - since <= LONGEST_AGREEMENT
            if is_recent and max(earliest, known_earliest) <= min(latest, known_latest):
                self._heard = max(earliest, known_earliest), min(latest, known_latest), since
                return
        self._heard = earliest, latest, now

    def between(self) -> tuple[float, float] | None:
        """Between which two moments it is now, in seconds since the epoch; None where no answer has said."""
        if self._heard is None:
            return None
        now = self._monotonic()
        return self._heard[0] + now, self._heard[1] + now
