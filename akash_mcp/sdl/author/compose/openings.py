"""Which published ports of a compose file are opened to the Internet.

On the machine that it was written for, a published port is reached by whoever is on that machine or its network. At a
provider the whole world reaches it. So what holds data, and what anyone could get into, stays closed to the world
unless somebody says otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from akash_mcp.errors import BadArgument
from akash_mcp.sdl.author.compose.file import ComposeFile
from akash_mcp.sdl.author.compose.ports import PublishedPort
from akash_mcp.sdl.author.compose.service import ComposeService
from akash_mcp.sdl.guarding import Guarding, Program

Opened = Collection[tuple[str, int]]
"""Services, as the compose file calls them, with the ports that are opened on purpose."""


def parse_opened(texts: Collection[str]) -> frozenset[tuple[str, int]]:
    """`SERVICE:PORT` as pairs. Raises `BadArgument` for anything else."""
    pairs = [(service, port) for service, _, port in (text.rpartition(":") for text in texts)]
    if not all(service and port.isascii() and port.isdigit() and len(port) <= 5 for service, port in pairs):
        raise BadArgument("open must be SERVICE:PORT, such as db:5432, with the port of the container.")
    return frozenset((service, int(port)) for service, port in pairs)


def opened_ports(
    file: ComposeFile, services: Collection[ComposeService], on_purpose: Opened
) -> Mapping[str, tuple[PublishedPort, ...]]:
    """The ports that are opened to the Internet, by service; those that are published and stay closed are listed.

    Raises `BadArgument` for one that is to be opened and that nobody publishes.
    """
    published = {(service.name, each.port) for service in services for each in service.ports.published}
    for name, port in on_purpose:
        if (name, port) not in published:
            raise BadArgument(
                f"The compose file publishes no port {port} of a service {name[:60]!r} to open.",
                next_step="Name the service as the file does, with the port of the container.",
            )
    return {service.name: tuple(_opened(file, service, on_purpose)) for service in services}


def _opened(file: ComposeFile, service: ComposeService, on_purpose: Opened) -> list[PublishedPort]:
    env = [f"{name}={value}" for name, value in service.env.items()]
    program = Program(service.name, service.image, env, service.command, service.args)
    found = []
    for each in service.ports.published:
        guarding = program.guarding(each.port, each.proto)
        if guarding is None or (service.name, each.port) in on_purpose or not _stays_closed(each, guarding):
            found.append(each)
        else:
            file.leave_out(
                service.name,
                f"opening port {each.port} to the Internet",
                f"it is {guarding.words}: {guarding.danger or 'usually only its neighbours need it'}",
                _fix(service.name, each, guarding),
            )
    return found


def _stays_closed(port: PublishedPort, guarding: Guarding) -> bool:
    if guarding.is_usual and port.is_web:
        return False  # it is as likely a page
    return guarding.kind.is_data or guarding.is_unsafe


def _fix(service: str, port: PublishedPort, guarding: Guarding) -> str:
    on_purpose = f"--open {service}:{port.port} (convert_compose: open) opens it on purpose"
    if guarding.kind.is_data or not guarding.how_to_guard:
        return on_purpose
    return f"{guarding.how_to_guard}, or {on_purpose}"
