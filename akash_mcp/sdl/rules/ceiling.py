"""The most that an SDL may cost, and whether that is out of proportion.

A price in an SDL is a ceiling: providers bid at or below it. It is easily wrong by a factor of a thousand, because
Console keeps the number when it turns another denom into uact. The measure is what providers ask: the price list of
the provider's Helm chart (akash-network/helm-charts, akash-provider price script), in dollars a month.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from akash_mcp.money import Usd, usd_per_hour, usd_per_month
from akash_mcp.sdl.output.orders import LEASED_IP, Order, Unit
from akash_mcp.sdl.output.quantities import rounded_up
from akash_mcp.sdl.report import Fault
from akash_mcp.sdl.rules.chain_rules import MAX_COUNT, MAX_CPU, MAX_GPU, MAX_MEMORY, MAX_PRICE, MAX_VOLUME

_GB = 2**30
_CORE, _MEMORY_GB = Decimal("1.60"), Decimal("0.80")
_VOLUME_GB = {
    "beta1": Decimal("0.01"),
    "beta2": Decimal("0.03"),
    "beta3": Decimal("0.04"),
    "ram": Decimal("0.80"),
}
_EPHEMERAL_GB = Decimal("0.02")
_ENDPOINT, _LEASED_IP = Decimal("0.05"), Decimal("5.00")
_CHEAPEST_GPU, DEAREST_GPU = Decimal(50), Decimal(3_000)

TOO_HIGH = 10
"""A ceiling of more than ten times what even an expensive provider asks is a mistake, not room for bids."""
WORTH_WARNING = Usd(1_000)
"""Dollars a month and replica below which a high ceiling is not worth a warning: the 1,000 uact of templates is 431."""
TOO_LOW = Decimal("0.25")
"""Below this share of what providers ask by default, none is known to bid."""


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
            most = usd_per_month(unit.amount)
            if not most:
                yield Fault(
                    "D11", path, "no provider bids on a price of 0", "write a higher amount", "market"
                )
            elif most > WORTH_WARNING and most > _asked(unit, DEAREST_GPU) * TOO_HIGH:
                asked = _asked(unit, DEAREST_GPU)
                message = f"a replica may cost up to {most} a month; providers ask about {asked} for its size"
                fix = f"write amount: {_amount(asked * 2)} or less"
                yield Fault("D11", path, message, fix, "market")
            elif most < _asked(unit, _CHEAPEST_GPU) * TOO_LOW:
                asked = _asked(unit, _CHEAPEST_GPU)
                message = f"a replica may cost only {most} a month; providers ask about {asked} for its size"
                yield Fault("D11", path, message, f"write amount: {_amount(asked * 2)}", "market")


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


def _asked(unit: Unit, gpu: Decimal) -> Usd:
    """What providers ask for one replica, in dollars a month."""
    resources = unit.resources
    kinds = [{a.key: a.value for a in volume.attributes}.get("class", "") for volume in resources.storage]
    sizes = [rounded_up(volume.size) for volume in resources.storage]
    return list_price(
        millicores=rounded_up(resources.cpu),
        memory=rounded_up(resources.memory),
        volumes=zip(kinds, sizes, strict=True),
        gpus=max(rounded_up(resources.gpu), 0),
        gpu=gpu,
        endpoints=len(resources.endpoints),
        ips=sum(endpoint.kind == LEASED_IP for endpoint in resources.endpoints),
    )


def list_price(
    *,
    millicores: int,
    memory: int,
    volumes: Iterable[tuple[str, int]],
    gpus: int = 0,
    gpu: Decimal = DEAREST_GPU,
    endpoints: int = 0,
    ips: int = 0,
) -> Usd:
    """What providers ask for one replica by their default price list, in dollars a month.

    `memory` and the sizes of `volumes` (pairs of class and size) are in bytes, `gpu` is the price of one GPU a month.
    """
    stored = sum((_VOLUME_GB.get(kind, _EPHEMERAL_GB) * size / _GB for kind, size in volumes), Decimal(0))
    return Usd(
        _CORE * millicores / 1000
        + _MEMORY_GB * memory / _GB
        + stored
        + gpu * gpus
        + _ENDPOINT * endpoints
        + _LEASED_IP * ips
    )


def _amount(per_month: Usd) -> int:
    """The uact per block that come to so many dollars a month, at least 1."""
    return max(1, int(per_month.amount / usd_per_month(1).amount))
