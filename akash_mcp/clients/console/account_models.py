"""What the Console API says of an account: its money, settings, usage and alerts, read leniently."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field, TypeAdapter, WrapValidator, model_validator

from akash_mcp.clients.api_model import (
    ApiModel,
    CamelApiModel,
    Coin,
    DseqField,
    ListOf,
    Number,
    RecordsOf,
    or_none,
)
from akash_mcp.ids import AccountAddress
from akash_mcp.money import Usd


class DeploymentSettings(CamelApiModel):
    """How a deployment is funded. The estimate is in uact, whatever the API's reference says.

    None is unknown: what is absent, null or anything but true, false or a whole number says nothing.
    """

    dseq: DseqField
    auto_top_up_enabled: Annotated[bool | None, Field(strict=True), WrapValidator(or_none)] = None
    closed: bool = False
    estimated_top_up_amount: Number = Decimal(0)
    runtime_limit_hours: Annotated[int | None, Field(strict=True), WrapValidator(or_none)] = None
    """Hours until an API that funds by itself closes it (`2026-11`)."""
    runtime_ends_at: str | None = None


class Balances(ApiModel):
    """The account's money, in uact in every generation (akash-network/console `wallet.controller.ts`)."""

    balance: Number
    deployments: Number | None = None
    total: Number | None = None

    @property
    def available(self) -> Usd:
        """What new deployments may take."""
        return _usd(self.balance)

    @property
    def in_deployments(self) -> Usd | None:
        """What lies in the escrow of active deployments, at their last settlements; None where that cannot be read."""
        return None if self.deployments is None else _usd(self.deployments)


def _usd(uact: Decimal) -> Usd:
    return Usd.from_uact(max(uact, Decimal(0)))


class FundingConfig(CamelApiModel):
    """How the API of autumn 2026 funds deployments by itself."""

    target_runway_hours: Number = Decimal(0)
    balance_headroom_usd: Number = Decimal(0)
    default_deposit_usd: Number = Decimal(0)


class User(ApiModel):
    """Whose API key it is."""

    id: str
    trial: bool = False


class Wallet(CamelApiModel):
    """A managed wallet. `credit_amount` is cached and in uact: ask for the balances instead."""

    address: AccountAddress
    is_trialing: bool = False
    denom: str = ""
    credit_amount: Number = Decimal(0)
    top_up_min_amount_usd: Number = Decimal(0)


class UsageDay(CamelApiModel):
    """One day of an account. Spending is US dollars, computed from leases and their expected ends; None is unknown."""

    date: str
    daily_usd_spent: Number | None = None


class BillingDeployment(ApiModel):
    """A deployment that costs money now: uact per block for all its leases."""

    dseq: DseqField
    price: Coin = Coin()


class ActivityError(ApiModel):
    """Why an activity failed. Text alone, which one guide shows, is taken for the message."""

    code: str = ""
    message: str = ""

    @model_validator(mode="before")
    @classmethod
    def _text_is_message(cls, value: object) -> object:
        return {"message": value} if isinstance(value, str) else value


class ActivityNote(ApiModel):
    """What came of an activity."""

    error: Annotated[ActivityError | None, WrapValidator(or_none)] = None


class Activity(CamelApiModel):
    """Something that the API of autumn 2026 does in the background."""

    id: str = ""
    type: str = ""
    status: str = "pending"
    meta: Annotated[ActivityNote | None, WrapValidator(or_none)] = None


class Alert(CamelApiModel):
    """A condition that the account's owner is notified of. What is None is unknown."""

    id: str
    name: str = ""
    type: str = ""
    enabled: Annotated[bool | None, Field(strict=True), WrapValidator(or_none)] = None
    status: str = ""
    summary: str = ""


class DeploymentAlert(CamelApiModel):
    """An alert of one deployment. `threshold` is escrow in uact. What is None is unknown."""

    id: str = ""
    status: str = ""
    enabled: Annotated[bool | None, Field(strict=True), WrapValidator(or_none)] = None
    threshold: Number | None = None


class DeploymentAlerts(CamelApiModel):
    """The alerts of one deployment: its escrow runs low, it was closed."""

    deployment_balance: DeploymentAlert | None = None
    deployment_closed: DeploymentAlert | None = None


class ApiKey(CamelApiModel):
    """A key as it is told after it was made. `project_id`: all that it reaches, where it is not everything."""

    id: str
    key_format: str = ""
    """Its text, of whose random part all but six characters at either end are masked."""
    expires_at: str | None = None
    project_id: str | None = None


class WalletSettings(CamelApiModel):
    """Whether the card adds credit by itself. Amounts are US dollars. None is unknown."""

    auto_reload_enabled: Annotated[bool | None, Field(strict=True), WrapValidator(or_none)] = None
    auto_reload_amount: Number | None = None
    auto_reload_paused_at: str | None = None


class Organization(CamelApiModel):
    """An organization, and what the key's owner is in it."""

    id: str
    role: str = ""


class Project(CamelApiModel):
    """A project of an organization."""

    id: str
    name: str = ""


class Certificate(CamelApiModel):
    """A client certificate as the API of 2025 makes it. The key is a secret, and in spite of its name unencrypted."""

    cert_pem: str
    encrypted_key: str = Field(repr=False)


SETTINGS = TypeAdapter(DeploymentSettings)
BALANCES = TypeAdapter(Balances)
FUNDING = TypeAdapter(FundingConfig)
USER = TypeAdapter(User)
WALLETS = TypeAdapter(RecordsOf[Wallet])
USAGE = TypeAdapter(RecordsOf[UsageDay])
SPEND_RATE = TypeAdapter(ListOf[BillingDeployment])
ACTIVITY = TypeAdapter(Activity)
ALERTS = TypeAdapter(RecordsOf[Alert])
DEPLOYMENT_ALERTS = TypeAdapter(DeploymentAlerts)
CERTIFICATE = TypeAdapter(Certificate)
API_KEYS = TypeAdapter(RecordsOf[ApiKey])
WALLET_SETTINGS = TypeAdapter(WalletSettings)
ORGANIZATIONS = TypeAdapter(RecordsOf[Organization])
PROJECTS = TypeAdapter(RecordsOf[Project])
