"""How large a service is: `deploy.resources` and the older fields beside it, GPUs and replicas.

A limit counts before a reservation: on Akash the one number is both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from akash_mcp.sdl.author.compose.file import ComposeFile, Fields, label
from akash_mcp.sdl.author.compose.interpolation import Unresolved
from akash_mcp.sdl.author.compose.sizes import read_millicores, read_size
from akash_mcp.sdl.author.gpu_sizes import GpuSizes, sizes_for
from akash_mcp.sdl.author.workload import MIB, Gpus, Workload
from akash_mcp.sdl.author.writer import size_text
from akash_mcp.sdl.yaml.javascript import Value
from akash_mcp.sdl.yaml.loader import Path

LEAST_SHARED = 64 * MIB
"""What a container has at /dev/shm anyway."""

_NOTHING = re.compile(r"[0.]*0[0.]*\s?[A-Za-z]*|")
_SWARM = "it tells Docker Swarm how to run and update replicas; a provider does this in its own way"
_DEPLOY = {
    "restart_policy": (
        "a provider restarts whatever ends",
        "let a program that runs once sleep when it is done",
    ),
    "update_config": (_SWARM, ""),
    "rollback_config": (_SWARM, ""),
    "endpoint_mode": (_SWARM, ""),
    "placement": ("a provider has no nodes to choose from", "ask for attributes of the provider"),
}


@dataclass(frozen=True, slots=True)
class Size:
    """One replica's size in millicores and bytes, and the number of replicas. `given`: whether the file says its
    cores, and whether its memory. `needs` is what its GPUs need, None where it has none."""

    cpu: int
    memory: int
    gpus: Gpus | None
    count: int
    given: tuple[bool, bool]
    needs: GpuSizes | None


def read_resources(file: ComposeFile, service: str, fields: Fields, deploy: Fields) -> Size:
    """Take all that has to do with size from the fields of a service, and of its `deploy`."""
    resources = file.fields(deploy.take("resources"), deploy.at("resources"), service)
    limits = file.fields(resources.take("limits"), resources.at("limits"), service)
    reserved = file.fields(resources.take("reservations"), resources.at("reservations"), service)
    cpu = _first(file, [(limits, "cpus"), (fields, "cpus"), (fields, "cpu_count"), (reserved, "cpus")])
    memory = _first(
        file,
        [(limits, "memory"), (fields, "mem_limit"), (reserved, "memory"), (fields, "mem_reservation")],
    )
    reserved_gpus = _gpus(file, service, reserved.take("devices"), reserved.at("devices"))
    gpus = _gpus(file, service, fields.take("gpus"), fields.at("gpus")) or reserved_gpus
    runtime = fields.text_or_left_out("runtime")
    if runtime == "nvidia" and gpus is None:
        gpus = _gpus(file, service, "all", fields.at("runtime"))
    elif runtime not in ("", "nvidia"):
        file.leave_out(service, f"runtime: {runtime[:40]}", "the provider chooses it")
    replicas, scale = deploy.text_or_left_out("replicas"), fields.text_or_left_out("scale")
    mode = deploy.text_or_left_out("mode") or "replicated"
    if mode != "replicated":
        file.leave_out(
            service, f"{label(deploy.at('mode'))}: {mode[:40]}", "Akash counts replicas", "set replicas"
        )
    for rest in (limits, reserved, resources):
        rest.leave_out_rest()
    deploy.leave_out_rest(_DEPLOY)
    needs = sizes_for(gpus) if gpus else None
    usual = needs or Workload(service, "")
    return Size(
        cpu=read_millicores(file, *cpu) if cpu else usual.cpu,
        memory=max(MIB, read_size(file, *memory)) if memory else usual.memory,
        gpus=gpus,
        count=_count(file, replicas or scale or "1", deploy.at("replicas")),
        given=(cpu is not None, memory is not None),
        needs=needs,
    )


def read_shared_memory(
    file: ComposeFile, service: str, fields: Fields, size: Size
) -> tuple[int, Path] | None:
    """The size of its /dev/shm in bytes and where the file says it; None for the 64 MiB that each container has.

    `ipc: host` shares the memory of a whole machine. There is none to share, so it becomes a part of the service's own.
    """
    given, ipc = fields.text_or_left_out("shm_size"), fields.text_or_left_out("ipc")
    if ipc not in ("", "host", "none", "private", "shareable"):
        file.leave_out(
            service, f"ipc: {ipc[:60]}", "services share no memory", "put both programs into one service"
        )
    if not _NOTHING.fullmatch(given):
        return read_size(file, given, fields.at("shm_size")), fields.at("shm_size")
    if ipc != "host":
        return None
    shared = size.needs.shm if size.needs else max(LEAST_SHARED, size.memory // 4)
    file.note(
        f"{service}: ipc: host became a disk in memory of {size_text(shared)} at /dev/shm, which is paid like memory; "
        "shm_size sets another size."
    )
    return shared, fields.at("ipc")


def _first(file: ComposeFile, places: list[tuple[Fields, str]]) -> tuple[str, Path] | None:
    """The first that is given, and not 0, which Compose reads as nothing. All are taken."""
    found = [(fields.text_or_left_out(key), fields.at(key)) for fields, key in places]
    return next(((text, path) for text, path in found if not _NOTHING.fullmatch(text)), None)


def _count(file: ComposeFile, text: str, path: Path) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise file.bad(path, "must be a whole number")
    return int(text)


def _gpus(file: ComposeFile, service: str, devices: Value, at: Path) -> Gpus | None:
    if isinstance(devices, str):  # gpus: all
        devices = [{"count": devices, "capabilities": ["gpu"]}]
    total = 0
    for item, path in file.items(devices, at):
        try:
            total += _device(file, service, item, path)
        except Unresolved as missing:
            file.unresolved(service, path, missing)
    if total:
        file.note(
            f"{service}: any NVIDIA GPU may be offered. Name models under gpu.attributes.vendor.nvidia."
        )
    return Gpus(total) if total else None


def _device(file: ComposeFile, service: str, item: Value, path: Path) -> int:
    """The GPUs that one reservation of devices asks for."""
    fields = file.fields(item, path, service)
    kinds = [file.text(kind, at) for kind, at in file.items(fields.take("capabilities"), path)]
    driver = fields.text("driver", "nvidia")
    ids = file.items(fields.take("device_ids"), fields.at("device_ids"))
    count = fields.text("count", str(len(ids)) if ids else "all")
    fields.leave_out_rest()
    if driver != "nvidia" or (kinds and "gpu" not in kinds and "nvidia" not in kinds):
        file.leave_out(service, label(path), "Akash has NVIDIA GPUs and no other devices")
        return 0
    if ids:
        file.leave_out(service, f"{label(path)}.device_ids", f"a provider chooses which {len(ids)} it gives")
    if count in ("all", "-1"):
        file.note(f"{service}: all GPUs of your machine became one. Set a count for more.")
        return 1
    return _count(file, count, path)
