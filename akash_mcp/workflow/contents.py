"""What an SDL holds, and what a new one changes, as the values that a person's question is made of."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from akash_mcp.guard.plans.contents import (
    App,
    Contents,
    Disk,
    Filter,
    Opening,
    SecretUse,
    ServiceChange,
    listed,
)
from akash_mcp.sanitize.shell import command_line
from akash_mcp.sdl import Report
from akash_mcp.sdl.exposure import Exposed
from akash_mcp.sdl.model import Placement, Sdl, Service
from akash_mcp.sdl.output.quantities import rounded_up, size_bytes
from akash_mcp.sdl.patch import environment, http_options, is_seal
from akash_mcp.sdl.secret_reference import CONSOLE_SCHEME

_MOST_PORTS = 6


def contents_of(report: Report) -> Contents:
    """What is deployed by an SDL that console, chain and providers take; nothing where it cannot be read."""
    sdl = report.model
    if sdl is None or not report.console_ok:
        return Contents()
    placed = [
        (service, place, count)
        for service in sdl.services.values()
        for place, count in sorted((name, each.count) for name, each in sdl.deployment[service.name].items())
    ]
    return Contents(
        apps=tuple(App(service.name, service.image, count) for service, _, count in placed),
        open=tuple(dict.fromkeys(_opening(each) for each in report.exposed)),
        disks=tuple(disk for service, place, _ in placed for disk in _disks(sdl, service, place)),
        filters=tuple(
            dict.fromkeys(each for _, place, _ in placed for each in _filters(sdl.placements[place]))
        ),
        secrets=(
            *(_secret_use(name, sdl.services[service]) for name, service in report.secrets),
            *(use for service in sdl.services.values() for use in _kept_secrets(service)),
        ),
    )


def _secret_use(name: str, service: Service, *, kept: bool = False) -> SecretUse:
    return SecretUse(name, service.image, command_line((*service.command, *service.args)), kept)


def _kept_secrets(service: Service) -> Iterator[SecretUse]:
    """What a service gets that the Console has already, and does not show."""
    for value in (*service.env, *(service.credentials or {}).values()):
        if CONSOLE_SCHEME in value:
            yield _secret_use(value.partition(CONSOLE_SCHEME)[2], service, kept=True)


def changes_between(old: Report, new: Report) -> tuple[ServiceChange, ...]:
    """What changes of each service, in the order of the new SDL; a service that is not in the old one is left out."""
    if old.model is None or new.model is None:
        return ()
    before = old.model.services
    changed = (
        _change(before[name], service) for name, service in new.model.services.items() if name in before
    )
    return tuple(change for change in changed if change != ServiceChange(change.service))


def _change(old: Service, new: Service) -> ServiceChange:
    was, now = environment(old), environment(new)
    set_anew = [name for name in now if name in was and now[name] != was[name]]
    return ServiceChange(
        service=new.name,
        image=(old.image, new.image) if old.image != new.image else None,
        env_added=tuple(name for name in now if name not in was),
        env_removed=tuple(name for name in was if name not in now),
        env_changed=tuple(name for name in set_anew if not is_seal(was[name])),
        env_unknown=tuple(name for name in set_anew if is_seal(was[name])),
        others=tuple(
            word
            for word, before, after in (
                ("command", old.command, new.command),
                ("arguments", old.args, new.args),
                (_ports_word(old, new), _ports(old), _ports(new)),
                ("host names", _hosts(old), _hosts(new)),
                ("HTTP options", _options(old), _options(new)),
                (_credentials_word(old), old.credentials, new.credentials),
                ("mounts", old.mounts, new.mounts),
                ("permissions", old.params and old.params.permissions, new.params and new.params.permissions),
            )
            if before != after
        ),
    )


def _ports(service: Service) -> Collection[object]:
    return {(each.port, each.outer_port, each.proto, each.to) for each in service.expose}


def _ports_word(old: Service, new: Service) -> str:
    """`ports (6379 is open to the Internet now)`, where the new SDL opens one."""
    was = {(each.port, each.proto) for each in old.expose if each.is_open}
    opened = sorted({each.port for each in new.expose if each.is_open and (each.port, each.proto) not in was})
    if not opened:
        return "ports"
    verb = "is" if len(opened) == 1 else "are"
    return f"ports ({listed(opened, str, _MOST_PORTS)} {verb} open to the Internet now)"


def _hosts(service: Service) -> list[str]:
    return sorted(host for each in service.expose for host in each.accept)


def _options(service: Service) -> list[tuple[int, list[object]]]:
    return sorted((each.outer_port, list(http_options(each).values())) for each in service.expose)


def _credentials_word(old: Service) -> str:
    sealed = any(is_seal(value) for value in (old.credentials or {}).values())
    return "registry credentials (they may be the same)" if sealed else "registry credentials"


def _opening(each: Exposed) -> Opening:
    danger = f"{each.note}: {each.guarding.danger}" if each.guarding and each.is_unsafe else ""
    return Opening(each.service, each.outer_port, each.way, each.hosts, danger)


def _disks(sdl: Sdl, service: Service, place: str) -> Iterator[Disk]:
    for volume in sdl.profiles[sdl.deployment[service.name][place].profile].storage:
        if volume.persistent:
            yield Disk(service.name, volume.name or "default", rounded_up(size_bytes(volume.size)))


def _filters(placement: Placement) -> Iterator[Filter]:
    for key, value in sorted(placement.attributes.items()):
        yield Filter(key, str(value))
    for auditor in (*placement.all_of, *placement.any_of):
        yield Filter("signed by", auditor)
