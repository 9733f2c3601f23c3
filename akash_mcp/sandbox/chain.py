"""The embedded chain's state: accounts, certificates, deployments, bids, leases and escrow.

Everything here is a value or a lookup. What changes it is in `transactions`, and who asks for that lives
elsewhere: `console` for tenants, `bidders` for the market, `provider` for gateways.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from cryptography.hazmat.primitives.asymmetric import ec

from akash_mcp.sandbox.clock import Clock
from akash_mcp.sandbox.schedule import Schedule
from akash_mcp.sdl import GroupSpec


@dataclass
class Account:
    """One managed wallet. `allowance_uact` is its deployment grant, what new deposits may take."""

    address: str
    key: ec.EllipticCurvePrivateKey
    allowance_uact: int
    has_signed: bool = True


@dataclass
class Certificate:
    """One on-chain certificate. `pem` and `pubkey_pem` are PEM texts, `serial` decimal."""

    owner: str
    serial: str
    pem: bytes
    pubkey_pem: bytes
    state: Literal["valid", "revoked"] = "valid"


@dataclass
class Provider:
    """A provider's on-chain record, and the facts that Console's indexer would know of it."""

    owner: str
    host_uri: str
    attributes: dict[str, str]
    signed_by: list[str]
    facts: dict[str, object] = field(default_factory=dict)


@dataclass
class Bid:
    provider: str
    gseq: int
    oseq: int
    price: Decimal  # uact per block, for the whole group
    created_height: int
    state: Literal["open", "active", "closed", "lost"] = "open"


@dataclass
class Lease:
    dseq: str
    gseq: int
    oseq: int
    provider: str
    price: Decimal  # uact per block
    created_height: int
    state: Literal["active", "insufficient_funds", "closed"] = "active"
    closed_height: int = 0
    reason: str | None = None


@dataclass
class Escrow:
    """Money behind a deployment, in uact. Funds drop only when settled; in between, rent accrues unseen."""

    funds: Decimal
    transferred: Decimal
    settled_height: int
    deposits: list[tuple[int, Decimal]]  # height, uact
    state: Literal["open", "closed", "overdrawn"] = "open"


@dataclass
class Deployment:
    owner: str
    dseq: str
    version: bytes  # SHA-256 of the manifest
    groups: tuple[GroupSpec, ...]
    created_height: int
    escrow: Escrow
    state: Literal["active", "closed"] = "active"
    bids: list[Bid] = field(default_factory=list)
    leases: list[Lease] = field(default_factory=list)
    closed_height: int = 0

    @property
    def active_leases(self) -> list[Lease]:
        """The leases that cost rent now."""
        return [lease for lease in self.leases if lease.state == "active"]

    @property
    def rate(self) -> Decimal:
        """Rent of all active leases, in uact per block."""
        return sum((lease.price for lease in self.active_leases), Decimal(0))


@dataclass(frozen=True)
class Transaction:
    """One transaction that landed. `kind` is the message's short name, such as `create-deployment`."""

    hash: str
    kind: str
    owner: str
    dseq: str
    height: int


@dataclass
class Chain:
    """The state, with the lookups that gateways need. Keys: deployments by (owner, dseq).

    A lookup first lets happen what is due by now (see `Schedule`).
    """

    clock: Clock
    accounts: dict[str, Account] = field(default_factory=dict)
    certificates: list[Certificate] = field(default_factory=list)
    providers: dict[str, Provider] = field(default_factory=dict)
    deployments: dict[tuple[str, str], Deployment] = field(default_factory=dict)
    min_deposit_uact: int = 500_000
    on_lease_created: list[Callable[[str, Lease], None]] = field(default_factory=list)
    """Called with (owner, lease) when a lease begins, so that its provider waits for the manifest."""
    on_lease_closed: list[Callable[[str, Lease], None]] = field(default_factory=list)
    """Called with (owner, lease) when a lease ends, so that a provider stops its workload."""
    on_order: list[Callable[[Deployment], None]] = field(default_factory=list)
    """Called with a new deployment, one order a group, so that providers bid on it."""
    transactions: list[Transaction] = field(default_factory=list)
    id: str = field(default_factory=lambda: f"embedded-{secrets.token_hex(8)}")
    """What it calls itself. Accounts and keys follow from the seed, so only this tells one run from another."""
    schedule: Schedule = field(init=False)

    def __post_init__(self) -> None:
        self.schedule = Schedule(self.clock)

    @property
    def height(self) -> int:
        """The latest block's height; inside an action of the schedule, the height at that action's time."""
        return self.clock.height_at(self.schedule.now())

    def public_key(self, address: str) -> ec.EllipticCurvePublicKey | None:
        """The secp256k1 key of an account that has signed something, else None."""
        account = self.accounts.get(address)
        return account.key.public_key() if account and account.has_signed else None

    def deployment(self, owner: str, dseq: str) -> Deployment | None:
        """The deployment, in any state."""
        self.schedule.catch_up()
        return self.deployments.get((owner, dseq))

    def lease(self, owner: str, dseq: str, gseq: int, oseq: int, provider: str) -> Lease | None:
        """The lease, in any state."""
        deployment = self.deployment(owner, dseq)
        if deployment is None:
            return None
        for lease in deployment.leases:
            if (lease.gseq, lease.oseq, lease.provider) == (gseq, oseq, provider):
                return lease
        return None

    def deployments_of(self, owner: str) -> list[Deployment]:
        """All deployments of an account, in any state, in the order in which the chain iterates them."""
        self.schedule.catch_up()
        return [self.deployments[key] for key in sorted(self.deployments) if key[0] == owner]

    def record(self, kind: str, owner: str, dseq: str) -> Transaction:
        """Write down that a transaction landed in the latest block."""
        text = f"{owner} {len(self.transactions)} {kind} {dseq}"
        digest = hashlib.sha256(text.encode()).hexdigest().upper()
        transaction = Transaction(digest, kind, owner, dseq, self.height)
        self.transactions.append(transaction)
        return transaction
