"""The toolset `account`: what the account spends, whose figure it is, and what is not known."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from agents import ERAS, YES, Agent, Connect

from akash_mcp.sandbox.console import Generation
from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio

TOOLSETS = ("deploy", "observe", "account")
OF_CREDIT = "credit_usd"


async def deployed(agent: Agent, sdl: str) -> dict[str, Any]:
    return await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=5))


def spent_by_the_book(network: EmbeddedNetwork) -> Decimal:
    """What the network's own books say that all leases together cost so far."""
    address = network.console.backend.account.address
    return sum((d.spent for d in network.chain.deployments_of(address)), Decimal(0)) / 10**6


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("generation", ["2025", "reference", "2026-11"])
async def test_it_tells_what_runs_costs_and_how_long_the_credit_lasts(
    era: str, generation: Generation, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(era, answer=YES, toolsets=TOOLSETS) as agent:
        before = await agent.call("get_usage")
        assert before["usd_per_hour"] == "0.00"
        assert before["deployments"] == []
        assert {"credit_lasts_hours", "at_least", "unknown", "disagreements"}.isdisjoint(before)
        lease = await deployed(agent, sdl)
        now = await agent.call("get_usage")
    (row,) = now["deployments"]
    assert row["dseq"] == lease["dseq"]
    assert row["usd_per_hour"] == now["usd_per_hour"] == lease["usd_per_hour"]
    credit, rate = Decimal(now[OF_CREDIT]), Decimal(now["usd_per_hour"])
    assert 0 < credit < 100
    # Six seconds a block, the shortest: 600 an hour against the 590.4 that the rate is told by.
    assert Decimal(now["credit_lasts_hours"]) == pytest.approx((100 - Decimal("0.01")) / rate / Decimal("1.0164"), rel=Decimal("0.01"))
    assert Decimal(now["ledger_held_usd"]) > 0
    assert {"at_least", "unknown", "disagreements"}.isdisjoint(now)
