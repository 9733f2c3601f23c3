"""The most that an SDL may cost, and whether that is out of proportion.

A price in an SDL is a ceiling: providers bid at or below it. It is easily wrong by a factor of a thousand, because
Console keeps the number when it turns another denom into uact. The measure is what providers ask: their default price
list (`price_lists`), and for a GPU what its model is listed at (`known_gpus`), in dollars a month.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from akash_mcp.money import HOURS_PER_MONTH, Usd, usd_per_hour, usd_per_month
from akash_mcp.sdl.output.orders import LEASED_IP, Order, StorageOrder, Unit
from akash_mcp.sdl.output.quantities import rounded_up
from akash_mcp.sdl.report import Fault
from akash_mcp.sdl.rules import known_gpus
from akash_mcp.sdl.rules.chain_rules import MAX_COUNT, MAX_CPU, MAX_GPU, MAX_MEMORY, MAX_PRICE, MAX_VOLUME
from akash_mcp.sdl.rules.price_lists import TODAY
from akash_mcp.sdl.yaml.loader import Path

TOO_HIGH = 10
"""A ceiling of more than ten times what even an expensive provider asks is a mistake, not room for bids."""
WORTH_WARNING = Usd(1_000)
"""Dollars a month and replica below which a high ceiling is not worth a warning: the 1,000 uact of templates is 431."""
TOO_LOW = Decimal("0.25")
"""Below this share of what providers ask by default, none is known to bid."""
TOO_LOW_FOR_GPU = Decimal("0.5")
"""The same for a GPU, which makes up most of a price and is listed at what it is let for from."""


def ceiling(all_orders: Sequence[Order]) -> tuple[Usd, Usd] | None:
    """The most that all replicas may cost together, an hour and a month; None where the chain refuses a price."""
    units = [unit for order in all_orders for unit in order.units]
    if any(Decimal(unit.amount) > MAX_PRICE or unit.count > MAX_COUNT for unit in units):
        return None
    total = sum((Decimal(unit.amount) * unit.count for unit in units), Decimal(0))
    return usd_per_hour(total), usd_per_month(total)


def check_ceiling(all_orders: Sequence[Order]) -> Iterator[Fault]:
    """Warns (D11) of prices out of proportion to what is ordered, each per replica."""
    for order in all_orders:
        for unit in order.units:
            if not _is_orderable(unit):
                continue
            path = ("profiles", "placement", order.placement.name, "pricing", unit.profile, "amount")
            rests_on: tuple[Path, ...] = (
                ("profiles", "compute", unit.profile, "resources"),
                *(("services", service.name, "expose") for service in unit.services),
            )
            for message, fix in _out_of_proportion(unit, usd_per_month(unit.amount)):
                yield Fault("D11", path, message, fix, "market", rests_on=rests_on)


@dataclass(frozen=True, slots=True)
class _GpuPrice:
    """What `count` GPUs of one replica are listed at a month, from the cheapest to the dearest that is asked for.

    `model`: which the cheapest is. Empty where a model that is asked for is not listed, or none is named: the prices
    are then those of the cheapest and of the dearest of all.
    """

    count: int
    lowest: Usd
    highest: Usd
    model: str = ""

    def __str__(self) -> str:
        if self.model:
            return f"one {self.model} alone was listed from {self.lowest} ({known_gpus.LISTED_ON})"
        return f"the cheapest GPU of any kind was listed at {self.lowest} ({known_gpus.LISTED_ON})"


def _out_of_proportion(unit: Unit, most: Usd) -> Iterator[tuple[str, str]]:
    """What is out of proportion where a replica may cost so much a month, and what to write."""
    size, gpu, alone = _size_price(unit), _gpu_price(unit), _priced_alone(unit)
    from_, to = size + gpu.lowest * gpu.count, size + gpu.highest * gpu.count
    for_alone = sum((price for _, price in alone), Usd(0))
    if not most:
        yield "no provider bids on a price of 0", "write a higher amount"
    elif most > WORTH_WARNING and most > to * TOO_HIGH:
        message = f"a replica may cost up to {most} a month; providers ask about {to} for its size"
        yield message, f"write amount: {_amount(to * 2)} or less"
    elif most < max(size * TOO_LOW + gpu.lowest * gpu.count * TOO_LOW_FOR_GPU, for_alone):
        beside = f": {gpu}" if gpu.count else ""
        if most < for_alone:
            what, each = " and ".join(name for name, _ in alone), "costs" if len(alone) == 1 else "cost"
            beside = f": {what} alone {each} about {for_alone} of that by their default price list"
        message = f"a replica may cost only {most} a month; providers ask about {from_} for its size{beside}"
        yield message, f"write amount: {_amount(from_ * 2)}"


def _is_orderable(unit: Unit) -> bool:
    """Whether the chain takes it: nobody needs the market price of what is refused anyway."""
    resources = unit.resources
    return (
        Decimal(unit.amount) <= MAX_PRICE
        and rounded_up(resources.cpu) <= MAX_CPU
        and rounded_up(resources.memory) <= MAX_MEMORY
        and rounded_up(resources.gpu) <= MAX_GPU
        and all(rounded_up(volume.size) <= MAX_VOLUME for volume in resources.storage)
    )


def _size_price(unit: Unit) -> Usd:
    """What providers ask for one replica without its GPUs, in dollars a month."""
    resources = unit.resources
    return TODAY.month(
        millicores=rounded_up(resources.cpu),
        memory=rounded_up(resources.memory),
        volumes=[(_kind(volume), rounded_up(volume.size)) for volume in resources.storage],
        endpoints=len(resources.endpoints),
        ips=_leased_ips(unit),
    )


def _priced_alone(unit: Unit) -> list[tuple[str, Usd]]:
    """What has a price of its own however small the rest is, which nobody gives away: leased IPs and lasting disks."""
    alone = []
    if ips := _leased_ips(unit):
        name = "a leased IP" if ips == 1 else f"{ips} leased IPs"
        alone.append((name, TODAY.month(millicores=0, memory=0, volumes=(), ips=ips)))
    for volume in unit.resources.storage:
        size = rounded_up(volume.size)
        if _kind(volume) in TODAY.volume_gb and _kind(volume) != "ram" and size:
            price = TODAY.month(millicores=0, memory=0, volumes=[(_kind(volume), size)])
            alone.append((f'the disk "{volume.name[:60]}"', price))
    return alone


def _leased_ips(unit: Unit) -> int:
    return sum(endpoint.kind == LEASED_IP for endpoint in unit.resources.endpoints)


def _kind(volume: StorageOrder) -> str:
    return next((each.value for each in volume.attributes if each.key == "class"), "")


def _gpu_price(unit: Unit) -> _GpuPrice:
    count = max(rounded_up(unit.resources.gpu), 0)
    models = [attribute.key.split("/")[3] for attribute in unit.resources.gpu_attributes]
    listed = {model: price for model in models if (price := known_gpus.usd_an_hour(model))}
    # One that is not listed may cost as little or as much as any.
    if not models or len(listed) < len(set(models)):
        return _GpuPrice(count, known_gpus.CHEAPEST * HOURS_PER_MONTH, known_gpus.DEAREST * HOURS_PER_MONTH)
    model = min(listed, key=lambda each: listed[each][0])
    highest = max(high for _, high in listed.values())
    return _GpuPrice(count, listed[model][0] * HOURS_PER_MONTH, highest * HOURS_PER_MONTH, model)


def _amount(per_month: Usd) -> int:
    """The uact per block that come to so many dollars a month, at least 1."""
    return max(1, int(per_month.amount / usd_per_month(1).amount))
