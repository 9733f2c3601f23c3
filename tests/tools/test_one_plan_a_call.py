"""One plan a call: what is asked and what is done come from one plan, and making it takes no longer than a call may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest
from agents import ERAS, YES, Connect
from mcp import Client
from mcp.client import ClientRequestContext
from mcp.types import ElicitRequestParams, ElicitResult
from scripted_provider import answering

from akash_mcp import config
from akash_mcp.sandbox.console import Generation
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.server import build
from akash_mcp.tools import approval, deadline
from akash_mcp.workflow import planning

pytestmark = pytest.mark.anyio


@pytest.fixture
def generation() -> Generation:
    """The newest, in its document's shape: nothing here depends on deposits."""
    return "2026-11"


EXEC = ("deploy", "exec")
READ_ONE = "GET /v1/deployments/{dseq}"


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tools that a launch was planned for, in order: every plan is counted and made all the same."""
    made: list[str] = []
    launch_plan: Callable[..., Any] = planning.launch_plan

    async def counted(*args: Any, **kwargs: Any) -> Any:
        made.append(kwargs["tool"])
        return await launch_plan(*args, **kwargs)

    monkeypatch.setattr(planning, "launch_plan", counted)
    return made


@pytest.mark.parametrize(("era", "most"), [("2026-07-28", 2), ("legacy", 1)])
async def test_a_confirmed_deploy_is_planned_once_a_call(
    era: str, most: int, plans: list[str], connect: Connect, sdl: str
) -> None:
    async with connect(era, answer=YES) as agent:
        await agent.call("deploy", sdl=sdl, deposit_usd=1)
    assert len(agent.asked) == 1
    # In the newer era the answer to the question comes as a call of its own.
    assert plans == ["deploy"] * most


@pytest.mark.parametrize("era", ERAS)
async def test_a_two_step_approval_is_planned_once(
    era: str, plans: list[str], connect: Connect, sdl: str
) -> None:
    async with connect(era) as agent:
        await agent.agreed(await agent.call("deploy", sdl=sdl, deposit_usd=1))
    assert len(plans) == 1


def reads(network: EmbeddedNetwork) -> int:
    """How often the Console was asked for one deployment."""
    requests: Any = network.state()["requests"]
    return sum(count for route, count in requests.items() if route.startswith("GET /v1/deployments/"))


@pytest.mark.parametrize(("era", "after"), [("2026-07-28", 1), ("legacy", 0)])
async def test_a_command_reads_its_deployment_once_before_the_question_and_at_most_once_after(
    era: str, after: int, connect: Connect, network: EmbeddedNetwork, settings: config.Settings, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        dseq = (await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=1)))["dseq"]
    started = reads(network)
    asked: list[int] = []

    async def answer(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        asked.append(reads(network) - started)
        return YES

    server = build(config.Settings(**{**dict(settings), "toolsets": EXEC}))
    async with Client(server, mode=era, elicitation_callback=answer) as client:
        result = await client.call_tool("run_command", {"dseq": dseq, "command": ["true"]})
    assert not result.is_error
    assert asked == [1]
    assert reads(network) - started == 1 + after


@pytest.mark.parametrize("era", ERAS)
async def test_a_console_that_never_answers_ends_the_call_in_time_and_nobody_is_asked(
    era: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "CALL_SECONDS", approval.BODY_SECONDS + 0.5)
    async with (
        answering(lambda path: None) as silent,
        connect(era, answer=YES, console_url=silent, toolsets=EXEC) as agent,
    ):
        with anyio.fail_after(10):
            said = await agent.refused("run_command", dseq="1763759482113", command=["true"])
    assert "There was no answer within 0.5 seconds." in said
    assert "moves no money" in said
    assert agent.asked == []


async def test_the_time_that_a_person_takes_is_not_the_call_s(
    settings: config.Settings, network: EmbeddedNetwork, sdl: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    thought_about = 0.0
    monkeypatch.setattr(deadline, "now", lambda: anyio.current_time() + thought_about)

    async def slow(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        nonlocal thought_about
        thought_about = 10 * deadline.CALL_SECONDS
        return YES

    async with Client(build(settings), mode="legacy", elicitation_callback=slow) as client:
        result = await client.call_tool("create_deployment", {"sdl": sdl, "deposit_usd": 1})
    assert not result.is_error
    assert result.structured_content is not None
    # The work goes on without the call where it takes longer than the wait.
    assert result.structured_content["status"] in ("created", "pending")
