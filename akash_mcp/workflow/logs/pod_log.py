"""One pod's part of an answer with logs: which lines are new and wanted, as many as there is room for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from akash_mcp.workflow.logs.resume import Mark, Reading, Seam

ROOM_BYTES = 10_000
"""What the lines of an answer hold at most. Hosts cut or refuse far larger answers."""

LINE_BYTES = 2_000
"""What is shown of one line."""

_HELD_CHARACTERS = 4 * LINE_BYTES
_AROUND_A_LINE = 8


class Item(NamedTuple):
    """A line to be shown: its front, its whole `length` in characters, and the place behind it, where one is needed."""

    text: str
    length: int
    mark: Mark | None

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return min(len(self.text.encode(errors="replace")), LINE_BYTES) + _AROUND_A_LINE


@dataclass
class Shelf:
    """Lines that fit into `ROOM_BYTES`: the newest, and no more than `most` of them; or the `oldest`."""

    oldest: bool
    most: int | None
    items: deque[Item] = field(default_factory=deque)
    size: int = 0

    @property
    def is_full(self) -> bool:
        """Whether nothing more will be taken."""
        return self.oldest and self.size > ROOM_BYTES

    def add(self, item: Item) -> None:
        """Put a line on it, unless it is full."""
        if self.is_full:
            return
        self.items.append(item)
        self.size += item.size
        if not self.oldest:
            self.fit(ROOM_BYTES)

    def fit(self, room: int) -> None:
        """Take lines off until `room` holds the rest. One stays."""
        most = self.most or len(self.items)
        while len(self.items) > 1 and (self.size > room or len(self.items) > most):
            gone = self.items.pop() if self.oldest else self.items.popleft()
            self.size -= gone.size

    def clear(self) -> None:
        """Take all lines off."""
        self.items.clear()
        self.size = 0


class PodLog:
    """One pod's log, read over one stream or over several, one after the other.

    `mark`: where the answer before ended. `oldest`: keep the first of what is new and not the last, as for a page.
    `needle`: keep only lines that hold this text, whatever its case. `most`: keep no more lines than that.
    """

    def __init__(
        self, service: str, pod: str, mark: Mark | None, *, oldest: bool, needle: str | None, most: int | None
    ) -> None:
        self.service = service
        self.pod = pod
        self.shelf = Shelf(oldest, most)
        self.searched = 0
        self.matched = 0
        self.last_length = 0
        self.seams: set[Seam] = set()
        self._end = mark
        self._needle = needle.casefold() if needle else None
        self.begin(None)

    def begin(self, tail: int | None) -> None:
        """A stream of the last `tail` lines begins, or of all lines."""
        self._reading = Reading(self._end, tail)
        self._new = Shelf(self.shelf.oldest, self.shelf.most)
        self._searched = self._matched = 0

    def take(self, line: str) -> None:
        """Take the stream's next line in."""
        self.last_length = len(line)
        if self._reading.take(line):  # what came before had been read before
            self._new.clear()
            self._searched = self._matched = 0
            return
        self._searched += 1
        if self._needle is None or self._needle in line.casefold():
            self._matched += 1
            if not self._new.is_full:
                mark = self._reading.here() if self._new.oldest else None
                self._new.add(Item(line[:_HELD_CHARACTERS], len(line), mark))

    def end(self, *, is_whole: bool) -> None:
        """The stream is over. `is_whole`: it came to the end of the log."""
        if not self._reading.read or not (is_whole or self._reading.is_placed):
            return  # cut off on its way to the place: the next stream reads these lines again
        self.seams.add(self._reading.end(is_whole=is_whole))
        self._end = self._reading.settled(self._reading.here())
        self.searched += self._searched
        self.matched += self._matched
        for item in self._new.items:
            mark = item.mark and self._reading.settled(item.mark)
            self.shelf.add(item._replace(mark=mark))

    @property
    def mark(self) -> Mark | None:
        """Where the next answer goes on: behind the last line on the shelf of a page, else behind all."""
        cut_off = self.shelf.oldest and len(self.shelf.items) < self.matched
        return self.shelf.items[-1].mark if cut_off else self._end


def share_out(logs: Iterable[PodLog]) -> None:
    """Give each pod its part of `ROOM_BYTES`: those that need little all of it, the others as much as each other."""
    left = ROOM_BYTES
    waiting = sorted(logs, key=lambda log: log.shelf.size)
    for number, log in enumerate(waiting):
        log.shelf.fit(left // (len(waiting) - number))
        left = max(0, left - log.shelf.size)
