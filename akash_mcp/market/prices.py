"""What something was let for: the range of prices an hour that a group can expect, from what is public.

A GPU: what providers bid for one in the last 31 days, as the Console sums it up (`GET /v1/gpu-prices`). The rest: from
today's default price list of providers' software to an earlier one (`sdl/rules/price_lists`). Each provider sets its
own prices, so a bid can be lower or higher. What has no known price has no range: it is never taken for free.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from akash_mcp.clients.console.market_models import GpuPrice
from akash_mcp.money import ZERO, NotMoney, Usd, an_hour_of
from akash_mcp.sanitize.text import field
from akash_mcp.sdl.output.groups import Attribute, GroupSpec, ResourceUnit
from akash_mcp.sdl.output.orders import LEASED_IP
from akash_mcp.sdl.rules.price_lists import EARLIER, TODAY, PriceList

ANY_GPU = "any GPU"

_VENDOR, _ANY = "vendor", "*"
_LONGEST_NAME = 48
_ROUNDED_AWAY = Usd("0.005")
"""The Console rounds each bid for a GPU to the nearest cent an hour: it may have been so much more."""


@dataclass(frozen=True, slots=True)
class PriceRange:
    """US dollars an hour, `low` never above `high`."""

    low: Usd
    high: Usd

    def __add__(self, other: PriceRange) -> PriceRange:
        return PriceRange(self.low + other.low, self.high + other.high)

    def __mul__(self, times: int) -> PriceRange:
        return PriceRange(self.low * times, self.high * times)

    @classmethod
    def around(cls, ranges: Iterable[PriceRange]) -> PriceRange | None:
        """From the lowest to the highest of them; None where there are none."""
        some = list(ranges)
        return cls(min(each.low for each in some), max(each.high for each in some)) if some else None


_NOTHING = PriceRange(ZERO, ZERO)


def group_range(group: GroupSpec, prices: Sequence[GpuPrice]) -> PriceRange | None:
    """What all replicas of a group were let for together, an hour; None where a GPU or a disk in it has no known price.

    Of alternative GPUs, those without a price are left out: `unpriced` names them.
    """
    total = _NOTHING
    for unit in group.resources:
        gpus = _gpus(unit, prices)
        if gpus is None or any(_class(volume.attributes) not in _CLASSES for volume in unit.storage):
            return None
        rest = PriceRange(an_hour_of(_month(TODAY, unit)), an_hour_of(_month(EARLIER, unit)))
        total += (rest + gpus) * unit.count
    return total


def bid_range(group: GroupSpec, prices: Sequence[GpuPrice]) -> PriceRange | None:
    """What is certain to have been bid for a group, an hour: `low` counts its GPUs alone, so that no ceiling is called
    too low by a price list. None for one without a GPU, or where any GPU that will do has no known price.
    """
    whole = group_range(group, prices)
    if whole is None or unpriced(group, prices):
        return None
    low = ZERO
    for unit in group.resources:
        if unit.gpu and (one := gpu_range(unit.gpu_attributes, prices)):
            low += one.low * unit.gpu * unit.count
    return PriceRange(low, whole.high) if low else None


def _gpus(unit: ResourceUnit, prices: Sequence[GpuPrice]) -> PriceRange | None:
    if not unit.gpu:
        return _NOTHING
    one = gpu_range(unit.gpu_attributes, prices)
    return one and PriceRange(one.low, one.high + _ROUNDED_AWAY) * unit.gpu


def gpu_range(attributes: Sequence[Attribute], prices: Sequence[GpuPrice]) -> PriceRange | None:
    """What one GPU was bid for an hour; None where no kind that the attributes allow has a known price.

    `attributes` are those of a resource unit, such as `vendor/nvidia/model/h100/ram/80Gi`: alternatives, and none of
    them is any GPU.
    """
    kinds = _kinds(attributes)
    return PriceRange.around(
        found for price in prices if any(kind.allows(price) for kind in kinds) and (found := price_of(price))
    )


def unpriced(group: GroupSpec, prices: Sequence[GpuPrice]) -> tuple[str, ...]:
    """What in a group has no known price, in a few clean words each: `h100 40Gi`, `any GPU`, `storage class nvme`."""
    found: dict[str, None] = {}
    for unit in group.resources:
        for kind in _kinds(unit.gpu_attributes) if unit.gpu else ():
            if not any(kind.allows(price) and price_of(price) for price in prices):
                found[str(kind)] = None
        for volume in unit.storage:
            if (name := _class(volume.attributes)) not in _CLASSES:
                found[f"storage class {field(name, _LONGEST_NAME)}"] = None
    return tuple(found)


def price_of(gpu: GpuPrice) -> PriceRange | None:
    """What one GPU of a kind was bid for an hour; None where nobody bid, or where that is not a price in dollars.

    A bid of less than half a cent reads as 0, since the Console rounds to cents: that is not known either.
    """
    price = gpu.price
    if price is None or price.currency != "USD" or price.min is None or price.max is None:
        return None
    try:
        low, high = Usd.parse(price.min), Usd.parse(price.max)
    except NotMoney:
        return None
    return PriceRange(low, high) if low and low <= high else None


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of GPU that an SDL asks for, in lower case; an empty part is any."""

    vendor: str = ""
    model: str = ""
    ram: str = ""
    interface: str = ""

    def allows(self, gpu: GpuPrice) -> bool:
        return (
            self.vendor in ("", gpu.vendor.lower())
            and self.model in ("", gpu.model.lower())
            and self.ram in ("", gpu.ram.lower())
            # Providers say sxm5 where tenants say sxm, as the Console reads both.
            and (self.interface in ("", gpu.interface.lower()) or self._is_sxm(gpu))
        )

    def _is_sxm(self, gpu: GpuPrice) -> bool:
        return self.interface == "sxm" and gpu.interface.lower().startswith("sxm")

    def __str__(self) -> str:
        if not self.model:
            return f"any {field(self.vendor, _LONGEST_NAME)} GPU" if self.vendor else ANY_GPU
        parts = (self.model, self.ram, self.interface)
        return field(" ".join(part for part in parts if part), _LONGEST_NAME)


def _kinds(attributes: Sequence[Attribute]) -> tuple[_Kind, ...]:
    """The alternatives that attributes name. None is any GPU, which is what a provider makes of an order without."""
    return tuple(_named(attributes)) or (_Kind(),)


def _named(attributes: Iterable[Attribute]) -> Iterator[_Kind]:
    for attribute in attributes:
        steps = attribute.key.lower().split("/")
        told = dict(zip(steps[::2], steps[1::2], strict=False))
        if _VENDOR in told:
            model = told.get("model", _ANY)
            yield _Kind(
                told[_VENDOR], "" if model == _ANY else model, told.get("ram", ""), told.get("interface", "")
            )


_CLASSES = frozenset(("", *TODAY.volume_gb))


def _class(attributes: Iterable[Attribute]) -> str:
    """A volume's storage class; empty for the disk that goes with its container."""
    return next((each.value for each in attributes if each.key == "class"), "")


def _month(prices: PriceList, unit: ResourceUnit) -> Usd:
    return prices.month(
        millicores=unit.cpu,
        memory=unit.memory,
        volumes=[(_class(volume.attributes), volume.size) for volume in unit.storage],
        endpoints=len(unit.endpoints),
        ips=sum(endpoint.kind == LEASED_IP for endpoint in unit.endpoints),
    )
