"""How large a service with GPUs has to be when nobody says it: a model that fits its GPUs can be stored and loaded.

A program with half a core and 1 GiB beside a GPU is rented and cannot work: weights pass through memory on their way
to the GPU, and lie on a disk before that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from akash_mcp.sdl.author.workload import GIB, Gpus
from akash_mcp.sdl.rules.chain_rules import MAX_CPU, MAX_MEMORY
from akash_mcp.sdl.rules.known_gpus import sizes_of

ASSUMED = 24 * GIB
"""The memory of a GPU of no particular model: what an RTX 3090 or 4090 has, the most common large ones."""
CORES_A_GPU = 4
SCRATCH = 20 * GIB
"""The root disk beside a disk for models: packages that are installed at the start, caches, logs."""
LEAST_SHM, MOST_SHM = 2 * GIB, 64 * GIB

_NOT_CATALOGUED: Mapping[str, int] = {
    "a10": 24,
    "a16": 16,
    "a30": 24,
    "b200": 180,
    "b300": 268,
    "gh200": 96,
    "l4": 24,
    "l40": 48,
    "l40s": 48,
    "rtxa4000": 16,
}
"""The memory in GiB of models that the catalogue of `known_gpus` gives no size for, by NVIDIA's data sheets."""


def memory_of(model: str) -> int | None:
    """The memory of a model in bytes, the smallest where it is made with several sizes; None where it is not known."""
    gib = [int(size.removesuffix("Gi")) for size in sizes_of(model)] or [_NOT_CATALOGUED.get(model, 0)]
    return min(gib) * GIB or None


@dataclass(frozen=True, slots=True)
class GpuSizes:
    """What one replica needs. `cpu` is in millicores, the others in bytes.

    `root` is the root disk beside a disk for models, and `disk` the room for models: on a disk of their own, or on top
    of `root` where there is none. `shm` is the memory that programs with several processes share at /dev/shm. `why`
    names the GPUs that this is reckoned for.
    """

    cpu: int
    memory: int
    root: int
    disk: int
    shm: int
    why: str


def sizes_for(gpus: Gpus) -> GpuSizes:
    """The sizes for these GPUs: as much memory as they have, and twice that for models.

    Where several models may be offered, the smallest counts, since what is loaded has to fit into any of them.
    """
    each, known_by = _memory(gpus)
    total = each * gpus.count
    memory = min(total, MAX_MEMORY)
    return GpuSizes(
        cpu=min(CORES_A_GPU * 1000 * gpus.count, MAX_CPU),
        memory=memory,
        root=SCRATCH,
        disk=2 * total,
        shm=min(max(LEAST_SHM, memory // 4), MOST_SHM),
        why=f"{gpus.count} GPU{'s' * (gpus.count > 1)} of {each // GIB}Gi{known_by}",
    )


def _memory(gpus: Gpus) -> tuple[int, str]:
    """The memory of one GPU in bytes, and what to say of how it is known."""
    if gpus.ram:
        return int(gpus.ram.removesuffix("Gi")) * GIB, ""
    known = {model: memory for model in gpus.models if (memory := memory_of(model))}
    if known and len(known) == len(gpus.models):
        smallest = min(known, key=lambda model: known[model])
        return known[smallest], f" ({smallest})"
    return ASSUMED, " (assumed)"
