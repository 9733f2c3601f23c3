"""The money behind a deployment, as the chain keeps it."""

from __future__ import annotations

from pydantic import Field

from akash_mcp.clients.api_model import ApiModel, Coin, ListOf


class EscrowDeposit(ApiModel):
    """Money put behind a deployment."""

    source: str = ""
    height: int = 0
    balance: Coin = Coin()


class EscrowState(ApiModel):
    """The account behind a deployment.

    Funds drop only when it is settled; rent accrues unseen since `settled_at`.
    """

    state: str = ""
    funds: ListOf[Coin] = Field(default_factory=list)
    transferred: ListOf[Coin] = Field(default_factory=list)
    deposits: ListOf[EscrowDeposit] = Field(default_factory=list)
    settled_at: int = 0


class EscrowAccount(ApiModel):
    """The wrapper around `EscrowState`."""

    state: EscrowState = EscrowState()
