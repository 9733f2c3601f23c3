"""One service of a compose file, as far as an SDL can carry it, before it is joined with the others."""

from __future__ import annotations

from dataclasses import dataclass

from akash_mcp.sdl.author.compose import unsupported
from akash_mcp.sdl.author.compose.command import read_command
from akash_mcp.sdl.author.compose.environment import read_environment
from akash_mcp.sdl.author.compose.file import ComposeFile, Fields
from akash_mcp.sdl.author.compose.networks import read_neighbours, read_networks
from akash_mcp.sdl.author.compose.ports import Ports, read_ports
from akash_mcp.sdl.author.compose.resources import Size, read_resources
from akash_mcp.sdl.author.compose.volumes import read_disks
from akash_mcp.sdl.author.workload import Disk
from akash_mcp.sdl.yaml.javascript import Value
from akash_mcp.sdl.yaml.loader import Path

_PUSH = "push an image to a registry and name it for this service"
_BUILT = "it is built from a Dockerfile, and a provider does not build images", _PUSH
_EXTENDED = "it has no image of its own, and what it extends is in another file", unsupported.MERGED
_NO_IMAGE = "it has no image", _PUSH


@dataclass(frozen=True, slots=True)
class ComposeService:
    """What one service comes to. `aliases` are other names by which its neighbours call it; `depends_on` those it
    names under `depends_on` and `links`, by their names in the compose file."""

    name: str
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: dict[str, str]
    ports: Ports
    disks: tuple[Disk, ...]
    volumes: frozenset[str]
    size: Size
    networks: frozenset[str]
    depends_on: tuple[str, ...]
    aliases: dict[str, str]


def read_service(file: ComposeFile, service: str, value: Value, image: str | None) -> ComposeService | None:
    """The service, or None where it cannot run on Akash or Compose would not start it either; that is then listed.

    `image` is the caller's, in place of the file's own.
    """
    at: Path = ("services", service)
    fields = file.fields(value, at, service)
    if fields.take("profiles"):
        file.leave_out(
            service,
            "the service",
            "it is in a profile, so Compose starts it only when asked to",
            "remove profiles from it to have it here",
        )
        return None
    named = fields.text_or_left_out("image")
    image = (image or named).strip()
    if not image:
        built, extended = fields.take("build"), fields.take("extends")
        why, fix = _BUILT if built else _EXTENDED if extended else _NO_IMAGE
        file.leave_out(service, "the service", why, fix)
        return None
    if any(char.isspace() or not char.isprintable() for char in image):
        raise file.bad((*at, "image"), "must be the name of an image")
    size = read_resources(file, service, fields)
    if size.count == 0:
        file.leave_out(service, "the service", "it has 0 replicas", "give it 1 or more")
        return None
    depends_on, aliases = read_neighbours(file, service, fields)
    disks, volumes = read_disks(
        file,
        service,
        fields.take("volumes"),
        fields.take("tmpfs"),
        fields.text_or_left_out("shm_size"),
        at,
    )
    command, args = read_command(file, service, fields)
    converted = ComposeService(
        name=service,
        image=image,
        command=command,
        args=args,
        env=read_environment(file, service, fields.take("environment"), fields.at("environment")),
        ports=read_ports(file, service, fields.take("ports"), fields.take("expose"), at),
        disks=disks,
        volumes=volumes,
        size=size,
        networks=read_networks(file, service, fields, aliases),
        depends_on=depends_on,
        aliases=aliases,
    )
    _restart(file, service, fields)
    fields.leave_out_rest(unsupported.SERVICE)
    return converted


def _restart(file: ComposeFile, service: str, fields: Fields) -> None:
    if (restart := fields.text_or_left_out("restart")) not in ("", "always", "unless-stopped"):
        file.leave_out(
            service,
            f"restart: {restart[:40]}",
            "a provider restarts whatever ends",
            "let a program that runs once sleep when it is done",
        )
