"""Why a deployment does not do what it should: its record, status, events, logs and addresses, put together.

What the evidence does not show is reported as not known. Nothing is guessed, and nothing is called healthy that could
not be seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import anyio

from akash_mcp.clients.console.market_models import Block
from akash_mcp.clients.console.models import DeploymentDetail
from akash_mcp.errors import AkashError, NotFound
from akash_mcp.guard.books.evidence import Finding
from akash_mcp.ids import Dseq, LeaseId
from akash_mcp.sanitize.text import field, quoted
from akash_mcp.workflow.desired_state import DesiredState
from akash_mcp.workflow.diagnosis import causes
from akash_mcp.workflow.diagnosis.causes import (
    CLOSINGS,
    SEEN_EARLIER,
    SEEN_WHILE_IT_RAN,
    STILL_PULLING,
    Cause,
    CauseKind,
)
from akash_mcp.workflow.diagnosis.closed_leases import causes_of_closing
from akash_mcp.workflow.diagnosis.evidence import LeaseEvidence, gather_evidence, seconds_since
from akash_mcp.workflow.diagnosis.provider_faults import note_fault, note_gpus, note_leases
from akash_mcp.workflow.diagnosis.rules import diagnose_lease, in_order
from akash_mcp.workflow.gpus import LeaseGpus
from akash_mcp.workflow.runtime import Runtime
from akash_mcp.workflow.status import gpus_of, read_deployment, read_funds

_LOW_HOURS = 1
_SHOWN_LINES = 4


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The causes, the most decisive first. `past` is trouble that is over as far as can be seen.

    `is_over`: no lease runs any more, and why is among the causes.
    """

    causes: tuple[Cause, ...]
    past: tuple[str, ...]
    not_known: tuple[str, ...]
    next_step: str
    is_over: bool = False

    @property
    def is_healthy(self) -> bool:
        """Whether everything could be seen, and nothing is wrong with it."""
        return not self.causes and not self.not_known


async def diagnose(rt: Runtime, dseq: Dseq) -> Diagnosis:
    """Diagnose a deployment, open or closed. Raises `NotFound` for one that nobody here knows.

    What is seen of a workload is kept, and told again when the lease is over; a provider that failed is noted.
    """
    try:
        detail = await read_deployment(rt, dseq)
    except NotFound:
        unrecorded = await _without_record(rt, dseq)
        if unrecorded is None:
            raise
        return unrecorded
    not_known: list[str] = []
    block = await _block(rt, not_known)
    height = block.height or None
    closings = list(causes_of_closing(detail))
    found_causes = [*await _run_ended(rt, detail), *(cause for _, cause in closings)]
    past: list[str] = []
    workload: list[Cause] = []
    for evidence in await _evidence(rt, detail, height):
        found = diagnose_lease(evidence)
        found_causes += found.causes
        past += found.past
        not_known += found.not_known
        # What keeps a provider from telling says nothing of the workload, and must not replace what was seen of it.
        workload += found.causes if evidence.failure is None else ()
        for cause in found.causes:
            await note_fault(rt, dseq, evidence.lease.provider, cause)
    for leased, gpus in (await gpus_of(rt, detail)).items():
        strange = _other_gpus(gpus)
        found_causes += strange
        workload += strange
        not_known += gpus.not_known
        await note_gpus(rt, leased, gpus)
        for cause in strange:
            await note_fault(rt, dseq, leased.provider, cause)
    await note_leases(rt, detail, height)
    seen = [cause for cause in workload if cause.kind is not STILL_PULLING]
    if seen and not await rt.learn_secrets(dseq):  # what cannot be hidden is not kept
        await rt.evidence.keep(dseq, [Finding(c.what, c.evidence, c.fix) for c in in_order(seen)])
    if any(lease is not None for lease, _ in closings):
        found_causes += await kept_causes(rt, dseq)
    elif not found_causes and (not_known or past):
        # A container that crashes again and again runs for a moment each time, and that moment shows nothing.
        since = 0.0 if not_known else rt.store.now() - rt.intervals.crash_over
        found_causes += await kept_causes(rt, dseq, SEEN_EARLIER, since=since)
    if height is not None:
        found_causes += await _low_escrow(rt, detail, block)
    ordered = in_order(found_causes)
    if not ordered and not not_known:
        await rt.evidence.forget(dseq)
    return Diagnosis(
        ordered,
        tuple(past),
        tuple(field(text, 400) for text in dict.fromkeys(not_known)),
        _next_step(ordered, past, not_known),
        is_over=not detail.active_leases and any(cause.kind in CLOSINGS for cause in ordered),
    )


async def _run_ended(rt: Runtime, detail: DeploymentDetail) -> list[Cause]:
    """How a deployment's run ended by itself, where it was to, and none of its leases runs any more."""
    end = None if detail.active_leases else await rt.evidence.jobs.kept(detail.dseq)
    if end is None:
        return []
    lines = tuple(f"end of its log: {quoted(line, 300)}" for line in end.lines[-_SHOWN_LINES:])
    close = " Close it with close_deployment: its deposit is still held." if detail.state == "active" else ""
    return [causes.RUN_ENDED.cause(lines, what=end.what, close=close)]


def _other_gpus(gpus: LeaseGpus) -> list[Cause]:
    seen_at = f" at {field(gpus.seen_at, 40)}" if gpus.seen_at else ""
    evidence = (f"as the Console tells it{seen_at}: {gpus}",)
    return [causes.OTHER_GPU.cause(evidence, difference=difference) for difference in gpus.other]


async def kept_causes(
    rt: Runtime, dseq: Dseq, kind: CauseKind = SEEN_WHILE_IT_RAN, *, since: float = 0.0
) -> list[Cause]:
    """What an earlier look saw of a deployment, where that was kept, and not before `since` in seconds since the
    epoch: `kind` says whether its lease is over."""
    kept = await rt.evidence.kept(dseq)
    if kept is None or kept.at < since:
        return []
    when = datetime.fromtimestamp(kept.at, UTC).strftime("%Y-%m-%dT%H:%MZ")
    return [kind.cause(found.evidence, when=when, what=found.what, fix=found.fix) for found in kept.findings]


async def _without_record(rt: Runtime, dseq: Dseq) -> Diagnosis | None:
    """What can be said of a deployment of ours that the Console does not know; None for any other."""
    seen = tuple(await kept_causes(rt, dseq))
    if not seen and not await rt.gate.owns(dseq):
        return None
    gone = "The Console has no record of it (404), and this server created it: whether it runs is not known."
    step = "Call list_deployments: it says what is known of it. close_deployment is harmless to repeat."
    return Diagnosis(seen, (), (gone,), step)


async def _block(rt: Runtime, not_known: list[str]) -> Block:
    try:
        return await rt.reader.latest_block()
    except AkashError as failure:
        not_known.append(f"How long its escrow lasts is not known: {failure.what}")
        return Block()


async def _evidence(rt: Runtime, detail: DeploymentDetail, height: int | None) -> list[LeaseEvidence]:
    began = {lease.lease_id: lease.created_at for lease in detail.leases}
    gathered: dict[LeaseId, LeaseEvidence] = {}
    now = await DesiredState.now(rt, detail) if detail.active_leases else DesiredState()

    async def gather(lease: LeaseId) -> None:
        gathered[lease] = await gather_evidence(rt, lease, seconds_since(began[lease], height), now)

    async with anyio.create_task_group() as tasks:
        for lease in detail.active_leases:
            tasks.start_soon(gather, lease)
    return [gathered[lease] for lease in detail.active_leases]


async def _low_escrow(rt: Runtime, detail: DeploymentDetail, block: Block) -> list[Cause]:
    if not detail.active_leases:
        return []
    funds = await read_funds(rt, detail, block)
    if funds.hours_left is not None and funds.hours_left < _LOW_HOURS:
        left = "an unknown amount" if funds.escrow_left is None else funds.escrow_left.rounded_down()
        evidence = (f"{left} left at {funds.usd_per_hour} an hour",)
        if funds.hours_left == funds.limit_hours:
            evidence = ("its runtime limit, at which the Console closes it",)
        return [causes.ESCROW_LOW.cause(evidence, minutes=f"{int(funds.hours_left * 60)}")]
    return []


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
