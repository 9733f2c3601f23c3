"""What arguments of prompts, and parts of addresses, can be: in both eras, and without a key."""

from __future__ import annotations

import socket

import anyio
import pytest
from agents import ERAS, Connect
from mcp import Client
from mcp.types import PromptReference, ResourceTemplateReference

from akash_mcp import config
from akash_mcp.protocol import completion
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.server import build

pytestmark = pytest.mark.anyio

TEMPLATES = {
    "dseq": "akash://deployments/{dseq}",
    "op_id": "akash://operations/{op_id}",
    "provider": "akash://providers/{provider}",
    "template": "akash://templates/{template}",
    "sdl_id": "akash://sdls/{sdl_id}",
}


async def completed(client: Client, name: str, typed: str = "") -> list[str]:
    ref = ResourceTemplateReference(uri=TEMPLATES[name])
    told = (await client.complete(ref, {"name": name, "value": typed})).completion
    assert told.total is not None
    assert told.has_more == (told.total > len(told.values))
    return told.values


@pytest.mark.parametrize("era", ERAS)
async def test_what_there_is_completes_and_can_be_read(era: str, connect: Connect, sdl: str) -> None:
    async with connect(era, approval="auto") as agent:
        client = agent.client
        listed = (await client.list_resource_templates()).resource_templates
        assert {template.uri_template for template in listed} == set(TEMPLATES.values())
        sdl_id = (await agent.call("validate_sdl", sdl=sdl))["sdl_id"]
        created = await agent.call("create_deployment", sdl=sdl_id, deposit_usd=1)
        assert await completed(client, "dseq", created["dseq"][:3]) == [created["dseq"]]
        assert await completed(client, "dseq", "x") == []
        assert await completed(client, "op_id") == [created["op_id"]]
        assert await completed(client, "sdl_id") == [sdl_id]
        providers, templates = await completed(client, "provider"), await completed(client, "template")
        assert all(address.startswith("akash1") for address in providers)
        named = {"op_id": created["op_id"], "sdl_id": sdl_id, "provider": providers[0]}
        for name, value in ({**named, "template": templates[0]}).items():
            uri = TEMPLATES[name].partition("{")[0] + value
            assert (await client.read_resource(uri)).contents, uri
        model = await client.complete(PromptReference(name="find_a_gpu"), {"name": "model", "value": "H10"})
        assert "h100" in model.completion.values
        port = await client.complete(PromptReference(name="deploy_an_app"), {"name": "port", "value": ""})
        assert port.completion.values == []


async def test_without_a_key_nothing_of_an_account_completes(connect: Connect) -> None:
    async with connect(api_key=None) as agent:
        assert await completed(agent.client, "dseq") == []
        assert await completed(agent.client, "op_id") == []
        assert await completed(agent.client, "sdl_id") == []
        assert await completed(agent.client, "template")


async def test_a_console_that_is_silent_is_waited_for_once(
    settings: config.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completion, "SECONDS", 0.3)
    with socket.socket() as listener:  # the system takes connections for it, and nobody answers
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with Client(build(settings.model_copy(update={"console_url": url}))) as client:
            with anyio.fail_after(5):
                assert await completed(client, "template") == []
            monkeypatch.setattr(completion, "SECONDS", 60.0)
            with anyio.fail_after(5):
                assert await completed(client, "template") == []


async def test_no_more_than_a_hundred_are_named(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "MOST", 3)
    async with connect() as agent:
        assert len(await completed(agent.client, "provider")) == 3


async def test_values_are_asked_for_once_in_a_while(network: EmbeddedNetwork, connect: Connect) -> None:
    async with connect() as agent:
        await completed(agent.client, "template")
        before = sum(network._console.requests.values())
        await completed(agent.client, "template", "a")
        assert sum(network._console.requests.values()) == before
