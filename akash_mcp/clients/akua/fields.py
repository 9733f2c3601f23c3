"""The fields of Akua's records, each read by itself: what is missing or makes no sense is None.

So nothing that stands in one field keeps anyone from reading the others, and nothing missing is taken for a value.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, WrapValidator

from akash_mcp.clients.api_model import RecordsOf, believable, iso_moment, or_none

T = TypeVar("T")

MILLISECONDS_FROM = 10**11
"""A larger number of a time is in milliseconds: so many seconds are more than three thousand years."""


def text(value: object) -> str | None:
    """Text, or a whole number as text; None for anything else and for nothing."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if believable(value) is not None else None
    if not isinstance(value, str) or not value.strip():
        return None
    # Half of a surrogate pair is valid in JSON, and can be written nowhere.
    return value.encode("utf-8", "replace").decode("utf-8")


def moment(value: object) -> float | None:
    """A time as seconds since the epoch, from seconds, milliseconds or an ISO text with its zone; else None."""
    named = iso_moment(value) if isinstance(value, str) else None
    if named is not None:
        return named.timestamp()
    number = believable(value)
    if number is None or number < 0:
        return None
    seconds = number / 1000 if number > MILLISECONDS_FROM else number
    return float(seconds) if seconds <= MILLISECONDS_FROM else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _object(value: object) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None


def _reason(value: object) -> dict[str, Any] | None:
    return {"message": value} if isinstance(value, str) else _object(value)


def _count(value: object) -> int | None:
    number = believable(value)
    return int(number) if number is not None and number == number.to_integral_value() else None


Text = Annotated[str | None, BeforeValidator(text)]
Id = Annotated[str, BeforeValidator(text)]
"""What names a record. One without it cannot be read."""
Flag = Annotated[bool | None, BeforeValidator(_flag)]
Moment = Annotated[float | None, BeforeValidator(moment)]
"""Seconds since the epoch."""
Object = Annotated[dict[str, Any] | None, BeforeValidator(_object)]
"""JSON that is read by hand, because its shape depends on what it says it is."""
Count = Annotated[int | None, BeforeValidator(_count)]
Amount = Annotated[Decimal | None, BeforeValidator(believable)]
Reason = Annotated[dict[str, Any] | None, BeforeValidator(_reason)]
"""What went wrong: an object with a `message`, or only that message."""
OneOf = Annotated[T | None, WrapValidator(or_none)]
"""A record within a record."""
ManyOf = Annotated[RecordsOf[T] | None, WrapValidator(or_none)]
"""Records within a record, without those that cannot be read."""
