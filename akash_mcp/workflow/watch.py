"""The watch: every now and then somebody looks whether all that was begun comes to its end."""

from __future__ import annotations

import logging

from akash_mcp.errors import AkashError
from akash_mcp.workflow.recovery import recover
from akash_mcp.workflow.runtime import Runtime

log = logging.getLogger(__name__)


async def keep_watch(rt: Runtime) -> None:
    """Look, for ever. A process that nobody has used yet, of a person who never spent anything, touches no file."""
    await rt.sleep(rt.intervals.first_look)
    while True:
        if rt.store.path.exists():
            try:
                await look(rt)
            except AkashError as failure:
                log.warning("the watch could not look: %s", failure)
        await rt.sleep(rt.intervals.watch)


async def look(rt: Runtime) -> None:
    """Look once. What is taken up goes on as work of this process."""
    await rt.accounts.recall()
    await recover(rt)
