"""Nothing is spent without a yes: every way in which a client can answer, or cannot, in both protocol eras."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import anyio
import pytest
from agents import ERAS, YES, Agent, Connect, text_of
from conftest import INTERVALS
from mcp import Client
from mcp.client import ClientRequestContext
from mcp.types import (
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    ElicitRequestParams,
    ElicitResult,
    ErrorData,
    InputRequiredResult,
)

from akash_mcp import config
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.server import build
from akash_mcp.tools import approval

pytestmark = pytest.mark.anyio

NOT_A_YES = {
    "no": ElicitResult(action="accept", content={"confirm": False}),
    "declined": ElicitResult(action="decline"),
    "cancelled": ElicitResult(action="cancel"),
}
UNUSABLE = {
    "accepted with nothing": ElicitResult(action="accept", content={}),
    "accepted without content": ElicitResult(action="accept"),
    "accepted with something else": ElicitResult(action="accept", content={"sure": True}),
    "accepted with words": ElicitResult(action="accept", content={"confirm": "maybe"}),
}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("answer", NOT_A_YES.values(), ids=NOT_A_YES.keys())
async def test_a_no_is_a_no(
    era: str, answer: ElicitResult, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(era, answer=answer) as agent:
        said = await agent.refused("create_deployment", sdl=sdl, deposit_usd=1)
    assert "No money moved." in said
    assert len(agent.asked) == 1
    assert not network.chain.deployments


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("answer", NOT_A_YES.values(), ids=NOT_A_YES.keys())
async def test_a_no_that_nobody_can_have_said_so_fast_shows_the_plan(
    era: str, answer: ElicitResult, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    slow_readers = replace(INTERVALS, reading=3600.0)
    async with connect(era, answer=answer, intervals=slow_readers) as agent:
        shown = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
        assert shown["next_step"].startswith("The client said no by itself")
        assert "AKASH_MCP_APPROVAL=two-step" in shown["next_step"]
        assert shown["money"] == "No money moved."
        assert not network.chain.deployments
        assert (await agent.agreed(shown))["status"] == "created"
    assert len(agent.asked) == 1


@pytest.mark.parametrize("era", ERAS)
async def test_the_time_that_planning_takes_is_not_the_persons(
    era: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    await network.inject("slow", value="0.6")
    at_once = ElicitResult(action="decline")
    async with connect(era, answer=at_once, intervals=replace(INTERVALS, reading=0.5)) as agent:
        shown = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
        assert shown["status"] == "confirmation_required"
    assert len(agent.asked) == 1


@pytest.mark.parametrize("era", ERAS)
async def test_a_yes_counts_however_fast_it_comes(
    era: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(era, answer=YES, intervals=replace(INTERVALS, reading=3600.0)) as agent:
        assert (await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["status"] == "created"


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("answer", UNUSABLE.values(), ids=UNUSABLE.keys())
async def test_what_cannot_be_read_is_neither_yes_nor_no_and_the_plan_is_shown(
    era: str, answer: ElicitResult, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(era, answer=answer) as agent:
        first = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
        assert first["status"] == "confirmation_required"
        assert len(agent.asked) == 1
        assert not network.chain.deployments
        again = await agent.agreed(first)
    assert again["status"] == "created"
    assert len(agent.asked) == 1
    assert len(network.chain.deployments) == 1


async def test_a_client_that_answers_a_question_with_an_error_gets_the_plan_to_show(
    settings: config.Settings, network: EmbeddedNetwork, sdl: str
) -> None:
    async def fails(context: ClientRequestContext, params: ElicitRequestParams) -> ErrorData:
        return ErrorData(code=-32603, message="no window")

    async with Client(build(settings), mode="legacy", elicitation_callback=fails) as client:
        first = await Agent(client).call("create_deployment", sdl=sdl, deposit_usd=1)
    assert first["status"] == "confirmation_required"
    assert not network.chain.deployments


async def test_a_client_that_lets_a_question_lie_gets_the_plan_to_show(
    settings: config.Settings, network: EmbeddedNetwork, sdl: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approval, "QUESTION_SECONDS", 0.2)

    async def sleeps(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        await anyio.sleep_forever()
        return YES

    async with Client(build(settings), mode="legacy", elicitation_callback=sleeps) as client:
        first = await Agent(client).call("create_deployment", sdl=sdl, deposit_usd=1)
    assert first["status"] == "confirmation_required"
    assert not network.chain.deployments


class Anything(CallToolRequestParams):
    """What a client may send, which is more than the specification allows."""

    input_responses: Any = None


class Call(CallToolRequest):
    params: Anything


BROUGHT_BACK: dict[str, Any] = {
    "nothing": None,
    "no answer": {},
    "an error": {"error": {"code": -32603, "message": "no window"}},
    "no action": {"content": {"confirm": True}},
    "an unknown action": {"action": "maybe"},
    "not an object": "yes",
    "another kind of answer": {"roots": []},
}


async def test_a_question_that_comes_again_is_one_deed_also_where_its_plan_was_shown_meanwhile(
    settings: config.Settings, network: EmbeddedNetwork, sdl: str
) -> None:
    arguments = {"sdl": sdl, "deposit_usd": 1}
    server = build(settings, intervals=replace(INTERVALS, reading=3600.0))

    async def never(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        raise AssertionError

    async with Client(server, mode=ERAS[0], elicitation_callback=never) as client:
        question = await client.session.call_tool("create_deployment", arguments, allow_input_required=True)
        assert isinstance(question, InputRequiredResult)
        (key,) = question.input_requests or {}

        async def bring(answer: ElicitResult) -> dict[str, Any]:
            back = Anything(
                name="create_deployment",
                arguments=arguments,
                request_state=question.request_state,
                input_responses={key: answer.model_dump(by_alias=True, exclude_none=True)},
            )
            result = await client.session.send_request(Call(params=back), CallToolResult)
            assert not result.is_error, text_of(result)
            return dict(result.structured_content or {})

        one, other = [await bring(ElicitResult(action="decline")) for _ in range(2)]
        assert one["approval_token"] == other["approval_token"]
        created = await bring(YES)
        assert created["status"] == "created"
        for again in (await bring(YES), await Agent(client).agreed(one)):
            assert again["op_id"] == created["op_id"]
    assert len(network.chain.deployments) == 1


@pytest.mark.parametrize("brought", BROUGHT_BACK.values(), ids=BROUGHT_BACK.keys())
async def test_what_is_brought_back_without_an_answer_gets_the_plan_to_show(
    brought: Any, settings: config.Settings, network: EmbeddedNetwork, sdl: str
) -> None:
    arguments = {"sdl": sdl, "deposit_usd": 1}

    async def never(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        raise AssertionError

    async with Client(build(settings), mode=ERAS[0], elicitation_callback=never) as client:
        question = await client.session.call_tool("create_deployment", arguments, allow_input_required=True)
        assert isinstance(question, InputRequiredResult)
        (key,) = question.input_requests or {}
        back = Anything(
            name="create_deployment",
            arguments=arguments,
            request_state=question.request_state,
            input_responses={key: brought} if brought else brought,
        )
        result = await client.session.send_request(Call(params=back), CallToolResult)
    assert not result.is_error, text_of(result)
    assert (result.structured_content or {})["status"] == "confirmation_required"
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
        again = await agent.agreed(first)
        assert again["status"] == "created"


async def test_a_token_is_spent_with_its_first_use(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect() as agent:
        shown = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
        first = await agent.agreed(shown)
        # Sent again it says what it came to.
        assert await agent.agreed(shown) == first
    assert len(network.chain.deployments) == 1


async def test_what_was_shown_is_carried_out_and_no_argument_is_repeated(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect() as agent:
        cheap = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
        dear = await agent.call("create_deployment", sdl=sdl.replace("alpine", "perl"), deposit_usd=2)
        created = await agent.agreed(cheap)
        said = await agent.refused("confirm", approval_token=dear["approval_token"], deposit_usd=1)
        assert "no argument 'deposit_usd'" in said
    (deployment,) = network.chain.deployments.values()
    assert deployment.dseq == created["dseq"]
    assert deployment.escrow.funds == 1_000_000


async def test_a_token_that_nobody_gave_opens_nothing(connect: Connect, network: EmbeddedNetwork) -> None:
    async with connect() as agent:
        for made_up in ("approve_AAAAAAAAAAAAAAAA", "yes", "op_0123456789abcdef"):
            said = await agent.refused("confirm", approval_token=made_up)
            assert "No money moved." in said
    assert not network.chain.deployments


async def test_a_token_of_another_agent_opens_nothing(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(agent="one") as agent:
        shown = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
    async with connect(agent="two") as agent:
        assert "unknown" in await agent.refused("confirm", approval_token=shown["approval_token"])
    assert not network.chain.deployments


async def test_a_plan_is_carried_out_only_by_a_server_that_has_its_tool(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect() as agent:
        shown = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
    async with connect(toolsets=("observe", "exec")) as agent:
        said = await agent.refused("confirm", approval_token=shown["approval_token"])
        assert "does not have the tool create_deployment" in said
    async with connect(read_only=True) as agent:
        assert "confirm" not in [tool.name for tool in (await agent.client.list_tools()).tools]
    assert not network.chain.deployments


async def test_a_plan_that_was_carried_out_elsewhere_is_not_told_as_one_that_spent_nothing(
    connect: Connect, sdl: str
) -> None:
    async with connect() as agent:
        shown = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
        done = await agent.agreed(shown)
    async with connect(toolsets=("observe", "exec")) as agent:
        said = await agent.refused("confirm", approval_token=shown["approval_token"])
    assert f"was used before, for operation {done['op_id']}" in said
    assert "No money moved." not in said


async def test_a_token_is_good_after_a_restart(connect: Connect, network: EmbeddedNetwork, sdl: str) -> None:
    async with connect() as agent:
        shown = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
    async with connect() as agent:
        created = await agent.agreed(shown)
    assert created["dseq"] in [dseq for _, dseq in network.chain.deployments]


async def test_a_token_is_worth_nothing_where_the_policy_denies_by_now(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect() as agent:
        shown = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
    async with connect(approval="deny") as agent:
        assert "allows nothing" in await agent.refused("confirm", approval_token=shown["approval_token"])
    async with connect(approval="terminal") as agent:
        said = await agent.refused("confirm", approval_token=shown["approval_token"])
        assert "in a terminal only" in said
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
        assert "allows nothing" in await agent.refused("update_deployment", dseq=dseq, sdl=sdl)
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
        closed = await agent.agreed(first)
    assert closed["status"] == "closed"


async def test_auto_leaves_alone_what_others_created_and_says_how_a_person_allows_it(
    connect: Connect, network: EmbeddedNetwork, sdl: str, tmp_path: Any
) -> None:
    async with connect(approval="auto", state_dir=tmp_path / "another machine") as agent:
        dseq = (await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"]
    async with connect(approval="auto", answer=YES) as agent:
        for tool, arguments in (
            ("close_deployment", {}),
            ("update_deployment", {"sdl": sdl}),
            ("add_funds", {"amount_usd": 1}),
        ):
            said = await agent.refused(tool, dseq=dseq, **arguments)
            assert "not created by this server" in said
            assert "AKASH_MCP_APPROVAL" in said
        assert agent.asked == []
    deployment = network.chain.deployments[(network.owner, dseq)]
    assert deployment.state == "active"


async def test_nobody_is_asked_about_what_would_be_refused(connect: Connect, sdl: str) -> None:
    async with connect(answer=YES) as agent:
        await agent.refused("deploy", sdl=sdl, deposit_usd=11)
        await agent.refused("deploy", sdl="version: 1", deposit_usd=1)
    assert agent.asked == []


async def test_a_lease_that_was_shown_and_is_gone_by_its_yes_ends_there(connect: Connect, sdl: str) -> None:
    async with connect() as agent:
        created = await agent.agreed(await agent.call("create_deployment", sdl=sdl, deposit_usd=1))
        dseq = created["dseq"]
        best = (await agent.call("list_bids", dseq=dseq))["offers"][0]
        lease = {"providers": [best["provider"]], "max_usd_per_hour": best["usd_per_hour"]}
        shown = await agent.call("create_lease", dseq=dseq, **lease)
        await agent.call("close_deployment", dseq=dseq)
        for _ in range(2):
            said = await agent.refused("confirm", approval_token=shown["approval_token"])
            assert "no longer open" in said
            assert "No money moved." in said
        [row] = [
            each for each in (await agent.call("list_operations"))["operations"] if each["kind"] == "lease"
        ]
    assert row["state"] == "refused"
    assert "no longer open" in row["note"]


@pytest.mark.parametrize("era", ERAS)
async def test_a_token_that_comes_again_after_the_deployment_was_closed_is_not_told_that_it_runs(
    era: str, connect: Connect, sdl: str
) -> None:
    async with connect(era) as agent:
        shown = await agent.call("deploy", sdl=sdl, deposit_usd=1)
        done = await agent.finished(await agent.agreed(shown))
        await agent.call("close_deployment", dseq=done["dseq"])
        again = await agent.call("confirm", approval_token=shown["approval_token"])
    assert again["dseq"] == done["dseq"]
    assert again["status"] == "closed"
    assert "address" not in again["next_step"]
