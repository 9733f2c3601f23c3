"""What Console says of an SDL whose parts do not fit each other, once its schema has taken it.

Source: akash-network/chain-sdk ts/src/sdl/validateSDL, and ts/src/sdl/manifest for what building the manifest throws.
"""

from __future__ import annotations

from collections.abc import Iterator

from akash_mcp.sdl.model import Gpu, Profile, Sdl, Service, Volume
from akash_mcp.sdl.output.quantities import BadSize, size_bytes


def reference_complaints(sdl: Sdl) -> list[str]:
    """All that `validateSDL` finds, or else the first thing that is thrown after it; empty where there is nothing."""
    return list(_validated(sdl)) or list(_thrown(sdl))[:1]


def _validated(sdl: Sdl) -> Iterator[str]:
    leases: dict[tuple[str, int, str], str] = {}
    tee_types: dict[str, str] = {}
    for service in sdl.services.values():
        if service.name in sdl.deployment:
            yield from _deployed(sdl, service, tee_types)
        else:
            yield f'Service "{service.name}" is not defined at "/deployment" section.'
        yield from _leased_ips(sdl, service, leases)
    used = {ip for ip, _, _ in leases}
    for endpoint in sdl.endpoints:
        if endpoint not in used:
            yield f'Endpoint "{endpoint}" declared but never used.'


def _deployed(sdl: Sdl, service: Service, tee_types: dict[str, str]) -> Iterator[str]:
    judged: set[str] = set()
    for place, placed in sdl.deployment[service.name].items():
        name, profile, placement = placed.profile, sdl.profiles.get(placed.profile), sdl.placements.get(place)
        if placement is None:
            yield f'The placement "{place}" is not defined in the "placement" section.'
        elif name not in placement.pricing:
            yield f'The pricing for the "{name}" profile is not defined in the "{place}" placement.'
        if profile is None:
            yield f'The compute requirements for the "{name}" profile are not defined in the "compute" section.'
        if name not in judged:
            judged.add(name)
            volumes = profile.storage if profile else ()
            yield from _mounts(service, volumes)
            yield from _lasting_volumes(service, volumes)
            if profile and profile.gpu:
                yield from _gpu(profile.gpu)
        yield from _tee(service, place, profile, tee_types)


def _mounts(service: Service, volumes: tuple[Volume, ...]) -> Iterator[str]:
    named = {volume.name for volume in volumes if volume.name is not None}
    taken: dict[str, str] = {}
    for name, mount in service.mounts.items():
        if name not in named:
            yield f'Service "{service.name}" references non-existing compute volume "{name}".'
            continue
        # To JavaScript, an empty name is as good as none.
        if other := taken.get(mount.path):
            yield (
                f'Mount "{mount.path}" already in use by volume "{other}".'
                if mount.path
                else "Multiple root ephemeral storages are not allowed."
            )
        taken[mount.path] = name


def _lasting_volumes(service: Service, volumes: tuple[Volume, ...]) -> Iterator[str]:
    for volume in volumes:
        mount = service.mounts.get(volume.name or "")
        if volume.persistent and (mount is None or not mount.path):
            shown = volume.name or "default"
            where = f"/services/{service.name}/params/storage/{shown}/mount"
            yield f'Persistent storage "{shown}" requires a mount path in {where}.'


def _gpu(gpu: Gpu) -> Iterator[str]:
    has_units = gpu.units is not None and gpu.units != 0
    if not has_units and gpu.has_attributes:
        yield "GPU must not have attributes if units is 0."
    if has_units and not gpu.has_attributes:
        yield "GPU must have attributes if units is not 0."
    if has_units and not gpu.has_vendor:
        yield "GPU must specify a vendor if units is not 0."


def _tee(service: Service, place: str, profile: Profile | None, tee_types: dict[str, str]) -> Iterator[str]:
    if not service.tee:
        return
    if service.tee == "cpu-gpu" and not (profile and profile.gpu and profile.gpu.units not in (None, 0)):
        yield f'Service "{service.name}" tee type requires gpu resources.'
    other = tee_types.setdefault(place, service.tee)
    if other != service.tee:
        yield f'conflicting tee types in placement group "{place}": "{other}" and "{service.tee}"'


def _leased_ips(sdl: Sdl, service: Service, leases: dict[tuple[str, int, str], str]) -> Iterator[str]:
    for expose in service.expose:
        for to in expose.to:
            if not to.ip:
                continue
            if to.ip not in sdl.endpoints:
                yield (
                    f'Unknown endpoint "{to.ip}" for service "{service.name}". '
                    'Add it to the "endpoints" section.'
                )
            key = (to.ip, expose.outer_port, expose.proto)
            if key in leases:
                yield (
                    f'IP endpoint "{to.ip}" port {expose.outer_port} protocol {expose.proto} already in use by '
                    f'service "{leases[key]}".'
                )
            leases[key] = service.name


def _thrown(sdl: Sdl) -> Iterator[str]:
    reached = {place for name in sdl.services for place in sdl.deployment[name]}
    for name, places in sdl.deployment.items():
        if name not in sdl.services and not reached.isdisjoint(places):
            yield "Cannot read properties of undefined (reading 'credentials')"
    used = {placed.profile for name in sdl.services for placed in sdl.deployment[name].values()}
    for profile in sdl.profiles.values():
        if profile.name in used:
            for size in (profile.memory, *(volume.size for volume in profile.storage)):
                try:
                    size_bytes(size)
                except BadSize:
                    yield f"Invalid size string: {size.lower()}"
