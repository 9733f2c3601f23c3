"""Console's server-side memory of answers, which hands out the old one first.

A value that is past its time is given once more while a fresh one is fetched behind it, so after an idle hour
the next reader sees a state of an hour ago (akash-network/console `Memoize`). A client that needs the truth
asks twice.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from itertools import count
from typing import Generic, TypeVar

from akash_mcp.sandbox.faults import Faults

T = TypeVar("T")


class Replicas:
    """Three processes behind one address, each with its own memory. Usually the same one answers."""

    COUNT = 3

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._turn = count()

    def pick(self) -> int:
        """The process that answers this request."""
        return next(self._turn) % self.COUNT if self._faults.take("replica-caches-disagree") else 0


class StaleCache(Generic[T]):
    """One remembered value a key and process. `now` gives seconds and `lifetime` is in seconds."""

    def __init__(self, lifetime: float, now: Callable[[], float], replicas: Replicas) -> None:
        self._lifetime = lifetime
        self._now = now
        self._replicas = replicas
        self._kept: dict[Hashable, tuple[float, T]] = {}

    def get(self, key: Hashable, fetch: Callable[[], T]) -> T:
        """The value for `key`: fetched when there is none; an old one is given once more, then renewed."""
        now = self._now()
        key = (self._replicas.pick(), key)
        if key not in self._kept:
            self._kept[key] = (now, fetch())
            return self._kept[key][1]
        fetched, value = self._kept[key]
        if now - fetched > self._lifetime:
            self._kept[key] = (now, fetch())
        return value
