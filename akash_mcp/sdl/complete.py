"""An SDL whose references all lead somewhere, so that chain, provider and market can judge what is ordered.

A reference that leads nowhere is taken for the name that is proposed in its place, else it is given what it wants: a
placement, a price, a compute profile. A size that cannot be read becomes one that can. An entry for a service that is
not there is left out, and a service without an entry gets an empty one. What was put in is unread: nobody is told
anything of it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from akash_mcp.sdl.build import AMOUNT, CPU, MEMORY, VOLUME
from akash_mcp.sdl.model import Placed, Placement, Profile, Sdl, Volume
from akash_mcp.sdl.rules.hints import nearest_name
from akash_mcp.sdl.rules.references import bad_sizes
from akash_mcp.sdl.unread import Unread
from akash_mcp.sdl.yaml.loader import Path


def completed(sdl: Sdl, unread: Unread) -> tuple[Sdl, Unread]:
    """The SDL with what it lacks, and what is unread in it then."""
    put_in: set[Path] = set()
    profiles, placements = dict(sdl.profiles), dict(sdl.placements)
    deployment: dict[str, dict[str, Placed]] = {}
    for service in sdl.services:
        if service not in sdl.deployment:
            put_in.add(("deployment", service))
        meant = _meant(
            service, sdl.deployment.keys() - sdl.services.keys() | {service} & sdl.deployment.keys()
        )
        deployment[service] = {
            _meant(place, sdl.placements): replace(placed, profile=_meant(placed.profile, sdl.profiles))
            for place, placed in sdl.deployment.get(meant, {}).items()
        }
        for place, placed in deployment[service].items():
            name = placed.profile
            if name not in profiles:
                profiles[name] = Profile(name, CPU, {}, MEMORY, (Volume(None, None, VOLUME, {}),), None)
                put_in.add(("profiles", "compute", name))
            if place not in placements:
                placements[place] = Placement(place, {}, (), (), {}, {})
                put_in.add(("profiles", "placement", place))
            if name not in placements[place].pricing:
                pricing = {**placements[place].pricing, name: AMOUNT}
                placements[place] = replace(placements[place], pricing=pricing)
                put_in.add(("profiles", "placement", place, "pricing", name))
    for name in {placed.profile for places in deployment.values() for placed in places.values()}:
        bad = {fault.path for fault in bad_sizes(profiles[name])}
        profiles[name] = _without(bad, profiles[name])
        put_in |= bad
    whole = replace(sdl, deployment=deployment, profiles=profiles, placements=placements)
    return whole, Unread(unread.paths | put_in)


def _meant(name: str, known: Collection[str]) -> str:
    """The name itself where it is known, else the one that is proposed in its place, else itself."""
    return name if name in known else nearest_name(name, known) or name


def _without(bad: set[Path], profile: Profile) -> Profile:
    at: Path = ("profiles", "compute", profile.name, "resources")
    memory = MEMORY if (*at, "memory", "size") in bad else profile.memory
    volumes = (
        replace(volume, size=VOLUME) if (*at, *volume.steps, "size") in bad else volume
        for volume in profile.storage
    )
    return replace(profile, memory=memory, storage=tuple(volumes))
