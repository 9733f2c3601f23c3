"""From workloads to the text of an SDL: version 2.0, one placement, a profile for each service.

Text that YAML 1.1 or 1.2 could take for something else is quoted, so that Console, provider and command line read
the same. Cores that are not whole are written in millicores, since 16.1 x 1000 is not a whole number in floating point.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import yaml

from akash_mcp.sdl.author.workload import GIB, MIB, Disk, ExposedPort, Gpus, Workload
from akash_mcp.sdl.output.orders import DENOM
from akash_mcp.sdl.yaml.scalars import resolve

PLACEMENT = "akash"


def write(
    workloads: Sequence[Workload], amounts: Mapping[str, Decimal], attributes: Mapping[str, str] | None = None
) -> str:
    """The SDL of these workloads. `amounts` are uact per block and replica, by service; `attributes` what a provider
    must have."""
    placement: dict[str, Any] = {"attributes": dict(attributes)} if attributes else {}
    placement["pricing"] = {w.name: {"denom": DENOM, "amount": amounts[w.name]} for w in workloads}
    tree = {
        "version": "2.0",
        "services": {w.name: _service(w) for w in workloads},
        "profiles": {
            "compute": {w.name: {"resources": _resources(w)} for w in workloads},
            "placement": {PLACEMENT: placement},
        },
        "deployment": {w.name: {PLACEMENT: {"profile": w.name, "count": w.count}} for w in workloads},
    }
    # without a width, because folding a long text would hide it from whoever reads the SDL
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**31)


def size_text(size: int) -> str:
    """A size in bytes as an SDL has it, rounded up to whole MiB: `512Mi`, `2Gi`."""
    mib = -(-size // MIB)
    return f"{mib * MIB // GIB}Gi" if mib * MIB % GIB == 0 else f"{mib}Mi"


def _service(workload: Workload) -> dict[str, Any]:
    fields: dict[str, Any] = {"image": workload.image}
    if workload.credentials:
        fields["credentials"] = asdict(workload.credentials)
    for field in ("command", "args", "env"):
        if texts := getattr(workload, field):
            fields[field] = list(texts)
    if workload.dependencies:
        fields["dependencies"] = [{"service": name} for name in workload.dependencies]
    if workload.disks:
        fields["params"] = {"storage": {disk.name: _mount(disk) for disk in workload.disks}}
    if workload.exposed:
        fields["expose"] = [_expose(port) for port in workload.exposed]
    return fields


def _mount(disk: Disk) -> dict[str, Any]:
    return {"mount": disk.mount, "readOnly": True} if disk.read_only else {"mount": disk.mount}


def _expose(port: ExposedPort) -> dict[str, Any]:
    fields: dict[str, Any] = {"port": port.port}
    if port.external is not None:
        fields["as"] = port.external
    if port.proto != "TCP":
        fields["proto"] = port.proto
    if port.hosts:
        fields["accept"] = list(port.hosts)
    everyone = [{"global": True}] if port.is_global else []
    fields["to"] = [*everyone, *({"service": name} for name in port.services)]
    return fields


def _resources(workload: Workload) -> dict[str, Any]:
    cpu = workload.cpu // 1000 if workload.cpu % 1000 == 0 else f"{workload.cpu}m"
    root = {"size": size_text(workload.root)}
    fields: dict[str, Any] = {
        "cpu": {"units": cpu},
        "memory": {"size": size_text(workload.memory)},
        "storage": [root, *(_volume(disk) for disk in workload.disks)] if workload.disks else root,
    }
    if workload.gpus:
        fields["gpu"] = _gpu(workload.gpus)
    return fields


def _volume(disk: Disk) -> dict[str, Any]:
    lasts = disk.kind != "ram"
    return {
        "name": disk.name,
        "size": size_text(disk.size),
        "attributes": {"persistent": lasts, "class": disk.kind},
    }


def _gpu(gpus: Gpus) -> dict[str, Any]:
    beside = {"ram": gpus.ram} if gpus.ram else {}
    if gpus.interface:
        beside["interface"] = gpus.interface
    models = [{"model": model, **beside} for model in gpus.models]
    return {"units": gpus.count, "attributes": {"vendor": {"nvidia": models or None}}}


class _Dumper(yaml.SafeDumper):
    """Lists indented below their key, no aliases, and quotes around text that could be read as something else."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


_PLAIN = re.compile(r"[A-Za-z0-9_/.][A-Za-z0-9_/.:@=+-]*", re.ASCII)
_WORDS_OF_YAML_1_1 = frozenset({"y", "n", "yes", "no", "on", "off"})


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    plain = (
        _PLAIN.fullmatch(value) is not None
        and not value.endswith(":")
        and value.lower() not in _WORDS_OF_YAML_1_1
        and isinstance(resolve(value), str)
    )
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if plain else '"')


def _amount(dumper: yaml.SafeDumper, value: Decimal) -> yaml.Node:
    whole = value == value.to_integral_value()
    written = f"{value:.0f}" if whole else f"{value.normalize():f}"
    return dumper.represent_scalar(f"tag:yaml.org,2002:{'int' if whole else 'float'}", written)


def _nothing(dumper: yaml.SafeDumper, _value: None) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:null", "")


_Dumper.add_representer(str, _text)
_Dumper.add_representer(Decimal, _amount)
_Dumper.add_representer(type(None), _nothing)
