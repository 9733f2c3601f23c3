"""A command for a container, and what came of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from akash_mcp.errors import BadArgument

KEPT_BYTES = 8 * 1024
"""What is kept of each stream: as much from its start as from its end."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal of so many characters. With one, standard error comes with standard output."""

    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class Command:
    """One program and its arguments, for one replica of one service.

    `pod_index` counts the service's pods from 0, in the order of their names. `stdin` is sent as it is, and its end
    cannot be signalled: a program that reads until the end waits for ever, except in a terminal, where byte 4 ends it.
    """

    argv: tuple[str, ...]
    service: str
    pod_index: int = 0
    stdin: bytes | None = None
    terminal: Terminal | None = None

    def __post_init__(self) -> None:
        """Raises `BadArgument` for what a gateway cannot be asked."""
        if not self.argv:
            raise BadArgument("The command is empty.", next_step='Name a program, such as ["ls", "-l"].')
        if "" in self.argv:
            raise BadArgument(
                "A word of the command is empty, and the provider's shell cannot be given one.",
                next_step='Let a shell in the container make it: ["sh", "-c", "grep \'\' /etc/hosts"].',
            )
        if any("\0" in word for word in self.argv):
            raise BadArgument("A word of the command holds a NUL, which no program can be given.")
        if self.argv[0].startswith("-"):
            raise BadArgument(
                "The first word of the command is the program, and its name cannot begin with -."
            )
        if not 0 <= self.pod_index < 2**31:
            raise BadArgument("A replica is counted from 0.")


class ExecStatus(StrEnum):
    """How a command ended, as far as we know."""

    EXITED = "exited"
    FAILED = "failed"
    """The provider or its cluster failed while it ran, or before."""
    DROPPED = "dropped"
    """The connection ended without a result."""
    TIMED_OUT = "timed out"
    """We stopped waiting. It may run on: without an open standard input nothing tells it to stop."""
    TOO_MUCH = "too much"
    """It wrote so much that we left. It may run on."""


@dataclass(slots=True)
class Output:
    """What a stream wrote: its start and its end, and how many bytes were left out between them."""

    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    written: int = 0

    def add(self, data: bytes) -> None:
        """Keep what fits."""
        self.written += len(data)
        half = KEPT_BYTES // 2
        room = half - len(self.head)
        self.head += data[:room]
        self.tail += data[room:]
        if len(self.tail) > half:
            del self.tail[:-half]

    def take_out(self, mark: re.Pattern[bytes]) -> bool:
        """Take the first match of `mark` out of the start. Whether there was one."""
        found = mark.search(self.head)
        if found:
            del self.head[found.start() : found.end()]
            self.written -= found.end() - found.start()
        return found is not None

    @property
    def left_out(self) -> int:
        """How many bytes are missing between `head` and `tail`."""
        return self.written - len(self.head) - len(self.tail)


@dataclass(frozen=True, slots=True)
class ExecResult:
    """What came of a command that was handed to the container, or may have been.

    `exit_code` is None unless it `EXITED`. `started`: there is proof that it was started in the container; without
    it an exit code of 0 proves nothing: a gateway also answers so for a lease that is gone. `message` is the provider's
    own text on a failure. It and the output are untrusted.
    """

    status: ExecStatus
    exit_code: int | None
    stdout: Output
    stderr: Output
    started: bool
    message: str = ""
