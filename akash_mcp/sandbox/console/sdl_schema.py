"""The schema that Console holds an SDL against before it looks at anything else, told in ajv's words.

Console has rewritten every `denom` and put its auditor into `signedBy` by then, so any denom will do, and `signedBy`
and `anyOf` may be null. Fields stand in the schema's order, which is the order of the complaints.
Source: akash-network/chain-sdk go/sdl/sdl-input.schema.yaml.
"""

from __future__ import annotations

from akash_mcp.sandbox.console.ajv import (
    Rule,
    anything,
    at,
    boolean,
    choice,
    filled_in,
    integer,
    list_of,
    map_of,
    matches,
    missing,
    one_or_more,
    or_null,
    quoted,
    record,
    should_be,
    some_map,
    string,
)
from akash_mcp.sdl.yaml.javascript import Value, is_number
from akash_mcp.sdl.yaml.loader import Path

_CPU = r"^[0-9]+(\.[0-9]+)?[a-zA-Z]*$"
_CPU_ZERO = r"^0+(\.0+)?m?$"
_ZERO = r"^0+(\.0+)?$"
_AMOUNT = r"^[0-9]+(\.[0-9]+)?$"
_ENDPOINT_NAME = "^[a-z]+[-_0-9a-z]+$"
_LASTING_CLASSES = ("beta1", "beta2", "beta3", "default")


def schema_complaints(data: Value) -> list[str]:
    """All that ajv says of a parsed SDL, each sentence once; empty where the schema takes it."""
    return list(dict.fromkeys(_sdl(data, ())))


# ── rules that the schema words with oneOf, not, contains and if ─────────────────────────────────────────────────


def _cpu_units(value: Value, path: Path) -> list[str]:
    said = []
    if not isinstance(value, str) or matches(_CPU_ZERO, value):
        said.append(f"{quoted(path)} must NOT be valid.")
    said += string(pattern=_CPU)(value, path)
    return [*said, *_number(value, path, above=True)] if said and _number(value, path, above=True) else []


def _amount(value: Value, path: Path) -> list[str]:
    as_text, as_number = string(pattern=_AMOUNT)(value, path), _number(value, path, above=False)
    return [*as_text, *as_number] if as_text and as_number else []


def _number(value: Value, path: Path, *, above: bool) -> list[str]:
    if not is_number(value):
        return [should_be("number", path)]
    if value > 0 or (value == 0 and not above):
        return []
    return [f"{quoted(path)} must be {'greater than' if above else 'at least'} 0."]


def _gpu_units(value: Value, path: Path) -> list[str]:
    if isinstance(value, str) or is_number(value):
        return []
    return [should_be("string", path), should_be("number", path)]


def _some_gpu(value: Value) -> bool:
    return not matches(_ZERO, value) if isinstance(value, str) else is_number(value) and value > 0


def _gpu_units_fit_attributes(value: Value, path: Path) -> list[str]:
    if not isinstance(value, dict):
        return []
    units = value.get("units")
    if "attributes" not in value:
        said = [missing("attributes", path)] if "units" in value and _some_gpu(units) else []
    elif "units" not in value:
        said = [missing("units", path)]
    elif _some_gpu(units):
        said = []
    else:
        where = (*path, "units")
        said = [
            f"{quoted(where)} must be greater than 0." if is_number(units) else should_be("number", where)
        ]
        said += [] if isinstance(units, str) else [should_be("string", where)]
        said.append(f"{quoted(where)} must NOT be valid.")
    return [*said, _not_then(path)] if said else []


def _not_then(path: Path) -> str:
    return f'{quoted(path)} must match "then" schema.'


def _vendor(value: Value, path: Path) -> list[str]:
    if value == {}:
        return [f"{quoted(path)} must have at least 1 property."]
    return _named_vendor(value, path)


def _class_fits_persistent(value: Value, path: Path) -> list[str]:
    ram = f'"ram" storage{at(path[:-1])} cannot be persistent'
    if not isinstance(value, dict):
        return [ram]
    kind, persistent = value.get("class"), value.get("persistent")
    lasting = persistent is True or persistent == "true"
    if kind == "ram" and lasting:
        return [ram]
    if kind not in _LASTING_CLASSES or lasting:
        return []
    if "persistent" not in value:
        return [missing("persistent", path), _not_then(path)]
    return [f"{quoted((*path, 'persistent'))} must be true.", _not_then(path)]


def _persistent(value: Value, path: Path) -> list[str]:
    return [] if isinstance(value, bool | str) else [should_be("undefined", path)]


def _ip_needs_global(value: Value, _path: Path) -> list[str]:
    if not isinstance(value, dict) or value.get("global") is True:
        return []
    ip = value.get("ip")
    named = isinstance(ip, str) and ip != ""
    return ["If an IP is declared, the directive must be declared as global."] if named else []


def _next_cases(value: Value, path: Path) -> list[str]:
    not_valid = f"{quoted(path)} must NOT be valid."
    if not isinstance(value, list):
        return [should_be("array", path), not_valid]
    said, alone = _cases(value, path), "off" in value
    too_many = [f"{quoted(path)} must have at most 1 items."] if len(value) > 1 else []
    if alone:
        return [*too_many, *said, not_valid] if said or too_many else []
    if not said:
        return []
    not_off = [f"{quoted((*path, i))} must be off." for i in range(len(value))]
    return [*too_many, *said, *not_off, f"{quoted(path)} must contain at least 1 valid item(s)."]


def _endpoints(value: Value, path: Path) -> list[str]:
    if not isinstance(value, dict):
        return [should_be("object", path)]
    named = {key: each for key, each in value.items() if matches(_ENDPOINT_NAME, key)}
    bad = [
        f'Field "{key}"{at(path)} doesn\'t satisfy any of the allowed patterns: {_ENDPOINT_NAME}.'
        for key in value
        if key not in named
    ]
    return bad + map_of(_endpoint)(named, path)


# ── the fields ───────────────────────────────────────────────────────────────────────────────────────────────────

_strings = list_of(string())
_port = integer(1, 65535)
_cases = list_of(choice("error", "timeout", "500", "502", "503", "504", "403", "404", "429", "off"))
_endpoint = record({"kind": choice("ip")}, required=("kind",), shown="undefined")
_volume = record(
    {
        "attributes": record(
            {"class": string(shown="undefined"), "persistent": _persistent},
            required=("class", "persistent"),
            first=_class_fits_persistent,
        ),
        "name": string(shown="undefined"),
        "size": string(shown="undefined"),
    },
    required=("size",),
)
_named_vendor = record(
    {
        "nvidia": or_null(
            list_of(record({"interface": choice("pcie", "sxm"), "model": string(), "ram": string()}))
        )
    }
)
_resources = record(
    {
        "cpu": record({"attributes": some_map, "units": _cpu_units}, required=("units",)),
        "gpu": record(
            {"attributes": record({"vendor": _vendor}), "units": _gpu_units}, first=_gpu_units_fit_attributes
        ),
        "memory": record({"size": string()}, required=("size",)),
        "storage": one_or_more(_volume),
    },
    required=("cpu", "memory", "storage"),
)
_placement = record(
    {
        "attributes": some_map,
        "pricing": map_of(record({"amount": _amount, "denom": anything}, required=("amount",))),
        "signedBy": filled_in(record({"allOf": _strings, "anyOf": filled_in(_strings)})),
    },
    required=("pricing",),
)
_http_options: dict[str, Rule] = {
    "max_body_size": integer(0, 104857600),
    "next_cases": _next_cases,
    "next_timeout": integer(0),
    "next_tries": integer(0),
    "proxy_buffer_size": integer(0, 1048576),
    "read_timeout": integer(0, 60000),
    "send_timeout": integer(0, 60000),
}
_expose = record(
    {
        "accept": _strings,
        "as": _port,
        "http_options": record(_http_options),
        "port": _port,
        "proto": choice("TCP", "UDP", "tcp", "udp"),
        "to": list_of(
            record({"global": boolean, "ip": string(least=1), "service": string()}, first=_ip_needs_global)
        ),
    },
    required=("port",),
)
_service = record(
    {
        "args": or_null(_strings),
        "command": or_null(_strings),
        "credentials": record(
            {
                "email": string(least=5),
                "host": string(least=1),
                "password": string(least=6),
                "username": string(least=1),
            },
            required=("host", "username", "password"),
        ),
        "dependencies": list_of(record({"service": string()})),
        "env": or_null(_strings),
        "expose": or_null(list_of(_expose)),
        "image": string(least=1),
        "params": record(
            {
                "storage": map_of(record({"mount": string(least=1, pattern="^/"), "readOnly": boolean})),
                "permissions": record({"read": list_of(choice("deployment", "logs", "events"))}),
                "tee": choice("cpu", "cpu-gpu"),
            }
        ),
    },
    required=("image",),
)
_sdl = record(
    {
        "deployment": map_of(
            map_of(record({"count": integer(1), "profile": string()}, required=("profile", "count")))
        ),
        "endpoints": _endpoints,
        "include": _strings,
        "profiles": record(
            {
                "compute": map_of(record({"resources": _resources}, required=("resources",))),
                "placement": map_of(_placement),
            },
            required=("compute", "placement"),
        ),
        "services": map_of(_service),
        "reclamation": record(
            {
                "min_window": string(
                    pattern="^[1-9][0-9]*(s|m|h)$",
                    instead='Reclamation min_window must be a whole number followed by s, m, or h (e.g. "24h", "30m").',
                )
            },
            required=("min_window",),
        ),
        "version": choice("2.0", "2.1"),
    },
    required=("version", "services", "profiles", "deployment"),
)
