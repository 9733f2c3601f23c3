"""Rules of the SDL's schema that hold between fields or offer a choice of types (oneOf, not, contains and if).

Each gives one fault in plain words where a schema validator complains of every branch.
Source: akash-network/chain-sdk go/sdl/sdl-input.schema.yaml.
"""

from __future__ import annotations

import re
from itertools import islice

from akash_mcp.sdl.report import Fault
from akash_mcp.sdl.rules import hints
from akash_mcp.sdl.rules.schema_types import (
    ENOUGH,
    SchemaType,
    choice,
    found,
    list_of,
    map_of,
    missing,
    name,
    wrong_type,
)
from akash_mcp.sdl.yaml.javascript import Value, is_number
from akash_mcp.sdl.yaml.loader import Path

_CPU = re.compile(r"^[0-9]+(\.[0-9]+)?[a-zA-Z]*$", re.ASCII)
_CPU_ZERO = re.compile(r"^0+(\.0+)?m?$", re.ASCII)
_ZERO = re.compile(r"^0+(\.0+)?$", re.ASCII)
_AMOUNT = re.compile(r"^[0-9]+(\.[0-9]+)?$", re.ASCII)
_PERSISTENT_CLASSES = ("beta1", "beta2", "beta3", "default")


def cpu_units(value: Value, path: Path) -> list[Fault]:
    """Takes cores: a number above 0, or text such as `500m`."""
    if isinstance(value, str) and found(_CPU, value) and not found(_CPU_ZERO, value):
        return []
    if is_number(value) and value > 0:
        return []
    return [_not_a_number(value, path, "be a number of cores above 0, or millicores such as 500m")]


def amount(value: Value, path: Path) -> list[Fault]:
    """Takes a price: a number that is not negative, or plain decimal text."""
    if found(_AMOUNT, value) if isinstance(value, str) else is_number(value) and value >= 0:
        return []
    return [_not_a_number(value, path, "be a number of uact that is not negative")]


def _not_a_number(value: Value, path: Path, meaning: str) -> Fault:
    message = f"{name(path)} must {meaning}, and is {hints.shown(value)}"
    return Fault("S05", path, message, hints.for_format(str(value), path), at_key=value is None)


def _some_gpu(value: Value) -> bool:
    if isinstance(value, str):
        return not found(_ZERO, value)
    return is_number(value) and value > 0


def gpu_units_fit_attributes(value: Value, path: Path) -> list[Fault]:
    """Takes a GPU that has both attributes and units above 0, or neither."""
    if not isinstance(value, dict):
        return []
    if "attributes" not in value:
        return [missing("attributes", "a GPU", path, value)] if _some_gpu(value.get("units")) else []
    if "units" not in value:
        return [missing("units", "a GPU", path, value)]
    if _some_gpu(value["units"]):
        return []
    fix = "write units: 1 or more, or remove the attributes"
    return [Fault("S07", (*path, "units"), "a GPU with attributes needs units above 0", fix)]


def gpu_units(value: Value, path: Path) -> list[Fault]:
    """Takes a number of GPUs, as a number or as text."""
    if isinstance(value, str) or is_number(value):
        return []
    return [Fault("S03", path, f"{name(path)} must be a number of GPUs", "write units: 1", at_key=True)]


def class_fits_persistent(value: Value, path: Path) -> list[Fault]:
    """Takes a volume's attributes: the class `ram` is never persistent, the classes of disks always are."""
    if not isinstance(value, dict):
        return [Fault("S08", path, "a volume's attributes must be a map", at_key=True)]
    kind, persistent = value.get("class"), value.get("persistent")
    lasting = persistent is True or persistent == "true"
    where = (*path, "persistent")
    if kind == "ram" and lasting:
        fix = "write persistent: false, or class: beta3"
        return [Fault("S08", where, "a volume of class ram cannot be persistent", fix)]
    if kind not in _PERSISTENT_CLASSES or lasting:
        return []
    if "persistent" not in value:
        return [missing("persistent", "volume attributes", path, value)]
    fix = "write persistent: true, or remove the attributes for a volume that lasts as long as its replica"
    return [Fault("S08", where, f"a volume of class {kind} must be persistent", fix)]


def persistent(value: Value, path: Path) -> list[Fault]:
    """Takes a boolean, or text that stands for one."""
    return [] if isinstance(value, bool | str) else [wrong_type(value, path, "boolean")]


def one_or_more(volume: SchemaType) -> SchemaType:
    """Takes storage: one volume or a list of them."""

    def check(value: Value, path: Path) -> list[Fault]:
        if isinstance(value, list):
            return list_of(volume)(value, path)
        if isinstance(value, dict):
            return volume(value, path)
        message = '"storage" must be a volume or a list of volumes'
        return [Fault("S03", path, message, "write storage: size: 1Gi", at_key=value is None)]

    return check


def ip_needs_global(value: Value, path: Path) -> list[Fault]:
    """Takes a "to" entry: one with a leased IP is open to everybody."""
    if not isinstance(value, dict) or value.get("global") is True:
        return []
    ip = value.get("ip")
    if not isinstance(ip, str) or not ip:
        return []
    where = (*path, "global") if "global" in value else (*path, "ip")
    return [Fault("S09", where, f'the leased IP "{ip}" needs "global: true" beside it', "add global: true")]


_cases = list_of(choice("error", "timeout", "500", "502", "503", "504", "403", "404", "429", "off"))


def next_cases(value: Value, path: Path) -> list[Fault]:
    """Takes the cases in which a proxy tries the next replica: a list of them, or `off` alone."""
    faults = _cases(value, path)
    if not faults and isinstance(value, list) and "off" in value and len(value) > 1:
        return [Fault("S04", path, '"off" must stand alone in "next_cases"', 'write next_cases: ["off"]')]
    return faults


_ENDPOINT_NAME = re.compile(r"^[a-z]+[-_0-9a-z]+$", re.ASCII)


def endpoints_of(endpoint: SchemaType) -> SchemaType:
    """Takes a map of endpoints, whose names are two or more of a-z, 0-9, "-" and "_", from a letter on."""

    def check(value: Value, path: Path) -> list[Fault]:
        if not isinstance(value, dict):
            return [wrong_type(value, path, "object")]
        named = {key: each for key, each in value.items() if found(_ENDPOINT_NAME, key)}
        bad = islice((key for key in value if key not in named), ENOUGH)
        return [_bad_endpoint_name(key, path) for key in bad] + map_of(endpoint)(named, path)

    return check


def _bad_endpoint_name(key: str, path: Path) -> Fault:
    fix = 'write two or more of a-z, 0-9, "-" and "_", beginning with a letter'
    return Fault("S05", (*path, key), f'"{key}" cannot be the name of an endpoint', fix, at_key=True)
