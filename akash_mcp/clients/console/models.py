"""What the Console API says of deployments, bids and leases, read leniently.

The API never validates its own answers, so only what identifies a thing is required here. Money stays decimal:
prices and escrow amounts are micro-denominations (uact), with up to 18 decimals.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError, WrapValidator, model_validator

from akash_mcp.clients.api_model import (
    UACT,
    ApiModel,
    CamelApiModel,
    Coin,
    DseqField,
    ListOf,
    Number,
    Whole,
    believable,
    or_none,
    uact,
)
from akash_mcp.clients.console.escrow_models import Escrow, EscrowAccount
from akash_mcp.clients.console.gpu_models import DetectedGpus, OfferedGpus, OfferedUnit
from akash_mcp.clients.console.market_models import (
    ProviderRecord as ProviderRecord,  # a bid is read beside its provider
)
from akash_mcp.clients.lease_status import LeaseStatus
from akash_mcp.ids import AccountAddress, BadId, Dseq, LeaseId, ProviderAddress, parse_dseq
from akash_mcp.money import Usd

MICRO_USD_DENOMS = frozenset(
    {
        UACT,
        # USDC over IBC, on the main network
        "ibc/170C677610AC31DF0904FFE09CD3B5C657492170E7E52372E48756B71E56F2F1",
    }
)
"""Denominations whose unit is a millionth of a dollar. A price in any other one cannot be compared."""


class BidId(ApiModel):
    """What names a bid, and the lease that comes of it."""

    owner: AccountAddress = AccountAddress("")
    dseq: DseqField
    gseq: Whole = 1
    oseq: Whole = 1
    provider: ProviderAddress

    @property
    def lease_id(self) -> LeaseId:
        """The lease of this name."""
        return LeaseId(self.dseq, self.gseq, self.oseq, self.provider)


class Bid(ApiModel):
    """A provider's offer for one group, in whatever state: the API lists closed and lost ones too."""

    id: BidId
    state: str = ""
    price: Coin = Coin()
    created_at: Whole = 0
    """Height of the block in which it was made."""
    resources_offer: Annotated[ListOf[OfferedUnit] | None, WrapValidator(or_none)] = None
    """What it offers, unit by unit; None where that cannot be read as a whole."""
    reclamation_window: str = ""
    """Notice that the provider gives before it takes the lease back, such as `86400s`."""

    @property
    def reclamation_seconds(self) -> int | None:
        """That notice in seconds; None where the provider gives none."""
        seconds = believable(self.reclamation_window.removesuffix("s"))
        return None if seconds is None or seconds < 0 else int(seconds)

    @property
    def dseq(self) -> Dseq:
        """The deployment that it is for."""
        return self.id.dseq

    @property
    def gseq(self) -> int:
        """The group that it is for."""
        return self.id.gseq

    @property
    def oseq(self) -> int:
        """The order that it answers."""
        return self.id.oseq

    @property
    def provider(self) -> ProviderAddress:
        """Whose offer it is."""
        return self.id.provider

    @property
    def is_open(self) -> bool:
        """Whether it can be leased."""
        return self.state == "open"

    @property
    def price_uact(self) -> Decimal | None:
        """uact, which are millionths of a dollar, per block for the whole group; None for a price not in dollars."""
        return self.price.amount if self.price.denom in MICRO_USD_DENOMS else None


class ListedBid(ApiModel):
    """One entry of the bid list."""

    bid: Bid


class UnreadBid(ApiModel):
    """An entry of the bid list that cannot be read, so that it cannot be accepted either."""

    @model_validator(mode="before")
    @classmethod
    def _anything(cls, value: object) -> object:
        return {}


class Reclamation(ApiModel):
    """A provider taking a lease back. `deadline` is in unix seconds; 0 where it is not known."""

    deadline: Whole = 0


class Lease(ApiModel):
    """One lease. `status` is the provider's own word, None where it could not be asked or understood."""

    id: BidId
    state: str = ""
    price: Coin = Coin()
    created_at: Whole = 0
    closed_on: Whole = 0
    """Height of the block that closed it; 0 while it is open."""
    reason: str | None = None
    reclamation: Annotated[Reclamation | None, WrapValidator(or_none)] = None
    status: Annotated[LeaseStatus | None, WrapValidator(or_none)] = None
    offered_gpus: Annotated[OfferedGpus | None, WrapValidator(or_none)] = Field(None, alias="offeredGpus")
    """The GPUs that its bid named; None until the Console has recorded them."""
    detected_gpus: Annotated[DetectedGpus | None, WrapValidator(or_none)] = Field(None, alias="detectedGpus")
    """The GPUs inside its containers; None until the Console has looked."""

    @property
    def lease_id(self) -> LeaseId:
        """The lease's name."""
        return self.id.lease_id

    @property
    def is_active(self) -> bool:
        """Whether it runs and is paid for: also while its provider takes it back, up to the deadline of that.

        An `insufficient_funds` lease is not closed either, and nothing pays for it.
        """
        return self.state in ("active", "reclaiming")

    @property
    def price_uact(self) -> Decimal | None:
        """uact per block; None for a price that cannot be read, or is not in dollars."""
        return self.price.amount if self.price.denom in MICRO_USD_DENOMS else None

    def rent_before(self, height: int) -> Decimal:
        """The least that it has cost until a block `height`, in uact: nothing where that is not known."""
        ended = height if self.is_active else self.closed_on
        if not self.created_at or self.price_uact is None or self.price_uact < 0:
            return Decimal(0)
        return self.price_uact * max(min(ended, height) - self.created_at, 0)


class DeploymentId(ApiModel):
    """Whose deployment, and which."""

    owner: AccountAddress = AccountAddress("")
    dseq: DseqField


class Deployment(ApiModel):
    """The deployment's own record on the chain."""

    id: DeploymentId
    state: str = ""
    hash: str = ""
    created_at: Whole = 0


class RuntimeLimit(CamelApiModel):
    """Until when an API that funds by itself does so (`2026-11`). Without hours there is no limit."""

    runtime_limit_hours: Number | None = None
    runtime_ends_at: str | None = None
    """ISO time; None until the lease starts."""


class RuntimeSettings(RuntimeLimit):
    """The same by itself, with the deployment that it is of."""

    dseq: DseqField


class StoredDefinition(CamelApiModel):
    """The SDL that the Console recorded, its secrets as `ac-secret://NAME`, and the version that a change names."""

    sdl: str = ""
    manifest_version: str = ""


class DeploymentDetail(ApiModel):
    """A deployment with its leases and escrow. Closed leases are among them.

    What stands behind `settings` comes only from the API of autumn 2026.
    """

    deployment: Deployment
    leases: ListOf[Lease] = Field(default_factory=list)
    unread_leases: int = 0
    """How many leases cannot be read, at the least, and may cost money all the same."""
    escrow_account: Escrow = EscrowAccount()
    name: Annotated[str | None, WrapValidator(or_none)] = None
    settings: Annotated[RuntimeLimit | None, WrapValidator(or_none)] = None
    stored: Annotated[StoredDefinition | None, WrapValidator(or_none)] = Field(None, alias="consoleSettings")
    keeps_no_definition: bool = False
    """Whether the Console says that it recorded no SDL: what it does not say is not known."""

    @model_validator(mode="before")
    @classmethod
    def _count_unread_leases(cls, value: object) -> object:
        """A lease that cannot be read keeps nobody from reading, and so from closing, its deployment."""
        if not isinstance(value, dict):
            return value
        told = value.get("leases")
        entries = told if isinstance(told, list) else [told]  # no list is not an empty one
        read = [lease for entry in entries if (lease := _lease_or_none(entry)) is not None]
        undefined = "consoleSettings" in value and value["consoleSettings"] is None
        counted = {"leases": read, "unread_leases": len(entries) - len(read)}
        return {**value, **counted, "keeps_no_definition": undefined}

    @property
    def dseq(self) -> Dseq:
        """What names it."""
        return self.deployment.id.dseq

    @property
    def owner(self) -> AccountAddress:
        """The account that pays for it."""
        return self.deployment.id.owner

    @property
    def state(self) -> str:
        """`active` or `closed`."""
        return self.deployment.state

    @property
    def manifest_hash(self) -> str | None:
        """base64 of the manifest's SHA-256.

        None where the API fell back to its index, which does not keep it.
        """
        return self.deployment.hash if self.deployment.hash not in ("", "unknown_value") else None

    @property
    def active_leases(self) -> list[LeaseId]:
        """The leases that run."""
        return [lease.lease_id for lease in self.leases if lease.is_active]

    @property
    def open_leases(self) -> list[LeaseId]:
        """The leases that are not closed.

        While there is one, the Console creates no other for this deployment.
        """
        return [lease.lease_id for lease in self.leases if lease.state != "closed"]

    @property
    def escrow_funds(self) -> Decimal | None:
        """uact in escrow at the last settlement; None where that is missing or cannot be read."""
        state = self.escrow_account.state
        return uact(state.funds) if "funds" in state.model_fields_set else None

    @property
    def rate_uact(self) -> Decimal | None:
        """uact per block that the active leases cost together.

        None where one of them, its state or its price, cannot be read.
        """
        if self.unread_leases or not all(lease.state for lease in self.leases):
            return None
        prices = [lease.price_uact for lease in self.leases if lease.is_active]
        known = [price for price in prices if price is not None]
        return sum(known, Decimal(0)) if len(known) == len(prices) else None

    def escrow_left(self, height: int) -> Decimal | None:
        """uact in escrow at a block `height`, with the rent that accrued since the last settlement taken
        off; None where one of the two cannot be read."""
        funds, accrued = self.escrow_funds, self._accrued(height)
        return None if funds is None or accrued is None else max(funds - accrued, Decimal(0))

    def spent_at(self, height: int) -> Usd | None:
        """What it has cost up to a block `height`: what was paid out, and the rent accrued since; None where one of
        the two is missing or cannot be read, and where it is paid for in another denomination than uact."""
        state, funds, accrued = self.escrow_account.state, self.escrow_funds, self._accrued(height)
        if any(coin.denom != UACT and coin.amount != 0 for coin in (*state.funds, *state.transferred)):
            return None
        paid = uact(state.transferred) if "transferred" in state.model_fields_set else None
        if paid is None or funds is None or accrued is None:
            return None
        return Usd.from_uact(max(paid + min(accrued, max(funds, Decimal(0))), Decimal(0)))

    def spent_since(self, since: int, height: int) -> Usd | None:
        """The most that it has cost from a block `since` to a block `height`: all that it cost, without the rent that
        its leases are known to have taken before. None where what it cost is not known."""
        total = self.spent_at(height)
        if total is None:
            return None
        before = Usd.from_uact(sum((lease.rent_before(since) for lease in self.leases), Decimal(0)))
        return total - before if before < total else Usd(0)

    @property
    def spent(self) -> Usd | None:
        """What was paid to providers up to the last settlement: all of it, once it is closed. None where that cannot
        be read."""
        paid = uact(self.escrow_account.state.transferred)
        return None if paid is None else Usd.from_uact(max(paid, Decimal(0)))

    @property
    def paid_in(self) -> Usd | None:
        """What was put behind it while it is open: what it holds and what it paid. None where that is not told, and
        once it is closed: what came back is on no record."""
        state, left = self.escrow_account.state, self.escrow_funds
        paid = uact(state.transferred) if "transferred" in state.model_fields_set else None
        if self.state == "closed" or left is None or paid is None:
            return None
        return Usd.from_uact(max(left + paid, Decimal(0)))

    def _accrued(self, height: int) -> Decimal | None:
        settled_at, rate = self.escrow_account.state.settled_at, self.rate_uact
        if rate is None:
            return None
        if not rate:
            return Decimal(0)
        return rate * max(height - settled_at, 0) if settled_at and height else None


def _lease_or_none(value: object) -> Lease | None:
    try:
        return Lease.model_validate(value)
    except ValidationError:
        return None


class _Pagination(CamelApiModel):
    has_more: bool = False


class UnreadDeployment(ApiModel):
    """An entry of the list that cannot be read. `dseq`: the deployment that it is about, where it names one."""

    dseq: Dseq | None = None

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        try:
            return {"dseq": parse_dseq(str(value["deployment"]["id"]["dseq"]))}  # type: ignore[index]  # may be anything
        except (BadId, KeyError, TypeError, IndexError):
            return {}


class DeploymentPage(ApiModel):
    """One page of the list, of which an odd entry takes nothing from the others.

    Without `deployments` it is not a page: no list is not an empty one. Its totals are not read: they may count this
    page only.
    """

    deployments: list[Annotated[DeploymentDetail | UnreadDeployment, Field(union_mode="left_to_right")]]
    pagination: Annotated[_Pagination | None, WrapValidator(or_none)] = None

    @property
    def details(self) -> list[DeploymentDetail]:
        """The entries that can be read."""
        return [entry for entry in self.deployments if isinstance(entry, DeploymentDetail)]

    @property
    def unread(self) -> list[UnreadDeployment]:
        """The entries that cannot be read."""
        return [entry for entry in self.deployments if isinstance(entry, UnreadDeployment)]

    @property
    def has_more(self) -> bool:
        """Whether the API says that there is another page; no is not to be believed of a full one."""
        return self.pagination is not None and self.pagination.has_more


class SignedTx(CamelApiModel):
    """The transaction behind a creation."""

    transaction_hash: str = ""
    hash: str = ""


class Created(CamelApiModel):
    """A deployment that now exists.

    `manifest` is what its providers will get: send it back unchanged to lease.
    """

    dseq: DseqField
    manifest: str = ""
    sign_tx: SignedTx = SignedTx()

    @property
    def tx_hash(self) -> str | None:
        """The transaction's hash, where the API gives it."""
        return self.sign_tx.transaction_hash or self.sign_tx.hash or None


CREATED = TypeAdapter(Created)
DETAIL = TypeAdapter(DeploymentDetail)
RUNTIME_LIMIT = TypeAdapter(RuntimeSettings)
DEPLOYMENTS = TypeAdapter(DeploymentPage)
BIDS: TypeAdapter[list[ListedBid | UnreadBid]] = TypeAdapter(
    list[Annotated[ListedBid | UnreadBid, Field(union_mode="left_to_right")]]
)
