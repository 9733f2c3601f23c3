"""What was approved is done at Akua, waited for until it has ended there, and read back: what Akua says of an operation
is not taken for what there is.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from akash_mcp.clients.akua.models import Install
from akash_mcp.clients.akua.models import Operation as AkuaOperation
from akash_mcp.errors import AkashError, BadArgument, NotApproved
from akash_mcp.guard.books.akua_results import AkuaResult, Outcome
from akash_mcp.guard.permits.akua_lookup import result_of
from akash_mcp.guard.permits.akua_permit import AkuaPermit
from akash_mcp.guard.plans.akua_plans import CreateInstallPlan, UpdateInstallPlan
from akash_mcp.sanitize.text import quoted
from akash_mcp.workflow.akua.growth import what_changed
from akash_mcp.workflow.akua.read_back import Seen, read_back
from akash_mcp.workflow.operations import Running
from akash_mcp.workflow.runtime import Runtime

log = logging.getLogger(__name__)

_WAIT_SECONDS = 25
"""Of one question that Akua answers as soon as there is something to tell."""

_OUTCOMES: Mapping[str, Outcome] = {"SUCCEEDED": "succeeded", "FAILED": "failed", "CANCELLED": "cancelled"}


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a deed at Akua. `result.outcome` None: it goes on there, or nobody can see how it ended.

    `install`: as it stands then, where it was seen. `why`: what Akua says of a failure, its own words. `unseen`: how it
    stands where what should be there was not seen. `waits_for`: the step that a person has to take there. `has_ended`:
    Akua says that it is over, whether or not it says how.
    """

    result: AkuaResult
    install: Install | None = None
    why: str = ""
    unseen: str = ""
    waits_for: str = ""
    has_ended: bool = False


async def do(rt: Runtime, permit: AkuaPermit, running: Running[Any]) -> Done:
    """Have Akua do it, and wait until it has ended there, or for `akua_give_up` seconds.

    Raises what Akua refuses it with, `NotApproved` where it is not any more what was agreed to, and `OutcomeUnknown`.
    """
    if not await permit.was_sent():
        await _check_still_agreed(rt, permit)
    running.progress("asking Akua to do it")
    return await see_through(rt, permit, await permit.send(), running)


async def _check_still_agreed(rt: Runtime, permit: AkuaPermit) -> None:
    try:
        changed = await what_changed(rt.akua.reader, permit.plan)
    except AkashError as unread:
        changed = f"How it stands now could not be read: {unread.what}"
    if changed:
        await permit.refuse(changed)
        raise NotApproved(
            f"{changed} That is not what was agreed to, so nothing was done.",
            next_step=f"Call {permit.plan.tool} again, so that the user sees it as it is now.",
        )


async def see_through(rt: Runtime, permit: AkuaPermit, taken: AkuaResult, running: Running[Any]) -> Done:
    """Wait until what Akua took has ended there, and is seen to, and write down how."""
    ends = rt.now() + rt.intervals.akua_give_up
    done = Done(taken, has_ended=True)
    if taken.operation_id is not None:
        done = await _operation_ended(rt, permit, taken, running, ends)
    if done.has_ended and done.result.outcome not in ("failed", "cancelled"):
        done = await _seen(rt, permit, done, running, ends)
    if done.result.outcome is not None:
        await permit.ended(done.result, _note(done))
    return done


async def _operation_ended(
    rt: Runtime, permit: AkuaPermit, taken: AkuaResult, running: Running[Any], ends: float
) -> Done:
    """Wait for an operation of Akua's. Reads that fail meanwhile are done again: they change nothing."""
    reader, waits_for, seconds = rt.akua.reader, "", 0
    while True:
        assert taken.operation_id is not None
        try:
            # A look first: what waits for a person is told at once.
            now = await (
                reader.wait(taken.operation_id, seconds) if seconds else reader.operation(taken.operation_id)
            )
        except BadArgument:
            return Done(taken, has_ended=True)  # what Akua calls it can be asked for nowhere
        except AkashError as unread:
            log.info("Akua's operation could not be read: %s", unread.what)
            running.progress(f"Akua took it; how far it is could not be read ({type(unread).__name__})")
        else:
            result = _merged(taken, result_of(permit.plan, now))
            if now.is_over:
                outcome = _OUTCOMES.get((now.state or "").upper())
                return Done(replace(result, outcome=outcome), why=now.failure, has_ended=True)
            waits_for = _waits_for(now)
            running.progress(_stage(now))
            taken = result
        if rt.now() >= ends:
            return Done(taken, waits_for=waits_for)
        seconds = _WAIT_SECONDS
        await rt.sleep(rt.intervals.akua_poll)


async def _seen(rt: Runtime, permit: AkuaPermit, done: Done, running: Running[Any], ends: float) -> Done:
    """Look until there is what should be there, or is not going to be by itself.

    An install takes its time. Everything else is there when its operation has ended, but for what Akua needs until that
    shows.
    """
    installs = isinstance(permit.plan, CreateInstallPlan | UpdateInstallPlan)
    shows = rt.now() + rt.intervals.akua_lag
    while True:
        try:
            seen = await read_back(rt.akua.reader, permit.plan, done.result)
        except AkashError as unread:
            log.info("what was done at Akua could not be read back: %s", unread.what)
            seen = Seen(None, f"it could not be read back ({type(unread).__name__})")
        done = replace(
            done, result=replace(done.result, outcome=seen.outcome), install=seen.install, why=seen.why
        )
        if seen.outcome is not None:
            return done
        done = replace(done, unseen=seen.stands)
        running.progress(f"Akua took it, and {seen.stands}")
        if rt.now() >= (ends if installs and seen.goes_on else min(shows, ends)):
            return replace(done, has_ended=not seen.goes_on)
        await rt.sleep(rt.intervals.akua_poll)


def _merged(known: AkuaResult, new: AkuaResult) -> AkuaResult:
    return AkuaResult(
        operation_id=new.operation_id or known.operation_id,
        resource_id=new.resource_id or known.resource_id,
        version_id=new.version_id or known.version_id,
    )


def _stage(operation: AkuaOperation) -> str:
    if waits_for := _waits_for(operation):
        return f"a person has to act at Akua first: {quoted(waits_for)}"
    running = next((step.name or "" for step in operation.steps or () if step.status == "running"), "")
    return f"Akua works on it: {quoted(running)}" if running else "Akua works on it"


def _waits_for(operation: AkuaOperation) -> str:
    """The step that waits for a person, by its name."""
    return next(
        (
            step.name or ""
            for step in operation.steps or ()
            if step.status == "running" and step.execution_type in ("user", "approval")
        ),
        "",
    )


def _note(done: Done) -> str:
    named = done.result.resource_id or done.result.operation_id or ""
    return named if done.result.outcome == "succeeded" else ": ".join(filter(None, (named, done.why)))
