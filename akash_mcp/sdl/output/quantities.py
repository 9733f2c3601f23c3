"""Sizes, cores and prices as Console computes them: in IEEE doubles, and written as JavaScript writes numbers.

A result is text, because that is what goes on chain; `1.0737418239998926e+22` is possible, and refused there.
Source: akash-network/chain-sdk ts/src/sdl/sizes.ts.
"""

from __future__ import annotations

import math
import re
from decimal import ROUND_CEILING, Decimal

from akash_mcp.sdl.yaml.javascript import number_text, parse_float, parse_int

_SIZE = re.compile(r"([0-9.]+)([a-z])([a-z]*)", re.ASCII)
_CORES = re.compile(r"([0-9.]+)([a-z]*)", re.ASCII)
_PREFIXES = "kmgtpe"


class BadSize(ValueError):
    """Text that is not a size or an amount of CPU. Its only argument is that text."""


def size_bytes(size: str) -> str:
    """The bytes in `512Mi`, `1.5Gi`, `4GB`. Raises `BadSize`, also for a number without a unit.

    Only a suffix that ends in a single `i` counts by 1024: `GiB` is 10^9.
    """
    match = _SIZE.fullmatch(size.lower())
    if match is None:
        raise BadSize(size)
    base = 1024.0 if match[3] == "i" else 1000.0
    factor = base ** (_PREFIXES.index(match[2]) + 1) if match[2] in _PREFIXES else 1.0
    return number_text(_ceil(parse_float(match[1]) * factor))


def millicores(units: float | str) -> str:
    """The millicores in a number of cores, or in text such as `500m`. Raises `BadSize`."""
    if isinstance(units, int | float):
        return number_text(units * 1000.0)
    match = _CORES.fullmatch(units.lower())
    if match is None:
        raise BadSize(units)
    return number_text(parse_float(match[1]) * (1.0 if match[2] == "m" else 1000.0))


def gpu_units(units: float | str | None) -> str:
    """The number of GPUs. Text counts as far as it begins with digits."""
    if units is None:
        return "0"
    return number_text(parse_int(units) if isinstance(units, str) else units)


def amount_text(amount: float | str) -> str:
    """A price's amount as Console sends it: text stays as written."""
    return amount if isinstance(amount, str) else number_text(amount)


def is_whole(quantity: str) -> bool:
    """Whether the chain can read a quantity: digits and nothing else."""
    return quantity.isascii() and quantity.isdigit()


def rounded_up(quantity: str) -> int:
    """A quantity as a whole number: a fraction is rounded up, and what is not a number counts as 0."""
    number = Decimal(quantity)
    return int(number.to_integral_value(ROUND_CEILING)) if number.is_finite() else 0


def _ceil(number: float) -> float:
    return float(math.ceil(number)) if math.isfinite(number) else number
