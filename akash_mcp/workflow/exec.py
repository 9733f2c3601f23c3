"""Running a command in a container: which container it is for, and what is known of it afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from akash_mcp.clients.lease_status import ServiceStatus
from akash_mcp.clients.provider.command import Command, ExecResult, ExecStatus
from akash_mcp.errors import BadArgument, LeaseGone, NotRunningYet, ProviderError
from akash_mcp.guard.permits.exec_permit import ExecPermit
from akash_mcp.guard.plans.plans import ExecPlan
from akash_mcp.ids import Dseq, LeaseId
from akash_mcp.sanitize.text import field
from akash_mcp.workflow.operations import Running
from akash_mcp.workflow.readiness import read_readiness
from akash_mcp.workflow.runtime import Runtime
from akash_mcp.workflow.status import read_deployment

MOST_COMMAND_BYTES = 4_000
"""A person cannot be expected to read a longer command before they approve it."""

_MOST_NAMES = 20

Found = Literal["gone", "there", "unknown"]


@dataclass(frozen=True, slots=True)
class ExecOutcome:
    """What came of a command. `afterwards`: where nothing proves that it was started, how the lease then stood."""

    result: ExecResult
    afterwards: Found = "unknown"


async def exec_plan(
    rt: Runtime,
    *,
    tool: str,
    dseq: Dseq,
    argv: tuple[str, ...],
    service: str | None,
    replica: int,
    seconds: int,
) -> ExecPlan:
    """A plan to run `argv` in one replica of a service; without `service` the deployment must have only one.

    A person is asked only about what can run now: raises `BadArgument`, `NotRunningYet`, `LeaseGone` or `ProviderError`
    where the command cannot.
    """
    Command(argv, service or "", replica)
    if sum(len(word.encode()) for word in argv) > MOST_COMMAND_BYTES:
        raise BadArgument(
            f"The command is longer than {MOST_COMMAND_BYTES} bytes, too long to be read before it is approved.",
            next_step="Put it into the image or the SDL, or send it in parts.",
        )
    lease, name, status = await _container(rt, dseq, service)
    if not status.ready:
        raise NotRunningYet(
            f"No replica of service {field(name)} is ready, so nothing can run in it.",
            next_step=f"diagnose_deployment(dseq={dseq}) says why.",
        )
    return ExecPlan(
        tool=tool,
        lease=lease,
        service=name,
        pod_index=replica,
        argv=argv,
        seconds=seconds,
        ours=await rt.gate.owns(dseq),
    )


async def _container(rt: Runtime, dseq: Dseq, service: str | None) -> tuple[LeaseId, str, ServiceStatus]:
    detail = await read_deployment(rt, dseq)
    leases = detail.active_leases
    if not leases:
        raise BadArgument(
            f"Deployment {dseq} is {field(detail.state)} and has no running lease, so nothing can run in it.",
            next_step="list_deployments shows what runs.",
        )
    now = await read_readiness(rt, leases)
    services = {
        (lease, name): status
        for lease, lease_status in now.statuses.items()
        for name, status in lease_status.services.items()
    }
    found = [key for key in services if service in (None, key[1])]
    if len(found) == 1:
        return *found[0], services[found[0]]
    names = ", ".join(sorted(field(name, 63) for _, name in services)[:_MOST_NAMES])
    if found:
        raise BadArgument(
            f"Deployment {dseq} has several services and the command is for one of them.",
            next_step=f"Name it: {names}.",
        )
    if now.problem:
        raise ProviderError(now.problem, next_step="Nothing was run. Try again in a minute.")
    if not names:
        raise LeaseGone(
            f"The provider runs nothing for deployment {dseq}, so nothing was run.",
            next_step=f"diagnose_deployment(dseq={dseq}) says why.",
        )
    raise BadArgument(f"Deployment {dseq} has no such service.", next_step=f"Its services: {names}.")


async def execute(
    rt: Runtime, permit: ExecPermit, plan: ExecPlan, running: Running[ExecOutcome]
) -> ExecOutcome:
    """Run the command. Where it ended in silence without proof that it was started, look at the lease once more."""
    running.progress("running the command")
    ran = await permit.run()
    if ran.status is not ExecStatus.EXITED or ran.started:
        return ExecOutcome(ran)
    running.progress("checking whether it ran")
    now = await read_readiness(rt, [plan.lease])
    if now.problem:
        return ExecOutcome(ran)
    status = now.statuses.get(plan.lease)
    return ExecOutcome(ran, "there" if status and plan.service in status.services else "gone")
