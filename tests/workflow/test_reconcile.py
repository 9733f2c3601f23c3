"""A creation whose answer was lost: what appeared is taken up only where nothing else can have made it."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
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
    WALLETS,
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
from akash_mcp.errors import ApiError, OutcomeUnknown, PaymentRequired
from akash_mcp.guard.books.journal import Kind, Sources, State, new_op_id
from akash_mcp.guard.permits.launch_permit import LaunchPermit
from akash_mcp.ids import Dseq
from akash_mcp.money import ZERO, Usd
from akash_mcp.workflow.reconcile import create_once
from akash_mcp.workflow.runtime import Intervals, Runtime

pytestmark = pytest.mark.anyio

STARTED = 1_763_759_000_000
"""Milliseconds, when the creation is sent; the clock stands a minute later when it is looked for."""
MINUTE = 60_000
OURS = str(STARTED + 2_113)
THEIRS = str(STARTED + 2_120)
HASH = base64.b64encode(hashlib.sha256(MANIFEST.encode()).digest()).decode()


@dataclasses.dataclass
class Lost:
    """A creation whose answer is lost, before the permit is used."""

    guard: Guarded
    permit: LaunchPermit
    rt: Runtime
    slept: list[float]
    stages: list[str] = dataclasses.field(default_factory=list)

    def appears(self, *deployments: dict[str, Any], before: Told = (200, {"deployments": []})) -> None:
        """What is listed when the creation was sent, what there is `before`, and what each reads as by itself."""
        self.guard.console.on(LIST, before, page(*deployments))
        for each in deployments:
            self.guard.console.on(f"{LIST}/{each['deployment']['id']['dseq']}", (200, each))

    async def create(self) -> Dseq:
        return await create_once(self.rt, self.permit, self.stages.append)

    async def not_found(
        self, match: str = "No such deployment has appeared since", *, sent: int = 1
    ) -> OutcomeUnknown:
        """Nothing is taken up and nothing sent again; what was approved stays held, and the journal knows why."""
        with pytest.raises(OutcomeUnknown, match=match) as unknown:
            await self.create()
        operation = self.guard.operation(self.permit.op_id)
        assert (operation.state, operation.dseq) == (State.UNKNOWN, None)
        assert operation.note in unknown.value.what
        assert self.guard.ledger.status().held >= LAUNCH.deposit
        assert len(self.guard.console.sent(CREATE)) == sent
        return unknown.value


@asynccontextmanager
async def lost(
    folder: Path, *, looks: int = 1, settle: float = 0.0, generation: Generation = Generation.REFERENCE
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
        intervals = Intervals(lookup_settle=settle, lookup_give_up=0.0 if looks == 1 else 60.0)
        rt = runtime(guard, tasks, intervals, no_time)
        yield Lost(guard, await guard.gate.launch(plan, approved(plan)), rt, slept)


def page(*deployments: dict[str, Any]) -> Told:
    return 200, {"deployments": list(deployments), "pagination": {}}


def landed(dseq: str = OURS, **odd: Any) -> dict[str, Any]:
    return deployment(dseq, **{"manifest_hash": HASH, **odd})


async def test_one_that_landed_is_taken_up(tmp_path: Path) -> None:
    async with lost(tmp_path) as it:
        it.appears(landed())
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
        assert unknown.next_step.startswith("The $2.00 approved for it stay reserved and count as spent.")
        assert "Do not simply try again." in unknown.next_step


@pytest.mark.parametrize(
    "first", [page(), refusal(400), None], ids=["not there yet", "an error", "no answer"]
)
async def test_it_is_looked_for_until_it_appears(first: Told, tmp_path: Path) -> None:
    async with lost(tmp_path, looks=2) as it:
        it.appears(landed())
        # A connection that ends is tried four times by itself.
        it.guard.console.on(LIST, page(), *[first] * (4 if first is None else 1), page(landed()))
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
        assert len(it.guard.console.sent(LIST)) == 1  # before it was sent
        assert it.stages == []


@pytest.mark.parametrize(
    "no",
    [
        refusal(400, "Invalid SDL: service web already exists"),
        refusal(401, "already exists"),
        refusal(402, "Not enough balance, although a deployment already exists"),
        refusal(403, "Forbidden"),
        refusal(409, "Another with that name already exists", "conflict"),
        refusal(413, ""),
        refusal(422, "The deployment's groups already exist"),
        refusal(429, "Too many requests"),
    ],
    ids=lambda no: str(no[0]),
)
async def test_a_refusal_needs_no_looking_and_adopts_nothing(no: Told, tmp_path: Path) -> None:
    async with lost(tmp_path) as it:
        it.appears(landed())
        it.guard.console.on(CREATE, no)
        with pytest.raises(ApiError):
            await it.create()
        assert len(it.guard.console.sent(LIST)) == 1
        operation = it.guard.operation(it.permit.op_id)
        assert (operation.state, operation.dseq) == (State.REFUSED, None)
        assert it.guard.ledger.status().held == ZERO


async def test_what_the_chain_has_already_may_be_what_was_sent(tmp_path: Path) -> None:
    async with lost(tmp_path) as it:
        exists = "Failed to create deployment: Deployment with provided dseq and owner already exists"
        it.appears(landed())
        it.guard.console.on(CREATE, refusal(400, exists))
        assert await it.create() == OURS


async def test_one_that_was_there_before_is_somebody_else_s(tmp_path: Path) -> None:
    async with lost(tmp_path) as it:
        it.appears(landed(), before=page(landed()))
        await it.not_found()


async def test_what_appears_while_a_wallet_is_set_up_is_somebody_else_s(tmp_path: Path) -> None:
    async with lost(tmp_path) as it:
        it.guard.console.on(CREATE, refusal(409, "Soon.", "wallet_provisioning"), None)
        it.appears(landed())
        it.guard.console.on(LIST, page(), page(landed()))
        await it.not_found(sent=2)


@pytest.mark.parametrize(
    "before",
    [refusal(400), refusal(500), (200, {"deployments": 7})],
    ids=["refused", "failed", "odd"],
)
async def test_where_it_is_not_known_what_was_there_nothing_is_taken_up(before: Told, tmp_path: Path) -> None:
    async with lost(tmp_path) as it:
        it.appears(landed(), before=before)
        unknown = await it.not_found(
            f"Deployment {OURS} may be what it created, and what was there before is not known"
        )
        assert f"close_deployment(dseq={OURS})" in unknown.next_step


async def test_of_two_that_it_could_be_none_is_taken(tmp_path: Path) -> None:
    other = str(int(OURS) + 1)
    async with lost(tmp_path) as it:
        it.appears(landed(), landed(other))
        unknown = await it.not_found(
            f"Deployments {OURS} and {other} may be what it created, and nothing tells which of them"
        )
        assert f"close_deployment(dseq={OURS}), close_deployment(dseq={other})" in unknown.next_step


async def test_one_is_not_taken_before_a_second_could_have_appeared(tmp_path: Path) -> None:
    second = landed(str(int(OURS) + 1))
    async with lost(tmp_path, looks=2, settle=45.0) as it:
        it.appears(landed(), second)
        it.guard.console.on(LIST, page(), *[page(landed())] * 5, page(landed(), second))
        await it.not_found("nothing tells which")
        assert it.slept == [5.0] * 12


async def test_the_only_one_is_taken_when_no_second_can_come(tmp_path: Path) -> None:
    async with lost(tmp_path, looks=2, settle=45.0) as it:
        it.appears(landed())
        assert await it.create() == OURS
        assert it.slept == [5.0] * 9


async def test_what_the_list_hides_is_read_from_the_deployment(tmp_path: Path) -> None:
    async with lost(tmp_path) as it:
        it.appears(landed())
        it.guard.console.on(f"{LIST}/{OURS}", (200, landed(leases=(lease(dseq=OURS),))))
        await it.not_found(f"Deployment {OURS} may be what it created, and that is not proven")


NOT_OURS = {
    "another manifest": landed(manifest_hash=base64.b64encode(bytes(32)).decode()),
    "an unknown manifest": landed(manifest_hash=""),
    "a manifest that the index does not know": landed(manifest_hash="unknown_value"),
    "a smaller deposit": landed(funds=1_999_999),
    "a larger deposit": landed(funds=2_000_001),
    "a lease": landed(leases=(lease(dseq=OURS),)),
    "a lease that ended": landed(leases=(lease(dseq=OURS, state="closed"),)),
    "closed": landed(state="closed"),
    "before the request": landed(str(STARTED - 5 * MINUTE - 1)),
    "after the look": landed(str(STARTED + 6 * MINUTE + 1)),
}


@pytest.mark.parametrize("other", NOT_OURS.values(), ids=NOT_OURS)
async def test_what_differs_in_one_thing_is_somebody_else_s(other: dict[str, Any], tmp_path: Path) -> None:
    async with lost(tmp_path) as it:
        it.appears(other)
        await it.not_found()


@pytest.mark.parametrize("other", NOT_OURS.values(), ids=NOT_OURS)
async def test_somebody_else_s_does_not_keep_ours_from_being_found(
    other: dict[str, Any], tmp_path: Path
) -> None:
    async with lost(tmp_path) as it:
        mine = str(int(OURS) + 1)
        it.appears(other, landed(mine))
        assert await it.create() == mine


async def test_what_the_journal_knows_is_another_launch_s(tmp_path: Path) -> None:
    async with lost(tmp_path) as it:
        other = new_op_id()
        it.guard.journal.open_operation(other, Kind.LAUNCH, "the same again")
        assert it.guard.journal.created(other, Dseq(OURS), Sources("", "another"))
        it.appears(landed())
        await it.not_found()


async def test_what_another_launch_of_the_same_could_have_made_is_left_to_a_person(tmp_path: Path) -> None:
    async with lost(tmp_path) as it, guarded(tmp_path) as second:
        # Another process, which shares the file, and has not heard either.
        second.console.on(CREATE, None)
        rival = await second.gate.launch(LAUNCH, approved(LAUNCH))
        with pytest.raises(OutcomeUnknown):
            await rival.create()
        it.appears(landed())
        await it.not_found(
            f"Deployment {OURS} may be what it created, and so may what operation {rival.op_id} asked for"
        )
        assert it.guard.ledger.status().held == Usd(4)


@pytest.mark.parametrize("answer", [refusal(402), (201, {"dseq": THEIRS, "manifest": MANIFEST})])
async def test_another_launch_that_knows_what_it_made_is_not_in_the_way(
    answer: tuple[int, object], tmp_path: Path
) -> None:
    async with lost(tmp_path) as it, guarded(tmp_path) as second:
        second.console.on(CREATE, answer)
        with suppress(PaymentRequired):
            await (await second.gate.launch(LAUNCH, approved(LAUNCH))).create()
        it.appears(landed(), *([landed(THEIRS)] if answer[0] == 201 else []))
        assert await it.create() == OURS


async def test_another_launch_of_something_else_is_not_in_the_way(tmp_path: Path) -> None:
    async with lost(tmp_path) as it, guarded(tmp_path) as second:
        other = dataclasses.replace(LAUNCH, manifest="[]")
        second.console.on(CREATE, None)
        with pytest.raises(OutcomeUnknown):
            await (await second.gate.launch(other, approved(other))).create()
        it.appears(landed())
        assert await it.create() == OURS


async def test_a_deployment_that_another_launch_has_is_not_this_answer_s(tmp_path: Path) -> None:
    async with lost(tmp_path) as it:
        it.guard.console.on(CREATE, (201, {"dseq": OURS, "manifest": MANIFEST}))
        first = await it.guard.gate.launch(LAUNCH, approved(LAUNCH))
        await first.create()
        await it.not_found(f"answered with deployment {OURS}, which another launch created", sent=2)
        launched = it.guard.journal.launch_of(Dseq(OURS))
        assert launched is not None
        assert launched.op_id == first.op_id


@pytest.mark.parametrize("dseq", [STARTED - 5 * MINUTE, STARTED + 6 * MINUTE])
async def test_the_console_s_clock_may_be_five_minutes_off(dseq: int, tmp_path: Path) -> None:
    async with lost(tmp_path) as it:
        it.appears(landed(str(dseq)))
        assert await it.create() == str(dseq)


async def test_where_deployments_have_names_ours_is_found_by_it(tmp_path: Path) -> None:
    async with lost(tmp_path, settle=45.0, generation=Generation.V2026_11) as it:
        # Its escrow is the Console's own affair there, and nobody else has its name.
        named = deployment(OURS, name=f"web · {it.permit.op_id}", funds=1)
        it.guard.console.on(LIST, page(named), page())
        assert await it.create() == OURS
        assert it.guard.journal.sources(Dseq(OURS)) == Sources(LAUNCH.sdl, MANIFEST, 3)


@pytest.mark.parametrize("wallets", [(200, []), (503, {})])
async def test_what_has_our_name_is_not_taken_up_where_it_is_not_known_to_be_this_account_s(
    wallets: tuple[int, Any], tmp_path: Path
) -> None:
    async with lost(tmp_path, generation=Generation.V2026_11) as it:
        it.guard.console.on(WALLETS, wallets)
        it.guard.console.on(LIST, page(landed(name=it.permit.op_id)), page())
        await it.not_found(
            f"Deployment {OURS} may be what it created, and whether it is this account's is not known"
        )


async def test_where_deployments_have_names_another_name_is_not_ours(tmp_path: Path) -> None:
    async with lost(tmp_path, generation=Generation.V2026_11) as it:
        it.guard.console.on(LIST, page(landed(name=f"{it.permit.op_id}-2")))
        await it.not_found()


async def test_of_two_of_our_name_none_is_taken(tmp_path: Path) -> None:
    async with lost(tmp_path, generation=Generation.V2026_11) as it:
        name, other = it.permit.op_id, str(int(OURS) + 1)
        it.guard.console.on(LIST, page(landed(name=name)), page(landed(other, name=name)))
        await it.not_found(f"Deployments {OURS} and {other} may be what it created")
