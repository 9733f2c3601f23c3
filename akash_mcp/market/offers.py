"""An offer: one bid, with what is known of the provider behind it, and its price in dollars."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from akash_mcp.clients.console.models import Bid, ProviderRecord
from akash_mcp.ids import Dseq, LeaseId, ProviderAddress
from akash_mcp.market.regions import places_of
from akash_mcp.money import BLOCK_SECONDS, Usd, usd_per_hour
from akash_mcp.track_record import NOT_KNOWN, TrackRecord

HIGHEST_PRICE = Decimal(10**12)
"""uact per block. A price above it (590 million dollars an hour) is a mistake or an attack, not a price."""

_SECONDS_A_DAY = 86_400

NO_PRICE = Usd(10**9)
"""Dollars an hour of an offer whose price cannot be read: over every limit, so a sum that holds it is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What one provider asks for one group, and what is known of that provider.

    `None` is unknown, never good. `name`, `organization`, `host_uri` and `gpu_models` are the provider's own words,
    and only shown; `region` and `country` are where its address is. Uptimes are fractions of 1: how often its status
    page answered, not how long workloads lived.
    """

    provider: ProviderAddress
    gseq: int
    oseq: int = 1
    price_uact_per_block: Decimal
    """For the whole group."""
    state: str = "open"
    age_seconds: Decimal | None = None
    host_uri: str = ""
    name: str = ""
    organization: str = ""
    region: str = ""
    country: str = ""
    country_code: str = ""
    places: frozenset[str] = frozenset()
    """The names of where it is (`market.regions.places_of`); without one that is not known."""
    audited: bool = False
    registered_days: Decimal | None = None
    """How long the provider had been registered on the chain when it bid."""
    online: bool | None = None
    valid_version: bool | None = None
    uptime_1d: Decimal | None = None
    uptime_7d: Decimal | None = None
    uptime_30d: Decimal | None = None
    incidents_7d: int | None = None
    """Outages that the bid screening saw in the last seven days."""
    reclamation_seconds: int | None = None
    """How long before taking a lease back the provider says so."""
    gpu_models: tuple[str, ...] = ()
    """GPU models at the provider, as `vendor/model`; not necessarily the ones of this bid."""
    other_gpu: str = ""
    """Which GPU it offers in place of one that is asked for, in our words; empty where it is not plainly another."""
    record: TrackRecord = NOT_KNOWN
    """What became of our own leases at the provider."""

    @property
    def has_price(self) -> bool:
        """Whether its price is a positive, believable number."""
        return self.price_uact_per_block.is_finite() and 0 < self.price_uact_per_block <= HIGHEST_PRICE

    @property
    def usd_per_hour(self) -> Usd:
        """The price in dollars an hour, `NO_PRICE` where it has none."""
        return usd_per_hour(self.price_uact_per_block) if self.has_price else NO_PRICE

    def lease_id(self, dseq: Dseq) -> LeaseId:
        """The lease that comes of taking it."""
        return LeaseId(dseq, self.gseq, self.oseq, self.provider)


def offer_from(
    bid: Bid,
    provider: ProviderRecord | None,
    *,
    age_seconds: Decimal | None = None,
    incidents_7d: int | None = None,
    reclamation_seconds: int | None = None,
    other_gpu: str = "",
    track_record: TrackRecord = NOT_KNOWN,
) -> Offer:
    """The offer that a `bid` of some age makes. Without the `provider`'s record all about the provider is unknown.

    A price that is not in dollars becomes 0, which `has_price` refuses.
    """
    record = provider or ProviderRecord(owner=bid.provider)
    return Offer(
        provider=bid.provider,
        gseq=bid.gseq,
        oseq=bid.oseq,
        price_uact_per_block=bid.price_uact or Decimal(0),
        state=bid.state,
        age_seconds=age_seconds,
        host_uri=record.host_uri,
        name=record.name or "",
        organization=record.organization or "",
        region=record.ip_region or "",
        country=record.ip_country or "",
        country_code=record.ip_country_code or "",
        places=places_of(record),
        audited=record.is_audited,
        registered_days=_registered_days(bid, record),
        online=record.is_online if provider else None,
        valid_version=record.is_valid_version if provider else None,
        uptime_1d=record.uptime1d,
        uptime_7d=record.uptime7d,
        uptime_30d=record.uptime30d,
        incidents_7d=incidents_7d,
        reclamation_seconds=reclamation_seconds,
        gpu_models=tuple(dict.fromkeys(f"{gpu.vendor}/{gpu.model}" for gpu in record.gpu_models)),
        other_gpu=other_gpu,
        record=track_record,
    )


def _registered_days(bid: Bid, record: ProviderRecord) -> Decimal | None:
    # Both are heights of one chain, so no clock is needed, and a provider cannot write either of them.
    if not bid.created_at or record.created_height is None or record.created_height > bid.created_at:
        return None
    return (bid.created_at - record.created_height) * BLOCK_SECONDS / _SECONDS_A_DAY
