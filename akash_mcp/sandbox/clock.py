"""The embedded network's time: wall time for tokens and certificates, and a chain that can run faster."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio

from akash_mcp.sandbox.units import BLOCK_SECONDS

GENESIS_HEIGHT = 22_000_000
"""A height that looks like the real network's of late 2026."""


@dataclass
class Clock:
    """`speed` simulated seconds pass in a real one. Heights follow simulated time at `block_seconds` a block.

    With `automine` who waits for the next block gets it at once, as on development chains: time jumps to it.

    Tokens, certificates and the dseq of a new deployment use `wall()`, since the client judges them by its
    own clock; bids, escrow and workloads use `elapsed()`.
    """

    speed: float = 1.0
    block_seconds: float = float(BLOCK_SECONDS)
    automine: bool = False
    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    _started: float = field(init=False)
    _started_wall: float = field(init=False)
    _skipped: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._started = self.monotonic()
        self._started_wall = self.wall()

    def elapsed(self) -> float:
        """Simulated seconds since the network started."""
        return (self.monotonic() - self._started) * self.speed + self._skipped

    def skip(self, simulated_seconds: float) -> None:
        """Jump ahead. Tokens and certificates do not age by it, since they follow wall time."""
        if simulated_seconds < 0:
            raise ValueError("time only goes forward")
        self._skipped += simulated_seconds

    def height(self) -> int:
        """The latest block's height."""
        return self.height_at(self.elapsed())

    def height_at(self, elapsed: float) -> int:
        """The latest block's height once so many simulated seconds have passed."""
        return GENESIS_HEIGHT + int(elapsed / self.block_seconds)

    def elapsed_at(self, height: int) -> float:
        """How many simulated seconds have passed when a block is made."""
        # The hair's breadth keeps rounding from putting the moment into the block before.
        return (height - GENESIS_HEIGHT) * self.block_seconds + 1e-6

    def now(self) -> float:
        """Simulated seconds since the epoch: when block times and cron jobs think it is."""
        return self._started_wall + self.elapsed()

    def block_time(self, height: int) -> float:
        """When a block was made, in simulated seconds since the epoch."""
        return self._started_wall + (height - GENESIS_HEIGHT) * self.block_seconds

    async def next_block(self) -> None:
        """Wait until the block after the latest one is made."""
        now = (
            self.elapsed()
        )  # once: a block could be made between two looks, and the wait be less than nothing
        wait = self.elapsed_at(self.height_at(now) + 1) - now
        if self.automine:
            self.skip(wait)
        else:
            await self.sleep(wait)

    async def sleep(self, simulated_seconds: float) -> None:
        """Wait until so much simulated time has passed."""
        await anyio.sleep(simulated_seconds / self.speed)
