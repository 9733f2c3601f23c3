"""What was approved is done at Akua, and waited for until it has ended there."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from akash_mcp.clients.akua.models import Install, Render
from akash_mcp.clients.akua.models import Operation as AkuaOperation
from akash_mcp.errors import AkashError, NotFound
from akash_mcp.guard.books.akua_results import AkuaResult, Outcome
from akash_mcp.guard.permits.akua_permit import AkuaPermit, result_of
from akash_mcp.guard.plans.akua_plans import CreateInstallPlan, UpdateInstallPlan
from akash_mcp.workflow.operations import Running
from akash_mcp.workflow.runtime import Runtime

log = logging.getLogger(__name__)

_WAIT_SECONDS = 25
"""Of one question that Akua answers as soon as there is something to tell."""

_SETTLED: Mapping[str, Outcome] = {"healthy": "succeeded", "degraded": "failed", "failed": "failed"}
"""States of an install in which nothing goes on by itself."""

_OUTCOMES: Mapping[str, Outcome] = {"SUCCEEDED": "succeeded", "FAILED": "failed", "CANCELLED": "cancelled"}


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a deed at Akua. `result.outcome` None: it goes on there, and nobody waits for it any more.

    `install`: as it stands then, where it was seen. `why`: what Akua says of a failure, its own words. `waits_for`: the
    step that a person has to take there. `has_ended`: its operation there is over, whether or not Akua says how.
    """

    result: AkuaResult
    install: Install | None = None
    why: str = ""
    waits_for: str = ""
    has_ended: bool = False


async def do(rt: Runtime, permit: AkuaPermit, running: Running[Any]) -> Done:
    """Have Akua do it, and wait until it has ended there, or for `akua_give_up` seconds.

    Raises what Akua refuses it with, and `OutcomeUnknown`.
    """
    running.progress("asking Akua to do it")
    return await see_through(rt, permit, await permit.send(), running)


async def see_through(rt: Runtime, permit: AkuaPermit, taken: AkuaResult, running: Running[Any]) -> Done:
    """Wait until what Akua took has ended there, and write down how."""
    ends = rt.now() + rt.intervals.akua_give_up
    done = Done(taken)
    if taken.operation_id is not None:
        done = await _operation_ended(rt, permit, taken, running, ends)
    elif not isinstance(permit.plan, UpdateInstallPlan):
        done = Done(replace(taken, outcome="succeeded"))
    if isinstance(permit.plan, CreateInstallPlan | UpdateInstallPlan) and done.result.outcome != "failed":
        done = await _install_settled(rt, permit, done, running, ends)
    if done.result.outcome is not None:
        await permit.ended(done.result, _note(done))
    return done


async def _operation_ended(
    rt: Runtime, permit: AkuaPermit, taken: AkuaResult, running: Running[Any], ends: float
) -> Done:
    """Wait for an operation of Akua's. Reads that fail meanwhile are done again: they change nothing."""
    assert taken.operation_id is not None
    reader, waits_for = rt.akua.reader, ""
    while True:
        try:
            now = await reader.wait(taken.operation_id, _WAIT_SECONDS)
        except AkashError as unread:
            log.info("Akua's operation could not be read: %s", unread.what)
            running.progress(f"Akua took it; how far it is could not be read ({type(unread).__name__})")
        else:
            result = _merged(taken, result_of(now))
            if now.is_over:
                outcome = _OUTCOMES.get((now.state or "").upper())
                return Done(replace(result, outcome=outcome), why=now.failure, has_ended=True)
            waits_for = _waits_for(now)
            running.progress(_stage(now))
            taken = result
        if rt.now() >= ends:
            return Done(taken, waits_for=waits_for)
        await rt.sleep(rt.intervals.akua_poll)


async def _install_settled(
    rt: Runtime, permit: AkuaPermit, done: Done, running: Running[Any], ends: float
) -> Done:
    """Wait until an install is healthy, or is not going to be by itself."""
    install_id = done.result.resource_id
    if install_id is None:
        return done  # Akua did not tell which it is: the list shows it
    while True:
        try:
            render = await _render(rt, done.result)
            install = await rt.akua.reader.install(install_id)
        except NotFound:
            return replace(done, why="Akua does not know the install any more")
        except AkashError as unread:
            log.info("the install could not be read: %s", unread.what)
        else:
            done = replace(done, install=install)
            outcome = _SETTLED.get(install.state or "")
            if render is not None and render.state == "failed":
                return replace(
                    done,
                    result=replace(done.result, outcome="failed"),
                    why=render.message or "the render failed",
                )
            is_rendered = render is None or render.state in ("deployed", "skipped")
            if outcome is not None and is_rendered and not install.reconciling:
                return replace(done, result=replace(done.result, outcome=outcome))
            running.progress(f"install {install_id} is {install.state or 'in a state that is not told'}")
        if rt.now() >= ends:
            return replace(done, result=replace(done.result, outcome=None))
        await rt.sleep(rt.intervals.akua_poll)


async def _render(rt: Runtime, result: AkuaResult) -> Render | None:
    """The render by which an install changes; None where there is none that is told."""
    if result.render_id is None or result.resource_id is None:
        return None
    listing = await rt.akua.reader.renders(result.resource_id)
    return next((render for render in listing.records if render.id == result.render_id), None)


def _merged(known: AkuaResult, new: AkuaResult) -> AkuaResult:
    return AkuaResult(
        operation_id=new.operation_id or known.operation_id,
        resource_id=new.resource_id or known.resource_id,
        version_id=new.version_id or known.version_id,
    )


def _stage(operation: AkuaOperation) -> str:
    steps = [step for step in operation.steps or () if step.status == "running"]
    return f"Akua works on it{f': {steps[0].name}' if steps else ''}"


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
    if done.result.outcome == "succeeded":
        return named
    return ": ".join(filter(None, (f"{done.result.outcome} at Akua", named, done.why)))
