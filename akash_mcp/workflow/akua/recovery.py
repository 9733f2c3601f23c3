"""What a process left at Akua that died or was stopped is brought to its end by the next one.

nothing sent       begun while its approval is good, else refused
sent, no answer    sent again, with its key: it is done once
taken              waited for until it has ended there
"""

from __future__ import annotations

import logging
from typing import Any

from akash_mcp.guard.books import holds, journal
from akash_mcp.guard.books.journal import Operation, State
from akash_mcp.workflow.akua.doing import do
from akash_mcp.workflow.operations import Running
from akash_mcp.workflow.runtime import Runtime

log = logging.getLogger(__name__)


async def recover(rt: Runtime) -> list[Running[Any]]:
    """Take up every operation at Akua that is due and has no worker: each as work of this process, under way from now
    on."""
    desk, taken = rt.akua.desk, []
    here = frozenset(running.op_id for running in desk.operations.under_way_here)
    while (claimed := await desk.store.run(holds.claim, besides=here)) is not None:
        operation = await desk.store.read(journal.find, claimed.op_id)
        if operation is None:
            continue
        log.info("operation %s (%s, %s) is carried on", operation.op_id, operation.kind, operation.state)
        taken.append(_take_up(rt, operation, claimed.epoch))
        here |= {claimed.op_id}
    return taken


def _take_up(rt: Runtime, operation: Operation, epoch: int) -> Running[Any]:
    async def work(running: Running[Any]) -> None:
        permit = rt.gate.carry_on_at_akua(operation, epoch)
        is_new = operation.state in (State.PLANNED, State.RESERVED) and not await permit.was_sent()
        if is_new and operation.created_at + rt.intervals.approval_lasts <= rt.now():
            await permit.refuse("its server stopped before anything was sent")
            return
        await do(rt, permit, running)

    return rt.akua.desk.operations.start(operation.op_id, work, epoch=epoch, tries=operation.tries)
