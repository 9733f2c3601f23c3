"""Where one reading of a log ended, and how the next one finds that position again.

Log lines have neither time nor number, a provider serves the last so many of each pod, and a container that starts
again begins another log under the same name (akash-network/provider gateway/rest). So a position in a log is known by
what stands before it: its last lines, and how many there were where it was read from the first line on.

With that the next reading tells which of its lines are new. It is right as long as no `WINDOW` lines in a row
repeat exactly; where it sees that they do, it says so, and rather shows a line twice than not at all.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from enum import Enum, auto
from hashlib import blake2b
from zlib import crc32

WINDOW = 32
"""How many lines a position is known by, at most."""

_HEAD = 256
"""How many characters of a line are compared, so that long lines cost no memory."""


@dataclass(frozen=True, slots=True)
class Position:
    """A position in a log: behind a line with checksum `last`, at the end of `lines` lines with digest `digest`.

    `count`: how many lines stand before it, from the first line on; None where that is not known.
    """

    count: int | None
    lines: int
    last: int
    digest: bytes


class Continuity(Enum):
    """How a reading continues the one before."""

    FIRST = auto()
    """There was no reading before."""
    EXACT = auto()
    """It holds every line written since, each once."""
    REPEATING = auto()
    """The log repeats itself: new lines may be missing, and some of them may have been read before."""
    RESTARTED = auto()
    """It is another log, from its first line on. What the old one said last may be missing."""
    GAP = auto()
    """So much was written that the position is out of reach: lines may be missing, or have been read before."""


class Reading:
    """One pod's log in one stream that was asked for the last `tail` lines, or for all of them."""

    def __init__(self, position: Position | None, tail: int | None) -> None:
        self.read = 0
        self._earlier = position
        self._tail = tail
        self._window: deque[str] = deque(maxlen=WINDOW)
        self._found_at: int | None = None
        self._found_again = False
        self._holds_whole_log = False

    @property
    def is_located(self) -> bool:
        """Whether it is known which lines so far are new."""
        return self._earlier is None or self._found_at is not None

    def take(self, line: str) -> bool:
        """Add the next line. True where the earlier position is behind it: it and all before it were read before."""
        self.read += 1
        head = line[:_HEAD]
        self._window.append(head)
        position = self._earlier
        if position is None or _checksum(head) != position.last:
            return False
        # A position that reaches back to the first line is nowhere but at its own number.
        if position.count == position.lines and self.read != position.count:
            return False
        if self._digest(position.lines) != position.digest:
            return False
        if self._found_at is None or self.read == position.count:
            self._found_again = self._found_at is not None
            self._found_at = self.read
            return True
        self._found_again = True
        return False

    def position(self) -> Position:
        """The position of the stream, behind at least one line, its `count` from where the stream began.

        `counted_from_start` makes it one that a later reading can use.
        """
        lines = len(self._window)
        return Position(self.read, lines, _checksum(self._window[-1]), self._digest(lines))

    def end(self, *, is_whole: bool) -> Continuity:
        """How what was read continues what was read before. `is_whole`: the stream came to the end of the log."""
        # One line more than asked for comes from a provider that ignores `tail`, so it sent all.
        self._holds_whole_log = is_whole and (self._tail is None or self.read != self._tail)
        if self._earlier is None:
            return Continuity.FIRST
        if self._found_at is None:
            return Continuity.RESTARTED if self._holds_whole_log else Continuity.GAP
        at_its_number = self._holds_whole_log and self._found_at == self._earlier.count
        return Continuity.REPEATING if self._found_again and not at_its_number else Continuity.EXACT

    def counted_from_start(self, position: Position) -> Position:
        """A position for a later reading: its `count` from the log's first line, or None. To be called after `end`."""
        count = None
        if self._holds_whole_log:
            count = position.count
        elif (
            self._earlier
            and self._earlier.count is not None
            and self._found_at is not None
            and not self._found_again
        ):
            count = self._earlier.count + (position.count or 0) - self._found_at
        return replace(position, count=count)

    def _digest(self, lines: int) -> bytes:
        if len(self._window) < lines:
            return b""
        last = list(self._window)[-lines:]
        return blake2b("\n".join(last).encode(errors="replace"), digest_size=8).digest()


def _checksum(head: str) -> int:
    return crc32(head.encode(errors="replace"))
