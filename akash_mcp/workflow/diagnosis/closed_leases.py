"""Why a deployment has no running lease: what the reasons that the chain records for closed leases mean."""

from __future__ import annotations

from collections.abc import Iterator

from akash_mcp.clients.console.models import DeploymentDetail, Lease
from akash_mcp.sanitize.text import field
from akash_mcp.workflow.diagnosis import causes
from akash_mcp.workflow.diagnosis.causes import Cause, CauseKind

REASONS = {
    "lease_closed_owner": causes.CLOSED_BY_ACCOUNT,
    "lease_closed_reason_unstable": causes.UNSTABLE,
    "lease_closed_reason_decommission": causes.DECOMMISSIONED,
    "lease_closed_reason_unspecified": causes.CLOSED_BY_PROVIDER,
    "lease_closed_reason_manifest_timeout": causes.MANIFEST_LATE,
    "lease_closed_reason_insufficient_funds": causes.ESCROW_EMPTY,
    # As numbers, which some answers hold (akash-network/chain-sdk market/v1 LeaseClosedReason).
    "1": causes.CLOSED_BY_ACCOUNT,
    "10000": causes.UNSTABLE,
    "10001": causes.DECOMMISSIONED,
    "10002": causes.CLOSED_BY_PROVIDER,
    "10003": causes.MANIFEST_LATE,
    "20000": causes.ESCROW_EMPTY,
}


def causes_of_closing(detail: DeploymentDetail) -> Iterator[tuple[Lease | None, Cause]]:
    """One cause for each group without a running lease, with its last lease: why that was closed, or that there was
    none."""
    if not detail.leases:
        unleased = causes.NEVER_LEASED if detail.state == "active" else causes.CLOSED_UNLEASED
        yield None, unleased.cause((f"state {field(detail.state)}, no leases",))
        return
    running = {lease.gseq for lease in detail.active_leases}
    last = {lease.lease_id.gseq: lease for lease in detail.leases if lease.lease_id.gseq not in running}
    for lease in last.values():
        reason = lease.reason or "no reason on record"
        evidence = f"lease at {lease.id.provider}: state {field(lease.state)}, {field(reason)}"
        yield lease, _kind_of(detail, lease.state, reason).cause((evidence,), again=_again(detail))


def _kind_of(detail: DeploymentDetail, state: str, reason: str) -> CauseKind:
    if reason in REASONS:
        return REASONS[reason]
    overdrawn = state == "insufficient_funds" or detail.escrow_account.state.state == "overdrawn"
    return causes.ESCROW_EMPTY if overdrawn else causes.CLOSED_UNEXPLAINED


def _again(detail: DeploymentDetail) -> str:
    """How to deploy it again. A provider that closes a lease leaves the deployment open, with its money."""
    if detail.active_leases:
        return "Its other groups run on; to have all of it again, close it (close_deployment) and deploy it"
    if detail.state == "active":
        return "Close it with close_deployment and deploy it again"
    return "Deploy it again"
