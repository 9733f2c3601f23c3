"""What `get_logs` answers: the lines that its pods wrote, from where an earlier answer ended, and what may be missing.

The first answer shows the newest lines. One with a cursor is the next page: the oldest lines that were not shown yet,
and what does not fit is on the page after.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from itertools import pairwise

import anyio

from akash_mcp.ids import Dseq
from akash_mcp.sanitize.text import Cleaned, clean, fence, field
from akash_mcp.workflow.logs import cursor
from akash_mcp.workflow.logs.collector import LogCollector, LogQuery
from akash_mcp.workflow.logs.ended_run import ended_run
from akash_mcp.workflow.logs.lease_streams import NothingRuns, read_leases
from akash_mcp.workflow.logs.pod_log import LINE_BYTES, ROOM_BYTES, PodLog, share_out
from akash_mcp.workflow.logs.resume import Continuity
from akash_mcp.workflow.runtime import Runtime

_PROGRESS_SECONDS = 1.0

_LONGEST_LINE = 64 * 1024
"""At a line of so many bytes a provider ends the pod's stream and gives no reason (bufio.Scanner's limit)."""
_LONG_LINE = _LONGEST_LINE * 3 // 4


async def log_answer(
    rt: Runtime, dseq: Dseq, query: LogQuery, on_progress: Callable[[str], Awaitable[None]]
) -> str:
    """Read the lines, and write the answer: notes, then the lines fenced as data, then the cursor for what comes after.

    `on_progress` gets the number of lines every second while they are followed. Raises `BadArgument` for a cursor that
    is not of these logs, and for a deployment without a running lease, unless it was a run whose last lines were kept.
    """
    positions = cursor.decode(query.cursor, dseq, query.service) if query.cursor else {}
    collector = LogCollector(rt, query, positions)

    async def report() -> None:
        while True:
            await anyio.sleep(_PROGRESS_SECONDS)
            await on_progress(f"{collector.lines:,} lines so far")

    try:
        problems = await read_leases(
            rt,
            dseq,
            collector.read,
            service=query.service,
            meanwhile=report if query.follow_seconds else None,
        )
    except NothingRuns:
        end = await rt.evidence.jobs.kept(dseq)
        if end is None:
            raise
        return ended_run(dseq, end)
    return "\n".join(_answer(dseq, query, collector, problems))


_CONTINUITY_TEXTS = {
    Continuity.REPEATING: "its log repeats itself, so some of these lines may be old, and others may be missing",
    Continuity.RESTARTED: "a new log began, as when a container starts again; the end of the old one may be missing",
    Continuity.GAP: "it wrote so much that lines before these may be missing or shown again",
}


def _answer(dseq: Dseq, query: LogQuery, collector: LogCollector, problems: Iterable[str]) -> Iterable[str]:
    """The parts of the answer: what could not be read, what may be missing, the fenced lines, and the next cursor."""
    pods = sorted(collector.pods.values(), key=lambda log: (log.service, log.pod))
    several = {one.service for one, other in pairwise(pods) if one.service == other.service}
    names = [_name(log, several) for log in pods]
    share_out(log for log in pods if log.buffer.lines)
    problems = list(problems)
    yield from (field(problem, 400) for problem in problems)
    for name, log in zip(names, pods, strict=True):
        yield from (
            f"{name}: {_CONTINUITY_TEXTS[continuity]}."
            for continuity in _CONTINUITY_TEXTS
            if continuity in log.continuities
        )
        if log.last_length >= _LONG_LINE:
            yield (
                f"{name}: its last line has {log.last_length:,} characters; at {_LONGEST_LINE:,} bytes "
                "in one line, providers end a log without notice, so there may be more."
            )
    yield from _limits(collector)
    matched = sum(log.matched for log in pods)
    if query.grep:
        searched = sum(log.searched for log in pods)
        ended = " The wait ended when it was found." if collector.found else ""
        yield f"{matched:,} of {searched:,} lines contain the text.{ended}"
    left_out = matched - sum(len(log.buffer.lines) for log in pods)
    if left_out and query.cursor:
        yield f"{left_out:,} more lines follow: call again with the cursor below."
    elif left_out:
        yield (
            f"Of {matched:,} lines the newest are shown, within {ROOM_BYTES:,} bytes. To see others, narrow it with "
            "service, grep or a smaller tail."
        )
    text = "\n".join(_lines(name, log) for name, log in zip(names, pods, strict=True) if log.buffer.lines)
    if text:
        what = f"logs of deployment {dseq}" + (f", service {query.service}" if query.service else "")
        yield fence(what, Cleaned(text, cut=bool(left_out)))
    elif query.cursor:
        yield "There is nothing new."
    elif not query.grep and not problems:
        yield "There are no log lines yet."
    following = collector.next_cursor(dseq, keep_unread=bool(problems))
    if following is not None:
        yield f"Newer lines: get_logs with cursor={following}"


def _name(log: PodLog, several: set[str]) -> str:
    """What a pod is called in the answer: its service's name, or `web/4xk2d` where the service has several pods."""
    name = f"{log.service}/{log.pod.rpartition('-')[2]}" if log.service in several else log.service
    return field(name, 80) or "unnamed"


def _limits(collector: LogCollector) -> Iterable[str]:
    if collector.stopped_early:
        yield (
            f"Reading stopped after {collector.seconds:.0f} seconds and {collector.lines:,} lines, before the newest "
            "of them. Ask with service or a smaller tail."
        )
    if collector.reopened:
        times = "once" if collector.reopened == 1 else f"{collector.reopened} times"
        yield (
            f"The provider ended the stream {times} and it was opened again: a container ended, or wrote a line of "
            f"{_LONGEST_LINE:,} bytes, at which providers end a log without notice."
        )
    if collector.has_too_many_pods:
        yield f"There are more than {cursor.MAX_PODS} pods; the lines of the others are left out. Ask with service."


def _lines(name: str, log: PodLog) -> str:
    """A pod's lines, cleaned as one text because a secret may span several, each with the pod's name before it."""
    whole = "\n".join(_bounded(item.text, item.length) for item in log.buffer.lines)
    cleaned = clean(whole, limit=3 * ROOM_BYTES, keep="end").text
    return "\n".join(f"{name}: {line}" for line in cleaned.split("\n"))


def _bounded(text: str, length: int) -> str:
    shown = clean(text, limit=LINE_BYTES)
    return f"{shown.text}… ({length:,} characters)" if shown.cut or len(text) < length else text
