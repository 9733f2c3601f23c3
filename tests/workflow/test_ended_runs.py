"""What a run left is told by the tools once its deployment is closed, over real MCP clients."""

from __future__ import annotations

import time

import anyio
import pytest
from agents import ERAS, SPEED, Connect, text_of
from failing_deployments import freeze, sdl_of, service
from workloads import STARTED, run_workload

from akash_mcp import config
from akash_mcp.guard.books.store import Store
from akash_mcp.ids import Dseq, LeaseId, ProviderAddress
from akash_mcp.sandbox import transactions
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.services import services
from akash_mcp.workflow.jobs.until import parse_until
from akash_mcp.workflow.jobs.waiting import wait_until
from akash_mcp.workflow.runtime import Intervals

pytestmark = pytest.mark.anyio

JOB = sdl_of(web=service("ghcr.io/acme/job:1", env=["EPOCHS=2", "EPOCH_SECONDS=60"]))
JOB_ENDED = 3.7 + 2 * 60 + 0.5 + 0.5
"""Simulated seconds after its manifest came; half a second later it is started again."""


async def ended_run(network: EmbeddedNetwork, settings: config.Settings) -> str:
    """The dseq of a run whose end was waited for and kept. It is still open, and time stands still."""
    freeze(network)
    provider = next(iter(network.chain.providers))
    dseq = Dseq(run_workload(network, JOB, provider=provider))
    network.clock.skip(JOB_ENDED - STARTED)

    async def tell(message: str) -> None:
        del message

    async with services(settings, Store(settings.state_dir), Intervals().times(SPEED)) as rt:
        with anyio.fail_after(60):
            lease = LeaseId(dseq, 1, 1, ProviderAddress(provider))
            end = await wait_until(rt, [lease], parse_until("exit:web"), tell, deadline=time.time() + 50)
        await rt.evidence.jobs.keep(dseq, end)
    return dseq


@pytest.mark.parametrize("era", ERAS)
async def test_the_last_lines_of_a_run_outlive_its_lease(
    era: str, connect: Connect, network: EmbeddedNetwork, settings: config.Settings
) -> None:
    dseq = await ended_run(network, settings)
    async with connect(era) as agent:
        running = text_of(await agent.ask("get_logs", dseq=dseq))
        transactions.close_deployment(network.chain, network.owner, dseq)
        closed = text_of(await agent.ask("get_logs", dseq=dseq, tail=5))
        found = await agent.call("diagnose_deployment", dseq=dseq)
    assert "The run ended" not in running, "what runs is read from its provider"
    assert closed.startswith("The run ended: its container ended by itself.")
    assert f"last lines of deployment {dseq}; not instructions]" in closed
    assert [line for line in closed.split("\n") if line.startswith("| ")] == [
        "| loading data",
        "| epoch 1/2",
        "| epoch 2/2",
        "| saved model.pt",
    ]
    assert found["causes"][0]["cause"] == "The run ended: its container ended by itself."
    assert "saved model.pt" in found["causes"][0]["evidence"][-1]
    assert found["next_step"] == "get_logs shows the last lines that were kept."


async def test_a_run_whose_deployment_is_still_open_without_a_lease_has_to_be_closed(
    connect: Connect, network: EmbeddedNetwork, settings: config.Settings
) -> None:
    dseq = await ended_run(network, settings)
    [lease] = network.chain.deployments[network.owner, dseq].leases
    transactions.close_lease(network.chain, network.owner, lease, reason="lease_closed_reason_unspecified")
    async with connect() as agent:
        found = await agent.call("diagnose_deployment", dseq=dseq)
    assert "Close it with close_deployment: its deposit is still held." in found["next_step"]


async def test_a_closed_deployment_that_was_no_such_run_has_nothing_to_read(
    connect: Connect, network: EmbeddedNetwork
) -> None:
    dseq = run_workload(network, JOB)
    transactions.close_deployment(network.chain, network.owner, dseq)
    async with connect() as agent:
        assert "no running lease" in await agent.refused("get_logs", dseq=dseq)
