"""Why a deployment does not do what it should: its record, status, events, logs and addresses, put together.

What the evidence does not show is reported as not known. Nothing is guessed, and nothing is called healthy that could
not be seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import anyio

from akash_mcp.clients.console.models import DeploymentDetail
from akash_mcp.errors import AkashError
from akash_mcp.ids import Dseq, LeaseId
from akash_mcp.sanitize.text import field
from akash_mcp.workflow.diagnosis import causes
from akash_mcp.workflow.diagnosis.causes import Cause
from akash_mcp.workflow.diagnosis.closed_leases import causes_of_closing
from akash_mcp.workflow.diagnosis.evidence import LeaseEvidence, gather_evidence, seconds_since
from akash_mcp.workflow.diagnosis.rules import diagnose_lease, in_order
from akash_mcp.workflow.runtime import Runtime
from akash_mcp.workflow.status import funds_of, read_deployment

_LOW_HOURS = 1


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The causes, the most decisive first. `past` is trouble that is over as far as can be seen."""

    causes: tuple[Cause, ...]
    past: tuple[str, ...]
    not_known: tuple[str, ...]
    next_step: str

    @property
    def is_healthy(self) -> bool:
        """Whether everything could be seen, and nothing is wrong with it."""
        return not self.causes and not self.not_known


async def diagnose(rt: Runtime, dseq: Dseq) -> Diagnosis:
    """Diagnose a deployment, open or closed. Raises `NotFound` for one that this account does not have."""
    detail = await read_deployment(rt, dseq)
    not_known: list[str] = []
    height = await _height(rt, not_known)
    causes = list(causes_of_closing(detail))
    past: list[str] = []
    for evidence in await _evidence(rt, detail, height):
        found = diagnose_lease(evidence)
        causes += found.causes
        past += found.past
        not_known += found.not_known
    if height is not None:
        causes += _low_escrow(rt, detail, height)
    ordered = in_order(causes)
    return Diagnosis(
        ordered,
        tuple(past),
        tuple(field(text, 400) for text in dict.fromkeys(not_known)),
        _next_step(ordered, past, not_known),
    )


async def _height(rt: Runtime, not_known: list[str]) -> int | None:
    try:
        return await rt.reader.latest_height() or None
    except AkashError as failure:
        not_known.append(f"How long its escrow lasts is not known: {failure.what}")
        return None


async def _evidence(rt: Runtime, detail: DeploymentDetail, height: int | None) -> list[LeaseEvidence]:
    began = {lease.lease_id: lease.created_at for lease in detail.leases}
    gathered: dict[LeaseId, LeaseEvidence] = {}

    async def gather(lease: LeaseId) -> None:
        gathered[lease] = await gather_evidence(rt, lease, seconds_since(began[lease], height))

    async with anyio.create_task_group() as tasks:
        for lease in detail.active_leases:
            tasks.start_soon(gather, lease)
    return [gathered[lease] for lease in detail.active_leases]


def _low_escrow(rt: Runtime, detail: DeploymentDetail, height: int) -> Iterator[Cause]:
    funds = funds_of(detail, height, rt.now())
    if detail.active_leases and funds.hours_left is not None and funds.hours_left < _LOW_HOURS:
        left = "an unknown amount" if funds.escrow_left is None else funds.escrow_left.rounded_down()
        evidence = (f"{left} left at {funds.usd_per_hour} an hour",)
        yield causes.ESCROW_LOW.cause(evidence, minutes=f"{int(funds.hours_left * 60)}")


def _next_step(causes: tuple[Cause, ...], past: list[str], not_known: list[str]) -> str:
    if causes:
        return causes[0].fix
    if not_known:
        return "It may only need more time: call diagnose_deployment again in a minute."
    return (
        "Nothing needs doing."
        if not past
        else "Nothing now. If it fails again, call diagnose_deployment at once."
    )
