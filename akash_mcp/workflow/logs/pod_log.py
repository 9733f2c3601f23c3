"""One pod's part of an answer with logs: the lines that are new and asked for, as many as there is room for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from akash_mcp.sanitize.secrets import mask
from akash_mcp.sanitize.unicode import visible
from akash_mcp.workflow.logs.resume import Continuity, Position, Reading

ROOM_BYTES = 10_000
"""The most that the lines of an answer take. Hosts cut or refuse far larger answers."""

LINE_BYTES = 2_000
"""How much of one line is shown."""

_HELD_CHARACTERS = 4 * LINE_BYTES
_LONGEST_LINE = 64 * 1024
"""Where providers end a log's line."""
_AROUND_A_LINE = 8


class ShownLine(NamedTuple):
    """A line to show: its start, its whole `length` in characters, and the position behind it where a page may end."""

    text: str
    length: int
    position: Position | None

    @property
    def size(self) -> int:
        """Bytes that it takes in an answer, roughly."""
        return min(len(self.text.encode(errors="replace")), LINE_BYTES) + _AROUND_A_LINE


@dataclass
class LineBuffer:
    """Lines that fit into `ROOM_BYTES`: the newest, and no more than `most` of them; or the `oldest`."""

    oldest: bool
    most: int | None
    lines: deque[ShownLine] = field(default_factory=deque)
    size: int = 0

    @property
    def is_full(self) -> bool:
        """Whether nothing more will be taken."""
        return self.oldest and self.size > ROOM_BYTES

    def add(self, line: ShownLine) -> None:
        """Add a line, unless the buffer is full."""
        if self.is_full:
            return
        self.lines.append(line)
        self.size += line.size
        if not self.oldest:
            self.fit(ROOM_BYTES)

    def fit(self, room: int) -> None:
        """Drop lines until the rest takes no more than `room` bytes. One line always stays."""
        most = self.most or len(self.lines)
        while len(self.lines) > 1 and (self.size > room or len(self.lines) > most):
            dropped = self.lines.pop() if self.oldest else self.lines.popleft()
            self.size -= dropped.size

    def clear(self) -> None:
        """Drop all lines."""
        self.lines.clear()
        self.size = 0


class PodLog:
    """One pod's log, read over one stream or over several, one after the other.

    `position`: where the earlier answer ended. `oldest`: keep the first of the new lines, not the last, as on a page.
    `needle`: keep only lines that contain this text, in any case. `most`: keep no more lines than that.
    """

    def __init__(
        self,
        service: str,
        pod: str,
        position: Position | None,
        *,
        oldest: bool,
        needle: str | None,
        most: int | None,
    ) -> None:
        self.service = service
        self.pod = pod
        self.buffer = LineBuffer(oldest, most)
        self.searched = 0
        self.matched = 0
        self.last_length = 0
        self.continuities: set[Continuity] = set()
        self._end = position
        self._needle = needle.casefold() if needle else None
        self.begin(None)

    def begin(self, tail: int | None) -> None:
        """Begin a stream of the last `tail` lines, or of all lines."""
        self._reading = Reading(self._end, tail)
        self._new = LineBuffer(self.buffer.oldest, self.buffer.most)
        self._searched = self._matched = 0

    def take(self, line: str) -> None:
        """Add the stream's next line."""
        self.last_length = len(line)
        if self._reading.take(line):  # what came before had been read before
            self._new.clear()
            self._searched = self._matched = 0
            return
        self._searched += 1
        if self._needle is None or has_text(line, self._needle):
            self._matched += 1
            if not self._new.is_full:
                position = self._reading.position() if self._new.oldest else None
                self._new.add(ShownLine(held(line), len(line), position))

    @property
    def has_found(self) -> bool:
        """Whether a new line with the text that is looked for has come."""
        return self._needle is not None and bool(self.matched or (self._matched and self._reading.is_located))

    def end(self, *, is_whole: bool) -> None:
        """End the stream, and keep its new lines. `is_whole`: it came to the end of the log."""
        if not self._reading.read or not (is_whole or self._reading.is_located):
            return  # stopped before the earlier position: the next stream reads these lines again
        self.continuities.add(self._reading.end(is_whole=is_whole))
        self._end = self._reading.counted_from_start(self._reading.position())
        self.searched += self._searched
        self.matched += self._matched
        for line in self._new.lines:
            position = line.position and self._reading.counted_from_start(line.position)
            self.buffer.add(line._replace(position=position))

    @property
    def position(self) -> Position | None:
        """Where the next answer goes on: behind the last line that a page has room for, or else behind all lines."""
        is_page_full = self.buffer.oldest and len(self.buffer.lines) < self.matched
        return self.buffer.lines[-1].position if is_page_full else self._end


def held(line: str) -> str:
    """What is kept of a line. A long one is cut when it has been cleaned: half a secret looks like any other text."""
    return line if len(line) <= _HELD_CHARACTERS else _shown(line[:_LONGEST_LINE])[:_HELD_CHARACTERS]


def has_text(line: str, needle: str) -> bool:
    """Whether a line has the casefolded `needle` in what is shown of it: who could search in a secret could guess it by
    letters."""
    return needle in line.casefold() and needle in _shown(line).casefold()


def _shown(line: str) -> str:
    return mask(visible(line))[0]


def share_out(logs: Iterable[PodLog]) -> None:
    """Divide `ROOM_BYTES` among the pods: those that need little get all of it, the others equal parts."""
    left = ROOM_BYTES
    waiting = sorted(logs, key=lambda log: log.buffer.size)
    for number, log in enumerate(waiting):
        log.buffer.fit(left // (len(waiting) - number))
        left = max(0, left - log.buffer.size)
