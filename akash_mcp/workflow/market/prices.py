"""What an SDL, or a size, will cost in so many hours, and what has to be put in for that. Only reads, without a key.

What a source does not tell is left out and said so: no price is taken for one that is not known.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

import anyio

from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.limits import FIRST_RUNTIME_HOURS, MINIMUM_DEPOSIT
from akash_mcp.clients.console.market_models import ComparedPrice, GpuPrice
from akash_mcp.clients.console.market_reader import Spec
from akash_mcp.errors import AkashError, InvalidSdl
from akash_mcp.market.prices import PriceRange, group_range, unpriced
from akash_mcp.money import (
    ZERO,
    NotMoney,
    Usd,
    hours_paid_for,
    uact_per_block,
    usd_per_hour,
    usd_per_hour_at_most,
)
from akash_mcp.sdl import check
from akash_mcp.sdl.output.groups import Attribute, GroupSpec
from akash_mcp.workflow.runtime import Runtime

log = logging.getLogger(__name__)

_READ_SECONDS = 15.0
_IN_MEMORY = Attribute("class", "ram")
MOST_SIZES = 10
"""Different sizes of replicas beyond which they are not compared with other clouds: one or two requests."""
CLOUDS = ("akash", "aws", "gcp", "azure")


@dataclass(frozen=True, slots=True)
class Payment:
    """What pays for a run of `hours` at up to `usd_per_hour`.

    `deposit` goes into escrow, and what is not used comes back; where the API takes none (`2026-11`), it is what the
    runtime limit lets it cost. `hours` is less than what was asked for where a deployment cannot begin with so many.
    """

    usd_per_hour: Usd
    deposit: Usd
    hours: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What is known of the cost of some groups together. None is not known, never nothing.

    `likely`: from the lowest to the highest likely price, US dollars an hour. `ceiling`: the most that an SDL allows,
    in uact per block. `unpriced`: GPUs and disks in it without a price. `compared`: US dollars a month by the Console's
    formulas, without GPUs, by cloud; `is_not_compared` where there are too many sizes for that. `problems`: which
    source did not answer, a sentence each.
    """

    hours: int
    ceiling: Decimal | None = None
    likely: PriceRange | None = None
    unpriced: tuple[str, ...] = ()
    compared: Mapping[str, Usd] = field(default_factory=dict)
    is_not_compared: bool = False
    generation: Generation | None = None
    problems: tuple[str, ...] = ()

    @property
    def ceiling_per_hour(self) -> Usd | None:
        """The ceiling in US dollars an hour."""
        return None if self.ceiling is None else usd_per_hour(self.ceiling)

    @property
    def least_deposit(self) -> Usd:
        """What a deployment takes at least; where the API is not known, what any of them does."""
        known = self.generation
        return MINIMUM_DEPOSIT[known] if known else max(MINIMUM_DEPOSIT.values())

    def at_most(self, per_hour: Usd) -> Usd:
        """What a rate comes to in the hours at most: the chain may make more blocks an hour than are counted."""
        return usd_per_hour_at_most(uact_per_block(per_hour)) * self.hours

    @property
    def is_below_the_market(self) -> bool:
        """Whether the ceiling is less than the lowest price that is likely."""
        ceiling = self.ceiling_per_hour
        return ceiling is not None and self.likely is not None and ceiling < self.likely.low

    @property
    def payment(self) -> Payment | None:
        """What pays for the hours at the highest price that is likely, or at the ceiling where that is lower."""
        rates = [self.ceiling_per_hour, self.likely.high if self.likely else None]
        known = [rate for rate in rates if rate is not None]
        if not known:
            return None
        # As it will be named: a rate that is rounded up costs more in these hours.
        rate = Usd(min(known).precise())
        hours = self.hours
        if self.generation is Generation.V2026_11:
            hours = min(hours, FIRST_RUNTIME_HOURS)
        cost = usd_per_hour_at_most(uact_per_block(rate)) * hours
        return Payment(rate, max(cost, self.least_deposit), hours)

    def hours_within(self, limit: Usd) -> int:
        """The whole hours that a limit pays for at the rate of `payment`."""
        payment = self.payment
        if payment is None or not payment.usd_per_hour:
            return self.hours
        return int(hours_paid_for(limit, uact_per_block(payment.usd_per_hour)))


def groups_of(sdl: str) -> tuple[GroupSpec, ...]:
    """What an SDL orders. Raises `InvalidSdl` for one that would be refused: its numbers may be beyond all belief."""
    report = check(sdl)
    if not report.ok:
        first = report.errors[0]
        raise InvalidSdl(
            f"The SDL would be refused, so it has no price. Line {first.line}: {first.message}.",
            next_step="validate_sdl names each error and its fix.",
        )
    return report.groups


async def estimate(rt: Runtime, groups: Sequence[GroupSpec], hours: int, *, has_ceiling: bool) -> Estimate:
    """What groups cost together. Asks the Console for prices, for comparisons and which API it is, all at once.

    `has_ceiling`: whether the prices in the groups are somebody's ceiling.
    """
    sizes = sizes_of(groups)
    prices: Sequence[GpuPrice] | None = ()
    compared: Mapping[str, Usd] = {}
    generation: Generation | None = None
    problems: list[str] = []

    async def read_prices() -> None:
        nonlocal prices
        prices = None
        with _left_out("What GPUs were let for", problems):
            prices = await rt.reader.gpu_prices()

    async def read_compared() -> None:
        nonlocal compared
        with _left_out("What the Console compares it with", problems):
            compared = summed(sizes, await rt.reader.compare_prices(list(sizes)))
            if not compared:
                problems.append("What the Console compares it with cannot be read.")

    async def read_generation() -> None:
        nonlocal generation
        with _left_out("Which Console API answers, and so its least deposit,", problems):
            generation = await rt.reader.generation()

    async with anyio.create_task_group() as tasks:
        if any(unit.gpu for group in groups for unit in group.resources):
            tasks.start_soon(read_prices)
        if len(sizes) <= MOST_SIZES:
            tasks.start_soon(read_compared)
        tasks.start_soon(read_generation)
    return reckon(
        groups,
        hours,
        has_ceiling=has_ceiling,
        prices=prices,
        compared=compared,
        generation=generation,
        problems=tuple(sorted(problems)),
    )


def reckon(
    groups: Sequence[GroupSpec],
    hours: int,
    *,
    has_ceiling: bool,
    prices: Sequence[GpuPrice] | None,
    compared: Mapping[str, Usd],
    generation: Generation | None,
    problems: tuple[str, ...] = (),
) -> Estimate:
    """The estimate from what was read. `prices` are None where they could not be."""
    ranges = [None if prices is None else group_range(group, prices) for group in groups]
    known = [found for found in ranges if found is not None]
    total = PriceRange(ZERO, ZERO)
    for found in known:
        total += found
    names = [name for group in groups for name in unpriced(group, prices or ())]
    return Estimate(
        hours=hours,
        ceiling=sum((group.price for group in groups), Decimal(0)) if has_ceiling else None,
        likely=total if len(known) == len(groups) else None,
        unpriced=() if prices is None else tuple(dict.fromkeys(names)),
        compared=compared,
        is_not_compared=len(sizes_of(groups)) > MOST_SIZES,
        generation=generation,
        problems=problems,
    )


def sizes_of(groups: Iterable[GroupSpec]) -> Counter[Spec]:
    """The different sizes of replicas, and how many there are of each. What is kept in memory counts as memory."""
    sizes: Counter[Spec] = Counter()
    for unit in (unit for group in groups for unit in group.resources):
        in_memory = sum(volume.size for volume in unit.storage if _IN_MEMORY in volume.attributes)
        stored = sum(volume.size for volume in unit.storage) - in_memory
        sizes[Spec(unit.cpu, unit.memory + in_memory, stored)] += unit.count
    return sizes


def summed(sizes: Counter[Spec], compared: Sequence[ComparedPrice]) -> dict[str, Usd]:
    """What all replicas cost a month, by cloud, from what one of each size does, in the order of the sizes.

    A cloud that tells no price for one of them is left out, and 0 is none. Nothing where other sizes were compared.
    """
    found: dict[str, Usd] = {}
    if len(compared) == len(sizes):
        for cloud in CLOUDS:
            prices = [_price(getattr(each, cloud)) for each in compared]
            known = [price * count for price, count in zip(prices, sizes.values(), strict=True) if price]
            if len(known) == len(prices):
                found[cloud] = sum(known, ZERO)
    return found


def _price(amount: Decimal) -> Usd | None:
    try:
        return Usd.parse(amount)
    except NotMoney:
        return None


@contextmanager
def _left_out(what: str, problems: list[str]) -> Iterator[None]:
    """Note what is not known where reading it fails, or takes too long."""
    try:
        with anyio.fail_after(_READ_SECONDS):
            yield
    except (AkashError, TimeoutError) as failure:
        log.info("%s is not known: %s", what, failure)
        why = failure.what if isinstance(failure, AkashError) else "no answer came in time."
        problems.append(f"{what} is not known: {why}")
