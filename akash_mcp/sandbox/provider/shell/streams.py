"""What programs read from and write to. Whoever reads may have to wait, so reading is a generator of waits."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

from akash_mcp.sandbox.provider.shell.budget import MOST_TEXT, Exhausted
from akash_mcp.sandbox.provider.shell.files import FileFailed, Files

T = TypeVar("T")

Wait: TypeAlias = float | None
"""Simulated seconds, infinity for ever; None until there is standard input."""
Waiting: TypeAlias = Generator[Wait, None, T]
"""Work that takes simulated time, and what comes of it."""

PIPE_CHARACTERS = 65_536
"""What a pipe holds before its writer waits for the reader."""


class BrokenPipe(Exception):
    """Nobody reads what is written any more, which ends the writer."""


class Sink(Protocol):
    """Takes text."""

    def write(self, text: str) -> None:
        """Raises `BrokenPipe`, or `FileFailed` where there is no room."""


@dataclass(frozen=True, slots=True)
class ToCaller:
    """Hands what is written to a function."""

    write_to: Callable[[str], None]

    def write(self, text: str) -> None:
        self.write_to(text)


class Captured:
    """Keeps what is written, up to so many characters."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._left = MOST_TEXT

    def write(self, text: str) -> None:
        self._left -= len(text)
        if self._left < 0:
            raise Exhausted(f"more than {MOST_TEXT:,} characters to keep")
        self._pieces.append(text)

    @property
    def text(self) -> str:
        return "".join(self._pieces)


@dataclass(frozen=True, slots=True)
class ToFile:
    """Writes at the end of a file."""

    files: Files
    path: str

    def write(self, text: str) -> None:
        self.files.write(self.path, text, append=True)


@dataclass(frozen=True, slots=True)
class Closed:
    """A descriptor that was closed, or that is not for writing."""

    def write(self, text: str) -> None:
        raise FileFailed("Bad file descriptor")


class Source:
    """Text that is read once. What is read by one command is not there for the next."""

    def __init__(self, text: str = "") -> None:
        self.held = text

    def more(self) -> Waiting[bool]:
        """Wait until there is more in `held`. False where nothing comes any more."""
        return False
        yield  # a generator, like those of its kind that do wait

    def read(self) -> Waiting[str]:
        """What there is, empty at the end."""
        while not self.held:
            if not (yield from self.more()):
                break
        text, self.held = self.held, ""
        return text

    def read_all(self) -> Waiting[str]:
        """All of it."""
        pieces = []
        while piece := (yield from self.read()):
            pieces.append(piece)
        return "".join(pieces)

    def read_line(self) -> Waiting[str]:
        """The next line with its end, which the last one may lack; empty at the end."""
        while "\n" not in self.held:
            if not (yield from self.more()):
                break
        line, end, self.held = self.held.partition("\n")
        return line + end


class Pipe(Source):
    """The right side of a `|`. Its writer goes on when the reader wants more, or until it waits or the pipe is full."""

    def __init__(self) -> None:
        super().__init__()
        self.writer: Waiting[int] | None = None
        self._wait: Wait = 0.0
        self._has_reader = True

    def take(self, text: str) -> None:
        """What the writer writes."""
        if not self._has_reader:
            raise BrokenPipe
        self.held += text

    def start(self) -> None:
        """Let the writer go as far as it comes without a wait."""
        while self.writer is not None and len(self.held) < PIPE_CHARACTERS:
            self._step()
            if self._wait != 0.0:
                return

    def more(self) -> Waiting[bool]:
        had = len(self.held)
        while self.writer is not None:
            wait, self._wait = self._wait, 0.0
            if wait != 0.0:
                yield wait
            self._step()
            if len(self.held) > had:
                return True
        return False

    def finish(self) -> Waiting[None]:
        """Nobody reads any more: the writer ends by itself, or as soon as it writes."""
        self._has_reader = False
        while self.writer is not None:
            wait, self._wait = self._wait, 0.0
            yield wait
            self._step()

    def _step(self) -> None:
        assert self.writer is not None
        try:
            self._wait = next(self.writer)
        except (StopIteration, BrokenPipe):
            self.writer = None


Descriptors: TypeAlias = Mapping[int, Source | Sink]
"""What a program has open, by number."""


def source_of(descriptors: Descriptors) -> Source:
    """Standard input, with nothing in it where it was closed."""
    found = descriptors.get(0)
    return found if isinstance(found, Source) else Source()


def sink_of(descriptors: Descriptors, number: int) -> Sink:
    """Where a descriptor writes to."""
    found = descriptors.get(number)
    return Closed() if found is None or isinstance(found, Source) else found
