"""Readiness: what runs, asked of the provider itself over its pinned connection, and whether its addresses answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import anyio

from akash_mcp.clients.lease_status import LeaseStatus
from akash_mcp.clients.provider.http_probe import Probe, ProbeOutcome
from akash_mcp.errors import AkashError, LeaseGone, NotRunningYet
from akash_mcp.ids import LeaseId
from akash_mcp.workflow.desired_state import DesiredState, Replicas
from akash_mcp.workflow.runtime import Runtime

STATUS_SECONDS = 15.0
"""How long one read waits for a provider: one that is down must not hold back what the others answer."""

_PROBES = 16
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Readiness:
    """What runs. `expected`: how many leases there are. `statuses`: what each lease's provider reports, where it does.

    `desired`: what a lease should run, where we have its manifest. `problem`: which providers gave no answer, and why.
    `silent`: the web addresses at which only the ingress answers, and `unseen` those that could not be reached, where
    they were asked. `is_steady`: false where it has to be seen to go on running first.
    """

    expected: int
    statuses: dict[LeaseId, LeaseStatus]
    problem: str = ""
    desired: Mapping[LeaseId, Replicas] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    is_steady: bool = True

    @property
    def is_ready(self) -> bool:
        """Whether all of it runs, steadily, and nothing is known that does not answer."""
        return self.is_up and self.is_steady and not self.silent

    @property
    def is_up(self) -> bool:
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
        if waiting:
            return f"{running}; {waiting} of {self.expected} providers report nothing yet"
        return "; ".join((running, *(f"{silence} yet" for silence in self.silent[:1])))


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
    desired = {dseq: await DesiredState.of(rt, dseq) for dseq in {lease.dseq for lease in leases}}
    return Readiness(
        len(leases),
        {lease: statuses[lease] for lease in leases if lease in statuses},
        " ".join(f"{lease.provider}: {problems[lease]}" for lease in leases if lease in problems),
        {lease: desired[lease.dseq].replicas(lease) for lease in leases},
    )


async def with_answers(rt: Runtime, readiness: Readiness) -> Readiness:
    """The same reading, with what its web addresses answer: each is asked once, as any visitor asks, at most 16."""
    chosen = [
        (lease, name, uri)
        for lease, status in readiness.statuses.items()
        for name, service in status.services.items()
        if service.ready
        for uri in dict.fromkeys(service.uris)
    ]
    probes: dict[tuple[LeaseId, str], list[Probe]] = {}

    async def look(lease: LeaseId, name: str, uri: str) -> None:
        probes.setdefault((lease, name), []).append(await rt.visit(uri))

    async with anyio.create_task_group() as tasks:
        for lease, name, uri in chosen[:_PROBES]:
            tasks.start_soon(look, lease, name, uri)
    silent: list[str] = []
    unseen: list[str] = []
    for asked in probes.values():
        outcomes = {probe.outcome for probe in asked}
        if ProbeOutcome.LISTENS in outcomes:
            continue
        doubts = silent if ProbeOutcome.NO_APP in outcomes else unseen
        doubts += [f"http://{host_name(probe.uri)}/ {probe.message}" for probe in asked[:_SHOWN]]
    return replace(readiness, silent=tuple(silent), unseen=tuple(unseen))


_HOST_NAME = re.compile(r"[A-Za-z0-9_.:\[\]-]{1,260}")


def host_name(text: str) -> str:
    """A name that a provider chose, for a sentence of ours. What could be read as a sentence itself is left out."""
    return text if _HOST_NAME.fullmatch(text) else "(not a valid name)" if text else ""
