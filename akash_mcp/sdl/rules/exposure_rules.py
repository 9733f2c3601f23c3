"""What is open to the Internet and should not be, or not so: it runs, and anyone gets in (judge D, `runtime`).

E01: what holds data, without a password. E02: a page, a shell or a desktop without a login. E03: a password that
everybody knows. E04: what holds data or is there for administrators, behind a password.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from akash_mcp.sdl.exposure import Exposed
from akash_mcp.sdl.guarding import Guarding, holds_data
from akash_mcp.sdl.images.guards import Guard, Kind
from akash_mcp.sdl.model import Sdl
from akash_mcp.sdl.report import Fault

_MOST_NAMED = 3


def check_exposure(sdl: Sdl, all_exposed: Iterable[Exposed]) -> Iterator[Fault]:
    """Warnings of ports at which anyone gets in (E01 to E03), and of those that only neighbours should need (E04)."""
    for each in all_exposed:
        guarding = each.guarding
        if guarding is not None and (rule := _rule(guarding)):
            what = f"port {each.port} ({guarding.subject})" if guarding.is_usual else guarding.subject
            message = f"{what} is open to the Internet{guarding.behind}{_why(guarding)}"
            yield Fault(rule, (*each.path, "to"), message, _fix(sdl, each, guarding), "runtime")


def _rule(guarding: Guarding) -> str:
    if guarding.is_unsafe:
        if guarding.guard is Guard.WELL_KNOWN:
            return "E03"
        return "E01" if guarding.kind.is_data else "E02"
    may_be_open = guarding.guard is Guard.UNKNOWN and guarding.kind.runs_commands
    return "E04" if guarding.kind.is_data or guarding.kind is Kind.ADMIN or may_be_open else ""


def _why(guarding: Guarding) -> str:
    if guarding.danger:
        return f": {guarding.danger}"
    if guarding.kind.is_data:
        return ": a provider does not encrypt its traffic, and usually only its neighbours need it"
    return ""


def _fix(sdl: Sdl, each: Exposed, guarding: Guarding) -> str:
    guard = "" if guarding.guard is Guard.PASSWORD else guarding.how_to_guard
    if guarding.guard is Guard.FIRST_VISITOR:
        guard = "visit it and set its password as soon as it runs"
    if not guarding.kind.is_data:
        return (
            f"{guard}, or remove global: true"
            if guard
            else "remove global: true once nobody needs it from outside"
        )
    named = " or ".join(_users(sdl, each.service)) or "NAME"
    close = f"write to: - service: {named} instead of global: true"
    if named == "NAME":
        close = f"put it into one deployment with what uses it, and {close}"
    return ", or ".join(filter(None, (close, guard)))


def _users(sdl: Sdl, service: str) -> list[str]:
    """The services that can be meant to use one: those beside it that hold no data themselves, else all beside it."""
    places = sdl.deployment[service].keys()
    beside = [
        each
        for name, each in sdl.services.items()
        if name != service and sdl.deployment[name].keys() & places
    ]
    users = [each.name for each in beside if not holds_data(each.image)] or [each.name for each in beside]
    return [*users[:_MOST_NAMED], *(["another"] if len(users) > _MOST_NAMED else [])]
