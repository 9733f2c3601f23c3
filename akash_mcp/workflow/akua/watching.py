"""What was begun at Akua, by whichever process, is looked after for as long as a server runs."""

from __future__ import annotations

import logging
from contextlib import suppress

from akash_mcp.errors import LedgerUnusable, MissingKey
from akash_mcp.workflow.akua.recovery import recover
from akash_mcp.workflow.runtime import Runtime

log = logging.getLogger(__name__)


async def keep_akua(rt: Runtime) -> None:
    """Take up what has no worker any more, again and again. The token is read unasked only where there is a ledger."""
    desk = rt.akua.desk
    if desk.key.known is None:
        await rt.sleep(rt.intervals.first_look)
        if desk.store.path.exists():
            with suppress(MissingKey):  # a call that needs it will say so
                await desk.key.need()
        await desk.key.came()
    while True:
        try:
            await desk.account.recall()
            if desk.store.account:
                await recover(rt)
        except LedgerUnusable:
            log.exception("what was begun at Akua could not be looked after")
        await rt.sleep(rt.intervals.watch)
