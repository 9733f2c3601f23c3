"""The permit to fund: one amount once, or the hours that it pays for."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from scripted_console import (
    DSEQ,
    FUND,
    GET_SETTINGS,
    READ,
    SET,
    Guarded,
    approved,
    deployment,
    guarded,
    refusal,
    settings,
)

from akash_mcp.clients.console.generation import Generation
from akash_mcp.errors import OutcomeUnknown, PaymentRequired, Refused
from akash_mcp.guard.fund_permit import FundPermit
from akash_mcp.guard.plans import FundPlan
from akash_mcp.money import Usd

pytestmark = pytest.mark.anyio

PLAN = FundPlan(tool="add_funds", dseq=DSEQ, amount=Usd("1.5"), ours=True)
LONGER = dataclasses.replace(PLAN, more_hours=3)


def permit_of(guard: Guarded, plan: FundPlan = PLAN) -> FundPermit:
    return guard.gate.fund(plan, approved(plan))


async def test_the_amount_is_sent_once_and_stays_held(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        guard.console.on(FUND, (200, deployment(funds=3_500_000)))
        permit = permit_of(guard)
        detail = await permit.deposit()
        assert detail.escrow_funds == 3_500_000
        assert [request.body for request in guard.console.sent(FUND)] == [
            {"data": {"dseq": DSEQ, "deposit": 1.5}}
        ]
        assert guard.ledger.held(DSEQ) == Usd("1.5")
        assert guard.written() == [("fund", "done", "")]
        assert guard.operation(permit.op_id).dseq == DSEQ


async def test_a_refusal_gives_it_back(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        guard.console.on(FUND, refusal(402))
        with pytest.raises(PaymentRequired):
            await permit_of(guard).deposit()
        assert guard.ledger.held(DSEQ) == Usd(0)
        assert guard.written()[0][1] == "refused"


async def test_a_lost_answer_stays_held_and_is_not_sent_again(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        guard.console.on(FUND, None)
        with pytest.raises(OutcomeUnknown):
            await permit_of(guard).deposit()
        assert len(guard.console.sent(FUND)) == 1
        assert guard.ledger.held(DSEQ) == Usd("1.5")
        assert guard.written()[0][1] == "unknown"


async def test_where_the_console_funds_by_itself_hours_are_added(tmp_path: Path) -> None:
    async with guarded(tmp_path, generation=Generation.V2026_11) as guard:
        guard.console.on(GET_SETTINGS, (200, settings(hours=5)))
        guard.console.on(SET, (200, settings(hours=8)))
        detail = await permit_of(guard, LONGER).deposit()
        assert [request.body for request in guard.console.sent(SET)] == [{"data": {"runtimeLimitHours": 8}}]
        assert detail.dseq == DSEQ
        assert guard.console.requests[-1].route == READ
        assert guard.ledger.held(DSEQ) == Usd("1.5")
        assert guard.written() == [("fund", "done", "")]


async def test_what_runs_without_a_limit_gets_none_by_this(tmp_path: Path) -> None:
    async with guarded(tmp_path, generation=Generation.V2026_11) as guard:
        guard.console.on(GET_SETTINGS, (200, settings()))
        with pytest.raises(Refused, match="funded without end already"):
            await permit_of(guard, LONGER).deposit()
        assert not guard.console.sent(SET)
        assert guard.ledger.held(DSEQ) == Usd(0)
