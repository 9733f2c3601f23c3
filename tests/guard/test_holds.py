"""One operation at a time has a deployment in hand, in all processes that share the file; who lost it sends nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from scripted_console import (
    CLOSE,
    DSEQ,
    FUND,
    GET_SETTINGS,
    LAUNCH,
    LEASE,
    PROVIDER,
    READ,
    SET,
    UPDATE,
    Guarded,
    Told,
    approved,
    deployment,
    guarded,
    lease,
    refusal,
    settings,
)

from akash_mcp.clients.console.generation import Generation
from akash_mcp.errors import Busy, LedgerUnusable, Refused, TakenOver
from akash_mcp.guard.books.journal import State
from akash_mcp.guard.books.store import HOLD_SECONDS
from akash_mcp.guard.permits.launch_permit import LaunchPermit
from akash_mcp.guard.permits.lease_permit import Choice
from akash_mcp.guard.plans.contents import App, Contents
from akash_mcp.guard.plans.plans import ClosePlan, ExecPlan, FundPlan, LeasePlan, UpdatePlan
from akash_mcp.ids import LeaseId
from akash_mcp.money import Usd

pytestmark = pytest.mark.anyio

FUNDS = FundPlan(tool="add_funds", dseq=DSEQ, amount=Usd(1), ours=True)
LEASES = LeasePlan(tool="create_lease", dseq=DSEQ, providers=(PROVIDER,), max_usd_per_hour=Usd(1))
UPDATES = UpdatePlan(
    tool="update_deployment",
    dseq=DSEQ,
    sdl="b",
    manifest="[]",
    contents=Contents((App("web", "b"),)),
    ours=True,
)
CLOSES = ClosePlan(tool="close_deployment", dseq=DSEQ, ours=True)
RUNS = ExecPlan(
    tool="run_command",
    lease=LeaseId(DSEQ, 1, 1, PROVIDER),
    service="web",
    pod_index=0,
    argv=("true",),
    seconds=5,
    ours=True,
)
CHOICE = Choice(gseq=1, oseq=1, provider=PROVIDER, price_uact_per_block=Decimal(1000))
ACTS: dict[str, Callable[[Guarded], Awaitable[Any]]] = {
    "lease": lambda guard: guard.gate.lease(LEASES, approved(LEASES)),
    "fund": lambda guard: guard.gate.fund(FUNDS, approved(FUNDS)),
    "update": lambda guard: guard.gate.update(UPDATES, approved(UPDATES)),
}

DOES: dict[str, Callable[[Any], Awaitable[object]]] = {
    "lease": lambda permit: permit.lease([CHOICE]),
    "fund": lambda permit: permit.deposit(),
    "update": lambda permit: permit.update(),
}


@dataclasses.dataclass
class Two:
    """Two processes that share a file and go by one clock; the first's launch has created the deployment."""

    first: Guarded
    second: Guarded
    launch: LaunchPermit

    def sleep(self, seconds: float) -> None:
        self.first.clock[0] += seconds
        self.second.clock[0] = self.first.clock[0]

    def spending(self) -> list[str]:
        """What the first sent that acts on the deployment."""
        acting = (LEASE, FUND, UPDATE, SET, CLOSE)
        return [request.route for request in self.first.console.requests if request.route in acting]


@asynccontextmanager
async def two(folder: Path, generation: Generation = Generation.REFERENCE) -> AsyncIterator[Two]:
    plan = dataclasses.replace(LAUNCH, runtime_limit_hours=2 if generation is Generation.V2026_11 else None)
    async with (
        guarded(folder, generation=generation) as first,
        guarded(folder, generation=generation) as second,
    ):
        launch = await first.gate.launch(plan, approved(plan))
        await launch.create()
        yield Two(first, second, launch)


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
@pytest.mark.parametrize("process", ["first", "second"])
async def test_who_acts_on_what_another_has_in_hand_is_refused_and_told_which(
    process: str, act: Callable[[Guarded], Awaitable[Any]], tmp_path: Path
) -> None:
    async with two(tmp_path) as it:
        guard: Guarded = getattr(it, process)
        before = guard.written(), guard.ledger.status()
        with pytest.raises(Busy) as busy:
            await act(guard)
        assert busy.value.what == (
            f"Deployment {DSEQ} is in the hands of operation {it.launch.op_id} (launch: created)."
        )
        assert f'get_deployment(id="{it.launch.op_id}", wait_for="ready")' in busy.value.next_step
        assert busy.value.money == "No money moved."
        # Neither written down nor reserved: it never began.
        assert (guard.written(), guard.ledger.status()) == before
        with pytest.raises(Busy):
            guard.holds.check_free(DSEQ)


async def test_one_that_let_go_and_that_nobody_took_over_is_told_as_over(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        op_id = await guard.created()
        with pytest.raises(TakenOver, match=f"Operation {op_id} is over already"):
            guard.holds.keep(op_id, 1)


async def test_what_is_under_way_says_how_far_it_is(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        permit = await guard.gate.launch(LAUNCH, approved(LAUNCH))
        await permit.create()
        await permit.leasing(DSEQ).advance(State.OFFERED, "two offers")
        other = guard.holds.holder(DSEQ)
        assert other is not None
        assert str(other) == f"operation {permit.op_id} (launch: offered: two offers)"


async def test_one_that_is_over_is_in_nobody_s_way(tmp_path: Path) -> None:
    async with two(tmp_path) as it:
        it.first.holds.let_go(it.launch.op_id)
        it.second.holds.check_free(DSEQ)
        await (await it.second.gate.update(UPDATES, approved(UPDATES))).update()
        it.second.console.on(FUND, (200, deployment(funds=3_000_000)))
        await (await it.second.gate.fund(FUNDS, approved(FUNDS))).deposit()
        assert it.second.holds.holder(DSEQ) is None


async def test_a_refused_one_is_in_nobody_s_way(tmp_path: Path) -> None:
    async with two(tmp_path) as it:
        it.first.holds.let_go(it.launch.op_id)
        it.second.console.on(FUND, refusal(402))
        with pytest.raises(Exception, match="credit"):
            await (await it.second.gate.fund(FUNDS, approved(FUNDS))).deposit()
        assert it.second.holds.holder(DSEQ) is None


async def test_a_command_is_in_nobody_s_way_and_nobody_in_its(tmp_path: Path) -> None:
    async with two(tmp_path) as it:
        await it.second.gate.execute(RUNS, approved(RUNS))
        under_way = it.second.holds.holder(DSEQ)
        assert under_way is not None
        assert (under_way.op_id, under_way.kind, under_way.state) == (it.launch.op_id, "launch", "created")


async def test_a_process_that_died_lets_go_when_its_hold_has_run_out(tmp_path: Path) -> None:
    async with two(tmp_path) as it:
        it.sleep(HOLD_SECONDS - 0.001)
        with pytest.raises(Busy):
            await ACTS["fund"](it.second)
        it.sleep(0.001)
        assert it.second.holds.holder(DSEQ) is None
        await ACTS["fund"](it.second)


async def test_one_that_renews_keeps_it(tmp_path: Path) -> None:
    async with two(tmp_path) as it:
        for _ in range(10):
            it.sleep(HOLD_SECONDS / 3)
            it.first.holds.keep(it.launch.op_id, 1)
        with pytest.raises(Busy):
            await ACTS["fund"](it.second)


async def test_one_that_slept_while_nobody_took_it_goes_on(tmp_path: Path) -> None:
    async with two(tmp_path) as it:
        it.sleep(HOLD_SECONDS * 100)
        await it.launch.leasing(DSEQ).lease([CHOICE])
        assert it.spending() == [SET, LEASE]


@pytest.mark.parametrize("is_over", [False, True])
async def test_one_that_slept_while_another_acted_sends_nothing_more(is_over: bool, tmp_path: Path) -> None:
    async with two(tmp_path) as it:
        it.sleep(HOLD_SECONDS)
        permit = await it.second.gate.fund(FUNDS, approved(FUNDS))
        if is_over:
            it.second.console.on(FUND, (200, deployment(funds=3_000_000)))
            await permit.deposit()
            it.sleep(HOLD_SECONDS * 100)
        with pytest.raises(TakenOver, match=f"was taken over by operation {permit.op_id}") as taken:
            await it.launch.leasing(DSEQ).lease([CHOICE])
        assert taken.value.money == "This operation spends nothing more."
        assert it.spending() == []


async def test_closing_takes_it_over_at_once(tmp_path: Path) -> None:
    async with two(tmp_path) as it:
        closing = await it.second.gate.close(CLOSES, approved(CLOSES))
        with pytest.raises(TakenOver, match=f"is being closed meanwhile, by operation {closing.op_id}"):
            await it.launch.leasing(DSEQ).lease([CHOICE])
        it.second.console.on(READ, (200, deployment(state="closed", spent=0)))
        await closing.close()
        with pytest.raises(TakenOver, match="was closed meanwhile") as taken:
            it.first.holds.keep(it.launch.op_id, 1)
        assert f'get_deployment(id="{closing.op_id}")' in taken.value.next_step
        assert it.spending() == []


async def test_while_it_is_closed_nothing_else_begins(tmp_path: Path) -> None:
    async with two(tmp_path) as it:
        await it.second.gate.close(CLOSES, approved(CLOSES))
        for act in ACTS.values():
            with pytest.raises(Busy, match=r"\(close: planned\)"):
                await act(it.first)


async def test_closing_may_be_asked_for_twice(tmp_path: Path) -> None:
    async with two(tmp_path) as it:
        earlier, later = [await guard.gate.close(CLOSES, approved(CLOSES)) for guard in (it.first, it.second)]
        for guard in (it.first, it.second):
            guard.console.on(READ, (200, deployment(state="closed", spent=0)))
        with pytest.raises(TakenOver, match=f"is being closed meanwhile, by operation {later.op_id}"):
            it.first.holds.keep(earlier.op_id, 1)
        assert (await earlier.close()).dseq == (await later.close()).dseq == DSEQ


async def test_a_leased_one_whose_containers_are_waited_for_may_be_acted_on(tmp_path: Path) -> None:
    async with two(tmp_path) as it:
        await it.launch.leasing(DSEQ).lease([CHOICE])
        it.second.holds.check_free(DSEQ)
        permit = await it.second.gate.update(UPDATES, approved(UPDATES))
        with pytest.raises(TakenOver, match=permit.op_id):
            it.first.holds.keep(it.launch.op_id, 1)
        with pytest.raises(Busy, match="update"):
            await ACTS["fund"](it.first)


@pytest.mark.parametrize("kind", ["fund", "update", "lease"])
async def test_a_permit_whose_deployment_was_closed_sends_nothing_and_holds_nothing(
    kind: str, tmp_path: Path
) -> None:
    async with two(tmp_path) as it:
        it.first.holds.let_go(it.launch.op_id)
        held = it.first.ledger.held(DSEQ)
        permit = await ACTS[kind](it.first)
        await it.second.gate.close(CLOSES, approved(CLOSES))
        with pytest.raises(TakenOver):
            await DOES[kind](permit)
        assert it.spending() == []
        assert it.first.ledger.held(DSEQ) == held


async def test_hours_are_not_added_to_what_was_closed_since_they_were_looked_at(tmp_path: Path) -> None:
    hours = dataclasses.replace(FUNDS, more_hours=3)
    async with two(tmp_path, Generation.V2026_11) as it:
        it.first.holds.let_go(it.launch.op_id)
        permit = await it.first.gate.fund(hours, approved(hours))

        async def closed_meanwhile() -> Told:
            await it.second.gate.close(CLOSES, approved(CLOSES))
            return 200, settings(hours=2)

        it.first.console.on(GET_SETTINGS, closed_meanwhile)
        it.first.console.on(READ, (200, deployment(leases=(lease(price=1),))))
        with pytest.raises(TakenOver):
            await permit.deposit()
        assert it.spending() == []
        assert it.first.operation(permit.op_id).state is State.REFUSED


async def test_the_manifest_is_not_delivered_again_to_what_was_closed(tmp_path: Path) -> None:
    async with two(tmp_path) as it:
        leased = 200, deployment(leases=(lease(),))

        async def closed_meanwhile() -> Told:
            await it.second.gate.close(CLOSES, approved(CLOSES))
            return leased

        it.first.console.on(LEASE, None)
        it.first.console.on(READ, (200, deployment()), closed_meanwhile, leased)
        with pytest.raises(TakenOver):
            await it.launch.leasing(DSEQ).lease([CHOICE])
        assert it.spending() == [SET, LEASE]


async def test_what_a_launch_created_is_taken_from_whoever_found_it_first(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        foreign = dataclasses.replace(FUNDS, ours=False)
        launch = await guard.gate.launch(LAUNCH, approved(LAUNCH))
        permit = await guard.gate.fund(foreign, approved(foreign))
        await launch.create()
        with pytest.raises(TakenOver):
            await permit.deposit()
        assert not guard.console.sent(FUND)


async def test_a_closed_launch_stays_closed_whatever_its_work_says_later(tmp_path: Path) -> None:
    async with two(tmp_path) as it:
        it.second.journal.mark_closed(DSEQ, "proven closed")
        await it.launch.leasing(DSEQ).advance(State.LEASED, "late")
        operation = it.first.operation(it.launch.op_id)
        assert (operation.state, operation.note) == (State.CLOSED, "proven closed")


async def test_without_a_ledger_nothing_acts_and_closing_does(tmp_path: Path) -> None:
    async with two(tmp_path) as it:
        closing = await it.first.gate.close(CLOSES, approved(CLOSES))
        it.first.damage()
        with pytest.raises(LedgerUnusable):
            await it.launch.leasing(DSEQ).lease([CHOICE])
        it.first.console.on(READ, (200, deployment(state="closed", spent=0)))
        assert (await closing.close()).dseq == DSEQ
        assert it.spending() == [CLOSE]


async def test_what_was_refused_leaves_no_sources_behind(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        guard.console.on("POST /v1/deployments", refusal(402))
        secret = dataclasses.replace(LAUNCH, sdl="PASSWORD=hunter22")
        with pytest.raises(Exception, match="credit"):
            await (await guard.gate.launch(secret, approved(secret))).create()
        [row] = guard.store.read_now(lambda db: db.all("SELECT sdl, manifest, plan FROM operations"))
        assert tuple(row) == (None, None, None)


def test_busy_is_a_refusal_and_taken_over_is_not() -> None:
    # After `TakenOver` something of this operation may have been sent before.
    assert issubclass(Busy, Refused)
    assert not issubclass(TakenOver, Refused)
