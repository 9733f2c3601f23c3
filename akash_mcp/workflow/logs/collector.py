"""Reads the logs of all pods of a deployment, for as long as a query asks, and keeps the lines that it wants."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

import anyio

from akash_mcp.clients.provider.gateway_errors import CLOSE_NO_CLUSTER, CLOSE_UNKNOWN
from akash_mcp.errors import Interrupted, NotRunningYet, ProviderError, Unreachable
from akash_mcp.ids import Dseq, LeaseId
from akash_mcp.workflow.logs import cursor
from akash_mcp.workflow.logs.lease_streams import READ_SECONDS, read_services
from akash_mcp.workflow.logs.pod_log import PodLog
from akash_mcp.workflow.logs.resume import Position
from akash_mcp.workflow.runtime import Runtime

FOLLOW_SECONDS = 20
"""The longest that one call follows."""

SEARCH_SECONDS = 35.0
"""A search that is not over by then ends, in time for the call to be answered."""

FOUND_SECONDS = 0.5
"""How long lines are still taken after a text that was waited for was found."""

TAIL = 100
RESUMED_TAIL = 2_000
"""How far back an earlier position is looked for, in lines of each pod."""

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """Which lines to read: of one service or all, each pod's last `tail`, those with `grep` in them, since `cursor`.

    Without `tail` it is the last 100 lines, or with `grep` all of them. `follow_seconds`: how long to wait for more;
    with `grep` only until a line with it has come.
    """

    service: str | None = None
    tail: int | None = None
    grep: str | None = None
    cursor: str | None = None
    follow_seconds: int = 0


class LogCollector:
    """The logs of all pods while they are read.

    `positions`: where an earlier answer ended. `pods`: what is read. `lines`: how many lines came. `stopped_early`: the
    time was over before the end of a log. `reopened`: how often a followed stream ended and was opened again. `found`:
    the text that was waited for has come, which ended the wait.
    """

    def __init__(self, rt: Runtime, query: LogQuery, positions: dict[cursor.PodId, Position]) -> None:
        self._rt = rt
        self._query = query
        self.seconds = query.follow_seconds or (SEARCH_SECONDS if query.grep else READ_SECONDS)
        self._until = anyio.current_time() + self.seconds
        self.positions = positions
        self.pods: dict[cursor.PodId, PodLog] = {}
        self.lines = 0
        self.reopened = 0
        self.has_too_many_pods = False
        self.stopped_early = False
        self.found = False
        self._scopes: list[anyio.CancelScope] = []

    async def read(self, lease: LeaseId) -> None:
        """Read a lease's logs; where they are followed, go on until the time is over, or until what is looked for was
        found. Raises what the provider did.
        """
        with anyio.CancelScope(deadline=self._until if self.found else math.inf) as scope:
            self._scopes.append(scope)
            await self._read(lease)

    async def _read(self, lease: LeaseId) -> None:
        tail = self._first_tail()
        pause = _FIRST_PAUSE
        while True:
            before = self.lines
            problem: Exception | None = None
            try:
                await read_services(self._rt, lease, self._query.service, partial(self._stream, lease, tail))
            except (NotRunningYet, Unreachable, Interrupted, ProviderError) as error:
                if not self._query.follow_seconds or not _may_pass(error):
                    raise
                problem = error
            if not self._query.follow_seconds:
                return
            if anyio.current_time() + pause >= self._until:
                if problem is not None:
                    raise problem
                return
            self.reopened += problem is None
            pause = _FIRST_PAUSE if self.lines > before else min(2 * pause, _LONGEST_PAUSE)
            await self._rt.sleep(pause)
            tail = RESUMED_TAIL

    def _first_tail(self) -> int | None:
        if self._query.cursor:
            return RESUMED_TAIL
        return self._query.tail or (None if self._query.grep else TAIL)

    async def _stream(self, lease: LeaseId, tail: int | None, services: Sequence[str]) -> None:
        if anyio.current_time() >= self._until:
            self.stopped_early |= (
                not self.found
            )  # a provider may name any number of services to be read one by one
            return
        # Several services that are read one after the other are asked again and again instead of followed.
        follow = self._query.follow_seconds > 0 and services in ((), (self._query.service,))
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
                        if self._query.follow_seconds and not self.found and log.has_found:
                            self._end_soon()
            is_whole = follow or anyio.current_time() < self._until
            self.stopped_early |= not (is_whole or self.found)
        finally:
            for log in pods.values():
                log.end(is_whole=is_whole)

    def _end_soon(self) -> None:
        """What is waited for has come: take what comes at once with it, from all pods, and no more."""
        self.found = True
        self._until = min(self._until, anyio.current_time() + FOUND_SECONDS)
        for scope in self._scopes:
            scope.deadline = self._until

    def _begin(
        self, pods: dict[str, PodLog], lease: LeaseId, pod: str, service: str, tail: int | None
    ) -> PodLog | None:
        """The log of a pod that is new in this stream; None where `cursor.MAX_PODS` others are there already."""
        name = cursor.pod_id(f"{lease.provider}/{lease.gseq}", pod)
        log = self.pods.get(name)
        if log is None:
            if len(self.pods) == cursor.MAX_PODS:
                self.has_too_many_pods = True
                return None
            query = self._query
            is_plain = not (query.cursor or query.follow_seconds or query.grep)
            log = PodLog(
                service,
                pod,
                self.positions.get(name),
                oldest=query.cursor is not None,
                needle=query.grep,
                most=tail if is_plain else None,
            )
            self.pods[name] = log
        log.begin(tail)
        pods[pod] = log
        return log

    def next_cursor(self, dseq: Dseq, *, keep_unread: bool) -> str | None:
        """The cursor for what comes after. `keep_unread`: keep the positions of pods that were not read this time."""
        positions = dict(self.positions) if keep_unread else {}
        positions |= {name: log.position for name, log in self.pods.items() if log.position is not None}
        newest = dict(list(positions.items())[-cursor.MAX_PODS :])
        return cursor.encode(newest, dseq, self._query.service) if newest else None


def _may_pass(problem: Exception) -> bool:
    """Whether opening the stream again may help: containers start, clusters and networks come back."""
    if isinstance(problem, NotRunningYet | Unreachable | Interrupted):
        return True
    return isinstance(problem, ProviderError) and problem.status in (CLOSE_UNKNOWN, CLOSE_NO_CLUSTER)
