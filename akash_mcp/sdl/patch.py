"""What a new SDL changes, in the named fields that the API of autumn 2026 takes instead of a whole SDL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic.alias_generators import to_camel

from akash_mcp.sdl.check import check
from akash_mcp.sdl.diff import diff
from akash_mcp.sdl.report import Report

_WHOLE = ("image", "command", "args", "credentials")
_PATCHABLE = {*_WHOLE, "env", "expose", "params"}


def field_changes(stored: str, wanted: str) -> dict[str, Any] | None:
    """The changes of each service's fields from the `stored` SDL to the `wanted` one, empty where there are none.

    By service name, in the API's spelling: `{"web": {"image": "nginx:1.28", "env": {"OLD": None}}}`. None where such
    fields cannot say it: other resources, services or endpoints, or an SDL that cannot be read.
    """
    before, after = check(stored), check(wanted)
    if not before.console_ok or diff(_unsigned(before), _unsigned(after)):
        return None
    old, new = _services(before), _services(after)
    changes: dict[str, Any] = {}
    for name, service in new.items():
        change = _service(old[name], service)
        if change is None:
            return None
        if change:
            changes[name] = change
    return changes


def _unsigned(report: Report) -> Report:
    """The report without auditors: the Console adds its own to what it stores, and no running lease depends on them."""
    return replace(report, groups=tuple(replace(group, all_of=(), any_of=()) for group in report.groups))


def _services(report: Report) -> dict[str, dict[str, Any]]:
    data: Any = report.data
    services: dict[str, dict[str, Any]] = data["services"]
    return services


def _service(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any] | None:
    if any(old.get(key) != new.get(key) for key in (old.keys() | new.keys()) - _PATCHABLE):
        return None
    change: dict[str, Any] = {
        key: new.get(key) for key in _WHOLE if (old.get(key) or None) != (new.get(key) or None)
    }
    before, after = _environment(old), _environment(new)
    env = {name: after.get(name) for name in {**before, **after} if before.get(name) != after.get(name)}
    if env:
        change["env"] = env
    expose = _expose(old.get("expose") or [], new.get("expose") or [])
    storage = _storage(old.get("params") or {}, new.get("params") or {})
    if expose is None or storage is None:
        return None
    return change | ({"expose": expose} if expose else {}) | ({"storage": storage} if storage else {})


def _environment(service: Mapping[str, Any]) -> dict[str, str]:
    pairs = (str(entry).partition("=") for entry in service.get("env") or [])
    return {name: value for name, _, value in pairs}


def _expose(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Changes by container port, which is how the API names an endpoint: two of one port cannot be told apart."""
    before, after = ({str(each["port"]): each for each in ports} for ports in (old, new))
    if old == new:
        return {}
    if before.keys() != after.keys() or len(before) != len(old) or len(after) != len(new):
        return None
    changes: dict[str, Any] = {}
    for port, endpoint in after.items():
        was = before[port]
        if any(was.get(key) != endpoint.get(key) for key in ("proto", "to")):
            return None
        change: dict[str, Any] = {}
        if was.get("as") != endpoint.get("as"):
            change["as"] = endpoint.get("as", endpoint["port"])
        if was.get("accept") != endpoint.get("accept"):
            change["accept"] = endpoint.get("accept") or []
        if was.get("http_options") != endpoint.get("http_options"):
            options = endpoint.get("http_options") or {}
            if (was.get("http_options") or {}).keys() - options.keys():
                return None  # an option can be set, and not be taken back
            change["httpOptions"] = {to_camel(name): value for name, value in options.items()}
        if change:
            changes[port] = change
    return changes


def _storage(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any] | None:
    if old == new:
        return {}
    before, after = (params.get("storage") or {} for params in (old, new))
    rest = [{key: value for key, value in params.items() if key != "storage"} for params in (old, new)]
    if rest[0] != rest[1] or before.keys() != after.keys():
        return None
    return {
        name: {key: volume[key] for key in ("mount", "readOnly") if key in volume}
        for name, volume in after.items()
        if volume != before[name]
    }
