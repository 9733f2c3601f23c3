"""The schema of an SDL: which fields there are and what they hold, as the Console judges it (judge A).

The rules are those of akash-network/chain-sdk go/sdl/sdl-input.schema.yaml, after Console has rewritten every `denom`
and added its auditor to `signedBy` (akash-network/console apps/api sdl.service.ts): so any denom will do, and
`signedBy` and `anyOf` may be empty. Fields stand in the order of that file.
"""

from __future__ import annotations

from akash_mcp.sdl.report import Fault
from akash_mcp.sdl.rules import hints
from akash_mcp.sdl.rules.schema_conditions import (
    amount,
    class_fits_persistent,
    cpu_units,
    endpoints_of,
    gpu_units,
    gpu_units_fit_attributes,
    ip_needs_global,
    next_cases,
    one_or_more,
    persistent,
)
from akash_mcp.sdl.rules.schema_types import (
    any_map,
    anything,
    choice,
    flag,
    list_of,
    map_of,
    or_null,
    record,
    string,
    whole,
)
from akash_mcp.sdl.yaml.javascript import Value
from akash_mcp.sdl.yaml.loader import Path


def check_schema(data: Value) -> list[Fault]:
    """All that is wrong with the fields of a parsed SDL (S01 to S09), whatever they refer to."""
    return _sdl(data, ())


_strings = list_of(string())
_port = whole(1, 65535)

_endpoint = record("an endpoint", {"kind": choice("ip")}, required=("kind",))

_volume = record(
    hints.VOLUME,
    {
        "attributes": record(
            "volume attributes",
            {"class": string(), "persistent": persistent},
            required=("class", "persistent"),
            first=class_fits_persistent,
        ),
        "name": string(),
        "size": string(),
    },
    required=("size",),
)

_nvidia = or_null(
    list_of(record("a GPU model", {"interface": choice("pcie", "sxm"), "model": string(), "ram": string()}))
)
_named_vendor = record("a GPU vendor", {"nvidia": _nvidia})


def _vendor(value: Value, path: Path) -> list[Fault]:
    if value == {}:
        fix = "write vendor: nvidia:"
        return [Fault("S01", path, "a GPU needs a vendor", fix, at_key=True, lacks=((*path, "nvidia"),))]
    return _named_vendor(value, path)


_gpu = record(
    "a GPU",
    {"attributes": record("GPU attributes", {"vendor": _vendor}), "units": gpu_units},
    first=gpu_units_fit_attributes,
)

_resources = record(
    hints.RESOURCES,
    {
        "cpu": record("cpu", {"attributes": any_map, "units": cpu_units}, required=("units",)),
        "gpu": _gpu,
        "memory": record("memory", {"size": string()}, required=("size",)),
        "storage": one_or_more(_volume),
    },
    required=("cpu", "memory", "storage"),
)

_placement = record(
    "a placement",
    {
        "attributes": any_map,
        "pricing": map_of(record("a price", {"amount": amount, "denom": anything}, required=("amount",))),
        "signedBy": or_null(record("signedBy", {"allOf": _strings, "anyOf": or_null(_strings)})),
    },
    required=("pricing",),
)

_profiles = record(
    "profiles",
    {
        "compute": map_of(record("a compute profile", {"resources": _resources}, required=("resources",))),
        "placement": map_of(_placement),
    },
    required=("compute", "placement"),
)

_expose = record(
    hints.EXPOSE,
    {
        "accept": _strings,
        "as": _port,
        "http_options": record(
            "http_options",
            {
                "max_body_size": whole(0, 104857600),
                "next_cases": next_cases,
                "next_timeout": whole(0),
                "next_tries": whole(0),
                "proxy_buffer_size": whole(0, 1048576),
                "read_timeout": whole(0, 60000),
                "send_timeout": whole(0, 60000),
            },
        ),
        "port": _port,
        "proto": choice("TCP", "UDP", "tcp", "udp"),
        "to": list_of(
            record(
                'a "to" entry',
                {"global": flag, "ip": string(least=1), "service": string()},
                first=ip_needs_global,
            )
        ),
    },
    required=("port",),
)

_params = record(
    "params",
    {
        "storage": map_of(
            record(
                "a mount",
                {
                    "mount": string(least=1, pattern="^/", meaning='be a path that begins with "/"'),
                    "readOnly": flag,
                },
            )
        ),
        "permissions": record("permissions", {"read": list_of(choice("deployment", "logs", "events"))}),
        "tee": choice("cpu", "cpu-gpu"),
    },
)

_service = record(
    hints.SERVICE,
    {
        "args": or_null(_strings),
        "command": or_null(_strings),
        "credentials": record(
            "credentials",
            {
                "email": string(least=5),
                "host": string(least=1),
                "password": string(least=6),
                "username": string(least=1),
            },
            required=("host", "username", "password"),
        ),
        "dependencies": list_of(record("a dependency", {"service": string()})),
        "env": or_null(_strings),
        "expose": or_null(list_of(_expose)),
        "image": string(least=1),
        "params": _params,
    },
    required=("image",),
)

_sdl = record(
    hints.ROOT,
    {
        "deployment": map_of(
            map_of(
                record(
                    hints.DEPLOYED, {"count": whole(1), "profile": string()}, required=("profile", "count")
                )
            )
        ),
        "endpoints": endpoints_of(_endpoint),
        "include": _strings,
        "profiles": _profiles,
        "services": map_of(_service),
        "reclamation": record(
            "reclamation",
            {
                "min_window": string(
                    pattern="^[1-9][0-9]*(s|m|h)$",
                    meaning="be a whole number followed by s, m or h",
                )
            },
            required=("min_window",),
        ),
        "version": choice("2.0", "2.1"),
    },
    required=("version", "services", "profiles", "deployment"),
)
