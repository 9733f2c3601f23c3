"""The embedded network's time: wall time for tokens and certificates, and a chain whose blocks can run faster."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio

GENESIS_HEIGHT = 22_000_000
"""A height that looks like the real network's of late 2026."""


@dataclass
class Clock:
    """`speed` simulated seconds pass in one real second. Heights follow simulated time at `block_seconds` a block.

    Tokens, certificates and the dseq of a new deployment use `wall()`, since the client judges them by its own
    clock; bids, escrow and workloads use `elapsed()`.
    """

    speed: float = 1.0
    block_seconds: float = 6.098
    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    _started: float = field(init=False)
    _started_wall: float = field(init=False)

    def __post_init__(self) -> None:
        self._started = self.monotonic()
        self._started_wall = self.wall()

    def elapsed(self) -> float:
        """Simulated seconds since the network started."""
        return (self.monotonic() - self._started) * self.speed

    def height(self) -> int:
        """The latest block's height."""
        return GENESIS_HEIGHT + int(self.elapsed() / self.block_seconds)

    def block_time(self, height: int) -> float:
        """When a block was made, in simulated seconds since the epoch."""
        return self._started_wall + (height - GENESIS_HEIGHT) * self.block_seconds

    async def sleep(self, simulated_seconds: float) -> None:
        """Wait until so much simulated time has passed."""
        await anyio.sleep(simulated_seconds / self.speed)
