"""What the embedded network counts in: blocks, months and uact, as the other side of the wire counts them.

The product has constants of its own (`akash_mcp.money`). Sharing them would hide a wrong one: a network that
reckons with the product's mistake agrees with it.

Blocks take 6.098 s, as Console's page takes them to (akash-network/console `apps/deploy-web/src/utils/priceUtils.ts`).
Console's API counts 6 s a block all the same (`apps/api/src/utils/constants.ts`), so what it tells of a month, a week
or an hour of rent is 1.6 % more than passes on the chain. Both call 30.437 days a month.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

UACT_PER_USD = 10**6
"""1 ACT is 1 USD (`apps/deploy-web/src/hooks/usePricing`), and a uact is a millionth of it."""

BLOCK_SECONDS = Decimal("6.098")
"""How long a block of the embedded chain lasts."""

DAYS_PER_MONTH = Decimal("30.437")
HOURS_PER_MONTH = 24 * DAYS_PER_MONTH


def blocks_per_month(block_seconds: Decimal) -> Decimal:
    """Blocks that really pass in a month: what a provider that wants so many dollars a month divides them by."""
    return HOURS_PER_MONTH * 3600 / block_seconds


API_BLOCKS_PER_HOUR = 600
API_BLOCKS_PER_DAY = 24 * API_BLOCKS_PER_HOUR
API_BLOCKS_PER_WEEK = 7 * API_BLOCKS_PER_DAY
API_BLOCKS_PER_MONTH = HOURS_PER_MONTH * API_BLOCKS_PER_HOUR
"""Blocks of 6 s, as Console's API counts them: 438,292.8 a month."""


def cents(amount: Decimal) -> Decimal:
    """An amount with two places, half a cent rounded up, as Console's API rounds what it tells in USD."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
