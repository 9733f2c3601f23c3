"""What a new SDL changes, in the named fields that the API of autumn 2026 takes instead of a whole SDL.

Fields and their bounds are those of `PATCH /v1/deployments/{dseq}`. What a request does not name stays as it is, so
only what differs is named: a value that is not sent cannot be sent to the wrong place.
Source: akash-network/console `deployment.schema.ts`, `sdl-patch.service.ts`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic.alias_generators import to_camel

from akash_mcp.sdl.diff import diff
from akash_mcp.sdl.model import Expose, Mount, Service
from akash_mcp.sdl.report import Report
from akash_mcp.sdl.rules.patch_warnings import FROM_ONE, PATCHABLE_NAME, SEAL

_HTTP_DEFAULTS: Mapping[str, Any] = {
    "max_body_size": 1_048_576,
    "read_timeout": 60_000,
    "send_timeout": 60_000,
    "next_tries": 3,
    "next_timeout": 0,
    "next_cases": ["error", "timeout"],
    "proxy_buffer_size": 0,
}
"""What the manifest says where an SDL says nothing, and so what takes an option back."""
_NAMED = frozenset(_HTTP_DEFAULTS) - {"proxy_buffer_size"}
_MOST = 2**32 - 1
_CREDENTIALS = ("host", "username", "password")


@dataclass(frozen=True, slots=True)
class FieldChanges:
    """Named fields by service, in the API's spelling: `{"web": {"image": "nginx:1.28", "env": {"OLD": None}}}`.

    `obstacles`: what they cannot say, in words; where there is one, `services` is not to be sent.
    """

    services: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    obstacles: tuple[str, ...] = ()


def field_changes(before: Report, after: Report) -> FieldChanges:
    """The changes from one SDL to another, both of which the Console takes.

    `before` may be what the Console stores: values of variables and credentials that it shows as `ac-secret://NAME`
    are not known, and those that the new SDL has in their place are named.
    """
    obstacles = diff(before, after)
    if obstacles or before.model is None or after.model is None:
        return FieldChanges(obstacles=obstacles)
    services: dict[str, Mapping[str, Any]] = {}
    found: list[str] = []
    for name, service in after.model.services.items():
        change, refused = _service(before.model.services[name], service)
        found += [f'service "{name}": {each}' for each in refused]
        if change:
            services[name] = change
    return FieldChanges(services, tuple(found))


def unsigned(report: Report) -> Report:
    """The report without auditors: the Console adds its own to what it stores, and no running lease depends on them."""
    return replace(report, groups=tuple(replace(group, all_of=(), any_of=()) for group in report.groups))


def environment(service: Service) -> dict[str, str | None]:
    """Variables by name, the last of each; None for a bare name, which has no value of its own."""
    pairs = (entry.partition("=") for entry in service.env)
    return {name: value if is_set else None for name, is_set, value in pairs}


def http_options(expose: Expose) -> dict[str, Any]:
    """All options of HTTP by name, those that are not written among them."""
    return {**_HTTP_DEFAULTS, **expose.http_options}


def is_seal(value: str | None) -> bool:
    """Whether this stands for a value that the Console keeps and does not show."""
    return value is not None and value.startswith(SEAL)


def _service(old: Service, new: Service) -> tuple[dict[str, Any], list[str]]:
    """What differs, and what of it has no field."""
    change: dict[str, Any] = {}
    refused: list[str] = []
    if old.image != new.image:
        change["image"] = new.image
    for name, before, after in (("command", old.command, new.command), ("args", old.args, new.args)):
        if before != after:
            change[name] = list(after) or None
    for part in (_env(old, new), _credentials(old, new), _expose(old.expose, new.expose), _storage(old, new)):
        change |= part[0]
        refused += part[1]
    if (old.params and old.params.permissions) != (new.params and new.params.permissions):
        refused.append("its permissions cannot change")
    return change, refused


def _env(old: Service, new: Service) -> tuple[dict[str, Any], list[str]]:
    before, after = environment(old), environment(new)
    changed = [
        name
        for name in {**before, **after}
        if name not in after or name not in before or before[name] != after[name]
    ]
    refused = [
        f'the variable "{name}" cannot change: only names of A-Z, a-z, 0-9 and "_" can'
        for name in changed
        if not PATCHABLE_NAME.fullmatch(name)
    ] + [
        f'the variable "{name}" cannot become one without a value'
        for name in changed
        if name in after and after[name] is None
    ]
    return ({"env": {name: after.get(name) for name in changed}} if changed else {}), refused


def _credentials(old: Service, new: Service) -> tuple[dict[str, Any], list[str]]:
    before, after = old.credentials, new.credentials
    if before == after:
        return {}, []
    if after is None:
        return {"credentials": None}, []
    if (before or {}).get("email") != after.get("email"):
        return {}, ["the e-mail address of its registry credentials cannot change"]
    return {"credentials": {name: after[name] for name in _CREDENTIALS}}, []


def _expose(old: Sequence[Expose], new: Sequence[Expose]) -> tuple[dict[str, Any], list[str]]:
    """Changes by container port as it is now, which is how the API names an endpoint."""
    changes: dict[str, Any] = {}
    refused: list[str] = []
    times = Counter(each.port for each in old)
    pairs = list(_pairs(old, new))
    for was, now in pairs:
        if was is None or now is None:
            refused += [f"port {each.port} is gone: ports cannot be removed" for each in (was,) if each]
            refused += [f"port {each.port} is new: ports cannot be added" for each in (now,) if each]
            continue
        change, reasons = _endpoint(was, now)
        others = [each for each in old if each is not was]
        refused += reasons + _collisions(was, change, others)
        if change and times[was.port] > 1:
            refused.append(f"port {was.port} is exposed twice, so a change of one cannot be named")
        if change:
            changes[str(was.port)] = change
    return ({"expose": changes} if changes else {}), refused


_MARKS: tuple[Callable[[Expose], object], ...] = (
    lambda each: each,
    lambda each: (each.port, each.proto, each.to),
    lambda each: (each.proto, each.to, each.is_ingress),
    lambda each: each.port,
)
"""By what an endpoint is known again: all of it, its port, its kind, or only the number of its port."""


def _pairs(old: Sequence[Expose], new: Sequence[Expose]) -> Iterator[tuple[Expose | None, Expose | None]]:
    """Which endpoint becomes which; None for one that is new or gone."""
    left, wanted = list(old), list(new)
    for mark in _MARKS:
        for now in list(wanted):
            if (was := next((each for each in left if mark(each) == mark(now)), None)) is not None:
                yield was, now
                left.remove(was)
                wanted.remove(now)
    yield from ((was, None) for was in left)
    yield from ((None, now) for now in wanted)


def _endpoint(was: Expose, now: Expose) -> tuple[dict[str, Any], list[str]]:
    change: dict[str, Any] = {}
    refused: list[str] = []
    if (was.proto, was.to) != (now.proto, now.to):
        refused.append(f"the protocol of port {was.port} and who may reach it cannot change")
    elif was.is_ingress != now.is_ingress and any(to.is_global for to in was.to):
        refused.append(f"port {was.port} cannot get or lose a web address (the outer port 80)")
    if was.port != now.port:
        change["port"] = now.port
    if (was.outside or now.port) != now.outer_port:  # without `as` the outer port moves along
        change["as"] = now.outer_port
    if change and any(to.ip for to in was.to):
        refused.append(f"port {was.port} is reached at an IP of its own, so it cannot move")
    if sorted(was.accept) != sorted(now.accept):
        change["accept"] = list(now.accept)
    options = {name: value for name, value in http_options(now).items() if value != http_options(was)[name]}
    refused += [
        f'"{name}" of port {was.port} cannot become {value}'
        for name, value in options.items()
        if name not in _NAMED or (name != "next_cases" and not int(name in FROM_ONE) <= value <= _MOST)
    ]
    if options:
        change["httpOptions"] = {
            to_camel(name): value if isinstance(value, list) else int(value)
            for name, value in options.items()
        }
    return change, refused


def _collisions(was: Expose, change: Mapping[str, Any], others: Sequence[Expose]) -> list[str]:
    """A move onto a port that another endpoint has now: also where that one is to move away."""
    taken = []
    if change.get("port") in [each.port for each in others]:
        taken.append(f"port {was.port} cannot move to {change['port']}, which another endpoint has")
    if change.get("as") in [each.outer_port for each in others]:
        taken.append(f"port {was.port} cannot be reached at {change['as']}, which another endpoint has")
    return taken


def _storage(old: Service, new: Service) -> tuple[dict[str, Any], list[str]]:
    before, after = old.mounts, new.mounts
    if before.keys() != after.keys():
        return {}, ["which of its volumes have mounts cannot change"]
    changes: dict[str, Any] = {}
    refused: list[str] = []
    for name, mount in after.items():
        if not mount.path and before[name].path:
            refused.append(f'the mount of volume "{name}" cannot be taken away')
        if change := _mount(before[name], mount):
            changes[name] = change
    return ({"storage": changes} if changes else {}), refused


def _mount(was: Mount, now: Mount) -> dict[str, Any]:
    moved = {"mount": now.path} if was.path != now.path else {}
    return moved | ({"readOnly": now.read_only} if was.read_only != now.read_only else {})
