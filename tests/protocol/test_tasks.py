"""The Tasks extension: who takes tasks gets one in place of a pending answer, and it outlives the server."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from agents import ERAS, SPEED, YES, Agent, Connect, text_of
from mcp import Client, MCPError
from mcp.types import ElicitResult
from server_process import server_process
from task_client import (
    MisnamedTaskParams,
    MisnamedTaskRequest,
    TakesTasks,
    TaskParams,
    Told,
    UnnamedTaskRequest,
    ask,
    ended,
)

from akash_mcp import config
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.workflow.runtime import Intervals

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

NO_SUCH = "There is no such task"


async def test_a_launch_is_a_task_for_who_takes_tasks(connect: Connect, sdl: str) -> None:
    takes = TakesTasks()
    async with connect(approval="auto", extensions=[takes]) as agent:
        deployed = await agent.call("deploy", sdl=sdl, deposit_usd=1)
        (task,) = takes.tasks
        assert task.status == "working"
        assert (deployed["status"], deployed["op_id"]) == ("ready", task.task_id)
        # Whoever does not poll finds it as ever.
        assert (await agent.call("get_deployment", id=task.task_id))["dseq"] == deployed["dseq"]
        assert (await ask(agent.client, "tasks/update", task.task_id)).keys() == {"resultType", "_meta"}


async def test_a_question_comes_before_the_task(connect: Connect, sdl: str) -> None:
    takes = TakesTasks()
    async with connect(answer=YES, extensions=[takes]) as agent:
        assert (await agent.call("deploy", sdl=sdl, deposit_usd=1))["status"] == "ready"
        assert len(agent.asked) == len(takes.tasks) == 1
    takes, no = TakesTasks(), ElicitResult(action="decline")
    async with connect(answer=no, extensions=[takes]) as agent:
        assert "No money moved" in await agent.refused("deploy", sdl=sdl, deposit_usd=1)
        assert takes.tasks == []


async def test_what_is_shown_first_is_no_task_and_confirm_makes_one(connect: Connect, sdl: str) -> None:
    takes = TakesTasks()
    async with connect(extensions=[takes]) as agent:
        shown = await agent.call("deploy", sdl=sdl, deposit_usd=1)
        assert (shown["status"], takes.tasks) == ("confirmation_required", [])
        assert (await agent.agreed(shown))["status"] == "ready"
        assert len(takes.tasks) == 1


async def test_a_launch_that_fails_is_a_completed_task_with_an_error(connect: Connect, sdl: str) -> None:
    takes = TakesTasks()
    async with connect(approval="auto", extensions=[takes]) as agent:
        result = await agent.ask("deploy", sdl=sdl, deposit_usd=1, max_usd_per_hour=0.000001)
        assert result.is_error, text_of(result)
        assert len(takes.tasks) == 1
        assert "retryable: no" in text_of(result)


@pytest.mark.parametrize("era", ERAS)
async def test_who_takes_no_tasks_gets_none(era: str, connect: Connect, sdl: str) -> None:
    async with connect(era, approval="auto") as agent:
        created = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
        assert (await agent.call("close_deployment", dseq=created["dseq"]))["status"] == "closed"
        with pytest.raises(MCPError, match=r"required extension|not found"):
            await ask(agent.client, "tasks/get", created["op_id"])


async def test_an_unknown_task_and_a_foreign_one_are_refused_alike(connect: Connect, sdl: str) -> None:
    takes = TakesTasks()
    async with connect(approval="auto", extensions=[takes], agent="one") as agent:
        await agent.call("deploy", sdl=sdl, deposit_usd=1)
        for method in ("tasks/get", "tasks/update", "tasks/cancel"):
            with pytest.raises(MCPError, match=NO_SUCH):
                await ask(agent.client, method, "op_0000000000000000")
    async with connect(approval="auto", extensions=[TakesTasks()], agent="other") as agent:
        with pytest.raises(MCPError, match=NO_SUCH):
            await ask(agent.client, "tasks/get", takes.tasks[0].task_id)
    # The same agent again, in a server that did not carry it out.
    async with connect(approval="auto", extensions=[TakesTasks()], agent="one") as agent:
        told = await ended(agent.client, takes.tasks[0].task_id)
        assert "told from the journal" in told["result"]["structuredContent"]["summary"]
        assert told["result"]["structuredContent"]["status"] == "ready"
        # The call that the task stands for is the one that spent.
        assert "no money" not in told["result"]["structuredContent"]["money"].lower()


async def test_a_cancelled_task_goes_on_and_the_next_answer_says_so(connect: Connect, sdl: str) -> None:
    takes = TakesTasks(waits=False)
    async with connect(approval="auto", extensions=[takes]) as agent:
        await agent.ask("deploy", sdl=sdl, deposit_usd=1)
        (task,) = takes.tasks
        assert (await ask(agent.client, "tasks/get", task.task_id))["status"] == "working"
        await ask(agent.client, "tasks/cancel", task.task_id)
        (notice,) = (await agent.call("list_operations"))["notices"]
        assert "That stops nothing" in notice
        told = await ended(agent.client, task.task_id)
        assert told["result"]["structuredContent"]["status"] == "ready"
        await ask(agent.client, "tasks/cancel", task.task_id)
        assert "notices" not in await agent.call("list_operations")


async def test_over_http_a_client_may_leave_out_the_header_and_not_name_another_task(
    network: EmbeddedNetwork, tmp_path: Path, sdl: str
) -> None:
    """fastmcp-tasks 4.1.4 and mcp-remote 0.15.1 leave it out, and their users' money is spent by then."""
    takes = TakesTasks()
    async with (
        server_process(network, tmp_path, speed=SPEED) as server,
        Client(server.url, extensions=[takes]) as client,
    ):
        await Agent(client).call("deploy", sdl=sdl, deposit_usd=1)
        task_id = takes.tasks[0].task_id
        request = UnnamedTaskRequest(method="tasks/get", params=TaskParams(taskId=task_id))
        told = await client.session.send_request(request, Told)
        assert told.model_dump()["status"] == "completed"
        other = MisnamedTaskRequest(method="tasks/get", params=MisnamedTaskParams(taskId=task_id))
        with pytest.raises(MCPError, match="Mcp-Name"):
            await client.session.send_request(other, Told)


async def test_a_killed_servers_task_is_told_by_the_next_server(
    network: EmbeddedNetwork, settings: config.Settings, connect: Connect, tmp_path: Path, sdl: str
) -> None:
    takes = TakesTasks(waits=False)
    async with (
        server_process(network, tmp_path, speed=SPEED, is_killed=True) as server,
        Client(server.url, extensions=[takes]) as client,
    ):
        await Agent(client).ask("deploy", sdl=sdl, deposit_usd=1)
        server.process.kill()
    op_id = takes.tasks[0].task_id
    with closing(sqlite3.connect(tmp_path / "state" / "akash-mcp.sqlite3")) as db:
        (state,) = db.execute("SELECT state FROM operations WHERE op_id = ?", [op_id]).fetchone()
    assert state not in ("ready", "closed")
    soon = Intervals(first_look=0.0).times(SPEED)
    async with connect(approval="auto", extensions=[TakesTasks()], intervals=soon) as agent:
        told = await ended(agent.client, op_id)
    assert told["status"] == "completed"
    assert told["result"]["structuredContent"]["status"] == "ready", (state, told)
