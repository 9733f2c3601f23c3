"""A run from its lease to its own end: waited for, kept, and closed; or given up where it can never begin.

What keeps a container from starting will not pass while nobody looks, and costs money until the hours are over. So it
is closed too, unless the provider is to blame: then the launch goes on at another one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import anyio

from akash_mcp.errors import AkashError
from akash_mcp.guard.books import runs
from akash_mcp.guard.books.job_ends import JobEnd
from akash_mcp.guard.books.journal import State
from akash_mcp.guard.permits.close_permit import Closed
from akash_mcp.guard.permits.lease_permit import LeasePermit
from akash_mcp.ids import LeaseId
from akash_mcp.workflow.arrival import Arrival, until_ready
from akash_mcp.workflow.diagnosis.causes import NEVER_STARTS, PROVIDERS_FAULT
from akash_mcp.workflow.jobs.until import Until
from akash_mcp.workflow.jobs.waiting import wait_until
from akash_mcp.workflow.runtime import Runtime


@dataclass(frozen=True, slots=True)
class EndedRun:
    """How a run ended, and that its deployment was closed then, proven."""

    end: JobEnd
    closed: Closed


async def run_to_its_end(
    rt: Runtime,
    permit: LeasePermit,
    leases: Sequence[LeaseId],
    until: Until,
    on_progress: Callable[[str], None],
) -> EndedRun | Arrival:
    """Wait until a run has ended, keep how, and close. An `Arrival` where its provider cannot bring it up.

    Raises `Unwound` where it can never begin: it was closed then. Raises `OutcomeUnknown` where it is not proven
    closed: whoever carries the operation on tries that again.
    """
    dseq = leases[0].dseq
    await permit.advance(State.LEASED, f"runs until {until.what}")
    run = await rt.store.read(runs.find, dseq)
    deadline = run.ends_at if run is not None else rt.now() + rt.policy.default_hours * rt.intervals.hour
    ended, stuck = await _wait(rt, leases, until, deadline, on_progress)
    if ended is None:
        assert stuck is not None
        if all(cause.kind in PROVIDERS_FAULT for cause in stuck.causes):
            return stuck
        raise await permit.abandoning().unwind(AkashError(f"The run never began. {stuck.causes[0].what}"))
    await rt.evidence.jobs.keep(dseq, ended)
    on_progress(f"{ended.what} Closing it")
    return EndedRun(ended, await permit.abandoning().end(ended.what))


async def _wait(
    rt: Runtime, leases: Sequence[LeaseId], until: Until, deadline: float, on_progress: Callable[[str], None]
) -> tuple[JobEnd | None, Arrival | None]:
    """How it ended, or why it can never begin."""
    ended: JobEnd | None = None
    stuck: Arrival | None = None

    async def tell(stage: str) -> None:
        on_progress(stage)

    async with anyio.create_task_group() as tasks:

        async def see_it_begin() -> None:
            nonlocal stuck
            arrival = await until_ready(rt, leases, lambda _: None)
            if not arrival.is_ready and any(cause.kind in NEVER_STARTS for cause in arrival.causes):
                stuck = arrival
                tasks.cancel_scope.cancel()

        tasks.start_soon(see_it_begin)
        ended = await wait_until(rt, leases, until, tell, deadline=deadline)
        tasks.cancel_scope.cancel()
    return ended, stuck
