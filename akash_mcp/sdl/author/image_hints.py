"""What an image says of itself, for its draft: where it listens, what it speaks there, the data that it would lose."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Literal, TypeAlias

from akash_mcp.sdl.author.workload import WEB_PORT, Workload
from akash_mcp.sdl.images.image_config import ImageConfig
from akash_mcp.sdl.images.names import image_name
from akash_mcp.sdl.images.ports import NOT_HTTP, PORTS

Protocol: TypeAlias = Literal["http", "tcp", "udp"]

_WEB_PORTS = (WEB_PORT, 8080, 8000, 3000, 5000, 8888, 9000)
"""Ports of the web, the most usual first."""


def port_of(name: str, image: ImageConfig | None, protocol: str | None) -> tuple[int, str, str]:
    """The port to open of an image that is called `name`; a note on how the image's config has it chosen, empty without
    one; and why it is assumed else."""
    only_udp = image is not None and {each for _, each in image.ports} == {"UDP"}
    transport = "UDP" if protocol == "udp" or (protocol is None and only_udp) else "TCP"
    usual = PORTS.get(image_name(name), ())[:1] if transport == "TCP" else ()
    if image is None:
        if usual:
            return usual[0], "", f"where {image_name(name)} usually listens"
        return WEB_PORT, "", "since it is not known where this image listens: check_images asks"
    named = [port for port, each in image.ports if each == transport]
    if not named:
        (port,) = usual or (WEB_PORT,)
        return port, f"The image names no {transport} port: {port} is a guess, and port says another.", ""
    chosen = next((port for port in (*usual, *_WEB_PORTS) if port in named), named[0])
    note = f"Port {chosen} is what the image says that it listens on"
    others = ", ".join(str(port) for port in named if port != chosen)
    return chosen, f"{note}, besides {others}." if others else f"{note}.", ""


def protocol_of(port: int, image: ImageConfig | None) -> tuple[Protocol, str]:
    """What is spoken at a port, and why that is assumed where it is not the web's."""
    if image and (port, "UDP") in image.ports and (port, "TCP") not in image.ports:
        return "udp", "as the image says of its port"
    if port in NOT_HTTP:
        return "tcp", f"since what listens at {port} speaks no HTTP"
    return "http", ""


def hints(image: ImageConfig, workload: Workload) -> Iterator[str]:
    """What is lost on a restart, and what may not be writable."""
    mounts = [PurePosixPath(disk.mount) for disk in workload.disks]
    for volume in image.volumes:
        if not any(PurePosixPath(volume).is_relative_to(mount) for mount in mounts):
            yield (
                f"The image keeps data in {volume}, and it is lost when the container restarts: mount={volume} gives "
                "it a disk."
            )
    if mounts and not image.is_root:
        yield (
            f"The image runs as user {image.user}, and a fresh disk belongs to root: it may not be able to write to "
            f"{mounts[0]}."
        )
    if workload.command and not workload.args and image.command:
        yield "With command the image's own arguments are gone: name them in args."
