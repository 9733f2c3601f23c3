"""Who has which GPUs free, how many of them, and what such a GPU was let for.

What is counted is what can be leased through the Console: of a provider that is online, of a version that is still
good, and audited, since the Console shows no other's bids. A provider's record says which models it has and how many
GPUs are free in all: of one that has other models too, what is free of those asked for is at most that. Prices are of
the network's bids for one GPU of a kind (`GET /v1/gpu-prices`): no provider tells its own before it bids.

What is not known is not free, and is counted by itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from akash_mcp.clients.console.market_models import (
    GpuAvailability,
    GpuModel,
    GpuPrice,
    PlacementOptions,
    ProviderRecord,
)
from akash_mcp.ids import ProviderAddress
from akash_mcp.market.gpu_names import gib, interface
from akash_mcp.market.regions import places_of
from akash_mcp.money import NotMoney, Usd

_MODEL = re.compile(r"[a-z0-9][a-z0-9._+]{0,31}")

OFFLINE = "offline"
OLD_VERSION = "of a version that is no longer good"
NOT_AUDITED = "not audited, so the Console shows no bid of theirs"
RULED_OUT = "ruled out by the user's policy"
ELSEWHERE = "elsewhere"
NOT_KNOWN = "with an unknown number free"
TOO_FEW = "with fewer free"
NOT_ON_ONE_NODE = "with as many free, but not on one node"


@dataclass(frozen=True, slots=True, order=True)
class GpuKind:
    """A model with its memory (`80Gi`) and interface (`pcie`, `sxm`); empty where that is not told."""

    model: str
    ram: str = ""
    interface: str = ""
    vendor: str = "nvidia"

    def __str__(self) -> str:
        return " ".join(filter(None, (self.model, self.ram, self.interface)))

    @property
    def attribute(self) -> str:
        """The key by which an SDL's resources ask for it."""
        parts = [f"vendor/{self.vendor}/model/{self.model}"]
        parts += [f"ram/{self.ram}"] if self.ram else []
        parts += [f"interface/{self.interface}"] if self.interface else []
        return "/".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuWanted:
    """What is looked for. Empty and None ask for nothing.

    `least_gib`: the least memory of one GPU. `gib`: exactly so much. `count`: GPUs on one node. `max_usd_per_hour`: for
    all of them together. `places`: as `regions.resolve` gives them.
    """

    model: str = ""
    gib: int | None = None
    least_gib: int | None = None
    interface: str = ""
    count: int = 1
    places: frozenset[str] = frozenset()
    max_usd_per_hour: Usd | None = None

    def takes(self, kind: GpuKind) -> bool:
        """Whether a kind is what is looked for. An unknown memory or interface is not one that was asked for."""
        size = gib(kind.ram)
        return (
            self.model in ("", kind.model)
            and (self.gib is None or size == self.gib)
            and (self.least_gib is None or (size is not None and size >= self.least_gib))
            and self.interface in ("", kind.interface)
        )


@dataclass(frozen=True, slots=True)
class PriceOfKind:
    """What bids for one GPU of a kind were, in US dollars an hour. Without a `median` several lists were joined."""

    low: Usd
    high: Usd
    median: Usd | None


@dataclass(frozen=True, slots=True)
class GpuCount:
    """GPUs of one kind at a provider."""

    total: int
    free: int


@dataclass(frozen=True, slots=True)
class KindFound:
    """A kind that somebody has who can be leased from. `free`: how many there are at the least, by what is certain.

    `most_on_one_node`: the most that one replica can have (`2026-11`). None is not known.
    """

    kind: GpuKind
    providers: int
    free: int
    most_on_one_node: int | None
    price: PriceOfKind | None


@dataclass(frozen=True, slots=True)
class ProviderFound:
    """A provider that has some of the GPUs. `free` is of all its models together where it is not `exact`."""

    record: ProviderRecord
    kinds: tuple[GpuKind, ...]
    free: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Others:
    """What else there is. `differ_in_price`: they are all that was wished for, but for the price."""

    kinds: tuple[KindFound, ...] = ()
    differ_in_price: bool = False


@dataclass(frozen=True, slots=True)
class GpuSearch:
    """What was found: kinds, the cheapest first, and providers, those with most free first.

    `left_out`: how many providers have such GPUs and are not among them, by what speaks against them. `dearer` and
    `without_price`: kinds that were left out because of `max_usd_per_hour`.
    """

    kinds: tuple[KindFound, ...]
    providers: tuple[ProviderFound, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)
    dearer: tuple[GpuKind, ...] = ()
    without_price: tuple[GpuKind, ...] = ()


def kinds_of(record: ProviderRecord) -> tuple[GpuKind, ...]:
    """The GPUs that a provider's record names, each kind once."""
    return tuple(sorted({kind for gpu in record.gpu_models if (kind := _kind(gpu))}))


def free_gpus(record: ProviderRecord) -> int | None:
    """How many GPUs of any model a provider has free; None where that is not told."""
    free = record.stats.gpu.free if record.stats else None
    return None if free is None else int(free)


def prices_by_kind(prices: Iterable[GpuPrice]) -> dict[GpuKind, PriceOfKind]:
    """What one GPU of each kind was let for. Kinds that nobody bid with, or whose price nobody can mean, are absent."""
    found: dict[GpuKind, PriceOfKind] = {}
    for each in prices:
        kind, price = _kind(each), _price(each)
        if kind is None or price is None:
            continue
        other = found.get(kind)
        found[kind] = (
            price
            if other is None
            else PriceOfKind(min(price.low, other.low), max(price.high, other.high), None)
        )
    return found


def count_by_kind(told: GpuAvailability) -> dict[GpuKind, GpuCount]:
    """How many of each kind there are and are free, where both are told."""
    found: dict[GpuKind, GpuCount] = {}
    for vendor, kinds in told.details.items():
        for each in kinds:
            kind = _kind(GpuModel(vendor=vendor, model=each.model, ram=each.ram, interface=each.interface))
            if kind is None or not {"allocatable", "allocated"} <= each.model_fields_set:
                continue
            other = found.get(kind, GpuCount(0, 0))
            free = max(each.allocatable - each.allocated, 0)
            found[kind] = GpuCount(other.total + each.allocatable, other.free + free)
    return found


def kinds_within(
    wanted: GpuWanted, records: Sequence[ProviderRecord], prices: Mapping[GpuKind, PriceOfKind]
) -> tuple[set[GpuKind], list[GpuKind], list[GpuKind]]:
    """The kinds at providers that are wanted, and of those in the region the ones that cost more, and of which that is
    not known.
    """
    kinds = sorted({kind for record in records for kind in kinds_of(record) if wanted.takes(kind)})
    most = wanted.max_usd_per_hour
    if most is None:
        return set(kinds), [], []
    dearer = [k for k in kinds if k in prices and prices[k].low * wanted.count > most]
    without_price = [k for k in kinds if k not in prices]
    there = {kind for record in records if _is_there(record, wanted) for kind in kinds_of(record)}
    return (
        set(kinds) - set(dearer) - set(without_price),
        [kind for kind in dearer if kind in there],
        [kind for kind in without_price if kind in there],
    )


def search_gpus(
    wanted: GpuWanted,
    records: Sequence[ProviderRecord],
    prices: Mapping[GpuKind, PriceOfKind],
    *,
    placement: PlacementOptions | None = None,
    fitting: Collection[ProviderAddress] | None = None,
    ruled_out: Collection[ProviderAddress] = (),
) -> GpuSearch:
    """Who has the GPUs that are `wanted`.

    `fitting`: the providers with as many free on one node, where the Console was asked; None is not known. `ruled_out`:
    those that the user's policy does not take.
    """
    affordable, dearer, without_price = kinds_within(wanted, records, prices)
    left_out: Counter[str] = Counter()
    found: list[ProviderFound] = []
    for record in records:
        everything = kinds_of(record)
        kinds = tuple(kind for kind in everything if kind in affordable)
        if not kinds:
            continue
        free = free_gpus(record)
        if against := _against(record, free, wanted, fitting, ruled_out):
            left_out[against] += 1
        elif free is not None:
            is_exact = len(everything) == len(kinds) and all(map(_kind, record.gpu_models))
            found.append(ProviderFound(record, kinds, free, is_exact))
    found.sort(key=lambda each: (-each.free, not each.exact, each.record.owner))
    shown = [_found(kind, found, placement, prices.get(kind)) for kind in affordable]
    kinds_found = [each for each in shown if each.providers]
    kinds_found.sort(key=lambda each: (each.price is None, each.price and each.price.low, each.kind))
    return GpuSearch(tuple(kinds_found), tuple(found), dict(left_out), tuple(dearer), tuple(without_price))


def others(
    wanted: GpuWanted, records: Sequence[ProviderRecord], prices: Mapping[GpuKind, PriceOfKind]
) -> Others:
    """What there is where nothing was found, that somebody may have free: just that for more or for an unknown price,
    else of the same model anywhere, else all kinds.
    """
    at_any_price = replace(wanted, max_usd_per_hour=None)
    for looser in (at_any_price, GpuWanted(model=wanted.model), GpuWanted()):
        if looser != wanted and (found := search_gpus(looser, records, prices).kinds):
            return Others(found, differ_in_price=looser == at_any_price)
    return Others()


def _is_there(record: ProviderRecord, wanted: GpuWanted) -> bool:
    """Whether a provider is in one of the places that are wanted."""
    return not wanted.places or not wanted.places.isdisjoint(places_of(record))


def _against(
    record: ProviderRecord,
    free: int | None,
    wanted: GpuWanted,
    fitting: Collection[ProviderAddress] | None,
    ruled_out: Collection[ProviderAddress],
) -> str:
    """The first thing that speaks against a provider; empty for none."""
    reasons = (
        (not record.is_online, OFFLINE),
        (not record.is_valid_version, OLD_VERSION),
        (not record.is_audited, NOT_AUDITED),
        (record.owner in ruled_out, RULED_OUT),
        (not _is_there(record, wanted), ELSEWHERE),
        (free is None, NOT_KNOWN),
        (free is not None and free < wanted.count, TOO_FEW),
        (fitting is not None and record.owner not in fitting, NOT_ON_ONE_NODE),
    )
    return next((words for applies, words in reasons if applies), "")


def _found(
    kind: GpuKind,
    found: Iterable[ProviderFound],
    placement: PlacementOptions | None,
    price: PriceOfKind | None,
) -> KindFound:
    having = [each for each in found if kind in each.kinds]
    certain = sum(each.free for each in having if each.exact and len(each.kinds) == 1)
    return KindFound(kind, len(having), certain, _on_one_node(kind, placement), price)


def _on_one_node(kind: GpuKind, placement: PlacementOptions | None) -> int | None:
    """The most of a kind that one node has free, where the Console tells it of just this kind."""
    for vendor in placement.gpus if placement else ():
        for model in vendor.models:
            if (vendor.vendor.lower(), model.name.lower()) == (kind.vendor, kind.model):
                told = [
                    variant.max_node_free_units
                    for variant in model.variants
                    if (variant.memory, interface(variant.interface)) == (kind.ram, kind.interface)
                    and variant.max_node_free_units is not None
                ]
                return max(told, default=None)
    return None


def _kind(gpu: GpuModel | GpuPrice) -> GpuKind | None:
    """A kind in the Console's spelling; None for a name that no SDL could ask for."""
    vendor, model = gpu.vendor.lower(), gpu.model.lower()
    if not _MODEL.fullmatch(model) or not _MODEL.fullmatch(vendor):
        return None
    return GpuKind(model, gpu.ram if gib(gpu.ram) else "", interface(gpu.interface), vendor)


def _price(told: GpuPrice) -> PriceOfKind | None:
    """The range of a price in dollars; None where one of its ends is absent, or nobody can mean it."""
    price = told.price
    if price is None or price.currency != "USD" or price.min is None or price.max is None:
        return None
    try:
        low, high = Usd.parse(price.min), Usd.parse(price.max)
        middle = Usd.parse(price.med) if price.med else None
    except NotMoney:
        return None
    return PriceOfKind(low, high, middle) if low and low <= high else None
