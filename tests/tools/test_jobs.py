"""Runs that end by themselves, over a real MCP client: kept, closed and paid for, with nobody watching."""

from __future__ import annotations

import gc
import re
from decimal import Decimal
from typing import Any

import anyio
import pytest
from agents import Connect

from akash_mcp.data import examples_dir
from akash_mcp.sandbox.console import Generation
from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio

JOB = "ghcr.io/akash-mcp/job:1"


def job(epochs: int = 2, seconds: int = 60, exit_code: int = 0) -> str:
    """The SDL of a program that counts its epochs and ends: late enough to be seen by a machine that is busy."""
    web = (examples_dir() / "web.yaml").read_text(encoding="utf-8")
    sdl = re.sub(r"image: \S+", f"image: {JOB}", web)
    env = [f"EPOCHS={epochs}", f"EPOCH_SECONDS={seconds}", f"EXIT_CODE={exit_code}"]
    lines = "".join(f"      - {each}\n" for each in env)
    return re.sub(
        r"(    image: \S+\n)", rf"\1    env:\n{lines}", re.sub(r"    env:\n(      - .*\n)+", "", sdl)
    )


@pytest.mark.parametrize("generation", ["2025", "reference", "2026-11"])
@pytest.mark.parametrize("until", ["exit:web", "log:web:epoch 2/2"])
async def test_a_job_ends_by_itself_and_is_paid_for_exactly(
    connect: Connect, network: EmbeddedNetwork, generation: Generation, until: str
) -> None:
    async with connect(approval="auto") as agent:
        told = await agent.call("deploy", sdl=job(), deposit_usd=5, until=until)
        with anyio.fail_after(60):
            while told["status"] == "pending":
                await anyio.sleep(0.2)
                told = await agent.call("get_deployment", id=told["op_id"])
                if told.get("state") == "closed":
                    break
                told.setdefault("status", "pending")
        budget = await agent.call("get_budget")
    [deployment] = network.chain.deployments_of(network.owner)
    assert deployment.state == "closed"
    paid = Decimal(deployment.escrow.transferred)
    assert (budget["open_deployments"], budget["held_usd"]) == (0, "0.00")
    assert any("epoch 2/2" in line for line in told.get("last_lines") or []), told
    assert Decimal(budget["committed_last_24h_usd"]) >= paid / 1_000_000 > 0


async def test_money_for_a_job_that_runs_does_not_end_the_wait_for_its_end(
    connect: Connect, network: EmbeddedNetwork
) -> None:
    until = "log:web:epoch 6/6"
    async with connect(approval="auto") as agent, anyio.create_task_group() as calls:

        async def deploy() -> None:
            await agent.ask("deploy", sdl=job(6, 60), deposit_usd=1, hours=100, until=until)

        calls.start_soon(deploy)
        with anyio.fail_after(50):
            while True:
                under_way = (await agent.call("list_operations"))["operations"]
                if under_way and under_way[0]["state"] == "leased":
                    break
                await anyio.sleep(0.1)
            [job_op] = under_way
            await anyio.sleep(2.5)  # some epochs of its life; each takes a second
            funded = await agent.call("add_funds", dseq=job_op["dseq"], amount_usd=1)
            assert funded["status"] == "funded"
            while True:
                ended = await agent.call("get_deployment", id=job_op["op_id"])
                if ended["state"] == "closed":
                    break
                await anyio.sleep(0.2)
    assert ended["run_ended"] == "The run ended: its log had the text that it was to end at."
    assert "epoch 6/6" in str(ended["last_lines"])


# Where anyio is cancelled in the moment in which it has connected, it leaves the connection to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("generation", ["reference", "2026-11"])
async def test_six_jobs_at_once_on_a_small_budget_end_by_themselves_and_leave_it_free(
    connect: Connect, network: EmbeddedNetwork, generation: Generation
) -> None:
    small = {"max_usd_per_day": 5, "max_usd_per_deployment": 1, "max_deployments": 6}
    answers: list[dict[str, Any]] = []
    async with connect(approval="auto", **small) as agent:

        async def run(number: int) -> None:
            sdl = job(epochs=number, seconds=60, exit_code=number % 2)
            answers.append(await agent.call("deploy", sdl=sdl, deposit_usd=0.8, hours=1, until="exit:web"))

        async with anyio.create_task_group() as batch:
            for number in range(1, 7):
                batch.start_soon(run, number)
        with anyio.fail_after(120):
            while (budget := await agent.call("get_budget"))["open_deployments"]:  # noqa: ASYNC110  # over MCP
                await anyio.sleep(0.3)
        ended = [await agent.call("get_deployment", id=answer["op_id"]) for answer in answers]
    gc.collect()
    assert [deployment.state for deployment in network.chain.deployments_of(network.owner)] == ["closed"] * 6
    assert [each["state"] for each in ended] == ["closed"] * 6
    assert all("container" in each["run_ended"] for each in ended), ended
    paid = sum(Decimal(each.escrow.transferred) for each in network.chain.deployments_of(network.owner))
    assert budget["held_usd"] == "0.00"
    assert 5 > Decimal(budget["committed_last_24h_usd"]) >= paid / 1_000_000 > 0
