"""What a program is given when it is started, and what surrounds all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from akash_mcp.sandbox.provider.shell.budget import Budget
from akash_mcp.sandbox.provider.shell.files import FileFailed, Files, resolve
from akash_mcp.sandbox.provider.shell.streams import Sink, Source, Waiting


class NotPlayed(Exception):
    """A command that the embedded network does not play: its words, and the variables that it was given."""

    def __init__(self, argv: tuple[str, ...], env: Mapping[str, str] | None = None) -> None:
        super().__init__(" ".join(argv))
        self.argv = argv
        self.env = env or {}


@dataclass
class Host:
    """The container that a command runs in.

    `now`: simulated seconds since the epoch. `listen` is told of a port on which a program listens, and returns what
    ends that. A `session` is a tenant's own command, where a program that is not played is one that is not there.
    """

    hostname: str = "localhost"
    env: Mapping[str, str] = field(default_factory=dict)
    files: Files = field(default_factory=Files)
    folder: str = "/"
    now: Callable[[], float] = lambda: 0.0
    listen: Callable[[int], Callable[[], None]] | None = None
    session: bool = False


@dataclass
class Process:
    """One program that runs."""

    name: str
    arguments: list[str]
    env: Mapping[str, str]
    folder: str
    stdin: Source
    stdout: Sink
    stderr: Sink
    host: Host
    budget: Budget

    @property
    def files(self) -> Files:
        return self.host.files

    def path(self, name: str) -> str:
        """The absolute path of a file that is named in an argument."""
        return resolve(self.folder, name)

    def say(self, text: str) -> None:
        self.stdout.write(text)

    def fail(self, text: str, code: int = 1) -> int:
        """Write what is wrong, and the exit code that says so."""
        self.stderr.write(f"{self.name}: {text}\n")
        return code

    def unknown(self) -> NotPlayed:
        """That it was asked for what we do not play of it."""
        return NotPlayed((self.name, *self.arguments), self.env)

    def options(self, letters: str, valued: str = "") -> dict[str, str]:
        """Take the options off the arguments: single letters, those in `valued` with a value. Any other is not played.

        The value of one without is its own letter.
        """
        found: dict[str, str] = {}
        rest = list(self.arguments)
        while rest and rest[0].startswith("-") and rest[0] != "-":
            word = rest.pop(0)
            if word == "--":
                break
            given = word[1:]
            while given:
                letter, given = given[0], given[1:]
                if letter in valued and (given or rest):
                    found[letter], given = given or rest.pop(0), ""
                elif letter in letters:
                    found[letter] = letter
                else:
                    raise self.unknown()
        self.arguments = rest
        return found

    def input(self, name: str) -> Source:
        """What to read for an argument: a file, or standard input for `-`. Raises `FileFailed`."""
        if name in ("-", "/dev/stdin"):
            return self.stdin
        return Source(self.files.read(self.path(name)))

    def inputs(self) -> list[tuple[str, Source]]:
        """The files that are named, with their names, or standard input. What cannot be read is told, and left out."""
        found: list[tuple[str, Source]] = []
        for name in self.arguments or ["-"]:
            try:
                found.append((name, self.input(name)))
            except FileFailed as failed:
                self.fail(f"{name}: {failed}")
        return found

    def wait(self, seconds: float) -> Waiting[None]:
        """Let simulated time pass."""
        self.budget.rest()
        yield seconds
