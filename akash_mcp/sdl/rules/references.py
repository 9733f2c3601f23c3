"""What one part of an SDL says of another, as the Console judges it (judge A, rules T01 to T16).

Source: akash-network/chain-sdk ts/src/sdl/validateSDL. T15 and T16 are not among its rules: they are exceptions that
building the manifest throws.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

from akash_mcp.sdl.model import Gpu, Profile, Sdl, Service, Volume
from akash_mcp.sdl.output.quantities import BadSize, size_bytes
from akash_mcp.sdl.report import Fault
from akash_mcp.sdl.rules import hints
from akash_mcp.sdl.yaml.loader import Path


def check_references(sdl: Sdl) -> Iterator[Fault]:
    """Every broken reference (T01 to T14), in the Console's order."""
    leases: dict[tuple[str, int, str], tuple[str, Path]] = {}
    tee_types: dict[str, str] = {}
    for service in sdl.services.values():
        yield from _deployed(sdl, service, tee_types)
        yield from _leased_ips(sdl, service, leases)
    yield from _unused(sdl, {ip for ip, _, _ in leases})


def _deployed(sdl: Sdl, service: Service, tee_types: dict[str, str]) -> Iterator[Fault]:
    places = sdl.deployment.get(service.name)
    if places is None:
        yield Fault(
            "T01",
            ("services", service.name),
            f'the service "{service.name}" has no entry under "deployment"',
            hints.nearest(service.name, sdl.deployment) or "add it there, or remove the service",
            at_key=True,
            rests_on=(("deployment", service.name),),
        )
        return
    judged: set[str] = set()
    for place, placed in places.items():
        at: Path = ("deployment", service.name, place)
        profile = sdl.profiles.get(placed.profile)
        placement = sdl.placements.get(place)
        priced_at: Path = ("profiles", "placement", place, "pricing")
        if placement is None:
            yield Fault(
                "T02",
                at,
                f'there is no placement "{place}" in profiles.placement',
                hints.nearest(place, sdl.placements),
                at_key=True,
                rests_on=(priced_at[:3],),
            )
        elif placed.profile not in placement.pricing:
            yield Fault(
                "T03",
                priced_at,
                f'the placement "{place}" has no price for the profile "{placed.profile}"',
                hints.nearest(placed.profile, placement.pricing)
                or f"add {placed.profile}: with denom: uact and amount",
                at_key=True,
                rests_on=((*at, "profile"), (*priced_at, placed.profile)),
            )
        if profile is None:
            yield Fault(
                "T04",
                (*at, "profile"),
                f'there is no compute profile "{placed.profile}" in profiles.compute',
                hints.nearest(placed.profile, sdl.profiles),
                rests_on=(_resources(placed.profile),),
            )
        if placed.profile not in judged:
            judged.add(placed.profile)
            if profile:
                volumes_at = (*at, "profile"), (*_resources(profile.name), "storage")
                yield from _mounts(service, profile.storage, volumes_at)
                yield from _lasting_volumes(service, profile.storage)
                if profile.gpu:
                    yield from _gpu(profile, profile.gpu)
        yield from _tee(service, place, profile, tee_types)


def _resources(profile: str) -> Path:
    return ("profiles", "compute", profile, "resources")


def _mounts(service: Service, volumes: tuple[Volume, ...], volumes_at: tuple[Path, ...]) -> Iterator[Fault]:
    named = [volume.name for volume in volumes if volume.name is not None]
    taken: dict[str, str] = {}
    for name, mount in service.mounts.items():
        at: Path = ("services", service.name, "params", "storage", name)
        if name not in named:
            unnamed = name == "default" and len(named) < len(volumes)
            yield Fault(
                "T05",
                at,
                f'the service "{service.name}" mounts a volume "{name}" that its profile does not have',
                "give the volume name: default"
                if unnamed
                else hints.nearest(name, named) or f"add a volume with name: {name}",
                rests_on=volumes_at,
            )
            continue
        if other := taken.get(mount.path):
            if mount.path:
                message = f'the volumes "{other}" and "{name}" are both mounted at {mount.path}'
            else:
                message = f'the volumes "{other}" and "{name}" both lack a mount'
            both: tuple[Path, ...] = ((*at, "mount"), (*at[:-1], other, "mount"))
            where = both[0] if mount.path else at
            yield Fault("T06", where, message, "give each its own mount", rests_on=both)
        taken[mount.path] = name


def _lasting_volumes(service: Service, volumes: tuple[Volume, ...]) -> Iterator[Fault]:
    for volume in volumes:
        at: Path = ("services", service.name, "params", "storage", volume.name or "")
        mount = service.mounts.get(volume.name or "")
        if volume.persistent and (mount is None or not mount.path):
            shown = volume.name or "default"
            fix = f"add params: storage: {shown}: mount: /data to the service"
            yield Fault(
                "T07",
                at,
                f'the service "{service.name}" does not mount the persistent volume "{shown}"',
                fix if volume.name else f"give the volume a name, and {fix}",
                rests_on=(at,),
            )


def _gpu(profile: Profile, gpu: Gpu) -> Iterator[Fault]:
    at: Path = (*_resources(profile.name), "gpu")
    has_units = gpu.units is not None and gpu.units != 0
    if not has_units and gpu.has_attributes:
        message = "a GPU without units must not have attributes"
        yield Fault("T08", at, message, "write units: 1", rests_on=(at,))
    if has_units and not gpu.has_attributes:
        fix = "add attributes: vendor: nvidia:, or remove the gpu"
        yield Fault("T09", at, "a GPU needs attributes", fix, rests_on=(at,))
    if has_units and not gpu.has_vendor:
        yield Fault("T09", at, "a GPU needs a vendor", "write attributes: vendor: nvidia:", rests_on=(at,))


def _tee(service: Service, place: str, profile: Profile | None, tee_types: dict[str, str]) -> Iterator[Fault]:
    if not service.tee:
        return
    at: Path = ("services", service.name, "params", "tee")
    profile_at: Path = ("deployment", service.name, place, "profile")
    has_gpu = profile and profile.gpu and profile.gpu.units not in (None, 0)
    if service.tee == "cpu-gpu" and profile and not has_gpu:
        yield Fault(
            "T10",
            at,
            f'the service "{service.name}" asks for a GPU enclave and its profile has no GPU',
            "write tee: cpu, or give the profile a gpu",
            rests_on=(profile_at, (*_resources(profile.name), "gpu")),
        )
    other = tee_types.setdefault(place, service.tee)
    if other != service.tee:
        yield Fault(
            "T11",
            at,
            f'the placement "{place}" holds services with different tee types',
            "use one tee type, or a second placement",
        )


def _leased_ips(
    sdl: Sdl, service: Service, leases: dict[tuple[str, int, str], tuple[str, Path]]
) -> Iterator[Fault]:
    for i, expose in enumerate(service.expose):
        for j, to in enumerate(expose.to):
            if not to.ip:
                continue
            at: Path = ("services", service.name, "expose", i, "to", j, "ip")
            if to.ip not in sdl.endpoints:
                yield Fault(
                    "T12",
                    at,
                    f'the endpoint "{to.ip}" is not declared',
                    hints.nearest(to.ip, sdl.endpoints) or f"add endpoints: {to.ip}: kind: ip at the root",
                    rests_on=(("endpoints", to.ip),),
                )
            key = (to.ip, expose.outer_port, expose.proto)
            if key in leases:
                yield Fault(
                    "T13",
                    at,
                    f'port {expose.outer_port} {expose.proto} of the endpoint "{to.ip}" is taken by "{leases[key][0]}"',
                    "give one of the two another as:",
                    rests_on=(*outer_port_of(at[:4]), *outer_port_of(leases[key][1])),
                )
            leases[key] = service.name, at[:4]


def every_to(sdl: Sdl) -> tuple[Path, ...]:
    """Where all services say who may reach them: what none of them says is known only where all could be read."""
    return (
        ("services", ""),
        *(
            ("services", name, "expose", i, "to")
            for name, service in sdl.services.items()
            for i in range(max(len(service.expose), 1))
        ),
    )


def outer_port_of(entry: Path) -> tuple[Path, ...]:
    """What says at which port callers find an expose entry."""
    return (*entry, "port"), (*entry, "as"), (*entry, "proto")


def _unused(sdl: Sdl, used: Container[str]) -> Iterator[Fault]:
    for endpoint in sdl.endpoints:
        if endpoint not in used:
            yield Fault(
                "T14",
                ("endpoints", endpoint),
                f'the endpoint "{endpoint}" is declared and no service uses it',
                f"remove it, or name it in a service's expose: to: - ip: {endpoint}, global: true",
                at_key=True,
                rests_on=every_to(sdl),
            )


def check_throws(sdl: Sdl) -> Iterator[Fault]:
    """What building the manifest throws (T15 and T16), on an SDL in which references may be broken."""
    undeployed = [name for name in sdl.services if name not in sdl.deployment]
    reached = {place for name in sdl.services for place in sdl.deployment.get(name, ())}
    for name, places in sdl.deployment.items():
        if (
            name not in sdl.services
            and not reached.isdisjoint(places)
            and not hints.nearest(name, undeployed)
        ):
            yield Fault(
                "T15",
                ("deployment", name),
                f'"deployment" names a service "{name}" that is not under "services"',
                hints.nearest(name, sdl.services) or "remove it, or add the service",
                at_key=True,
                rests_on=(("services", name),),
            )
    used = {placed.profile for name in sdl.services for placed in sdl.deployment.get(name, {}).values()}
    for profile in sdl.profiles.values():
        if profile.name in used:
            yield from bad_sizes(profile)


def bad_sizes(profile: Profile) -> Iterator[Fault]:
    """The sizes of a profile that cannot be read (T16)."""
    at: Path = ("profiles", "compute", profile.name, "resources")
    sizes: list[tuple[Path, str]] = [((*at, "memory", "size"), profile.memory)]
    sizes += [((*at, *volume.steps, "size"), volume.size) for volume in profile.storage]
    for path, size in sizes:
        try:
            size_bytes(size)
        except BadSize:
            yield Fault("T16", path, f'"{size}" is not a size', hints.for_size(size))
