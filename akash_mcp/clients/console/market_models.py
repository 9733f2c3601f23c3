"""What the Console API says of the market, read leniently: providers, GPUs, prices, templates, blocks.

Everything a provider says of itself is its own word.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, WrapValidator, model_validator

from akash_mcp.clients.api_model import (
    ApiModel,
    CamelApiModel,
    MapOf,
    Number,
    RecordsOf,
    Whole,
    believable,
    iso_moment,
    or_none,
)
from akash_mcp.ids import AccountAddress, ProviderAddress

MOST_CLAIMS = 500
"""More attributes or GPU models than anybody has. Whoever says so says nothing that can be judged."""
MOST_PROVIDERS = 2_000
"""Many times as many as there are."""
_ADDRESS = re.compile("[a-z0-9]{1,90}")


def _address(value: ProviderAddress) -> ProviderAddress:
    if not _ADDRESS.fullmatch(value):
        raise ValueError("it is not an address")
    return value


Owner = Annotated[ProviderAddress, AfterValidator(_address)]
"""An address, told as it is: whoever has words in its place is nobody who can be leased from."""


def _none_of_too_many(value: object) -> object:
    return [] if isinstance(value, list) and len(value) > MOST_CLAIMS else value


def _not_too_many(value: object) -> object:
    if isinstance(value, list) and len(value) > MOST_PROVIDERS:
        raise ValueError(f"it lists {len(value)} providers")
    return value


class ProviderAttribute(CamelApiModel):
    """One attribute that a provider claims, and the auditors who signed it."""

    key: str = ""
    value: str = ""
    audited_by: RecordsOf[str] = Field(default_factory=list)


class GpuModel(ApiModel):
    """A GPU model at a provider."""

    vendor: str = ""
    model: str = ""
    ram: str = ""
    interface: str = ""


class GpuDriver(CamelApiModel):
    """A driver that was seen at a provider within 30 days."""

    driver_version: str = ""
    cuda_version: str | None = None
    last_seen_date: str = ""


class Amounts(ApiModel):
    """Of one resource: millicores of CPU, bytes of memory and storage, whole GPUs."""

    active: Number = Decimal(0)
    pending: Number = Decimal(0)
    available: Number = Decimal(0)

    @model_validator(mode="before")
    @classmethod
    def _unreadable_is_absent(cls, value: object) -> object:
        """So that what nobody can mean is not set, rather than set to zero."""
        if isinstance(value, dict):
            return {key: amount for key, amount in value.items() if believable(amount) is not None}
        return value

    @property
    def free(self) -> Decimal | None:
        """What is available, and never less than nothing; None where that is not told."""
        return max(self.available, Decimal(0)) if "available" in self.model_fields_set else None


class StorageAmounts(ApiModel):
    """Storage that is lost with its container, and storage that is not."""

    ephemeral: Amounts = Amounts()
    persistent: Amounts = Amounts()


class Capacity(ApiModel):
    """What a provider, or the whole network, has."""

    cpu: Amounts = Amounts()
    gpu: Amounts = Amounts()
    memory: Amounts = Amounts()
    storage: StorageAmounts = StorageAmounts()


class ProviderRecord(CamelApiModel):
    """A provider as the Console's index knows it. Uptimes are fractions of 1; None is unknown or zero."""

    owner: Owner
    host_uri: str = ""
    name: str | None = None
    organization: str | None = None
    website: str | None = None
    is_online: bool = False
    is_audited: bool = False
    is_valid_version: bool = False
    created_height: Whole | None = None
    """The block in which it registered on the chain."""
    uptime1d: Number | None = None
    uptime7d: Number | None = None
    uptime30d: Number | None = None
    ip_region: str | None = None
    ip_country: str | None = None
    ip_country_code: str | None = None
    location_region: str | None = None
    location_type: str | None = None
    country: str | None = None
    city: str | None = None
    tier: str | None = None
    akash_version: str | None = None
    lease_count: Whole | None = None
    feat_persistent_storage: bool = False
    feat_endpoint_ip: bool = False
    feat_endpoint_custom_domain: bool = False
    reclamation_window: Whole | None = None
    """Seconds of notice before it takes a lease back (`2026-11`)."""
    gpu_models: Annotated[RecordsOf[GpuModel], BeforeValidator(_none_of_too_many)] = Field(
        default_factory=list
    )
    gpu_drivers: Annotated[RecordsOf[GpuDriver], BeforeValidator(_none_of_too_many)] = Field(
        default_factory=list
    )
    """Newest first (`2026-11`)."""
    attributes: Annotated[RecordsOf[ProviderAttribute], BeforeValidator(_none_of_too_many)] = Field(
        default_factory=list
    )
    stats: Annotated[Capacity | None, WrapValidator(or_none)] = None


class Auditor(ApiModel):
    """Who signs attributes of providers."""

    id: str = ""
    name: str = ""
    address: AccountAddress
    website: str = ""


class GpuStock(ApiModel):
    """GPUs of one kind in the network: how many there are to lease, and how many of these are leased."""

    model: str = ""
    ram: str = ""
    interface: str = ""
    allocatable: Whole = 0
    allocated: Whole = 0


class GpuAvailability(ApiModel):
    """All GPUs: in sum, and by vendor."""

    total: GpuStock = GpuStock()
    details: MapOf[RecordsOf[GpuStock]] = Field(default_factory=dict)


class KnownGpu(CamelApiModel):
    """A GPU model that an SDL may name."""

    name: str
    display_name: str = ""
    memory: RecordsOf[str] = Field(default_factory=list)
    interface: RecordsOf[str] = Field(default_factory=list)


class GpuVendor(CamelApiModel):
    """A vendor that an SDL may name."""

    name: str
    display_name: str = ""
    models: RecordsOf[KnownGpu] = Field(default_factory=list)


class Availability(ApiModel):
    """How many there are, and how many of these are free."""

    total: Whole = 0
    available: Whole = 0


class HourlyPrice(CamelApiModel):
    """US dollars an hour for one GPU, from the bids of the last month."""

    currency: str = "USD"
    min: Number | None = None
    max: Number | None = None
    avg: Number | None = None
    weighted_average: Number | None = None
    med: Number | None = None


class GpuPrice(CamelApiModel):
    """What one kind of GPU costs. None where nobody bid."""

    vendor: str = ""
    model: str = ""
    ram: str = ""
    interface: str = ""
    availability: Availability = Availability()
    provider_availability: Availability = Availability()
    price: HourlyPrice | None = None


class ComparedPrice(ApiModel):
    """US dollars a month by a fixed formula: a comparison, not a price of the market. No GPUs."""

    akash: Number
    aws: Number = Decimal(0)
    gcp: Number = Decimal(0)
    azure: Number = Decimal(0)


class IncidentDay(CamelApiModel):
    """A day on which a provider was down. Days without are not listed."""

    date: str = ""
    has_open_incident: bool = False
    incident_count: Whole = 0
    downtime_seconds: Whole = 0


class ScreenedProvider(CamelApiModel):
    """A provider that would probably bid. Without a price."""

    owner: Owner
    host_uri: str = ""
    is_audited: bool = False
    location: str | None = None
    organization: str | None = None
    incidents: RecordsOf[IncidentDay] = Field(default_factory=list)

    @property
    def incidents_7d(self) -> int:
        """Outages in the last seven days."""
        return sum(day.incident_count for day in self.incidents)


class TemplateSummary(CamelApiModel):
    """A ready-made SDL."""

    id: str
    name: str = ""
    summary: str = ""
    tags: RecordsOf[str] = Field(default_factory=list)


class TemplateCategory(ApiModel):
    """Ready-made SDLs of one kind. None stands for what cannot be read."""

    title: str = ""
    templates: list[Annotated[TemplateSummary | None, WrapValidator(or_none)]]


class Template(TemplateSummary):
    """A ready-made SDL, whole. `deploy` is the SDL, `readme` is Markdown; both are other people's text."""

    readme: str = ""
    deploy: str = ""
    guide: str = ""
    github_url: str = ""
    persistent_storage_enabled: bool = False


class Block(CamelApiModel):
    """A block. `datetime` is ISO time; a height of 0 is unknown."""

    height: Whole = 0
    datetime: str = ""
    transaction_count: Whole = 0

    @property
    def time(self) -> float:
        """Seconds since the epoch; 0 where it is not known, or beyond belief."""
        made = iso_moment(self.datetime)
        return made.timestamp() if made and made.year < 2100 else 0.0


class FreeVariant(CamelApiModel):
    """A model in one memory and interface; empty is any. None is not known."""

    memory: str = ""
    interface: str = ""
    max_node_free_units: Whole | None = None


class FreeGpu(CamelApiModel):
    """A GPU model that online, audited providers have free now. A null is any."""

    name: str = ""
    memory: RecordsOf[str] = Field(default_factory=list)
    interface: RecordsOf[str] = Field(default_factory=list)
    provider_count: Whole = 0
    available_units: Whole = 0
    max_node_free_units: Whole = 0
    """The most that one replica can ask for."""
    variants: RecordsOf[FreeVariant] = Field(default_factory=list)


class FreeGpus(ApiModel):
    """One vendor's."""

    vendor: str = ""
    models: RecordsOf[FreeGpu] = Field(default_factory=list)


class PlacementOptions(CamelApiModel):
    """Where something can be placed now (`2026-11`)."""

    regions: RecordsOf[str] = Field(default_factory=list)
    region_provider_counts: MapOf[Whole] = Field(default_factory=dict)
    gpus: RecordsOf[FreeGpus] = Field(default_factory=list)


PROVIDER = TypeAdapter(ProviderRecord)
PROVIDERS = TypeAdapter(Annotated[RecordsOf[ProviderRecord], BeforeValidator(_not_too_many)])
AUDITORS = TypeAdapter(RecordsOf[Auditor])
GPUS = TypeAdapter(GpuAvailability)
GPU_VENDORS = TypeAdapter(RecordsOf[GpuVendor])
GPU_PRICES = TypeAdapter(RecordsOf[GpuPrice])
COMPARED = TypeAdapter(RecordsOf[ComparedPrice])
SCREENED = TypeAdapter(RecordsOf[ScreenedProvider])
TEMPLATES = TypeAdapter(list[Annotated[TemplateCategory | None, WrapValidator(or_none)]])
TEMPLATE = TypeAdapter(Template)
BLOCKS = TypeAdapter(RecordsOf[Block])
PLACEMENT = TypeAdapter(PlacementOptions)
