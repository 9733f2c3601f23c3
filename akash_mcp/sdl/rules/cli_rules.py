"""What the Go command line refuses although the Console takes it (judge C): warnings, since Console never asks it.

An SDL that both take can be deployed by either. Source: akash-network/chain-sdk go/sdl.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from akash_mcp.sdl.model import Gpu, Placement, Profile, Sdl, Service, Volume
from akash_mcp.sdl.output.quantities import amount_text
from akash_mcp.sdl.report import Fault
from akash_mcp.sdl.rules.references import outer_port_of
from akash_mcp.sdl.yaml.loader import Path

CLASSES = ("beta1", "beta2", "beta3", "default", "ram")
_SIZE = re.compile(r"[0-9]*\.?[0-9]*(k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?")
_CPU = re.compile(r"[0-9]+(\.[0-9]+)?|[0-9]+m")
_RAM = re.compile(r"[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|Pi|Ei)?")


def check_cli(sdl: Sdl) -> Iterator[Fault]:
    """What `akash tx deployment create` would refuse in an SDL that the Console takes."""
    for profile in sdl.profiles.values():
        yield from _profile(profile)
    for placement in sdl.placements.values():
        yield from _placement(placement)
    yield from _denoms(sdl)
    for service in sdl.services.values():
        yield from _service(sdl, service)
    yield from _leased_ips(sdl)


def _fault(rule: str, path: Path, message: str, fix: str, *rests_on: Path) -> Fault:
    message = f"the akash command line would refuse this: {message}"
    return Fault(rule, path, message, fix, "cli", rests_on=rests_on)


def _profile(profile: Profile) -> Iterator[Fault]:
    at: Path = ("profiles", "compute", profile.name, "resources")
    if isinstance(profile.cpu, str) and not _CPU.fullmatch(profile.cpu):
        fix = "write cores (0.5) or millicores (500m)"
        yield _fault("C04", (*at, "cpu", "units"), f'"{profile.cpu}" is not an amount of CPU', fix)
    for key in profile.cpu_attributes:
        if key != "arch":
            where: Path = (*at, "cpu", "attributes", key)
            yield _fault("C03", where, f'cpu has no attribute "{key}"', "only arch is known")
    yield from _size((*at, "memory", "size"), profile.memory)
    names: set[str] = set()
    for volume in profile.storage:
        where = (*at, *volume.steps)
        yield from _volume(where, volume)
        name = volume.name or "default"
        if name in names:
            message = f'two volumes are named "{name}"'
            yield _fault("C02", where, message, "give each volume its own name", (*at, "storage"))
        names.add(name)
    if profile.gpu:
        yield from _gpu((*at, "gpu", "attributes", "vendor", "nvidia"), profile.gpu)


def _volume(path: Path, volume: Volume) -> Iterator[Fault]:
    yield from _size((*path, "size"), volume.size)
    if "class" not in volume.attributes:
        return
    if volume.kind not in CLASSES and (volume.kind or not volume.persistent):
        fix = "write one of " + ", ".join(CLASSES)
        where: Path = (*path, "attributes", "class")
        yield _fault("C06", where, f'there is no storage class "{volume.kind}"', fix)
    elif volume.kind == "ram" and volume.attributes.get("persistent") not in (False, "false"):
        where = (*path, "attributes", "persistent")
        yield _fault("C07", where, "ram is not persistent", "write persistent: false")


def _size(path: Path, size: str) -> Iterator[Fault]:
    if not _SIZE.fullmatch(size):
        yield _fault("C01", path, f'"{size}" is not a size', "write Ki, Mi, Gi or Ti")


def _gpu(path: Path, gpu: Gpu) -> Iterator[Fault]:
    for i, model in enumerate(gpu.models or ()):
        if model.ram and not _RAM.fullmatch(model.ram):
            yield _fault(
                "C05",
                (*path, i, "ram"),
                f'"{model.ram}" is not an amount of GPU memory',
                "write Gi, as in 80Gi",
            )


def _placement(placement: Placement) -> Iterator[Fault]:
    at: Path = ("profiles", "placement", placement.name)
    for key, value in placement.attributes.items():
        if isinstance(value, list | dict):
            yield _fault(
                "C14",
                (*at, "attributes", key),
                "an attribute holds one value, not a list or a map",
                "write a single value",
            )
    for profile, amount in placement.pricing.items():
        if Decimal(amount_text(amount)) == 0:
            yield _fault(
                "C08",
                (*at, "pricing", profile, "amount"),
                "a price must be more than 0",
                "write a higher amount",
            )


def _denoms(sdl: Sdl) -> Iterator[Fault]:
    priced = [
        (("profiles", "placement", placement.name, "pricing", profile), denom)
        for placement in sdl.placements.values()
        for profile, denom in placement.denoms.items()
    ]
    for path, denom in priced:
        if not isinstance(denom, str) or not denom:
            yield _fault("C12", path, "the price has no denom", "write denom: uact")
        elif denom != priced[0][1]:
            message = "all prices in an SDL have one denom"
            yield _fault("C12", (*path, "denom"), message, "write denom: uact everywhere", priced[0][0])


def _service(sdl: Sdl, service: Service) -> Iterator[Fault]:
    at: Path = ("services", service.name)
    for field in ("host", "username", "password"):
        if service.credentials and not service.credentials[field].strip():
            yield _fault("C13", (*at, "credentials", field), f"credentials need a {field}", "")
    for placed in sdl.deployment[service.name].values():
        for volume in sdl.profiles[placed.profile].storage:
            if (
                volume.index is None
                and volume.name not in (None, "", "default")
                and volume.name in service.mounts
            ):
                message = (
                    f'a volume that is not in a list is always "default", so there is no "{volume.name}"'
                )
                yield _fault("C11", (*at, "params", "storage", volume.name), message, "make storage a list")


def _leased_ips(sdl: Sdl) -> Iterator[Fault]:
    taken: dict[tuple[str, int, str], Path] = {}
    for service in sdl.services.values():
        for _ in sdl.deployment[service.name]:
            for i, expose in enumerate(service.expose):
                for j, to in enumerate(expose.to):
                    key = (to.ip, expose.outside, expose.proto)
                    if to.ip and key in taken:
                        path: Path = ("services", service.name, "expose", i, "to", j, "ip")
                        message = f'it counts one port of the endpoint "{to.ip}" twice'
                        fix = "write as: on both, and use one placement"
                        rests_on = (*outer_port_of(path[:4]), *outer_port_of(taken[key]))
                        yield _fault("C09", path, message, fix, *rests_on)
                    taken[key] = ("services", service.name, "expose", i)
