"""Money: US dollars as exact decimals, and the one place that turns chain prices into them.

1 ACT is 1 USD, and 1 ACT is 10^6 uact, so a uact is a millionth of a dollar. A lease is priced in uact per
block. Console's page counts 6.098 seconds a block and its API counts 6: the same bid differs by 1.6 % between
them. We follow the page, because that is the price a person compares ours with.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import total_ordering
from typing import TypeAlias

BLOCK_SECONDS = Decimal("6.098")
"""Seconds a block, as akash-network/console deploy-web counts them (utils/priceUtils.ts)."""

SHORTEST_BLOCK_SECONDS = Decimal(6)
"""Seconds a block, as akash-network/console's API counts them (utils/constants.ts)."""

BLOCKS_PER_HOUR = Decimal(3600) / BLOCK_SECONDS
MOST_BLOCKS_PER_HOUR = Decimal(3600) / SHORTEST_BLOCK_SECONDS
HOURS_PER_MONTH = Decimal("30.437") * 24
UACT_PER_USD = Decimal(10**6)

SMALLEST = Decimal("0.000000001")
LARGEST = Decimal(10**9)
LONGEST_NUMBER = 40
"""What somebody can mean by an amount of US dollars, and characters that it takes to write it."""

_UNBELIEVABLE = f"an amount of money is 0, or from {SMALLEST:f} to {LARGEST:f} US dollars"

Number: TypeAlias = "Decimal | int | str"


class NotMoney(ValueError):
    """A value that is not a finite amount of money, or is negative where it must not be."""


@total_ordering
@dataclass(frozen=True, slots=True)
class Usd:
    """A finite, never negative amount of US dollars. Built from text, `int` or `Decimal`; a float is refused.

    Subtraction raises `NotMoney` rather than go below zero: a budget that went negative is a bug, not a number.
    """

    amount: Decimal

    def __init__(self, amount: Number) -> None:
        if not isinstance(amount, Decimal | int | str) or isinstance(amount, bool):
            raise NotMoney(f"money is never built from {type(amount).__name__}")
        try:
            value = Decimal(amount)
        except InvalidOperation as error:
            raise NotMoney(f"{str(amount)[:40]!r} is not an amount of money") from error
        if not value.is_finite():
            raise NotMoney("an amount of money is finite")
        if value < 0:
            raise NotMoney("an amount of money is not negative")
        object.__setattr__(self, "amount", abs(value))  # abs: minus zero is zero

    @classmethod
    def parse(cls, written: Number) -> Usd:
        """An amount as a person, a model or an upstream wrote it. Raises `NotMoney` also for one that nobody means.

        A number can be short to write and endless to print or to reckon with (`1e-999990`), so nothing is done with
        it before its size is known to be believable.
        """
        if isinstance(written, int) and abs(written) > LARGEST:
            raise NotMoney(_UNBELIEVABLE)  # as text it could be too long for Python to write
        text = str(written).strip()
        if len(text) > LONGEST_NUMBER:
            raise NotMoney(f"an amount of money has at most {LONGEST_NUMBER} characters")
        try:
            value = Decimal(text)
        except InvalidOperation as error:
            raise NotMoney(f"{text!r} is not an amount of money") from error
        if value.is_finite() and value and not SMALLEST <= value.copy_abs() <= LARGEST:
            raise NotMoney(_UNBELIEVABLE)
        return cls(value)

    @classmethod
    def from_uact(cls, uact: Number) -> Usd:
        """An amount of `uact` (micro-ACT) in dollars."""
        return cls(Decimal(uact) / UACT_PER_USD)

    @property
    def uact(self) -> int:
        """The amount in whole uact, rounded half up as Console rounds a deposit."""
        return int((self.amount * UACT_PER_USD).to_integral_value(ROUND_HALF_UP))

    def __add__(self, other: Usd) -> Usd:
        return Usd(self.amount + other.amount)

    def __sub__(self, other: Usd) -> Usd:
        return Usd(self.amount - other.amount)

    def __mul__(self, factor: Decimal | int) -> Usd:
        return Usd(self.amount * factor)

    __rmul__ = __mul__

    def __lt__(self, other: Usd) -> bool:
        return self.amount < other.amount

    def __bool__(self) -> bool:
        return self.amount != 0

    def __str__(self) -> str:
        """`$5.00`, and with as many places as a small amount needs: `$0.00342`."""
        return f"${self.plain()}"

    def plain(self) -> str:
        """The amount without a sign: two places from a cent up, else three significant digits."""
        if self.amount == 0 or self.amount >= Decimal("0.01"):
            return str(self.amount.quantize(Decimal("0.01"), ROUND_HALF_UP))
        places = -self.amount.adjusted() + 2
        return f"{self.amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP).normalize():f}"


ZERO = Usd(0)


def usd_per_hour(uact_per_block: Number) -> Usd:
    """What a price in uact per block comes to in dollars an hour, at 6.098 s a block."""
    return Usd(Decimal(uact_per_block) * BLOCKS_PER_HOUR / UACT_PER_USD)


def usd_per_hour_at_most(uact_per_block: Number) -> Usd:
    """What a price in uact per block can cost in dollars an hour: 600 blocks, the most that an hour is counted as."""
    return Usd.from_uact(uact_per_block) * MOST_BLOCKS_PER_HOUR


def usd_per_month(uact_per_block: Number) -> Usd:
    """What a price in uact per block comes to in dollars a month of 30.437 days, at 6.098 s a block."""
    return usd_per_hour(uact_per_block) * HOURS_PER_MONTH
