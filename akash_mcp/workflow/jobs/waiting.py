"""Follows a run until it has ended: its text was in the log, its container ended, its lease or its hours are over.

A round reads what can be known at this moment (status, events, the whole log), judges it, and then follows the log for
a while. The whole log is read each time, which is 10 MiB at most: so nothing that is written between two streams is
missed, however often the provider drops them, and another process can go on at any time with nothing but the lease.

Only what is certain ends a run, since closing one that still works would cost its work:

- a line with the text;
- events of another start of the same container (`container_ends`), or another log under its pod's name (`job_log`);
- a container that is not ready, and whose log says nothing new although its stream was over: twice in a row, since a
  connection can be lost just while a container becomes ready;
- the chain's record that the lease is closed. A provider that does not answer, or knows no lease, ends nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing

import anyio

from akash_mcp.clients.provider.log_frames import KubeEvent
from akash_mcp.errors import AkashError
from akash_mcp.guard.books.job_ends import Ending, JobEnd
from akash_mcp.ids import LeaseId
from akash_mcp.sanitize.text import clean
from akash_mcp.workflow.diagnosis.log_patterns import exit_code_in
from akash_mcp.workflow.jobs.container_ends import PodLives
from akash_mcp.workflow.jobs.job_log import JobLog
from akash_mcp.workflow.jobs.until import Until
from akash_mcp.workflow.logs.lease_streams import READ_SECONDS
from akash_mcp.workflow.readiness import Readiness, read_readiness
from akash_mcp.workflow.runtime import Runtime
from akash_mcp.workflow.status import read_deployment

log = logging.getLogger(__name__)

FOLLOW_SECONDS = 300.0
"""How long a log is followed before everything is looked at again: a stream can stay open and say nothing more."""

LAST_BYTES = 4_000
"""How much of the end of the log is kept."""

_EVENT_SECONDS = 6.0
_MOST_EVENTS = 2_000
_OPENING_SECONDS = 5.0
_TIMES_DOWN = 2
_LONG_SECONDS = 1.0
_PROGRESS_SECONDS = 5.0
_LONGEST_PAUSES = 8


async def wait_until(
    rt: Runtime,
    leases: Sequence[LeaseId],
    until: Until,
    on_progress: Callable[[str], Awaitable[None]],
    *,
    deadline: float,
) -> JobEnd:
    """Wait until the run of a deployment has ended, at the latest until `deadline`, in seconds since the epoch.

    `leases`: those of the deployment, at least one; nothing needs to run in them yet. `on_progress` gets a sentence
    every few seconds. Nothing is kept and nothing is closed: both are for the caller, by `rt.evidence.jobs` and the
    gate. It can be called anew at any time, by any process. Raises no error of a provider, the Console or the chain:
    what cannot be read is tried again until the deadline.
    """
    return await _Watch(rt, leases, until, on_progress, deadline).wait()


class _Watch:
    def __init__(
        self,
        rt: Runtime,
        leases: Sequence[LeaseId],
        until: Until,
        on_progress: Callable[[str], Awaitable[None]],
        deadline: float,
    ) -> None:
        self._rt = rt
        self._leases = leases
        self._until = until
        self._on_progress = on_progress
        self._deadline = deadline
        self._lease = leases[0]
        self._log = JobLog(until.service, until.text)
        self._lives = PodLives(until.service)
        self._replicas: int | None = None
        self._is_down = False
        self._times_down = 0
        self._down: set[str] = set()
        self._told_at = 0.0

    async def wait(self) -> JobEnd:
        pause = self._rt.intervals.ready_poll
        was_followed = is_over = False
        while True:
            if await self._is_lease_over():
                return await self._ended(Ending.LEASE_OVER)
            await self._read_events()
            is_silent = False
            if is_over or not was_followed:  # else the stream that comes now tells as much
                has_text, is_whole = await self._read_log(follow=False)
                if has_text:
                    return await self._ended(Ending.TEXT)
                is_silent = is_over and is_whole and not self._log.has_news
            self._judge_silence(is_silent=is_silent)
            if self._has_ended:
                return await self._ended(Ending.CONTAINER if was_followed else Ending.CONTAINER_UNSEEN)
            if self._seconds_left <= 0:
                return await self._ended(Ending.DEADLINE)
            began = anyio.current_time()
            has_text, is_over = await self._follow()
            was_followed = True
            if has_text:
                return await self._ended(Ending.TEXT)
            if self._has_ended:
                return await self._ended(Ending.CONTAINER)
            await self._tell()
            if anyio.current_time() - began > _LONG_SECONDS:
                pause = self._rt.intervals.ready_poll  # and look at once: what ended is soon started again
                continue
            await self._rt.sleep(max(min(pause, self._seconds_left), 0))
            pause = min(2 * pause, _LONGEST_PAUSES * self._rt.intervals.ready_poll)

    @property
    def _seconds_left(self) -> float:
        return self._deadline - self._rt.now()

    @property
    def _has_ended(self) -> bool:
        """Whether as many containers have ended as there should be replicas. Those of pods that are taken away, as by
        an update, do not count."""
        pods = self._lives.pods
        ended = {name for name, pod in pods.items() if pod.has_ended} | self._log.restarted | self._down
        taken_away = {name for name, pod in pods.items() if pod.is_stopping}
        return self._replicas is not None and len(ended - taken_away) >= self._replicas

    async def _is_lease_over(self) -> bool:
        """Read what runs; where the provider does not tell, whether the chain's record says that the lease is over."""
        reported = await read_readiness(self._rt, self._leases)
        self._lease = self._lease_of_service(reported)
        status = reported.statuses.get(self._lease)
        service = status.services.get(self._until.service) if status else None
        self._is_down = service is not None and not service.is_unread and service.ready == 0
        if service is not None:
            self._replicas = max(reported.desired_replicas(self._lease, self._until.service), 1)
        if status is not None:
            return False
        try:
            detail = await read_deployment(self._rt, self._lease.dseq)
        except AkashError as unread:
            log.info("whether a lease still runs is not known: %s", unread)
            return False
        states = {lease.lease_id: lease.state for lease in detail.leases}
        return states.get(self._lease) in ("closed", "insufficient_funds")

    def _lease_of_service(self, reported: Readiness) -> LeaseId:
        """The lease in which the service runs: as our manifest says, else as the providers do."""
        name = self._until.service
        desired = (lease for lease, replicas in reported.desired.items() if name in replicas)
        running = (lease for lease, status in reported.statuses.items() if name in status.services)
        return next(desired, next(running, self._lease))

    async def _read_events(self) -> None:
        events: list[KubeEvent] = []
        ends = anyio.current_time() + _EVENT_SECONDS
        with anyio.move_on_after(_EVENT_SECONDS + _OPENING_SECONDS) as scope:
            try:
                async with aclosing(self._rt.provider.events(self._lease, until=ends)) as stream:
                    async for event in stream:
                        events.append(event)
                        if len(events) > _MOST_EVENTS:
                            return
            except AkashError as unread:
                log.info("the events of a run could not be read: %s", unread)
                return
        # Half a list would make the other half look new.
        if not scope.cancelled_caught and anyio.current_time() < ends:
            self._lives.look(events)

    async def _follow(self) -> tuple[bool, bool]:
        """Follow the log, and look at the events meanwhile: the container may have been started again just before, and
        its new log may say the same as the old one did."""
        outcome = False, False
        async with anyio.create_task_group() as group:

            async def look() -> None:
                pause = self._rt.intervals.ready_steady
                while not self._has_ended:
                    await self._rt.sleep(pause)
                    await self._read_events()
                    pause *= 2
                group.cancel_scope.cancel()

            group.start_soon(look)
            outcome = await self._read_log(follow=True)
            group.cancel_scope.cancel()
        return outcome

    async def _read_log(self, *, follow: bool, to_end: bool = False) -> tuple[bool, bool]:
        """Read the log from its first line on. Whether it has the text, and whether the provider ended the stream.

        Unless it is read `to_end`, it is left once it has the text, and once it shows that the run has ended.
        """
        seconds = min(FOLLOW_SECONDS if follow else READ_SECONDS, max(self._seconds_left, _LONG_SECONDS))
        ends = anyio.current_time() + seconds
        self._log.begin()
        lines = self._rt.provider.logs(
            self._lease, services=(self._until.service,), follow=follow, until=ends
        )
        with anyio.move_on_after(seconds + _OPENING_SECONDS) as scope:
            try:
                async with aclosing(lines) as stream:
                    async for line in stream:
                        if self._log.take(line) and not to_end:
                            return True, False
                        if self._log.restarted and self._has_ended and not to_end:
                            return False, False
                        await self._tell()
            except AkashError as unread:
                log.info("the log of a run could not be read: %s", unread)
                return False, False
            finally:
                self._log.end()
        return False, not scope.cancelled_caught and anyio.current_time() < ends

    def _judge_silence(self, *, is_silent: bool) -> None:
        """Take what is down and says nothing more for ended, once that was seen twice in a row."""
        self._times_down = self._times_down + 1 if is_silent and self._is_down else 0
        if self._times_down >= _TIMES_DOWN:
            pods = self._lives.pods
            self._down = self._log.pods | {name for name, pod in pods.items() if pod.has_started}

    async def _tell(self) -> None:
        now = anyio.current_time()
        if now - self._told_at >= _PROGRESS_SECONDS:
            self._told_at = now
            await self._on_progress(f"{self._log.count:,} lines so far; waiting until {self._until.what}")

    async def _ended(self, how: Ending) -> JobEnd:
        at = self._rt.now()
        if how is Ending.TEXT:  # what it says right after that belongs to it: a result, or where it was saved
            await self._rt.sleep(self._rt.intervals.ready_poll)
            await self._read_log(follow=False, to_end=True)
        is_told = how in (Ending.TEXT, Ending.CONTAINER, Ending.CONTAINER_UNSEEN)
        lines = self._log.last_lines()
        code = exit_code_in(lines) if is_told else None
        if await self._rt.learn_secrets(self._lease.dseq):
            lines = ()  # what cannot be hidden is not kept
        shown = clean("\n".join(lines), limit=LAST_BYTES, keep="end").text
        return JobEnd(
            how=how,
            at=at,
            exit_code=None if code is None else int(code),
            lines=tuple(shown.split("\n")) if shown else (),
        )
