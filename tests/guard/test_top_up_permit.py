"""The permit to switch automatic top-up: sent once where it spends, read back, reserved until the end of the run."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import anyio
import pytest
from scripted_console import (
    DSEQ,
    GET_SETTINGS,
    LAUNCH,
    READ,
    SET,
    Guarded,
    Told,
    approved,
    deployment,
    guarded,
    lease,
    refusal,
    runtime,
    settings,
)

from akash_mcp.clients.console.generation import Generation
from akash_mcp.errors import BadRequest, OutcomeUnknown, OverBudget, Refused
from akash_mcp.guard.books import journal, runs, sends, top_ups
from akash_mcp.guard.books.journal import State
from akash_mcp.guard.books.store import Db
from akash_mcp.guard.permits.lease_permit import LEASE as LEASE_STEP
from akash_mcp.guard.permits.top_up_permit import TopUpPermit
from akash_mcp.guard.plans.plans import FundPlan, TopUpPlan
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.money import Usd
from akash_mcp.workflow.recovery import recover
from akash_mcp.workflow.runtime import Intervals

pytestmark = pytest.mark.anyio

ALLOWED = Policy(allow_auto_top_up=True)
LEASED: Told = (200, deployment(leases=(lease(price=1000),)))  # at most $0.60 an hour
ON: Told = (200, settings(top_up=True))
OFF = TopUpPlan(tool="set_auto_top_up", dseq=DSEQ, enabled=False, ours=True)


async def leased(guard: Guarded, *, sent: bool = True) -> TopUpPlan:
    """The plan for a deployment that we created and leased: 5 hours at $0.60 are $3, of which $2 are held."""
    op_id = await guard.created(dataclasses.replace(LAUNCH, hours=4))
    guard.console.on(READ, LEASED)

    def write(db: Db) -> float:
        if sent:
            sends.begin(db, op_id, 1, LEASE_STEP, {})
            sends.answered(db, op_id, LEASE_STEP, "taken")
        journal.advance(db, op_id, State.READY)
        run = runs.find(db, DSEQ)
        assert run is not None
        return run.ends_at

    guard.store.run_now(lambda db: db.run("UPDATE operations SET lease_until = :now", now=db.now + 60))
    ends_at = guard.store.run_now(write)
    return TopUpPlan(
        tool="set_auto_top_up",
        dseq=DSEQ,
        enabled=True,
        ours=True,
        amount=Usd(1),
        total=Usd(3),
        hours=5,
        ends_at=int(ends_at),
    )


async def permit_of(guard: Guarded, plan: TopUpPlan) -> TopUpPermit:
    return await guard.gate.switch_top_up(plan, approved(plan))


def is_on(guard: Guarded) -> bool:
    return guard.store.read_now(top_ups.is_on, DSEQ)


async def test_on_is_sent_once_read_back_and_reserved(tmp_path: Path) -> None:
    async with guarded(tmp_path, policy=ALLOWED) as guard:
        plan = await leased(guard)
        guard.console.on(GET_SETTINGS, ON)
        permit = await permit_of(guard, plan)
        await permit.switch()
        assert [sent.body for sent in guard.console.sent(SET)] == [{"data": {"autoTopUpEnabled": True}}]
        assert guard.ledger.held(DSEQ) == Usd(3)
        assert guard.written()[-1] == ("top_up", "done", "")
        assert is_on(guard)


@pytest.mark.parametrize("answer", [(200, settings()), refusal(500), (200, {"dseq": DSEQ}), None])
async def test_on_that_does_not_read_as_on_is_unknown_and_stays_held(tmp_path: Path, answer: Told) -> None:
    async with guarded(tmp_path, policy=ALLOWED) as guard:
        plan = await leased(guard)
        guard.console.on(GET_SETTINGS, answer)
        with pytest.raises(OutcomeUnknown, match="is on now is not known"):
            await (await permit_of(guard, plan)).switch()
        assert guard.ledger.held(DSEQ) == Usd(3)
        assert guard.written()[-1][1] == "unknown"
        assert is_on(guard)


async def test_an_answer_that_was_lost_is_read_back_and_not_sent_again(tmp_path: Path) -> None:
    async with guarded(tmp_path, policy=ALLOWED) as guard:
        plan = await leased(guard)
        guard.console.on(SET, None)
        guard.console.on(GET_SETTINGS, ON)
        await (await permit_of(guard, plan)).switch()
        assert len(guard.console.sent(SET)) == 1
        assert guard.written()[-1][1] == "done"


async def test_a_refusal_that_reads_as_off_gives_back_what_was_reserved(tmp_path: Path) -> None:
    async with guarded(tmp_path, policy=ALLOWED) as guard:
        plan = await leased(guard)
        guard.console.on(SET, refusal(400, code="bad_request"))
        with pytest.raises(BadRequest):
            await (await permit_of(guard, plan)).switch()
        assert guard.ledger.held(DSEQ) == Usd(2)
        assert guard.written()[-1][1] == "refused"
        assert not is_on(guard)


async def test_a_refusal_that_cannot_be_read_back_counts_as_on(tmp_path: Path) -> None:
    async with guarded(tmp_path, policy=ALLOWED) as guard:
        plan = await leased(guard)
        guard.console.on(SET, refusal(400, code="bad_request"))
        guard.console.on(GET_SETTINGS, refusal(500))
        with pytest.raises(OutcomeUnknown):
            await (await permit_of(guard, plan)).switch()
        assert guard.ledger.held(DSEQ) == Usd(3)
        assert is_on(guard)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ((200, deployment(leases=(lease(price=1001),))), "can cost"),
        ((200, deployment(leases=(lease(price="none"),))), "not known"),
        ((200, deployment()), "not known"),
        ((200, deployment(state="closed")), "not known"),
    ],
)
async def test_what_costs_more_than_was_approved_or_nobody_knows_is_not_switched_on(
    tmp_path: Path, told: Told, why: str
) -> None:
    async with guarded(tmp_path, policy=ALLOWED) as guard:
        plan = await leased(guard)
        guard.console.on(READ, told)
        with pytest.raises(Refused, match=why):
            await (await permit_of(guard, plan)).switch()
        assert not guard.console.sent(SET)
        assert guard.ledger.held(DSEQ) == Usd(2)


async def test_the_policy_has_to_allow_it(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        plan = await leased(guard)
        with pytest.raises(Refused, match="policy does not allow automatic top-up"):
            await permit_of(guard, plan)
        await (await permit_of(guard, OFF)).switch()


async def test_what_this_server_did_not_lease_is_not_switched_on(tmp_path: Path) -> None:
    async with guarded(tmp_path, policy=ALLOWED) as guard:
        plan = await leased(guard, sent=False)
        with pytest.raises(Refused, match="was not created and leased by this server"):
            await permit_of(guard, plan)
        assert not guard.console.sent(SET)


async def test_a_run_that_ends_by_itself_is_not_topped_up(tmp_path: Path) -> None:
    async with guarded(tmp_path, policy=ALLOWED) as guard:
        plan = await leased(guard)
        guard.store.run_now(lambda db: db.run("UPDATE operations SET until = 'exit:web'"))
        with pytest.raises(Refused, match="ends by itself"):
            await permit_of(guard, plan)


async def test_an_end_that_moved_meanwhile_is_not_the_one_that_was_approved(tmp_path: Path) -> None:
    async with guarded(tmp_path, policy=ALLOWED) as guard:
        plan = await leased(guard)
        guard.store.run_now(runs.extend, DSEQ, 1)
        with pytest.raises(Refused, match="moved meanwhile"):
            await permit_of(guard, plan)
        assert guard.ledger.held(DSEQ) == Usd(2)


async def test_it_has_to_fit_the_budget(tmp_path: Path) -> None:
    async with guarded(
        tmp_path, policy=dataclasses.replace(ALLOWED, max_usd_per_deployment=Usd("2.5"))
    ) as guard:
        plan = await leased(guard)
        with pytest.raises(OverBudget):
            await permit_of(guard, plan)
        assert not guard.console.sent(SET)


async def test_while_it_is_on_the_end_of_the_run_does_not_move(tmp_path: Path) -> None:
    async with guarded(tmp_path, policy=ALLOWED) as guard:
        plan = await leased(guard)
        guard.console.on(GET_SETTINGS, ON)
        await (await permit_of(guard, plan)).switch()
        longer = FundPlan(tool="add_funds", dseq=DSEQ, amount=Usd(0), ours=True, run_hours=1)
        with pytest.raises(Refused, match="only the end of its run bounds"):
            await guard.gate.fund(longer, approved(longer))
        guard.console.on(GET_SETTINGS, (200, settings()))
        await (await permit_of(guard, OFF)).switch()
        await guard.gate.fund(longer, approved(longer))


async def test_off_is_read_back_and_needs_no_budget(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        await leased(guard)
        guard.console.on(SET, refusal(500), (200, settings()))
        await (await permit_of(guard, OFF)).switch()
        assert [sent.body for sent in guard.console.sent(SET)] == [{"data": {"autoTopUpEnabled": False}}] * 2
        assert guard.written()[-1] == ("top_up", "done", "")
        assert not is_on(guard)


async def test_off_that_still_reads_as_on_is_refused(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        await leased(guard)
        guard.console.on(GET_SETTINGS, ON)
        with pytest.raises(Refused, match="still reads as on"):
            await (await permit_of(guard, OFF)).switch()


async def test_off_that_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        await leased(guard)
        guard.console.on(GET_SETTINGS, refusal(500))
        with pytest.raises(OutcomeUnknown, match="is off now is not known"):
            await (await permit_of(guard, OFF)).switch()


async def test_settings_are_read_of_what_somebody_elses_deployment_was_switched_off_here(
    tmp_path: Path,
) -> None:
    async with guarded(tmp_path) as guard:
        assert await guard.gate.read_settings(DSEQ) is None
        assert not guard.console.sent(GET_SETTINGS)
        plan = dataclasses.replace(OFF, ours=False)
        await (await permit_of(guard, plan)).switch()
        found = await guard.gate.read_settings(DSEQ)
        assert found is not None
        assert found.auto_top_up_enabled is False


@pytest.mark.parametrize("generation", [Generation.V2025, Generation.V2026_11])
async def test_another_generation_than_was_planned_for_is_sent_nothing(
    tmp_path: Path, generation: Generation
) -> None:
    async with guarded(tmp_path, policy=ALLOWED) as guard:
        plan = await leased(guard)
    async with guarded(tmp_path, policy=ALLOWED, generation=generation) as guard:
        guard.console.on(READ, LEASED)
        with pytest.raises(Refused):
            await (await permit_of(guard, plan)).switch()
        assert not guard.console.sent(SET)
        assert guard.ledger.held(DSEQ) == Usd(2)


@pytest.mark.parametrize(
    ("now", "seconds", "state", "held"),
    [
        (ON, 0, "done", 3),
        ((200, settings()), 0, "unknown", 3),
        ((200, settings()), 121, "refused", 2),
        (refusal(500), 121, "unknown", 3),
    ],
)
async def test_what_was_sent_before_is_looked_up(
    tmp_path: Path, now: Told, seconds: int, state: str, held: int
) -> None:
    async with guarded(tmp_path, policy=ALLOWED) as guard:
        plan = await leased(guard)
        guard.console.on(GET_SETTINGS, refusal(500))
        guard.console.on(SET, None)
        permit = await permit_of(guard, plan)
        with pytest.raises(OutcomeUnknown):
            await permit.switch()
        guard.console.on(GET_SETTINGS, now)
        guard.clock[0] += seconds
        operation = guard.operation(permit.op_id)
        again = await guard.gate.carry_on(operation, operation.epoch)
        assert isinstance(again, TopUpPermit)
        if state == "unknown":
            with pytest.raises(OutcomeUnknown):
                await again.look_up()
        else:
            await again.look_up()
        assert guard.written()[-1][1] == state
        assert guard.ledger.held(DSEQ) == Usd(held)
        assert len(guard.console.sent(SET)) == 1
        assert is_on(guard) is (state != "refused")


async def test_what_was_never_sent_is_given_back(tmp_path: Path) -> None:
    async with guarded(tmp_path, policy=ALLOWED) as guard:
        plan = await leased(guard)
        permit = await permit_of(guard, plan)
        await permit.look_up()
        assert guard.written()[-1][:2] == ("top_up", "refused")
        assert guard.ledger.held(DSEQ) == Usd(2)
        assert not guard.console.sent(SET)


async def test_a_stopped_server_leaves_it_to_the_next_which_looks_it_up(tmp_path: Path) -> None:
    async with guarded(tmp_path, policy=ALLOWED) as guard, anyio.create_task_group() as tasks:
        plan = await leased(guard)
        guard.console.on(SET, None)
        guard.console.on(GET_SETTINGS, refusal(500))
        permit = await permit_of(guard, plan)
        with pytest.raises(OutcomeUnknown):
            await permit.switch()
        guard.console.on(GET_SETTINGS, ON)
        guard.clock[0] += 200
        rt = runtime(guard, tasks, Intervals(), anyio.sleep)
        taken = await recover(rt)
        assert [running.op_id for running in taken] == [permit.op_id]
        await taken[0].ended()
        assert guard.written()[-1][:2] == ("top_up", "done")
        assert len(guard.console.sent(SET)) == 1


async def test_a_ledger_that_cannot_be_read_knows_of_no_escrow_that_ends_it(tmp_path: Path) -> None:
    async with guarded(tmp_path, policy=ALLOWED) as guard:
        await leased(guard)
        assert not await guard.gate.is_topped_up(DSEQ)
        guard.damage()
        assert await guard.gate.is_topped_up(DSEQ)
