"""How long bids are waited for follows what is asked, and is told: by a Console whose bids come when a test says so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from scripted_console import (
    BIDS,
    DSEQ,
    Guarded,
    Told,
    bid,
    deployment,
    guarded,
    refusal,
    runtime,
)

from akash_mcp.clients.console.models import DETAIL
from akash_mcp.errors import ServerError
from akash_mcp.market.ranking import Prefer
from akash_mcp.workflow.bid_wait import Gathered, times, wait_for_all_groups, wait_for_offers
from akash_mcp.workflow.offers import requirements
from akash_mcp.workflow.runtime import Intervals, Runtime

pytestmark = pytest.mark.anyio

PROVIDERS = "GET /v1/providers"
BLOCKS = "GET /v1/blocks"
HEIGHT = 22_000_000
A_BLOCK = 6.098

SIX: Mapping[float, int] = {4: 2800, 6: 2900, 11: 2700, 18: 300, 21: 260, 25: 250}
"""When six providers bid after an order, and what they ask in uact per block: the cheapest come last."""


@dataclass
class Market:
    """Bids that come at their seconds, by a clock that only a pause moves."""

    guard: Guarded
    rt: Runtime
    bids: Mapping[float, int] = field(default_factory=dict)
    order_age: float = 0.0
    now: float = 0.0

    def listed(self) -> Told:
        came = [(at, price) for at, price in self.bids.items() if at <= self.order_age + self.now]
        return 200, [self._bid(at, price) for at, price in came]

    def _bid(self, at: float, price: int) -> dict[str, Any]:
        made = bid(f"akash1{at:04g}".replace(".", "0"), price)
        made["bid"]["created_at"] = str(HEIGHT - round((self.order_age - at) / A_BLOCK))
        return made

    async def deploy(self, prefer: Prefer, groups: int = 1, possible: int | None = None) -> Gathered:
        wanted = requirements(self.guard.policy)
        return await wait_for_all_groups(self.rt, DSEQ, groups, wanted, prefer, lambda _: None, possible)

    async def look(self, prefer: Prefer, seconds: float, created_at: float | None = None) -> Gathered:
        told = deployment()
        told["deployment"]["created_at"] = str(HEIGHT - round(self.order_age / A_BLOCK))
        detail = DETAIL.validate_python(told)

        async def report(message: str) -> None:
            await anyio.lowlevel.checkpoint()

        return await wait_for_offers(
            self.rt, detail, requirements(self.guard.policy), prefer, seconds, report, created_at
        )

    def missed(self, gathered: Gathered) -> str:
        return gathered.arrivals.missed(times(self.rt.intervals))


@asynccontextmanager
async def market(
    folder: Path, bids: Mapping[float, int] = SIX, order_age: float = 0.0
) -> AsyncIterator[Market]:
    async def sleep(seconds: float) -> None:
        it.now += seconds
        await anyio.lowlevel.checkpoint()

    async with guarded(folder) as guard, anyio.create_task_group() as tasks:
        it = Market(guard, runtime(guard, tasks, Intervals(), sleep), bids, order_age)
        guard.console.on(PROVIDERS, (200, []))
        guard.console.on(BLOCKS, (200, []))
        guard.console.on(BIDS, it.listed)
        yield it


def rates(gathered: Gathered) -> list[str]:
    return [str(ranked.usd_per_hour) for ranked in gathered.ranking.ranked]


async def test_cheapest_sees_all_bids_and_the_cheapest_of_them(tmp_path: Path) -> None:
    async with market(tmp_path) as it:
        gathered = await it.deploy("cheapest")
        assert (len(rates(gathered)), rates(gathered)[0]) == (6, "$0.148")
        assert 32 <= it.now <= 36
        assert it.missed(gathered) == "6 bids had come when it was chosen, and no more were expected."


async def test_balanced_does_not_stop_while_one_bid_follows_another(tmp_path: Path) -> None:
    async with market(tmp_path) as it:
        gathered = await it.deploy("balanced")
        assert len(rates(gathered)) == 6
        assert it.now <= 36


async def test_balanced_goes_on_after_a_pause_and_says_what_it_may_have_missed(tmp_path: Path) -> None:
    async with market(tmp_path, {4: 2800, 5: 2900, 24: 300}) as it:
        gathered = await it.deploy("balanced")
        assert (len(rates(gathered)), it.now) == (2, 14)
        assert it.missed(gathered).startswith("2 bids had come when it was chosen, and more could come")
    async with market(tmp_path / "cheapest", {4: 2800, 5: 2900, 24: 300}) as it:
        gathered = await it.deploy("cheapest")
        assert (len(rates(gathered)), it.now) == (3, 32)


async def test_nobody_is_waited_for_when_all_who_could_have_bid(tmp_path: Path) -> None:
    async with market(tmp_path, {4: 2800, 6: 2900}) as it:
        gathered = await it.deploy("balanced", possible=2)
        assert it.now == 6
        assert "no more were expected" in it.missed(gathered)


async def test_a_bid_that_comes_after_the_usual_time_settles_all_the_same(tmp_path: Path) -> None:
    async with market(tmp_path, {60: 2800, 65: 300}) as it:
        gathered = await it.deploy("balanced")
        assert (len(rates(gathered)), it.now) == (2, 68)


@pytest.mark.parametrize("prefer", ["balanced", "cheapest", "reliable"])
async def test_it_is_given_up_where_a_group_gets_no_bid_and_where_bids_never_cease(
    prefer: Prefer, tmp_path: Path
) -> None:
    async with market(tmp_path, {}) as it:
        assert rates(await it.deploy(prefer)) == []
        assert it.now == 90
    async with market(tmp_path / "unending", {float(at): 2000 for at in range(4, 400, 4)}) as it:
        gathered = await it.deploy("cheapest")
        assert it.now == 90
        assert "more could come" in it.missed(gathered)
    async with market(tmp_path / "two") as it:
        assert len(rates(await it.deploy(prefer, groups=2))) == 6
        assert it.now == 90


async def test_bids_are_not_waited_for_until_they_end(tmp_path: Path) -> None:
    # A launch that is taken up again after four minutes, with bids that still come.
    async with market(tmp_path, {float(at): 2000 for at in range(4, 400, 4)}, order_age=236) as it:
        it.guard.console.on(BLOCKS, blocks(HEIGHT))
        gathered = await it.deploy("cheapest")
        assert it.now <= 10
        assert gathered.ranking.ranked


def blocks(height: int) -> Told:
    """The chain's newest block."""
    return 200, [{"height": height, "datetime": "2026-11-29T10:00:00Z"}]


async def test_a_read_that_fails_ends_no_launch_and_one_at_the_end_does(tmp_path: Path) -> None:
    async with market(tmp_path) as it:
        it.guard.console.on(BIDS, refusal(503), refusal(503), refusal(503), it.listed)
        assert len(rates(await it.deploy("cheapest"))) == 6
        it.guard.console.on(BIDS, refusal(503))
        with pytest.raises(ServerError):
            await it.deploy("cheapest")


async def test_whoever_looks_late_is_answered_at_once(tmp_path: Path) -> None:
    async with market(tmp_path, order_age=60) as it:
        it.guard.console.on(BLOCKS, blocks(HEIGHT))
        gathered = await it.look("cheapest", 20)
        assert (len(rates(gathered)), it.now) == (6, 0)
        assert not gathered.may_go_on(it.rt.intervals)


async def test_whoever_looks_early_waits_no_longer_than_asked_and_hears_that_more_may_come(
    tmp_path: Path,
) -> None:
    async with market(tmp_path, order_age=6) as it:
        it.guard.console.on(BLOCKS, blocks(HEIGHT))
        gathered = await it.look("cheapest", 4)
        assert (len(rates(gathered)), it.now) == (2, 4)
        assert gathered.may_go_on(it.rt.intervals)
        gathered = await it.look("cheapest", 40)
        assert len(rates(gathered)) == 6


async def test_our_own_clock_helps_where_the_height_is_old(tmp_path: Path) -> None:
    async with market(tmp_path, order_age=60) as it:
        it.guard.console.on(BLOCKS, blocks(HEIGHT - 10))  # a minute ago
        assert (await it.look("cheapest", 4, created_at=it.rt.now() - 60)).may_go_on(it.rt.intervals) is False
        assert it.now == 0
        await it.look("cheapest", 4)
        assert it.now == 4


async def test_nobody_waits_for_bids_that_are_over(tmp_path: Path) -> None:
    async with market(tmp_path, {4: 2800}, order_age=400) as it:
        it.guard.console.on(BLOCKS, blocks(HEIGHT))
        gathered = await it.look("balanced", 20)
        assert (rates(gathered), it.now) == ([], 0)
        assert "expired" in gathered.ranking.rejected[0].reasons[0]


async def test_what_is_known_of_providers_and_the_chain_is_asked_for_once(tmp_path: Path) -> None:
    async with market(tmp_path) as it:
        it.guard.console.on(BLOCKS, blocks(HEIGHT))
        await it.deploy("cheapest")
        asked = {route: len(it.guard.console.sent(route)) for route in (BIDS, PROVIDERS, BLOCKS)}
        assert asked[BLOCKS] == 1
        assert asked[BIDS] == it.now / it.rt.intervals.bid_poll + 1
