"""Ways to ask for a smaller or another machine: GPUs, CPU, memory, disks and volumes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal

from akash_mcp.market.asked import PLAIN_VALUE, Asked
from akash_mcp.market.changes import Candidate, Change, Edit, in_order
from akash_mcp.market.matching import Kind, classes_of, gi
from akash_mcp.sanitize.text import quoted
from akash_mcp.sdl.model import GpuModel, Profile
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
_MODELS = ("gpu", "attributes", "vendor", "nvidia")
_MOST_MODELS = 5
_MOST_CLASSES = 3


def _resources(profile: Profile, *steps: str | int) -> Path:
    return ("profiles", "compute", profile.name, "resources", *steps)


def without_form(asked: Asked) -> Iterator[Candidate]:
    """The same GPU models in any memory size, with any interface, or both."""
    for kept, words in (
        (("ram",), "any interface of the GPU"),
        (("interface",), "any memory size of the GPU"),
        ((), "any memory size and interface of the GPU"),
    ):
        edits = []
        for profile in asked.profiles:
            models = profile.gpu.models or () if profile.gpu else ()
            if any(model.ram or model.interface for model in models):
                each = [_written(model, kept) for model in models]
                value = [one for index, one in enumerate(each) if one not in each[:index]]
                edits.append(Edit(_resources(profile, *_MODELS), value))
        yield Candidate(Kind.GPU_FORM, (Change(f"take {words}", tuple(edits)),) if edits else ())


def fewer_volumes(asked: Asked) -> Candidate:
    """No more volumes than providers take by default: the first ones."""
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


def other_classes(asked: Asked) -> Iterator[Candidate]:
    """Storage classes that providers have, the most frequent first."""
    failing = {each.about for each in asked.obstacles if each.kind is Kind.STORAGE_CLASS}
    counts = Counter(
        each
        for record in asked.sellers({Kind.STORAGE_CLASS})
        for each in classes_of(record)
        if PLAIN_VALUE.fullmatch(each)
    )
    for name, _ in counts.most_common(_MOST_CLASSES):
        edits = tuple(
            Edit(_resources(profile, *volume.steps, "attributes", "class"), name)
            for profile in asked.profiles
            for volume in profile.storage
            if volume.kind in failing and volume.kind != name
        )
        yield Candidate(Kind.STORAGE_CLASS, (Change(f"storage class {name}", edits),) if edits else ())


def not_persistent(asked: Asked) -> Candidate:
    """Disks that are lost with their container."""
    edits = tuple(
        Edit(_resources(profile, *volume.steps, "attributes"))
        for profile in asked.profiles
        for volume in profile.storage
        if volume.persistent
    )
    words = "a disk that is not persistent: what is on it is lost with its container"
    return Candidate(Kind.STORAGE_CLASS, (Change(words, edits),) if edits else ())


def smaller_disks(asked: Asked, *, lasting: bool) -> Candidate:
    """Smaller disks: those that last, or the others."""
    disks = [
        (_resources(profile, *volume.steps, "size"), rounded_up(size_bytes(volume.size)))
        for profile in asked.profiles
        for volume in profile.storage
        if volume.persistent is lasting and volume.kind != "ram"
    ]
    name = "persistent disks" if lasting else "disks"
    kind = Kind.PERSISTENT if lasting else Kind.DISK
    return _ladder(kind, f"{name} of at most {{}} each", disks, _DISK, gi)


def less_cpu(asked: Asked) -> Candidate:
    """Fewer cores a replica."""
    cpus = [
        (_resources(profile, "cpu", "units"), Decimal(millicores(profile.cpu)) / 1000)
        for profile in asked.profiles
    ]
    return _ladder(Kind.CPU, "at most {} cores a replica", cpus, _CORES, int)


def less_memory(asked: Asked) -> Candidate:
    """Less memory a replica."""
    sizes = [
        (_resources(profile, "memory", "size"), rounded_up(size_bytes(profile.memory)))
        for profile in asked.profiles
    ]
    return _ladder(Kind.MEMORY, "at most {} of memory a replica", sizes, _MEMORY, gi)


def fewer_gpus(asked: Asked) -> Candidate:
    """Fewer GPUs a replica, one at a time."""
    gpus = [
        (_resources(profile, "gpu", "units"), rounded_up(gpu_units(profile.gpu.units)))
        for profile in asked.profiles
        if profile.gpu
    ]
    most = max((units for _, units in gpus), default=0)
    return _ladder(Kind.GPUS, "at most {} GPUs a replica", gpus, range(most - 1, 0, -1), int)


def _ladder(
    kind: Kind,
    words: str,
    fields: Sequence[tuple[Path, int | Decimal]],
    sizes: Iterable[int],
    written: Callable[[int], int | str],
) -> Candidate:
    """Steps that cut each field to at most a size, from the largest size on that cuts any."""
    steps = []
    for size in sizes:
        edits = tuple(Edit(path, written(size)) for path, now in fields if now > size)
        if edits:
            steps.append(Change(words.format(written(size)), edits))
    return Candidate(kind, tuple(steps))


def other_models(asked: Asked) -> Candidate:
    """The asked models, and one more in each step: those nearest in memory that somebody has whom else nothing bars."""
    offered = Counter(
        gpu.model
        for record in asked.sellers({Kind.GPU_MODEL, Kind.GPU_FORM, Kind.GPUS})
        for gpu in record.gpu_models
        if gpu.vendor == "nvidia" and PLAIN_VALUE.fullmatch(gpu.model)
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
                _resources(profile, *_MODELS),
                [*(_written(model, ("ram", "interface")) for model in profile.gpu.models), *more],
            )
            for profile in asked.profiles
            if profile.gpu and profile.gpu.models
        )
        if edits:
            steps.append(Change(f"also take GPU model {', '.join(others[:count])}", edits))
    return Candidate(Kind.GPU_MODEL, tuple(steps))


def _written(model: GpuModel, parts: Iterable[str]) -> dict[str, str]:
    """A GPU model as an SDL names it, with some of its parts."""
    named = {"model": model.model or "", **{part: getattr(model, part) for part in parts}}
    return {key: value for key, value in named.items() if value}


def gibibytes(ram: str) -> Decimal | None:
    """The memory of a GPU as providers write it, `80Gi`; None for other words."""
    found = re.fullmatch(r"([0-9]{1,4})Gi", ram)
    return Decimal(found[1]) if found else None
