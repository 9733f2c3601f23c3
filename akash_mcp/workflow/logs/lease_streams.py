"""Opens the streams of all leases of a deployment at once, and reads what can be read when some of them fail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence

import anyio

from akash_mcp.clients.provider.gateway_errors import CLOSE_UNKNOWN
from akash_mcp.errors import AkashError, BadArgument, Interrupted, NotRunningYet, ProviderError, Unreachable
from akash_mcp.ids import Dseq, LeaseId
from akash_mcp.sanitize.text import quoted
from akash_mcp.workflow.desired_state import DesiredState
from akash_mcp.workflow.readiness import host_name, read_readiness
from akash_mcp.workflow.runtime import Runtime
from akash_mcp.workflow.status import read_deployment

_NAMED = 20

READ_SECONDS = 20.0
"""The longest that one read takes: what came by then is the answer."""


class NothingRuns(BadArgument):
    """A deployment without a running lease, of which nothing can be read."""


async def read_leases(
    rt: Runtime,
    dseq: Dseq,
    read: Callable[[LeaseId], Awaitable[None]],
    *,
    service: str | None = None,
    meanwhile: Callable[[], Coroutine[None, None, None]] | None = None,
) -> list[str]:
    """Call `read` for every running lease at once, and run `meanwhile` until all are read.

    Returns one sentence for each provider that could not be read. Raises `NothingRuns`, `BadArgument` for a `service`
    that the deployment does not have, and every error of `read` that is not a provider's.
    """
    detail = await read_deployment(rt, dseq)
    if not detail.active_leases:
        raise NothingRuns(
            f"Deployment {dseq} is {detail.state} and has no running lease, so there is nothing to read.",
            next_step="diagnose_deployment says why a lease ended."
            if detail.leases
            else "It was never leased.",
        )
    if service is not None:
        await _has_service(rt, detail.active_leases, service)
    problems: list[str] = []
    failures: list[AkashError] = []

    async def attempt(lease: LeaseId) -> None:
        try:
            await read(lease)
        except (ProviderError, Unreachable, Interrupted) as problem:
            problems.append(f"{problem.what} {problem.next_step}".strip())
        except AkashError as failure:
            failures.append(failure)

    async with anyio.create_task_group() as group:
        if meanwhile is not None:
            group.start_soon(meanwhile)
        async with anyio.create_task_group() as readers:
            for lease in detail.active_leases:
                readers.start_soon(attempt, lease)
        group.cancel_scope.cancel()
    if failures:
        raise failures[0]
    return problems


async def _has_service(rt: Runtime, leases: Sequence[LeaseId], service: str) -> None:
    """Raise `BadArgument` where the deployment has no such service. Where its services are not known, it may."""
    desired = {lease: set((await DesiredState.of(rt, lease.dseq)).replicas(lease)) for lease in leases}
    names = set().union(*desired.values())
    if not all(desired.values()):  # not ours, so its providers have to say
        reported = await read_readiness(rt, leases)
        if len(reported.statuses) < len(leases):
            return
        names |= {name for status in reported.statuses.values() for name in status.services}
    if names and service not in names:
        listed = ", ".join(sorted(host_name(name) for name in names)[:_NAMED])
        raise BadArgument(
            f"Deployment {leases[0].dseq} has no service {quoted(service)}. Its services: {listed}.",
            next_step="Call again with one of these, or without service.",
        )


async def read_services(
    rt: Runtime, lease: LeaseId, service: str | None, read: Callable[[Sequence[str]], Awaitable[None]]
) -> None:
    """Read the logs of one service, or of all: in one stream, or else service by service.

    While one container has not started, a provider refuses to stream all services together. Raises what `read` does,
    and a `ProviderError` that names the services whose logs could not be read.
    """
    try:
        await read((service,) if service else ())
        return
    except ProviderError as error:
        if service or error.status != CLOSE_UNKNOWN or isinstance(error, NotRunningYet):
            raise
        services = (await rt.provider.lease_status(lease)).services
        if len(services) < 2:
            raise
    unread = []
    for name in services:
        try:
            await read((name,))
        except ProviderError as error:
            if error.status != CLOSE_UNKNOWN:
                raise
            unread.append(name)
    if unread:
        raise ProviderError(
            f"There are no logs of {', '.join(unread)} at {lease.provider}.",
            next_step="Most often a container is still starting or its image cannot be pulled: read the events.",
            status=CLOSE_UNKNOWN,
        )
