"""How large a service with GPUs has to be when nobody says it: a model that fits its GPUs can be stored and loaded.

A program with half a core and 1 GiB beside a GPU is rented and cannot work: weights pass through memory on their way
to the GPU, and lie on a disk before that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from akash_mcp.sdl.author.workload import GIB, Gpus
from akash_mcp.sdl.rules.chain_rules import MAX_CPU, MAX_MEMORY

ASSUMED = 24 * GIB
"""The memory of a GPU of no particular model: what an RTX 3090 or 4090 has, the most common large ones."""
CORES_A_GPU = 4
SCRATCH = 20 * GIB
"""The root disk beside a disk for models: packages that are installed at the start, caches, logs."""
LEAST_SHM, MOST_SHM = 2 * GIB, 64 * GIB

_GIB_BY_MODEL: Mapping[int, str] = {
    2: "gt1030 gtx1050 gtx960 mx150",
    3: "gtx1060",
    4: "gtx1050ti gtx1650s gtx1650ti gtx970 gtx980 p2000",
    6: "gtx1660 gtx1660ti gtx980ti rtx2060 rtx3060m rtxa2000",
    8: "gtx1070 gtx1070ti gtx1080 m4000 p4 p4000 rtx2060s rtx2070 rtx2070s rtx2080 rtx2080s rtx3060ti rtx3070 rtx4000 "
    "rtx4060",
    10: "rtx3080",
    11: "gtx1080ti rtx2080ti",
    12: "rtx3060 rtx4070 rtx4070s rtx4070ti rtx5070",
    16: "p100 p5000 rtx2000eada rtx4060ti rtx4080 rtx4080s rtx5000 rtx5080 rtxa4000 t4 v100 a16",
    20: "rtx4000ada rtx4000sada",
    24: "a10 a30 a5000 l4 p40 p6000 rtx3090 rtx3090ti rtx4090 rtx5090m rtx6000",
    32: "rtx5090",
    40: "a100",
    48: "a40 l40 l40s rtx8000 rtxa6000",
    80: "a800 h100",
    96: "gh200 pro6000mq pro6000se pro6000we",
    141: "h200 h200nvl",
    180: "b200",
    268: "b300",
}
MEMORY: Mapping[str, int] = {
    model: gib * GIB for gib, models in _GIB_BY_MODEL.items() for model in models.split()
}
"""The memory of each model in bytes, the smallest where it is made with several sizes: akash-network/provider-configs,
devices/pcie/gpus.json at 2d04f4f (June 2026); what that does not list, such as l40s, by NVIDIA's data sheets."""


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
    if gpus.models and all(model in MEMORY for model in gpus.models):
        smallest = min(gpus.models, key=lambda model: MEMORY[model])
        return MEMORY[smallest], f" ({smallest})"
    return ASSUMED, " (assumed)"
