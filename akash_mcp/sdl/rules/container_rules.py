"""What keeps a container from starting although every judge takes its SDL: a command line in one item (N04), a disk
that the image's user cannot write to (N06) or whose lost+found its database refuses (N07), a shell that the image does
not have (N08).

Providers set neither the user of a container nor the owner of a disk, and let no container gain privileges
(akash-network/provider cluster/kube/builder/workload.go; issue 46 there asks for it).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from akash_mcp.sdl.images.fresh_disks import Mend, mend_of, user_of
from akash_mcp.sdl.images.names import image_name
from akash_mcp.sdl.images.shells import lacks_shell, shell_of, shell_variant
from akash_mcp.sdl.model import Sdl, Service
from akash_mcp.sdl.report import Fault
from akash_mcp.sdl.rules.command_lines import (
    LOOKED_AT,
    is_option_with_value,
    is_program_line,
    is_script_option_with_script,
    is_shell_line,
    shell_with_script,
    split_line,
)
from akash_mcp.sdl.yaml.loader import Path

_TAKES_LINES = re.compile(r"(?:.*/)?(?:redis|keydb|valkey)(?:-server|-stack-server)?")
"""Programs and images that read an option and its value in one word, as a line of their configuration (redis.conf)."""


def check_containers(sdl: Sdl) -> Iterator[Fault]:
    """Warnings of what will not start, or not with its data."""
    for service in sdl.services.values():
        yield from _command_lines(service)
        yield from _shell(service)
        for volume, mount in _fresh_disks(sdl, service).items():
            yield from _disk(service, volume, mount)


def _warn(rule: str, path: Path, message: str, fix: str) -> Fault:
    return Fault(rule, path, message, fix, "runtime")


def _command_lines(service: Service) -> Iterator[Fault]:
    words = (*service.command, *service.args)
    if not words:
        return
    if service.command and is_program_line(service.command[0]):
        yield _one_item(
            service, 0, "a whole command line is one item: the container looks for a program of that name"
        )
        return
    if shell_of(words[0]) and len(words) > 1 and is_script_option_with_script(words[1]):
        message = "-c and its script are one item: the shell takes it for one option"
        yield _one_item(service, 1, message, before=[words[0]])
        return
    if shell_with_script(words):
        return
    takes_lines = any(map(_TAKES_LINES.fullmatch, (image_name(service.image), words[0])))
    for index in range(len(service.command), len(words)):
        previous = words[index - 1] if index else ""
        if previous.startswith("-") and " " not in previous and "=" not in previous:
            continue  # its value, which may be a command line of its own
        if is_shell_line(words[index]):
            message = "a whole command line is one item: it is looked for as a program of that name"
            yield _one_item(service, index, message)
            return
        if is_option_with_value(words[index]) and not takes_lines:
            message = "an option and its value are one item: the program gets them as one word"
            yield _one_item(service, index, message)
            return


def _one_item(service: Service, index: int, message: str, before: list[str] | None = None) -> Fault:
    words = (*service.command, *service.args)
    is_arg = index >= len(service.command)
    path: Path = ("services", service.name, "args" if is_arg else "command")
    place = index - len(service.command) if is_arg else index
    written = split_line(" ".join([*(before or []), words[index][:LOOKED_AT]]))
    field = "args" if is_arg and not is_shell_line(words[index]) else "command"
    return _warn("N04", (*path, place), message, f"write one word an item: {field}: {written}")


def _shell(service: Service) -> Iterator[Fault]:
    shell = shell_of(service.command[0]) if service.command else None
    if shell is None or not lacks_shell(service.image, shell):
        return
    path: Path = ("services", service.name, "command", 0)
    if shell == "bash" and not lacks_shell(service.image, "sh"):
        yield _warn(
            "N08", path, "this image has no bash", 'write "sh" in its place, or take an image with bash'
        )
        return
    variant = shell_variant(service.image)
    other = f', or take a tag with "{variant}", which has one' if variant else ""
    fix = f"name the image's own program, or leave command out and give args to its entrypoint{other}"
    yield _warn("N08", path, "this image has no shell, so the command cannot start", fix)


def _fresh_disks(sdl: Sdl, service: Service) -> dict[str, str]:
    """The volumes of a service that outlive its replica, by name, with where they are mounted."""
    if not service.mounts:
        return {}
    return {
        volume.name: service.mounts[volume.name].path
        for placed in sdl.deployment[service.name].values()
        for volume in sdl.profiles[placed.profile].storage
        if volume.persistent and volume.name is not None and volume.name in service.mounts
    }


def _disk(service: Service, volume: str, mount: str) -> Iterator[Fault]:
    path: Path = ("services", service.name, "params", "storage", volume, "mount")
    mend = mend_of(service.image, mount)
    if mend is not None and mend.refuses and not _is_mended(service, mend):
        message = (
            "a fresh disk holds lost+found in its top folder, and this database refuses one that is not empty"
        )
        what = f"to env: - {mend.env[0]}" if mend.env else f'to args: "{mend.args[0]}"'
        yield _warn("N07", path, message, f"add {what}")
    user = user_of(service.image, mount)
    if user is not None and mount.strip("/"):
        message = (
            f"a fresh disk belongs to root, and this image runs as user {user.uid}, who cannot write there"
        )
        fix = (
            "no SDL can change that: take an image built on this one with USER root, whose start gives the folder to "
            f"user {user.uid} (chown) and goes on as that user; or leave the disk out, and the data ends with the "
            "container, unless the program can keep it in a database service"
        )
        yield _warn("N06", path, message, fix)


def _is_mended(service: Service, mend: Mend) -> bool:
    """Whether a service already says where its data goes, or starts with a script that may."""
    words = (*service.command, *service.args)
    if any("lost+found" in word for word in words) or shell_with_script(words):
        return True
    names = {entry.partition("=")[0] for entry in service.env}
    options = [arg.partition("=")[0] for arg in mend.args]
    return any(each.partition("=")[0] in names for each in mend.env) or any(
        word.startswith(option) for word in words for option in options
    )
