"""An install's log, which Akua gives as a stream of events: what is kept of it, and why it is not all.

Each `message` holds a line, as JSON or as plain text. `end` says that this was all, and an event whose name ends in
`/stream/failure` why there will be no more. A stream that closes without either was cut.

The lines are whatever a container wrote: untrusted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from akash_mcp.clients.akua.fields import moment, text
from akash_mcp.clients.akua.server_sent_events import Event, EventParser
from akash_mcp.clients.api_model import read_json
from akash_mcp.clients.retries import Deadline

MAX_SECONDS = 8.0
MAX_BYTES = 256 * 2**10
"""The newest lines that are kept."""
MOST_READ = 4 * 2**20
"""Bytes of a stream that are read at the most."""
LONGEST_EVENT = 64 * 2**10
LEAST_SIZE = 64
"""What a line counts at least: an empty one takes room as well."""
LONGEST_NAME = 253
MOST_CAUSES = 3
LOGS_DEADLINE = Deadline(read=MAX_SECONDS, total=MAX_SECONDS)


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line that a container wrote, `at` seconds since the epoch. What Akua does not say is None."""

    text: str
    pod: str | None
    container: str | None
    at: float | None


@dataclass(frozen=True)
class Logs:
    """The lines of a log, oldest first. `problem`: why some may be missing, "" where none are; `cut`: some are."""

    lines: list[LogLine]
    problem: str = ""
    cut: bool = False


class LogCollector:
    """Takes the bytes of a log's stream, and keeps the newest lines. `clean` makes Akua's words fit to be repeated."""

    def __init__(self, clean: Callable[[str], str]) -> None:
        self._clean = clean
        self._events = EventParser(LONGEST_EVENT)
        self._lines: deque[tuple[LogLine, int]] = deque()
        self._kept = self._read = 0
        self._ended = self._dropped = self._stopped = False
        self._problem = ""

    @property
    def has_lines(self) -> bool:
        """Whether there is anything to show."""
        return bool(self._lines)

    def take(self, chunk: bytes) -> bool:
        """Take the next bytes. Whether more are wanted."""
        self._add_all(self._events.feed(chunk[: MOST_READ - self._read]))
        self._read += len(chunk)
        if self._read >= MOST_READ and not self._ended:
            self._stop("It is longer than what is read of a log, so its newest lines are missing.")
        return not self._ended

    def finish(self, broke_off: str = "") -> Logs:
        """The log, now that its stream is over: because it `broke_off`, or of itself."""
        if broke_off and not self._ended:
            self._stop(f"It was not read to its end: {broke_off}")
        if not self._ended:
            self._add_all(self._events.finish())
        if not self._ended:
            self._problem = "Akua closed it without saying that this was its end, so lines may be missing."
        older = "Its older lines were left out." if self._dropped else ""
        problem = " ".join(filter(None, (older, self._problem)))
        return Logs([line for line, _ in self._lines], problem, self._dropped or self._stopped)

    def _stop(self, problem: str) -> None:
        self._ended = self._stopped = True
        self._problem = problem

    def _add_all(self, events: Iterable[Event]) -> None:
        for event in events:
            if self._ended:
                return
            if event.name == "end":
                self._ended = True
            elif event.name.endswith("/stream/failure") or event.name == "error":
                self._ended = True
                self._problem = (
                    f"Akua stopped it: {self._clean(_reasons(event.data)) or 'it does not say why'}."
                )
            elif event.name == "message":
                self._add(event.data)
            if event.is_cut and not self._ended:
                self._stop(
                    f"It has a line of more than {LONGEST_EVENT // 2**10} KiB, and was not read beyond that."
                )

    def _add(self, data: str) -> None:
        line = _line(data)
        if line is None:
            return
        size = max(len(data.encode()), LEAST_SIZE)
        self._lines.append((line, size))
        self._kept += size
        while self._kept > MAX_BYTES:
            self._kept -= self._lines.popleft()[1]
            self._dropped = True


def _line(data: str) -> LogLine | None:
    """The line of an event; None where it only says that it is the last one."""
    value = _json(data)
    if not isinstance(value, dict) or not ({"content", "last"} & value.keys()):
        return LogLine(_written(data), None, None, None)  # plain text, or a line that is JSON itself
    content = value.get("content")
    if value.get("last") is True and not content:
        return None
    return LogLine(
        _written(content) if isinstance(content, str) else text(content) or "",
        _name(value, "podName", "pod_name"),
        _name(value, "containerName", "container_name"),
        moment(value.get("timestamp")),
    )


def _name(value: dict[str, Any], *keys: str) -> str | None:
    found = next(filter(None, (text(value.get(key)) for key in keys)), None)
    return None if found is None else found[:LONGEST_NAME]


def _written(line: str) -> str:
    # Half of a surrogate pair is valid in JSON, and can be written nowhere.
    return line.rstrip("\r\n").encode("utf-8", "replace").decode("utf-8")


def _reasons(data: str) -> str:
    """What a failure's cause says: Effect writes it as a list of `{_tag, error}`."""
    causes = _json(data)
    if not isinstance(causes, list | dict):
        return data
    listed = causes if isinstance(causes, list) else [causes]
    return "; ".join([_reason(cause) for cause in listed[:MOST_CAUSES] if isinstance(cause, dict)])


def _reason(cause: dict[str, Any]) -> str:
    error = cause.get("error", cause.get("defect", cause))
    said = (
        [error.get("message"), error.get("error"), error.get("_tag")] if isinstance(error, dict) else [error]
    )
    return next(filter(None, map(text, (*said, cause.get("_tag")))), "")


def _json(data: str) -> object:
    try:
        return read_json(data)
    except (ValueError, RecursionError):
        return None
