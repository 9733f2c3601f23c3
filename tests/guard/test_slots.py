"""A deployment that is proven closed leaves its slot, also where nobody knows what it cost: that stays held."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripted_console import CLOSE, DSEQ, LAUNCH, READ, approved, deployment, guarded, lease

from akash_mcp.guard.plans.plans import ClosePlan
from akash_mcp.money import Usd

pytestmark = pytest.mark.anyio

UNPAID = deployment(leases=(lease(state="closed"),), state="closed") | {
    "escrow_account": {"state": {"transferred": []}}
}


async def test_what_is_closed_at_a_cost_that_nobody_knows_holds_its_money_and_no_slot(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        await guard.created()
        guard.console.on(CLOSE, (200, {"success": True}))
        guard.console.on(READ, (200, UNPAID))
        plan = ClosePlan(tool="close_deployment", dseq=DSEQ, ours=True)
        closed = await (await guard.gate.close(plan, approved(plan))).close()
        assert closed.spent is None
        status = guard.ledger.status()
        assert (status.held, status.live_deployments) == (LAUNCH.deposit, 0)
        assert status.usd_per_hour == Usd(0)
