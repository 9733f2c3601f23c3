"""What is open to the Internet and should not be, or not so: it runs, and anyone gets in (judge D, `runtime`).

E01: what holds data, without a password. E02: a page, a shell or a desktop without a login. E03: a password that
everybody knows. E04: what holds data or is there for administrators, behind a password.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from akash_mcp.sdl.exposure import Exposed
from akash_mcp.sdl.guarding import Guarding
from akash_mcp.sdl.images.guards import Guard, Kind
from akash_mcp.sdl.model import Sdl
from akash_mcp.sdl.report import Fault

_MOST_NAMED = 3


def check_exposure(sdl: Sdl, all_exposed: Iterable[Exposed]) -> Iterator[Fault]:
    """Warnings of ports at which anyone gets in (E01 to E03), and of those that only neighbours should need (E04)."""
    for each in all_exposed:
        guarding = each.guarding
        if guarding is not None and (rule := _rule(guarding)):
            message = f"{_subject(each, guarding)} is open to the Internet{_why(guarding)}"
            yield Fault(rule, (*each.path, "to"), message, _fix(sdl, each, guarding), "runtime")


def _rule(guarding: Guarding) -> str:
    if guarding.is_unsafe:
        if guarding.guard is Guard.WELL_KNOWN:
            return "E03"
        return "E01" if guarding.kind.is_data else "E02"
    may_be_open = guarding.guard is Guard.UNKNOWN and guarding.kind.runs_commands
    return "E04" if guarding.kind.is_data or guarding.kind is Kind.ADMIN or may_be_open else ""


def _subject(each: Exposed, guarding: Guarding) -> str:
    return f"port {each.port}, which is {guarding.words}," if guarding.is_usual else guarding.words


def _why(guarding: Guarding) -> str:
    if guarding.danger:
        return f": {guarding.danger}"
    if guarding.kind.is_data:
        return ": a provider does not encrypt its traffic, and usually only its neighbours need it"
    return ""


def _fix(sdl: Sdl, each: Exposed, guarding: Guarding) -> str:
    places = sdl.deployment[each.service].keys()
    others = [name for name in sdl.services if name != each.service and sdl.deployment[name].keys() & places]
    close = ""
    if others:
        named = " or ".join(others[:_MOST_NAMED]) + (" or another" if len(others) > _MOST_NAMED else "")
        close = f"write to: - service: {named} instead of global: true"
    guard = guarding.how_to_guard if guarding.guard is not Guard.PASSWORD else ""
    if not close and not guard:
        close = "put it into one deployment with what uses it, and write to: - service: NAME instead of global: true"
    return ", or ".join(part for part in (close, guard) if part)
