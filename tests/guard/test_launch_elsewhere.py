"""The permit to go on at another provider: only after what we closed ourselves, and only with what it left."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from scripted_console import (
    CLOSE,
    CREATE,
    DSEQ,
    LAUNCH,
    MANIFEST,
    READ,
    Guarded,
    Told,
    approved,
    deployment,
    guarded,
    lease,
    refusal,
)

from akash_mcp.errors import AkashError, NotApproved, OverBudget, Refused
from akash_mcp.guard.books.journal import State
from akash_mcp.guard.permits.close_permit import Unwound
from akash_mcp.guard.permits.launch_permit import LaunchPermit
from akash_mcp.guard.plans.plans import ClosePlan, LaunchPlan
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.money import Usd

pytestmark = pytest.mark.anyio

COST = Usd("0.25")
REST = dataclasses.replace(LAUNCH, deposit=LAUNCH.deposit - COST)
ENDED = (lease(state="closed"),)
CLOSED: Told = (200, deployment(leases=ENDED, state="closed", spent=250_000))
UNPAID: Told = (
    200,
    deployment(leases=ENDED, state="closed") | {"escrow_account": {"state": {"transferred": []}}},
)


async def failed(guard: Guarded, read: Told = CLOSED) -> tuple[LaunchPermit, Unwound]:
    """A launch whose provider failed: closed, or not proven to be."""
    guard.console.on(CREATE, (201, {"dseq": DSEQ, "manifest": MANIFEST}))
    permit = await guard.gate.launch(LAUNCH, approved(LAUNCH))
    await permit.create()
    guard.console.on(CLOSE, (200, {"success": True}))
    guard.console.on(READ, read)
    return permit, await permit.abandoning(DSEQ).unwind(AkashError("Its provider failed."))


async def test_what_is_left_is_held_by_an_operation_that_follows_the_first(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        permit, unwound = await failed(guard)
        assert unwound.spent == COST
        second = await guard.gate.launch_elsewhere(permit, REST)
        assert second.op_id != permit.op_id
        assert second.plan == REST
        budget = guard.ledger.status()
        assert (budget.held, budget.today) == (REST.deposit, LAUNCH.deposit)
        assert budget.live_deployments == 1
        assert guard.journal.newest(permit.op_id).op_id == second.op_id
        assert [each.op_id for each in guard.journal.before(second.op_id)] == [permit.op_id]
        assert guard.journal.goes_on_as(DSEQ).op_id == second.op_id
        assert guard.operation(second.op_id).note.endswith(f"{permit.op_id}, whose provider failed")


@pytest.mark.parametrize(
    "plan",
    [
        dataclasses.replace(REST, max_usd_per_hour=REST.max_usd_per_hour + Usd("0.01")),
        dataclasses.replace(REST, sdl="version: '2.1'"),
        dataclasses.replace(REST, groups=2),
        dataclasses.replace(REST, tool="create_deployment"),
    ],
)
async def test_another_plan_than_was_approved_opens_nothing(plan: LaunchPlan, tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        permit, _ = await failed(guard)
        with pytest.raises(NotApproved):
            await guard.gate.launch_elsewhere(permit, plan)
        assert len(guard.written()) == 1


async def test_a_micro_dollar_more_than_was_approved_is_refused(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        permit, _ = await failed(guard)
        more = dataclasses.replace(REST, deposit=REST.deposit + Usd.from_uact(1))
        with pytest.raises(Refused, match="over the approved"):
            await guard.gate.launch_elsewhere(permit, more)
        assert guard.ledger.status().held == Usd(0)


@pytest.mark.parametrize("read", [(200, deployment(leases=(lease(),))), refusal(500), UNPAID])
async def test_what_is_not_proven_closed_or_cost_nobody_knows_what_is_followed_by_nothing(
    read: Told, tmp_path: Path
) -> None:
    async with guarded(tmp_path) as guard:
        permit, unwound = await failed(guard, read)
        assert unwound.spent is None
        with pytest.raises(Refused, match="not proven closed, or what it cost is not known"):
            await guard.gate.launch_elsewhere(permit, REST)
        assert guard.ledger.held(DSEQ) == LAUNCH.deposit


async def test_what_somebody_else_closed_meanwhile_is_followed_by_nothing(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        guard.console.on(CREATE, (201, {"dseq": DSEQ, "manifest": MANIFEST}))
        permit = await guard.gate.launch(LAUNCH, approved(LAUNCH))
        await permit.create()
        guard.console.on(CLOSE, (200, {"success": True}))
        guard.console.on(READ, CLOSED)
        plan = ClosePlan(tool="close_deployment", dseq=DSEQ, ours=True)
        await (await guard.gate.close(plan, approved(plan))).close()
        assert guard.operation(permit.op_id).state is State.CLOSED
        with pytest.raises(Refused, match="closed by somebody else"):
            await guard.gate.launch_elsewhere(permit, REST)


async def test_a_share_that_was_given_to_others_meanwhile_is_over_budget(tmp_path: Path) -> None:
    policy = Policy(max_usd_per_day=LAUNCH.deposit)
    async with guarded(tmp_path, policy=policy) as guard:
        permit, _ = await failed(guard)
        other = dataclasses.replace(
            LAUNCH, deposit=Usd(1), sdl="version: '2.1'"
        )  # of the 1.75 that are free now
        await guard.gate.launch(other, approved(other))
        with pytest.raises(OverBudget):
            await guard.gate.launch_elsewhere(permit, REST)
        assert guard.journal.newest(permit.op_id).op_id == permit.op_id
        assert guard.journal.goes_on_as(DSEQ) is None


@pytest.mark.parametrize(("first", "second"), [("builder", ""), ("", "builder"), ("builder", "tester")])
async def test_what_one_agent_launched_is_not_gone_on_with_out_of_the_budget_of_another(
    first: str, second: str, tmp_path: Path
) -> None:
    async with guarded(tmp_path) as guard:
        guard.store.agent = first
        permit, _ = await failed(guard)
        guard.store.agent = second
        with pytest.raises(Refused, match="another agent"):
            await guard.gate.launch_elsewhere(permit, REST)
        assert [each.agent for each in guard.journal.recent(0.0)] == [first]
        assert guard.ledger.status().held == Usd(0)
