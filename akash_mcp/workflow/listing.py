"""The account's active deployments, with what each costs and how long its money lasts."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from akash_mcp.clients.models import DeploymentDetail
from akash_mcp.money import Usd
from akash_mcp.workflow.runtime import Runtime
from akash_mcp.workflow.status import account


@dataclass(frozen=True, slots=True)
class Row:
    """One deployment of the list. The list does not ask providers, so it says nothing of services."""

    detail: DeploymentDetail
    ours: bool
    usd_per_hour: Usd
    escrow_left: Usd
    hours_left: Decimal | None


async def active(rt: Runtime) -> list[Row]:
    """All active deployments, newest first."""
    details = await rt.reader.list_deployments()
    if not details:
        return []
    height = await rt.reader.latest_height()
    rows = []
    for detail in sorted(details, key=lambda detail: int(detail.dseq), reverse=True):
        rate, left, hours = account(rt, detail, height)
        rows.append(Row(detail, rt.gate.owns(detail.dseq), rate, left, hours))
    return rows
