"""The watch: it ends what is due, settles what ended, tells what is other than approved, and closes nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
from scripted_console import (
    ACCOUNT,
    CLOSE,
    DSEQ,
    GET_SETTINGS,
    LAUNCH,
    LIST,
    PROVIDER,
    READ,
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
from akash_mcp.guard.books import duties, journal, notices, sends, top_ups
from akash_mcp.guard.books.journal import Kind, State
from akash_mcp.guard.books.notices import Level, Notice
from akash_mcp.guard.books.store import Db, Store
from akash_mcp.guard.permits.lease_permit import Choice
from akash_mcp.money import Usd
from akash_mcp.workflow.runtime import Intervals, Runtime
from akash_mcp.workflow.watch import Looked, Watch, keep_watch, left_open
from akash_mcp.workflow.watch.looking import DUTY

pytestmark = pytest.mark.anyio

HOUR = 3600.0
BLOCK = "GET /v1/blocks"
CHOICE = Choice(gseq=1, oseq=1, provider=PROVIDER, price_uact_per_block=Decimal(1000))
CLOSED = (200, deployment(state="closed", spent=250_000))
GONE = refusal(404, "Deployment not found")
OTHERS = "1763759482999"


@dataclass
class Watched:
    guard: Guarded
    rt: Runtime
    watch: Watch

    async def look(self, *, whole: bool = True) -> Looked:
        looked = await self.watch.look(whole=whole)
        for running in looked.under_way:
            await running.ended()
        return looked

    def told(self) -> list[Notice]:
        pending: list[Notice] = self.guard.store.read_now(notices.pending)
        return pending

    def shows(self, *details: dict[str, Any]) -> None:
        """What the list shows."""
        self.guard.console.on(LIST, (200, {"deployments": list(details), "pagination": {}}))


@asynccontextmanager
async def watched(folder: Path, *, generation: Generation = Generation.REFERENCE) -> AsyncIterator[Watched]:
    async with guarded(folder, generation=generation) as guard, anyio.create_task_group() as tasks:

        async def sleep(seconds: float) -> None:
            guard.clock[0] += seconds
            await anyio.lowlevel.checkpoint()

        guard.console.on(BLOCK, (200, [{"height": 100, "datetime": "2025-11-21T21:00:00Z"}]))
        rt = runtime(guard, tasks, Intervals(), sleep)
        yield Watched(guard, rt, Watch(rt))
        tasks.cancel_scope.cancel()


async def leased(it: Watched) -> None:
    """A deployment of ours that is leased and was seen to run."""
    permit = await it.guard.gate.launch(LAUNCH, approved(LAUNCH))
    await permit.create()
    await permit.leasing(DSEQ).lease([CHOICE])
    await permit.leasing(DSEQ).advance(State.READY)
    it.shows(deployment(leases=(lease(),)))
    it.guard.console.requests.clear()


async def test_nothing_is_asked_where_nothing_was_begun(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        looked = await it.look()
        assert (it.guard.console.requests, it.told(), looked.has_duty) == ([], [], True)


async def test_what_is_due_is_closed_proven_and_told(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        await leased(it)
        it.guard.clock[0] += 24 * HOUR - 1
        await it.look()
        assert it.guard.console.sent(CLOSE) == []
        it.guard.clock[0] += 1
        it.guard.console.on(READ, CLOSED)
        it.shows()
        await it.look()
        assert len(it.guard.console.sent(CLOSE)) == 1
        assert it.guard.ledger.status().live_deployments == 0
        [notice] = [notice for notice in it.told() if "run of deployment" in notice.text]
        assert notice.text.endswith("it was closed, proven; it cost $0.25.")
        assert (notice.level, notice.dseq) == (Level.INFO, DSEQ)
        assert await left_open(it.rt) == []


async def test_a_close_that_does_not_work_is_left_open_and_taken_up_again(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        await leased(it)
        it.guard.clock[0] += 24 * HOUR
        looked = await it.look(whole=False)
        [left] = await left_open(it.rt, looked.ending)
        assert "close" in left
        it.guard.clock[0] += 3600
        it.guard.console.on(READ, CLOSED)
        looked = await it.look(whole=False)
        assert (len(looked.taken), looked.ending) == (1, [])
        assert await left_open(it.rt) == []
        await it.watch.tell_of_what_was_carried_on()
        assert any("was carried on" in notice.text for notice in it.told())


@pytest.mark.parametrize("shown", [(), (deployment(),)], ids=["the list has it not", "without its lease"])
async def test_what_ended_by_itself_is_settled(shown: tuple[dict[str, Any], ...], tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        await leased(it)
        it.shows(*shown)
        it.guard.console.on(READ, CLOSED)
        looked = await it.look()
        assert looked.survey is not None
        assert [closed.spent for closed in looked.survey.settled] == [Usd("0.25")]
        assert (it.guard.ledger.status().live_deployments, it.guard.console.sent(CLOSE)) == (0, [])
        [notice] = it.told()
        assert "is closed, and not by this server" in notice.text


async def test_an_empty_list_is_not_believed_and_a_404_is_unknown(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        await leased(it)
        it.shows()
        it.guard.console.on(READ, GONE)
        looked = await it.look()
        assert looked.survey is not None
        assert looked.survey.unknown == [f"deployment {DSEQ}: the Console says that it does not exist"]
        assert it.guard.ledger.status().live_deployments == 1
        [notice] = it.told()
        assert (notice.level, "stays reserved" in notice.text) == (Level.ALARM, True)
        await it.look()
        assert len(it.told()) == 1


async def test_a_list_that_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        await leased(it)
        it.guard.console.on(LIST, refusal(400, "no"))
        looked = await it.look()
        assert looked.survey is not None
        assert "the Console's list cannot be read" in looked.survey.unknown[0]
        assert it.guard.ledger.status().live_deployments == 1


async def test_what_others_create_is_told_once_it_appears_and_never_closed(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        await leased(it)
        mine, theirs = deployment(leases=(lease(),)), deployment(OTHERS)
        await it.look()
        it.shows(mine, theirs)
        it.guard.clock[0] += 48 * HOUR
        it.guard.console.on(READ, CLOSED)
        await it.look()
        assert [notice.dseq for notice in it.told() if "was not created by this server" in notice.text] == [
            OTHERS
        ]
        assert {
            request.route for request in it.guard.console.requests if request.route.startswith("DELETE")
        } == {CLOSE}


async def test_top_up_that_was_switched_on_is_an_alarm(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        await leased(it)
        it.guard.console.on(GET_SETTINGS, (200, settings(top_up=True)))
        await it.look()
        [notice] = it.told()
        assert (notice.level, "Automatic top-up" in notice.text) == (Level.ALARM, True)


async def test_top_up_that_was_switched_on_here_is_none_and_its_escrow_is_no_bound(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        await leased(it)

        def switched_on(db: Db) -> None:
            op_id = journal.new_op_id()
            journal.open_operation(db, op_id, Kind.TOP_UP, "Switch it on.", dseq=DSEQ)
            sends.begin(db, op_id, 1, top_ups.ON, {})
            journal.advance(db, op_id, State.DONE)

        it.guard.store.run_now(switched_on)
        it.guard.console.on(GET_SETTINGS, (200, settings(top_up=True)))
        it.shows(deployment(leases=(lease(),), funds=100_000, spent=4_000_000))
        await it.look()
        assert it.told() == []


async def test_the_settings_of_one_that_was_never_leased_are_not_asked_for(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        await it.guard.created()
        it.guard.console.requests.clear()
        it.shows(deployment())
        await it.look()
        assert it.guard.console.sent(GET_SETTINGS) == []


async def test_an_escrow_over_what_was_approved_is_told(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        await leased(it)
        it.shows(deployment(leases=(lease(),), funds=2_900_000, spent=100_001))
        await it.look()
        [notice] = it.told()
        assert "$3.01 was paid into the escrow" in notice.text
        assert "$2.00 was approved" in notice.text


async def test_a_rate_over_what_was_approved_is_an_alarm(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        await leased(it)
        it.guard.store.run_now(lambda db: db.run("UPDATE reservations SET rate_uact = 600000"))
        it.shows(deployment(leases=(lease(price=1100),)))
        await it.look()
        [notice] = it.told()
        assert (notice.level, "an hour, and at most $0.60 was approved" in notice.text) == (Level.ALARM, True)


async def test_a_person_is_told_hours_before_the_money_ends_once(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        await leased(it)
        it.shows(deployment(leases=(lease(),), funds=1_000_000, spent=1_000_000))
        await it.look()
        await it.look()
        [notice] = it.told()
        assert "The money of deployment" in notice.text
        assert "until when it was approved to run" in notice.text


async def test_what_is_as_approved_is_not_told_of(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        await leased(it)
        await it.look()
        assert it.told() == []


async def test_what_never_ran_is_told(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        permit = await it.guard.gate.launch(LAUNCH, approved(LAUNCH))
        await permit.create()
        await permit.leasing(DSEQ).lease([CHOICE])
        it.guard.holds.let_go(permit.op_id)
        it.shows(deployment(leases=(lease(),)))
        await it.look()
        assert it.told() == []
        it.guard.clock[0] += it.rt.intervals.ready_give_up
        await it.look()
        [notice] = it.told()
        assert "not all of it ever ran" in notice.text


async def test_a_raised_runtime_limit_is_told(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        await leased(it)
    async with watched(tmp_path, generation=Generation.V2026_11) as it:
        limit = {"runtimeLimitHours": 48, "runtimeEndsAt": "2025-11-23T20:00:00Z"}
        it.shows({**deployment(leases=(lease(),)), "settings": limit})
        await it.look()
        assert any("was raised, and not by this server" in notice.text for notice in it.told())


async def test_little_budget_is_told_while_something_runs(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        await leased(it)
        it.guard.store.run_now(lambda db: db.run("UPDATE reservations SET amount_uact = 19000000"))
        await it.look()
        assert any("$1.00 is left of the $20.00" in notice.text for notice in it.told())


async def test_only_one_process_looks_at_the_account(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        await leased(it)
        other = Store(tmp_path / "state", lambda: it.guard.clock[0])
        other.account = ACCOUNT
        try:
            assert other.run_now(duties.take, DUTY, 60)
            looked = await it.look()
            assert (looked.has_duty, looked.survey, it.guard.console.requests) == (False, None, [])
            it.guard.clock[0] += 61
            assert (await it.look()).has_duty
        finally:
            other.close()


async def test_an_hour_of_watching_costs_few_requests(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        await leased(it)
        for _ in range(120):  # every 30 s
            await it.look(whole=False)
            it.guard.clock[0] += 30
        # 12 lists, 12 blocks, one look at the settings.
        assert len(it.guard.console.requests) <= 26, len(it.guard.console.requests)


async def test_whoever_stops_watching_lets_the_next_one_have_the_duty(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        await leased(it)
        other = Store(tmp_path / "state", lambda: it.guard.clock[0])
        other.account = ACCOUNT
        looked = anyio.Event()

        async def sleep(seconds: float) -> None:
            if it.guard.console.sent(LIST):
                looked.set()
                await anyio.sleep_forever()

        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(keep_watch, dataclasses.replace(it.rt, sleep=sleep))
                with anyio.fail_after(10):
                    await looked.wait()
                assert not other.run_now(duties.take, DUTY, 60)
                tasks.cancel_scope.cancel()
            assert other.run_now(duties.take, DUTY, 60)
        finally:
            other.close()


async def test_a_run_is_closed_at_its_end_also_between_two_looks_and_while_the_account_is_compared(
    tmp_path: Path,
) -> None:
    async with watched(tmp_path) as it:
        await leased(it)
        end = it.guard.clock[0] + 24 * HOUR
        it.guard.clock[0] = end - 70
        it.guard.console.on(READ, CLOSED)
        is_compared = anyio.Event()

        async def list_that_hangs() -> Told:
            is_compared.set()
            await anyio.sleep_forever()
            return None

        it.guard.console.on(LIST, list_that_hangs)
        is_closed = anyio.Event()
        woke: list[float] = []

        async def sleep(seconds: float) -> None:
            it.guard.clock[0] += seconds
            woke.append(it.guard.clock[0] - end)
            if woke[-1] > 0:
                await is_compared.wait()
                while not it.guard.console.sent(CLOSE):  # noqa: ASYNC110  # nobody tells when it is sent
                    await anyio.sleep(0.01)
                is_closed.set()
                await anyio.sleep_forever()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(keep_watch, dataclasses.replace(it.rt, sleep=sleep))
            await is_closed.wait()
            tasks.cancel_scope.cancel()
        assert woke == [-69, -39, -9, 0, 30]
        assert len(it.guard.console.sent(CLOSE)) == 1


async def test_a_look_that_fails_is_not_the_last(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with watched(tmp_path) as it:
        await leased(it)
        it.guard.damage()
        slept: list[float] = []
        enough = anyio.Event()

        async def sleep(seconds: float) -> None:
            slept.append(seconds)
            if len(slept) == 3:
                enough.set()
                await anyio.sleep_forever()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(keep_watch, dataclasses.replace(it.rt, sleep=sleep))
            with anyio.fail_after(10):
                await enough.wait()
            tasks.cancel_scope.cancel()
        assert slept == [it.rt.intervals.first_look, it.rt.intervals.watch, it.rt.intervals.watch]
        assert caplog.text.count("the watch could not look") == 2
