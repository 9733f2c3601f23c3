"""Waiting for bids: as long as it is worth it for what is asked, and never so long that they end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio

from akash_mcp.clients.console.models import Bid, DeploymentDetail
from akash_mcp.errors import Interrupted, RateLimited, ServerError, Unreachable
from akash_mcp.guard.books.runs import HOUR_SECONDS
from akash_mcp.ids import Dseq
from akash_mcp.market.arrivals import Arrivals, BidTimes
from akash_mcp.market.ranking import BID_LIFETIME_SECONDS, Prefer, Ranking, Requirements
from akash_mcp.money import BLOCK_SECONDS
from akash_mcp.workflow.offers import OfferReader
from akash_mcp.workflow.runtime import Intervals, Runtime

_LAST_CALL_SECONDS = 60
"""So long before the first acceptable bid ends it is chosen at the latest: a lease takes a while to be made."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """The offers as they had come in, ranked, and how far that had got."""

    ranking: Ranking
    arrivals: Arrivals

    def may_go_on(self, intervals: Intervals) -> bool:
        """Whether more bids may come."""
        return self.arrivals.may_go_on(times(intervals))


def times(intervals: Intervals) -> BidTimes:
    """What is known of when bids come."""
    return BidTimes(come=intervals.bids_come, settle=intervals.bid_settle)


async def wait_for_all_groups(
    rt: Runtime,
    dseq: Dseq,
    groups: int,
    wanted: Requirements,
    prefer: Prefer,
    on_progress: Callable[[str], None],
    possible: int | None = None,
) -> Gathered:
    """The offers on a deployment that was created a moment ago, once each group has an acceptable one and what came is
    enough for what is preferred. `possible`: how many providers could bid, where that is known.

    After `rt.intervals.bid_give_up` the offers are returned even if a group has none. A read that fails until then
    costs nothing, and giving up over it would close what was just paid for.
    """

    async def report(acceptable: int, bids: int) -> None:
        offers = "offer" if acceptable == 1 else "offers"
        on_progress(f"deployment {dseq} has {acceptable} acceptable {offers}")

    clock = _Clock()
    reader = OfferReader(rt, dseq, clock=clock)
    wait = _Wait(rt, reader, clock, wanted, prefer, frozenset(range(1, groups + 1)), possible)
    return await wait.until_enough(rt.intervals.bid_give_up, report, is_patient=True)


async def wait_for_offers(
    rt: Runtime,
    detail: DeploymentDetail,
    wanted: Requirements,
    prefer: Prefer,
    seconds: float,
    on_progress: Callable[[str], Awaitable[None]],
    created_at: float | None = None,
) -> Gathered:
    """The offers on a deployment without a lease, whoever created it and however long ago: waited for in the same way,
    for at most so many `seconds`. Raises what the Console does.

    `created_at`: when, in seconds since the epoch, where our journal knows. The height that the Console tells may be a
    minute old.
    """

    async def report(acceptable: int, bids: int) -> None:
        await on_progress(f"{bids} bids so far, {acceptable} of them acceptable")

    clock = _Clock()
    reader = OfferReader(rt, detail.dseq, detail.stored.sdl if detail.stored else "", clock)
    wait = _Wait(rt, reader, clock, wanted, prefer)
    wait.order_height = detail.deployment.created_at
    by_height = await reader.seconds_since(wait.order_height)
    wait.order_age = max(by_height, 0.0 if created_at is None else rt.now() - created_at)
    if wait.order_age >= rt.intervals.bids_last:
        seconds = 0.0  # whoever bid has given up waiting for a lease
    return await wait.until_enough(seconds, report, is_patient=False)


@dataclass
class _Clock:
    """Seconds since a wait began: those of its pauses, or more where its looks took longer."""

    paused: float = 0.0
    _began: float = field(default_factory=anyio.current_time)

    def __call__(self) -> float:
        return max(self.paused, anyio.current_time() - self._began)


@dataclass
class _Wait:
    """One wait. Moments are those of its clock."""

    rt: Runtime
    reader: OfferReader
    clock: _Clock
    wanted: Requirements
    prefer: Prefer
    groups: frozenset[int] | None = None
    """The groups that need an offer; None where the reader has to know."""
    possible: int | None = None
    order_age: float = 0.0
    """How old the order was when this began, at the least."""
    order_height: int = 0
    """The block of the order; 0 where it is not known."""
    _seen: set[object] = field(default_factory=set)
    _newest_at: float | None = None
    _settled_at: float | None = None

    async def until_enough(
        self, seconds: float, report: Callable[[int, int], Awaitable[None]], *, is_patient: bool
    ) -> Gathered:
        """What there is once it is enough, or so many seconds have passed."""
        gathered: Gathered | None = None
        poll = self.rt.intervals.bid_poll
        while True:
            try:
                gathered = await self._look()
            except (ServerError, RateLimited, Interrupted, Unreachable):
                if gathered is None and (not is_patient or self.clock() >= seconds):
                    raise
            else:
                offers = gathered.ranking
                await report(len(offers.ranked), len(offers.ranked) + len(offers.rejected))
            if gathered is not None and (self._is_enough(gathered) or self.clock() >= seconds):
                return gathered
            self.clock.paused += poll
            await self.rt.sleep(poll)

    async def _look(self) -> Gathered:
        ranking = await self.reader.read(self.wanted, self.prefer)
        bids, now = self.reader.bids, self.clock()
        names = {bid.id.lease_id for bid in bids}
        if names - self._seen:
            # Of the first ones the chain says how old they are.
            ages = [] if self._seen else [await self._age_of(bid) for bid in bids]
            self._newest_at = now - min(ages, default=0.0)
            self._seen |= names
        return Gathered(
            ranking,
            Arrivals(
                bidders=len({bid.provider for bid in bids}),
                possible=self.possible,
                order_age=self.order_age + now,
                quiet=None if self._newest_at is None else now - self._newest_at,
            ),
        )

    async def _age_of(self, bid: Bid) -> float:
        """How old a bid is, at the least."""
        by_height = await self.reader.seconds_since(bid.created_at)
        if not self.order_height or not bid.created_at:
            return by_height
        blocks = max(bid.created_at - self.order_height, 0) + 1
        after = float(blocks * BLOCK_SECONDS) * self.rt.intervals.hour / HOUR_SECONDS
        return max(by_height, self.order_age + self.clock() - after)

    def _is_enough(self, gathered: Gathered) -> bool:
        ranked = gathered.ranking.ranked
        groups = self.groups or self.reader.groups
        counts = [sum(each.offer.gseq == gseq for each in ranked) for gseq in groups]
        if not all(counts):
            self._settled_at = None
            return False
        if self._settled_at is None:
            self._settled_at = self.clock()
        oldest = max(each.offer.age_seconds or 0 for each in ranked)
        return oldest >= BID_LIFETIME_SECONDS - _LAST_CALL_SECONDS or gathered.arrivals.is_enough(
            self.prefer,
            times(self.rt.intervals),
            settled=self.clock() - self._settled_at,
            fewest=min(counts),
        )
