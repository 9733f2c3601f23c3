"""Settling: whoever sees that a deployment of ours is closed proves it, and gives its slot and its money back.

What ended by itself (its escrow used up, its runtime limit over) or by a person's hand in the web console holds what
was reserved for it until then.
"""

from __future__ import annotations

import logging

from akash_mcp.clients.console.models import DeploymentDetail
from akash_mcp.errors import AkashError
from akash_mcp.guard.permits.close_permit import Closed
from akash_mcp.workflow.runtime import Runtime

log = logging.getLogger(__name__)


async def settle_closed(rt: Runtime, seen: DeploymentDetail) -> Closed | None:
    """Write down what a deployment cost that was just read, where it is ours and that proves it closed. Sends nothing.

    None where it is not so, or was settled before: whoever sees it next tries again. It is done beside what was asked
    for, so nothing is raised.
    """
    if seen.state != "closed":
        return None
    try:
        if await rt.reader.is_anothers(seen.owner):
            return None
        return await rt.gate.settle(seen)
    except AkashError as unproven:
        log.info("deployment %s reads as closed, and that is not proven: %s", seen.dseq, unproven)
        return None
