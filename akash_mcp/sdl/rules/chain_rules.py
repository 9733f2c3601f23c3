"""What the chain refuses although the Console takes it (judge B): sizes, counts and prices beyond its limits.

And what the provider asks of the whole: a service that is open to the world. These mistakes cost a deposit. Limits
are per replica, those with GROUP in their name per placement; memory and volumes in bytes, CPU in millicores, prices
in uact per block.
Source: akash-network/chain-sdk go/node/deployment (ValidateDeploymentGroups), go/node/types/attributes, go/manifest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import ROUND_CEILING, Decimal

from akash_mcp.sdl.model import Profile, Sdl
from akash_mcp.sdl.output.groups import Attribute
from akash_mcp.sdl.output.orders import Order, Unit
from akash_mcp.sdl.output.quantities import is_whole, rounded_up
from akash_mcp.sdl.report import Fault
from akash_mcp.sdl.rules.references import every_to
from akash_mcp.sdl.yaml.javascript import text
from akash_mcp.sdl.yaml.loader import Path

MIB, TIB = 2**20, 2**40
MIN_CPU, MAX_CPU, MAX_GROUP_CPU = 10, 384_000, 19_200_000
MAX_GPU, MAX_GROUP_GPU = 24, 1_200
MIN_MEMORY, MAX_MEMORY, MAX_GROUP_MEMORY = MIB, 2 * TIB, 100 * TIB
MIN_VOLUME, MAX_VOLUME = 5 * MIB, 32 * TIB
MAX_PRICE = 10_000_000
MAX_COUNT = 2**32 - 1

ATTRIBUTE_KEY = re.compile(r"[a-zA-Z][\w/.\-]{1,126}[\w*]?", re.ASCII)
_AMOUNT = re.compile(r"[0-9]+(\.[0-9]{1,18})?")


def check_chain(sdl: Sdl, all_orders: Sequence[Order]) -> Iterator[Fault]:
    """Everything that the chain would refuse in `all_orders`, which are those of `sdl` (P00, P06 to P24)."""
    if not all_orders:
        message = "an SDL needs a service that is deployed somewhere"
        rests_on = tuple(("deployment", name, "") for name in sdl.services)
        yield Fault("P00", ("services",), message, judge="chain", rests_on=rests_on)
        return
    judged: set[str] = set()
    for order in all_orders:
        yield from _group(sdl, order, judged)


def check_open_to_world(sdl: Sdl, all_orders: Sequence[Order]) -> Iterator[Fault]:
    """Refuses (P01) a deployment without a port that is open to everybody: no provider runs one."""
    services = [service for order in all_orders for service, _ in order.services]
    is_open = any(to.is_global for service in services for expose in service.expose for to in expose.to)
    if services and not is_open:
        path: Path = ("services", services[0].name)
        message = "no service is open to the world, and providers refuse a deployment without one"
        fix = "add to an expose entry: to: - global: true"
        rests_on = (*every_to(sdl), *(("deployment", name, "") for name in sdl.services))
        yield Fault("P01", path, message, fix, "provider", rests_on=rests_on)


def _fault(rule: str, path: Path, message: str, fix: str) -> Fault:
    return Fault(rule, path, message, fix, "chain")


def _group(sdl: Sdl, order: Order, judged: set[str]) -> Iterator[Fault]:
    """The faults of a placement, and of those profiles in it that are not yet `judged`."""
    place = order.placement.name
    if not place:
        yield _fault("P23", ("profiles", "placement"), "a placement needs a name", "name it")
    for unit in order.units:
        if unit.profile not in judged:
            judged.add(unit.profile)
            profile = sdl.profiles[unit.profile]
            yield from _cpu(profile, unit)
            yield from _memory(profile, unit)
            yield from _storage(profile, unit)
            yield from _gpu(profile, unit)
        yield from _price(place, unit)
        if unit.count > MAX_COUNT:
            path: Path = ("deployment", unit.services[0].name, place, "count")
            yield _fault("P24", path, f"count must be {MAX_COUNT} or less", "")
    yield from _totals(order)


def _cpu(profile: Profile, unit: Unit) -> Iterator[Fault]:
    path: Path = ("profiles", "compute", profile.name, "resources", "cpu", "units")
    cpu = unit.resources.cpu
    if not is_whole(cpu):
        message = f"{text(profile.cpu)} cores come to {cpu} millicores, and the chain takes only whole ones"
        yield _fault("P06", path, message, f"write {_whole_millicores(profile.cpu)}m")
    elif not MIN_CPU <= int(cpu) <= MAX_CPU:
        fix = "write 10m" if int(cpu) < MIN_CPU else "spread it over more replicas"
        yield _fault("P07", path, f"a replica must have 10 to 384000 millicores, not {cpu}", fix)
    yield from _attributes("P13", unit.resources.cpu_attributes, (*path[:-1], "attributes"))


def _whole_millicores(cores: float | str) -> int:
    """What the writer meant: the exact product, rounded up, and within what the chain takes."""
    if isinstance(cores, str):
        number = Decimal(re.split("[a-zA-Z]", cores)[0])
        exact = number if cores[-1:] in "mM" else number * 1000
    else:
        exact = Decimal(repr(cores)) * 1000
    return int(max(Decimal(MIN_CPU), min(Decimal(MAX_CPU), exact.to_integral_value(ROUND_CEILING))))


def _memory(profile: Profile, unit: Unit) -> Iterator[Fault]:
    path: Path = ("profiles", "compute", profile.name, "resources", "memory", "size")
    memory = unit.resources.memory
    if not is_whole(memory):
        message = f"{profile.memory} is not a whole number of bytes"
        yield _fault("P06", path, message, "write 512Mi, or what it needs")
    elif not MIN_MEMORY <= int(memory) <= MAX_MEMORY:
        fix = "write 1Mi or more, with Mi or Gi" if int(memory) < MIN_MEMORY else "write 2Ti or less"
        message = f"a replica must have 1 Mi to 2 Ti of memory, not {profile.memory}"
        yield _fault("P08", path, message, fix)


def _storage(profile: Profile, unit: Unit) -> Iterator[Fault]:
    at: Path = ("profiles", "compute", profile.name, "resources")
    if not profile.storage:
        yield _fault("P09", (*at, "storage"), "a profile needs a volume", "write storage: size: 1Gi")
    for volume, ordered in zip(profile.storage, unit.resources.storage, strict=True):
        where: Path = (*at, *volume.steps)
        if not is_whole(ordered.size):
            message = f"{volume.size} is not a whole number of bytes"
            yield _fault("P06", (*where, "size"), message, "write 1Gi, or what it needs")
        elif not MIN_VOLUME <= int(ordered.size) <= MAX_VOLUME:
            too_small = int(ordered.size) < MIN_VOLUME
            fix = "write 5Mi or more, with Mi or Gi" if too_small else "write 32Ti or less"
            message = f"a volume must have 5 Mi to 32 Ti, not {volume.size}"
            yield _fault("P10", (*where, "size"), message, fix)
        yield from _attributes("P20", ordered.attributes, (*where, "attributes"))


def _gpu(profile: Profile, unit: Unit) -> Iterator[Fault]:
    at: Path = ("profiles", "compute", profile.name, "resources", "gpu")
    gpu = unit.resources.gpu
    if not is_whole(gpu):
        message = "the number of GPUs must be a whole one"
        yield _fault("P11", (*at, "units"), message, "write units: 1 or more")
    elif int(gpu) > MAX_GPU:
        yield _fault("P11", (*at, "units"), f"a replica has at most {MAX_GPU} GPUs, not {gpu}", "")
    elif int(gpu) == 0 and unit.resources.gpu_attributes:
        yield _fault("P21", (*at, "units"), "GPU attributes need a whole GPU", "write units: 1 or more")
    models_at: Path = (*at, "attributes", "vendor", "nvidia")
    fix = "write the model in small letters and digits, its memory apart as ram: model: a100, ram: 80Gi"
    yield from _attributes("P14", unit.resources.gpu_attributes, models_at, fix)


def _attributes(
    rule: str, attributes: Sequence[Attribute], path: Path, fix: str = "write it without spaces"
) -> Iterator[Fault]:
    keys = [attribute.key for attribute in attributes]
    for key in keys:
        if not ATTRIBUTE_KEY.fullmatch(key):
            message = f'"{key}" cannot name an attribute: 2 to 128 letters, digits, "_", "-", "." and "/" can'
            yield _fault(rule, path, message, fix)
    for key in sorted(key for key, times in Counter(keys).items() if times > 1):
        yield _fault(rule, path, f'the attribute "{key}" appears twice', "keep one of the two")


def _price(place: str, unit: Unit) -> Iterator[Fault]:
    path: Path = ("profiles", "placement", place, "pricing", unit.profile, "amount")
    if not _AMOUNT.fullmatch(unit.amount):
        message = f"the price {unit.amount[:40]} is not a plain number with at most 18 decimal places"
        yield _fault("P15", path, message, "write a plain number, such as 1000")
    elif Decimal(unit.amount) > MAX_PRICE:
        message = f"a replica costs at most {MAX_PRICE} uact per block, not {unit.amount[:40]}"
        fix = "write what you would pay: 10000 uact is about 4,300 USD a month"
        yield _fault("P16", path, message, fix)


def _totals(order: Order) -> Iterator[Fault]:
    if any(unit.count > MAX_COUNT for unit in order.units):
        return
    place = order.placement.name
    for rule, field, measure, most in (
        ("P17", "cpu", "millicores", MAX_GROUP_CPU),
        ("P18", "gpu", "GPUs", MAX_GROUP_GPU),
        ("P19", "memory", "bytes", MAX_GROUP_MEMORY),
    ):
        total = sum(rounded_up(getattr(unit.resources, field)) * unit.count for unit in order.units)
        if total > most:
            message = f'the placement "{place}" orders {total} {measure} in all, and may order {most}'
            fix = "spread the services over more placements"
            yield _fault(rule, ("profiles", "placement", place), message, fix)
