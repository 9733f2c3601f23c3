"""One service of a compose file, as far as it can be carried, before it knows its neighbours."""

from __future__ import annotations

from dataclasses import dataclass

from akash_mcp.sdl.author.compose import known
from akash_mcp.sdl.author.compose.ports import Ports, read_ports
from akash_mcp.sdl.author.compose.processes import environment, words
from akash_mcp.sdl.author.compose.reading import Fields, Reading, label
from akash_mcp.sdl.author.compose.resources import Size, read_resources
from akash_mcp.sdl.author.compose.variables import Unresolved
from akash_mcp.sdl.author.compose.volumes import read_disks
from akash_mcp.sdl.author.workload import Disk
from akash_mcp.sdl.yaml.javascript import Value
from akash_mcp.sdl.yaml.loader import Path

DEFAULT_NETWORK = "default"

_PUSH = "push an image to a registry and name it for this service"
_BUILT = "it is built from a Dockerfile, and a provider builds nothing", _PUSH
_EXTENDED = "it has no image of its own, and what it extends is not read", known.MERGED
_NO_IMAGE = "it has no image", _PUSH


@dataclass(frozen=True, slots=True)
class Part:
    """What one service comes to. `aliases` are other names by which its neighbours call it; `needs` those it names
    under `depends_on` and `links`, by their names in the compose file."""

    service: str
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: dict[str, str]
    ports: Ports
    disks: tuple[Disk, ...]
    volumes: frozenset[str]
    size: Size
    networks: frozenset[str]
    needs: tuple[str, ...]
    aliases: dict[str, str]


def read_service(reading: Reading, service: str, value: Value, image: str | None) -> Part | None:
    """The service, or None where it cannot run on Akash or Compose would not start it either; that is then listed.

    `image` is the caller's, in place of the file's own.
    """
    at: Path = ("services", service)
    fields = reading.fields(value, at, service)
    if fields.take("profiles"):
        reading.leave_out(
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
        why, instead = _BUILT if built else _EXTENDED if extended else _NO_IMAGE
        reading.leave_out(service, "the service", why, instead)
        return None
    if any(char.isspace() or not char.isprintable() for char in image):
        raise reading.bad((*at, "image"), "must be the name of an image")
    size = read_resources(reading, service, fields)
    if size.count == 0:
        reading.leave_out(service, "the service", "it has 0 replicas", "give it 1 or more")
        return None
    needs, aliases = _neighbours(reading, service, fields)
    disks, volumes = read_disks(
        reading,
        service,
        fields.take("volumes"),
        fields.take("tmpfs"),
        fields.text_or_left_out("shm_size"),
        at,
    )
    command, args = _process(reading, service, fields)
    part = Part(
        service=service,
        image=image,
        command=command,
        args=args,
        env=environment(reading, service, fields.take("environment"), fields.at("environment")),
        ports=read_ports(reading, service, fields.take("ports"), fields.take("expose"), at),
        disks=disks,
        volumes=volumes,
        size=size,
        networks=_networks(reading, service, fields, aliases),
        needs=needs,
        aliases=aliases,
    )
    _restart(reading, service, fields)
    fields.leave_out_rest(known.SERVICE)
    return part


def _process(reading: Reading, service: str, fields: Fields) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`entrypoint` and `command`, as an SDL's `command` and `args`.

    An empty one clears what the image has, which an SDL can only do by putting something else there.
    """
    entrypoint = _words(reading, service, fields, "entrypoint")
    command = _words(reading, service, fields, "command")
    if entrypoint == () and command:
        return command, ()
    if entrypoint == () or (command == () and not entrypoint):
        cleared = "entrypoint" if entrypoint == () else "command"
        reading.leave_out(
            service, f"{cleared}: empty", "an SDL cannot clear what the image starts", "name what to start"
        )
    return entrypoint or (), command or ()


def _words(reading: Reading, service: str, fields: Fields, key: str) -> tuple[str, ...] | None:
    try:
        return words(reading, service, fields.take(key), fields.at(key))
    except Unresolved as missing:
        reading.unresolved(service, fields.at(key), missing)
        return None


def _restart(reading: Reading, service: str, fields: Fields) -> None:
    if (restart := fields.text_or_left_out("restart")) not in ("", "always", "unless-stopped"):
        reading.leave_out(
            service,
            f"restart: {restart[:40]}",
            "a provider restarts whatever ends",
            "let what shall run once sleep at its end",
        )


def _neighbours(reading: Reading, service: str, fields: Fields) -> tuple[tuple[str, ...], dict[str, str]]:
    needs: dict[str, None] = {}
    aliases: dict[str, str] = {}
    depends, at = fields.take("depends_on"), fields.at("depends_on")
    if isinstance(depends, dict):
        for name, condition in depends.items():
            needs[name] = None
            options = reading.fields(condition, (*at, name), service)
            for key in ("condition", "required", "restart"):
                options.take(key)  # what the note on the order of starting says of all of them
            options.leave_out_rest()
    else:
        needs |= dict.fromkeys(name for name, _ in reading.texts(depends, at, service))
    for link, path in reading.texts(fields.take("links"), fields.at("links"), service):
        name, _, alias = link.partition(":")
        needs[name] = None
        if alias and alias != name:
            aliases[alias] = name
            reading.leave_out(
                service,
                f"{label(path)}: the name {alias[:60]}",
                "a service has one name",
                f"write {name} in its settings; hosts that were recognised are changed",
            )
    if name := fields.text_or_left_out("container_name"):
        aliases[name] = service
        if name != service:
            reading.leave_out(
                service,
                f"container_name: {name[:60]}",
                "a service has one name",
                f"others reach it as {service}",
            )
    return tuple(needs), aliases


def _networks(reading: Reading, service: str, fields: Fields, aliases: dict[str, str]) -> frozenset[str]:
    networks, at = fields.take("networks"), fields.at("networks")
    mode = fields.text_or_left_out("network_mode")
    if mode not in ("", "bridge"):
        reading.leave_out(
            service,
            f"network_mode: {mode[:60]}",
            "a provider gives each service a network of its own",
            "publish the ports that others shall reach",
        )
        return frozenset() if mode == "none" else frozenset({DEFAULT_NETWORK})
    if isinstance(networks, dict):
        for name, options in networks.items():
            own = reading.fields(options, (*at, name), service)
            for alias, path in reading.texts(own.take("aliases"), own.at("aliases"), service):
                aliases[alias] = service
                reading.leave_out(
                    service,
                    f"{label(path)}: the name {alias[:60]}",
                    "a service has one name",
                    f"others reach it as {service}",
                )
            own.leave_out_rest()
        named = frozenset(networks)
    else:
        named = frozenset(name for name, _ in reading.texts(networks, at, service))
    return named or frozenset({DEFAULT_NETWORK})
