"""Runs: a deployment has an end, which only an approved operation moves, and which closes what is ours and due."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from pathlib import Path

import pytest
from scripted_console import (
    CLOSE,
    DSEQ,
    FUND,
    LAUNCH,
    PROVIDER,
    READ,
    Guarded,
    approved,
    deployment,
    guarded,
    lease,
)

from akash_mcp.errors import Busy, OutcomeUnknown, OverBudget, Refused
from akash_mcp.guard.books import runs
from akash_mcp.guard.books.duties import give_up, take
from akash_mcp.guard.books.journal import State
from akash_mcp.guard.books.runs import Run
from akash_mcp.guard.books.store import Store
from akash_mcp.guard.permits.lease_permit import Choice
from akash_mcp.guard.plans.plans import ClosePlan, FundPlan
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.ids import Dseq
from akash_mcp.money import ZERO, Usd

pytestmark = pytest.mark.anyio

HOUR = 3600.0
CHOICE = Choice(gseq=1, oseq=1, provider=PROVIDER, price_uact_per_block=Decimal(1000))
LONGER = FundPlan(tool="add_funds", dseq=DSEQ, amount=ZERO, ours=True, run_hours=5)


def end(guard: Guarded, dseq: Dseq = DSEQ) -> float:
    """Seconds from now to the end of a run."""
    run: Run | None = guard.store.read_now(runs.find, dseq)
    assert run is not None
    return run.ends_at - float(guard.clock[0])


def due(guard: Guarded) -> list[Dseq]:
    found: list[Dseq] = guard.store.read_now(runs.due)
    return found


async def test_a_run_is_counted_from_its_creation_and_again_from_its_first_lease(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        permit = await guard.gate.launch(LAUNCH, approved(LAUNCH))
        await permit.create()
        assert end(guard) == 24 * HOUR
        guard.clock[0] += 200
        leasing = permit.leasing(DSEQ)
        await leasing.lease([CHOICE])
        assert end(guard) == 24 * HOUR
        guard.clock[0] += 300
        detail = await guard.reader.get_deployment(DSEQ)
        await leasing.accept(detail)  # proven once more, by whoever took it up
        assert end(guard) == 24 * HOUR - 300


async def test_the_time_to_the_next_end_is_that_of_a_run_that_is_not_over(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        assert guard.store.read_now(runs.seconds_left) is None
        await guard.created()
        guard.clock[0] += HOUR
        assert guard.store.read_now(runs.seconds_left) == 23 * HOUR
        guard.clock[0] += 23 * HOUR
        assert guard.store.read_now(runs.seconds_left) is None
        assert due(guard) == [DSEQ]


async def test_an_end_is_moved_once_by_an_approved_operation_and_nothing_is_sent(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        await guard.created()
        permit = await guard.gate.fund(LONGER, approved(LONGER))
        held = guard.ledger.held(DSEQ)
        await permit.deposit()
        assert end(guard) == 29 * HOUR
        assert (guard.console.sent(FUND), guard.ledger.held(DSEQ)) == ([], held)
        assert guard.operation(permit.op_id).state is State.DONE


async def test_a_move_that_was_cut_off_before_it_was_written_down_moved_nothing(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        await guard.created()
        permit = await guard.gate.fund(LONGER, approved(LONGER))
        assert await permit.look_up() is None
        assert end(guard) == 24 * HOUR
        assert guard.operation(permit.op_id).state is State.REFUSED


async def test_money_that_landed_without_an_answer_moves_the_end_when_that_is_found(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        await guard.created()
        plan = FundPlan(tool="add_funds", dseq=DSEQ, amount=Usd(1), ours=True, run_hours=5)
        permit = await guard.gate.fund(plan, approved(plan))
        guard.console.on(FUND, None)
        with pytest.raises(OutcomeUnknown):
            await permit.deposit()
        assert end(guard) == 24 * HOUR
        guard.console.on(READ, (200, deployment(funds=3_000_000)))
        assert await permit.look_up() is not None
        assert end(guard) == 29 * HOUR


async def test_more_hours_than_the_user_allows_are_refused_by_the_gate_too(tmp_path: Path) -> None:
    async with guarded(tmp_path, policy=Policy(max_hours=23)) as guard:
        with pytest.raises(OverBudget, match="24 hours are over the user's limit of 23"):
            await guard.gate.launch(LAUNCH, approved(LAUNCH))


async def test_of_two_moves_that_fit_by_themselves_and_not_together_the_gate_lets_one_in(
    tmp_path: Path,
) -> None:
    other = dataclasses.replace(LONGER, tool="add_funds", run_hours=6)
    async with guarded(tmp_path, policy=Policy(max_hours=30)) as guard:
        await guard.created()
        yeses = [(plan, approved(plan)) for plan in (LONGER, other)]
        await (await guard.gate.fund(*yeses[0])).deposit()
        with pytest.raises(OverBudget, match="35 hours in all, over the user's limit of 30"):
            await guard.gate.fund(*yeses[1])
        assert end(guard) == 29 * HOUR
        assert guard.written()[-1][:2] == ("fund", "refused")


async def test_what_is_due_is_closed_without_a_question_and_what_is_not_due_is_refused(
    tmp_path: Path,
) -> None:
    async with guarded(tmp_path) as guard:
        await guard.created()
        with pytest.raises(Refused, match="is not over"):
            await guard.gate.end_run(DSEQ)
        guard.clock[0] += 24 * HOUR
        assert due(guard) == [DSEQ]
        permit = await guard.gate.end_run(DSEQ)
        guard.console.on(READ, (200, deployment(state="closed", spent=250_000)))
        assert (await permit.close()).spent == Usd("0.25")
        assert guard.ledger.status().live_deployments == 0
        assert (due(guard), len(guard.console.sent(CLOSE))) == ([], 1)
        assert "approved to run until 2025-11-22" in guard.operation(permit.op_id).summary


async def test_what_this_server_did_not_create_has_no_end(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        guard.clock[0] += 1000 * HOUR
        with pytest.raises(Refused, match="is not over"):
            await guard.gate.end_run(Dseq("9999999999999"))


async def test_two_never_close_one_at_once(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        await guard.created()
        guard.clock[0] += 24 * HOUR
        await guard.gate.end_run(DSEQ)
        assert due(guard) == []
        with pytest.raises(Busy, match="being closed already"):
            await guard.gate.end_run(DSEQ)


async def test_a_close_that_a_person_asked_for_is_left_to_that(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        await guard.created()
        plan = ClosePlan(tool="close_deployment", dseq=DSEQ, ours=True)
        await guard.gate.close(plan, approved(plan))
        guard.clock[0] += 24 * HOUR
        assert due(guard) == []


async def test_the_settings_are_asked_for_only_after_ours_were_made(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        permit = await guard.gate.launch(LAUNCH, approved(LAUNCH))
        await permit.create()
        assert await guard.gate.read_settings(DSEQ) is None
        await permit.leasing(DSEQ).lease([CHOICE])
        settings = await guard.gate.read_settings(DSEQ)
        assert settings is not None
        assert settings.auto_top_up_enabled is False
        assert guard.operation(permit.op_id).state is State.LEASED


async def test_what_reads_as_closed_is_settled_by_that_reading(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        op_id = await guard.created()
        guard.console.on(READ, (200, deployment(state="closed", spent=250_000)))
        closed = await guard.gate.settle(await guard.reader.get_deployment(DSEQ))
        assert closed is not None
        assert closed.spent == Usd("0.25")
        assert (guard.operation(op_id).state, guard.ledger.status().live_deployments) == (State.CLOSED, 0)
        assert guard.console.sent(CLOSE) == []
        assert await guard.gate.settle(await guard.reader.get_deployment(DSEQ)) is None


async def test_what_contradicts_itself_is_not_settled(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        await guard.created()
        told = deployment(state="closed", leases=(lease(),), manifest_hash="x")
        guard.console.on(READ, (200, told))
        with pytest.raises(OutcomeUnknown, match="not proven closed"):
            await guard.gate.settle(await guard.reader.get_deployment(DSEQ))
        assert guard.ledger.status().live_deployments == 1


def test_one_process_has_a_duty_until_it_lets_go_or_is_silent_for_too_long(tmp_path: Path) -> None:
    now = [1000.0]
    one, two = (Store(tmp_path, lambda: now[0]) for _ in range(2))
    try:
        assert one.run_now(take, "watch", 60)
        assert one.run_now(take, "watch", 60)
        assert not two.run_now(take, "watch", 60)
        now[0] += 61
        assert two.run_now(take, "watch", 60)
        assert not one.run_now(take, "watch", 60)
        one.run_now(give_up, "watch")
        assert not one.run_now(take, "watch", 60)
        two.run_now(give_up, "watch")
        assert one.run_now(take, "watch", 60)
    finally:
        one.close()
        two.close()


@pytest.mark.parametrize("until", ["", "exit:web"])
async def test_a_run_that_ends_by_itself_is_not_over_because_it_was_seen_to_run(
    tmp_path: Path, until: str
) -> None:
    plan = dataclasses.replace(LAUNCH, until=until)
    async with guarded(tmp_path) as guard:
        permit = await guard.gate.launch(plan, approved(plan))
        await permit.create()
        await permit.leasing(DSEQ).lease([CHOICE])
        assert (guard.store.read_now(runs.waits_since, DSEQ) is None) is bool(until)
        guard.store.run_now(runs.came_up, DSEQ)
        assert guard.operation(permit.op_id).state is (State.LEASED if until else State.READY)
