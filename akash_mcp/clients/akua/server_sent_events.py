"""Server-sent events, as browsers read them (WHATWG HTML, 9.2.6), from bytes that come in any pieces.

One rule is ours: what the stream ends with is an event as well, though no empty line follows.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_LINE_END = re.compile(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """One event. `is_cut`: only the beginning of its data is here."""

    name: str
    data: str
    is_cut: bool = False


class EventParser:
    """Takes the bytes of a stream and gives its events. One of more than `largest` bytes is cut and is the last."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._rest = b""
        self._name = ""
        self._data: list[bytes] = []
        self._size = 0
        self._begins = True
        self.is_over = False
        """Whether nothing more is taken."""

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that are whole with these bytes."""
        events: list[Event] = []
        if self.is_over:
            return events
        searched = max(len(self._rest) - 1, 0)  # but for a carriage return, whose newline may only come now
        self._rest += chunk
        if self._begins:
            if len(self._rest) < len(_BOM) and _BOM.startswith(self._rest):
                return events
            self._rest, self._begins, searched = self._rest.removeprefix(_BOM), False, 0
        at = 0
        for end in _LINE_END.finditer(self._rest, searched):
            if end.group() == b"\r" and end.end() == len(self._rest):
                break
            self._line(self._rest[at : end.start()], events)
            at = end.end()
            if self.is_over:
                return events
        self._rest = self._rest[at:]
        if self._is_too_long(unended := self._rest.removesuffix(b"\r")):
            self._line(unended, events)
        return events

    def finish(self) -> list[Event]:
        """What the stream ends with, once it ended of itself."""
        events: list[Event] = []
        if not self.is_over:
            self._line(self._rest.removesuffix(b"\r"), events)
            self._line(b"", events)
            self.is_over = True
        return events

    def _is_too_long(self, line: bytes) -> bool:
        return self._size + len(line) > self._largest

    def _line(self, line: bytes, events: list[Event]) -> None:
        is_cut = self._is_too_long(line)
        name, _, value = line[: self._largest - self._size].partition(b":")
        value = value.removeprefix(b" ")
        if name == b"event":
            self._name = value.decode("utf-8", "replace")
        elif name == b"data":
            self._data.append(value)
        if name:  # else a comment, as many as it likes
            self._size += len(line)
        if is_cut or not line:
            self._dispatch(events, is_cut=is_cut)
            self.is_over = is_cut

    def _dispatch(self, events: list[Event], *, is_cut: bool = False) -> None:
        # An event without data is none, but for one with a name: that may be how a stream says that it ends.
        if self._data or self._name:
            data = b"\n".join(self._data).decode("utf-8", "ignore" if is_cut else "replace")
            events.append(Event(self._name or "message", data, is_cut))
        self._name, self._data, self._size = "", [], 0
