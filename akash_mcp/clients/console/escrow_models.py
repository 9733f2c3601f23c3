"""The money behind a deployment, as the chain keeps it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from akash_mcp.clients.api_model import UACT, ApiModel, Coin, ListOf, Whole


class EscrowDeposit(ApiModel):
    """Money put behind a deployment."""

    source: str = ""
    height: Whole = 0
    balance: Coin = Coin()


class EscrowState(ApiModel):
    """The account behind a deployment.

    Funds drop only when it is settled; rent accrues unseen since `settled_at`.
    """

    state: str = ""
    funds: ListOf[Coin] = Field(default_factory=list)
    transferred: ListOf[Coin] = Field(default_factory=list)
    deposits: ListOf[EscrowDeposit] = Field(default_factory=list)
    settled_at: Whole = 0


class EscrowAccount(ApiModel):
    """The wrapper around `EscrowState`."""

    state: EscrowState = EscrowState()


def _or_unknown(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    try:
        return handler(value)
    except ValidationError:
        unknown = [Coin(denom=UACT)]
        return EscrowAccount(state=EscrowState(funds=unknown, transferred=unknown))


Escrow = Annotated[EscrowAccount, WrapValidator(_or_unknown)]
"""An account that, where it cannot be read, holds and paid an unknown amount: whoever closes must see the rest."""
