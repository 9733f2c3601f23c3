"""The log of one service over many readings, each from its first line on: what it said last, and where it began anew.

A container that is started again begins another log under the same pod's name, and the old one is gone. That is told
apart from two other things that look like it: a stream that was dropped before its end shows fewer lines, though the
same ones, and a log that was rotated shows others, though only after it had grown long.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from akash_mcp.clients.provider.log_frames import LogLine
from akash_mcp.workflow.logs.pod_log import has_text, held

LAST_LINES = 40
"""How many lines of each pod are kept."""

ROTATED_CHARACTERS = 1 << 20
"""A log that was shorter cannot have been rotated: kubelets do that at 10 MiB (containerLogMaxSize)."""

_HEAD_LINES = 8
_COMPARED = 256


@dataclass
class _Reading:
    """One pod's log in one stream, from its first line on. `size`: its characters, or of the longest reading of it."""

    head: list[str] = field(default_factory=list)
    count: int = 0
    size: int = 0
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))

    def take(self, line: str) -> None:
        if self.count < _HEAD_LINES:
            self.head.append(line[:_COMPARED])
        self.count += 1
        self.size += len(line)
        self.lines.append(held(line))

    def begins_like(self, other: _Reading) -> bool:
        """Whether both begin with the same lines, as far as both go."""
        return all(one == another for one, another in zip(self.head, other.head, strict=False))


class JobLog:
    """What the pods of a service wrote. `text`: what to look for, in any case, where something is.

    `restarted`: the pods under whose names another log has begun; of these the first log is kept, or the one that has
    the text. `has_news`: whether the last reading had lines that none before it had.
    """

    def __init__(self, service: str, text: str | None) -> None:
        self._service = service
        self._needle = None if text is None else text.casefold()
        self._known: dict[str, _Reading] = {}
        self._reading: dict[str, _Reading] = {}
        self.restarted: set[str] = set()
        self.has_news = False

    @property
    def pods(self) -> set[str]:
        """The pods in the last reading."""
        return set(self._reading)

    @property
    def count(self) -> int:
        """How many lines there are."""
        return sum(reading.count for reading in (self._known | self._reading).values())

    def begin(self) -> None:
        """Begin a reading of the whole log."""
        self._reading = {}
        self.has_news = False

    def take(self, line: LogLine) -> bool:
        """Add the next line of the reading; True where it has the text."""
        if line.service != self._service:
            return False
        reading = self._reading.setdefault(line.pod, _Reading())
        reading.take(line.message)
        known = self._known.get(line.pod)
        if known is not None and known.size < ROTATED_CHARACTERS and not reading.begins_like(known):
            self.restarted.add(line.pod)
        if self._needle is None or not has_text(line.message, self._needle):
            return False
        self._known[line.pod] = reading  # whichever start it is of, and with what it says after that
        return True

    def end(self) -> None:
        """End the reading, however it ended."""
        for pod, reading in self._reading.items():
            known = self._known.get(pod)
            if known is None:
                self._known[pod], self.has_news = reading, True
            elif pod not in self.restarted and (
                reading.count > known.count or not reading.begins_like(known)
            ):
                reading.size = max(reading.size, known.size)
                self._known[pod], self.has_news = reading, True

    def last_lines(self) -> Sequence[str]:
        """The last lines, untrusted and raw; where there are several pods, with the end of its name before each."""
        if len(self._known) == 1:
            return list(next(iter(self._known.values())).lines)
        return [
            f"{pod.rpartition('-')[2]}: {line}"
            for pod, reading in self._known.items()
            for line in reading.lines
        ]
