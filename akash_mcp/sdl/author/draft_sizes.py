"""How large a drafted service is: what was said of its cores, memory and disks, and what was assumed of the rest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from akash_mcp.errors import BadArgument
from akash_mcp.sdl.author.gpu_sizes import sizes_for
from akash_mcp.sdl.author.workload import LASTING, MIB, SHM, Disk, Gpus, Workload
from akash_mcp.sdl.author.writer import size_text
from akash_mcp.sdl.rules.chain_rules import MAX_CPU, MAX_MEMORY, MAX_VOLUME, MIN_CPU

CLASSES = ("beta1", "beta2", "beta3")
"""Disks that last as long as the lease: HDD, SSD, NVMe."""
LEAST_VOLUME = 5 * MIB

_CPU = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(m?)")
_SIZE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)(Ki|Mi|Gi|Ti)")
_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_MOUNT = re.compile(r"(/[A-Za-z0-9._-]+)+/?")


@dataclass(frozen=True, slots=True)
class Sizes:
    """`cpu` is in millicores, `memory` and `root` (the root disk) in bytes. `assumed`: a line for each that nobody
    said."""

    cpu: int
    memory: int
    root: int
    disks: tuple[Disk, ...]
    assumed: tuple[str, ...]


def bad(argument: str, accepted: str) -> BadArgument:
    """The error for an argument that cannot be taken.

    What was passed is not repeated: an env item holds secrets, and an image may hold a password of its registry.
    """
    return BadArgument(f"{argument} must be {accepted}.")


def read_sizes(
    *,
    cpu: str | int | float | None,
    memory: str | None,
    storage: str | None,
    mount: str | None,
    mount_size: str | None,
    mount_class: str,
    gpus: Gpus | None,
) -> Sizes:
    """The sizes that are said, and for the others what is usual, or with GPUs what a model that fits them needs
    (`gpu_sizes`). Raises `BadArgument`, saying what is accepted."""
    usual, needs = Workload("", ""), sizes_for(gpus) if gpus else None
    assumed: list[str] = []

    def taken(argument: str, size: str | None, otherwise: int, least: int, most: int, why: str) -> int:
        if size is not None:
            return _bytes(argument, size, least=least, most=most)
        assumed.append(f"{argument} {size_text(otherwise)}{why}")
        return min(otherwise, most)

    of_gpus = f", for {needs.why}" if needs else ""
    room = ", for models that fit them and their packages" if needs else ""
    if cpu is None:
        millicores = needs.cpu if needs else usual.cpu
        assumed.append(f"cpu {Decimal(millicores) / 1000:f}{of_gpus}")
    else:
        millicores = _millicores(cpu)
    bytes_of_memory = taken(
        "memory", memory, needs.memory if needs else usual.memory, MIB, MAX_MEMORY, of_gpus
    )
    beside = 0 if mount or needs is None else needs.disk
    root = taken(
        "storage", storage, (needs.root if needs else usual.root) + beside, LEAST_VOLUME, MAX_VOLUME, room
    )
    disks: list[Disk] = []
    if mount:
        if not _MOUNT.fullmatch(mount) or any(part in (".", "..") for part in mount.split("/")):
            raise bad("mount", "an absolute path below the root, such as /data")
        if mount_class not in CLASSES:
            raise bad("mount_class", "beta3 (NVMe), beta2 (SSD) or beta1 (HDD)")
        size = taken(
            "mount_size", mount_size, needs.disk if needs else LASTING, LEAST_VOLUME, MAX_VOLUME, room
        )
        disks.append(Disk("data", size, mount_class, mount))
    if needs and gpus and gpus.count > 1 and (mount or "").rstrip("/") != SHM:
        disks.append(Disk("shm", needs.shm, "ram", SHM))
        assumed.append(f"{size_text(needs.shm)} of memory at {SHM}, which programs on several GPUs share")
    return Sizes(millicores, bytes_of_memory, root, tuple(disks), tuple(assumed))


def _millicores(cpu: str | int | float) -> int:
    # A whole number can be too long for Python to write it.
    is_readable = not isinstance(cpu, int) or (not isinstance(cpu, bool) and 0 < cpu <= MAX_CPU)
    match = _CPU.fullmatch(str(cpu).strip()) if is_readable else None
    millicores = Decimal(match[1]) * (1 if match[2] else 1000) if match else Decimal(0)
    if millicores != millicores.to_integral_value() or not MIN_CPU <= millicores <= MAX_CPU:
        raise bad("cpu", "cores from 0.01 to 384 with at most three decimals, or millicores such as 500m")
    return int(millicores)


def _bytes(argument: str, size: str, *, least: int, most: int) -> int:
    match = _SIZE.fullmatch(str(size).strip())
    found = int(Decimal(match[1]) * _UNITS[match[2]]) if match else 0
    if not least <= found <= most:
        raise bad(argument, f"a size from {size_text(least)} to {most // 2**40}Ti, such as 512Mi or 2Gi")
    return found
