"""Volumes of a compose file. A named one becomes a disk that lasts as long as the lease, a tmpfs one in memory; files
and folders of the machine that runs Compose stay where they are."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import PurePosixPath

from akash_mcp.sdl.author.compose.file import ComposeFile, label
from akash_mcp.sdl.author.compose.interpolation import Unresolved
from akash_mcp.sdl.author.compose.sizes import read_size
from akash_mcp.sdl.author.workload import LASTING, MIB, SHM, Disk
from akash_mcp.sdl.images.names import image_name
from akash_mcp.sdl.images.purposes import CONTAINER_TOOLS, PROXIES
from akash_mcp.sdl.yaml.javascript import Value
from akash_mcp.sdl.yaml.loader import Path

IN_MEMORY = 64 * MIB
"""The size of a tmpfs without one, as Docker sizes /dev/shm."""
MOST = 20
"""Disks of one service that are carried. Providers take four by default, as the checker says."""

_MODES = frozenset(
    {
        "rw",
        "ro",
        "z",
        "Z",
        "nocopy",
        "copy",
        "cached",
        "delegated",
        "consistent",
        "private",
        "rprivate",
        "shared",
        "rshared",
        "slave",
        "rslave",
    }
)
_COLON = re.compile(r"\$\{[^}]*+\}|(?P<colon>:)")
"""A colon that is not a part of a variable. Such a one is there where a text is looked at before it is filled in."""
_SOCKET = re.compile(r"(docker|podman|containerd|crio)\.sock$")
_MODELS = re.compile(
    r"hugging|\bhf\b|model|ollama|weight|checkpoint|comfy|diffusion|lora|cache|storage|workspace| /root$",
    re.IGNORECASE,
)
ABOUT_TIME = re.compile(r"/etc/(?:localtime|timezone)|.*/zoneinfo(?:/.*)?")
"""Files of a machine that say its time zone."""


@dataclass(frozen=True, slots=True)
class _Mount:
    """`unknown` are options in the short form that mean nothing to us."""

    kind: str
    source: str
    target: str
    read_only: bool
    size: int = IN_MEMORY
    unknown: tuple[str, ...] = ()


def read_disks(
    file: ComposeFile,
    service: str,
    image: str,
    volumes: Value,
    tmpfs: Value,
    shm: tuple[int, Path] | None,
    at: Path,
) -> tuple[tuple[Disk, ...], dict[str, str]]:
    """The disks of one service, and the named volumes with the disk that each became.

    `shm` is the size of its shared memory in bytes, and where the file says it.
    """
    disks: dict[str, Disk] = {}
    used: dict[str, str] = {}
    for item, path in file.items(volumes, (*at, "volumes")):
        try:
            mount = (
                _long(file, service, item, path) if isinstance(item, dict) else _short(file.text(item, path))
            )
        except Unresolved as missing:
            file.unresolved(service, path, missing)
            continue
        if mount.kind == "bind" and _SOCKET.search(mount.source):
            _leave_socket_out(file, service, image, mount, path)
        else:
            _add(file, service, disks, used, mount, path)
    for item, path in file.items([tmpfs] if isinstance(tmpfs, str) else tmpfs, (*at, "tmpfs")):
        try:
            target, _, options = file.text(item, path).partition(":")
            size = re.search(r"(?:^|,)size=([^,]+)", options)
            in_memory = read_size(file, size[1], path) if size else IN_MEMORY
        except Unresolved as missing:
            file.unresolved(service, path, missing)
            continue
        _add(file, service, disks, used, _Mount("tmpfs", "", target, False, in_memory), path)
    if shm:
        _add(file, service, disks, used, _Mount("tmpfs", "", SHM, False, shm[0]), shm[1])
    return tuple(disks.values()), used


def with_room_for_models(disks: tuple[Disk, ...], size: int) -> tuple[Disk, ...]:
    """The disks, those for models of at least `size` bytes: by their name or folder, else the only one that lasts."""
    lasting = [disk for disk in disks if disk.kind != "ram"]
    stores = [disk for disk in lasting if _MODELS.search(f"{disk.name} {disk.mount}")]
    if not stores and len(lasting) == 1:
        stores = lasting
    return tuple(replace(disk, size=max(disk.size, size)) if disk in stores else disk for disk in disks)


def target_of(volume: str) -> str:
    """Where a volume in the short form is mounted."""
    return _short(volume).target


def bind_target(volume: str, with_a_device: Collection[str] = ()) -> str:
    """Where a volume in the short form mounts a file or folder of the machine; empty where it mounts something else.

    `with_a_device` are the named volumes that stand for one.
    """
    mount = _short(volume)
    return mount.target.rstrip("/") if mount.kind == "bind" or mount.source in with_a_device else ""


def with_a_device(file: ComposeFile) -> frozenset[str]:
    """The named volumes that stand for a folder which is there already: `driver_opts` name its `device`."""
    volumes = file.data.get("volumes") if isinstance(file.data, dict) else None
    found: set[str] = set()
    for name, options in volumes.items() if isinstance(volumes, dict) else ():
        driver = options.get("driver_opts") if isinstance(options, dict) else None
        if isinstance(driver, dict) and driver.get("device"):
            found.add(name)
    return frozenset(found)


def _short(text: str) -> _Mount:
    """`[SOURCE:]TARGET[:OPTIONS]`, where a source that is a path is a file or folder of the machine."""
    drive = re.match(r"[A-Za-z]:[\\/].*:/", text)  # without a second path, a volume whose name is one letter
    first = 2 if drive else 0
    colons = [colon.start() for colon in _COLON.finditer(text, first) if colon["colon"]]
    parts = [text[start + 1 : end] for start, end in pairwise([-1, *colons, len(text)])]
    if len(parts) == 1 or (len(parts) == 2 and set(parts[1].split(",")) <= _MODES):
        parts.insert(0, "")
    source, target, *rest = parts
    options = [option for part in rest for option in part.split(",")]
    is_path = bool(drive) or source.startswith((".", "~")) or "/" in source or "\\" in source
    return _Mount(
        "bind" if is_path else "volume",
        source,
        target,
        "ro" in options,
        unknown=tuple(option for option in options if option and option not in _MODES),
    )


def _long(file: ComposeFile, service: str, item: Value, path: Path) -> _Mount:
    fields = file.fields(item, path, service)
    kind, source, target = fields.text("type", "volume"), fields.text("source"), fields.text("target")
    read_only = fields.flag("read_only")
    size = IN_MEMORY
    in_memory = file.fields(fields.take("tmpfs"), fields.at("tmpfs"), service)
    if text := in_memory.text("size"):
        size = read_size(file, text, in_memory.at("size"))
    named = file.fields(fields.take("volume"), fields.at("volume"), service)
    if kind == "bind":  # left out whole, its options with it
        fields.take("bind")
    fields.take("consistency")  # how a desktop syncs files
    named.take("nocopy")  # a new volume is always empty here
    for rest in (in_memory, named, fields):
        rest.leave_out_rest()
    return _Mount(kind, source, target, read_only, size)


def _add(
    file: ComposeFile,
    service: str,
    disks: dict[str, Disk],
    used: dict[str, str],
    mount: _Mount,
    path: Path,
) -> None:
    what = _what(mount, path)
    target = mount.target.rstrip("/")
    if mount.kind == "bind":
        _leave_bind_out(file, service, what, mount)
    elif mount.kind not in ("volume", "tmpfs"):
        file.leave_out(service, what, f"a mount of the type {mount.kind[:40]} is the machine's own")
    elif mount.kind == "volume" and not mount.source:
        file.leave_out(
            service,
            what,
            "a volume without a name is on the root disk here, which a new container starts afresh",
            "name it to keep its data",
        )
    elif not re.fullmatch(r"(/[A-Za-z0-9._-]+)+", target) or {".", ".."} & set(target.split("/")):
        file.leave_out(service, what, "its target is not an absolute path below the root", "mount it at one")
    elif len(disks) == MOST:
        file.leave_out(service, what, f"a service with more than {MOST} disks finds no provider", "use fewer")
    elif any(disk.mount == target for disk in disks.values()):
        file.leave_out(service, what, "something else is mounted there", "mount each at its own path")
    elif mount.kind == "tmpfs":
        name = _free("memory", disks)
        disks[name] = Disk(name, max(mount.size, 5 * MIB), "ram", target)
    elif mount.source in used:
        file.leave_out(
            service, what, "a volume is mounted once in a service", "keep one of the two, or use two volumes"
        )
    else:
        name = _free(re.sub("[^a-z0-9]+", "-", mount.source.lower()).strip("-")[:60] or "data", disks)
        disks[name] = Disk(name, LASTING, "beta3", target, mount.read_only)
        used[mount.source] = name
        for option in mount.unknown:
            file.leave_out(
                service, f"{what}: the option {option[:40]}", "a disk of an SDL knows read-only alone"
            )


def _leave_bind_out(file: ComposeFile, service: str, what: str, mount: _Mount) -> None:
    """A file or folder of the machine that runs Compose."""
    names = (PurePosixPath(mount.source.replace("\\", "/")), PurePosixPath(mount.target))
    if ABOUT_TIME.fullmatch(mount.target):
        file.leave_out(service, what, "a provider's containers have UTC, and a variable TZ sets another zone")
    elif mount.read_only or any(name.suffix for name in names):
        file.leave_out(
            service,
            what,
            "files of your machine do not travel to a provider",
            "build it into the image, or let the program fetch it at start",
        )
    else:
        file.leave_out(
            service,
            what,
            "folders of your machine do not travel to a provider, and what is written there is lost at a restart",
            "for data name a volume in its place (NAME:/path), else build it into the image",
        )


def _leave_socket_out(file: ComposeFile, service: str, image: str, mount: _Mount, path: Path) -> None:
    """The socket of Docker, Podman or containerd, by which a program sees and starts containers."""
    name = image_name(image)
    if name in PROXIES:
        fix = (
            "leave the service out, since a provider's ingress does its work, or give it its routes in a file"
        )
    elif name in CONTAINER_TOOLS:
        fix = "leave the service out: it does nothing without it, and costs money"
    else:
        fix = "leave the service out if that is what it is for"
    why = (
        "a provider gives no access to a container runtime: this program cannot see or start containers there"
    )
    file.leave_out(service, _what(mount, path), why, fix)


def _what(mount: _Mount, path: Path) -> str:
    return f"{label(path[:3])}: {mount.source + ':' if mount.source else ''}{mount.target}"


def _free(name: str, taken: dict[str, Disk]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free
