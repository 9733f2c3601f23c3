"""Rules of the grammar that JSON schema words with oneOf, not, contains and if.

Each says once, in plain words, what the schema's validator says in several texts, one for each branch that failed.
Source: akash-network/chain-sdk go/sdl/sdl-input.schema.yaml.
"""

from __future__ import annotations

import re
from itertools import islice

from akash_mcp.sdl.rules import hints
from akash_mcp.sdl.rules.schema_types import (
    ENOUGH,
    Problem,
    Shape,
    at,
    choice,
    found,
    list_of,
    map_of,
    missing,
    name,
    quoted,
    wrong_type,
)
from akash_mcp.sdl.yaml.javascript import Value, is_number
from akash_mcp.sdl.yaml.loader import Path

_CPU = re.compile(r"^[0-9]+(\.[0-9]+)?[a-zA-Z]*$", re.ASCII)
_CPU_ZERO = re.compile(r"^0+(\.0+)?m?$", re.ASCII)
_ZERO = re.compile(r"^0+(\.0+)?$", re.ASCII)
_AMOUNT = re.compile(r"^[0-9]+(\.[0-9]+)?$", re.ASCII)
_PERSISTENT_CLASSES = ("beta1", "beta2", "beta3", "default")


def cpu_units(value: Value, path: Path) -> list[Problem]:
    """Cores: a number above 0, or text such as `500m`."""
    said: list[str] = []
    if not isinstance(value, str) or found(_CPU_ZERO, value):
        said.append(f"{quoted(path)} must NOT be valid.")
    if not isinstance(value, str):
        said.append(f"{quoted(path)} should be string.")
    elif not found(_CPU, value):
        said.append(f'Invalid format: {quoted(path)} does not match pattern "{_CPU.pattern}"')
    if isinstance(value, str) and not said:
        return []
    return _number_or(
        value, path, said, above=True, meaning="be a number of cores above 0, or millicores such as 500m"
    )


def amount(value: Value, path: Path) -> list[Problem]:
    """A price: a number that is not negative, or plain decimal text."""
    if isinstance(value, str) and found(_AMOUNT, value):
        return []
    if isinstance(value, str):
        said = [f'Invalid format: {quoted(path)} does not match pattern "{_AMOUNT.pattern}"']
    else:
        said = [f"{quoted(path)} should be string."]
    return _number_or(value, path, said, above=False, meaning="be a number of uact that is not negative")


def _number_or(value: Value, path: Path, said: list[str], *, above: bool, meaning: str) -> list[Problem]:
    """The number branch of a `oneOf`, after a text branch that failed with `said`."""
    if is_number(value):
        if value > 0 or (value == 0 and not above):
            return []
        said.append(f"{quoted(path)} must be {'greater than' if above else 'at least'} 0.")
    else:
        said.append(f"{quoted(path)} should be number.")
    message = f"{name(path)} must {meaning}, and is {hints.shown(value)}"
    return [Problem("S05", path, message, said, hints.for_format(str(value), path), at_key=value is None)]


def _some_gpu(value: Value) -> bool:
    if isinstance(value, str):
        return not found(_ZERO, value)
    return is_number(value) and value > 0


def gpu_units_fit_attributes(value: Value, path: Path) -> list[Problem]:
    """GPU attributes and units above 0 come together or not at all."""
    if not isinstance(value, dict):
        return []
    echo = f'{quoted(path)} must match "then" schema.'
    units = value.get("units")
    if "attributes" not in value:
        if "units" not in value or not _some_gpu(units):
            return []
        problem = missing("attributes", "a GPU", path)
    elif "units" not in value:
        problem = missing("units", "a GPU", path)
    elif _some_gpu(units):
        return []
    else:
        at_units = (*path, "units")
        positive = "must be greater than 0." if is_number(units) else "should be number."
        said = [f"{quoted(at_units)} {positive}"]
        if not isinstance(units, str):
            said.append(f"{quoted(at_units)} should be string.")
        said.append(f"{quoted(at_units)} must NOT be valid.")
        hint = "write units: 1 or more, or remove the attributes"
        problem = Problem("S07", at_units, "a GPU with attributes needs units above 0", said, hint)
    problem.official.append(echo)
    return [problem]


def gpu_units(value: Value, path: Path) -> list[Problem]:
    """A number of GPUs, as number or text."""
    if isinstance(value, str) or is_number(value):
        return []
    said = [f"{quoted(path)} should be string.", f"{quoted(path)} should be number."]
    return [
        Problem("S03", path, f"{name(path)} must be a number of GPUs", said, "write units: 1", at_key=True)
    ]


def class_fits_persistent(value: Value, path: Path) -> list[Problem]:
    """`ram` is never persistent, the classes of disks always are."""
    if not isinstance(value, dict):
        said = f'"ram" storage{at(path[:-1])} cannot be persistent'
        return [Problem("S08", path, "a volume's attributes must be a map", [said], at_key=True)]
    kind, persistent = value.get("class"), value.get("persistent")
    lasting = persistent is True or persistent == "true"
    at_persistent = (*path, "persistent")
    if kind == "ram" and lasting:
        said = f'"ram" storage{at(path[:-1])} cannot be persistent'
        hint = "write persistent: false, or class: beta3"
        return [Problem("S08", at_persistent, "a volume of class ram cannot be persistent", [said], hint)]
    if kind not in _PERSISTENT_CLASSES or lasting:
        return []
    echo = f'{quoted(path)} must match "then" schema.'
    if "persistent" not in value:
        problem = missing("persistent", "volume attributes", path)
        problem.official.append(echo)
        return [problem]
    said = f"{quoted(at_persistent)} must be true."
    hint = "write persistent: true, or remove the attributes for a volume that lasts as long as its replica"
    return [Problem("S08", at_persistent, f"a volume of class {kind} must be persistent", [said, echo], hint)]


def persistent(value: Value, path: Path) -> list[Problem]:
    """A boolean, or text that stands for one."""
    return [] if isinstance(value, bool | str) else [wrong_type(value, path, "boolean", shown="undefined")]


def one_or_more(volume: Shape) -> Shape:
    """Storage: one volume or a list of them."""

    def check(value: Value, path: Path) -> list[Problem]:
        no_map, no_list = f"{quoted(path)} should be object.", f"{quoted(path)} should be array."
        if isinstance(value, list):
            problems = list_of(volume)(value, path)
            if problems:
                problems[0].official.insert(0, no_map)
            return problems
        if isinstance(value, dict):
            problems = volume(value, path)
            if problems:
                problems[-1].official.append(no_list)
            return problems
        problem = wrong_type(value, path, "object")
        problem.message = '"storage" must be a volume or a list of volumes'
        problem.hint = "write storage: size: 1Gi"
        problem.official.append(no_list)
        return [problem]

    return check


def ip_needs_global(value: Value, path: Path) -> list[Problem]:
    """A leased IP is for everybody."""
    if not isinstance(value, dict) or value.get("global") is True:
        return []
    ip = value.get("ip")
    if not isinstance(ip, str) or not ip:
        return []
    said = "If an IP is declared, the directive must be declared as global."
    where = (*path, "global") if "global" in value else (*path, "ip")
    return [
        Problem(
            "S09", where, f'the leased IP "{ip}" needs "global: true" beside it', [said], "add global: true"
        )
    ]


_cases = list_of(choice("error", "timeout", "500", "502", "503", "504", "403", "404", "429", "off"))


def next_cases(value: Value, path: Path) -> list[Problem]:
    """When a proxy tries the next replica: a list of cases, or `off` alone."""
    if not isinstance(value, list):
        problem = wrong_type(value, path, "array")
        problem.official.append(f"{quoted(path)} must NOT be valid.")
        return [problem]
    problems = _cases(value, path)
    alone = "off" in value
    if not problems and (not alone or len(value) == 1):
        return []
    if not problems:
        said = [f"{quoted(path)} must have at most 1 items.", f"{quoted(path)} must NOT be valid."]
        return [
            Problem("S04", path, '"off" must stand alone in "next_cases"', said, 'write next_cases: ["off"]')
        ]
    if len(value) > 1:
        problems[0].official.insert(0, f"{quoted(path)} must have at most 1 items.")
    if alone:
        problems[-1].official.append(f"{quoted(path)} must NOT be valid.")
    else:
        problems[-1].official += [f"{quoted((*path, i))} must be off." for i in range(len(value))]
        problems[-1].official.append(f"{quoted(path)} must contain at least 1 valid item(s).")
    return problems


_ENDPOINT_NAME = re.compile(r"^[a-z]+[-_0-9a-z]+$", re.ASCII)


def endpoints_of(endpoint: Shape) -> Shape:
    """A map of endpoints, whose names have a form of their own."""

    def check(value: Value, path: Path) -> list[Problem]:
        if not isinstance(value, dict):
            return [wrong_type(value, path, "object")]
        named = {key: each for key, each in value.items() if found(_ENDPOINT_NAME, key)}
        bad = islice((key for key in value if key not in named), ENOUGH)
        return [_bad_endpoint_name(key, path) for key in bad] + map_of(endpoint)(named, path)

    return check


def _bad_endpoint_name(key: str, path: Path) -> Problem:
    said = f'Field "{key}"{at(path)} doesn\'t satisfy any of the allowed patterns: {_ENDPOINT_NAME.pattern}.'
    message = f'"{key}" is no name for an endpoint'
    hint = 'write two or more of a-z, 0-9, "-" and "_", beginning with a letter'
    return Problem("S05", (*path, key), message, [said], hint, at_key=True)
