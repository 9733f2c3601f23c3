"""The account's active deployments, with what each costs and how long its money lasts."""

from __future__ import annotations

from dataclasses import dataclass

from akash_mcp.clients.console.models import DeploymentDetail
from akash_mcp.workflow.runtime import Runtime
from akash_mcp.workflow.status import Funds, funds_of


@dataclass(frozen=True, slots=True)
class Row:
    """One deployment of the list. The list does not ask providers, so it says nothing of services."""

    detail: DeploymentDetail
    ours: bool
    funds: Funds


async def active(rt: Runtime) -> list[Row]:
    """All active deployments, newest first."""
    details = await rt.reader.list_deployments()
    if not details:
        return []
    height = await rt.reader.latest_height()
    newest_first = sorted(details, key=lambda detail: int(detail.dseq), reverse=True)
    return [
        Row(detail, rt.gate.owns(detail.dseq), funds_of(detail, height, rt.now())) for detail in newest_first
    ]
