"""Who is there: providers, what they have free, their GPUs, and what we ourselves saw of them.

Everything is read from the Console, which needs no key for it. The list of all providers is several megabytes, and is
read once a minute at the most. What one of the other reads does not tell is left out of the answer, and said.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Awaitable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import anyio

from akash_mcp.clients.console.generation import NotOffered
from akash_mcp.clients.console.market_models import (
    Auditor,
    GpuAvailability,
    GpuPrice,
    GpuVendor,
    PlacementOptions,
    ProviderRecord,
    ScreenedProvider,
)
from akash_mcp.errors import ApiError, BadArgument, Interrupted, NotFound, Unreachable
from akash_mcp.ids import AccountAddress, ProviderAddress
from akash_mcp.market.gpu_names import GpuName, known_model, near_models, read_name
from akash_mcp.market.gpu_search import (
    GpuCount,
    GpuKind,
    GpuSearch,
    GpuWanted,
    Others,
    PriceOfKind,
    count_by_kind,
    kinds_of,
    kinds_within,
    others,
    prices_by_kind,
    search_gpus,
)
from akash_mcp.market.regions import only_claimed, places_of, resolve
from akash_mcp.money import Usd
from akash_mcp.sanitize.text import quoted
from akash_mcp.workflow.runtime import Runtime

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST_GPUS = 64
"""The most GPUs that one node is asked for."""
ANY = "any"
_MOST_MODELS = 40
_GIB = re.compile(r"(\d{1,4}) ?(?:gi?b?)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class GpusFound:
    """An answer to who has some GPUs. `wanted`: as it was understood.

    `checked`: whether the Console was asked who has as many on one node. `claimed`: names of regions among those asked
    for that nothing measures. `nobody_has`: the model is in the Console's catalogue, and at no provider. `others`:
    where nothing was found, what there is. `not_known`: what could not be read. `age_seconds`: of the providers' list.
    """

    wanted: GpuWanted
    search: GpuSearch
    checked: bool
    claimed: frozenset[str]
    nobody_has: bool
    others: Others
    failing: Mapping[ProviderAddress, str]
    not_known: Sequence[str]
    age_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvidersFound:
    """Some of the providers, those that can be leased from and answer best first. `total`: of how many."""

    records: Sequence[ProviderRecord]
    total: int
    claimed: frozenset[str]
    failing: Mapping[ProviderAddress, str]
    age_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OneProvider:
    """One provider. `stock`: its GPUs by kind, None where that is not told. `prices`: of all the network's bids.

    `auditors`: whose signature under an attribute says something; anybody can sign.
    """

    record: ProviderRecord
    stock: Mapping[GpuKind, GpuCount] | None
    prices: Mapping[GpuKind, PriceOfKind]
    auditors: frozenset[AccountAddress]
    our_history: Sequence[str]
    not_known: Sequence[str]


async def find_gpus(
    rt: Runtime,
    *,
    model: str | None = None,
    memory: str | None = None,
    count: int = 1,
    region: str | None = None,
    max_usd_per_hour: Usd | None = None,
) -> GpusFound:
    """Who has `count` GPUs of a `model` with at least so much `memory` free, in a `region`, for at most so much.

    Names are taken as people write them. Raises `BadArgument` for a model, memory or region that there is not, with
    those that there are.
    """
    everyone = await rt.reader.all_providers()
    records = everyone.value
    places = resolve([region] if region else [], records)
    least_gib = _gib(memory) if memory else None
    reads = _Reads()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reads.prices, rt)
        tasks.start_soon(reads.placement, rt)
    prices = prices_by_kind(reads.told_prices)
    name = read_name(model) if model else GpuName("")
    known = _models(records)
    known.update(kind.model for kind in prices)
    resolved = await _model(rt, reads, name, model, known) if model else ""
    wanted = GpuWanted(
        model=resolved,
        gib=name.gib,
        least_gib=least_gib,
        interface=name.interface,
        count=count,
        places=places,
        max_usd_per_hour=max_usd_per_hour,
    )
    affordable, *_ = kinds_within(wanted, records, prices)
    fitting = await _fitting(rt, reads, count, affordable) if count > 1 else None
    policy = rt.policy
    ruled_out = {
        record.owner
        for record in records
        if record.owner in policy.denied_providers
        or (policy.allowed_providers and record.owner not in policy.allowed_providers)
    }
    search = search_gpus(
        wanted, records, prices, placement=reads.told_placement, fitting=fitting, ruled_out=ruled_out
    )
    return GpusFound(
        wanted=wanted,
        search=search,
        checked=fitting is not None,
        claimed=only_claimed(places, records),
        nobody_has=bool(resolved) and resolved not in known,
        others=Others() if search.providers else others(wanted, records, prices),
        failing=await rt.evidence.failing_providers(),
        not_known=reads.not_known,
        age_seconds=everyone.age_seconds,
    )


async def list_providers(
    rt: Runtime,
    *,
    region: str | None = None,
    audited: bool | None = None,
    gpu: str | None = None,
    online: bool | None = True,
) -> ProvidersFound:
    """The providers of a `region` that have a `gpu`, a model as people write it or `any`. None asks for nothing.

    Raises `BadArgument` for a region or model that there is not, with those that there are.
    """
    everyone = await rt.reader.all_providers()
    places = resolve([region] if region else [], everyone.value)
    wanted: GpuWanted | None = None
    if gpu:
        name = GpuName("") if gpu.strip().casefold() == ANY else read_name(gpu)
        model = await _model(rt, _Reads(), name, gpu, _models(everyone.value)) if name.words else ""
        wanted = GpuWanted(model=model, gib=name.gib, interface=name.interface)
    found = [
        record
        for record in everyone.value
        if (not places or places & places_of(record))
        and audited in (None, record.is_audited)
        and online in (None, record.is_online)
        and (wanted is None or any(map(wanted.takes, kinds_of(record))))
    ]
    found.sort(
        key=lambda record: (
            not record.is_audited,
            not record.is_valid_version,
            record.uptime7d is None,
            -(record.uptime7d or 0),
            -(record.lease_count or 0),
            record.owner,
        )
    )
    return ProvidersFound(
        records=found,
        total=len(everyone.value),
        claimed=only_claimed(places, everyone.value),
        failing=await rt.evidence.failing_providers(),
        age_seconds=everyone.age_seconds,
    )


async def read_provider(rt: Runtime, address: ProviderAddress) -> OneProvider:
    """One provider, its GPUs as far as they are told, and our own history with it. Raises `BadArgument` for none."""
    try:
        record = await rt.reader.get_provider(address)
    except NotFound as missing:
        raise BadArgument(
            f"No provider has the address {address}.", next_step="list_providers names those that there are."
        ) from missing
    reads = _Reads()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reads.auditors, rt)
        if record.gpu_models:
            tasks.start_soon(reads.prices, rt)
            tasks.start_soon(reads.stock, rt, address)
    told = reads.told_stock
    return OneProvider(
        record=record,
        stock=count_by_kind(told) if told else None,
        prices=prices_by_kind(reads.told_prices),
        auditors=frozenset(auditor.address for auditor in reads.told_auditors),
        our_history=await our_history(rt, address),
        not_known=reads.not_known,
    )


async def our_history(rt: Runtime, address: ProviderAddress) -> list[str]:
    """What we saw of a provider ourselves, a sentence each. Nothing says nothing about it."""
    ours = str(await rt.track_records.of(address))
    failed = (await rt.evidence.failing_providers()).get(address)
    passed_over = f"It failed lately, so deploy passes it over: {failed}" if failed else ""
    return [told for told in (ours, passed_over) if told]


@dataclass(slots=True)
class _Reads:
    """Reads beside the list of providers. One that fails takes nothing from the others, and is named."""

    told_prices: Sequence[GpuPrice] = ()
    told_placement: PlacementOptions | None = None
    told_stock: GpuAvailability | None = None
    told_auditors: Sequence[Auditor] = ()
    not_known: list[str] = field(default_factory=list)

    async def prices(self, rt: Runtime) -> None:
        self.told_prices = await self._told("what GPUs were let for", rt.reader.gpu_prices()) or ()

    async def placement(self, rt: Runtime) -> None:
        self.told_placement = await self._told("the most on one node", rt.reader.placement_options())

    async def stock(self, rt: Runtime, address: ProviderAddress) -> None:
        what = "how many GPUs of each model are free"
        self.told_stock = await self._told(what, rt.reader.gpus(provider=address))

    async def auditors(self, rt: Runtime) -> None:
        self.told_auditors = await self._told("which claims an auditor signed", rt.reader.auditors()) or ()

    async def catalogue(self, rt: Runtime) -> Sequence[GpuVendor]:
        return await self._told("which other models there are", rt.reader.gpu_models()) or ()

    async def screened(
        self, rt: Runtime, resources: Sequence[Mapping[str, object]]
    ) -> Sequence[ScreenedProvider] | None:
        return await self._told("who has so many on one node", rt.reader.screen_bids(resources))

    async def _told(self, what: str, answer: Awaitable[T]) -> T | None:
        try:
            return await answer
        except (ApiError, Interrupted, NotOffered, Unreachable) as failure:
            log.info("%s is not known: %s", what, failure)
            self.not_known.append(what)
            return None


async def _model(rt: Runtime, reads: _Reads, name: GpuName, written: str, known: Counter[str]) -> str:
    """The Console's name of a model. Raises `BadArgument` for one that is not in its catalogue either."""
    if found := known_model(name, known):
        return found
    catalogue = {model.name.lower() for vendor in await reads.catalogue(rt) for model in vendor.models}
    if found := known_model(name, catalogue):
        return found
    near = near_models(name, known) or near_models(name, catalogue)
    did_you_mean = f"Did you mean {' or '.join(map(quoted, near))}? " if near else ""
    raise BadArgument(
        f"No GPU is called {quoted(written)} here.",
        next_step=f"{did_you_mean}Models at providers: {_listed(known) or 'none is known'}.",
    )


async def _fitting(
    rt: Runtime, reads: _Reads, count: int, kinds: Collection[GpuKind]
) -> frozenset[ProviderAddress] | None:
    """Who has so many GPUs of these kinds on one node, as the Console's screening tells; None where it does not."""
    if not kinds:
        return None
    screened = await reads.screened(rt, [_replica(count, sorted(kinds))])
    return None if screened is None else frozenset(provider.owner for provider in screened)


def _replica(count: int, kinds: Sequence[GpuKind]) -> dict[str, object]:
    """One replica with so many GPUs, any of the kinds, and hardly anything else, as the screening takes it."""
    attributes = [{"key": kind.attribute, "value": "true"} for kind in kinds]
    resource = {
        "id": 1,
        "cpu": {"units": {"val": "100"}},
        "memory": {"quantity": {"val": str(128 * 2**20)}},
        "gpu": {"units": {"val": str(count)}, "attributes": attributes},
        "storage": [{"name": "default", "quantity": {"val": str(512 * 2**20)}}],
        "endpoints": [],
    }
    return {"resource": resource, "count": 1, "price": {"denom": "uact", "amount": "1"}}


def _gib(memory: str) -> int:
    found = _GIB.fullmatch(memory.strip())
    if found is None or not int(found[1]):
        raise BadArgument(
            f"{quoted(memory)} is not the memory of a GPU.", next_step="Write it as 24Gi or 80GB."
        )
    return int(found[1])


def _models(records: Iterable[ProviderRecord]) -> Counter[str]:
    """The models that providers have, and at how many of them."""
    return Counter(model for record in records for model in {kind.model for kind in kinds_of(record)})


def _listed(models: Counter[str]) -> str:
    """Those that most have first: one provider can name any number."""
    ordered = sorted(models, key=lambda model: (-models[model], model))
    more = len(ordered) - _MOST_MODELS
    return ", ".join((*ordered[:_MOST_MODELS], *([f"and {more} more"] if more > 0 else [])))
