"""What a deployment is doing and what it costs, put together from the Console, the chain's clock and our journal."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from akash_mcp.clients.models import DeploymentDetail, LeaseStatus
from akash_mcp.ids import Dseq, LeaseId
from akash_mcp.money import BLOCKS_PER_HOUR, Usd, usd_per_hour
from akash_mcp.workflow.readiness import Readiness, look
from akash_mcp.workflow.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Standing:
    """One deployment as it stands. Rent that accrued since the last settlement is taken off `escrow_left`."""

    detail: DeploymentDetail
    ours: bool
    usd_per_hour: Usd
    escrow_left: Usd
    spent: Usd
    hours_left: Decimal | None
    readiness: Readiness

    @property
    def services(self) -> dict[LeaseId, LeaseStatus]:
        """What each lease's provider says of its services."""
        return self.readiness.statuses


def account(rt: Runtime, detail: DeploymentDetail, height: int) -> tuple[Usd, Usd, Decimal | None]:
    """Rate in USD an hour, what is left in escrow, and for how many hours (None without a lease)."""
    rate = detail.rate_uact
    left = detail.escrow_left(height)
    hours = left / rate / BLOCKS_PER_HOUR if rate else None
    return usd_per_hour(rate), Usd.from_uact(left), hours


async def standing(rt: Runtime, dseq: Dseq) -> Standing:
    """One deployment, with what its providers say. Raises `NotFound` for one that this account does not have."""
    return await standing_of(rt, await rt.reader.get_deployment(dseq))


async def standing_of(rt: Runtime, detail: DeploymentDetail) -> Standing:
    """The same for a deployment that was read already."""
    height = await rt.reader.latest_height()
    rate, left, hours = account(rt, detail, height)
    return Standing(
        detail=detail,
        ours=rt.gate.owns(detail.dseq),
        usd_per_hour=rate,
        escrow_left=left,
        spent=detail.spent_at(height),
        hours_left=hours,
        readiness=await look(rt, detail.active_leases),
    )


def hours_text(hours: Decimal | None) -> str | None:
    """Hours for a reader: `3.4`, and `0.2` rather than `0`."""
    return None if hours is None else f"{hours:.1f}"
