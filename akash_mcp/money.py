"""Money: US dollars as exact decimals, and the one place that turns chain prices into them.

1 ACT is 1 USD, and 1 ACT is 10^6 uact, so a uact is a millionth of a dollar. A lease is priced in uact per
block. Console's page counts 6.098 seconds a block and its API counts 6: the same bid differs by 1.6 % between
them. A price is told by the page, because that is what a person compares ours with. What something may cost at most,
and how long an amount lasts at least, is reckoned with the shorter block of the API.

What is written is never better than what is: a cost is rounded up (`str`), what is left or comes back is rounded down
(`rounded_down`), and amounts that are compared are written with the digits that tell them apart (`told_apart`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
    InvalidOperation,
)
from functools import total_ordering
from typing import TypeAlias

SMALLEST = Decimal("0.000000001")
LARGEST = Decimal(10**9)
LONGEST_NUMBER = 40
"""What somebody can mean by an amount of US dollars, and characters that it takes to write it."""

MOST = Decimal(10**18)
PLACES = 30
"""US dollars and decimal places beyond which an amount is not reckoned with."""

# Its digits are enough for every sum, difference and product of amounts; what cannot be exact is rounded up.
_EXACT = Context(prec=160, rounding=ROUND_CEILING)
_STEP = Decimal(1).scaleb(-PLACES)
_WIDEST = 60  # of a number that we reckon with at all, as a power of ten
_PRICE_STEP = Decimal(1).scaleb(-18)  # of a price on the chain, in uact per block

BLOCK_SECONDS = Decimal("6.098")
"""Seconds a block, as akash-network/console deploy-web counts them (utils/priceUtils.ts)."""

SHORTEST_BLOCK_SECONDS = Decimal(6)
"""Seconds a block, as akash-network/console's API counts them (utils/constants.ts)."""

BLOCKS_PER_HOUR = _EXACT.divide(Decimal(3600), BLOCK_SECONDS)
MOST_BLOCKS_PER_HOUR = Decimal(3600) / SHORTEST_BLOCK_SECONDS
HOURS_PER_MONTH = Decimal("30.437") * 24
UACT_PER_USD = Decimal(10**6)

_UNBELIEVABLE = f"an amount of money is 0, or from {SMALLEST:f} to {LARGEST:f} US dollars"
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")

Number: TypeAlias = "Decimal | int | str"


class NotMoney(ValueError):
    """A value that is not a finite amount of money, or is negative where it must not be."""


@total_ordering
@dataclass(frozen=True, slots=True)
class Usd:
    """A finite, never negative amount of US dollars. Built from text, `int` or `Decimal`; a float is refused.

    It is at most 10^18 dollars and a multiple of 10^-30, so that it is reckoned with exactly and written in no time:
    more raises `NotMoney`, and what lies between two multiples is the higher one. Subtraction raises `NotMoney`
    rather than go below zero: a budget that went negative is a bug, not a number.
    """

    amount: Decimal

    def __init__(self, amount: Number) -> None:
        value = _number(amount)
        if value < 0:
            raise NotMoney("an amount of money is not negative")
        if value > MOST:
            raise NotMoney(f"an amount of money is at most {MOST:f} US dollars")
        if value != (rounded := value.quantize(_STEP, context=_EXACT)):
            value = rounded
        object.__setattr__(self, "amount", value.copy_abs())  # minus zero is zero

    def __post_init__(self) -> None:
        """What pydantic calls, which sets the fields by itself when it reads a plan: no way leads past the checks."""
        Usd.__init__(self, self.amount)

    @classmethod
    def parse(cls, written: Number) -> Usd:
        """An amount as a person, a model or an upstream wrote it. Raises `NotMoney` also for one that nobody means.

        A number can be short to write and endless to print or to reckon with (`1e-999990`), so nothing is done with
        it before its size is known to be believable. Only plain digits are digits: what is read as money must look
        like it to whoever is asked.
        """
        if isinstance(written, int) and abs(written) > LARGEST:
            raise NotMoney(_UNBELIEVABLE)  # as text it could be too long for Python to write
        text = str(written).strip()
        if len(text) > LONGEST_NUMBER:
            raise NotMoney(f"an amount of money has at most {LONGEST_NUMBER} characters")
        try:
            value = Decimal(text if _NUMBER.fullmatch(text) else "")
        except InvalidOperation as error:
            raise NotMoney(f"{text!r} is not an amount of money") from error
        if value and not SMALLEST <= value.copy_abs() <= LARGEST:
            raise NotMoney(_UNBELIEVABLE)
        return cls(value)

    @classmethod
    def from_uact(cls, uact: Number) -> Usd:
        """An amount of `uact` (micro-ACT) in dollars."""
        return cls(_EXACT.divide(_number(uact), UACT_PER_USD))

    @property
    def uact(self) -> int:
        """The amount in whole uact, rounded half up as Console rounds a deposit."""
        return int(self._in_uact.to_integral_value(ROUND_HALF_UP))

    @property
    def uact_at_most(self) -> int:
        """The amount in whole uact, rounded up: what is held or booked for a cost."""
        return int(self._in_uact.to_integral_value(ROUND_CEILING))

    @property
    def _in_uact(self) -> Decimal:
        return _EXACT.multiply(self.amount, UACT_PER_USD)

    def __add__(self, other: Usd) -> Usd:
        return Usd(_EXACT.add(self.amount, other.amount))

    def __sub__(self, other: Usd) -> Usd:
        return Usd(_EXACT.subtract(self.amount, other.amount))

    def __mul__(self, factor: Decimal | int) -> Usd:
        return Usd(_EXACT.multiply(self.amount, _number(factor)))

    __rmul__ = __mul__

    def __lt__(self, other: Usd) -> bool:
        return self.amount < other.amount

    def __bool__(self) -> bool:
        return self.amount != 0

    def __str__(self) -> str:
        """A cost: `$5.00`, rounded up, with three digits below a dollar: `$0.591`, `$0.00342`."""
        return f"${self.plain()}"

    def rounded_down(self) -> str:
        """What is left, comes back or may be spent: `$5.00`, never more than it is."""
        return f"${self.plain(ROUND_DOWN)}"

    def plain(self, rounding: str = ROUND_UP) -> str:
        """The amount without a sign: two places from a dollar up, else three significant digits and two places."""
        return _written(self.amount, _places(self.amount, 3), rounding)

    def precise(self) -> str:
        """A rate without a sign, rounded up to six significant digits: offers lie close together."""
        return _written(self.amount, _places(self.amount, 6), ROUND_UP)

    def exact(self) -> str:
        """All its digits, the same text for the same amount."""
        return f"{self.amount.normalize(_EXACT):f}"


def told_apart(*amounts: Usd) -> tuple[str, ...]:
    """The amounts as costs in one sentence: with as many places as it takes that no two that differ look the same.

    `$10.004, over the limit of $10.00`.
    """
    different = len({usd.amount for usd in amounts})
    places = max((_places(usd.amount, 3) for usd in amounts), default=2)
    while any(
        len({_written(usd.amount, places, rounding) for usd in amounts}) < different
        for rounding in (ROUND_UP, ROUND_DOWN)
    ):
        places += 1
    return tuple(f"${_written(usd.amount, places, ROUND_UP)}" for usd in amounts)


def usd_per_hour(uact_per_block: Number) -> Usd:
    """What a price in uact per block comes to in dollars an hour, at 6.098 s a block.

    The last of its 30 places is rounded down, so that the rates of several groups are together no more than the rate
    of their prices together.
    """
    exact = _EXACT.multiply(Usd.from_uact(uact_per_block).amount, BLOCKS_PER_HOUR)
    return Usd(exact.quantize(_STEP, ROUND_FLOOR, _EXACT))


def usd_per_hour_at_most(uact_per_block: Number) -> Usd:
    """What a price in uact per block can cost in dollars an hour: 600 blocks, the most that an hour is counted as."""
    return Usd.from_uact(uact_per_block) * MOST_BLOCKS_PER_HOUR


def usd_per_month(uact_per_block: Number) -> Usd:
    """What a price in uact per block comes to in dollars a month of 30.437 days, at 6.098 s a block."""
    return usd_per_hour(uact_per_block) * HOURS_PER_MONTH


def an_hour_of(per_month: Usd) -> Usd:
    """What dollars a month of 30.437 days come to an hour, rounded up at the last of 30 places."""
    return Usd(_EXACT.divide(per_month.amount, HOURS_PER_MONTH))


def uact_per_block(per_hour: Usd) -> Decimal:
    """The price on the chain that `usd_per_hour` makes this rate of, exactly; of another rate the nearest price."""
    uact = _EXACT.divide(_EXACT.multiply(per_hour.amount, UACT_PER_USD), BLOCKS_PER_HOUR)
    return uact.quantize(_PRICE_STEP, ROUND_HALF_EVEN, _EXACT)


def hours_paid_for(amount: Usd, price: Decimal) -> Decimal:
    """How many hours an amount pays for at the least, at a price in uact per block that is more than 0."""
    an_hour = _EXACT.multiply(price, MOST_BLOCKS_PER_HOUR)
    return Context(prec=28, rounding=ROUND_FLOOR).divide(
        _EXACT.multiply(amount.amount, UACT_PER_USD), an_hour
    )


def _number(value: object) -> Decimal:
    """A number of a size that can be reckoned with. Raises `NotMoney` for all else.

    Smaller than that it is the smallest: a cost that is not nothing stays so.
    """
    if not isinstance(value, Decimal | int | str) or isinstance(value, bool):
        raise NotMoney(f"money is never built from {type(value).__name__}")
    if isinstance(value, int) and value.bit_length() > 4 * _WIDEST:
        raise NotMoney(f"an amount of money is at most {MOST:f} US dollars")
    try:
        number = Decimal(value)
    except InvalidOperation as error:
        raise NotMoney(f"{str(value)[:40]!r} is not an amount of money") from error
    if not number.is_finite():
        raise NotMoney("an amount of money is finite")
    if not number:
        return Decimal(0)
    if number.adjusted() > _WIDEST:
        raise NotMoney(f"an amount of money is at most {MOST:f} US dollars")
    if number.adjusted() < -_WIDEST:
        return Decimal(1).scaleb(-_WIDEST).copy_sign(number)
    return number


def _places(amount: Decimal, digits: int) -> int:
    """Decimal places that show so many significant digits of what is below a dollar, and a cent at least."""
    return 2 if amount >= 1 or not amount else max(2, digits - 1 - amount.adjusted())


def _written(amount: Decimal, places: int, rounding: str) -> str:
    text = f"{amount.quantize(Decimal(1).scaleb(-places), rounding, _EXACT):f}"
    whole, _, cents = text.partition(".")
    return f"{whole}.{cents.rstrip('0').ljust(2, '0')}"


ZERO = Usd(0)
