"""The arguments that many tools share, each with its schema and the check that stands behind it."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from akash_mcp.ids import Dseq, parse_dseq, parse_provider
from akash_mcp.ids import ProviderAddress as Address
from akash_mcp.money import NotMoney, Usd


def _usd(value: Any) -> Usd:
    if isinstance(value, Usd):
        return value
    # JSON has one kind of number and Python reads it as a float; its shortest text is what was written.
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise NotMoney("expected an amount in US dollars")
    amount = Usd.parse(str(value) if isinstance(value, float) else value)
    if not amount:
        raise NotMoney("must be more than 0 USD")
    return amount


def _dseq(value: Any) -> Dseq:
    return parse_dseq(str(value))


def _provider(value: Any) -> Address:
    return parse_provider(str(value).strip())


UsdArg = Annotated[Usd, BeforeValidator(_usd), WithJsonSchema({"type": "number", "exclusiveMinimum": 0})]
DseqArg = Annotated[
    Dseq,
    BeforeValidator(_dseq),
    WithJsonSchema({"type": "string", "description": "The deployment, such as 1763759482113"}),
]
ProviderArg = Annotated[Address, BeforeValidator(_provider), WithJsonSchema({"type": "string"})]
SdlArg = Annotated[str, Field(description="The SDL's YAML text", max_length=512 * 1024)]
NameArg = Annotated[str | None, Field(description="What to call it", max_length=200)]
ApprovalToken = Annotated[
    str | None, Field(description="From a confirmation_required answer, once the user agreed", max_length=64)
]

_TEXT = WithJsonSchema({"type": "string"})
UsdOut = Annotated[Usd, PlainSerializer(lambda usd: usd.plain(), return_type=str), _TEXT]
"""What something costs, in US dollars, as a decimal text that is rounded up: `"0.0124"`."""
UsdLeft = Annotated[Usd, PlainSerializer(lambda usd: usd.plain(ROUND_DOWN), return_type=str), _TEXT]
"""What is left, came back or may be spent, rounded down."""
UsdRate = Annotated[Usd, PlainSerializer(lambda usd: usd.precise(), return_type=str), _TEXT]
"""US dollars an hour, rounded up, with the digits that tell offers apart: `"0.0123457"`."""
