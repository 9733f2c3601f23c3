"""Lost answers: what became of a creation that may have landed is looked up, never tried again.

The Console names a deployment by its own clock in milliseconds and keeps the hash of its manifest on the chain. So
one that appeared around the time of our request, with our manifest and our deposit, that nobody leased and our
journal does not know, is ours. The Console gives up on a transaction after about 36 seconds; what has not appeared
well after that stays unknown and stays held. Since autumn 2026 a deployment has a name, and ours is its operation's.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

import anyio

from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.models import DeploymentDetail
from akash_mcp.errors import ApiError, Interrupted, OutcomeUnknown, Unreachable
from akash_mcp.guard.launch_permit import LaunchPermit
from akash_mcp.guard.plans import LaunchPlan
from akash_mcp.ids import Dseq
from akash_mcp.workflow.runtime import Runtime

_SKEW_MS = 5 * 60 * 1000
"""How far the Console's clock may be from ours. The manifest and the deposit tell more than the time."""


async def create_once(rt: Runtime, permit: LaunchPermit, on_progress: Callable[[str], None]) -> Dseq:
    """Create the deployment, and find it again where the answer was lost.

    Raises `OutcomeUnknown` when it cannot be found, and what the Console raises when it refuses.
    """
    started = rt.now()
    try:
        return (await permit.create()).dseq
    except OutcomeUnknown as lost:
        on_progress("the answer was lost; looking for the deployment")
        found = await _appeared(rt, permit, started)
        if found is None:
            raise OutcomeUnknown(
                f"{lost.what} No such deployment has appeared since.",
                next_step="What was approved counts as spent until that is certain. Look with list_deployments in a "
                "few minutes; if one is there that nobody knows, close it. Do not simply try again.",
            ) from lost
        permit.adopt(found)
        return found


async def _appeared(rt: Runtime, permit: LaunchPermit, started: float) -> Dseq | None:
    ends = anyio.current_time() + rt.intervals.lookup_give_up
    while True:
        try:
            candidates = await _candidates(rt, permit, started)
        except (ApiError, Interrupted, Unreachable):
            candidates = []  # whatever broke the answer may break this too; there is time
        if len(candidates) == 1:
            return candidates[0]
        if anyio.current_time() >= ends:
            return None
        await rt.sleep(rt.intervals.lookup_poll)


async def _candidates(rt: Runtime, permit: LaunchPermit, started: float) -> list[Dseq]:
    if await rt.reader.generation() is Generation.V2026_11:
        return [detail.dseq for detail in await rt.reader.find_deployments(permit.op_id)]
    details = await rt.reader.list_deployments()
    return [detail.dseq for detail in details if _is_ours(rt, detail, permit.plan, started)]


def _is_ours(rt: Runtime, detail: DeploymentDetail, plan: LaunchPlan, started: float) -> bool:
    digest = base64.b64encode(hashlib.sha256(plan.manifest.encode()).digest()).decode()
    around = int(started * 1000) - _SKEW_MS <= int(detail.dseq) <= int(rt.now() * 1000) + _SKEW_MS
    return (
        around
        and detail.manifest_hash == digest
        and detail.escrow_funds == plan.deposit.uact
        and not detail.leases
        and rt.journal.launch_of(detail.dseq) is None
    )
