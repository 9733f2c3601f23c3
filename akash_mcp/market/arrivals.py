"""How bids come in: whether more may come, and when what came is enough for what is asked."""

from __future__ import annotations

from dataclasses import dataclass

from akash_mcp.market.ranking import Prefer

PLENTY = 8
"""With so many acceptable offers for each group, waiting for more is not worth the time, but for the cheapest one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BidTimes:
    """Seconds. `come`: after an order, within which providers bid by their defaults. `settle`: without a new bid,
    after which none is expected."""

    come: float
    settle: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """The bids on an order as they had come in at some moment. Seconds are at the least: who looks late knows less.

    `bidders`: providers that had bid, in whatever state their bids are. `possible`: how many could, where that is
    known. `order_age`: since the order. `quiet`: since the newest bid came; None without one.
    """

    bidders: int
    order_age: float
    quiet: float | None
    possible: int | None = None

    def may_go_on(self, times: BidTimes) -> bool:
        """Whether more bids may come."""
        return not self._are_all and self._is_lively(times)

    @property
    def _are_all(self) -> bool:
        return self.possible is not None and self.bidders >= self.possible

    def _is_lively(self, times: BidTimes) -> bool:
        return self.order_age < times.come or (self.quiet is not None and self.quiet < times.settle)

    def is_enough(self, prefer: Prefer, times: BidTimes, *, settled: float, fewest: int) -> bool:
        """Whether to choose now, where each group has had an acceptable offer for `settled` seconds, and the group with
        the fewest has `fewest`.

        The cheapest is known when no more bids come, whatever was known of who could bid. For the others a bid that
        comes soon after another is waited for, as long as providers bid by their defaults.
        """
        if prefer == "cheapest":
            return not self._is_lively(times)
        if not self.may_go_on(times):
            return True
        is_calm = self.quiet is None or self.quiet >= times.settle or self.order_age >= times.come
        return fewest >= PLENTY or (settled >= times.settle and is_calm)

    def missed(self, times: BidTimes) -> str:
        """What may have been missed by whoever chose then, in a sentence."""
        came = "1 bid had come" if self.bidders == 1 else f"{self.bidders} bids had come"
        if not self.may_go_on(times):
            return f"{came} when it was chosen, and no more were expected."
        if self.possible is not None:
            missed = self.possible - self.bidders
            return f"{came} when it was chosen, of {self.possible} that can: up to {missed} may have been missed."
        return f"{came} when it was chosen, and more could come: a better one may have been missed."
