"""Nothing is spent without a yes: every way in which a client can answer, or cannot, in both protocol eras."""

from __future__ import annotations

from typing import Any

import pytest
from agents import ERAS, YES, Connect
from mcp.types import ElicitResult

from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio

NOT_A_YES = {
    "no": ElicitResult(action="accept", content={"confirm": False}),
    "declined": ElicitResult(action="decline"),
    "cancelled": ElicitResult(action="cancel"),
    "accepted with nothing": ElicitResult(action="accept", content={}),
    "accepted without content": ElicitResult(action="accept"),
}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("answer", NOT_A_YES.values(), ids=NOT_A_YES.keys())
async def test_all_but_a_clear_yes_is_a_no(
    era: str, answer: ElicitResult, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(era, answer=answer) as agent:
        said = await agent.refused("create_deployment", sdl=sdl, deposit_usd=1)
    assert "No money moved." in said
    assert len(agent.asked) == 1
    assert not network.chain.deployments


@pytest.mark.parametrize("era", ERAS)
async def test_a_client_that_cannot_ask_gets_the_plan_and_a_token(
    era: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(era) as agent:
        first = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
        assert first["status"] == "confirmation_required"
        assert first["most_it_can_cost_usd"] == "1.00"
        assert not network.chain.deployments
        again = await agent.call(
            "create_deployment", sdl=sdl, deposit_usd=1, approval_token=first["approval_token"]
        )
        assert again["status"] == "created"


async def test_a_token_is_spent_with_its_first_use(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect() as agent:
        token = (await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["approval_token"]
        await agent.call("create_deployment", sdl=sdl, deposit_usd=1, approval_token=token)
        said = await agent.refused("create_deployment", sdl=sdl, deposit_usd=1, approval_token=token)
    assert "unknown or was used already" in said
    assert len(network.chain.deployments) == 1


@pytest.mark.parametrize(
    "changed", [{"deposit_usd": 2}, {"max_usd_per_hour": "0.01"}, {"sdl": None}], ids=lambda c: next(iter(c))
)
async def test_a_token_is_for_exactly_its_arguments(
    changed: dict[str, Any], connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    arguments = {"sdl": sdl, "deposit_usd": 1}
    async with connect() as agent:
        token = (await agent.call("create_deployment", **arguments))["approval_token"]
        if "sdl" in changed:
            changed = {"sdl": sdl.replace("alpine", "perl")}
        said = await agent.refused("create_deployment", **{**arguments, **changed}, approval_token=token)
    assert "other arguments" in said
    assert not network.chain.deployments


async def test_a_token_of_one_tool_does_not_open_another(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect() as agent:
        token = (await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["approval_token"]
        assert "other arguments" in await agent.refused(
            "deploy", sdl=sdl, deposit_usd=1, approval_token=token
        )
    assert not network.chain.deployments


async def test_auto_asks_nobody_and_stays_inside_the_limits(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        assert (await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["status"] == "created"
        assert "over the limit" in await agent.refused("create_deployment", sdl=sdl, deposit_usd=11)
    assert len(network.chain.deployments) == 1


async def test_deny_lets_nothing_through_but_closing_our_own(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        dseq = (await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"]
    async with connect(approval="deny") as agent:
        assert "allows nothing" in await agent.refused("add_funds", dseq=dseq, amount_usd=1)
        assert (await agent.call("close_deployment", dseq=dseq))["status"] == "closed"


async def test_what_others_created_is_closed_only_with_a_yes_that_names_it(
    connect: Connect, network: EmbeddedNetwork, sdl: str, tmp_path: Any
) -> None:
    async with connect(approval="auto", state_dir=tmp_path / "another machine") as agent:
        dseq = (await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"]
    async with connect() as agent:
        first = await agent.call("close_deployment", dseq=dseq)
        assert first["status"] == "confirmation_required"
        assert dseq in first["summary"]
        assert network.chain.deployments[(network.owner, dseq)].state == "active"
        closed = await agent.call("close_deployment", dseq=dseq, approval_token=first["approval_token"])
    assert closed["status"] == "closed"


async def test_nobody_is_asked_about_what_would_be_refused(connect: Connect, sdl: str) -> None:
    async with connect(answer=YES) as agent:
        await agent.refused("deploy", sdl=sdl, deposit_usd=11)
        await agent.refused("deploy", sdl="version: 1", deposit_usd=1)
    assert agent.asked == []
