"""Readiness: asked of the provider itself, over its pinned connection, until every service of every lease runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import anyio

from akash_mcp.clients.models import LeaseStatus
from akash_mcp.errors import Interrupted, LeaseGone, NotRunningYet, ProviderError, Unreachable
from akash_mcp.ids import Dseq, LeaseId
from akash_mcp.workflow.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Readiness:
    """What runs. `statuses` holds what each lease's provider said last; a lease it does not know yet is missing."""

    expected: int
    statuses: dict[LeaseId, LeaseStatus]
    problem: str = ""

    @property
    def is_ready(self) -> bool:
        """Every lease is known to its provider, with all replicas of all services available."""
        return len(self.statuses) == self.expected and all(
            status.is_ready for status in self.statuses.values()
        )


async def look(rt: Runtime, leases: Sequence[LeaseId]) -> Readiness:
    """One look at every lease."""
    statuses: dict[LeaseId, LeaseStatus] = {}
    problems = []
    for lease in leases:
        try:
            statuses[lease] = await rt.provider.lease_status(lease)
        except (LeaseGone, NotRunningYet):
            # Right after delivery a provider answers 404 until the workload exists.
            continue
        except (ProviderError, Unreachable, Interrupted) as failure:
            problems.append(failure.what)
    return Readiness(len(leases), statuses, "; ".join(problems))


async def until_ready(rt: Runtime, leases: Sequence[LeaseId], told: Callable[[str], None]) -> Readiness:
    """Look again and again until all is ready, or until the pace says to stop waiting."""
    ends = anyio.current_time() + rt.pace.ready_give_up
    while True:
        readiness = await look(rt, leases)
        up = sum(
            service.running > 0
            for status in readiness.statuses.values()
            for service in status.services.values()
        )
        told(f"{up} services are running")
        # Between two looks, never in one: a handshake that is cut off leaves its socket to the collector.
        if readiness.is_ready or anyio.current_time() >= ends:
            return readiness
        await rt.sleep(rt.pace.ready_poll)


async def wait_for_ready(
    rt: Runtime, dseq: Dseq, seconds: float, told: Callable[[str], Awaitable[None]]
) -> None:
    """Wait until a deployment is ready, or until `seconds` have passed; either is fine."""
    ends = anyio.current_time() + seconds
    leases = (await rt.reader.get_deployment(dseq)).active_leases
    while leases and anyio.current_time() < ends:
        readiness = await look(rt, leases)
        if readiness.is_ready:
            return
        await told(f"{len(readiness.statuses)} of {len(leases)} providers know their lease")
        await rt.sleep(rt.pace.ready_poll)
