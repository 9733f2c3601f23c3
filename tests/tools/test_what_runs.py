"""What an agent is told of what runs: images, disks, ports and cost, as far as they are known, and never better."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from agents import ERAS, YES, Connect
from scripted_provider import PRICE, leased, running, scripted

from akash_mcp.data import examples_dir
from akash_mcp.money import usd_per_hour_at_most
from akash_mcp.sandbox import transactions
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.workflow.runtime import Intervals

pytestmark = pytest.mark.anyio


@pytest.fixture
def with_database() -> str:
    return (examples_dir() / "web-with-database.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("era", ERAS)
async def test_services_are_shown_with_image_disks_and_public_ports(
    era: str, connect: Connect, with_database: str
) -> None:
    async with connect(era, answer=YES) as agent:
        deployed = await agent.finished(await agent.call("deploy", sdl=with_database, deposit_usd=2))
        shown = await agent.call("get_deployment", id=deployed["dseq"], wait_for="ready")
        [row] = (await agent.call("list_deployments"))["deployments"]
    database, web = shown["services"]
    assert database["image"] == "postgres:17.5-alpine"
    assert database["disks"] == ["512Mi ephemeral", "data 10Gi beta3 at /var/lib/postgresql/data"]
    assert "public_ports" not in database
    assert (web["image"], web["public_ports"]) == ("miniflux/miniflux:2.2.8", ["80 HTTP"])
    assert "replace-this-password" not in str(shown)
    assert row["services"] == ["database: postgres:17.5-alpine", "web: miniflux/miniflux:2.2.8"]


async def test_what_was_only_created_shows_what_it_would_run(connect: Connect, sdl: str) -> None:
    async with connect(answer=YES) as agent:
        created = await agent.call("create_deployment", sdl=sdl, deposit_usd=1, name="shop")
        shown = await agent.call("get_deployment", id=created["dseq"])
        [row] = (await agent.call("list_deployments"))["deployments"]
    [service] = shown["services"]
    assert (service["name"], service["image"], "ready" in service) == ("web", "nginx:1.28.0-alpine", False)
    assert (row["name"], row["services"]) == ("shop", ["web: nginx:1.28.0-alpine"])


async def test_what_its_owner_changed_elsewhere_is_not_told_as_what_runs(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(answer=YES) as agent:
        dseq = (await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=1)))["dseq"]
        transactions.update_deployment(network.chain, network.owner, dseq, version=b"\1" * 32)
        shown = await agent.call("get_deployment", id=dseq)
        [row] = (await agent.call("list_deployments"))["deployments"]
    assert "nginx" not in str(shown)
    assert "services" not in row


async def test_of_what_this_server_did_not_make_only_the_state_is_known(
    connect: Connect, network: EmbeddedNetwork, sdl: str, tmp_path: Path
) -> None:
    provider = next(iter(network.chain.providers))
    deployment = leased(network, sdl, provider)
    async with scripted(network, provider, tmp_path) as script, connect() as agent:
        script.status = running(web={})
        [service] = (await agent.call("get_deployment", id=deployment.dseq))["services"]
        [row] = (await agent.call("list_deployments"))["deployments"]
    assert {"image", "disks", "public_ports"}.isdisjoint(service)
    assert "services" not in row


@pytest.mark.parametrize("generation", ["2026-11"])
async def test_the_definition_that_the_console_keeps_shows_what_others_made(
    connect: Connect, with_database: str, tmp_path: Path
) -> None:
    async with connect(answer=YES) as agent:
        dseq = (await agent.finished(await agent.call("deploy", sdl=with_database, deposit_usd=2)))["dseq"]
    async with connect(state_dir=tmp_path / "another machine") as stranger:
        shown = await stranger.call("get_deployment", id=dseq)
    database = next(service for service in shown["services"] if service["name"] == "database")
    assert not shown["ours"]
    assert database["image"] == "postgres:17.5-alpine"
    assert database["disks"][1] == "data 10Gi beta3 at /var/lib/postgresql/data"


async def test_what_it_cost_so_far_counts_what_accrued_since_the_last_block_that_is_known(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    deployment = leased(network, sdl, next(iter(network.chain.providers)))
    begun = network.chain.height
    for _ in range(100):
        network.clock.skip(6)
    async with connect() as agent:
        shown = await agent.call("get_deployment", id=deployment.dseq)
    rate = usd_per_hour_at_most(PRICE) * (Decimal(network.chain.height - begun) / 600)
    assert Decimal(shown["spent_usd"]) > 0
    assert shown["usd_per_hour"]
    assert Decimal(shown["spent_usd"]) >= rate.amount * Decimal("0.9")


async def test_a_job_that_is_waited_for_shows_its_progress_and_no_problem(
    connect: Connect, sdl: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("akash_mcp.tools.carry_out.wait_seconds", lambda *_: 0.1)
    slow = Intervals(bid_poll=0.05, bid_settle=0.1, ready_poll=0.05, ready_give_up=0.1)
    async with connect(answer=YES, intervals=slow) as agent:
        pending = await agent.call("deploy", sdl=sdl, deposit_usd=1, until="log:web:never said")
        shown = await agent.call("get_deployment", id=pending["op_id"])
        while "waiting until" not in shown["progress"]:
            shown = await agent.call("get_deployment", id=pending["op_id"])
        [row] = (await agent.call("list_deployments"))["deployments"]
    assert shown["state"] == "under way"
    assert shown["progress"]
    assert "problem" not in shown
    assert row["op_id"] in row["progress"]
    assert "problem" not in row
