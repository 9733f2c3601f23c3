"""What the Console's index of the chain says of deployments, anyone's: the public view, read leniently."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field, TypeAdapter, WrapValidator

from akash_mcp.clients.api_model import ApiModel, CamelApiModel, Coin, DseqField, ListOf, or_none
from akash_mcp.ids import AccountAddress, ProviderAddress


class IndexedProvider(CamelApiModel):
    """Who holds a lease."""

    address: ProviderAddress
    host_uri: str = ""


class IndexedLease(CamelApiModel):
    """A lease of a listed deployment. Only active ones are there."""

    gseq: int = 1
    oseq: int = 1
    state: str = ""
    price: Coin = Coin()
    provider: Annotated[IndexedProvider | None, WrapValidator(or_none)] = None


class IndexedDeployment(CamelApiModel):
    """A deployment of an address, active or closed."""

    owner: AccountAddress
    dseq: DseqField
    status: str = ""
    created_height: int = 0
    cpu_units: Decimal = Decimal(0)
    gpu_units: Decimal = Decimal(0)
    memory_quantity: Decimal = Decimal(0)
    storage_quantity: Decimal = Decimal(0)
    leases: ListOf[IndexedLease] = Field(default_factory=list)


class PublicLease(CamelApiModel):
    """A lease in the public view. Costs are uact a month of 30.437 days at 6 s a block."""

    gseq: int = 1
    oseq: int = 1
    status: str = ""
    created_date: str = ""
    closed_date: str = ""
    monthly_cost_u_denom: Decimal = Field(Decimal(0), alias="monthlyCostUDenom")
    provider: Annotated[IndexedProvider | None, WrapValidator(or_none)] = None


class ChainEvent(CamelApiModel):
    """A transaction about a deployment."""

    tx_hash: str = ""
    date: str = ""
    type: str = ""


class PublicDeployment(CamelApiModel):
    """A deployment as anyone may see it. `balance` is its escrow in uact; the cost counts closed leases too."""

    owner: AccountAddress
    dseq: DseqField
    status: str = ""
    balance: Decimal = Decimal(0)
    denom: str = ""
    created_date: str = ""
    closed_date: str = ""
    total_monthly_cost_u_denom: Decimal = Field(Decimal(0), alias="totalMonthlyCostUDenom")
    leases: ListOf[PublicLease] = Field(default_factory=list)
    events: ListOf[ChainEvent] = Field(default_factory=list)


class DeploymentIndex(ApiModel):
    """One page of an address's deployments."""

    results: ListOf[IndexedDeployment] = Field(default_factory=list)


INDEX = TypeAdapter(DeploymentIndex)
PUBLIC_DEPLOYMENT = TypeAdapter(PublicDeployment)
