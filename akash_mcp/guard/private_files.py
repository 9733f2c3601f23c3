"""Who else could write what decides about money: the ledger's folder and the configuration file.

A budget that another user of the machine can rewrite is not a limit, nor is one that lies below a folder in which they
can put another folder in its place. OpenSSH judges the files of its keys by the same rules.
"""

from __future__ import annotations

import os
import shlex
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_UNMAPPED = 65534
"""Who owns, inside a container, what nobody in there owns: the root folder of some."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """Where others can write: the file or folder, why, and the command that ends it."""

    path: Path
    why: str
    fix: str

    def __str__(self) -> str:
        return f"{self.path} {self.why}"


def who_else_can_write(path: Path) -> Exposure | None:
    """The first of a file or folder and the folders above it that somebody but us and root can change, else None.

    What does not exist yet is passed over. A sticky folder such as /tmp may stand above it, since nobody can replace
    there what is ours, but is not itself a place for it. Root, as which containers serve, trusts every owner: a mounted
    folder belongs to whoever mounted it. On Windows nothing is judged.
    """
    if sys.platform == "win32":
        return None
    for place in _places(path):
        try:
            status = place.lstat()
        except FileNotFoundError:
            continue
        own = os.geteuid()
        if own and status.st_uid not in (own, 0, _UNMAPPED):
            return Exposure(place, "belongs to another user", f"chown {own} {shlex.quote(str(place))}")
        if stat.S_ISLNK(status.st_mode) or (status.st_mode & stat.S_ISVTX and place != path):
            continue
        fix = f"chmod {'700' if place == path and place.is_dir() else 'go-w'} {shlex.quote(str(place))}"
        if status.st_mode & stat.S_IWOTH:
            return Exposure(place, "can be written by every user of this machine", fix)
        if status.st_mode & stat.S_IWGRP and not _is_our_own_group(status.st_gid):
            return Exposure(place, "can be written by other users of its group", fix)
    return None


def who_else_can_read(path: Path) -> Exposure | None:
    """A file or folder whose contents others can read or list, else None. On Windows nothing is judged."""
    if sys.platform == "win32" or not path.exists() or not stat.S_IMODE(path.stat().st_mode) & 0o077:
        return None
    fix = f"chmod {'700' if path.is_dir() else '600'} {shlex.quote(str(path))}"
    return Exposure(path, f"is open to others (mode {stat.S_IMODE(path.stat().st_mode):03o})", fix)


def _places(path: Path) -> Iterator[Path]:
    """The path and what is above it, as it is written and as its links lead."""
    named = Path(os.path.abspath(path))
    real = path.resolve()
    yield path
    seen = {path}
    for place in (named, real, *named.parents, *real.parents):
        if place not in seen:
            seen.add(place)
            yield place


def _is_our_own_group(group: int) -> bool:
    """Whether a group is root's or ours alone: some systems give each user a group, and let it write by default."""
    if sys.platform == "win32" or group == 0:
        return True
    import grp
    import pwd

    try:
        user, entry = pwd.getpwuid(os.geteuid()), grp.getgrgid(group)
    except KeyError:
        return False
    return entry.gr_name == user.pw_name and set(entry.gr_mem) <= {user.pw_name}
