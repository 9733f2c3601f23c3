"""Prompts and resources, in both protocol eras."""

from __future__ import annotations

import json

import pytest
from agents import ERAS, Connect
from mcp import MCPError
from mcp.types import TextContent, TextResourceContents

pytestmark = pytest.mark.anyio

ARGUMENTS = {
    "deploy_an_app": {"image": "nginx:1.29 {braces}", "port": "80"},
    "find_a_gpu": {"model": "a100", "hours": "3"},
    "move_to_another_provider": {"dseq": "1763759482113", "reason": "it is slow"},
    "what_am_i_paying": {},
    "why_did_it_fail": {"dseq": "1763759482113"},
}


ALSO_AT_AKUA = {"install_at_akua": {"package": "demo-web {braces}"}}


@pytest.mark.parametrize("era", ERAS)
async def test_every_prompt_contains_its_arguments(era: str, connect: Connect) -> None:
    async with connect(era) as agent:
        assert {prompt.name for prompt in (await agent.client.list_prompts()).prompts} == {*ARGUMENTS}
    async with connect(era, toolsets=("deploy", "akua")) as agent:
        listed = (await agent.client.list_prompts()).prompts
        assert sorted(prompt.name for prompt in listed) == sorted(ARGUMENTS | ALSO_AT_AKUA)
        for prompt in listed:
            assert prompt.title
            assert prompt.description
            arguments = (ARGUMENTS | ALSO_AT_AKUA)[prompt.name]
            assert {argument.name for argument in prompt.arguments or []} == set(arguments)
            (message,) = (await agent.client.get_prompt(prompt.name, arguments)).messages
            assert isinstance(message.content, TextContent)
            assert all(value in message.content.text for value in arguments.values())


@pytest.mark.parametrize("era", ERAS)
async def test_resources_give_what_tools_give(era: str, connect: Connect, sdl: str) -> None:
    async with connect(era, approval="auto") as agent:
        dseq = (await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"]

        async def read(uri: str) -> str:
            (content,) = (await agent.client.read_resource(uri)).contents
            assert isinstance(content, TextResourceContents)
            return content.text

        assert "services:" in await read("akash://guide/sdl")
        assert json.loads(await read("akash://budget")) == await agent.call("get_budget")
        assert json.loads(await read("akash://deployments"))["total"] == 1
        assert json.loads(await read(f"akash://deployments/{dseq}"))["dseq"] == dseq


async def test_an_unknown_deployment_is_not_a_resource(connect: Connect) -> None:
    async with connect() as agent:
        with pytest.raises(MCPError, match=r"not found|no deployment|unknown"):
            await agent.client.read_resource("akash://deployments/1700000000001")
