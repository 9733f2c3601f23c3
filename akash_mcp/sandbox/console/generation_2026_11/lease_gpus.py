"""GPUs of a lease: those that the provider bid with, and those that Console has seen inside its containers."""

from __future__ import annotations

from typing import Any

from akash_mcp.sandbox.bidders import offered_gpu_attributes
from akash_mcp.sandbox.chain import Deployment, Lease
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.judgement import Judged
from akash_mcp.sandbox.console.moments import iso
from akash_mcp.sandbox.sellers import Gpu

LOOKED_AFTER_SECONDS = 60
"""When Console looks into the containers of a lease, counted from its beginning."""

_DRIVER = "580.95.05"
_MIB_A_GIB = 1024


def lease_gpus(
    backend: Backend, deployment: Deployment, lease: Lease, judged: Judged | None
) -> dict[str, Any]:
    """`offeredGpus`, and `detectedGpus` once Console has looked; nothing for a lease without GPUs."""
    gpu = backend.market[lease.provider].gpu
    units = deployment.groups[lease.gseq - 1].resources
    offered = [u for u in units if offered_gpu_attributes(backend.market[lease.provider], u)]
    if gpu is None or not offered:
        return {}
    clock = backend.chain.clock
    begun = clock.block_time(lease.created_height)
    count = sum(unit.gpu * unit.count for unit in offered)
    shown: dict[str, Any] = {"offeredGpus": {"gpus": [_named(gpu, count)], "recordedAt": iso(begun)}}
    seen_at = begun + LOOKED_AFTER_SECONDS
    if judged is None or lease.state != "active" or clock.now() < seen_at:
        return shown
    other = backend.faults.active("gpu-other")
    model = (other.value if other else None) or gpu.model
    detected = [
        {"service": name, "gpus": [_detected(gpu, model, wanted)]}
        for name, wanted in _wanted(judged, deployment.groups[lease.gseq - 1].name)
    ]
    shown["detectedGpus"] = {"services": detected, "driverVersion": _DRIVER, "detectedAt": iso(seen_at)}
    return shown


def _named(gpu: Gpu, count: int) -> dict[str, Any]:
    return {
        "vendor": gpu.vendor,
        "model": gpu.model,
        "displayName": gpu.model.upper(),
        "ram": gpu.ram,
        "interface": gpu.interface,
        "count": count,
    }


def _detected(gpu: Gpu, model: str, count: int) -> dict[str, Any]:
    return {
        "vendor": gpu.vendor,
        "model": model,
        "displayName": model.upper(),
        "memoryMb": int(gpu.ram.removesuffix("Gi")) * _MIB_A_GIB,
        "interface": "sxm" if gpu.interface.startswith("sxm") else gpu.interface,
        "count": count,
    }


def _wanted(judged: Judged, group: str) -> list[tuple[str, int]]:
    """The services of a group that have GPUs, with how many all replicas have: Console adds their cards up."""
    model = judged.report.model
    if model is None:
        return []
    found = []
    for name, places in model.deployment.items():
        profile = model.profiles.get(places[group].profile) if group in places else None
        if profile and profile.gpu and profile.gpu.units:
            found.append((name, int(profile.gpu.units) * places[group].count))
    return found
