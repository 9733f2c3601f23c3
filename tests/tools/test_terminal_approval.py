"""Approval at a terminal: a person answers there what an agent asked for, and nobody else can, in both eras."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from agents import ERAS, YES, Agent, Connect
from terminals import QUESTION, Terminal, answered

from akash_mcp import config
from akash_mcp.guard import statement
from akash_mcp.guard.approval import waiting
from akash_mcp.guard.books import audit
from akash_mcp.guard.books.store import Store
from akash_mcp.guard.policy.policy import ApprovalMode
from akash_mcp.ids import OpId
from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio

TERMINAL = ApprovalMode.TERMINAL


async def asks(agent: Agent, sdl: str, **arguments: Any) -> dict[str, Any]:
    return await agent.call("create_deployment", sdl=sdl, deposit_usd=1, **arguments)


@pytest.fixture
def state_dir(settings: config.Settings) -> Path:
    return settings.state_dir


@pytest.mark.parametrize("era", ERAS)
async def test_a_yes_at_a_terminal_lets_the_same_call_through_once(
    era: str, connect: Connect, network: EmbeddedNetwork, sdl: str, state_dir: Path
) -> None:
    async with connect(era, answer=YES, approval=TERMINAL) as agent:
        first = await asks(agent, sdl)
        assert first["status"] == "waiting_for_person"
        assert first["money"] == "No money moved."
        assert f"akash-mcp approve {first['op_id']}" in first["next_step"]
        assert "approval_token" not in first
        assert first["expires_in_seconds"] > 1_700
        assert (await asks(agent, sdl))["op_id"] == first["op_id"]
        assert not network.chain.deployments
        answered(first["op_id"], "yes", state_dir)
        done = await asks(agent, sdl)
        assert (done["status"], done["op_id"]) == ("created", first["op_id"])
        again = await asks(agent, sdl)
        assert again["op_id"] == first["op_id"]
        assert agent.asked == []
    # Whoever comes later brings the same yes.
    async with connect(era, approval=TERMINAL) as agent:
        assert (await asks(agent, sdl))["op_id"] == first["op_id"]
        assert (await asks(agent, sdl, name="another"))["status"] == "waiting_for_person"
    assert len(network.chain.deployments) == 1


@pytest.mark.parametrize("era", ERAS)
async def test_a_no_at_a_terminal_is_told_and_spends_nothing(
    era: str, connect: Connect, network: EmbeddedNetwork, sdl: str, state_dir: Path
) -> None:
    async with connect(era, approval=TERMINAL) as agent:
        first = await asks(agent, sdl)
        screen = answered(first["op_id"], "no", state_dir)
        assert "nothing was done" in screen.shown
        said = await agent.refused("create_deployment", sdl=sdl, deposit_usd=1)
        assert "said no to this in their terminal" in said
        assert "No money moved." in said
    assert not network.chain.deployments


async def test_a_person_sees_what_they_say_yes_to(connect: Connect, sdl: str, state_dir: Path) -> None:
    async with connect(approval=TERMINAL) as agent:
        first = await asks(agent, sdl)
    with Terminal("approve", AKASH_MCP_STATE_DIR=state_dir) as listed:
        assert listed.end() == 0
    assert first["op_id"] in listed.shown
    with Terminal("approve", first["op_id"], columns=800, AKASH_MCP_STATE_DIR=state_dir) as screen:
        shown = screen.until(QUESTION)
        assert f"  | {first['summary']}" in shown
        for line in sdl.rstrip().splitlines():
            assert f"  | {line}" in shown
        assert "asked by mcp" in shown.replace("create_deployment ", "")
        # Half a word is no answer, and neither is what a hasty key leaves.
        screen.type("y\n\nYES PLEASE\n")
        screen.until("Type yes or no as a whole word.")
    with Terminal("approve", AKASH_MCP_STATE_DIR=state_dir) as listed:
        listed.end()
    assert first["op_id"] in listed.shown


async def test_each_answer_names_the_operation_that_confirm_carries_out(
    connect: Connect, network: EmbeddedNetwork, sdl: str, state_dir: Path
) -> None:
    async with connect(approval=TERMINAL) as agent:
        first = await asks(agent, sdl)
        (row,) = (await agent.call("list_operations"))["operations"]
        told = (
            first["next_step"],
            row["next_step"],
            await agent.refused("get_deployment", id=first["op_id"]),
        )
        call = f"confirm with {first['op_id']} as its approval_token"
        assert all(call in each for each in told)
        answered(first["op_id"], "yes", state_dir)
        done = await agent.call("confirm", approval_token=first["op_id"])
    assert done["status"] == "created"
    assert len(network.chain.deployments) == 1


async def test_a_waiting_plan_is_no_operation_yet(connect: Connect, sdl: str) -> None:
    async with connect(approval=TERMINAL) as agent:
        first = await asks(agent, sdl)
        said = await agent.refused("get_deployment", id=first["op_id"])
    assert "waits for the user" in said
    assert f"akash-mcp approve {first['op_id']}" in said


async def test_a_yes_that_meets_a_full_budget_spends_nothing_and_the_next_call_asks_anew(
    connect: Connect, network: EmbeddedNetwork, sdl: str, state_dir: Path
) -> None:
    async with connect(approval=TERMINAL) as agent:
        first = await asks(agent, sdl)
        answered(first["op_id"], "yes", state_dir)
    async with connect(approval=TERMINAL, max_usd_per_day="0.50") as agent:
        said = await agent.refused("create_deployment", sdl=sdl, deposit_usd=1)
        assert "is left of the" in said
    assert not network.chain.deployments


async def test_the_audit_tells_of_the_client_the_answer_and_the_end(
    connect: Connect, sdl: str, state_dir: Path
) -> None:
    async with connect(approval=TERMINAL) as agent:
        first = await asks(agent, sdl)
        answered(first["op_id"], "yes", state_dir)
        done = await asks(agent, sdl)
        await agent.call("close_deployment", dseq=done["dseq"])
    store = Store(state_dir)
    (store.account,) = store.read_now(statement.accounts)
    rows = store.read_now(audit.entries, op_id=OpId(first["op_id"]))
    assert [(row.event, row.via) for row in rows] == [
        ("shown", "terminal"),
        ("answered", "terminal"),
        ("approved", "terminal"),
        ("ended", ""),
    ]
    assert {row.text for row in rows[:3]} == {first["summary"]}
    assert all(row.client.startswith("mcp ") for row in rows[:3])
    assert rows[3].text.startswith("closed: ")
    assert store.read_now(audit.verify).broken is None
    store.close()


async def test_what_waits_is_shown_as_it_comes(connect: Connect, sdl: str, state_dir: Path) -> None:
    async with connect(approval=TERMINAL) as agent:
        with Terminal("approve", "--watch", AKASH_MCP_STATE_DIR=state_dir) as screen:
            screen.until("Ctrl-C ends this.")
            first = await asks(agent, sdl)
            shown = screen.until(QUESTION)
            assert first["op_id"] in shown
            screen.type("yes\n")
            screen.until(f"Yes to {first['op_id']}")
            screen.interrupt()
            assert screen.end() == 130
        assert (await asks(agent, sdl))["status"] == "created"


async def test_answers_are_taken_from_a_person_only(
    connect: Connect, network: EmbeddedNetwork, sdl: str, state_dir: Path
) -> None:
    async with connect(approval=TERMINAL) as agent:
        first = await asks(agent, sdl)
        command = [
            sys.executable,
            "-m",
            "akash_mcp",
            "approve",
            first["op_id"],
            "--state-dir",
            str(state_dir),
        ]
        piped = await anyio.run_process(command, input=b"yes\n", check=False)
        assert piped.returncode == 1
        assert b"runs in a terminal only" in piped.stderr
        assert (await asks(agent, sdl))["status"] == "waiting_for_person"
    assert Store(state_dir).read_now(waiting.unanswered, of_all=True)
    assert not network.chain.deployments


async def test_a_yes_that_is_brought_by_several_calls_at_once_is_one_deed(
    connect: Connect, network: EmbeddedNetwork, sdl: str, state_dir: Path
) -> None:
    done: list[dict[str, Any]] = []
    async with connect(approval=TERMINAL) as one, connect(approval=TERMINAL) as other:
        first = await asks(one, sdl)
        answered(first["op_id"], "yes", state_dir)

        async def call(agent: Agent) -> None:
            done.append(await asks(agent, sdl))

        async with anyio.create_task_group() as calls:
            for agent in (one, other, one, other):
                calls.start_soon(call, agent)
    assert {each["op_id"] for each in done} == {first["op_id"]}
    assert len(network.chain.deployments) == 1


async def test_a_command_waits_with_all_its_words_and_runs_once(
    connect: Connect, sdl: str, state_dir: Path
) -> None:
    command = ["sh", "-c", "echo 'yes\u202e' > /tmp/marker"]
    rules = {"run_command": TERMINAL}
    async with connect(answer=YES, approval_by_tool=rules, toolsets=("deploy", "observe", "exec")) as agent:
        deployed = await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=1))
        asked = await agent.call("run_command", dseq=deployed["dseq"], command=command)
        assert asked["status"] == "waiting_for_person"
        assert "u202e" in asked["summary"]
        screen = answered(asked["op_id"], "yes", state_dir)
        assert "u202e" in screen.shown
        assert "\u202e" not in screen.shown
        ran = await agent.call("run_command", dseq=deployed["dseq"], command=command)
        assert ran["status"] in ("exited", "unknown")
        assert ran["op_id"] == asked["op_id"]
        assert (await agent.call("run_command", dseq=deployed["dseq"], command=command))["op_id"] == asked[
            "op_id"
        ]
