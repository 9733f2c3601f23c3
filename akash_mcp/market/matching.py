"""Why a provider cannot take a group, as far as its record in the Console's index tells: one check a requirement.

The checks are those of the Console's own screening (akash-network/console `bid-screening.repository.ts`) and of what
providers refuse besides (akash-network/provider `bidengine/order.go`). A record holds totals and not nodes, so whether
one node has the room is never known from it. What a record does not tell is unknown: it neither speaks for a provider
nor against it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache

from akash_mcp.clients.console.market_models import Amounts, Capacity, GpuModel, ProviderRecord
from akash_mcp.ids import ProviderAddress
from akash_mcp.market.prices import PriceRange
from akash_mcp.market.ranking import Requirements
from akash_mcp.market.regions import places_of
from akash_mcp.money import told_apart, usd_per_hour
from akash_mcp.sanitize.text import quoted
from akash_mcp.sdl import GroupSpec, ResourceUnit, Storage
from akash_mcp.sdl.output.orders import LEASED_IP
from akash_mcp.sdl.rules.market_warnings import MAX_VOLUMES

_NOT_PERSISTENT = ("", "ram", "default", "ephemeral")


class Kind(StrEnum):
    """What kind of requirement rules a provider out."""

    OFFLINE = "offline"
    NOT_AUDITED = "not audited"
    ALLOWED = "allow list"
    DENIED = "deny list"
    FAILED = "failed lately"
    REGION = "region"
    EXCLUDED = "left out as asked"
    ATTRIBUTE = "attribute"
    AUDITOR = "auditor"
    GPU_MODEL = "GPU model"
    GPU_FORM = "GPU memory or interface"
    GPUS = "GPUs"
    CPU = "CPU"
    MEMORY = "memory"
    DISK = "disk"
    PERSISTENT = "persistent disk"
    STORAGE_CLASS = "storage class"
    VOLUMES = "volumes"
    LEASED_IP = "leased IP"
    NOTICE = "notice"
    CEILING = "price ceiling"
    RATE_LIMIT = "highest rate"
    NODE = "room on one node"


OURS = frozenset(
    {
        Kind.NOT_AUDITED,
        Kind.ALLOWED,
        Kind.DENIED,
        Kind.FAILED,
        Kind.REGION,
        Kind.EXCLUDED,
        Kind.VOLUMES,
        Kind.CEILING,
        Kind.RATE_LIMIT,
    }
)
"""What the Console's screening does not look at, or answers otherwise than its list of bids does."""

SETTINGS = frozenset(
    {Kind.ALLOWED, Kind.DENIED, Kind.NOT_AUDITED, Kind.FAILED, Kind.REGION, Kind.EXCLUDED, Kind.RATE_LIMIT}
)
"""What no SDL decides."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One requirement that a provider does not meet. `about`: the key of the attribute, the auditor or the class."""

    kind: Kind
    words: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """What speaks against a provider, and what its record does not tell."""

    provider: ProviderAddress
    obstacles: tuple[Obstacle, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of its obstacles."""
        return frozenset(each.kind for each in self.obstacles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked of a provider beside the group itself: the user's policy, and notice in seconds.

    `policy.max_usd_per_hour` is the most that all groups together may cost. `price_range` tells between which rates,
    in dollars an hour, such a group was let lately; None where that is not known.
    """

    policy: Requirements
    price_range: Callable[[GroupSpec], PriceRange | None]
    notice: int | None = None


def match_all(records: Iterable[ProviderRecord], group: GroupSpec, wanted: Wanted) -> list[Match]:
    """Of each provider every reason why it cannot take the group, and what could not be told."""
    matches = []
    everybodys = (*prices(group, wanted), *volumes(group))
    asked = [gpu_keys(unit) for unit in group.resources if unit.gpu]
    for record in records:
        found = [*_policy(record.owner, wanted.policy), *everybodys]
        unknown: list[str] = []
        for told in (
            _standing(record),
            outside(places_of(record), wanted.policy),
            _attributes(record, group),
            _gpu_models(record, asked),
            _totals(record.stats, group),
            _storage_classes(record, group),
            _ips(record, group),
            _notice(record, wanted.notice),
        ):
            for each in told:
                if isinstance(each, Obstacle):
                    found.append(each)
                else:
                    unknown.append(each)
        matches.append(Match(record.owner, tuple(dict.fromkeys(found)), tuple(dict.fromkeys(unknown))))
    return matches


def match(record: ProviderRecord, group: GroupSpec, wanted: Wanted) -> Match:
    """Every reason why this provider cannot take the group, and what could not be told."""
    return match_all((record,), group, wanted)[0]


def match_unlisted(owner: ProviderAddress, group: GroupSpec, wanted: Wanted) -> Match:
    """As `match`, of a provider whose record is not there."""
    found = (
        *_policy(owner, wanted.policy),
        *outside(frozenset(), wanted.policy),
        *prices(group, wanted),
        *volumes(group),
    )
    return Match(owner, found, ("its record",))


@lru_cache(1024)
def _named(kind: Kind, words: str, name: str, about: str = "") -> Obstacle:
    """An obstacle with a name of the SDL's in its words. Kept, since many providers have the same one."""
    return Obstacle(kind, f"{words} {quoted(name, 60)}", about)


def counted(matches: Iterable[Match]) -> list[tuple[Obstacle, int]]:
    """How many providers each requirement rules out, the one that rules out most first."""
    counts = Counter(each for one in matches for each in one.obstacles)
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0].words))


def _standing(record: ProviderRecord) -> Iterator[Obstacle | str]:
    # The Console hides the bids of providers that are not audited from every account (`bid.service.ts`).
    told = (
        ("is_online", record.is_online, Kind.OFFLINE, "offline"),
        ("is_valid_version", record.is_valid_version, Kind.OFFLINE, "a version that is no longer valid"),
        ("is_audited", record.is_audited, Kind.NOT_AUDITED, "not audited: the Console hides its bids"),
    )
    for name, is_so, kind, words in told:
        if name not in record.model_fields_set:
            yield f"whether it is {kind}"
        elif not is_so:
            yield Obstacle(kind, words)


def _policy(owner: ProviderAddress, policy: Requirements) -> Iterator[Obstacle]:
    if policy.allowed and owner not in policy.allowed:
        yield Obstacle(Kind.ALLOWED, "not on the user's allow list")
    if owner in policy.denied:
        yield Obstacle(Kind.DENIED, "on the user's deny list")
    if owner in policy.failed:
        yield Obstacle(Kind.FAILED, "failed us lately")
    if owner in policy.excluded:
        yield Obstacle(Kind.EXCLUDED, "left out as asked")


def outside(places: frozenset[str], policy: Requirements) -> Iterator[Obstacle]:
    """Whether it is in none of the regions that are asked for. Where that is not known it is in none, as for offers."""
    if policy.regions and places.isdisjoint(policy.regions):
        names = ", ".join(quoted(each, 60) for each in sorted(policy.regions)[:3])
        yield Obstacle(Kind.REGION, f"not in {names}")


def prices(group: GroupSpec, wanted: Wanted) -> Iterator[Obstacle]:
    """Whether it was ever let for so little lately. Without a known price nothing is said."""
    known = wanted.price_range(group)
    if known is None:
        return
    most = usd_per_hour(group.price)
    if most < known.low:
        ceiling, lowest = told_apart(most, known.low)
        yield Obstacle(
            Kind.CEILING, f"the ceiling of {ceiling} an hour is below the lowest recent price, {lowest}"
        )
    limit = wanted.policy.max_usd_per_hour
    if limit is not None and limit < known.low:
        cost, lowest = told_apart(limit, known.low)
        yield Obstacle(
            Kind.RATE_LIMIT, f"the allowed {cost} an hour is below the lowest recent price, {lowest}"
        )


def volumes(group: GroupSpec) -> Iterator[Obstacle]:
    """Whether a replica has more volumes than providers take by default."""
    most = max((len(unit.storage) for unit in group.resources), default=0)
    if most > MAX_VOLUMES:
        yield Obstacle(Kind.VOLUMES, f"{most} volumes, and providers take {MAX_VOLUMES} by default")


def _attributes(record: ProviderRecord, group: GroupSpec) -> Iterator[Obstacle | str]:
    if (group.attributes or group.all_of) and not record.attributes:
        yield "its attributes"
        return
    held: dict[str, list[str]] = {}
    for attribute in record.attributes:
        held.setdefault(attribute.key, []).append(attribute.value)
    for asked in group.attributes:
        pattern = asked.value.casefold()
        if not any(_is_like(value.casefold(), pattern) for value in held.get(asked.key, ())):
            yield _named(Kind.ATTRIBUTE, "attribute", f"{asked.key}={asked.value}", asked.key)
    signers = {auditor for attribute in record.attributes for auditor in attribute.audited_by}
    for auditor in group.all_of:
        # Those of anyOf do not matter: the Console adds its own auditor to them, and shows the bids of its own only.
        if auditor not in signers:
            yield _named(Kind.AUDITOR, "auditor", auditor, auditor)


def _is_like(value: str, pattern: str) -> bool:
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern


def gpu_keys(unit: ResourceUnit) -> list[Mapping[str, str]]:
    """The GPUs that will do, as `{vendor, model, ram, interface}`; empty where any will."""
    named = [attribute.key for attribute in unit.gpu_attributes if attribute.key.startswith("vendor/")]
    parts = [key.split("/") for key in named]
    return [dict(zip(each[::2], each[1::2], strict=False)) for each in parts]


def is_model(gpu: GpuModel, asked: Mapping[str, str]) -> bool:
    """Whether this GPU is of the vendor and model that are asked for."""
    return gpu.vendor.casefold() == asked.get("vendor", "").casefold() and fnmatchcase(
        gpu.model.casefold(), asked.get("model", "*").casefold()
    )


def is_form(gpu: GpuModel, asked: Mapping[str, str]) -> bool:
    """Whether it has the memory and interface that are asked for. `sxm` is any `sxm5`."""
    ram, interface = asked.get("ram", ""), asked.get("interface", "").casefold()
    mine = gpu.interface.casefold()
    return (not ram or gpu.ram.casefold() == ram.casefold()) and (
        mine == interface or (interface.startswith("sxm") and mine.startswith("sxm")) or not interface
    )


def _gpu_models(
    record: ProviderRecord, units: Sequence[Sequence[Mapping[str, str]]]
) -> Iterator[Obstacle | str]:
    for asked in units:
        names = ", ".join(dict.fromkeys(each.get("model", "*") for each in asked))
        mine = [gpu for gpu in record.gpu_models if not asked or any(is_model(gpu, each) for each in asked)]
        if not record.gpu_models and _all_gpus(record.stats) != 0:
            yield "its GPU models"
        elif not mine:
            yield _named(Kind.GPU_MODEL, "GPU model", names) if asked else Obstacle(Kind.GPU_MODEL, "a GPU")
        elif asked and not any(is_model(gpu, each) and is_form(gpu, each) for gpu in mine for each in asked):
            forms = ("/".join(filter(None, (each.get("ram"), each.get("interface")))) for each in asked)
            yield _named(Kind.GPU_FORM, "GPU model", f"{names} {', '.join(dict.fromkeys(forms))}")


def _all_gpus(stats: Capacity | None) -> Decimal | None:
    """All its GPUs, leased ones too."""
    if stats is None or not stats.gpu.model_fields_set.issuperset({"active", "available"}):
        return None
    return stats.gpu.active + stats.gpu.pending + stats.gpu.available


def _totals(stats: Capacity | None, group: GroupSpec) -> Iterator[Obstacle | str]:
    """Whether all its nodes together have the room. Each replica needs it on one node, which is not told here."""
    units = group.resources
    cpu = sum(unit.cpu * unit.count for unit in units)
    memory = sum(unit.memory * unit.count for unit in units)
    gpus = sum(unit.gpu * unit.count for unit in units)
    disk = sum(stored(unit, lasting=False) * unit.count for unit in units)
    lasting = sum(stored(unit, lasting=True) * unit.count for unit in units)
    rooms: Sequence[tuple[Kind, int, Amounts | None, str]] = (
        (Kind.CPU, cpu, stats.cpu if stats else None, f"{Decimal(cpu) / 1000:f} cores"),
        (Kind.MEMORY, memory, stats.memory if stats else None, f"{gi(memory)} of memory"),
        (Kind.GPUS, gpus, stats.gpu if stats else None, f"{gpus} GPU{'s' * (gpus > 1)} free"),
        (Kind.DISK, disk, stats.storage.ephemeral if stats else None, f"{gi(disk)} of disk"),
        (
            Kind.PERSISTENT,
            lasting,
            stats.storage.persistent if stats else None,
            f"{gi(lasting)} of persistent disk",
        ),
    )
    for kind, needed, amounts, words in rooms:
        if not needed:
            continue
        if amounts is None or "available" not in amounts.model_fields_set:
            yield "what it has free"
        elif needed > amounts.available:
            yield Obstacle(kind, words)


def stored(unit: ResourceUnit, *, lasting: bool) -> int:
    """Bytes of one replica's volumes that do, or do not, outlive it. Those in memory are neither."""
    return sum(
        volume.size
        for volume in unit.storage
        if is_lasting(volume) is lasting and value_of(volume, "class") != "ram"
    )


def is_lasting(volume: Storage) -> bool:
    """Whether a volume is persistent."""
    return value_of(volume, "persistent") == "true"


def classes_of(record: ProviderRecord) -> frozenset[str]:
    """The storage classes that a provider says it has."""
    return frozenset(
        each.value
        for each in record.attributes
        if each.key.startswith("capabilities/storage/") and each.key.endswith("/class")
    )


def _storage_classes(record: ProviderRecord, group: GroupSpec) -> Iterator[Obstacle | str]:
    asked = {
        value_of(volume, "class")
        for unit in group.resources
        for volume in unit.storage
        if is_lasting(volume) or value_of(volume, "class") not in _NOT_PERSISTENT
    }
    if not asked:
        return
    if not record.attributes:
        yield "its storage classes"
        return
    held = classes_of(record)
    for one in sorted(asked):
        if (one in _NOT_PERSISTENT and not held) or (one not in _NOT_PERSISTENT and one not in held):
            yield _named(Kind.STORAGE_CLASS, "storage class", one, one)


def value_of(volume: Storage, key: str) -> str:
    """An attribute of a volume, empty where it has none of the name."""
    return next((each.value for each in volume.attributes if each.key == key), "")


def _ips(record: ProviderRecord, group: GroupSpec) -> Iterator[Obstacle | str]:
    if any(endpoint.kind == LEASED_IP for unit in group.resources for endpoint in unit.endpoints):
        if "feat_endpoint_ip" not in record.model_fields_set:
            yield "whether it leases IPs"
        elif not record.feat_endpoint_ip:
            yield Obstacle(Kind.LEASED_IP, "a leased IP")


def _notice(record: ProviderRecord, notice: int | None) -> Iterator[Obstacle | str]:
    if notice is None:
        return
    if record.reclamation_window is None:
        yield "the notice that it gives"
    elif record.reclamation_window < notice:
        yield Obstacle(Kind.NOTICE, f"{notice // 3600} hours of notice before it takes a lease back")


def gi(size: int) -> str:
    """Bytes as an SDL writes them, rounded up: `1.5Gi`, `64Gi`, `512Mi`."""
    mi = -(-size // 2**20)
    return (
        f"{mi}Mi"
        if mi < 1024
        else f"{(Decimal(mi) / 1024).quantize(Decimal('0.1'), ROUND_UP).normalize():f}Gi"
    )
