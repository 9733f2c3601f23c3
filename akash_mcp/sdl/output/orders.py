"""From an SDL to what Console sends: for each placement, the resource units that its services share.

Both the group specs on chain and the manifest for the provider are written from these orders. Services that use one
compute profile in one placement share a resource unit: counts are added, endpoints joined.
Source: akash-network/chain-sdk ts/src/sdl/manifest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from akash_mcp.sdl.model import Expose, Gpu, Placement, Profile, Sdl, Service, To
from akash_mcp.sdl.output.groups import Attribute, Endpoint, GroupSpec, ResourceUnit, Storage
from akash_mcp.sdl.output.quantities import amount_text, gpu_units, millicores, rounded_up, size_bytes
from akash_mcp.sdl.yaml.javascript import Value, locale_key, text

SHARED_HTTP, RANDOM_PORT, LEASED_IP = 0, 1, 2
DENOM = "uact"
"""What Console writes over every denom."""


@dataclass(frozen=True, slots=True)
class StorageOrder:
    """One volume. `size` is the text that goes on chain, in bytes."""

    name: str
    size: str
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class Resources:
    """One replica's size. Quantities are the texts that go on chain: millicores, bytes, GPUs."""

    id: int
    cpu: str
    cpu_attributes: tuple[Attribute, ...]
    memory: str
    storage: tuple[StorageOrder, ...]
    gpu: str
    gpu_attributes: tuple[Attribute, ...]
    endpoints: tuple[Endpoint, ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """`count` replicas of one size at `amount` uact per block each. `services` are those that share it."""

    profile: str
    resources: Resources
    count: int
    amount: str
    services: tuple[Service, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """All that goes to one placement. `attributes` are those of the placement and of a TEE."""

    placement: Placement
    attributes: tuple[Attribute, ...]
    units: tuple[Unit, ...]

    @property
    def services(self) -> list[tuple[Service, Unit]]:
        """Each service with its unit, in the manifest's order."""
        pairs = [(service, unit) for unit in self.units for service in unit.services]
        return sorted(pairs, key=lambda pair: locale_key(pair[0].name))

    def group(self) -> GroupSpec:
        """The group spec. A quantity that the chain cannot read is rounded up."""
        return GroupSpec(
            name=self.placement.name,
            attributes=self.attributes,
            all_of=self.placement.all_of,
            any_of=self.placement.any_of,
            resources=tuple(_resource_unit(unit) for unit in self.units),
        )


def orders(sdl: Sdl) -> tuple[Order, ...]:
    """The orders, sorted by placement name. Raises `BadSize` on an SDL in which `check_throws` finds a fault."""
    sequence = sequence_numbers(sdl.services.values())
    units: dict[str, dict[str, Unit]] = {}
    for service in sorted(sdl.services.values(), key=lambda service: locale_key(service.name)):
        for place, placed in sdl.deployment[service.name].items():
            group = units.setdefault(place, {})
            shared = group.get(placed.profile)
            if shared is None:
                resources = _resources(len(group) + 1, sdl.profiles[placed.profile], service, sequence)
                amount = amount_text(sdl.placements[place].pricing[placed.profile])
                group[placed.profile] = Unit(placed.profile, resources, placed.count, amount, (service,))
            else:
                joined = shared.resources.endpoints + endpoints(service, sequence)
                group[placed.profile] = replace(
                    shared,
                    resources=replace(shared.resources, endpoints=joined),
                    count=shared.count + placed.count,
                    services=(*shared.services, service),
                )
    return tuple(_order(sdl.placements[place], units[place].values()) for place in sorted(units, key=_utf16))


def _utf16(name: str) -> bytes:
    """A sorting key in UTF-16 units, which is how JavaScript sorts text by default."""
    return name.encode("utf-16-be", "surrogatepass")


def _order(placement: Placement, units: Iterable[Unit]) -> Order:
    ordered = tuple(
        replace(unit, resources=replace(unit.resources, endpoints=_sorted(unit))) for unit in units
    )
    attributes = list(attribute_list(placement.attributes))
    if tee := next((service.tee for unit in ordered for service in unit.services if service.tee), ""):
        attributes = sorted([*attributes, Attribute("tee/type", tee)], key=lambda each: locale_key(each.key))
    return Order(placement, tuple(attributes), ordered)


def _sorted(unit: Unit) -> tuple[Endpoint, ...]:
    return tuple(sorted(unit.resources.endpoints, key=lambda each: (each.kind, each.sequence_number)))


def sequence_numbers(services: Iterable[Service]) -> dict[str, int]:
    """The number of each leased IP: every mention counts, and the last one of a name wins."""
    mentions = [to.ip for service in services for expose in service.expose for to in expose.to if to.ip]
    return {name: i for i, name in enumerate(sorted(mentions, key=_utf16), start=1)}


def endpoints(service: Service, sequence: Mapping[str, int]) -> tuple[Endpoint, ...]:
    """The ways in that a service orders, in the order of its `expose`."""
    found: list[Endpoint] = []
    for expose in service.expose:
        for to in expose.to:
            if to.is_global:
                found.append(Endpoint(SHARED_HTTP if expose.is_ingress else RANDOM_PORT, 0))
                if to.ip:
                    found.append(Endpoint(LEASED_IP, sequence[to.ip]))
    return tuple(found)


def exposes(service: Service) -> list[tuple[Expose, To]]:
    """Each port with each one it is shown to, in the manifest's order."""
    pairs = [(expose, to) for expose in service.expose for to in expose.to]
    return sorted(
        pairs,
        key=lambda pair: (locale_key(pair[1].service), pair[0].port, pair[0].proto, not pair[1].is_global),
    )


def own_resources(unit: Unit, service: Service, sequence: Mapping[str, int]) -> Resources:
    """The unit as the manifest repeats it for one of its services: with that service's endpoints only."""
    return replace(unit.resources, endpoints=endpoints(service, sequence))


def _resources(unit_id: int, profile: Profile, service: Service, sequence: Mapping[str, int]) -> Resources:
    return Resources(
        id=unit_id,
        cpu=millicores(profile.cpu),
        cpu_attributes=attribute_list(profile.cpu_attributes),
        memory=size_bytes(profile.memory),
        storage=tuple(
            StorageOrder(volume.name or "default", size_bytes(volume.size), attribute_list(volume.attributes))
            for volume in profile.storage
        ),
        gpu=gpu_units(profile.gpu.units) if profile.gpu else "0",
        gpu_attributes=_gpu_attributes(profile.gpu) if profile.gpu else (),
        endpoints=endpoints(service, sequence),
    )


def _gpu_attributes(gpu: Gpu) -> tuple[Attribute, ...]:
    if not gpu.has_vendor:
        return ()
    if gpu.models is None:
        return (Attribute("vendor/nvidia/model/*", "true"),)
    keys = []
    for model in gpu.models:
        key = f"vendor/nvidia/model/{'undefined' if model.model is None else model.model}"
        key += f"/ram/{model.ram}" if model.ram else ""
        key += f"/interface/{model.interface}" if model.interface else ""
        keys.append(key)
    return tuple(Attribute(key, "true") for key in keys)


def attribute_list(attributes: Mapping[str, Value] | Mapping[str, bool | str]) -> tuple[Attribute, ...]:
    """Attributes by key, their values as JavaScript makes text of them."""
    return tuple(Attribute(key, text(attributes[key])) for key in sorted(attributes, key=locale_key))


def _resource_unit(unit: Unit) -> ResourceUnit:
    resources = unit.resources
    return ResourceUnit(
        id=resources.id,
        cpu=rounded_up(resources.cpu),
        cpu_attributes=resources.cpu_attributes,
        memory=rounded_up(resources.memory),
        storage=tuple(
            Storage(each.name, rounded_up(each.size), each.attributes) for each in resources.storage
        ),
        gpu=rounded_up(resources.gpu),
        gpu_attributes=resources.gpu_attributes,
        endpoints=resources.endpoints,
        count=unit.count,
        price=Decimal(unit.amount),
        denom=DENOM,
    )
