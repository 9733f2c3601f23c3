"""SDL that every judge takes and that still goes wrong (judge D): nobody bids, or something else runs than was meant.

What providers do is taken from akash-network/provider (bidengine/order.go, bidengine/pricing.go, go.mod).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from akash_mcp.sdl.model import Expose, Gpu, GpuModel, Placement, Profile, Sdl, Service
from akash_mcp.sdl.output.orders import DENOM
from akash_mcp.sdl.report import Fault, Judge
from akash_mcp.sdl.rules.chain_rules import ATTRIBUTE_KEY
from akash_mcp.sdl.rules.cli_rules import CLASSES
from akash_mcp.sdl.rules.known_gpus import (
    ANY_MODEL,
    CATALOGUED,
    NAMES,
    interfaces_of,
    near,
    sizes_of,
    spelled,
)
from akash_mcp.sdl.rules.references import bad_sizes, outer_port_of
from akash_mcp.sdl.yaml.loader import Path

MAX_VOLUMES = 4
"""Volumes in one profile that a provider bids on by default."""

_WINDOW = (3600, 720 * 3600)
"""Seconds of notice that the chain allows by default (akash-network/chain-sdk go/node/market/v1beta5/params.go:
MinReclamationWindow, MaxReclamationWindow). Governance can move both, so it is a warning."""

_RAM = re.compile(r"[1-9][0-9]*Gi")
_WEB_PORTS = frozenset({80, 3000, 5000, 5173, 7860, 8000, 8080, 8081, 8501, 8888, 9000})


def check_market(sdl: Sdl) -> Iterator[Fault]:
    """What will find no bidder or not do what it seems to: warnings D01 to D05, D08 to D10, D12, D13 and D16."""
    used = {placed.profile for name in sdl.services for placed in sdl.deployment[name].values()}
    for profile in sdl.profiles.values():
        if profile.name in used:
            yield from _profile(profile)
        else:
            for fault in bad_sizes(profile):
                message = f"{fault.message}; no service uses this profile yet"
                yield _warn("D13", fault.path, message, fault.fix, rests_on=(("deployment",),))
    for placement in sdl.placements.values():
        yield from _placement(placement)
    for service in sdl.services.values():
        yield from _service(sdl, service)
    if sdl.min_window and not _WINDOW[0] <= _seconds(sdl.min_window) <= _WINDOW[1]:
        message = f"by default the chain takes a notice of 1 to 720 hours, and not of {sdl.min_window[:20]}"
        yield _warn("D16", ("reclamation", "min_window"), message, "write 24h, or what it needs", "chain")


def _seconds(window: str) -> int:
    """A time such as `24h` in seconds, exact up to ten digits of it and more than any limit beyond."""
    return int(window[:-1][:10]) * {"s": 1, "m": 60, "h": 3600}[window[-1]]


def _warn(
    rule: str, path: Path, message: str, fix: str, judge: Judge = "market", *, rests_on: tuple[Path, ...] = ()
) -> Fault:
    return Fault(rule, path, message, fix, judge, rests_on=rests_on)


def _profile(profile: Profile) -> Iterator[Fault]:
    at: Path = ("profiles", "compute", profile.name, "resources")
    if len(profile.storage) > MAX_VOLUMES:
        message = f"{len(profile.storage)} volumes: by default, providers decline more than {MAX_VOLUMES}"
        yield _warn("D01", (*at, "storage"), message, "put folders into one volume")
    for volume in profile.storage:
        where: Path = (*at, *volume.steps)
        if volume.kind and volume.kind not in CLASSES:
            message = f'no provider has the storage class "{volume.kind}"'
            yield _warn("D02", (*where, "attributes", "class"), message, "write beta3, beta2 or beta1")
    if profile.gpu:
        yield from _gpu((*at, "gpu", "attributes", "vendor", "nvidia"), profile.gpu)


def _gpu(path: Path, gpu: Gpu) -> Iterator[Fault]:
    if gpu.models == () and gpu.has_vendor:
        message = "an empty list of models does not ask for any kind of GPU"
        yield _warn("D03", path, message, 'leave "nvidia:" empty for any NVIDIA GPU')
    for i, model in enumerate(gpu.models or ()):
        if model.model is None:
            message = 'an entry without a model asks for a GPU named "undefined"'
            yield _warn("D03", (*path, i), message, "add model:", rests_on=((*path, i, "model"),))
        elif model.model in NAMES:
            yield from _unknown_kind((*path, i), model.model, model)
        elif model.model != ANY_MODEL:
            yield _unknown_model((*path, i, "model"), model.model, model)
        if model.ram and not _RAM.fullmatch(model.ram):
            message = f'providers write GPU memory as 80Gi: none has "{model.ram}"'
            digits = re.match("[0-9]+", model.ram)
            fix = (
                f"write {digits[0]}Gi"
                if digits and not model.ram.endswith("Mi")
                else "write it in Gi, as in 80Gi"
            )
            yield _warn("D03", (*path, i, "ram"), message, fix)


def _unknown_kind(path: Path, name: str, model: GpuModel) -> Iterator[Fault]:
    """A known model in a size or with an interface that it is not known with."""
    sizes, interfaces = sizes_of(name), interfaces_of(name)
    if sizes and model.ram not in ("", *sizes) and _RAM.fullmatch(model.ram):
        message = f"no {name} with {model.ram} is known (names of {CATALOGUED})"
        yield _warn("D03", (*path, "ram"), message, f"write {' or '.join(sizes)}, or leave ram out")
    if interfaces and model.interface not in ("", *interfaces):
        message = f"no {name} with {model.interface} is known (names of {CATALOGUED})"
        fix = f"write {' or '.join(interfaces)}, or leave interface out"
        yield _warn("D03", (*path, "interface"), message, fix)


def _unknown_model(path: Path, name: str, model: GpuModel) -> Fault:
    if name != name.lower() or " " in name:
        message = f'providers write models in lower case: none has "{name}"'
        fallback = f"write {name.lower().replace(' ', '')}"
    else:
        message = f'no provider is known to have a GPU named "{name}" (names of {CATALOGUED})'
        fallback = "name a model that providers have, such as rtx4090, a100 or h100"
    return _warn("D03", path, message, _spelling(name, model) or fallback)


def _spelling(name: str, model: GpuModel) -> str:
    """How to write a GPU's name with what is said beside it, where it is a spelling of a known one or near to one."""
    if read := spelled(name):
        beside = [f"ram: {read.ram}"] if read.ram and not model.ram else []
        beside += [f"interface: {read.interface}"] if read.interface and not model.interface else []
        return " and ".join([f"write model: {read.model}", *beside]) if beside else f"write {read.model}"
    known = near(name)
    return f"did you mean {' or '.join(known)}?" if known else ""


def _placement(placement: Placement) -> Iterator[Fault]:
    at: Path = ("profiles", "placement", placement.name)
    for key in placement.attributes:
        if not ATTRIBUTE_KEY.fullmatch(key):
            yield _warn(
                "D12", (*at, "attributes", key), f'no provider can have an attribute "{key}"', "remove it"
            )
    for profile, denom in placement.denoms.items():
        if denom != DENOM:
            message = f"the Console turns this price into {DENOM} and keeps the number"
            fix = f"write denom: {DENOM}, and the amount in millionths of a dollar per block"
            yield _warn("D08", (*at, "pricing", profile, "denom"), message, fix)


def _service(sdl: Sdl, service: Service) -> Iterator[Fault]:
    at: Path = ("services", service.name)
    if len(service.name) > 63:
        message = "Kubernetes refuses service names of more than 63 characters"
        yield _warn("D10", at, message, "shorten it", "provider")
    tag = service.image.rpartition("/")[2].partition("@")
    if not tag[1] and tag[0].partition(":")[2] in ("", "latest"):
        message = "providers keep images: without a tag of its own a new version may never be fetched"
        yield _warn("D09", (*at, "image"), message, "name a version, such as nginx:1.27.0")
    for i, expose in enumerate(service.expose):
        yield from _expose(sdl, service, (*at, "expose", i), expose)


def _expose(sdl: Sdl, service: Service, path: Path, expose: Expose) -> Iterator[Fault]:
    if not expose.to:
        message = f'nothing can reach port {expose.port}: there is no "to"'
        fix = "add to: - global: true, or - service: <name>"
        yield _warn("D05", path, message, fix, rests_on=((*path, "to"),))
    for j, to in enumerate(expose.to):
        if to.service and to.service not in sdl.services:
            yield _warn(
                "D05", (*path, "to", j, "service"), f'there is no service "{to.service}"', "name a service"
            )
    is_global = any(to.is_global and not to.ip for to in expose.to)
    if (
        is_global
        and expose.proto == "TCP"
        and not expose.is_ingress
        and (expose.accept or expose.outer_port in _WEB_PORTS)
    ):
        message = (
            f"port {expose.outer_port} gets a random port and no web address: only the outer port 80 gets one"
        )
        field = "as" if expose.outside else "port"
        rests_on = (*outer_port_of(path), (*path, "to"))
        yield _warn("D04", (*path, field), message, "write as: 80", rests_on=rests_on)
