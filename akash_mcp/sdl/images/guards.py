"""How an image is guarded: what a row about it says. The rows stand in `guarded_data` and `guarded_pages`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

ASKING_PROXY = "put a proxy before it that asks for a login"
"""What is left where an image has no password of its own."""


class Kind(Enum):
    """What an image is for."""

    DATABASE = "database"
    CACHE = "cache"
    QUEUE = "queue"
    SEARCH = "search engine"
    STORE = "file store"
    ADMIN = "admin page"
    MONITOR = "monitoring page"
    SHELL = "shell"
    DESKTOP = "remote desktop"
    MODELS = "model server"
    APP = "application"

    @property
    def is_data(self) -> bool:
        """Whether it holds the data of other services, and usually only they need it."""
        return self in (Kind.DATABASE, Kind.CACHE, Kind.QUEUE, Kind.SEARCH)

    @property
    def runs_commands(self) -> bool:
        """Whether who gets in can run what they like."""
        return self in (Kind.SHELL, Kind.DESKTOP)


class Guard(Enum):
    """Who gets in."""

    NONE = "anyone"
    WELL_KNOWN = "anyone who tries a password that everybody knows"
    FIRST_VISITOR = "whoever comes first, who sets the password"
    PASSWORD = "who has the password that was set, or that it made by itself"
    UNKNOWN = "what was set where we do not see it decides"

    @property
    def is_unsafe(self) -> bool:
        """Whether anyone gets in."""
        return self in (Guard.NONE, Guard.WELL_KNOWN)


@dataclass(frozen=True, slots=True)
class GuardedImage:
    """How one image is guarded, by its public documentation, which stands at `source`.

    `what`: how a sentence calls it. `images`: `owner/name`, or `name` whoever the owner is. `without`: who gets in
    where no password is set, None where there is nothing to get into then; `before`: the same for tags of a lower major
    version. `passwords`: variables that hold the password; `options`: words of a command that are followed by it.
    `opened_by` and `guarded_by` switch the guard off and on, `may_guard` perhaps; `empty_by` lets everybody in where no
    password is set: a variable (`NAME=yes`, `NAME=no`, `NAME=value`, `NAME=*` for any), or words of a command. `ports`:
    of what holds no data, the ports that this is about (all where there are none). `programs`: by these in its command
    it is known on any image, on those `ports`. `how`: what sets a password, where the first of `passwords` alone does
    not do.

    `user_passwords`: variables that hold the password of a user beside the one who may do all, whom they guard nothing.
    `before_needs`: in older versions a password counts only with one of these switches. `by_script`: the image's own
    start script sets the password, so it counts for nothing where another program is started in its place.
    """

    what: str
    kind: Kind
    images: tuple[str, ...]
    source: str
    without: Guard | None = Guard.NONE
    before: tuple[int, Guard] | None = None
    passwords: tuple[str, ...] = ()
    user_passwords: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    opened_by: tuple[str, ...] = ()
    guarded_by: tuple[str, ...] = ()
    empty_by: tuple[str, ...] = ()
    may_guard: tuple[str, ...] = ()
    before_needs: tuple[str, ...] = ()
    by_script: bool = False
    ports: tuple[int, ...] = ()
    programs: tuple[str, ...] = ()
    how: str = ""

    @property
    def how_to_guard(self) -> str:
        """What to do about it where anyone gets in; empty where that is not known."""
        return self.how or (f"set {self.passwords[0]}=secret://{self.passwords[0]}" if self.passwords else "")
