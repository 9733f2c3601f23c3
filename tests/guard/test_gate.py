"""The gate: one approved plan, inside the limits, reserved and written down, or nothing at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from scripted_console import (
    CREATE,
    DSEQ,
    FUND,
    LAUNCH,
    PROVIDER,
    Guarded,
    approved,
    guarded,
    refusal,
)

from akash_mcp.errors import (
    AkashError,
    BadArgument,
    LedgerUnusable,
    NotApproved,
    OutcomeUnknown,
    OverBudget,
    PaymentRequired,
)
from akash_mcp.guard.approval.approval import Approval
from akash_mcp.guard.books.journal import OperationExists, State
from akash_mcp.guard.books.ledger import Ledger
from akash_mcp.guard.plans.contents import App, Contents
from akash_mcp.guard.plans.plans import ClosePlan, ExecPlan, FundPlan, LeasePlan, Plan, UpdatePlan
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.ids import LeaseId
from akash_mcp.money import ZERO, Usd

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

Pass = Callable[[Guarded, Approval], Awaitable[Any]]
GATES: dict[str, tuple[Plan, Pass]] = {
    "launch": (LAUNCH, lambda guard, yes: guard.gate.launch(LAUNCH, yes)),
    "lease": (LEASES, lambda guard, yes: guard.gate.lease(LEASES, yes)),
    "fund": (FUNDS, lambda guard, yes: guard.gate.fund(FUNDS, yes)),
    "update": (UPDATES, lambda guard, yes: guard.gate.update(UPDATES, yes)),
    "close": (CLOSES, lambda guard, yes: guard.gate.close(CLOSES, yes)),
    "exec": (RUNS, lambda guard, yes: guard.gate.execute(RUNS, yes)),
}


async def created(guard: Guarded) -> None:
    await guard.created()


@pytest.mark.parametrize(("plan", "go"), GATES.values(), ids=GATES)
async def test_a_yes_to_another_plan_opens_nothing(plan: Plan, go: Pass, tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        await created(guard)
        before = guard.written(), guard.ledger.status(), len(guard.console.requests)
        other = approved(dataclasses.replace(plan, tool="another"))
        with pytest.raises(NotApproved, match="another plan"):
            await go(guard, other)
        assert (guard.written(), guard.ledger.status(), len(guard.console.requests)) == before


@pytest.mark.parametrize(("plan", "go"), GATES.values(), ids=GATES)
async def test_a_yes_to_the_plan_is_written_down_before_anything_is_sent(
    plan: Plan, go: Pass, tmp_path: Path
) -> None:
    async with guarded(tmp_path) as guard:
        await created(guard)
        sent = len(guard.console.requests)
        permit = await go(guard, approved(plan))
        kind, state, note = guard.written()[-1]
        expected = ("planned", "") if kind == "close" else ("reserved", "approved by auto")
        assert (state, note) == expected
        assert len(guard.console.requests) == sent
        operation = guard.operation(permit.op_id)
        assert operation.kind == kind
        assert operation.summary == plan.record
        assert operation.dseq == (None if plan is LAUNCH else DSEQ)


@pytest.mark.parametrize("name", ["lease", "update", "close", "exec"])
async def test_what_costs_nothing_reserves_nothing(name: str, tmp_path: Path) -> None:
    plan, go = GATES[name]
    async with guarded(tmp_path) as guard:
        await created(guard)
        await go(guard, approved(plan))
        rows = guard.store.read_now(lambda db: db.all("SELECT amount_uact FROM reservations"))
        assert [row["amount_uact"] for row in rows] == [LAUNCH.deposit.uact]


async def test_what_it_may_cost_is_reserved_for_its_deployment(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        await created(guard)
        assert guard.ledger.held(DSEQ) == Usd(2)
        await guard.gate.fund(FUNDS, approved(FUNDS))
        assert guard.ledger.held(DSEQ) == Usd(3)
        assert guard.ledger.status().live_deployments == 1


async def test_the_limit_itself_is_allowed_and_a_millionth_more_is_not(tmp_path: Path) -> None:
    async with guarded(tmp_path, policy=Policy(max_usd_per_deployment=Usd(2))) as guard:
        more = dataclasses.replace(LAUNCH, deposit=Usd("2.000001"))
        with pytest.raises(OverBudget):
            await guard.gate.launch(more, approved(more))
        assert guard.ledger.status().held == ZERO
        kind, state, note = guard.written()[-1]
        assert (kind, state) == ("launch", "refused")
        assert "over the limit of $2.00" in note
        await guard.gate.launch(LAUNCH, approved(LAUNCH))
        assert guard.ledger.status().held == Usd(2)


async def test_the_day_s_limit_itself_is_allowed(tmp_path: Path) -> None:
    async with guarded(tmp_path, policy=Policy(max_usd_per_day=Usd(4))) as guard:
        for _ in range(2):
            await guard.gate.launch(LAUNCH, approved(LAUNCH))
        assert guard.ledger.status().left_today == ZERO
        with pytest.raises(OverBudget):
            await guard.gate.fund(FUNDS, approved(FUNDS))


async def test_a_refusal_gives_the_reservation_back(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        guard.console.on(CREATE, refusal(402, "Not enough balance."))
        with pytest.raises(PaymentRequired):
            await (await guard.gate.launch(LAUNCH, approved(LAUNCH))).create()
        assert guard.ledger.status().today == ZERO
        kind, state, note = guard.written()[-1]
        assert (kind, state) == ("launch", "refused")
        assert "credit" in note


@pytest.mark.parametrize("answer", [None, refusal(500)], ids=["no answer", "an error"])
async def test_an_unknown_outcome_stays_held(answer: tuple[int, object] | None, tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        await created(guard)
        guard.console.on(FUND, answer)
        with pytest.raises(OutcomeUnknown):
            await (await guard.gate.fund(FUNDS, approved(FUNDS))).deposit()
        assert guard.ledger.held(DSEQ) == Usd(3)
        assert guard.written()[-1][:2] == ("fund", "unknown")


async def test_what_others_created_is_not_leased(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        with pytest.raises(BadArgument, match="was not created by this server"):
            await guard.gate.lease(LEASES, approved(LEASES))
        assert guard.written() == []


async def test_a_lease_is_bound_to_the_rate_of_its_plan(tmp_path: Path) -> None:
    cheap = dataclasses.replace(LEASES, max_usd_per_hour=Usd("0.01"))
    async with guarded(tmp_path) as guard:
        await created(guard)
        assert await guard.gate.owns(DSEQ)
        permit = await guard.gate.lease(cheap, approved(cheap))
        assert permit._max_usd_per_hour == Usd("0.01")


async def test_a_damaged_ledger_owns_nothing_and_spends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with guarded(tmp_path) as guard:
        await created(guard)
        guard.damage()
        assert await guard.gate.owns(DSEQ) is False
        with pytest.raises(LedgerUnusable):
            await guard.gate.fund(FUNDS, approved(FUNDS))
        assert not guard.console.sent(FUND)
    assert "ownership of a deployment is unknown" in caplog.text


@pytest.mark.parametrize(("plan", "go"), GATES.values(), ids=GATES)
async def test_the_same_yes_opens_one_operation_and_holds_once(plan: Plan, go: Pass, tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        await created(guard)
        yes = approved(plan)
        await go(guard, yes)
        before = guard.written(), guard.ledger.status(), len(guard.console.requests)
        with pytest.raises(OperationExists) as used:
            await go(guard, yes)
        assert used.value.op_id == yes.op_id
        # It is not a refusal: the deed may have been done.
        assert not isinstance(used.value, AkashError)
        assert (guard.written(), guard.ledger.status(), len(guard.console.requests)) == before


async def test_a_yes_that_was_refused_stays_used(tmp_path: Path) -> None:
    async with guarded(tmp_path, policy=Policy(max_usd_per_day=Usd(3))) as guard:
        await guard.gate.launch(LAUNCH, approved(LAUNCH))
        yes = approved(LAUNCH)
        with pytest.raises(OverBudget):
            await guard.gate.launch(LAUNCH, yes)
        assert guard.operation(yes.op_id).state is State.REFUSED
        with pytest.raises(OperationExists):
            await guard.gate.launch(LAUNCH, yes)
        assert guard.ledger.status().held == Usd(2)


async def test_what_breaks_while_it_is_let_in_leaves_nothing_behind_and_the_yes_unused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Ledger, *_: object, **__: object) -> None:
        raise LedgerUnusable("the disk is full")

    async with guarded(tmp_path) as guard:
        yes = approved(LAUNCH)
        with monkeypatch.context() as broken:
            broken.setattr(Ledger, "reserve", full)
            with pytest.raises(LedgerUnusable):
                await guard.gate.launch(LAUNCH, yes)
        assert guard.written() == []
        assert (await guard.gate.launch(LAUNCH, yes)).op_id == yes.op_id
        assert guard.ledger.status().held == Usd(2)


async def test_of_many_processes_with_one_yes_one_gets_through(tmp_path: Path) -> None:
    yes = approved(LAUNCH)
    async with AsyncExitStack() as processes:
        guards = [await processes.enter_async_context(guarded(tmp_path)) for _ in range(4)]
        let_in = []
        for guard in guards:
            with suppress(OperationExists):
                let_in.append(await guard.gate.launch(LAUNCH, yes))
        assert len(let_in) == 1
        assert guards[-1].ledger.status().held == Usd(2)
        assert [kind for kind, _, _ in guards[-1].written()] == ["launch"]
