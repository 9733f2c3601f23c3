"""What every record from a wire is made of.

Reading is lenient: unknown keys are ignored, null and "" are the same as absent, and numbers may be text.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidatorFunctionWrapHandler,
    model_validator,
)
from pydantic.alias_generators import to_camel

from akash_mcp.ids import Dseq, parse_dseq

T = TypeVar("T")

UACT = "uact"


def _dseq(value: object) -> Dseq:
    return parse_dseq(str(value))


def _listed(value: object) -> object:
    """A list from the wire, where null means empty."""
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


DseqField = Annotated[Dseq, BeforeValidator(_dseq)]
ListOf = Annotated[list[T], BeforeValidator(_listed)]
MapOf = Annotated[dict[str, T], BeforeValidator(_without_nulls)]


class ApiModel(BaseModel):
    """The base of everything read from a wire."""

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
    """An amount of one denomination, in its micro unit."""

    denom: str = ""
    amount: Decimal = Decimal(0)


def uact(coins: Iterable[Coin]) -> Decimal:
    """The uact among the coins. Another denomination is never counted as dollars."""
    return sum((coin.amount for coin in coins if coin.denom == UACT), Decimal(0))
