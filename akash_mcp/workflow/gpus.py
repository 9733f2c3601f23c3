"""Whether a lease has the GPUs that are paid for: what the SDL asks for, what its bid named, what its containers see.

The Console tells the last two (akash-network/console `lease-gpu.service.ts`, `gpu-model-resolver.ts`). A provider
names its own GPUs in a bid, and what a driver calls a card is brought to that name by a catalogue that may lack it. A
false alarm costs trust, so what is not plainly another GPU is the same one or not known:

- a name that is the other with letters before or behind it (`rtx4090d`, `rtxpro6000`) is not known, as is one that is
  not in the catalogue, unless it comes to the same;
- less memory is an eighth less: a driver keeps a part for itself, 46068 MiB of 48 GiB;
- fewer GPUs are fewer than one replica asks for: replicas that had not started when the Console looked are not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from akash_mcp.clients.console.gpu_models import OfferedGpu, OfferedUnit, SeenGpu
from akash_mcp.clients.console.models import Lease
from akash_mcp.market.gpu_names import MIB_A_GIB, bare_model, gib, interface
from akash_mcp.sanitize.text import quoted

_LEAST_OF_MEMORY = 0.875
_LONGEST_ATTRIBUTE = 200
_MOST_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Gpu:
    """So many GPUs of one kind. Empty and None are what is not told; without a `model` any will do, or none is known.

    `model`: lower-case letters and digits, as `rtx4090`. `raw`: the driver's name, where that is all there is.
    """

    model: str = ""
    mib: int | None = None
    interface: str = ""
    count: int = 0
    raw: str = ""

    def __str__(self) -> str:
        size = f"{round(self.mib / MIB_A_GIB)}Gi" if self.mib else ""
        name = self.model or (quoted(self.raw, 48) if self.raw else "GPU")
        times = f"{self.count}x" if self.count else ""
        return " ".join(part for part in (times, name, size, self.interface) if part)


@dataclass(frozen=True, slots=True)
class GpuDemand:
    """What a service asks for: `units` of one of `kinds` for each of its replicas."""

    units: int
    replicas: int
    kinds: tuple[Gpu, ...]

    @property
    def total(self) -> int:
        """All replicas together."""
        return self.units * self.replicas


@dataclass(frozen=True, slots=True)
class LeaseGpus:
    """The GPUs of one lease. `seen` is what its containers see, by service, as far as they tell.

    `other`: how they are not those that are paid for, a sentence each. `not_known`: where that cannot be told.
    """

    offered: tuple[Gpu, ...] = ()
    seen: Mapping[str, tuple[Gpu, ...]] = field(default_factory=dict)
    seen_at: str = ""
    other: tuple[str, ...] = ()
    not_known: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Both in a few words, `offered 1x h100 80Gi sxm; seen 1x h100 80Gi sxm`; empty where nothing is told."""
        seen = [gpu for gpus in self.seen.values() for gpu in gpus]
        parts = (("offered", self.offered), ("seen", seen))
        return "; ".join(f"{word} {', '.join(map(str, gpus[:_MOST_SHOWN]))}" for word, gpus in parts if gpus)


def demand_of(units: int, replicas: int, attributes: Iterable[str]) -> GpuDemand:
    """A demand from the attributes of a resource, such as `vendor/nvidia/model/h100/ram/80Gi/interface/sxm`."""
    return GpuDemand(units, replicas, tuple(_kind(key) for key in attributes if key.startswith("vendor/")))


def lease_gpus(lease: Lease, demands: Mapping[str, GpuDemand]) -> LeaseGpus:
    """The GPUs of a lease beside what each of its services asks for, as far as that is known."""
    looked = lease.detected_gpus
    offered = tuple(_offered(gpu) for gpu in (lease.offered_gpus.gpus if lease.offered_gpus else ()))
    seen = {
        each.service: tuple(map(_seen, each.gpus))
        for each in (looked.services if looked else ())
        if each.gpus
    }
    other = list(_other_bid(offered, demands))
    not_known: list[str] = []
    bid = offered if _is_whole(offered, seen, demands) else ()
    for service, gpus in seen.items():
        demand = demands.get(service)
        for gpu in gpus:
            # Told once: what is not what was bid is mostly not what is asked for either.
            for kinds, paid in ((bid, "was bid"), (demand.kinds if demand else (), "is asked for")):
                found = _comparison(gpu, kinds)
                sees = f"service {quoted(service)} sees {gpu}, and {_listed(kinds)} {paid}"
                if found.differences:
                    other.append(f"{sees} ({', '.join(found.differences)})")
                    break
                if found.is_open:
                    not_known.append(f"S{sees[1:]}: whether that is the same is not known.")
                    break
        if demand and (fewer := _fewer(gpus, demand)):
            other.append(f"service {quoted(service)} sees {fewer}")
    return LeaseGpus(offered, seen, looked.detected_at if looked else "", tuple(other), tuple(not_known))


def _other_bid(offered: Sequence[Gpu], demands: Mapping[str, GpuDemand]) -> Iterator[str]:
    if all(demand.kinds for demand in demands.values()):
        wanted = list(dict.fromkeys(kind for demand in demands.values() for kind in demand.kinds))
        for gpu in offered:
            if how := _comparison(gpu, wanted).differences:
                yield f"{gpu} was bid, and {_listed(wanted)} is asked for ({', '.join(how)})"


def offered_instead(units: Sequence[OfferedUnit] | None, demands: Mapping[str, GpuDemand]) -> str:
    """The GPU that a bid offers in place of one that is asked for, in words of ours; empty where it is not plainly
    another one: also where the bid or the demand names none, or names several of which one will do."""
    if not all(demand.kinds for demand in demands.values()):
        return ""
    wanted = list(dict.fromkeys(kind for demand in demands.values() for kind in demand.kinds))
    for unit in units or ():
        offered = demand_of(unit.resources.gpu.units.val, unit.count, unit.resources.gpu.kinds)
        found = [_comparison(kind, wanted) for kind in offered.kinds]
        if wanted and offered.units and found and all(each.differences for each in found):
            how = ", ".join(found[0].differences)
            return f"{_listed(offered.kinds)}, and {_listed(wanted)} is asked for ({how})"
    return ""


@dataclass(frozen=True, slots=True)
class _Comparison:
    """How a GPU differs from the nearest of those that are paid for. `is_open`: its name says neither yes nor no."""

    differences: tuple[str, ...] = ()
    is_open: bool = False


def _comparison(gpu: Gpu, paid: Sequence[Gpu]) -> _Comparison:
    each = [_beside(gpu, kind) for kind in paid]
    return min(each, key=lambda found: (len(found.differences), found.is_open), default=_Comparison())


def _beside(gpu: Gpu, paid: Gpu) -> _Comparison:
    same = _is_model(gpu, paid)
    differences = []
    if same is False:
        differences.append("another model")
    if gpu.mib and paid.mib and gpu.mib < paid.mib * _LEAST_OF_MEMORY:
        differences.append("less memory")
    if {gpu.interface, paid.interface} == {"pcie", "sxm"}:
        differences.append("another interface")
    return _Comparison(tuple(differences), same is None)


def _is_model(gpu: Gpu, paid: Gpu) -> bool | None:
    """Whether a GPU is of a model; None where that cannot be told from its name."""
    name, model = gpu.model or bare_model(gpu.raw), paid.model
    if not model or name == model:
        return True
    shorter, longer = sorted((name, model), key=len)
    rest = longer.removeprefix(shorter) if longer.startswith(shorter) else longer.removesuffix(shorter)
    return None if not gpu.model or rest.isalpha() else False


def _is_whole(
    offered: Sequence[Gpu], seen: Mapping[str, Sequence[Gpu]], demands: Mapping[str, GpuDemand]
) -> bool:
    """Whether the bid named every GPU: the Console leaves out a service whose offer names several models."""
    wanted = [demand.total for demand in demands.values()]
    present = [gpu.count for gpus in seen.values() for gpu in gpus]
    return sum(gpu.count for gpu in offered) == sum(wanted or present)


def _fewer(gpus: Sequence[Gpu], demand: GpuDemand) -> str:
    count = sum(gpu.count for gpu in gpus)
    if not all(gpu.count for gpu in gpus) or count >= demand.total or count % demand.units == 0:
        return ""
    return f"{count} of the {demand.total} GPUs that it asks for"


def _kind(attribute: str) -> Gpu:
    steps = attribute[:_LONGEST_ATTRIBUTE].split("/")
    told = dict(zip(steps[::2], steps[1::2], strict=False))
    model = told.get("model", "")
    return Gpu(
        "" if model in ("*", "undefined") else bare_model(model),
        _mib(told.get("ram", "")),
        interface(told.get("interface", "")),
    )


def _offered(gpu: OfferedGpu) -> Gpu:
    return Gpu(bare_model(gpu.model), _mib(gpu.ram), interface(gpu.interface), max(gpu.count, 0))


def _seen(gpu: SeenGpu) -> Gpu:
    raw = "" if gpu.model else gpu.display_name
    mib = gpu.memory_mb if gpu.memory_mb > 0 else None
    return Gpu(bare_model(gpu.model), mib, interface(gpu.interface), max(gpu.count, 0), raw)


def _mib(ram: str) -> int | None:
    size = gib(ram)
    return None if size is None else size * MIB_A_GIB


def _listed(gpus: Sequence[Gpu]) -> str:
    shown = [str(gpu) for gpu in gpus[:_MOST_SHOWN]]
    return " or ".join((*shown, *(["others"] if len(gpus) > _MOST_SHOWN else [])))
