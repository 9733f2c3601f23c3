"""What has to be filled in before somebody else's SDL is deployed: what is empty, what only stands for a value, and
passwords that everybody can read.

These are guesses from names and values. An empty variable may well stay empty, and what is not listed may be wrong for
its user all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from akash_mcp.sanitize.secrets import looks_secret, sounds_secret
from akash_mcp.sdl.model import Sdl, Service
from akash_mcp.sdl.rules.placeholder_text import holds_placeholder, is_placeholder
from akash_mcp.sdl.rules.secret_rules import check_literals
from akash_mcp.sdl.secret_reference import CONSOLE_SCHEME, NAME, SCHEME

Why: TypeAlias = Literal["empty", "placeholder", "public"]
"""`empty`: it has no value. `placeholder`: what stands there stands for one. `public`: it looks like a secret, and
whoever can read the SDL knows it."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A variable to fill in, with the `services` in which it has this `value`. `is_secret`: it should go by name."""

    variable: str
    value: str
    why: Why
    services: tuple[str, ...]
    is_secret: bool


def gaps(sdl: Sdl) -> list[Gap]:
    """The variables to fill in, in the order of the SDL; what says the same in several services once."""
    public = {fault.path for fault in check_literals(sdl)}
    found: dict[tuple[str, str], Gap] = {}
    for service in sdl.services.values():
        for index, entry in enumerate(service.env):
            name, _, value = entry.partition("=")
            why = _why(name, value)
            if why is None and ("services", service.name, "env", index) in public:
                why = "public"
            if why is None:
                continue
            before = found.get((name, value))
            others = before.services if before else ()
            secret = why == "public" or sounds_secret(name) or looks_secret(value)
            services = others if service.name in others else (*others, service.name)
            found[name, value] = Gap(name, value, why, services, secret and NAME.fullmatch(name) is not None)
    return list(found.values())


def placeholders_elsewhere(sdl: Sdl) -> list[tuple[str, str]]:
    """Where else a placeholder stands, which no variable fills in, and the text: `web args`, `--domain=example.com`."""
    return [
        (f"{service.name} {where}", text)
        for service in sdl.services.values()
        for where, text in _texts(service)
        if holds_placeholder(text)
    ]


def _why(name: str, value: str) -> Why | None:
    if not value.strip().strip("\"'"):
        return "empty"
    if value.startswith((SCHEME, CONSOLE_SCHEME)):
        return None
    return "placeholder" if is_placeholder(value, name) else None


def _texts(service: Service) -> Iterator[tuple[str, str]]:
    yield "image", service.image
    yield from (("command", text) for text in service.command)
    yield from (("args", text) for text in service.args)
    yield from (("host", host) for port in service.expose for host in port.accept)
    yield from (("credentials", text) for text in (service.credentials or {}).values())
