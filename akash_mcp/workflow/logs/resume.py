"""Where one reading of a log ended, and how the next one finds that place again.

Log lines have neither time nor number, a provider serves the last so many of each pod, and a container that starts
again begins another log under the same name (akash-network/provider gateway/rest). So a place in a log is known by
what stands before it: its last lines, and how many there were where it was read from the first line on.

With that the next reading tells which of its lines are new. It is right as long as no `WINDOW` lines in a row come
again word for word; where it sees that they do, it says so, and shows a line twice sooner than not at all.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from enum import Enum, auto
from hashlib import blake2b
from zlib import crc32

WINDOW = 32
"""How many lines a place is known by, at most."""

_HEAD = 256
"""How much of a line is looked at, so that long lines cost no memory."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a log: behind a line whose checksum is `last`, the end of `lines` lines whose digest is `digest`.

    `count` is the place's number of lines from the first line on; None where that is not known.
    """

    count: int | None
    lines: int
    last: int
    digest: bytes


class Seam(Enum):
    """How a reading joins the one before."""

    FIRST = auto()
    """There was none before."""
    EXACT = auto()
    """Every line that came since, each once."""
    REPEATING = auto()
    """The log repeats itself: new lines may be missing, and some of them may have been read before."""
    ANEW = auto()
    """It is another log, from its first line on. What the old one said last may be missing."""
    GAP = auto()
    """So much was written that the place is out of reach: lines may be missing, or have been read before."""


class Reading:
    """One pod's log in one stream that was asked for the last `tail` lines, or for all of them."""

    def __init__(self, mark: Mark | None, tail: int | None) -> None:
        self.read = 0
        self._mark = mark
        self._tail = tail
        self._window: deque[str] = deque(maxlen=WINDOW)
        self._met: int | None = None
        self._met_again = False
        self._is_over = False

    @property
    def is_placed(self) -> bool:
        """Whether it is known which lines so far are new."""
        return self._mark is None or self._met is not None

    def take(self, line: str) -> bool:
        """Take the next line in. True where the mark is found behind it: it and all before it were read before."""
        self.read += 1
        head = line[:_HEAD]
        self._window.append(head)
        mark = self._mark
        if mark is None or _checksum(head) != mark.last:
            return False
        # A mark that reaches back to the first line is nowhere but at its own number.
        if mark.count == mark.lines and self.read != mark.count:
            return False
        if self._digest(mark.lines) != mark.digest:
            return False
        if self._met is None or self.read == mark.count:
            self._met_again = self._met is not None
            self._met = self.read
            return True
        self._met_again = True
        return False

    def here(self) -> Mark:
        """Where the stream is, behind at least one line. Its `count` is from where the stream began: see `settled`."""
        lines = len(self._window)
        return Mark(self.read, lines, _checksum(self._window[-1]), self._digest(lines))

    def end(self, *, is_whole: bool) -> Seam:
        """How what was read joins what was read before. `is_whole`: the stream came to the end of the log."""
        # One line more than asked for comes from a provider that does not heed `tail`, so it sent all.
        self._is_over = is_whole and (self._tail is None or self.read != self._tail)
        if self._mark is None:
            return Seam.FIRST
        if self._met is None:
            return Seam.ANEW if self._is_over else Seam.GAP
        at_its_number = self._is_over and self._met == self._mark.count
        return Seam.REPEATING if self._met_again and not at_its_number else Seam.EXACT

    def settled(self, here: Mark) -> Mark:
        """A place of this stream as the next reading needs it, its `count` from the log's first line. After `end`."""
        count = None
        if self._is_over:
            count = here.count
        elif self._mark and self._mark.count is not None and self._met is not None and not self._met_again:
            count = self._mark.count + (here.count or 0) - self._met
        return replace(here, count=count)

    def _digest(self, lines: int) -> bytes:
        if len(self._window) < lines:
            return b""
        last = list(self._window)[-lines:]
        return blake2b("\n".join(last).encode(errors="replace"), digest_size=8).digest()


def _checksum(head: str) -> int:
    return crc32(head.encode(errors="replace"))
