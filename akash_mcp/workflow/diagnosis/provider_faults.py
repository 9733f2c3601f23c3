"""What a provider did wrong, written down: to pass it over for some hours, and as a part of our history with it."""

from __future__ import annotations

from akash_mcp.clients.console.models import DeploymentDetail
from akash_mcp.guard.books.evidence import FAILURE_SECONDS
from akash_mcp.ids import Dseq, LeaseId, ProviderAddress
from akash_mcp.workflow.diagnosis.causes import (
    CLOSINGS,
    OTHER_GPU,
    PROVIDER_UNREACHABLE,
    PROVIDERS_FAULT,
    Cause,
)
from akash_mcp.workflow.diagnosis.closed_leases import causes_of_closing
from akash_mcp.workflow.diagnosis.evidence import seconds_since
from akash_mcp.workflow.gpus import LeaseGpus
from akash_mcp.workflow.runtime import Runtime


async def note_fault(rt: Runtime, dseq: Dseq, provider: ProviderAddress, cause: Cause) -> None:
    """Note a cause that was seen just now, where it is the provider's fault."""
    if cause.kind not in PROVIDERS_FAULT:
        return
    await rt.evidence.provider_failed(provider, cause.kind.name)
    # That it cannot be reached from here says little of it, and the GPUs are noted by themselves.
    if cause.kind not in (PROVIDER_UNREACHABLE, OTHER_GPU):
        await rt.track_records.failed(dseq, provider, cause.kind.name)


async def note_gpus(rt: Runtime, lease: LeaseId, gpus: LeaseGpus) -> None:
    """Note whether its containers see the GPUs that are paid for, where they tell."""
    if gpus.other:
        await rt.track_records.saw_gpus(lease.dseq, lease.provider, as_promised=False)
    elif gpus.seen and not gpus.not_known:
        await rt.track_records.saw_gpus(lease.dseq, lease.provider, as_promised=True)


async def note_leases(rt: Runtime, detail: DeploymentDetail, height: int | None) -> None:
    """Note which leases of a deployment are active, and which its providers ended, as its record tells that."""
    for lease, cause in causes_of_closing(detail):
        if lease is None or cause.kind not in PROVIDERS_FAULT & CLOSINGS:
            continue
        ago = seconds_since(lease.closed_on, height)
        if ago is None:
            continue  # when it was is not known, so it may be long over
        provider = lease.id.provider
        await rt.track_records.closed_by_provider(detail.dseq, provider, cause.kind.name, seconds_ago=ago)
        if ago < FAILURE_SECONDS:
            await rt.evidence.provider_failed(provider, cause.kind.name, seconds_ago=ago)
    await rt.track_records.still_leased(detail.dseq, [lease.provider for lease in detail.active_leases])
