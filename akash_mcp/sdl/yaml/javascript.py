"""How JavaScript reads and writes values, because Console judges SDL in it and hashes what it writes.

Sources: ECMA-262 `Number::toString`, `parseFloat`, `String()`; CLDR root collation for `localeCompare`; js-yaml 4.2
for dates.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias, TypeGuard


@dataclass(frozen=True, slots=True)
class Date:
    """A YAML timestamp: JavaScript makes a `Date` of it, never a string. `text` is what `String()` says of it."""

    text: str


Value: TypeAlias = "bool | int | float | str | Date | list[Value] | dict[str, Value] | None"
"""A parsed YAML value. A whole number is an `int` when a double holds it exactly, else a `float`."""

_FLOAT = re.compile(r"\s*([+-]?(?:Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?))")
_INT = re.compile(r"\s*([+-]?[0-9]+)")


def is_number(value: Value) -> TypeGuard[int | float]:
    """Whether the Console's schema calls this a number: also an infinite one, and never a boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


BEYOND_ALL = 2**1024
"""A whole number above every double: what an infinite one becomes where only whole ones are kept."""


def whole_number(number: float) -> int:
    """The number that a schema called whole as an `int`; `BEYOND_ALL` for an infinite one."""
    return int(number) if math.isfinite(number) else BEYOND_ALL


def json_number(number: int) -> int | float | None:
    """What Python's `json` writes as `JSON.stringify` writes a whole number: an infinite one is `null`."""
    if number < 2**53:
        return number
    if number >= BEYOND_ALL:
        return None
    return int(number_text(number)) if number < 10**21 else float(number)


def number_text(number: float) -> str:
    """A number as JavaScript prints it: `0.5`, `1000`, and exponents below 1e-6 and from 1e21 on."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0:
        return "0"
    decimal = Decimal(repr(float(number))).normalize()
    exponent = decimal.adjusted()
    if -7 < exponent < 21:
        return f"{decimal:f}"
    sign, digits, _ = decimal.as_tuple()
    mantissa = str(digits[0]) + ("." + "".join(map(str, digits[1:])) if len(digits) > 1 else "")
    return f"{'-' if sign else ''}{mantissa}e{exponent:+d}"


def text(value: Value) -> str:
    """What `String(value)` gives: `true`, `null`, `1,2` for a list, `[object Object]` for a map."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return number_text(value)
        case str():
            return value
        case Date():
            return value.text
        case list():
            return ",".join("" if item is None else text(item) for item in value)
        case dict():
            return "[object Object]"


def parse_float(source: str) -> float:
    """The number that `source` begins with, NaN where it begins with none: `1.5.2` is 1.5."""
    match = _FLOAT.match(source)
    return float(match[1].replace("Infinity", "inf")) if match else math.nan


def parse_int(source: str) -> float:
    """The whole number that `source` begins with, NaN where it begins with none."""
    match = _INT.match(source)
    return float(Decimal(match[1])) if match else math.nan


_IN_ORDER = "\t\n\v\f\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz"
_RANKS = str.maketrans(
    {chr(code): None for code in range(128)} | {char: chr(rank) for rank, char in enumerate(_IN_ORDER)}
)

LocaleKey: TypeAlias = tuple[str, str, str]


def locale_key(name: str) -> LocaleKey:
    """A sorting key that orders names as `localeCompare` does: letters first, then accents, then small before capital.

    Exact for ASCII; other letters follow in the order of their code points.
    """
    letters, accents = name, ""
    if not name.isascii():
        decomposed = unicodedata.normalize("NFD", name)
        accents = "".join(filter(unicodedata.combining, decomposed))
        letters = "".join(char for char in decomposed if not unicodedata.combining(char))
    # swapped, because capitals come before small letters in ASCII
    return letters.lower().translate(_RANKS), accents, letters.swapcase()
