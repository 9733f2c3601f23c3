"""A large answer that is asked for once, however many want it, and kept for a while with its age."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import anyio

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Aged(Generic[T]):
    """A value, and how many seconds ago it was asked for."""

    value: T
    age_seconds: float


class Remembered(Generic[T]):
    """One value, good for so many seconds of a clock that never jumps. A failure to ask is raised, and not kept."""

    def __init__(self, lifetime: float, now: Callable[[], float]) -> None:
        self._lifetime = lifetime
        self._now = now
        self._kept: tuple[float, T] | None = None
        self._asking = anyio.Lock()

    async def get(self, ask: Callable[[], Awaitable[T]]) -> Aged[T]:
        """The value: what is kept while it is good, else what `ask` answers. Whoever comes meanwhile waits for that."""
        async with self._asking:
            if self._kept is None or self._now() - self._kept[0] >= self._lifetime:
                asked_at = self._now()
                self._kept = asked_at, await ask()
            asked_at, value = self._kept
            return Aged(value, self._now() - asked_at)
