"""What happens on the chain by itself: bids that arrive and expire, escrow that runs dry, hourly top-ups.

A discrete-event queue. Nothing runs in the background: whoever looks at the chain first lets everything that
is due happen, in the order of its own time, so a network that nobody watched for a day has had the same day
as one that was polled.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

from akash_mcp.sandbox.clock import Clock


class Schedule:
    """Actions at points of simulated time. Two at the same time happen in the order they were planned."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._moment: float | None = None

    def now(self) -> float:
        """Simulated seconds since the start; inside an action, the time it was planned for."""
        return self._clock.elapsed() if self._moment is None else self._moment

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Plan an action. A time that has passed means as soon as anyone looks."""
        heapq.heappush(self._queue, (when, next(self._order), action))

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Plan an action so many simulated seconds from now."""
        self.at(self.now() + seconds, action)

    def catch_up(self) -> None:
        """Let everything that is due happen. Inside an action this does nothing: the queue is running."""
        if self._moment is not None:
            return
        until = self._clock.elapsed()
        try:
            while self._queue and self._queue[0][0] <= until:
                when, _, action = heapq.heappop(self._queue)
                self._moment = when
                action()
        finally:
            self._moment = None
