"""What providers ask for CPU, memory, disks and ways in, by the default price lists of their software.

Nobody publishes what providers really ask: each may set prices of its own, and they show only in bids. Two defaults are
public. `TODAY` is that of the price script of akash-network/helm-charts (akash-provider, price_script_generic.sh);
`EARLIER` is an older default of the same script, which akash-network/console still reckons with (apps/api,
pricing.service.ts: what `POST /v1/pricing` says of Akash). Neither knows the price of a GPU.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal

from akash_mcp.money import Usd

_UP = Context(prec=60, rounding=ROUND_CEILING)


@dataclass(frozen=True, slots=True)
class PriceList:
    """US dollars a month. `gb` is how many bytes it counts as one; `volume_gb` is by storage class."""

    gb: int
    core: Decimal
    memory_gb: Decimal
    ephemeral_gb: Decimal
    volume_gb: Mapping[str, Decimal]
    endpoint: Decimal
    leased_ip: Decimal

    def month(
        self,
        *,
        millicores: int,
        memory: int,
        volumes: Iterable[tuple[str, int]],
        endpoints: int = 0,
        ips: int = 0,
    ) -> Usd:
        """What one replica costs a month without GPUs. `memory` and the sizes of `volumes` (pairs of class and size)
        are in bytes; a class that is not on the list counts as the disk that goes with its container."""
        stored = sum(
            (self.volume_gb.get(kind, self.ephemeral_gb) * size for kind, size in volumes), Decimal(0)
        )
        return Usd(
            self.core * millicores / 1000
            + _UP.divide(self.memory_gb * memory + stored, Decimal(self.gb))
            + self.endpoint * endpoints
            + self.leased_ip * ips
        )


TODAY = PriceList(
    gb=2**30,
    core=Decimal("1.60"),
    memory_gb=Decimal("0.80"),
    ephemeral_gb=Decimal("0.02"),
    volume_gb={
        "beta1": Decimal("0.01"),
        "beta2": Decimal("0.03"),
        "beta3": Decimal("0.04"),
        "ram": Decimal("0.80"),
    },
    endpoint=Decimal("0.05"),
    leased_ip=Decimal(5),
)
EARLIER = PriceList(
    gb=10**9,
    core=Decimal("4.50"),
    memory_gb=Decimal("1.25"),
    ephemeral_gb=Decimal("0.08"),
    volume_gb={
        "beta1": Decimal("0.10"),
        "beta2": Decimal("0.12"),
        "beta3": Decimal("0.14"),
        "ram": Decimal("1.25"),
    },
    endpoint=Decimal("0.05"),
    leased_ip=Decimal(5),
)
"""The Console's formula has one price for a disk; those of the classes stand beside it, commented out. It leaves out
endpoints and leased IPs, for which the two scripts ask the same."""
