"""What an SDL holds, and what a new one changes, as the values that a person's question is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from akash_mcp.guard.contents import App, Contents, Disk, Filter, Opening, SecretUse, ServiceChange
from akash_mcp.sdl import Report
from akash_mcp.sdl.model import Expose, Placement, Sdl, Service
from akash_mcp.sdl.output.quantities import rounded_up, size_bytes


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
        open=tuple(dict.fromkeys(way for service, _, _ in placed for way in _openings(service))),
        disks=tuple(disk for service, place, _ in placed for disk in _disks(sdl, service, place)),
        filters=tuple(
            dict.fromkeys(each for _, place, _ in placed for each in _filters(sdl.placements[place]))
        ),
        secrets=tuple(SecretUse(name, sdl.services[service].image) for name, service in report.secrets),
    )


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
    was, now = _environment(old), _environment(new)
    return ServiceChange(
        service=new.name,
        image=(old.image, new.image) if old.image != new.image else None,
        env_added=tuple(name for name in now if name not in was),
        env_removed=tuple(name for name in was if name not in now),
        env_changed=tuple(name for name in now if name in was and now[name] != was[name]),
        others=tuple(
            word
            for word, before, after in (
                ("command", old.command, new.command),
                ("arguments", old.args, new.args),
                ("ports", old.expose, new.expose),
                ("registry credentials", old.credentials, new.credentials),
                ("mounts", old.params, new.params),
            )
            if before != after
        ),
    )


def _environment(service: Service) -> Mapping[str, str]:
    return {name: value for name, _, value in (entry.partition("=") for entry in service.env)}


def _openings(service: Service) -> Iterator[Opening]:
    for expose in service.expose:
        ways = [to for to in expose.to if to.is_global or to.ip]
        if ways:
            yield Opening(
                service.name, expose.outer_port, _kind(expose, any(to.ip for to in ways)), expose.accept
            )


def _kind(expose: Expose, own_ip: bool) -> str:
    if own_ip:
        return f"{expose.proto} at an IP of its own"
    return "HTTP" if expose.is_ingress else f"{expose.proto} at a random port"


def _disks(sdl: Sdl, service: Service, place: str) -> Iterator[Disk]:
    for volume in sdl.profiles[sdl.deployment[service.name][place].profile].storage:
        if volume.persistent:
            yield Disk(service.name, volume.name or "default", rounded_up(size_bytes(volume.size)))


def _filters(placement: Placement) -> Iterator[Filter]:
    for key, value in sorted(placement.attributes.items()):
        yield Filter(key, str(value))
    for auditor in (*placement.all_of, *placement.any_of):
        yield Filter("signed by", auditor)
