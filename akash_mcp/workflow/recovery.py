"""Recovery: what a process left that died, was stopped or slept is brought to its end by the next one.

Each operation that has no worker any more is claimed by one, and goes on where the journal and the Console say that it
stands:

    a launch       nothing sent      begun while its approval is good, else refused, and what it held is free again
                   creation sent     looked up until it is certain what became of it
                   created           leased while its bids last, else closed, proven
                   lease sent        looked up; once it is certain that there is none it counts as created
                   leased            proven, delivered once more, waited for; where somebody else
                                       leased it, left alone unless that is within the approval
                   unwinding         closed, proven
    a lease, money, a change         looked up: done, or refused with what was reserved free again
    a top-up       on: looked up, like money; off: switched off once more
    a certificate  made, where there is none
    a close        closed, proven
    a command      never again: whether it ran is not known

What cannot be brought to its end now is taken up again later, for ever, with pauses that grow.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from akash_mcp.clients.console.models import DeploymentDetail
from akash_mcp.errors import AkashError, NotFound, OutcomeUnknown
from akash_mcp.guard.books import holds, journal
from akash_mcp.guard.books.holds import Claimed
from akash_mcp.guard.books.journal import Kind, Operation, State
from akash_mcp.guard.gate import Permit
from akash_mcp.guard.permits.certificate_permit import CertificatePermit
from akash_mcp.guard.permits.close_permit import ClosePermit
from akash_mcp.guard.permits.fund_permit import FundPermit
from akash_mcp.guard.permits.launch_permit import LaunchPermit
from akash_mcp.guard.permits.lease_permit import LeasePermit
from akash_mcp.guard.permits.top_up_permit import TopUpPermit
from akash_mcp.guard.permits.update_permit import UpdatePermit
from akash_mcp.ids import Dseq, OpId
from akash_mcp.workflow.launch import (
    are_others,
    elsewhere_if_it_fails,
    go_on_leased,
    go_on_leased_by_others,
    launch,
    lease_and_wait,
)
from akash_mcp.workflow.operations import Running
from akash_mcp.workflow.reconcile import create_once, find_again
from akash_mcp.workflow.runtime import Runtime

log = logging.getLogger(__name__)

_STOPPED = "its server stopped before anything was sent"


async def recover(rt: Runtime) -> list[Running[Any]]:
    """Take up every operation that is due and has no worker: each as work of this process, under way from now on."""
    taken: list[Running[Any]] = []
    while (claimed := await rt.store.run(holds.claim, besides=_here(rt))) is not None:
        running = await _take_up(rt, claimed)
        if running is not None:
            taken.append(running)
    return taken


def _here(rt: Runtime) -> frozenset[OpId]:
    return frozenset(running.op_id for running in rt.operations.under_way_here)


async def _take_up(rt: Runtime, claimed: Claimed) -> Running[Any] | None:
    operation = await rt.store.read(journal.find, claimed.op_id)
    if operation is None:
        return None
    log.info("operation %s (%s, %s) is carried on", operation.op_id, operation.kind, operation.state)

    async def work(running: Running[Any]) -> None:
        running.dseq = operation.dseq
        if operation.kind is Kind.EXEC:
            note = "its server stopped while it ran; whether it ran to its end is not known"
            await rt.store.run(journal.advance, operation.op_id, State.UNKNOWN, note, epoch=claimed.epoch)
            return
        await _carry_on(rt, operation, await rt.gate.carry_on(operation, claimed.epoch), running)

    return rt.operations.start(operation.op_id, work, epoch=claimed.epoch, tries=operation.tries)


async def _carry_on(rt: Runtime, operation: Operation, permit: Permit, running: Running[Any]) -> None:
    match permit:
        case LaunchPermit():
            await _launch(rt, operation, permit, running)
        case LeasePermit():
            await _lease(rt, operation, permit, running)
        case FundPermit():
            running.progress("looking up whether the money was added")
            await permit.look_up()
        case UpdatePermit():
            running.progress("looking up whether the change was made")
            await permit.look_up()
        case TopUpPermit():
            running.progress("looking up whether automatic top-up was switched")
            await permit.look_up()
        case CertificatePermit():
            running.progress("making the client certificate")
            await permit.make()
        case ClosePermit():
            running.progress("closing, and reading back that it is closed")
            await permit.close()


async def _launch(rt: Runtime, operation: Operation, permit: LaunchPermit, running: Running[Any]) -> None:
    dseq = operation.dseq
    if dseq is None:
        sent = await permit.sent()
        is_old = operation.plan is None and operation.state is not State.PLANNED
        if sent is None and is_old:
            sent = permit.assumed_sent(operation.created_at)
        if sent is None or sent.answer == "refused":
            if operation.created_at + rt.intervals.approval_lasts <= rt.now():
                await permit.never_was(_STOPPED)
                return
            await rt.accounts.bind()  # nothing was spent yet: that it may be has to be certain
            if permit.plan.tool == "deploy":
                await launch(rt, permit, running)
            else:
                running.dseq = await create_once(rt, permit, running.progress)
            return
        dseq = await find_again(rt, permit, sent, running.progress)
        if dseq is None:
            await permit.never_was("it was looked up until it was certain that it created nothing")
            return
    running.dseq = dseq
    await _created(rt, operation, permit, dseq, running)


async def _created(
    rt: Runtime, operation: Operation, permit: LaunchPermit, dseq: Dseq, running: Running[Any]
) -> None:
    """Go on from the deployment that a launch created."""
    closing, leasing = permit.abandoning(dseq), permit.leasing(dseq)
    detail = await _read(rt, dseq)
    if detail is not None and detail.state == "closed":
        await closing.settle()
    elif operation.plan is None and detail is not None and detail.open_leases:
        # An older version of this program made it, and did not write down who asked for its lease.
        await leasing.advance(State.LEASED, "it was leased before its server stopped")
    elif operation.state is State.UNWINDING or operation.plan is None or detail is None:
        running.progress("closing it again")
        await closing.close()
    elif detail.open_leases and await are_others(rt, permit, detail):
        await go_on_leased_by_others(rt, permit, detail, running)
    elif detail.open_leases:
        go_on = partial(go_on_leased, rt, leasing, detail, permit.plan.prefer, running, permit.plan.until)
        await (elsewhere_if_it_fails(rt, permit, running, go_on) if permit.plan.tool == "deploy" else go_on())
    elif permit.plan.tool != "deploy":
        return  # it is created, and waits for whoever chooses among its bids
    elif detail.leases:
        await _unwind(closing, "Its lease is over.")
    else:
        await _not_leased(rt, leasing)
        sent = await permit.sent()
        created_at = operation.created_at if sent is None else sent.at
        if rt.now() - created_at < rt.intervals.bids_last:
            go_on = partial(lease_and_wait, rt, permit, dseq, running)
            await elsewhere_if_it_fails(rt, permit, running, go_on)
        else:
            running.progress("closing it again")
            await _unwind(
                closing, "The server that created it stopped, and its bids are too old to be taken."
            )


async def _lease(rt: Runtime, operation: Operation, permit: LeasePermit, running: Running[Any]) -> None:
    """Go on with a lease that somebody asked for by itself."""
    assert operation.dseq is not None
    running.dseq = operation.dseq
    if operation.state is State.UNWINDING:
        await permit.abandoning().close()
        return
    detail = await rt.reader.get_deployment(operation.dseq)
    if detail.open_leases:
        if await permit.sent() is None:
            await permit.refuse("somebody else leased it before this was sent")
        else:
            await go_on_leased(rt, permit, detail, "balanced", running)
        return
    await _not_leased(rt, permit)
    await permit.refuse("its server stopped before anything was leased")


async def _not_leased(rt: Runtime, permit: LeasePermit) -> None:
    """Write down that a deployment has no lease, once that is certain. Raises `OutcomeUnknown` while one may come."""
    sent = await permit.sent()
    if sent is None or sent.answer == "refused":
        return
    if not rt.store.has_passed(rt.intervals.certain, sent.at):
        raise OutcomeUnknown("A lease was asked for a moment ago, and whether there is one is not known yet.")
    await permit.never_leased("the lease that was asked for did not come about")


async def _unwind(closing: ClosePermit, why: str) -> None:
    """Close, and write down why. Raises `OutcomeUnknown` where it is not proven: it is tried again later."""
    unwound = await closing.unwind(AkashError(why))
    if not unwound.is_closed:
        raise unwound


async def _read(rt: Runtime, dseq: Dseq) -> DeploymentDetail | None:
    """The Console's record; None where it has none."""
    try:
        return await rt.reader.get_deployment(dseq)
    except NotFound:
        return None
