"""What was begun at Akua, by whichever process, is looked after for as long as a server runs."""

from __future__ import annotations

import logging

from akash_mcp.errors import AkashError
from akash_mcp.guard.books.audit_heads import Heads
from akash_mcp.guard.permits.akua_permit import forget_yes
from akash_mcp.workflow.akua.recovery import recover
from akash_mcp.workflow.runtime import Runtime

log = logging.getLogger(__name__)


async def keep_akua(rt: Runtime) -> None:
    """Take up what has no worker any more, again and again. The token is read unasked only where there is a ledger."""
    desk = rt.akua.desk
    if desk.key.known is None:
        await rt.sleep(rt.intervals.first_look)
        if desk.store.path.exists():
            await _ask_for_token(rt)
        await desk.key.came()
    heads = Heads(desk.store.path.parent)
    while True:
        await _look(rt, heads)
        await rt.sleep(rt.intervals.watch)


async def _ask_for_token(rt: Runtime) -> None:
    try:
        await rt.akua.desk.key.need()
    except AkashError as missing:  # a call that needs it will say so
        log.info("there is no token of Akua's yet: %s", missing.what)


async def _look(rt: Runtime, heads: Heads) -> None:
    desk = rt.akua.desk
    try:
        await desk.account.recall()
        if desk.store.account:
            await desk.store.run(forget_yes)
            await recover(rt)
            await heads.keep(desk.store)
    except AkashError as failure:
        log.warning("what was begun at Akua could not be looked after: %s", failure)
    except Exception:  # a fault of ours in one look must not end the server, and the looks after it
        log.exception("a look at what was begun at Akua broke")
