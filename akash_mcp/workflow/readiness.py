"""Readiness: asked of the provider itself, over its pinned connection, until every service of every lease runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import anyio

from akash_mcp.clients.lease_status import LeaseStatus
from akash_mcp.errors import AkashError, LeaseGone, NotRunningYet
from akash_mcp.ids import LeaseId
from akash_mcp.workflow.desired_state import Declared, Replicas
from akash_mcp.workflow.runtime import Runtime

LOOK_SECONDS = 15.0
"""How long one look waits for a provider: a dead one must not keep the others' answers from being told."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """What runs. `statuses` holds what each lease's provider says; a lease it knows nothing of yet is missing.

    `desired` says what a lease should run, where we know its manifest. `problem` says which provider gave no answer.
    """

    expected: int
    statuses: dict[LeaseId, LeaseStatus]
    problem: str = ""
    desired: Mapping[LeaseId, Replicas] = field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        """Every lease is known to its provider, with all replicas of all services running, none of them old."""
        return len(self.statuses) == self.expected and all(
            status.is_ready
            and all(name in status.services for name in self.desired.get(lease, {}))
            and all(service.ready >= self.wanted(lease, name) for name, service in status.services.items())
            for lease, status in self.statuses.items()
        )

    def wanted(self, lease: LeaseId, service: str) -> int:
        """How many replicas a service should have: what its manifest says, else those that there are, at least one."""
        status = self.statuses[lease].services.get(service)
        there_are = max(status.total, status.replicas) if status else 0
        return self.desired.get(lease, {}).get(service, max(there_are, 1))

    @property
    def stage(self) -> str:
        """How far it has come, in words for whoever waits. None of them is a provider's."""
        services = [
            (service.ready, self.wanted(lease, name))
            for lease, status in self.statuses.items()
            for name, service in status.services.items()
        ]
        up = sum(ready >= wanted for ready, wanted in services)
        waiting = self.expected - len(self.statuses)
        told = f"{up} of {len(services)} services run"
        return f"{told}; {waiting} of {self.expected} providers have told nothing yet" if waiting else told


async def look(rt: Runtime, leases: Sequence[LeaseId]) -> Readiness:
    """One look at every lease, at all of them at once."""
    statuses: dict[LeaseId, LeaseStatus] = {}
    problems: dict[LeaseId, str] = {}

    async def ask(lease: LeaseId) -> None:
        with anyio.move_on_after(LOOK_SECONDS) as scope:
            try:
                statuses[lease] = await rt.provider.lease_status(lease)
            except (LeaseGone, NotRunningYet):
                return  # right after delivery a provider answers 404 until the workload exists
            except AkashError as failure:
                problems[lease] = failure.what
        if scope.cancelled_caught:
            problems[lease] = f"It gave no answer within {LOOK_SECONDS:g} seconds."

    async with anyio.create_task_group() as tasks:
        for lease in leases:
            tasks.start_soon(ask, lease)
    declared = {dseq: Declared(rt, dseq) for dseq in {lease.dseq for lease in leases}}
    return Readiness(
        len(leases),
        {lease: statuses[lease] for lease in leases if lease in statuses},
        " ".join(f"{lease.provider}: {problems[lease]}" for lease in leases if lease in problems),
        {lease: declared[lease.dseq].replicas(lease) for lease in leases},
    )


async def wait_for_ready(
    rt: Runtime, leases: Sequence[LeaseId], seconds: float, told: Callable[[str], Awaitable[None]]
) -> Readiness:
    """Look again and again until all is ready, for so many seconds; the last look, whatever it saw."""
    ends = anyio.current_time() + seconds
    while True:
        readiness = await look(rt, leases)
        await told(readiness.stage)
        if readiness.is_ready or not leases or anyio.current_time() + rt.pace.ready_poll >= ends:
            return readiness
        await rt.sleep(rt.pace.ready_poll)


async def until_ready(rt: Runtime, leases: Sequence[LeaseId], told: Callable[[str], None]) -> Readiness:
    """The same for as long as the pace says, for work that nobody need wait for."""

    async def tell(stage: str) -> None:
        told(stage)

    return await wait_for_ready(rt, leases, rt.pace.ready_give_up, tell)
