"""What the chain says of orders that Console has taken and signed: the first thing that it refuses in them.

A quantity that is not a whole number does not even decode. Limits are per replica, and per placement for the totals.
Source: akash-network/chain-sdk go/node/deployment (ValidateDeploymentGroups), go/node/types/attributes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from akash_mcp.sdl import Attribute
from akash_mcp.sdl.output.orders import Order, Resources, Unit
from akash_mcp.sdl.output.quantities import is_whole, rounded_up

_MIB, _TIB = 2**20, 2**40
_MIN_CPU, _MAX_CPU = 10, 384_000
_MAX_GPU = 24
_MAX_MEMORY = 2 * _TIB
_MIN_VOLUME, _MAX_VOLUME = 5 * _MIB, 32 * _TIB
_MAX_PRICE = 10_000_000
_MAX_COUNT = 2**32 - 1
_TOTALS = (("CPU", "cpu", 19_200_000), ("GPU", "gpu", 1_200), ("memory", "memory", 100 * _TIB))
_ATTRIBUTE_KEY = re.compile(r"[a-zA-Z][\w/.\-]{1,126}[\w*]?", re.ASCII)
_AMOUNT = re.compile(r"[0-9]+(\.[0-9]{1,18})?")


def chain_refusal(all_orders: Sequence[Order]) -> str | None:
    """The chain's words, or None where it takes the orders."""
    if not all_orders:
        return "Invalid groups"
    return next((said for order in all_orders for said in _group(order)), None)


def _group(order: Order) -> Iterator[str]:
    if not order.placement.name:
        yield "empty group spec name denomination"
    for unit in order.units:
        yield from _resources(unit.resources)
        yield from _price(unit)
        if unit.count > _MAX_COUNT:
            yield f"the count {unit.count} does not fit 32 bits"
    for of, field, most in _TOTALS:
        total = sum(rounded_up(getattr(unit.resources, field)) * unit.count for unit in order.units)
        if total > most:
            yield f"invalid total {of} ({most} > {total} > 0 fails)"


def _resources(resources: Resources) -> Iterator[str]:
    yield from _quantity("CPU", resources.cpu, _MIN_CPU, _MAX_CPU, shown=_MAX_CPU)
    yield from _attributes("CPU", resources.cpu_attributes)
    yield from _quantity("memory", resources.memory, _MIB, _MAX_MEMORY, shown=_MAX_MEMORY)
    if not resources.storage:
        yield "error: invalid unit storage, cannot be nil"
    for volume in resources.storage:
        yield from _quantity("storage", volume.size, _MIN_VOLUME, _MAX_VOLUME, shown=_MIN_VOLUME)
        yield from _attributes("storage", volume.attributes)
    yield from _quantity("GPU", resources.gpu, 0, _MAX_GPU, shown=_MAX_GPU)
    if rounded_up(resources.gpu) == 0 and resources.gpu_attributes:
        yield "error: invalid GPU state. attributes cannot be present if units == 0"
    yield from _attributes("GPU", resources.gpu_attributes)


def _quantity(of: str, quantity: str, least: int, most: int, *, shown: int) -> Iterator[str]:
    """`shown` is what the chain names as the lower limit: for most quantities it names the upper one twice."""
    if not is_whole(quantity):
        yield f'bad int "{quantity}"'
    elif not least <= int(quantity) <= most:
        yield f"error: invalid unit {of} ({most} > {quantity} > {shown} fails)"


def _attributes(of: str, attributes: Sequence[Attribute]) -> Iterator[str]:
    keys = [attribute.key for attribute in attributes]
    if not all(_ATTRIBUTE_KEY.fullmatch(key) for key in keys):
        yield f"error: invalid {of} attributes: attribute key does not match regexp"
    if len(set(keys)) < len(keys):
        yield f"error: invalid {of} attributes: attributes cannot have duplicate keys"


def _price(unit: Unit) -> Iterator[str]:
    if not _AMOUNT.fullmatch(unit.amount):
        yield f"failed to set decimal string with base 10: {unit.amount}"
    elif Decimal(unit.amount) > _MAX_PRICE:
        yield f"error: invalid unit price ({_MAX_PRICE} > {unit.amount}uact fails)"
