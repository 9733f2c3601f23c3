"""What a person leased while the server that created it was down is theirs: it is gone on with, or left as it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from scripted_console import (
    CLOSE,
    DSEQ,
    LAUNCH,
    LEASE,
    READ,
    Guarded,
    approved,
    deployment,
    guarded,
    lease,
    runtime,
)

from akash_mcp.guard.books.journal import State
from akash_mcp.workflow.recovery import recover
from akash_mcp.workflow.runtime import Intervals, Runtime

pytestmark = pytest.mark.anyio

TOO_DEAR = 100_000
"""uact per block: some 60 dollars an hour."""


async def asleep(seconds: float) -> None:
    await anyio.lowlevel.checkpoint()


@asynccontextmanager
async def running(guard: Guarded) -> AsyncIterator[Runtime]:
    async with anyio.create_task_group() as tasks:
        yield runtime(guard, tasks, Intervals(), asleep)
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("minutes", [1, 60])
async def test_what_a_person_leased_for_more_than_was_approved_while_no_server_ran_is_not_closed(
    minutes: int, tmp_path: Path
) -> None:
    async with guarded(tmp_path) as guard:
        permit = await guard.gate.launch(LAUNCH, approved(LAUNCH))
        await permit.create()
        guard.clock[0] += minutes * 60
        guard.console.on(READ, (200, deployment(leases=(lease(price=TOO_DEAR),))))
        guard.console.on("GET /v1/providers", (200, []))
        guard.console.on("GET /v1/blocks", (200, [{"height": 22000000}]))
        async with running(guard) as rt:
            [work] = await recover(rt)
            await work.ended()
        assert guard.console.sent(CLOSE) == []
        assert guard.console.sent(LEASE) == []
        assert work.error is not None
        assert f"Somebody else leased deployment {DSEQ} meanwhile" in work.error.what
        assert guard.operation(permit.op_id).state is State.LEASED
        assert guard.operation(permit.op_id).lease_until is None
        assert guard.ledger.held(DSEQ) == LAUNCH.deposit
