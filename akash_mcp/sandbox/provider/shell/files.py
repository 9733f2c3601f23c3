"""A container's files: text in memory, a root that is lost with its container, and volumes that stay.

Errors are the words of `strerror`. There are no owners, modes, links or devices but `/dev/null`.
"""

from __future__ import annotations

import copy
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

MOST_CHARACTERS = 1_000_000
MOST_FILES = 2_000
"""What one volume, or the root of one container, holds at most."""

NULL = "/dev/null"


class FileFailed(Exception):
    """Why a file cannot be had."""


class UnknownFile(Exception):
    """A path at which the image may have something: nobody here knows what is in it."""


@dataclass
class Volume:
    """Files by their path below the volume, which begins with a slash. The folder itself is `/`."""

    files: dict[str, str] = field(default_factory=dict)
    folders: set[str] = field(default_factory=lambda: {"/"})
    characters: int = 0

    def put(self, path: str, text: str) -> None:
        """Raises `FileFailed` where there is no room."""
        characters = self.characters - len(self.files.get(path, "")) + len(text)
        is_new = path not in self.files
        if characters > MOST_CHARACTERS or (is_new and len(self.files) >= MOST_FILES):
            raise FileFailed("No space left on device")
        self.files[path] = text
        self.characters = characters

    def drop(self, path: str) -> None:
        self.characters -= len(self.files.pop(path))


@dataclass(frozen=True)
class Mount:
    """A volume at a path of the container."""

    path: str
    volume: Volume
    read_only: bool = False


class Files:
    """What a container sees: its root, and what is mounted. Paths are absolute; `resolve` makes them so."""

    def __init__(self, mounts: tuple[Mount, ...] = ()) -> None:
        self._image_folders: frozenset[str] = frozenset()
        self._mounts = [Mount("/", Volume())]
        for mount in sorted(mounts, key=lambda mount: len(mount.path)):
            path = posixpath.normpath(mount.path)
            self._make_mount_point(path)
            self._mounts.append(Mount(path, mount.volume, mount.read_only))

    def lay_image(
        self, *, folders: tuple[str, ...], empty: tuple[str, ...], texts: Mapping[str, str]
    ) -> None:
        """Lay out an image, where nothing is mounted over it: folders in which there may be more than is known, those
        that are empty, and files."""
        for folder in (*folders, *empty):
            if self._is_of_image(folder):
                self.make_folders(folder)
        for path, text in texts.items():
            if self._is_of_image(path):
                self.write(path, text)
        self._image_folders = frozenset(
            each for folder in folders for each in (folder, *_above(folder)) if self._is_of_image(each)
        )

    def as_known(self) -> Files:
        """The same files, of which one may say that there are no others."""
        known = copy.copy(self)
        known._image_folders = frozenset()
        return known

    def is_file(self, path: str) -> bool:
        mount, inner = self._place(path)
        return inner in mount.volume.files or path == NULL

    def is_folder(self, path: str) -> bool:
        mount, inner = self._place(path)
        return inner in mount.volume.folders

    def exists(self, path: str) -> bool:
        return self.is_file(path) or self.is_folder(path)

    def read(self, path: str) -> str:
        """A file's text. Raises `FileFailed`."""
        if path == NULL:
            return ""
        mount, inner = self._place(path)
        if inner in mount.volume.folders:
            raise FileFailed("Is a directory")
        try:
            return mount.volume.files[inner]
        except KeyError as error:
            raise FileFailed(self._missing(path)) from error

    def write(self, path: str, text: str, *, append: bool = False) -> None:
        """Write a file whose folder is there. Raises `FileFailed`."""
        if path == NULL:
            return
        mount = self._to_change(path)
        _, inner = self._place(path)
        if inner in mount.volume.folders:
            raise FileFailed("Is a directory")
        before = mount.volume.files.get(inner, "") if append else ""
        mount.volume.put(inner, before + text)

    def make_folder(self, path: str) -> None:
        """Raises `FileFailed`."""
        if self.exists(path):
            raise FileFailed("File exists")
        mount = self._to_change(path)
        if len(mount.volume.folders) >= MOST_FILES:
            raise FileFailed("No space left on device")
        mount.volume.folders.add(self._place(path)[1])

    def make_folders(self, path: str) -> None:
        """A folder with those above it, where they are not there. Raises `FileFailed`."""
        if self.is_folder(path):
            return
        if self.is_file(path):
            raise FileFailed("File exists")
        self.make_folders(posixpath.dirname(path))
        self.make_folder(path)

    def remove(self, path: str) -> None:
        """Remove a file, or a folder that is empty. Raises `FileFailed`."""
        mount, inner = self._place(path)
        if not self.exists(path):
            raise FileFailed(self._missing(path))
        if inner == "/":
            raise FileFailed("Device or resource busy")
        self._to_change(path)
        if inner in mount.volume.files:
            mount.volume.drop(inner)
        elif self.names(path):
            raise FileFailed("Directory not empty")
        else:
            mount.volume.folders.discard(inner)

    def names(self, folder: str) -> list[str]:
        """What is in a folder, sorted as the C locale has it. Raises `FileFailed`."""
        if not self.is_folder(folder):
            raise FileFailed("Not a directory" if self.is_file(folder) else self._missing(folder))
        mount, inner = self._place(folder)
        prefix = inner.rstrip("/") + "/"
        inside = (*mount.volume.files, *mount.volume.folders)
        found = {path[len(prefix) :] for path in inside if path.startswith(prefix) and path != "/"}
        return sorted(name for name in found if name and "/" not in name)

    def below(self, path: str) -> Iterator[str]:
        """A path and everything below it, folders before what they hold."""
        yield path
        if self.is_folder(path):
            for name in self.names(path):
                yield from self.below(posixpath.join(path, name))

    def _make_mount_point(self, path: str) -> None:
        """Make a folder as the runtime does, which a volume that is read only to us does not stop."""
        while not self.is_folder(path):
            mount, inner = self._place(path)
            mount.volume.folders.add(inner)
            path = posixpath.dirname(path)

    def _is_of_image(self, path: str) -> bool:
        return self._place(path)[0] is self._mounts[0]

    def _place(self, path: str) -> tuple[Mount, str]:
        """Where a path leads, and what it is called there."""
        if ".." in path or "//" in path:
            path = posixpath.normpath(path)
        for mount in reversed(self._mounts):
            if mount.path == "/":
                return mount, path
            if path == mount.path:
                return mount, "/"
            if path.startswith(mount.path + "/"):
                return mount, path[len(mount.path) :]
        raise AssertionError(path)

    def _to_change(self, path: str) -> Mount:
        """Where something may be made or removed."""
        folder = posixpath.dirname(path)
        if not self.is_folder(folder):
            raise FileFailed(self._missing(path))
        mount, _ = self._place(path)
        if mount.read_only:
            raise FileFailed("Read-only file system")
        return mount

    def _missing(self, path: str) -> str:
        """Why there is nothing at a path: something on the way to it may be a file. Raises `UnknownFile`."""
        for folder in _above(path):
            if self.is_file(folder):
                return "Not a directory"
            if self.is_folder(folder):
                if folder in self._image_folders:
                    raise UnknownFile(path)
                break
        return "No such file or directory"


def _above(path: str) -> Iterator[str]:
    """The folders above a path, the nearest first."""
    while path != "/":
        path = posixpath.dirname(path)
        yield path


def resolve(folder: str, path: str) -> str:
    """The absolute path of `path`, seen from `folder`."""
    joined = posixpath.normpath(posixpath.join(folder, path))
    return "/" + joined.lstrip("/")
