"""Deadlines: what has run for as long as it was approved to is closed, proven, and told."""

from __future__ import annotations

import logging
from typing import Any

from akash_mcp.errors import Busy, Refused
from akash_mcp.guard.books import notices, runs
from akash_mcp.guard.books.notices import Level
from akash_mcp.guard.permits.close_permit import Closed, ClosePermit
from akash_mcp.ids import Dseq
from akash_mcp.workflow.operations import Running
from akash_mcp.workflow.runtime import Runtime

log = logging.getLogger(__name__)


async def end_due_runs(rt: Runtime) -> list[Running[Any]]:
    """Close each deployment of ours whose run is over: as work of this process, under way from now on."""
    ending: list[Running[Any]] = []
    for dseq in await rt.store.read(runs.due):
        try:
            permit = await rt.gate.end_run(dseq)
        except (Busy, Refused) as meanwhile:
            log.info("deployment %s is not ended here: %s", dseq, meanwhile)
            continue
        ending.append(rt.operations.start(permit.op_id, _ending(rt, dseq, permit)))
    return ending


def _ending(rt: Runtime, dseq: Dseq, permit: ClosePermit) -> Any:
    async def work(running: Running[Closed]) -> Closed:
        running.dseq = dseq
        running.progress("its run is over: closing, and reading back that it is closed")
        closed = await permit.close()
        cost = "what it cost is not on record" if closed.spent is None else f"it cost {closed.spent}"
        text = f"The run of deployment {dseq} was over, as it was approved: it was closed, proven; {cost}."
        log.info("%s", text)
        await rt.store.run(
            notices.note, text, level=Level.INFO, dseq=dseq, op_id=permit.op_id, about="run ended"
        )
        return closed

    return work
