"""A creation whose answer was lost: what appeared is taken up only where nothing else can have made it."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from scripted_console import (
    CREATE,
    LAUNCH,
    LIST,
    MANIFEST,
    Guarded,
    Told,
    approved,
    deployment,
    guarded,
    lease,
    refusal,
    runtime,
)

from akash_mcp.clients.console.generation import Generation
from akash_mcp.errors import OutcomeUnknown, PaymentRequired
from akash_mcp.guard.journal import Kind, Sources, State, new_op_id
from akash_mcp.guard.launch_permit import LaunchPermit
from akash_mcp.ids import Dseq
from akash_mcp.workflow.reconcile import create_once
from akash_mcp.workflow.runtime import Intervals, Runtime

pytestmark = pytest.mark.anyio

STARTED = 1_763_759_000_000
"""Milliseconds, when the creation is sent; the clock stands a minute later when it is looked for."""
MINUTE = 60_000
OURS = str(STARTED + 2_113)
HASH = base64.b64encode(hashlib.sha256(MANIFEST.encode()).digest()).decode()


@dataclasses.dataclass
class Lost:
    """A creation whose answer is lost, before the permit is used."""

    guard: Guarded
    permit: LaunchPermit
    rt: Runtime
    slept: list[float]
    stages: list[str] = dataclasses.field(default_factory=list)

    async def create(self) -> Dseq:
        return await create_once(self.rt, self.permit, self.stages.append)

    async def not_found(self) -> OutcomeUnknown:
        """It is not found, nothing is taken up and nothing sent again."""
        with pytest.raises(OutcomeUnknown, match="No such deployment has appeared since") as unknown:
            await self.create()
        assert self.guard.operation(self.permit.op_id).state is State.UNKNOWN
        assert self.guard.ledger.status().held == LAUNCH.deposit
        assert len(self.guard.console.sent(CREATE)) == 1
        return unknown.value


@asynccontextmanager
async def lost(
    folder: Path, *, looks: int = 1, generation: Generation = Generation.REFERENCE
) -> AsyncIterator[Lost]:
    """The Console drops the connection of the creation. It is looked for `looks` times."""
    plan = dataclasses.replace(LAUNCH, runtime_limit_hours=3 if generation is Generation.V2026_11 else None)
    async with guarded(folder, generation=generation) as guard, anyio.create_task_group() as tasks:
        slept: list[float] = []

        def dropped() -> Told:
            guard.clock[0] += 60
            return None

        async def no_time(seconds: float) -> None:
            slept.append(seconds)
            await anyio.lowlevel.checkpoint()

        guard.console.on(CREATE, dropped)
        rt = runtime(guard, tasks, Intervals(lookup_give_up=0.0 if looks == 1 else 60.0), no_time)
        yield Lost(guard, guard.gate.launch(plan, approved(plan)), rt, slept)


def page(*deployments: dict[str, Any]) -> Told:
    return 200, {"deployments": list(deployments), "pagination": {}}


def landed(dseq: str = OURS, **odd: Any) -> dict[str, Any]:
    return deployment(dseq, **{"manifest_hash": HASH, **odd})


async def test_one_that_landed_is_taken_up(tmp_path: Path) -> None:
    async with lost(tmp_path) as it:
        it.guard.console.on(LIST, page(landed()))
        assert await it.create() == OURS
        assert it.stages == ["the answer was lost; looking for the deployment"]
        operation = it.guard.operation(it.permit.op_id)
        assert (operation.state, operation.dseq) == (State.CREATED, OURS)
        assert it.guard.ledger.held(Dseq(OURS)) == LAUNCH.deposit
        assert it.guard.journal.sources(Dseq(OURS)) == Sources(LAUNCH.sdl, MANIFEST, None)
        assert len(it.guard.console.sent(CREATE)) == 1


async def test_one_that_never_landed_stays_unknown_and_held(tmp_path: Path) -> None:
    async with lost(tmp_path) as it:
        unknown = await it.not_found()
        assert "took effect is not known" in unknown.what
        assert "Do not simply try again." in unknown.next_step


@pytest.mark.parametrize(
    "first", [page(), refusal(400), None], ids=["not there yet", "an error", "no answer"]
)
async def test_it_is_looked_for_until_it_appears(first: Told, tmp_path: Path) -> None:
    async with lost(tmp_path, looks=2) as it:
        # A connection that ends is tried four times by itself.
        it.guard.console.on(LIST, *[first] * (4 if first is None else 1), page(landed()))
        assert await it.create() == OURS
        assert it.slept == [5.0]


async def test_it_is_looked_for_where_the_console_cannot_be_reached_for_a_while(tmp_path: Path) -> None:
    async with lost(tmp_path) as it:

        def gone() -> Told:
            it.guard.console.hang_up()
            return None

        it.guard.console.on(CREATE, gone)
        await it.not_found()


async def test_an_answer_needs_no_looking(tmp_path: Path) -> None:
    async with lost(tmp_path) as it:
        it.guard.console.on(CREATE, (201, {"dseq": OURS, "manifest": MANIFEST}))
        assert await it.create() == OURS
        assert not it.guard.console.sent(LIST)
        assert it.stages == []


async def test_a_refusal_needs_no_looking(tmp_path: Path) -> None:
    async with lost(tmp_path) as it:
        it.guard.console.on(CREATE, refusal(402))
        with pytest.raises(PaymentRequired):
            await it.create()
        assert not it.guard.console.sent(LIST)


async def test_of_two_that_it_could_be_none_is_taken(tmp_path: Path) -> None:
    async with lost(tmp_path) as it:
        it.guard.console.on(LIST, page(landed(), landed(str(int(OURS) + 1))))
        await it.not_found()


NOT_OURS = {
    "another manifest": landed(manifest_hash=base64.b64encode(bytes(32)).decode()),
    "an unknown manifest": landed(manifest_hash=""),
    "a smaller deposit": landed(funds=1_999_999),
    "a larger deposit": landed(funds=2_000_001),
    "a lease": landed(leases=(lease(dseq=OURS),)),
    "a lease that ended": landed(leases=(lease(dseq=OURS, state="closed"),)),
    "before the request": landed(str(STARTED - 5 * MINUTE - 1)),
    "after the look": landed(str(STARTED + 6 * MINUTE + 1)),
}


@pytest.mark.parametrize("other", NOT_OURS.values(), ids=NOT_OURS)
async def test_what_differs_in_one_thing_is_somebody_else_s(other: dict[str, Any], tmp_path: Path) -> None:
    async with lost(tmp_path) as it:
        it.guard.console.on(LIST, page(other))
        await it.not_found()


@pytest.mark.parametrize("other", NOT_OURS.values(), ids=NOT_OURS)
async def test_somebody_else_s_does_not_keep_ours_from_being_found(
    other: dict[str, Any], tmp_path: Path
) -> None:
    async with lost(tmp_path) as it:
        mine = str(int(OURS) + 1)
        it.guard.console.on(LIST, page(other, landed(mine)))
        assert await it.create() == mine


async def test_what_the_journal_knows_is_another_launch_s(tmp_path: Path) -> None:
    async with lost(tmp_path) as it:
        other = new_op_id()
        it.guard.journal.open(other, Kind.LAUNCH, "the same again")
        it.guard.journal.advance(other, State.CREATED, dseq=Dseq(OURS))
        it.guard.console.on(LIST, page(landed()))
        await it.not_found()


@pytest.mark.parametrize("dseq", [STARTED - 5 * MINUTE, STARTED + 6 * MINUTE])
async def test_the_console_s_clock_may_be_five_minutes_off(dseq: int, tmp_path: Path) -> None:
    async with lost(tmp_path) as it:
        it.guard.console.on(LIST, page(landed(str(dseq))))
        assert await it.create() == str(dseq)


async def test_where_deployments_have_names_ours_is_found_by_it(tmp_path: Path) -> None:
    async with lost(tmp_path, generation=Generation.V2026_11) as it:
        # Its escrow is the Console's own affair there.
        named = deployment(OURS, name=it.permit.op_id, funds=1)
        it.guard.console.on(LIST, page(named), page())
        assert await it.create() == OURS
        assert it.guard.journal.sources(Dseq(OURS)) == Sources(LAUNCH.sdl, MANIFEST, 3)


async def test_where_deployments_have_names_another_name_is_not_ours(tmp_path: Path) -> None:
    async with lost(tmp_path, generation=Generation.V2026_11) as it:
        it.guard.console.on(LIST, page(landed(name=f"{it.permit.op_id}-2")))
        await it.not_found()
