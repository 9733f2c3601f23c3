"""A project that is set: where deployments are created and listed, and what a key says that does not reach it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from agents import SPEED, Connect
from pydantic import SecretStr

from akash_mcp.sandbox.console import Generation
from akash_mcp.sandbox.network import EmbeddedNetwork, Options

pytestmark = pytest.mark.anyio

STRANGER = "3f0c9d4e-58f5-4b4e-9a63-0a6f8c1d2e3f"


@pytest.fixture
async def network(quick_retries: None) -> AsyncIterator[EmbeddedNetwork]:
    options = Options(speed=SPEED, generation="2026-11", organizations=True, repeated_refusals=False)
    async with EmbeddedNetwork(options) as running:
        yield running


async def projects(network: EmbeddedNetwork) -> dict[str, str]:
    """Ids by name."""
    return {str(each["name"]): str(each["id"]) for each in await told(network, "/v1/projects")}


async def placed(network: EmbeddedNetwork) -> dict[str, str]:
    """The project of each deployment."""
    listed = (await told(network, "/v1/deployments"))["deployments"]
    return {str(each["deployment"]["id"]["dseq"]): str(each["projectId"]) for each in listed}


async def told(network: EmbeddedNetwork, path: str) -> Any:
    async with httpx2.AsyncClient(verify=False) as http:
        answer = await http.get(network.console_url + path, headers={"x-api-key": network.api_key})
    return answer.json()["data"]


async def test_deployments_are_created_and_listed_in_it_and_older_ones_elsewhere_are_still_closed(
    network: EmbeddedNetwork, connect: Connect, sdl: str
) -> None:
    ids = await projects(network)
    async with connect(approval="auto") as agent:
        before = (await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"]
    async with connect(approval="auto", project_id=ids["ci"]) as agent:
        created = (await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"]
        assert {dseq: (await placed(network))[dseq] for dseq in (before, created)} == {
            before: ids["default"],
            created: ids["ci"],
        }
        listed = await agent.call("list_deployments")
        # What this server opened costs money wherever it is, and the colleague's is not in this project.
        assert {row["dseq"]: row["ours"] for row in listed["deployments"]} == {before: True, created: True}
        assert (await agent.call("close_deployment", dseq=before))["status"] == "closed"


async def test_a_project_beyond_reach_is_told_in_words_and_lists_nothing_as_if_there_were_nothing(
    network: EmbeddedNetwork, connect: Connect, sdl: str
) -> None:
    key = SecretStr(network.keys["project"])
    async with connect(approval="auto", api_key=key, project_id=STRANGER) as agent:
        for said in (
            await agent.refused("create_deployment", sdl=sdl, deposit_usd=1),
            await agent.refused("list_deployments"),
        ):
            assert "No money moved." in said
            assert "Ask the user to correct AKASH_MCP_PROJECT_ID" in said
        assert (await agent.call("get_budget"))["held_usd"] == "0.00"


async def test_a_viewers_key_is_told_why_it_changes_nothing(
    network: EmbeddedNetwork, connect: Connect, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        ours = (await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"]
    async with connect(approval="auto", api_key=SecretStr(network.keys["viewer"])) as agent:
        said = await agent.refused("create_deployment", sdl=sdl, deposit_usd=1)
        assert "(403: Forbidden)" in said
        assert "a viewer's key only reads" in said
        assert "a viewer's key only reads" in await agent.refused("close_deployment", dseq=ours)
    assert network.chain.deployments[network.owner, ours].state == "active"


@pytest.mark.parametrize("generation", ["2025", "reference"])
async def test_an_older_console_is_sent_no_project(
    generation: Generation, connect: Connect, sdl: str
) -> None:
    async with (
        EmbeddedNetwork(Options(speed=SPEED, generation=generation)) as older,
        connect(
            approval="auto",
            api_key=SecretStr(older.api_key),
            console_url=older.console_url,
            chain_rest_url=older.chain_rest_url,
            project_id=STRANGER,
        ) as agent,
    ):
        created = await agent.call("create_deployment", sdl=sdl, deposit_usd=5)
        listed = await agent.call("list_deployments")
    assert [row["dseq"] for row in listed["deployments"]] == [created["dseq"]]
    assert not [sent for sent in older._console.requests if "project" in str(sent).lower()]
