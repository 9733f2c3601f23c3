"""The logs of a deployment as an answer: what its pods wrote, from where an earlier answer ended, and for a while on.

The first answer shows the newest lines. One with a cursor is the next page: the oldest lines that were not shown yet,
and what does not fit is on the page after.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import anyio

from akash_mcp.clients.provider.gateway_errors import CLOSE_NO_CLUSTER, CLOSE_UNKNOWN
from akash_mcp.errors import Interrupted, NotRunningYet, ProviderError, Unreachable
from akash_mcp.ids import Dseq, LeaseId
from akash_mcp.sanitize.text import Cleaned, clean, fence, field
from akash_mcp.workflow.logs import cursor
from akash_mcp.workflow.logs.lease_streams import READ_SECONDS, read_leases, together_or_apart
from akash_mcp.workflow.logs.pod_log import LINE_BYTES, ROOM_BYTES, PodLog, share_out
from akash_mcp.workflow.logs.resume import Mark, Seam
from akash_mcp.workflow.runtime import Runtime

FOLLOW_SECONDS = 20
"""The longest that one call follows."""

SEARCH_SECONDS = 35.0
"""A search that is not over by then ends, in time for the call to be answered."""

TAIL = 100
RESUMED_TAIL = 2_000
"""How far back a place is looked for, in lines of each pod."""

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 4.0
_TELL_SECONDS = 1.0

_LONGEST_LINE = 64 * 1024
"""At a line of so many bytes a provider ends the pod's stream without a word (bufio.Scanner's limit)."""
_LONG_LINE = _LONGEST_LINE * 3 // 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which lines: of one service or all, each pod's last `tail`, those with `grep` in them, since `cursor`.

    Without `tail` it is the last 100 lines, or with `grep` all of them. `follow_seconds`: how long to wait for more.
    """

    service: str | None = None
    tail: int | None = None
    grep: str | None = None
    cursor: str | None = None
    follow_seconds: int = 0


async def logs(rt: Runtime, dseq: Dseq, wanted: Wanted, on_progress: Callable[[str], Awaitable[None]]) -> str:
    """The lines as an answer to a model. `on_progress` hears now and then how many have come while they are followed.

    Raises `BadArgument` for a cursor that is not of these logs, and where nothing is leased.
    """
    marks = cursor.decode(wanted.cursor, dseq, wanted.service) if wanted.cursor else {}
    book = _Book(rt, wanted, marks)

    async def tell() -> None:
        while True:
            await anyio.sleep(_TELL_SECONDS)
            await on_progress(f"{book.lines:,} lines so far")

    problems = await read_leases(rt, dseq, book.read, meanwhile=tell if wanted.follow_seconds else None)
    return "\n".join(_answer(dseq, wanted, book, problems))


class _Book:
    """The logs of all pods while they are read."""

    def __init__(self, rt: Runtime, wanted: Wanted, marks: dict[cursor.PodId, Mark]) -> None:
        self._rt = rt
        self._wanted = wanted
        self.seconds = wanted.follow_seconds or (SEARCH_SECONDS if wanted.grep else READ_SECONDS)
        self._until = anyio.current_time() + self.seconds
        self.marks = marks
        self.pods: dict[cursor.PodId, PodLog] = {}
        self.lines = 0
        self.interruptions = 0
        self.has_too_many_pods = False
        self.is_cut_off = False

    async def read(self, lease: LeaseId) -> None:
        """Read a lease's logs, and where they are followed go on until the time is over."""
        tail = self._first_tail()
        pause = _FIRST_PAUSE
        while True:
            before = self.lines
            problem: Exception | None = None
            try:
                await together_or_apart(
                    self._rt, lease, self._wanted.service, partial(self._stream, lease, tail)
                )
            except (NotRunningYet, Unreachable, Interrupted, ProviderError) as error:
                if not self._wanted.follow_seconds or not _may_pass(error):
                    raise
                problem = error
            if not self._wanted.follow_seconds:
                return
            if anyio.current_time() + pause >= self._until:
                if problem is not None:
                    raise problem
                return
            self.interruptions += problem is None
            pause = _FIRST_PAUSE if self.lines > before else min(2 * pause, _LONGEST_PAUSE)
            await self._rt.sleep(pause)
            tail = RESUMED_TAIL

    def _first_tail(self) -> int | None:
        if self._wanted.cursor:
            return RESUMED_TAIL
        return self._wanted.tail or (None if self._wanted.grep else TAIL)

    async def _stream(self, lease: LeaseId, tail: int | None, services: Sequence[str]) -> None:
        if anyio.current_time() >= self._until:
            self.is_cut_off = True  # a provider may name any number of services to be read one by one
            return
        # Several services that are read one after the other are asked again and again instead of followed.
        follow = self._wanted.follow_seconds > 0 and services in ((), (self._wanted.service,))
        stream = self._rt.provider.logs(lease, services=services, tail=tail, follow=follow, until=self._until)
        pods: dict[str, PodLog] = {}
        is_whole = False
        try:
            async with aclosing(stream) as lines:
                async for pod, message, service in lines:
                    log = pods.get(pod) or self._begin(pods, lease, pod, service, tail)
                    if log is not None:
                        log.take(message)
                        self.lines += 1
            is_whole = follow or anyio.current_time() < self._until
            self.is_cut_off |= not is_whole
        finally:
            for log in pods.values():
                log.end(is_whole=is_whole)

    def _begin(
        self, pods: dict[str, PodLog], lease: LeaseId, pod: str, service: str, tail: int | None
    ) -> PodLog | None:
        """The log of a pod that speaks for the first time in this stream. None for one too many."""
        name = cursor.pod_id(f"{lease.provider}/{lease.gseq}", pod)
        log = self.pods.get(name)
        if log is None:
            if len(self.pods) == cursor.MAX_PODS:
                self.has_too_many_pods = True
                return None
            wanted = self._wanted
            is_plain = not (wanted.cursor or wanted.follow_seconds or wanted.grep)
            log = PodLog(
                service,
                pod,
                self.marks.get(name),
                oldest=wanted.cursor is not None,
                needle=wanted.grep,
                most=tail if is_plain else None,
            )
            self.pods[name] = log
        log.begin(tail)
        pods[pod] = log
        return log

    def next_cursor(self, dseq: Dseq, *, keep_unread: bool) -> str | None:
        """Where the next answer goes on. `keep_unread`: also in pods that were not heard of this time."""
        marks = dict(self.marks) if keep_unread else {}
        marks |= {name: log.mark for name, log in self.pods.items() if log.mark is not None}
        newest = dict(list(marks.items())[-cursor.MAX_PODS :])
        return cursor.encode(newest, dseq, self._wanted.service) if newest else None


def _may_pass(problem: Exception) -> bool:
    """Whether it is worth while to open the stream again: containers start, clusters and networks come back."""
    if isinstance(problem, NotRunningYet | Unreachable | Interrupted):
        return True
    return isinstance(problem, ProviderError) and problem.status in (CLOSE_UNKNOWN, CLOSE_NO_CLUSTER)


_SEAMS = {
    Seam.REPEATING: "its log repeats itself, so some of these lines may have been shown before, or others be missing",
    Seam.ANEW: "its log began anew, as it does when a container starts again; the end of the old one may be missing",
    Seam.GAP: "it wrote so much that lines before these may be missing, or be shown again",
}


def _answer(dseq: Dseq, wanted: Wanted, book: _Book, problems: Iterable[str]) -> Iterable[str]:
    """The sentences of an answer, the fenced lines among them."""
    pods = sorted(book.pods.values(), key=lambda log: (log.service, log.pod))
    several = {one.service for one, other in pairwise(pods) if one.service == other.service}
    names = [_name(log, several) for log in pods]
    share_out(log for log in pods if log.shelf.items)
    problems = list(problems)
    yield from (field(problem, 400) for problem in problems)
    for name, log in zip(names, pods, strict=True):
        yield from (f"{name}: {_SEAMS[seam]}." for seam in _SEAMS if seam in log.seams)
        if log.last_length >= _LONG_LINE:
            yield (
                f"{name}: its last line has {log.last_length:,} characters; at one of {_LONGEST_LINE:,} bytes "
                "providers end a log without a word, so there may be more."
            )
    yield from _limits(book)
    matched = sum(log.matched for log in pods)
    if wanted.grep:
        searched = sum(log.searched for log in pods)
        yield f"{matched:,} of {searched:,} lines hold the text."
    left_out = matched - sum(len(log.shelf.items) for log in pods)
    if left_out and wanted.cursor:
        yield f"{left_out:,} more lines follow: call again with the cursor below."
    elif left_out:
        yield (
            f"Of {matched:,} lines the newest are shown, within {ROOM_BYTES:,} bytes. For others narrow it with "
            "service, grep or a smaller tail."
        )
    text = "\n".join(_lines(name, log) for name, log in zip(names, pods, strict=True) if log.shelf.items)
    if text:
        what = f"logs of deployment {dseq}" + (f", service {wanted.service}" if wanted.service else "")
        yield fence(what, Cleaned(text, cut=bool(left_out)))
    elif wanted.cursor:
        yield "There is nothing new."
    elif not wanted.grep and not problems:
        yield "There are no log lines yet."
    following = book.next_cursor(dseq, keep_unread=bool(problems))
    if following is not None:
        yield f"For what comes after this, call get_logs with cursor={following}"


def _name(log: PodLog, several: set[str]) -> str:
    """What a pod is called: as its service, or where that has several, `web/4xk2d`."""
    name = f"{log.service}/{log.pod.rpartition('-')[2]}" if log.service in several else log.service
    return field(name, 80) or "unnamed"


def _limits(book: _Book) -> Iterable[str]:
    if book.is_cut_off:
        yield (
            f"Reading stopped after {book.seconds:.0f} seconds and {book.lines:,} lines, before the newest of them. "
            "Ask with service or a smaller tail."
        )
    if book.interruptions:
        times = "once" if book.interruptions == 1 else f"{book.interruptions} times"
        yield (
            f"The provider ended the stream {times} and it was opened again: a container ended, or wrote a line of "
            f"{_LONGEST_LINE:,} bytes, which ends a log without a word."
        )
    if book.has_too_many_pods:
        yield f"There are more than {cursor.MAX_PODS} pods; the lines of the others are left out. Ask with service."


def _lines(name: str, log: PodLog) -> str:
    """A pod's lines, cleaned as one text, since a secret may span some, and then each with its service before it."""
    whole = "\n".join(_bounded(item.text, item.length) for item in log.shelf.items)
    cleaned = clean(whole, limit=3 * ROOM_BYTES, keep="end").text
    return "\n".join(f"{name}: {line}" for line in cleaned.split("\n"))


def _bounded(text: str, length: int) -> str:
    shown = clean(text, limit=LINE_BYTES)
    return f"{shown.text}… ({length:,} characters)" if shown.cut or len(text) < length else text
