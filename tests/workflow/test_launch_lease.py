"""A launch and its lease: which refusals have it try another offer, and what is told of what was unwound."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from scripted_console import (
    BIDS,
    CLOSE,
    DSEQ,
    LAUNCH,
    LEASE,
    OTHER,
    PROVIDER,
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

from akash_mcp.errors import AkashError
from akash_mcp.guard.permits.bounds import Bound
from akash_mcp.guard.permits.close_permit import Unwound
from akash_mcp.guard.permits.launch_permit import LaunchPermit
from akash_mcp.money import Usd
from akash_mcp.workflow.launch import Launched, launch
from akash_mcp.workflow.operations import Running
from akash_mcp.workflow.runtime import Intervals, Runtime

pytestmark = pytest.mark.anyio

CLOSED: Told = (200, deployment(state="closed"))
IMPATIENT = dataclasses.replace(Intervals(), bid_settle=0.0, bid_give_up=0.0, ready_give_up=0.0)


@dataclasses.dataclass
class Launching:
    guard: Guarded
    rt: Runtime
    permit: LaunchPermit

    async def go(self) -> Launched:
        return await launch(self.rt, self.permit, Running(self.permit.op_id))


@asynccontextmanager
async def launching(folder: Path) -> AsyncIterator[Launching]:
    async def no_time(seconds: float) -> None:
        await anyio.lowlevel.checkpoint()

    async with guarded(folder) as guard, anyio.create_task_group() as tasks:
        guard.console.on("GET /v1/providers", (200, []))
        guard.console.on("GET /v1/blocks", (200, []))
        permit = await guard.gate.launch(LAUNCH, approved(LAUNCH))
        yield Launching(guard, runtime(guard, tasks, IMPATIENT, no_time), permit)


async def test_an_unwound_launch_whose_record_is_gone_does_not_claim_to_be_closed(tmp_path: Path) -> None:
    async with launching(tmp_path) as it:
        it.guard.console.on(BIDS, (200, []))
        it.guard.console.on(READ, refusal(404, "Deployment not found"))
        with pytest.raises(
            Unwound, match=r"Closing it again did not work either: .* is not proven closed"
        ) as error:
            await it.go()
        assert error.value.money == "It may still cost money."
        assert it.guard.ledger.held(DSEQ) == LAUNCH.deposit


async def test_a_ledger_that_breaks_under_way_is_not_taken_for_an_offer_that_is_gone(tmp_path: Path) -> None:
    async with launching(tmp_path) as it:

        def leased() -> Told:
            it.guard.damage()
            return 200, deployment(leases=(lease(),))

        it.guard.console.on(LEASE, leased)
        it.guard.console.on(READ, (200, deployment()), (200, deployment(leases=(lease(),))), CLOSED)
        with pytest.raises(Unwound, match="The lease was made, and it could not be written down") as error:
            await it.go()
        assert "was closed again, proven" in error.value.what
        assert "No money moved" not in str(error.value)
        assert (len(it.guard.console.sent(LEASE)), len(it.guard.console.sent(CLOSE))) == (1, 1)


async def test_what_does_not_bound_a_deployment_ends_its_launch_at_once(tmp_path: Path) -> None:
    async with launching(tmp_path) as it:
        it.guard.console.on(READ, (200, deployment(funds=50_000_000)), CLOSED)
        with pytest.raises(AkashError, match=r"\$50\.00 is in escrow for .* was closed again, proven"):
            await it.go()
        assert len(it.guard.console.sent(BIDS)) == 1
        assert not it.guard.console.sent(LEASE)


async def test_a_provider_that_cannot_be_leased_from_is_left_out_of_the_next_try(tmp_path: Path) -> None:
    async with launching(tmp_path) as it:
        it.guard.console.on(BIDS, (200, [bid(price=900), bid(OTHER)]))
        it.guard.console.on(LEASE, refusal(404, f"Provider {PROVIDER} not found"))
        it.guard.console.on(READ, (200, deployment()))
        with pytest.raises(AkashError):
            await it.go()
        asked = [request.body["leases"][0]["provider"] for request in it.guard.console.sent(LEASE)]
        assert asked == [PROVIDER, OTHER]


async def test_what_bounds_a_launch_is_told(tmp_path: Path) -> None:
    async with launching(tmp_path) as it:
        launched = await it.go()
        assert launched.leased.bound == Bound(Usd(2), LAUNCH.deposit, None)
