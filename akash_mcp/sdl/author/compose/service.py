"""One service of a compose file, as far as an SDL can carry it, before it is joined with the others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from akash_mcp.sdl.author.compose import unsupported
from akash_mcp.sdl.author.compose.command import read_command
from akash_mcp.sdl.author.compose.env_files import EnvFileReader, read_env_files
from akash_mcp.sdl.author.compose.environment import read_environment
from akash_mcp.sdl.author.compose.file import ComposeFile, Fields
from akash_mcp.sdl.author.compose.labels import Route, read_route
from akash_mcp.sdl.author.compose.networks import read_neighbours, read_networks
from akash_mcp.sdl.author.compose.ports import Ports, read_ports
from akash_mcp.sdl.author.compose.protections import read_protections
from akash_mcp.sdl.author.compose.resources import Size, read_resources, read_shared_memory
from akash_mcp.sdl.author.compose.secret_files import read_secret_files, with_secrets_by_name
from akash_mcp.sdl.author.compose.volumes import read_disks, with_room_for_models
from akash_mcp.sdl.author.workload import Disk, Workload
from akash_mcp.sdl.author.writer import size_text
from akash_mcp.sdl.yaml.javascript import Value
from akash_mcp.sdl.yaml.loader import Path

_PUSH = "push an image to a registry, and name it with --image {}=IMAGE (convert_compose: images)"
_BUILT = "it is built from a Dockerfile, and a provider does not build images", _PUSH
_EXTENDED = "it has no image of its own, and what it extends is in another file", unsupported.MERGED
_NO_IMAGE = "it has no image", _PUSH


@dataclass(frozen=True, slots=True)
class ComposeService:
    """What one service comes to.

    `volumes` are its named volumes with the disk that each became, `root` is its root disk in bytes. `aliases` are
    other names by which its neighbours call it; `depends_on` those it names under `depends_on` and `links`, by their
    names in the compose file. `joined` is the service whose network it would use as its own, `route` how a web proxy
    would lead to it, `labels` what it is told otherwise.
    """

    name: str
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: dict[str, str]
    ports: Ports
    disks: tuple[Disk, ...]
    volumes: dict[str, str]
    root: int
    size: Size
    networks: frozenset[str]
    joined: str | None
    depends_on: tuple[str, ...]
    aliases: dict[str, str]
    route: Route | None
    labels: Mapping[str, str]


def read_service(
    file: ComposeFile, service: str, value: Value, image: str | None, env_file_reader: EnvFileReader | None
) -> ComposeService | None:
    """The service, or None where it cannot run on Akash or Compose would not start it either; that is then listed.

    `image` is the caller's, in place of the file's own, which is then not read.
    """
    at: Path = ("services", service)
    fields = file.fields(value, at, service)
    if fields.take("profiles"):
        file.leave_out_service(
            service,
            "it is in a profile, so Compose starts it only when asked to",
            "remove profiles from it to have it here",
        )
        return None
    if image:
        fields.take("image")
    image = (image or fields.text_or_left_out("image")).strip()
    if not image:
        built, extended = fields.take("build"), fields.take("extends")
        why, fix = _BUILT if built else _EXTENDED if extended else _NO_IMAGE
        file.leave_out_service(service, why, fix.format(service))
        return None
    if any(char.isspace() or not char.isprintable() for char in image):
        raise file.bad((*at, "image"), "must be the name of an image")
    deploy = file.fields(fields.take("deploy"), fields.at("deploy"), service)
    own_labels = [(each.take("labels"), each.at("labels")) for each in (fields, deploy)]
    size = read_resources(file, service, fields, deploy)
    if size.count == 0:
        file.leave_out_service(service, "it has 0 replicas", "give it 1 or more")
        return None
    read_protections(file, service, image, fields)
    depends_on, aliases = read_neighbours(file, service, fields)
    shared = read_shared_memory(file, service, fields, size)
    disks, volumes = read_disks(
        file, service, image, fields.take("volumes"), fields.take("tmpfs"), shared, at
    )
    disks, root = _with_models(file, service, size, disks)
    environment = fields.take("environment"), fields.at("environment")
    route, labels = read_route(file, service, own_labels, environment)
    if route and fields.peek("label_file") is not None:  # it may hold what asks who may pass
        route = replace(route, gates=route.gates | {"label_file"})
    networks, joined = read_networks(file, service, fields, aliases)
    command, args = read_command(file, service, fields)
    mounted = read_secret_files(file, service, fields)
    from_files = read_env_files(file, service, fields, env_file_reader)
    env = read_environment(file, service, *environment, from_files)
    converted = ComposeService(
        name=service,
        image=image,
        command=command,
        args=args,
        env=with_secrets_by_name(file, service, image, env, mounted),
        ports=read_ports(file, service, fields.take("ports"), fields.take("expose"), at),
        disks=disks,
        volumes=volumes,
        root=root,
        size=size,
        networks=networks,
        joined=joined,
        depends_on=depends_on,
        aliases=aliases,
        route=route,
        labels=labels,
    )
    _restart(file, service, fields)
    _platform(file, service, fields)
    fields.leave_out_rest(unsupported.SERVICE)
    return converted


def _with_models(
    file: ComposeFile, service: str, size: Size, disks: tuple[Disk, ...]
) -> tuple[tuple[Disk, ...], int]:
    """The disks and the size of the root disk in bytes: beside a GPU, with room for models that fit it."""
    needs = size.needs
    if needs is None:
        return disks, Workload(service, "").root
    roomy = with_room_for_models(disks, needs.disk)
    stores = [disk for disk in roomy if disk not in disks]
    root = needs.root if stores else needs.root + needs.disk
    sizes = [f"{size.cpu / 1000:g} cores"] if size.cpu == needs.cpu else []
    sizes += [f"{size_text(size.memory)} of memory"] if size.memory == needs.memory else []
    sizes += [f"a root disk of {size_text(root)}"]
    sizes += [f"a disk of {size_text(disk.size)} at {disk.mount}" for disk in stores]
    file.note(f"{service}: it gets {', '.join(sizes)}, so that a model that fits {needs.why} can be loaded.")
    return roomy, root


def _platform(file: ComposeFile, service: str, fields: Fields) -> None:
    platform = fields.text_or_left_out("platform")
    if platform and not re.fullmatch(r"linux(/(amd64|x86_64)(/v[123])?)?|amd64|x86_64", platform):
        file.leave_out(
            service,
            f"platform: {platform[:40]}",
            "nearly all providers run linux/amd64",
            "name an image for linux/amd64",
        )


def _restart(file: ComposeFile, service: str, fields: Fields) -> None:
    if (restart := fields.text_or_left_out("restart")) not in ("", "always", "unless-stopped"):
        file.leave_out(
            service,
            f"restart: {restart[:40]}",
            "a provider restarts whatever ends",
            "let a program that runs once sleep when it is done",
        )
