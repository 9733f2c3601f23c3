"""The embedded network's own numbers, held to those that Console's source states."""

from __future__ import annotations

from decimal import Decimal

import pytest
from autumn_world import create
from console_world import new_world

from akash_mcp.sandbox import units
from akash_mcp.sandbox.clock import Clock


def test_the_chain_makes_blocks_as_consoles_page_counts_them() -> None:
    assert round(units.blocks_per_month(units.BLOCK_SECONDS), 2) == Decimal("431249.07")
    clock = Clock()
    assert clock.height_at(3600) - clock.height_at(0) == 590


@pytest.mark.anyio
async def test_blocks_can_last_six_seconds_and_then_a_month_costs_the_same() -> None:
    prices = {}
    for block_seconds in (6.0, 6.098):
        async with new_world("2026-11", block_seconds=block_seconds) as world:
            clock = world.network.clock
            assert clock.height_at(3600) - clock.height_at(0) == int(3600 / block_seconds)
            bids = await world.bids(await create(world))
            price = Decimal(bids[0]["bid"]["price"]["amount"])
            prices[block_seconds] = price * units.blocks_per_month(Decimal(str(block_seconds)))
    assert abs(prices[6.0] - prices[6.098]) < 1


def test_consoles_api_counts_more_blocks_than_the_chain_makes() -> None:
    counted = units.API_BLOCKS_PER_HOUR, units.API_BLOCKS_PER_DAY, units.API_BLOCKS_PER_WEEK
    assert counted == (600, 14_400, 100_800)
    assert Decimal("438292.8") == units.API_BLOCKS_PER_MONTH


@pytest.mark.parametrize(("amount", "rounded"), [("0.004999", "0.00"), ("0.005", "0.01"), ("2.675", "2.68")])
def test_half_a_cent_is_rounded_up(amount: str, rounded: str) -> None:
    assert units.cents(Decimal(amount)) == Decimal(rounded)


@pytest.mark.anyio
@pytest.mark.parametrize("clock", [Clock(automine=True, monotonic=lambda: 0.0), Clock(speed=1000)])
async def test_the_next_block_is_waited_for_or_made_at_once(clock: Clock) -> None:
    before = clock.height()
    await clock.next_block()
    assert clock.height() > before  # wall time goes on, so the slower of the two may have made more


@pytest.mark.anyio
async def test_a_block_that_is_made_at_once_takes_as_much_simulated_time() -> None:
    clock = Clock(automine=True, monotonic=lambda: 0.0)
    await clock.next_block()
    assert clock.elapsed() == pytest.approx(6.098, abs=1e-5)
