"""What does not show is only certain not to be there after a time, and no clock that jumps makes that time pass.

Until then a creation without an answer holds its money and its slot; from then on both are free again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from scripted_console import (
    CREATE,
    DSEQ,
    FUND,
    LAUNCH,
    LIST,
    READ,
    Guarded,
    approved,
    deployment,
    guarded,
    refusal,
    runtime,
)

from akash_mcp.clients.service_clock import ServiceClock
from akash_mcp.errors import AkashError
from akash_mcp.guard.books.clock import ConsoleClock
from akash_mcp.guard.books.journal import State
from akash_mcp.guard.plans.plans import FundPlan
from akash_mcp.money import Usd
from akash_mcp.workflow.recovery import recover
from akash_mcp.workflow.runtime import Intervals, Runtime

pytestmark = pytest.mark.anyio

DAY = 86_400.0
LOST = refusal(504, "Gateway timeout")


async def asleep(seconds: float) -> None:
    await anyio.lowlevel.checkpoint()


@asynccontextmanager
async def running(guard: Guarded) -> AsyncIterator[Runtime]:
    async with anyio.create_task_group() as tasks:
        yield runtime(guard, tasks, Intervals(), asleep)
        tasks.cancel_scope.cancel()


@dataclasses.dataclass
class Clocks:
    """The two clocks of a guard, which go together until one of them jumps."""

    guard: Guarded
    heard: ServiceClock
    passed: list[float]

    def pass_by(self, seconds: float) -> None:
        self.guard.clock[0] += seconds
        self.passed[0] += seconds

    def jump(self, whose: str) -> None:
        """One of the two is a day ahead from now on."""
        if whose == "ours":
            self.guard.clock[0] += DAY
        else:
            self.heard.hear(self.guard.clock[0] + DAY, sent=self.passed[0])


def clocks(guard: Guarded) -> Clocks:
    passed = [0.0]
    heard = ServiceClock(lambda: passed[0])
    heard.hear(guard.clock[0], sent=0.0)
    guard.store.clock = ConsoleClock(heard, lambda: guard.clock[0])
    return Clocks(guard, heard, passed)


async def left_unknown(guard: Guarded, number: int = 1) -> None:
    """Creations of which nobody knows what became of them, whose server is gone."""
    guard.console.on(CREATE, LOST)
    for each in range(number):
        plan = dataclasses.replace(LAUNCH, deposit=LAUNCH.deposit - Usd.from_uact(each))
        permit = await guard.gate.launch(plan, approved(plan))
        with pytest.raises(AkashError):
            await permit.create()
        guard.store.run_now(lambda db: db.run("UPDATE operations SET lease_until = 0, retry_at = NULL"))


async def looked(guard: Guarded) -> list[str]:
    """What every operation is after somebody came and looked."""
    guard.store.run_now(
        lambda db: db.run("UPDATE operations SET retry_at = NULL WHERE lease_until IS NOT NULL")
    )
    async with running(guard) as rt:
        for work in await recover(rt):
            await work.ended()
    return [state for _, state, _ in guard.written()]


async def test_five_creations_of_which_nothing_is_known_get_their_slots_back_once_that_is_certain(
    tmp_path: Path,
) -> None:
    async with guarded(tmp_path) as guard:
        await left_unknown(guard, 5)
        assert guard.ledger.status().live_deployments == 5
        assert await looked(guard) == [State.UNKNOWN] * 5
        guard.clock[0] += Intervals().lookup_certain
        guard.console.on(LIST, refusal(500))
        assert await looked(guard) == [State.UNKNOWN] * 5  # a list that cannot be read proves nothing
        guard.console.on(LIST, (200, {"deployments": [], "pagination": {}}))
        assert await looked(guard) == [State.REFUSED] * 5
        assert (guard.ledger.status().live_deployments, guard.ledger.status().held) == (0, Usd(0))
        assert len(guard.console.sent(CREATE)) == 5


@pytest.mark.parametrize("whose", ["ours", "the Console's"])
async def test_no_clock_that_jumps_makes_it_certain_that_nothing_was_created(
    whose: str, tmp_path: Path
) -> None:
    async with guarded(tmp_path) as guard:
        both = clocks(guard)
        await left_unknown(guard)
        both.jump(whose)
        assert await looked(guard) == [State.UNKNOWN]
        assert guard.ledger.status().held == LAUNCH.deposit
        both.pass_by(Intervals().lookup_certain + 1)
        assert await looked(guard) == [State.REFUSED]


@pytest.mark.parametrize("whose", ["ours", "the Console's"])
async def test_no_clock_that_jumps_makes_it_certain_that_no_money_came_in(whose: str, tmp_path: Path) -> None:
    plan = FundPlan(tool="add_funds", dseq=DSEQ, amount=Usd(1), ours=True)
    async with guarded(tmp_path) as guard:
        both = clocks(guard)
        await guard.created()
        guard.console.on(READ, (200, deployment()))
        guard.console.on(FUND, LOST)
        permit = await guard.gate.fund(plan, approved(plan))
        with pytest.raises(AkashError):
            await permit.deposit()
        guard.store.run_now(lambda db: db.run("UPDATE operations SET lease_until = 0 WHERE kind = 'fund'"))
        both.jump(whose)
        assert (await looked(guard))[-1] == State.UNKNOWN
        both.pass_by(Intervals().certain + 1)
        assert (await looked(guard))[-1] == State.REFUSED
