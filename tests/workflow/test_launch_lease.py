"""After the lease was asked for: what is there is read back, delivered again where it is there, and told as it is."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import anyio
import pytest
from scripted_console import (
    BIDS,
    DSEQ,
    LAUNCH,
    LEASE,
    OTHER,
    READ,
    Guarded,
    Told,
    approved,
    bid,
    deployment,
    guarded,
    lease,
    refusal,
    runtime,
)

from akash_mcp.clients.console.models import ListedBid
from akash_mcp.errors import AkashError, ApiError, OutcomeUnknown, PaymentRequired, Refused
from akash_mcp.guard.lease_permit import LeasePermit
from akash_mcp.market.offers import offer_from
from akash_mcp.market.ranking import RankedOffer, Requirements, rank
from akash_mcp.workflow.launch import launch, lease_and_deliver
from akash_mcp.workflow.operations import Running
from akash_mcp.workflow.runtime import Intervals, Runtime

pytestmark = pytest.mark.anyio

LEASED: Told = (200, deployment(leases=(lease(),)))
EMPTY: Told = (200, deployment())
GONE = refusal(400, "The selected bid is no longer open")


def chosen() -> tuple[RankedOffer, ...]:
    """The one offer that there is."""
    offers = [offer_from(ListedBid.model_validate(bid()).bid, None, age_seconds=None)]
    return rank(offers, requirements=Requirements(hours=Decimal(24)), prefer="balanced").ranked


@dataclasses.dataclass
class Leasing:
    guard: Guarded
    rt: Runtime
    permit: LeasePermit
    slept: list[float]

    async def go(self) -> None:
        await lease_and_deliver(self.rt, self.permit, DSEQ, chosen())

    @property
    def attempts(self) -> int:
        return len(self.guard.console.sent(LEASE))


@asynccontextmanager
async def leasing(folder: Path) -> AsyncIterator[Leasing]:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async with guarded(folder) as guard, anyio.create_task_group() as tasks:
        permit = guard.gate.launch(LAUNCH, approved(LAUNCH))
        await permit.create()
        rt = runtime(guard, tasks, Intervals(retry=6.0), sleep)
        yield Leasing(guard, rt, permit.leasing(DSEQ), slept)


async def test_a_lease_that_is_answered_is_not_looked_at_again(tmp_path: Path) -> None:
    async with leasing(tmp_path) as it:
        await it.go()
        assert it.attempts == 1
        assert not it.guard.console.sent(READ)


@pytest.mark.parametrize(
    "answer", [None, refusal(500), refusal(422, "invalid manifest")], ids=["none", "500", "422"]
)
async def test_a_lease_that_is_there_gets_its_manifest_again(answer: Told, tmp_path: Path) -> None:
    async with leasing(tmp_path) as it:
        it.guard.console.on(LEASE, answer, LEASED)
        it.guard.console.on(READ, LEASED)
        await it.go()
        assert (it.attempts, it.slept) == (2, [6.0])


async def test_the_lease_that_is_there_is_the_one_that_is_delivered_to(tmp_path: Path) -> None:
    async with leasing(tmp_path) as it:
        it.guard.console.on(LEASE, None, LEASED)
        it.guard.console.on(READ, (200, deployment(leases=(lease(OTHER, gseq=2), lease(state="closed")))))
        await it.go()
        [entry] = it.guard.console.sent(LEASE)[-1].body["leases"]
        assert (entry["provider"], entry["gseq"]) == (OTHER, 2)


async def test_a_manifest_is_delivered_again_three_times(tmp_path: Path) -> None:
    async with leasing(tmp_path) as it:
        it.guard.console.on(LEASE, None, refusal(500), None, LEASED)
        it.guard.console.on(READ, LEASED)
        await it.go()
        assert (it.attempts, it.slept) == (4, [6.0] * 3)


async def test_a_manifest_that_nobody_takes_is_told_with_the_last_reason(tmp_path: Path) -> None:
    async with leasing(tmp_path) as it:
        it.guard.console.on(LEASE, None, None, None, refusal(422, "the fourth reason"), LEASED)
        it.guard.console.on(READ, LEASED)
        with pytest.raises(AkashError, match=r"does not take the manifest: .*the fourth reason") as error:
            await it.go()
        assert "paid for from the deposit" in error.value.money
        assert it.attempts == 4


async def test_a_delivery_that_is_refused_is_tried_again(tmp_path: Path) -> None:
    async with leasing(tmp_path) as it:
        it.guard.console.on(LEASE, None, refusal(401), LEASED)
        it.guard.console.on(READ, LEASED)
        await it.go()
        assert it.attempts == 3


async def test_a_delivery_to_a_console_that_is_gone_is_tried_again(tmp_path: Path) -> None:
    async with leasing(tmp_path) as it:

        def gone() -> Told:
            it.guard.console.hang_up()
            return LEASED

        it.guard.console.on(LEASE, None)
        it.guard.console.on(READ, gone)
        with pytest.raises(AkashError, match=r"does not take the manifest: .*cannot be reached"):
            await it.go()
        assert it.slept == [6.0] * 3


async def test_a_lost_answer_without_a_lease_stays_unknown(tmp_path: Path) -> None:
    async with leasing(tmp_path) as it:
        it.guard.console.on(LEASE, None)
        it.guard.console.on(READ, (200, deployment(leases=(lease(state="closed"),))))
        with pytest.raises(OutcomeUnknown, match="took effect is not known"):
            await it.go()
        assert it.attempts == 1


@pytest.mark.parametrize(
    "answer", [GONE, refusal(403, "Provider not authorized"), refusal(404, "Referenced lease bid not found")]
)
async def test_a_refusal_that_another_offer_may_not_meet_is_one_of_ours(answer: Told, tmp_path: Path) -> None:
    async with leasing(tmp_path) as it:
        it.guard.console.on(LEASE, answer)
        it.guard.console.on(READ, EMPTY)
        with pytest.raises(Refused) as refused:
            await it.go()
        assert isinstance(refused.value.__cause__, ApiError)
        assert refused.value.what == refused.value.__cause__.what


async def test_a_refusal_that_every_offer_would_meet_is_told_as_it_is(tmp_path: Path) -> None:
    async with leasing(tmp_path) as it:
        it.guard.console.on(LEASE, refusal(402, "Not enough balance"))
        it.guard.console.on(READ, EMPTY)
        with pytest.raises(PaymentRequired):
            await it.go()


async def test_what_the_permit_refuses_is_not_looked_at(tmp_path: Path) -> None:
    async with leasing(tmp_path) as it:
        it.guard.console.on(BIDS, (200, []))
        with pytest.raises(Refused, match="no longer open"):
            await it.go()
        assert it.attempts == 0
        assert not it.guard.console.sent(READ)


@pytest.mark.parametrize("unread", [None, refusal(400), refusal(500)], ids=["no answer", "400", "500"])
async def test_what_cannot_be_read_back_may_cost_money(unread: Told, tmp_path: Path) -> None:
    async with leasing(tmp_path) as it:
        it.guard.console.on(LEASE, GONE)
        it.guard.console.on(READ, unread)
        with pytest.raises(
            OutcomeUnknown, match=f"lease of deployment {DSEQ} was lost, and reading"
        ) as unknown:
            await it.go()
        assert f"get_deployment(id={DSEQ})" in unknown.value.next_step


async def test_a_console_that_is_gone_after_the_lease_may_cost_money(tmp_path: Path) -> None:
    async with leasing(tmp_path) as it:

        def gone() -> Told:
            it.guard.console.hang_up()
            return GONE

        it.guard.console.on(LEASE, gone)
        with pytest.raises(OutcomeUnknown, match="reading it back failed"):
            await it.go()


async def test_a_console_that_is_gone_before_the_lease_leaves_it_unread(tmp_path: Path) -> None:
    async with leasing(tmp_path) as it:

        def gone() -> Told:
            it.guard.console.hang_up()
            return 200, [bid()]

        it.guard.console.on(BIDS, gone)
        with pytest.raises(OutcomeUnknown, match="reading it back failed"):
            await it.go()
        assert it.attempts == 0


async def test_an_unwound_launch_whose_record_is_gone_does_not_claim_what_it_cost(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard, anyio.create_task_group() as tasks:
        guard.console.on(BIDS, (200, []))
        guard.console.on(READ, refusal(404, "Deployment not found"))
        rt = runtime(guard, tasks, Intervals(bid_give_up=0.0), anyio.sleep)
        permit = guard.gate.launch(LAUNCH, approved(LAUNCH))
        with pytest.raises(AkashError, match="was closed again, proven; what it cost is not known"):
            await launch(rt, permit, Running(permit.op_id))
        assert guard.ledger.held(DSEQ) == LAUNCH.deposit
