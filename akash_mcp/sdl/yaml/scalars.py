"""What an unquoted YAML scalar means, as js-yaml 4.2 resolves it: YAML 1.2 core, binary numbers and dates.

Unlike YAML 1.1 there are no `yes` and `on`, no sexagesimal numbers, and no underscores within numbers.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta

from akash_mcp.sdl.yaml.javascript import Date, Value

_WORDS: dict[str, bool | None] = dict.fromkeys(("", "~", "null", "Null", "NULL"))
_WORDS |= dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(("false", "False", "FALSE"), False)
_INTEGER = re.compile(r"[-+]?(?:0b[01]+|0o[0-7]+|0x[0-9a-fA-F]+|[0-9]+)")
_FLOAT = re.compile(r"[-+]?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9]+(?:[eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"([-+]?)\.(inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[Tt]|[ \t]+)([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]*))?"
    r"(?:[ \t]*(?:Z|([-+])([0-9]{1,2})(?::([0-9]{2}))?))?"
)


def resolve(plain: str) -> Value:
    """The value of an unquoted scalar: `80` is a number, `on` and `8_0` are text, `2024-01-01` is a date."""
    if plain in _WORDS:
        return _WORDS[plain]
    if plain[0] not in "0123456789+-.":
        return plain
    if _INTEGER.fullmatch(plain):
        return _number(_integer(plain), plain)
    if _FLOAT.fullmatch(plain):
        return _number(float(plain), plain)
    if special := _SPECIAL.fullmatch(plain):
        return float(f"{special[1]}inf") if special[2] else float("nan")
    if moment := _DAY.fullmatch(plain) or _MOMENT.fullmatch(plain):
        return _date(*moment.groups())
    return plain


def _integer(plain: str) -> float:
    digits = plain.lstrip("+-")
    base = {"0b": 2, "0o": 8, "0x": 16}.get(digits[:2])
    # float() of decimal text: int() refuses more than 4,300 digits
    magnitude = float(digits) if base is None else _power_of_two_base(digits[2:], base)
    return -magnitude if plain[0] == "-" else magnitude


def _power_of_two_base(digits: str, base: int) -> float:
    significant = digits.lstrip("0") or "0"
    return float(int(significant, base)) if len(significant) <= 128 else float("inf")


def _number(number: float, plain: str) -> int | float | str:
    """The number, or the text itself where a double has no room for it."""
    if not math.isfinite(number):
        return plain
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _date(*parts: str | None) -> Date:
    """The text of a JavaScript `Date` on a server that runs in UTC. Months and days beyond their range roll over."""
    year, month, day, hour, minute, second = (
        int(part or 0) for part in (*parts[:6], *("0",) * (6 - len(parts[:6])))
    )
    sign, zone_hour, zone_minute = parts[7:10] if len(parts) > 7 else (None, None, None)
    offset = timedelta(hours=int(zone_hour or 0), minutes=int(zone_minute or 0)) * (-1 if sign == "-" else 1)
    try:
        start = datetime(year + (month - 1) // 12, (month - 1) % 12 + 1, 1, tzinfo=UTC)
        at = start + timedelta(days=day - 1, hours=hour, minutes=minute, seconds=second) - offset
    except (ValueError, OverflowError):  # year 0, or past 9999
        return Date("Invalid Date")
    return Date(
        f"{_WEEKDAYS[at.weekday()]} {_MONTHS[at.month - 1]} {at.day:02d} {at.year:04d} "
        f"{at:%H:%M:%S} GMT+0000 (Coordinated Universal Time)"
    )
