"""Readiness: asked of the provider itself, over its pinned connection, until every service of every lease runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import anyio

from akash_mcp.clients.lease_status import LeaseStatus
from akash_mcp.errors import AkashError, LeaseGone, NotRunningYet
from akash_mcp.ids import LeaseId
from akash_mcp.workflow.desired_state import DesiredState, Replicas
from akash_mcp.workflow.runtime import Runtime

STATUS_SECONDS = 15.0
"""How long one read waits for a provider: one that is down must not hold back what the others answer."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """What runs. `expected`: how many leases there are. `statuses`: what each lease's provider reports, where it does.

    `desired`: what a lease should run, where we have its manifest. `problem`: which providers gave no answer, and why.
    """

    expected: int
    statuses: dict[LeaseId, LeaseStatus]
    problem: str = ""
    desired: Mapping[LeaseId, Replicas] = field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        """Whether every lease has all replicas of all services running, none of them from before an update."""
        return len(self.statuses) == self.expected and all(
            status.is_ready
            and all(name in status.services for name in self.desired.get(lease, {}))
            and all(
                service.ready >= self.desired_replicas(lease, name)
                for name, service in status.services.items()
            )
            for lease, status in self.statuses.items()
        )

    def desired_replicas(self, lease: LeaseId, service: str) -> int:
        """How many replicas a service should have: as its manifest says, else as many as there are, at least one."""
        status = self.statuses[lease].services.get(service)
        there_are = max(status.total, status.replicas) if status else 0
        return self.desired.get(lease, {}).get(service, max(there_are, 1))

    @property
    def progress(self) -> str:
        """How far it has come, as a sentence in which nothing is a provider's own text."""
        services = [
            (service.ready, self.desired_replicas(lease, name))
            for lease, status in self.statuses.items()
            for name, service in status.services.items()
        ]
        up = sum(ready >= wanted for ready, wanted in services)
        waiting = self.expected - len(self.statuses)
        running = f"{up} of {len(services)} services run"
        return f"{running}; {waiting} of {self.expected} providers report nothing yet" if waiting else running


async def read_readiness(rt: Runtime, leases: Sequence[LeaseId]) -> Readiness:
    """Ask the providers of all leases at once what runs. A provider that fails is a `problem`, not an error."""
    statuses: dict[LeaseId, LeaseStatus] = {}
    problems: dict[LeaseId, str] = {}

    async def ask(lease: LeaseId) -> None:
        with anyio.move_on_after(STATUS_SECONDS) as scope:
            try:
                statuses[lease] = await rt.provider.lease_status(lease)
            except (LeaseGone, NotRunningYet):
                return  # right after delivery a provider answers 404 until the workload exists
            except AkashError as failure:
                problems[lease] = failure.what
        if scope.cancelled_caught:
            problems[lease] = f"It gave no answer within {STATUS_SECONDS:g} seconds."

    async with anyio.create_task_group() as tasks:
        for lease in leases:
            tasks.start_soon(ask, lease)
    desired = {dseq: DesiredState(rt, dseq) for dseq in {lease.dseq for lease in leases}}
    return Readiness(
        len(leases),
        {lease: statuses[lease] for lease in leases if lease in statuses},
        " ".join(f"{lease.provider}: {problems[lease]}" for lease in leases if lease in problems),
        {lease: desired[lease.dseq].replicas(lease) for lease in leases},
    )


async def wait_for_ready(
    rt: Runtime, leases: Sequence[LeaseId], seconds: float, on_progress: Callable[[str], Awaitable[None]]
) -> Readiness:
    """Read until everything is ready, for at most `seconds`, and return the last reading, ready or not."""
    ends = anyio.current_time() + seconds
    while True:
        readiness = await read_readiness(rt, leases)
        await on_progress(readiness.progress)
        if readiness.is_ready or not leases or anyio.current_time() + rt.intervals.ready_poll >= ends:
            return readiness
        await rt.sleep(rt.intervals.ready_poll)


async def until_ready(
    rt: Runtime, leases: Sequence[LeaseId], on_progress: Callable[[str], None]
) -> Readiness:
    """Read until everything is ready, for at most `rt.intervals.ready_give_up`: for work that no call waits for."""

    async def report(message: str) -> None:
        on_progress(message)

    return await wait_for_ready(rt, leases, rt.intervals.ready_give_up, report)
