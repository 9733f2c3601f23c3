"""The base of every record that an API answers with.

Reading is lenient: unknown keys are ignored, null and "" count as absent, and numbers may be text. A number that
nobody can mean, such as `1e999999999`, `NaN` or one of a million digits, counts as absent too: it is what its field is
without it, and that is None where it must not be taken for zero.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticUseDefault, SchemaError

from akash_mcp.ids import Dseq, parse_dseq

log = logging.getLogger(__name__)

T = TypeVar("T")

UACT = "uact"

LONGEST_NUMBER = 64
"""Characters of a number. The chain writes 18 decimals."""
LARGEST = Decimal(10**20)
SMALLEST = Decimal(1).scaleb(-20)
"""What a price, an amount, a height or a size can be, but for 0 and its sign: all the dollars there are, in uact, are
10^20 of them."""


UNBELIEVABLE = Decimal("NaN")
"""What stands for such a number where JSON is read."""


def believable(value: object, largest: Decimal = LARGEST) -> Decimal | None:
    """The number that a value is or writes, of at most `largest`; None for one that nobody can mean.

    Nothing is done with a number before its size is known: `1e999999999` is short to write and endless to print, and
    Python refuses to read, or to write, whole numbers of more than 4,300 digits.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Decimal(value) if abs(value) <= largest else None
    if isinstance(value, float):
        value = repr(value)
    if isinstance(value, str):
        text = value.strip()
        if len(text) > LONGEST_NUMBER or not text.isascii():
            return None
        try:
            value = Decimal(text)
        except InvalidOperation:
            return None
    if not isinstance(value, Decimal) or not value.is_finite():
        return None
    return value if not value or SMALLEST <= value.copy_abs() <= largest else None


def read_json(text: str | bytes) -> Any:
    """JSON, whose numbers with a fraction are `Decimal` and never floats; what nobody can mean is `UNBELIEVABLE`.

    Raises `ValueError` for what is not JSON, and `RecursionError` for what is nested too deeply.
    """
    return json.loads(
        text,
        parse_int=lambda digits: int(digits) if len(digits) <= LONGEST_NUMBER else UNBELIEVABLE,
        parse_float=lambda digits: UNBELIEVABLE if (number := believable(digits)) is None else number,
        parse_constant=lambda _: UNBELIEVABLE,
    )


def iso_moment(text: str | None) -> datetime | None:
    """The moment that an ISO time with its zone names, in UTC; None for any other text: without a zone it is many."""
    try:
        named = datetime.fromisoformat(text) if text else None
        return named.astimezone(UTC) if named and named.tzinfo else None
    except (ValueError, OverflowError):  # the latter: `0001-01-01` east of Greenwich
        return None


def _number(value: object) -> Decimal:
    number = believable(value)
    if number is None:
        raise PydanticUseDefault
    return number


def _whole(value: object) -> int:
    number = _number(value)
    if number != number.to_integral_value():
        raise PydanticUseDefault
    return int(number)


def _dseq(value: object) -> Dseq:
    return parse_dseq(str(value))


def _listed(value: object) -> object:
    """A list, where null means empty."""
    return [] if value is None else value


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {key: item for key, item in value.items() if item is not None}
    return {} if value is None else value


def or_none(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    """The value, or None where it makes no sense.

    For what is passed on unread, such as a provider's status: whatever stands there must not keep anyone from reading,
    and so from closing, the deployment.
    """
    try:
        return handler(value)
    except ValidationError:
        return None


_SKIPPED = object()


def _or_skipped(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    try:
        return handler(value)
    except (ValidationError, SchemaError):  # the latter: a number that is an entry itself has no default
        return _SKIPPED


def _without_skipped(records: list[T]) -> list[T]:
    read = [record for record in records if record is not _SKIPPED]
    if len(read) < len(records):
        log.warning(
            "%d of %d records cannot be read, and are left out", len(records) - len(read), len(records)
        )
    return read


def _entries_without_skipped(records: dict[str, T]) -> dict[str, T]:
    read = {key: record for key, record in records.items() if record is not _SKIPPED}
    if len(read) < len(records):
        log.warning(
            "%d of %d entries cannot be read, and are left out", len(records) - len(read), len(records)
        )
    return read


Number = Annotated[Decimal, BeforeValidator(_number)]
"""A believable number. Otherwise its field's default: `Number | None = None` where unknown must not be taken for 0."""
Whole = Annotated[int, BeforeValidator(_whole)]
"""A believable whole number, else its field's default."""
DseqField = Annotated[Dseq, BeforeValidator(_dseq)]
ListOf = Annotated[list[T], BeforeValidator(_listed)]
"""A list that is read whole or not at all: what costs money stands in it."""
RecordsOf = Annotated[
    list[Annotated[T, WrapValidator(_or_skipped)]], BeforeValidator(_listed), AfterValidator(_without_skipped)
]
"""A list of what costs nothing: a record that cannot be read is left out, and how many were is logged."""
MapOf = Annotated[
    dict[str, Annotated[T, WrapValidator(_or_skipped)]],
    BeforeValidator(_without_nulls),
    AfterValidator(_entries_without_skipped),
]
"""Names and what stands behind them, likewise."""


class ApiModel(BaseModel):
    """A record with snake_case keys."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_absent(cls, value: object) -> object:
        if isinstance(value, dict):
            return {key: item for key, item in value.items() if item is not None and item != ""}
        return value


class CamelApiModel(ApiModel):
    """A record whose keys are camelCase."""

    model_config = ConfigDict(alias_generator=to_camel)


class Coin(ApiModel):
    """An amount of one denomination, in its micro unit; None where it cannot be read."""

    denom: str = ""
    amount: Number | None = None


def uact(coins: Iterable[Coin]) -> Decimal | None:
    """The uact among the coins; None where one of them cannot be read. Other denominations are not counted."""
    amounts = [coin.amount for coin in coins if coin.denom == UACT]
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if len(known) == len(amounts) else None
