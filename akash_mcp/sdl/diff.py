"""Whether a running deployment can take a new SDL, or has to be made anew.

An update changes the manifest only; what was ordered on chain stays. A provider compares the two, replica by replica
and endpoint by endpoint (akash-network/chain-sdk go/manifest, CheckAgainstGSpecs), and refuses what does not fit after
the hash on chain has changed already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from akash_mcp.sdl.output.groups import Attribute, Endpoint, GroupSpec, ResourceUnit, Storage
from akash_mcp.sdl.report import Report

_KINDS = {0: "HTTP addresses", 1: "random ports", 2: "leased IPs"}


def diff(old: Report, new: Report) -> tuple[str, ...]:
    """What prevents updating `old` to `new` in place; empty where nothing does.

    Images, commands, variables and ports of the same kind can change. A changed price is not in the way: it has no
    effect on a lease that exists.
    """
    if not new.ok:
        first = new.errors[0]
        return (f"the new SDL would be refused: {first.message} (line {first.line})",)
    return (*_services(old, new), *_groups(old, new))


def _services(old: Report, new: Report) -> Iterator[str]:
    for name in old.services:
        if name not in new.services:
            yield f'the service "{name}" is gone: services can be neither removed nor renamed'
    for name in new.services:
        if name not in old.services:
            yield f'the service "{name}" is new: services cannot be added'


def _groups(old: Report, new: Report) -> Iterator[str]:
    before, after = ({group.name: group for group in report.groups} for report in (old, new))
    for name in before.keys() - after.keys():
        yield f'the placement "{name}" is gone'
    for name in after.keys() - before.keys():
        yield f'the placement "{name}" is new'
    for name, group in before.items():
        if name in after:
            yield from _group(group, after[name])


def _group(old: GroupSpec, new: GroupSpec) -> Iterator[str]:
    where = f'placement "{old.name}"'
    if old.attributes != new.attributes:
        yield f"{where}: attributes {_attributes(old.attributes)} → {_attributes(new.attributes)}"
    if (old.all_of, old.any_of) != (new.all_of, new.any_of):
        yield f"{where}: signedBy cannot change"
    if len(old.resources) != len(new.resources):
        yield f"{where}: {len(old.resources)} → {len(new.resources)} resource units"
        return
    for one, other in zip(old.resources, new.resources, strict=True):
        yield from _unit(f"{where}, unit {one.id}", one, other)


def _unit(where: str, old: ResourceUnit, new: ResourceUnit) -> Iterator[str]:
    before, after = ((f"{u.cpu}m", u.cpu_attributes) for u in (old, new))
    if before != after:
        yield f"{where}: cpu {_with_attributes(*before)} → {_with_attributes(*after)}"
    if old.memory != new.memory:
        yield f"{where}: memory {_size(old.memory)} → {_size(new.memory)}"
    before, after = ((str(u.gpu), u.gpu_attributes) for u in (old, new))
    if before != after:
        yield f"{where}: gpu {_with_attributes(*before)} → {_with_attributes(*after)}"
    if old.storage != new.storage:
        yield f"{where}: storage {_volumes(old.storage)} → {_volumes(new.storage)}"
    if old.count != new.count:
        yield f"{where}: count {old.count} → {new.count}"
    ways_before, ways_after = _ways_in(old.endpoints), _ways_in(new.endpoints)
    for kind, label in _KINDS.items():
        if ways_before[kind] != ways_after[kind]:
            yield f"{where}: number of {label} {ways_before[kind]} → {ways_after[kind]}"


def _ways_in(endpoints: Sequence[Endpoint]) -> Counter[int]:
    return Counter(endpoint.kind for endpoint in endpoints)


def _attributes(attributes: Sequence[Attribute]) -> str:
    return "(" + ", ".join(f"{a.key}={a.value}" for a in attributes) + ")"


def _with_attributes(what: str, attributes: Sequence[Attribute]) -> str:
    return f"{what} {_attributes(attributes)}" if attributes else what


def _volumes(volumes: Sequence[Storage]) -> str:
    return ", ".join(_with_attributes(f"{v.name} {_size(v.size)}", v.attributes) for v in volumes) or "none"


def _size(count: int) -> str:
    for factor, unit in ((2**40, "Ti"), (2**30, "Gi"), (2**20, "Mi")):
        if count >= factor and count % factor == 0:
            return f"{count // factor}{unit}"
    return f"{count} bytes"
