"""What this server began at Akua lately, for whoever lost the answer to it."""

from __future__ import annotations

from dataclasses import dataclass

from akash_mcp.errors import LedgerUnusable
from akash_mcp.guard.books import journal
from akash_mcp.guard.books.journal import Operation
from akash_mcp.workflow.runtime import Runtime

RECENT_SECONDS = 3600.0
"""How long ago what is over may have ended."""


@dataclass(frozen=True, slots=True)
class BegunHere:
    """The newest operations first. `problem`: why there may be more, as a sentence; "" where there are none."""

    operations: list[Operation]
    problem: str = ""


async def begun_here(rt: Runtime) -> BegunHere:
    """What is under way at Akua by this server's hand, or was lately. Asks nobody but the ledger."""
    desk = rt.akua.desk
    await desk.account.recall()
    if not desk.store.account:
        return BegunHere([])
    try:
        return BegunHere(await desk.store.read(journal.recent, desk.store.now() - RECENT_SECONDS))
    except LedgerUnusable as unusable:
        return BegunHere([], f"What this server began at Akua could not be read: {unusable.what}")
