"""What a group was let for lately: GPUs by the bids of the last month, as the Console tells them. Of the rest no prices
are known.

The lowest rate counts the GPUs alone, so that no ceiling is called too low that is not. The highest adds what providers
ask by default for the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

from akash_mcp.clients.console.market_models import GpuModel, GpuPrice
from akash_mcp.market.matching import PriceRange, gpu_keys, is_form, is_model, value_of
from akash_mcp.money import HOURS_PER_MONTH, ZERO, Usd
from akash_mcp.sdl import GroupSpec, ResourceUnit
from akash_mcp.sdl.output.orders import LEASED_IP
from akash_mcp.sdl.rules.ceiling import list_price


def recent_prices(known: Sequence[GpuPrice]) -> PriceRange:
    """The range of a group in dollars an hour, from `known` prices of GPUs; None for one without a GPU or a price."""

    def price_range(group: GroupSpec) -> tuple[Usd, Usd] | None:
        low = high = ZERO
        for unit in group.resources:
            if unit.gpu:
                each = _gpu_range(unit, known)
                if each is None:
                    return None
                low += each[0] * unit.gpu * unit.count
                high += each[1] * unit.gpu * unit.count
            high += _rest(unit) * unit.count
        return (low, high) if low else None

    return price_range


def _gpu_range(unit: ResourceUnit, known: Sequence[GpuPrice]) -> tuple[Usd, Usd] | None:
    """What one GPU that will do costs an hour. None where there is one that will do without a price."""
    asked = gpu_keys(unit)
    fitting = [
        price
        for price in known
        if not asked
        or any(is_model(gpu, each) and is_form(gpu, each) for gpu in (_kind(price),) for each in asked)
    ]
    bounds = [
        (price.price.min, price.price.max)
        for price in fitting
        if price.price and price.price.min and price.price.max and price.price.min > 0
    ]
    if not bounds or len(bounds) < len(fitting):
        return None
    return Usd(min(low for low, _ in bounds)), Usd(max(high for _, high in bounds))


def _kind(price: GpuPrice) -> GpuModel:
    return GpuModel(vendor=price.vendor, model=price.model, ram=price.ram, interface=price.interface)


def _rest(unit: ResourceUnit) -> Usd:
    """What providers ask by default for a replica without its GPUs, an hour."""
    month = list_price(
        millicores=unit.cpu,
        memory=unit.memory,
        volumes=[(value_of(volume, "class"), volume.size) for volume in unit.storage],
        endpoints=len(unit.endpoints),
        ips=sum(endpoint.kind == LEASED_IP for endpoint in unit.endpoints),
    )
    return Usd(month.amount / HOURS_PER_MONTH)
