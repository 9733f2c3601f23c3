"""Group specs: what an SDL orders from the market, one group for each placement.

A group is what providers bid on. Console orders groups by name and the chain numbers them in that order, so the
first group here is `gseq` 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Attribute:
    """A key and its value, both text, as the chain stores them."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Storage:
    """One volume of a resource unit. `size` is in bytes."""

    name: str
    size: int
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One way in. `kind`: 0 SHARED_HTTP (an ingress hostname), 1 RANDOM_PORT, 2 LEASED_IP."""

    kind: int
    sequence_number: int


@dataclass(frozen=True, slots=True)
class ResourceUnit:
    """`count` replicas of one size. `cpu` is in millicores, `memory` in bytes, `price` per replica per block."""

    id: int
    cpu: int
    cpu_attributes: tuple[Attribute, ...]
    memory: int
    storage: tuple[Storage, ...]
    gpu: int
    gpu_attributes: tuple[Attribute, ...]
    endpoints: tuple[Endpoint, ...]
    count: int
    price: Decimal
    denom: str


@dataclass(frozen=True, slots=True)
class GroupSpec:
    """One placement: what it needs of a provider, and the resource units it orders.

    `all_of` and `any_of` are the auditors written in `signedBy`; Console adds its own to `any_of` later.
    """

    name: str
    attributes: tuple[Attribute, ...]
    all_of: tuple[str, ...]
    any_of: tuple[str, ...]
    resources: tuple[ResourceUnit, ...]

    @property
    def price(self) -> Decimal:
        """The most that the whole group may cost, in uact per block."""
        return sum((unit.price * unit.count for unit in self.resources), Decimal(0))
