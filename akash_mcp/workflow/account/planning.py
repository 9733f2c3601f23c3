"""The plans of the toolset `account`, or the reasons why there can be none. What touches the network here is a read."""

from __future__ import annotations

from akash_mcp.clients.console.generation import Generation, NotOffered
from akash_mcp.errors import BadArgument
from akash_mcp.guard.books import holds, journal, runs
from akash_mcp.guard.books.runs import in_utc
from akash_mcp.guard.plans.contents import Contents
from akash_mcp.guard.plans.plans import CertificatePlan, TopUpPlan
from akash_mcp.ids import Dseq
from akash_mcp.money import ZERO, Usd, usd_per_hour, usd_per_hour_at_most
from akash_mcp.sdl import check
from akash_mcp.workflow.contents import contents_of
from akash_mcp.workflow.runtime import Runtime
from akash_mcp.workflow.settling import settle_closed
from akash_mcp.workflow.status import is_ours, read_deployment

_LATE_HOURS = 1
"""So much later than it should a run may be ended: the watch looks twice a minute, and a Console can be down."""


async def top_up_plan(rt: Runtime, *, dseq: Dseq, enabled: bool) -> TopUpPlan:
    """The plan to switch the automatic top-up of a deployment.

    Raises `NotOffered` where the Console has no such switch, `Refused` where the policy or nothing that bounds it
    stands in the way, `Busy`, `OverBudget`, `BadArgument` and `NotFound`: nobody is asked for these.
    """
    await rt.store.read(holds.check_free, dseq)
    generation = await rt.reader.generation()
    if generation is Generation.V2025:
        raise NotOffered(
            "This Console API (2025) has no automatic top-up: nothing is added to an escrow by itself.",
            next_step="add_funds adds a sum that the user approves.",
        )
    if generation is Generation.V2026_11:
        raise NotOffered(
            "This Console API (2026-11) funds every deployment by itself, and that cannot be switched: its runtime "
            "limit bounds what it costs.",
            next_step="add_funds with hours raises the limit; close_deployment ends it.",
        )
    if enabled:
        await rt.gate.check_top_up(dseq)
    detail = await read_deployment(rt, dseq)
    ours = await is_ours(rt, detail)
    if detail.state == "closed":
        await settle_closed(rt, detail)
        raise BadArgument(f"Deployment {dseq} is closed, so nothing is added to its escrow any more.")
    if not enabled:
        return TopUpPlan(tool="set_auto_top_up", dseq=dseq, enabled=False, ours=ours)
    run, sources = await rt.store.read(lambda db: (runs.find(db, dseq), journal.sources(db, dseq)))
    rate = detail.rate_uact
    if not rate:
        raise BadArgument(f"What deployment {dseq} costs an hour is not known, or it has no running lease.")
    if run is None or run.ends_at <= rt.now():
        raise BadArgument(
            f"Deployment {dseq} has no end to come that this server enforces, so nothing would bound what it costs."
        )
    hours = run.hours(rt.intervals.hour) + _LATE_HOURS
    total, held = usd_per_hour_at_most(rate) * hours, await rt.store.read(rt.ledger.held, dseq)
    amount = total - held if held < total else ZERO
    if amount:
        await rt.store.read(rt.ledger.check, amount, dseq=dseq)
    return TopUpPlan(
        tool="set_auto_top_up",
        dseq=dseq,
        enabled=True,
        ours=ours,
        amount=_whole(amount),
        total=_whole(total),
        hours=hours,
        ends_at=int(run.ends_at),
        usd_per_hour=usd_per_hour(rate),
        contents=contents_of(check(sources.sdl)) if sources else Contents(),
    )


def _whole(amount: Usd) -> Usd:
    """In whole uact, rounded up."""
    return Usd.from_uact(amount.uact_at_most)


async def certificate_plan(rt: Runtime) -> CertificatePlan:
    """The plan to make the account's client certificate. Raises `BadSettings` for one that is kept and not safe."""
    generation = await rt.reader.generation()
    if generation is not Generation.V2025:
        return CertificatePlan(
            tool="create_certificate",
            unneeded=f"This Console API ({generation}) needs no client certificate: providers take tokens instead.",
        )
    until = await rt.gate.certificate_until()
    if until is not None:
        return CertificatePlan(
            tool="create_certificate",
            unneeded=f"The account has a client certificate already, good until {in_utc(until.timestamp())}.",
        )
    return CertificatePlan(tool="create_certificate")
