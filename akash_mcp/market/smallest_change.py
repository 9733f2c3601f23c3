"""What to change in an SDL so that somebody bids: candidates, the smallest change first.

A candidate goes in steps, each of which asks for less than the one before: if one brings bids, so do all after it. The
order of candidates is how little they take away: what a container does not notice comes before a smaller machine, that
before another place, and the money and the user's own settings come last.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from decimal import ROUND_UP, Decimal
from typing import Any

from akash_mcp.clients.console.market_models import ProviderRecord
from akash_mcp.market.changes import Candidate, Change, Edit, in_order
from akash_mcp.market.matching import Kind, Match, Obstacle, Wanted, classes_of, gi
from akash_mcp.money import uact_per_block
from akash_mcp.sanitize.text import quoted
from akash_mcp.sdl import GroupSpec
from akash_mcp.sdl.model import Placement, Profile, Sdl, Service
from akash_mcp.sdl.output.quantities import gpu_units, millicores, rounded_up, size_bytes
from akash_mcp.sdl.rules.market_warnings import MAX_VOLUMES
from akash_mcp.sdl.yaml.loader import Path

GIB = 2**30
_CORES = (256, 192, 128, 96, 64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1)
_MEMORY = tuple(
    size * GIB for size in (1024, 768, 512, 384, 256, 192, 128, 96, 64, 48, 32, 24, 16, 8, 4, 2, 1)
)
_DISK = tuple(
    size * GIB for size in (16384, 8192, 4096, 2048, 1024, 512, 256, 128, 64, 50, 32, 20, 16, 10, 8, 4, 2, 1)
)
_NEVER = frozenset({Kind.OFFLINE, Kind.NOT_AUDITED})
_MOST_MODELS = 5
_MOST_VALUES = 3
_PLACES = re.compile(r"region|country|city|zone|continent", re.I)
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9][\w./+-]{0,63}")
"""A value of a provider's that may be written into an SDL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the candidates of one group follow from: the SDL, the group, the market, and what speaks against whom.

    `gpu_memory`: GiB by GPU model, as far as the Console's catalogue tells. `rate_limit`: whose limit the highest rate
    is, as the name of an argument or a setting.
    """

    sdl: Sdl
    group: GroupSpec
    records: Sequence[ProviderRecord]
    matches: Sequence[Match]
    wanted: Wanted
    gpu_memory: Mapping[str, Decimal]
    rate_limit: str = "AKASH_MCP_MAX_USD_PER_HOUR"

    @property
    def placement(self) -> Placement:
        """The group's placement."""
        return self.sdl.placements[self.group.name]

    @property
    def profiles(self) -> list[Profile]:
        """The profiles that it orders."""
        return [
            self.sdl.profiles[name]
            for name in dict.fromkeys(
                places[self.group.name].profile
                for places in self.sdl.deployment.values()
                if self.group.name in places
            )
        ]

    @property
    def services(self) -> list[Service]:
        """The services that run in it."""
        return [
            self.sdl.services[name]
            for name, places in self.sdl.deployment.items()
            if self.group.name in places
        ]

    def using(self, profile: Profile) -> list[Service]:
        """Those of them that use this profile."""
        return [
            each
            for each in self.services
            if self.sdl.deployment[each.name][self.group.name].profile == profile.name
        ]

    def sellers(self, kinds: Set[Kind], about: str = "") -> list[ProviderRecord]:
        """The providers whom nothing bars but these kinds of obstacles; where there are none, those who bid at all."""

        def is_of_these(each: Obstacle) -> bool:
            return each.kind in kinds and about in ("", each.about)

        free = {one.provider for one in self.matches if all(map(is_of_these, one.obstacles))}
        free = free or {one.provider for one in self.matches if not one.kinds & _NEVER}
        return [record for record in self.records if record.owner in free]

    @property
    def obstacles(self) -> list[Obstacle]:
        """What rules anybody out, what rules out most first."""
        counts = Counter(each for one in self.matches for each in one.obstacles)
        return [each for each, _ in counts.most_common()]


def candidates(asked: Asked) -> list[Candidate]:
    """The ways to bring bids, the smallest change first. Those that cannot be made are left out."""
    kinds = {each.kind for each in asked.obstacles}
    node = Kind.NODE in kinds
    found: list[Candidate] = []
    if Kind.GPU_FORM in kinds:
        found += _without_form(asked)
    if Kind.NOTICE in kinds:
        notice = Change("ask for no notice", (Edit(("reclamation",)),))
        found.append(Candidate(Kind.NOTICE, (notice,)))
    if Kind.ATTRIBUTE in kinds:
        found += _without_attributes(asked)
    if Kind.AUDITOR in kinds:
        found.append(_without_auditors(asked))
    if Kind.VOLUMES in kinds:
        found.append(_fewer_volumes(asked))
    if Kind.STORAGE_CLASS in kinds:
        found += _other_classes(asked)
    if Kind.DISK in kinds:
        found.append(_smaller_disks(asked, lasting=False))
    if Kind.PERSISTENT in kinds:
        found.append(_smaller_disks(asked, lasting=True))
    if Kind.CPU in kinds or node:
        found.append(_less_cpu(asked))
    if Kind.MEMORY in kinds or node:
        found.append(_less_memory(asked))
    if Kind.GPUS in kinds or node:
        found.append(_fewer_gpus(asked))
    if kinds & {Kind.GPU_MODEL, Kind.GPU_FORM, Kind.GPUS}:
        found.append(_other_models(asked))
    if Kind.LEASED_IP in kinds:
        found.append(_without_ips(asked))
    if Kind.STORAGE_CLASS in kinds or Kind.PERSISTENT in kinds:
        found.append(_not_persistent(asked))
    if Kind.CEILING in kinds:
        found += _higher_ceiling(asked)
    found += _settings(asked, kinds)
    return [candidate for candidate in found if candidate.steps]


def _resources(profile: Profile, *steps: str | int) -> Path:
    return ("profiles", "compute", profile.name, "resources", *steps)


def _without_form(asked: Asked) -> Iterator[Candidate]:
    for kept, words in (
        (("ram",), "any interface of the GPU"),
        (("interface",), "any memory size of the GPU"),
        ((), "any memory size and interface of the GPU"),
    ):
        edits = []
        for profile in asked.profiles:
            for models in [profile.gpu.models or () if profile.gpu else ()]:
                if any(model.ram or model.interface for model in models):
                    each = [
                        {"model": model.model}
                        | {name: getattr(model, name) for name in kept if getattr(model, name)}
                        for model in models
                    ]
                    value = [one for index, one in enumerate(each) if one not in each[:index]]
                    edits.append(Edit(_resources(profile, "gpu", "attributes", "vendor", "nvidia"), value))
        yield Candidate(Kind.GPU_FORM, (Change(f"take {words}", tuple(edits)),) if edits else ())


def _without_attributes(asked: Asked) -> Iterator[Candidate]:
    at: Path = ("profiles", "placement", asked.placement.name, "attributes")
    keys = list(dict.fromkeys(each.about for each in asked.obstacles if each.kind is Kind.ATTRIBUTE))
    for key in keys:
        if key == "tee/type" and key not in asked.placement.attributes:
            edits = tuple(
                Edit(("services", service.name, "params", "tee")) for service in asked.services if service.tee
            )
            yield Candidate(Kind.ATTRIBUTE, (Change("ask for no trusted execution environment", edits),))
            continue
        if _PLACES.search(key):
            for value in _values(asked, key):
                change = Change(
                    f"{key}: {value} in place of {_asked_value(asked, key)}", (Edit((*at, key), value),)
                )
                yield Candidate(Kind.ATTRIBUTE, (change,))
        whole = set(asked.placement.attributes) <= {key}
        change = Change(f"ask for no attribute {quoted(key, 60)}", (Edit(at if whole else (*at, key)),))
        yield Candidate(Kind.ATTRIBUTE, (change,))
    if len(keys) > 1:
        whole = set(asked.placement.attributes) <= set(keys)
        edits = (
            (Edit(at),)
            if whole
            else tuple(Edit((*at, key)) for key in keys if key in asked.placement.attributes)
        )
        yield Candidate(Kind.ATTRIBUTE, (Change("ask for none of these attributes", edits),))


def _asked_value(asked: Asked, key: str) -> str:
    return quoted(asked.placement.attributes.get(key, ""), 40)


def _values(asked: Asked, key: str) -> list[str]:
    """Values of an attribute that most providers have whom nothing else rules out, those like the asked one first."""
    wish = str(asked.placement.attributes.get(key, "")).casefold()
    counts = Counter(
        each.value
        for record in asked.sellers({Kind.ATTRIBUTE}, key)
        for each in record.attributes
        if each.key == key and _PLAIN_VALUE.fullmatch(each.value)
    )
    return sorted(counts, key=lambda value: (-_alike(value.casefold(), wish), -counts[value], value))[
        :_MOST_VALUES
    ]


def _alike(one: str, other: str) -> int:
    """With how many equal characters two words begin."""
    return next(
        (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def _without_auditors(asked: Asked) -> Candidate:
    at: Path = ("profiles", "placement", asked.placement.name, "signedBy")
    failing = {each.about for each in asked.obstacles if each.kind is Kind.AUDITOR}
    left = [each for each in asked.placement.all_of if each not in failing]
    edit = Edit((*at, "allOf"), left) if left else Edit((*at, "allOf") if asked.placement.any_of else at)
    return Candidate(Kind.AUDITOR, (Change("ask for no auditor of your own: the Console has one", (edit,)),))


def _fewer_volumes(asked: Asked) -> Candidate:
    edits: list[Edit] = []
    names: list[str] = []
    for profile in asked.profiles:
        for volume in profile.storage[MAX_VOLUMES:]:
            edits.append(Edit(_resources(profile, *volume.steps)))
            if volume.name is None:
                continue
            names.append(volume.name)
            edits += [
                Edit(("services", service.name, "params", "storage", volume.name))
                for service in asked.using(profile)
                if volume.name in service.mounts
            ]
    gone = f" without {', '.join(quoted(name, 30) for name in names[:3])}" if names else ""
    words = f"at most {MAX_VOLUMES} volumes{gone}: keep those files in another one"
    return Candidate(Kind.VOLUMES, (Change(words, in_order(edits)),))


def _other_classes(asked: Asked) -> Iterator[Candidate]:
    failing = {each.about for each in asked.obstacles if each.kind is Kind.STORAGE_CLASS}
    counts = Counter(
        each
        for record in asked.sellers({Kind.STORAGE_CLASS})
        for each in classes_of(record)
        if _PLAIN_VALUE.fullmatch(each)
    )
    for name, _ in counts.most_common(_MOST_VALUES):
        edits = tuple(
            Edit(_resources(profile, *volume.steps, "attributes", "class"), name)
            for profile in asked.profiles
            for volume in profile.storage
            if volume.kind in failing and volume.kind != name
        )
        yield Candidate(Kind.STORAGE_CLASS, (Change(f"storage class {name}", edits),) if edits else ())


def _not_persistent(asked: Asked) -> Candidate:
    edits = tuple(
        Edit(_resources(profile, *volume.steps, "attributes"))
        for profile in asked.profiles
        for volume in profile.storage
        if volume.persistent
    )
    words = "a disk that is not persistent: what is on it is lost with its container"
    return Candidate(Kind.STORAGE_CLASS, (Change(words, edits),) if edits else ())


def _smaller_disks(asked: Asked, *, lasting: bool) -> Candidate:
    disks = [
        (_resources(profile, *volume.steps, "size"), rounded_up(size_bytes(volume.size)))
        for profile in asked.profiles
        for volume in profile.storage
        if volume.persistent is lasting and volume.kind != "ram"
    ]
    name = "persistent disks" if lasting else "disks"
    kind = Kind.PERSISTENT if lasting else Kind.DISK
    return _ladder(kind, f"{name} of at most {{}} each", disks, _DISK, gi)


def _less_cpu(asked: Asked) -> Candidate:
    cpus = [
        (_resources(profile, "cpu", "units"), Decimal(millicores(profile.cpu)) / 1000)
        for profile in asked.profiles
    ]
    return _ladder(Kind.CPU, "at most {} cores a replica", cpus, _CORES, int)


def _less_memory(asked: Asked) -> Candidate:
    sizes = [
        (_resources(profile, "memory", "size"), rounded_up(size_bytes(profile.memory)))
        for profile in asked.profiles
    ]
    return _ladder(Kind.MEMORY, "at most {} of memory a replica", sizes, _MEMORY, gi)


def _fewer_gpus(asked: Asked) -> Candidate:
    gpus = [
        (_resources(profile, "gpu", "units"), rounded_up(gpu_units(profile.gpu.units)))
        for profile in asked.profiles
        if profile.gpu
    ]
    most = max((units for _, units in gpus), default=0)
    return _ladder(Kind.GPUS, "at most {} GPUs a replica", gpus, range(most - 1, 0, -1), int)


def _ladder(
    kind: Kind, words: str, fields: Sequence[tuple[Path, int | Decimal]], sizes: Iterable[int], written: Any
) -> Candidate:
    """Steps that cut each field to at most a size, from the largest size on that cuts any."""
    steps = []
    for size in sizes:
        edits = tuple(Edit(path, written(size)) for path, now in fields if now > size)
        if edits:
            steps.append(Change(words.format(written(size)), edits))
    return Candidate(kind, tuple(steps))


def _other_models(asked: Asked) -> Candidate:
    """The asked models, and one more in each step: those nearest in memory that somebody has whom else nothing bars."""
    offered = Counter(
        gpu.model
        for record in asked.sellers({Kind.GPU_MODEL, Kind.GPU_FORM, Kind.GPUS})
        for gpu in record.gpu_models
        if gpu.vendor == "nvidia" and _PLAIN_VALUE.fullmatch(gpu.model)
    )
    named = [
        model
        for profile in asked.profiles
        if profile.gpu
        for model in profile.gpu.models or ()
        if model.model
    ]
    sizes = [gibibytes(model.ram) or asked.gpu_memory.get(str(model.model)) for model in named]
    wish = max((size for size in sizes if size), default=None)

    def distance(model: str) -> tuple[bool, Decimal, int, str]:
        size = asked.gpu_memory.get(model)
        # As much memory as asked for or more comes before less of it: with less the model may not load.
        gap = abs(size - wish) if size and wish else Decimal(0)
        return bool(size and wish and size < wish), gap, -offered[model], model

    others = sorted(set(offered) - {str(model.model) for model in named}, key=distance)[:_MOST_MODELS]
    steps = []
    for count in range(1, len(others) + 1):
        more = [{"model": model} for model in others[:count]]
        edits = tuple(
            Edit(
                _resources(profile, "gpu", "attributes", "vendor", "nvidia"),
                [
                    *(
                        {
                            k: v
                            for k, v in (("model", m.model), ("ram", m.ram), ("interface", m.interface))
                            if v
                        }
                        for m in profile.gpu.models
                    ),
                    *more,
                ],
            )
            for profile in asked.profiles
            if profile.gpu and profile.gpu.models
        )
        if edits:
            steps.append(Change(f"also take GPU model {', '.join(others[:count])}", edits))
    return Candidate(Kind.GPU_MODEL, tuple(steps))


def gibibytes(ram: str) -> Decimal | None:
    """The memory of a GPU as providers write it, `80Gi`; None for other words."""
    found = re.fullmatch(r"([0-9]{1,4})Gi", ram)
    return Decimal(found[1]) if found else None


def _without_ips(asked: Asked) -> Candidate:
    edits = []
    left = set(asked.sdl.endpoints)
    for service in asked.services:
        for i, expose in enumerate(service.expose):
            for j, to in enumerate(expose.to):
                if to.ip:
                    edits.append(Edit(("services", service.name, "expose", i, "to", j, "ip")))
                    left.discard(to.ip)
    gone = [name for name in asked.sdl.endpoints if name not in left]
    edits += [Edit(("endpoints", name)) for name in gone] if left else [Edit(("endpoints",))]
    words = "no leased IP: it is reached at the provider's address and another port"
    return Candidate(Kind.LEASED_IP, (Change(words, tuple(edits)),))


def _higher_ceiling(asked: Asked) -> Iterator[Candidate]:
    """A ceiling at what such a group was let for at the most: bids compete below it."""
    known = asked.wanted.price_range(asked.group)
    if known is None:
        return
    price = uact_per_block(known[1])
    replicas = sum(unit.count for unit in asked.group.resources)
    factor = price / asked.group.price if asked.group.price else None
    edits = []
    for profile in asked.profiles:
        now = Decimal(str(asked.placement.pricing[profile.name]))
        amount = now * factor if factor is not None else price / replicas
        at: Path = ("profiles", "placement", asked.placement.name, "pricing", profile.name, "amount")
        edits.append(Edit(at, int(amount.to_integral_value(ROUND_UP))))
    yield Candidate(Kind.CEILING, (Change(f"a price ceiling of {known[1]} an hour", tuple(edits)),))


def _settings(asked: Asked, kinds: set[Kind]) -> Iterator[Candidate]:
    """What only the user can change."""
    policy = asked.wanted.policy
    known = asked.wanted.price_range(asked.group)
    if Kind.RATE_LIMIT in kinds and known is not None:
        most = known[1]
        words = f"allow {most} an hour" + ("" if asked.rate_limit.islower() else ", which only the user can")
        yield Candidate(
            Kind.RATE_LIMIT,
            (
                Change(
                    words,
                    policy=replace(policy, max_usd_per_hour=most),
                    setting=(asked.rate_limit, most.plain()),
                ),
            ),
        )
    own = {Kind.ALLOWED, Kind.DENIED}
    best = [one for one in asked.matches if one.kinds and one.kinds <= own and not one.unknown]
    if best and kinds & own:
        one = min(best, key=lambda each: (len(each.kinds), each.provider))
        name, value, wider = (
            (
                "AKASH_MCP_ALLOWED_PROVIDERS",
                sorted({*policy.allowed, one.provider}),
                replace(
                    policy, allowed=policy.allowed | {one.provider}, denied=policy.denied - {one.provider}
                ),
            )
            if Kind.ALLOWED in one.kinds
            else (
                "AKASH_MCP_DENIED_PROVIDERS",
                sorted(policy.denied - {one.provider}),
                replace(policy, denied=policy.denied - {one.provider}),
            )
        )
        words = f"let {one.provider} have it, which only the user can allow"
        yield Candidate(Kind.ALLOWED, (Change(words, policy=wider, setting=(name, ",".join(value))),))
