"""Streaks of refusals: who sends what is refused again and again is made to wait (generation 2026-11).

One user, method and path, whatever the body: so leases of all deployments are one streak, and so are all creates.
Requests under way count as refused, so that a burst does not get past it. Numbers are those of the tests of
akash-network/console `RefusalBackoffInterceptor`; those of the live API are not known. Seconds are simulated ones.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from akash_mcp.sandbox.clock import Clock
from akash_mcp.sandbox.console.responses import Problem

LIMIT = 3
WINDOW_SECONDS = 600
BACKOFF_SECONDS = 300

_SAFE = ("GET", "HEAD", "OPTIONS")
_UNCOUNTED = (401, 429)


@dataclass
class _Streak:
    status: int
    begun: float
    refusals: int = 1
    blocked_until: float = -math.inf


@dataclass
class Outcome:
    """What a request that is watched was answered with."""

    status: int = 500


@dataclass
class Refusals:
    """The streaks of the one user, by method and path."""

    clock: Clock
    _streaks: dict[str, _Streak] = field(default_factory=dict)
    _under_way: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def watch(self, method: str, path: str) -> Iterator[Outcome]:
        """Around one request of a user. Raises `Problem` 429 on entering, while there is waiting to do."""
        key, outcome = f"{method} {path}", Outcome()
        if method in _SAFE:
            yield outcome
            return
        if wait := self._wait(key):
            message = "This request has been refused repeatedly. Wait before sending it again."
            raise Problem(429, message, code="repeated_refusal", retry_after=wait)
        self._under_way[key] += 1
        try:
            yield outcome
        finally:
            self._under_way[key] -= 1
        self._note(key, outcome.status)

    def _wait(self, key: str) -> int:
        """How many seconds; 1 where only the requests under way could fill the streak."""
        streak, now = self._streaks.get(key), self.clock.now()
        if streak is None:
            return 0
        if streak.blocked_until > now:
            return math.ceil(streak.blocked_until - now)
        would_be = streak.refusals + self._under_way[key]
        return int(self._lasts(streak) and would_be >= LIMIT)

    def _note(self, key: str, status: int) -> None:
        streak, now = self._streaks.get(key), self.clock.now()
        if status < 400:
            self._streaks.pop(key, None)
            return
        is_blocked = streak is not None and streak.blocked_until > now
        if status >= 500 or status in _UNCOUNTED or is_blocked:
            return
        if streak is None or streak.status != status or not self._lasts(streak):
            streak = self._streaks[key] = _Streak(status, now, 0)
        streak.refusals += 1
        if streak.refusals >= LIMIT:
            self._streaks[key] = _Streak(status, now, 0, now + BACKOFF_SECONDS)

    def _lasts(self, streak: _Streak) -> bool:
        return self.clock.now() - streak.begun < WINDOW_SECONDS
