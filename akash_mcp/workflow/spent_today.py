"""What was spent within 24 hours, also on what still runs: the ledger's settled sums and the chain's accrued rent."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from akash_mcp.errors import AkashError
from akash_mcp.guard.books import spending
from akash_mcp.ids import Dseq
from akash_mcp.money import Usd
from akash_mcp.workflow.overview import overview
from akash_mcp.workflow.runtime import Runtime

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SpentToday:
    """What was spent within 24 hours, never understated. `unknown`: how many deployments count with all that is held
    for them, since what they cost could not be read.
    """

    amount: Usd
    unknown: int = 0


async def spent_today(rt: Runtime) -> SpentToday:
    """The spending of this server's agent, or of everybody where there are no agents. Raises `LedgerUnusable`."""
    agent = None if rt.policy.roof is None else rt.store.agent
    books = await rt.store.read(spending.within_a_day, agent)
    amount, unknown = books.settled + books.lost, books.lost_launches
    rents = await _rents(rt) if books.open else {}
    for dseq, account in books.open.items():
        rent = rents.get(dseq)
        if rent is None:
            amount, unknown = amount + account.held, unknown + 1
        else:
            # Of what others opened only the money that was put in is ours.
            amount += rent if account.ours else min(rent, account.held)
    return SpentToday(amount, unknown)


async def _rents(rt: Runtime) -> Mapping[Dseq, Usd]:
    """What each open deployment cost within 24 hours at most, where that is known."""
    try:
        rows = (await overview(rt)).rows
    except AkashError as failure:
        log.info("what runs could not be read, so it counts with all that is held for it: %s", failure)
        return {}
    return {
        row.dseq: row.spent_today
        for row in rows
        if row.dseq is not None and row.is_known and not row.is_colleagues and row.spent_today is not None
    }
