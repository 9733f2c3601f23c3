"""The embedded network's own numbers, held to those that Console's source states."""

from __future__ import annotations

from decimal import Decimal

import pytest

from akash_mcp.sandbox import units
from akash_mcp.sandbox.clock import Clock


def test_the_chain_makes_blocks_as_consoles_page_counts_them() -> None:
    assert round(units.BLOCKS_PER_MONTH, 2) == Decimal("431249.07")
    clock = Clock()
    assert clock.height_at(3600) - clock.height_at(0) == 590


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
