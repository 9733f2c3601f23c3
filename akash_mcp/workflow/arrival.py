"""Waiting until a deployment runs, or until it is plain that it will not.

Ready is what goes on running for a while and answers where it has a web address: a container that crashes again and
again runs for a moment each time. What waiting cannot mend ends it at once, with its cause.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

import anyio

from akash_mcp.errors import AkashError
from akash_mcp.ids import LeaseId
from akash_mcp.workflow.diagnosis.causes import (
    CAUSE_KINDS,
    DECISIVE,
    ENDS_WHAT_STARTED,
    STUBBORN,
    UNEXPLAINED_ENDS,
    Cause,
    CauseKind,
)
from akash_mcp.workflow.diagnosis.diagnose import diagnose
from akash_mcp.workflow.readiness import Readiness, read_readiness, with_answers
from akash_mcp.workflow.runtime import Runtime

log = logging.getLogger(__name__)

_LAST_LOOK_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """How far it came. `causes`: why not further, as far as that was seen, the most decisive first.

    `is_over`: all its leases are closed.
    """

    readiness: Readiness
    causes: tuple[Cause, ...] = ()
    is_over: bool = False

    @property
    def is_ready(self) -> bool:
        """Whether it runs."""
        return self.readiness.is_ready


async def wait_for_ready(
    rt: Runtime,
    leases: Sequence[LeaseId],
    seconds: float,
    on_progress: Callable[[str], Awaitable[None]],
    *,
    was_ready: bool = False,
) -> Arrival:
    """Read until everything is ready or cannot become it, for at most `seconds`: the last reading, and causes.

    What `was_ready` before need not be seen to go on running once more.
    """
    watch = _Watch(rt, leases, _up_since=-math.inf if was_ready else None)
    return await watch.wait(anyio.current_time() + seconds, on_progress)


async def until_ready(rt: Runtime, leases: Sequence[LeaseId], on_progress: Callable[[str], None]) -> Arrival:
    """The same for at most `rt.intervals.ready_give_up`, and then a last look: for work that no call waits for."""

    async def report(message: str) -> None:
        on_progress(message)

    watch = _Watch(rt, leases)
    arrival = await watch.wait(anyio.current_time() + rt.intervals.ready_give_up, report)
    if not arrival.is_ready and not arrival.causes and watch.is_due:
        await watch.look(_LAST_LOOK_SECONDS)
    if arrival.is_ready:
        for dseq in {lease.dseq for lease in leases}:
            await rt.evidence.forget(dseq)
            await rt.track_records.ready(dseq, [lease.provider for lease in leases if lease.dseq == dseq])
    return watch.arrival(arrival.readiness)


@dataclass
class _Watch:
    """What was seen so far. Times are those of `anyio.current_time`."""

    rt: Runtime
    leases: Sequence[LeaseId]
    causes: tuple[Cause, ...] = ()
    is_over: bool = False
    _up_since: float | None = None
    _fell: bool = False
    _looked_at: float = field(default_factory=anyio.current_time)
    _first_seen: dict[CauseKind, float] = field(default_factory=dict)

    async def wait(self, ends: float, on_progress: Callable[[str], Awaitable[None]]) -> Arrival:
        poll = self.rt.intervals.ready_poll
        while True:
            readiness = await self._read()
            await on_progress(readiness.progress)
            if readiness.is_ready or not self.leases:
                return Arrival(readiness)
            now = anyio.current_time()
            if not readiness.is_up and now < ends and (self._fell or self.is_due):
                await self.look(ends - now)
            if self._is_hopeless or anyio.current_time() + poll >= ends:
                return self.arrival(readiness)
            await self.rt.sleep(poll)

    def arrival(self, readiness: Readiness) -> Arrival:
        """What is known now, with the last reading."""
        return Arrival(readiness) if readiness.is_ready else Arrival(readiness, self.causes, self.is_over)

    @property
    def is_due(self) -> bool:
        """Whether the last look is some time ago."""
        return anyio.current_time() - self._looked_at >= self.rt.intervals.ready_look

    async def look(self, seconds: float) -> None:
        """Look at events, logs and the chain's record, for at most `seconds`. What fails is looked at next time."""
        with anyio.move_on_after(seconds):
            try:
                found = await diagnose(self.rt, self.leases[0].dseq)
            except AkashError as failure:
                log.info("a look at a deployment that is waited for failed: %s", failure)
            else:
                self.causes, self.is_over = _best_seen(self.causes, found.causes), found.is_over
        self._looked_at = now = anyio.current_time()
        for cause in self.causes:
            self._first_seen.setdefault(cause.kind, now)

    @property
    def _is_hopeless(self) -> bool:
        now, patience = anyio.current_time(), self.rt.intervals.ready_steady
        return any(
            cause.kind in DECISIVE
            or (cause.kind in STUBBORN and now - self._first_seen[cause.kind] >= patience)
            for cause in self.causes
        )

    async def _read(self) -> Readiness:
        readiness = await read_readiness(self.rt, self.leases)
        now = anyio.current_time()
        if not readiness.is_up:
            self._fell, self._up_since = self._up_since is not None, None
            return replace(readiness, is_steady=False)
        if self._up_since is None:
            self._up_since = now
        if now - self._up_since < self.rt.intervals.ready_steady:
            return replace(readiness, is_steady=False)
        return await with_answers(self.rt, readiness)


def _best_seen(before: Sequence[Cause], now: Sequence[Cause]) -> tuple[Cause, ...]:
    """What is the matter now, each with the look that showed most of it.

    The log of a container that was just started again does not say yet why the one before it ended.
    """
    known = {_matter(cause): cause for cause in before}
    best = (max(cause, known.get(_matter(cause), cause), key=_telling) for cause in now)
    return tuple(dict.fromkeys(best))


def _matter(cause: Cause) -> tuple[str, str]:
    """What it is a cause of: of why one service's container ends again and again there are many, and one is right."""
    ends = cause.kind in ENDS_WHAT_STARTED
    return ("ends again", cause.service) if ends else (cause.kind.name, cause.what)


def _telling(cause: Cause) -> tuple[bool, int, int]:
    """How much a look showed: first whether it names a reason, then how many lines it has to show for it."""
    return cause.kind not in UNEXPLAINED_ENDS, len(cause.evidence), -CAUSE_KINDS.index(cause.kind)
