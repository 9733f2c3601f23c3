"""What the chain and the provider refuse although the Console takes it (judge B): the mistakes that cost a deposit.

Sources: akash-network/chain-sdk go/node/deployment (ValidateDeploymentGroups), go/node/types/attributes,
go/manifest (Manifest.Validate); Kubernetes apimachinery validation for names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import ROUND_CEILING, Decimal

from akash_mcp.sdl.model import Profile, Sdl, Service
from akash_mcp.sdl.output.groups import Attribute
from akash_mcp.sdl.output.orders import Order, Unit, exposes
from akash_mcp.sdl.output.quantities import is_whole, rounded_up
from akash_mcp.sdl.report import Fault, Judge
from akash_mcp.sdl.yaml.loader import Path

MIB, TIB = 2**20, 2**40
MIN_CPU, MAX_CPU, MAX_GROUP_CPU = 10, 384_000, 19_200_000
MAX_GPU, MAX_GROUP_GPU = 24, 1_200
MIN_MEMORY, MAX_MEMORY, MAX_GROUP_MEMORY = MIB, 2 * TIB, 100 * TIB
MIN_VOLUME, MAX_VOLUME = 5 * MIB, 32 * TIB
MAX_PRICE = 10_000_000
MAX_COUNT = 2**32 - 1

_SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_HOST = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
ATTRIBUTE_KEY = re.compile(r"[a-zA-Z][\w/.\-]{1,126}[\w*]?", re.ASCII)
_AMOUNT = re.compile(r"[0-9]+(\.[0-9]{1,18})?")


def check_chain(sdl: Sdl, all_orders: Sequence[Order]) -> Iterator[Fault]:
    """Everything that the chain would refuse, and then everything that the provider would."""
    if not all_orders:
        message = "an SDL needs a service that is deployed somewhere"
        yield _fault("P00", ("services",), message, "Invalid groups", "")
        return
    judged: set[str] = set()
    for order in all_orders:
        yield from _group(sdl, order, judged)
    yield from _manifest(all_orders)


def _fault(rule: str, path: Path, message: str, official: str, hint: str, judge: Judge = "chain") -> Fault:
    return Fault(rule, path, message, official, hint, judge)


# ── the chain: group specs ───────────────────────────────────────────────────────────────────────────────────────


def _group(sdl: Sdl, order: Order, judged: set[str]) -> Iterator[Fault]:
    """The faults of a placement, and of those profiles in it that are not yet `judged`."""
    place = order.placement.name
    if not place:
        said = "empty group spec name denomination"
        yield _fault("P23", ("profiles", "placement"), "a placement needs a name", said, "name it")
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
            yield _fault("P24", path, f"count must be {MAX_COUNT} or less", "", "")
    yield from _totals(order)


def _cpu(profile: Profile, unit: Unit) -> Iterator[Fault]:
    path: Path = ("profiles", "compute", profile.name, "resources", "cpu", "units")
    cpu = unit.resources.cpu
    if not is_whole(cpu):
        message = f"{profile.cpu} cores come to {cpu} millicores, and the chain takes whole ones only"
        yield _fault("P06", path, message, f'bad int "{cpu}"', f"write {_whole_millicores(profile.cpu)}m")
    elif not MIN_CPU <= int(cpu) <= MAX_CPU:
        said = f"error: invalid unit CPU ({MAX_CPU} > {cpu} > {MAX_CPU} fails)"
        hint = "write 10m" if int(cpu) < MIN_CPU else "spread it over more replicas"
        yield _fault("P07", path, f"a replica has 10 to 384000 millicores, not {cpu}", said, hint)
    yield from _attributes("P13", "CPU", unit.resources.cpu_attributes, (*path[:-1], "attributes"))


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
        said, hint = f'bad int "{memory}"', "write 512Mi, or what it needs"
        yield _fault("P06", path, f"{profile.memory} is no whole number of bytes", said, hint)
    elif not MIN_MEMORY <= int(memory) <= MAX_MEMORY:
        said = f"error: invalid unit memory ({MAX_MEMORY} > {memory} > {MAX_MEMORY} fails)"
        hint = "write 1Mi or more, with Mi or Gi" if int(memory) < MIN_MEMORY else "write 2Ti or less"
        message = f"a replica has 1 Mi to 2 Ti of memory, not {profile.memory}"
        yield _fault("P08", path, message, said, hint)


def _storage(profile: Profile, unit: Unit) -> Iterator[Fault]:
    at: Path = ("profiles", "compute", profile.name, "resources")
    if not profile.storage:
        said = "error: invalid unit storage, cannot be nil"
        yield _fault("P09", (*at, "storage"), "a profile needs a volume", said, "write storage: size: 1Gi")
    for volume, ordered in zip(profile.storage, unit.resources.storage, strict=True):
        where: Path = (*at, *volume.steps)
        if not is_whole(ordered.size):
            said, hint = f'bad int "{ordered.size}"', "write 1Gi, or what it needs"
            yield _fault("P06", (*where, "size"), f"{volume.size} is no whole number of bytes", said, hint)
        elif not MIN_VOLUME <= int(ordered.size) <= MAX_VOLUME:
            said = f"error: invalid unit storage ({MAX_VOLUME} > {ordered.size} > {MIN_VOLUME} fails)"
            hint = (
                "write 5Mi or more, with Mi or Gi" if int(ordered.size) < MIN_VOLUME else "write 32Ti or less"
            )
            message = f"a volume has 5 Mi to 32 Ti, not {volume.size}"
            yield _fault("P10", (*where, "size"), message, said, hint)
        yield from _attributes("P20", "storage", ordered.attributes, (*where, "attributes"))


def _gpu(profile: Profile, unit: Unit) -> Iterator[Fault]:
    at: Path = ("profiles", "compute", profile.name, "resources", "gpu")
    gpu = unit.resources.gpu
    if not is_whole(gpu):
        yield _fault("P11", (*at, "units"), "GPUs come whole", f'bad int "{gpu}"', "write units: 1 or more")
    elif int(gpu) > MAX_GPU:
        said = f"error: invalid unit GPU ({MAX_GPU} > {gpu} > {MAX_GPU} fails)"
        yield _fault("P11", (*at, "units"), f"a replica has at most {MAX_GPU} GPUs, not {gpu}", said, "")
    elif int(gpu) == 0 and unit.resources.gpu_attributes:
        said = "error: invalid GPU state. attributes cannot be present if units == 0"
        yield _fault("P21", (*at, "units"), "GPU attributes need a whole GPU", said, "write units: 1 or more")
    yield from _attributes(
        "P14", "GPU", unit.resources.gpu_attributes, (*at, "attributes", "vendor", "nvidia")
    )


def _attributes(rule: str, of: str, attributes: Sequence[Attribute], path: Path) -> Iterator[Fault]:
    keys = [attribute.key for attribute in attributes]
    for key in keys:
        if not ATTRIBUTE_KEY.fullmatch(key):
            said = f"error: invalid {of} attributes: attribute key does not match regexp"
            message = f'"{key}" is no key for an attribute: 2 to 128 letters, digits, "_", "-", "." and "/"'
            yield _fault(rule, path, message, said, "write no spaces")
    for key in sorted(key for key, times in Counter(keys).items() if times > 1):
        said = f"error: invalid {of} attributes: attributes cannot have duplicate keys"
        yield _fault(rule, path, f'the attribute "{key}" stands twice', said, "keep one of the two")


def _price(place: str, unit: Unit) -> Iterator[Fault]:
    path: Path = ("profiles", "placement", place, "pricing", unit.profile, "amount")
    if not _AMOUNT.fullmatch(unit.amount):
        said = f"failed to set decimal string with base 10: {unit.amount}"
        message = f"the price {unit.amount[:40]} is no plain number with at most 18 decimal places"
        yield _fault("P15", path, message, said, "write a plain number, such as 1000")
    elif Decimal(unit.amount) > MAX_PRICE:
        said = f"error: invalid unit price ({MAX_PRICE} > {unit.amount}uact fails)"
        message = f"a replica costs at most {MAX_PRICE} uact per block, not {unit.amount[:40]}"
        yield _fault(
            "P16", path, message, said, "write what you would pay: 10000 uact is about 4,300 USD a month"
        )


def _totals(order: Order) -> Iterator[Fault]:
    path: Path = ("profiles", "placement", order.placement.name)
    for rule, of, field, measure, most in (
        ("P17", "CPU", "cpu", "millicores", MAX_GROUP_CPU),
        ("P18", "GPU", "gpu", "GPUs", MAX_GROUP_GPU),
        ("P19", "memory", "memory", "bytes", MAX_GROUP_MEMORY),
    ):
        total = sum(rounded_up(getattr(unit.resources, field)) * unit.count for unit in order.units)
        if total > most:
            said = f"invalid total {of} ({most} > {total} > 0 fails)"
            message = f'the placement "{order.placement.name}" orders {total} {measure} in all, and may order {most}'
            yield _fault(rule, path, message, said, "spread the services over more placements")


# ── the provider: the manifest ───────────────────────────────────────────────────────────────────────────────────


def _manifest(all_orders: Sequence[Order]) -> Iterator[Fault]:
    hosts: set[str] = set()
    seen: set[str] = set()
    services = [service for order in all_orders for service, _ in order.services]
    for service in services:
        if service.name not in seen:
            yield from _names(service)
        yield from _hosts(service, hosts, again=service.name in seen)
        seen.add(service.name)
    if not any(to.is_global for service in services for expose in service.expose for to in expose.to):
        yield _fault(
            "P01",
            ("services", services[0].name),
            "no service is open to the world, and a provider runs none that is not",
            "invalid manifest: zero global services",
            "add to an expose entry: to: - global: true",
            "provider",
        )


def _names(service: Service) -> Iterator[Fault]:
    at: Path = ("services", service.name)
    if not _SERVICE_NAME.fullmatch(service.name):
        message = f'"{service.name}" is no name for a service: a-z, 0-9 and "-", from a letter to no "-"'
        said = f'invalid manifest: service "{service.name}" name is invalid'
        plain = (
            re.sub("-+", "-", re.sub("[^a-z0-9]", "-", service.name.lower())).strip("-").lstrip("0123456789-")
        )
        hint = f"call it {plain}, here and under deployment" if plain else ""
        yield Fault("P02", at, message, said, hint, "provider", at_key=True)
    for i, variable in enumerate(service.env):
        name = variable.partition("=")[0]
        if not _ENV_NAME.fullmatch(name) or name == "." or name.startswith(".."):
            word = _first_word(name)
            message = f'the item that begins with "{word}" has no name of a variable before "="'
            said = f'invalid manifest: service "{service.name}" defines an env. var. with an invalid name "{word}"'
            yield _fault("P03", (*at, "env", i), message, said, _env_hint(variable), "provider")
    in_bytes = [
        (to.service.encode(), expose.port, expose.proto, not to.is_global) for expose, to in exposes(service)
    ]
    if in_bytes != sorted(in_bytes):
        said = f'invalid manifest: service "{service.name}": expose is not sorted'
        message = 'the names under "to: - service:" sort one way at the Console and another at the provider'
        yield _fault(
            "P22", (*at, "expose"), message, said, "name existing services, in a-z, 0-9 and -", "provider"
        )


def _first_word(text: str) -> str:
    """All that may be repeated of a variable without its "=": the rest may be its secret value."""
    return re.split(r"[=:\s]", text.strip(), maxsplit=1)[0][:60]


def _env_hint(variable: str) -> str:
    name, _, value = variable.partition("=")
    if name.startswith("export "):
        return f"write {_first_word(name[7:])}=…"
    if ":" in name and not value:
        return f"write {_first_word(name)}=… instead of {_first_word(name)}: …"
    if name.strip() != name and name.strip():
        return "remove the space around the name"
    return "write NAME=value"


def _hosts(service: Service, taken: set[str], *, again: bool) -> Iterator[Fault]:
    for i, expose in enumerate(service.expose):
        for j in range(len(expose.to)):
            for k, host in enumerate(expose.accept):
                path: Path = ("services", service.name, "expose", i, "accept", k)
                if len(host) > 253 or not _HOST.fullmatch(host):
                    if j == 0 and not again:
                        yield _bad_host(path, service.name, host)
                elif host in taken:
                    yield _host_taken(path, service.name, host, entry=j)
                taken.add(host)


def _bad_host(path: Path, service: str, host: str) -> Fault:
    said = f'invalid manifest: service "{service}": has invalid hostname "{host}"'
    hint = "write a lower-case host name without scheme, port, path or wildcard: www.example.com"
    return _fault("P04", path, f'"{host[:80]}" is no host name', said, hint, "provider")


def _host_taken(path: Path, service: str, host: str, *, entry: int) -> Fault:
    said = f'invalid manifest: service "{service}": hostname "{host}" is duplicated, this is not allowed'
    message, hint = f'the host name "{host}" is asked for twice', "keep one"
    if entry:
        message += ': each "to" entry asks for every name in "accept" once more'
        hint = 'give each "to" an expose entry of its own, with "accept" on the global one'
    return _fault("P05", path, message, said, hint, "provider")
