"""What happened meanwhile, in the answer of whichever tool is called next: each notice once."""

from __future__ import annotations

import logging
from typing import Any

from akash_mcp.errors import LedgerUnusable
from akash_mcp.guard.books import notices
from akash_mcp.workflow.play_money import marked
from akash_mcp.workflow.runtime import Runtime

log = logging.getLogger(__name__)

FIELD = "notices"
SCHEMA: dict[str, Any] = {
    "type": "array",
    "items": {"type": "string"},
    "description": "What happened meanwhile: tell the user",
}
"""The field in a tool's output schema. Absent where there is nothing to tell."""


async def take_notices(rt: Runtime) -> list[str]:
    """The account's notices that no answer has told yet; marked as told. None where the ledger cannot be used.

    Waits for no lock unless there is something to tell, and makes no ledger.
    """
    if not rt.store.path.exists():
        return []
    try:
        if not await rt.store.read(notices.pending, 1):
            return []
        told = [str(notice) for notice in await rt.store.run(notices.take)]
        return [marked(notice) for notice in told] if rt.play_money else told
    except LedgerUnusable as unusable:
        log.info("notices are told later: %s", unusable.what)
        return []
