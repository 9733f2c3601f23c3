"""Closing asks where something would be lost, names it, and is in nobody's way otherwise; replacing always asks."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from agents import YES, Connect
from lying_proxy import lying_proxy
from mcp.types import ElicitResult

from akash_mcp.data import examples_dir
from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio

NO = ElicitResult(action="decline")
READS = r"GET /v1/deployments(/\d+)?"


@pytest.fixture
def blog() -> str:
    """An SDL with a database on a persistent disk."""
    return (examples_dir() / "web-with-database.yaml").read_text(encoding="utf-8")


async def test_closing_what_never_ran_is_free(connect: Connect, blog: str) -> None:
    async with connect(answer=YES) as agent:
        dseq = (await agent.call("create_deployment", sdl=blog, deposit_usd=1))["dseq"]
        agent.asked.clear()
        assert (await agent.call("close_deployment", dseq=dseq))["status"] == "closed"
        assert agent.asked == []


async def test_closing_within_an_hour_is_free(connect: Connect, sdl: str) -> None:
    async with connect(answer=YES) as agent:
        dseq = (await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=1)))["dseq"]
        agent.asked.clear()
        assert (await agent.call("close_deployment", dseq=dseq))["status"] == "closed"
        assert agent.asked == []


async def test_closing_asks_for_what_has_run_for_over_an_hour(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(answer=YES) as agent:
        dseq = (await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=1)))["dseq"]
        agent.asked.clear()
        network.clock.skip(150 * 60)
        await agent.call(
            "get_deployment", id=dseq
        )  # the Console's index still has the height before the jump
        assert (await agent.call("close_deployment", dseq=dseq))["status"] == "closed"
        [question] = agent.asked
    assert question.startswith(f"No cost. Close deployment {dseq}, for good. It runs ")
    assert '"web" ("nginx:1.28.0-alpine"), for over 2 hours, at $' in question


@pytest.mark.parametrize("generation", ["reference", "2026-11"])
async def test_a_disk_is_not_lost_without_a_yes(
    connect: Connect, network: EmbeddedNetwork, settings: object, blog: str
) -> None:
    async with connect(approval="auto") as agent:
        dseq = (await agent.finished(await agent.call("deploy", sdl=blog, deposit_usd=5)))["dseq"]
    async with connect(answer=NO) as agent:
        assert "declined" in await agent.refused("close_deployment", dseq=dseq)
        [question] = agent.asked
        assert "Lost for good: " in question
        assert 'GiB "data" of "database".' in question
    assert network.chain.deployments[network.owner, dseq].state == "active"


async def test_what_cannot_be_read_is_judged_by_the_journal(
    connect: Connect, network: EmbeddedNetwork, sdl: str, blog: str
) -> None:
    """A Console that reads nothing can neither make closing impossible nor free."""
    async with lying_proxy(network.console_url) as proxy, connect(answer=YES, console_url=proxy.url) as agent:
        bare = (await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"]
        kept = (await agent.finished(await agent.call("deploy", sdl=blog, deposit_usd=2)))["dseq"]
        agent.asked.clear()
        proxy.refuse(READS, 400, {"message": "no"}, times=10**9)
        assert "not proven closed" in await agent.refused("close_deployment", dseq=bare)
        assert agent.asked == []
        assert network.chain.deployments[network.owner, bare].state == "closed"
        proxy.honest()
        proxy.rewrite(READS, lambda told: {**told, "data": {**told["data"], "leases": []}}, times=1)
        await agent.call("close_deployment", dseq=kept)
        assert "data" in agent.asked[0]


async def test_an_unknown_deployment_is_found_out_before_a_person_is_asked(
    connect: Connect, sdl: str
) -> None:
    async with connect(answer=YES) as agent:
        calls: dict[str, dict[str, Any]] = {
            "close_deployment": {},
            "add_funds": {"amount_usd": 1},
            "update_deployment": {"sdl": sdl},
        }
        for tool, more in calls.items():
            assert "not found" in (await agent.refused(tool, dseq="1763759482113", **more)).lower()
    assert agent.asked == []


async def test_replacing_what_runs_is_asked_for_and_names_what_changes(connect: Connect, sdl: str) -> None:
    before = sdl.replace("    expose:", "    env: [OLD=1, LEVEL=low]\n    expose:", 1)
    after = sdl.replace("1.28.0", "1.29.0").replace(
        "    expose:", "    env: [NEW=hunter2hunter2, LEVEL=high]\n    expose:", 1
    )
    async with connect(answer=YES) as agent:
        dseq = (await agent.call("create_deployment", sdl=before, deposit_usd=1))["dseq"]
        agent.asked.clear()
        assert (await agent.call("update_deployment", dseq=dseq, sdl=after))["status"] == "updated"
        [question] = agent.asked
    assert question == (
        f'No cost by itself. Change what deployment {dseq} runs: "web": image "nginx:1.28.0-alpine" → '
        '"nginx:1.29.0-alpine"; env added "NEW"; env removed "OLD"; env changed "LEVEL". Open to the Internet: '
        '"web" port 80 (HTTP). Nothing of it runs yet.'
    )


async def test_a_lease_is_asked_for_with_its_true_most_and_its_price(connect: Connect, sdl: str) -> None:
    async with connect(answer=YES) as agent:
        dseq = (await agent.call("create_deployment", sdl=sdl, deposit_usd=2))["dseq"]
        offer = (await agent.call("list_bids", dseq=dseq))["offers"][0]
        agent.asked.clear()
        await agent.call("create_lease", dseq=dseq, providers=[offer["provider"]], max_usd_per_hour=1)
        [question] = agent.asked
    assert question.startswith("At most $2.00, in escrow already. Lease deployment")
    assert f'"{offer["name"]}" ({offer["provider"]}) in "' in question
    assert f"for ${offer['usd_per_hour'][:6]}" in question
    assert '"web" port 80 (HTTP)' in question


async def test_nobody_is_asked_for_a_yes_that_leads_nowhere(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(answer=YES) as agent:
        dseq = (await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=1)))["dseq"]
        [lease] = network.chain.deployments[network.owner, dseq].leases
        wanted = {"dseq": dseq, "providers": [lease.provider], "max_usd_per_hour": 1}
        assert "is leased already" in await agent.refused("create_lease", **wanted)
        await agent.call("close_deployment", dseq=dseq)
        assert "is closed" in await agent.refused("create_lease", **wanted)
        assert "is closed" in await agent.refused("add_funds", dseq=dseq, amount_usd=1)
    assert len(agent.asked) == 1


async def change_as_a_person(network: EmbeddedNetwork, dseq: str, sdl: str) -> None:
    """What somebody does in the Console, with this account."""
    headers = {"x-api-key": network.api_key}
    async with httpx2.AsyncClient(base_url=network.console_url, headers=headers, trust_env=False) as person:
        told = await person.put(f"/v1/deployments/{dseq}", json={"data": {"sdl": sdl}})
    assert told.status_code == 200, told.text


@pytest.mark.parametrize(
    ("generation", "told"),
    [
        ("reference", "runs, which is not known here, by "),
        # The Console keeps what it runs.
        ("2026-11", 'runs: "web": image "nginx:1.29.1-alpine" → "nginx:1.28.0-alpine"; env added "LEVEL".'),
    ],
)
async def test_a_change_that_somebody_else_made_is_not_taken_back_unsaid(
    connect: Connect, network: EmbeddedNetwork, sdl: str, told: str
) -> None:
    """The question named the new variable only, and the yes to it put the old image back."""
    mine = sdl.replace("-alpine\n", "-alpine\n    env:\n      - LEVEL=debug\n", 1)
    assert mine != sdl
    async with connect(answer=YES, approval="elicit") as agent:
        dseq = (await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=1)))["dseq"]
        await agent.call("update_deployment", dseq=dseq, sdl=mine)
        assert 'runs: "web": env added "LEVEL".' in agent.asked[-1]
        await agent.call("update_deployment", dseq=dseq, sdl=sdl)
        assert 'runs: "web": env removed "LEVEL".' in agent.asked[-1]
        await change_as_a_person(network, dseq, sdl.replace("nginx:1.28.0", "nginx:1.29.1"))
        await agent.call("update_deployment", dseq=dseq, sdl=mine)
    assert f"what deployment {dseq} {told}" in agent.asked[-1]


async def test_what_cannot_be_read_before_a_change_does_not_stand_in_its_way(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with lying_proxy(network.console_url) as proxy, connect(answer=YES, console_url=proxy.url) as agent:
        dseq = (await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=1)))["dseq"]
        proxy.refuse(READS, 400, {"message": "no"}, times=10**6)
        changed = sdl.replace("nginx:1.28.0", "nginx:1.29.1")
        assert (await agent.call("update_deployment", dseq=dseq, sdl=changed))["status"] == "updated"
    assert "→" in agent.asked[-1]
