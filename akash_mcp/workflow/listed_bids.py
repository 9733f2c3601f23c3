"""The bids on one deployment, for whoever chooses among them, or asks what was chosen and what else there was."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from akash_mcp.errors import BadArgument, LedgerUnusable
from akash_mcp.guard.books.choices import why_chosen
from akash_mcp.ids import Dseq, ProviderAddress
from akash_mcp.market.ranking import Prefer, Ranking
from akash_mcp.sanitize.text import field
from akash_mcp.workflow.bid_wait import wait_for_offers
from akash_mcp.workflow.offers import places, read_past_offers, requirements, run_of
from akash_mcp.workflow.runtime import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedBids:
    """The bids on a deployment. `hours`: how long it shall run, by which costs are compared.

    `more_may_come`: whether bids may still arrive; None where it is leased. `are_over`: bids that were made at its
    beginning have ended. `taken`: of a leased one, the group and provider of each offer that was taken, and `why` as it
    was written down then; empty where it was not.
    """

    dseq: Dseq
    ranking: Ranking
    hours: int
    more_may_come: bool | None = None
    are_over: bool = False
    taken: frozenset[tuple[int, ProviderAddress]] = frozenset()
    why: str = ""

    @property
    def is_leased(self) -> bool:
        """Whether nothing is to be chosen any more."""
        return self.more_may_come is None


async def list_bids(
    rt: Runtime,
    dseq: Dseq,
    *,
    prefer: Prefer,
    wait_seconds: float,
    on_progress: Callable[[str], Awaitable[None]],
    regions: Sequence[str] = (),
) -> ListedBids:
    """The bids, ranked; of a deployment without a lease they are waited for, for at most so many seconds.

    Raises `NotFound` for a deployment that this account does not have, and `BadArgument` for a closed one, one whose
    leases are over and a region without providers: the bid list itself is empty for the first two and says nothing.
    """
    detail = await rt.reader.get_deployment(dseq, just_created=await rt.gate.owns(dseq))
    if detail.state != "active":
        raise BadArgument(
            f"Deployment {dseq} is {field(detail.state)}, so no provider bids on it.",
            next_step=f"get_deployment(id={dseq}) shows what it cost. For new bids deploy again.",
        )
    if detail.leases and not detail.open_leases:
        raise BadArgument(
            f"The lease of deployment {dseq} is over, and no provider bids on it again.",
            next_step=f"Call close_deployment(dseq={dseq}), and deploy again.",
        )
    run = await run_of(rt, dseq)
    wanted = requirements(
        rt.policy,
        hours=max(run.hours(rt.intervals.hour), 1) if run else None,
        failed=await rt.evidence.failing_providers(),
        regions=await places(rt, regions),
    )
    hours = int(wanted.hours)
    if detail.open_leases:
        return ListedBids(
            dseq=dseq,
            ranking=await read_past_offers(rt, detail, wanted, prefer),
            hours=hours,
            taken=frozenset((lease.gseq, lease.provider) for lease in detail.open_leases),
            why=await _why(rt, dseq),
        )
    gathered = await wait_for_offers(
        rt, detail, wanted, prefer, wait_seconds, on_progress, run.started_at if run else None
    )
    return ListedBids(
        dseq=dseq,
        ranking=gathered.ranking,
        hours=hours,
        more_may_come=gathered.may_go_on(rt.intervals),
        are_over=gathered.arrivals.order_age >= rt.intervals.bids_last,
    )


async def _why(rt: Runtime, dseq: Dseq) -> str:
    try:
        return await rt.store.read(why_chosen, dseq)
    except LedgerUnusable:
        return ""
