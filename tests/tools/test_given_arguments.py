"""What a caller did not mean is no argument: null for what may be left out, and what its host adds by itself."""

from __future__ import annotations

from typing import Any

import pytest
from agents import ERAS, Connect

from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.tools import TOOLSETS
from akash_mcp.tools.arguments import ADDED_BY_HOSTS

pytestmark = pytest.mark.anyio

FROM_N8N = {
    "toolCallId": "call_0BCIShth4lx",
    "sessionId": "c0ffee",
    "action": "sendMessage",
    "chatInput": "go",
}


@pytest.mark.parametrize("era", ERAS)
async def test_null_is_absent_in_every_tool(era: str, connect: Connect, network: EmbeddedNetwork) -> None:
    """With every optional argument null, a tool answers as without it: above all, nothing complains of its type."""
    async with connect(era, toolsets=tuple(TOOLSETS), approval="deny") as agent:
        for tool in (await agent.client.list_tools()).tools:
            required = tool.input_schema.get("required", [])
            nulls = {name: None for name in tool.input_schema["properties"] if name not in required}
            examples = {name: EXAMPLES[name] for name in required}
            bare, padded = [await agent.ask(tool.name, **examples, **more) for more in ({}, nulls)]
            assert bare.is_error == padded.is_error, tool.name
            if bare.is_error:
                assert bare.content == padded.content


EXAMPLES: dict[str, Any] = {
    "dseq": "1763759482113",
    "sdl": "sdl_0123456789abcdef",
    "deposit_usd": 1,
    "providers": ["akash1365yvmc4s7awdyj3n2sav7xfx76adc6dnmlx63"],
    "max_usd_per_hour": 1,
    "approval_token": "approve_0123456789",
    "id": "1763759482113",
    "address": "akash1365yvmc4s7awdyj3n2sav7xfx76adc6dnmlx63",
    "enabled": False,
    "command": ["true"],
    "image": "nginx:1.29",
    "package_id": "pkg_1",
    "install_id": "inst_1",
    "cluster_id": "clu_1",
    "operation_id": "op_1",
    "name": "web",
    "oci_repo_url": "oci://registry.example.org/charts/web",
    "revision": "1.2.3",
    "region": "lab",
    "on": False,
    "compose": "services: {web: {image: 'nginx:1.29', ports: ['80:80']}}",
}


async def test_null_for_what_is_required_is_missing(connect: Connect) -> None:
    async with connect() as agent:
        assert "argument 'sdl' is missing" in await agent.refused("deploy", sdl=None, deposit_usd=1)


async def test_what_n8n_adds_is_left_out_and_a_slip_is_not(connect: Connect, sdl: str) -> None:
    async with connect() as agent:
        shown = await agent.call("deploy", sdl=sdl, deposit_usd=1, **FROM_N8N, wait_for_previous=True)
        assert shown["status"] == "confirmation_required"
        said = await agent.refused("deploy", sdl=sdl, deposit_usd=1, **FROM_N8N, max_usd_per_hours=0.1)
    assert "there is no argument 'max_usd_per_hours'" in said
    assert not any(key in said for key in ADDED_BY_HOSTS)


async def test_a_call_that_waits_at_a_terminal_is_the_same_call_whatever_its_host_adds(
    connect: Connect, sdl: str
) -> None:
    async with connect(approval="terminal") as agent:
        waits = await agent.call("deploy", sdl=sdl, deposit_usd=1, toolCallId="call_1")
        again = await agent.call("deploy", sdl=sdl, deposit_usd=1, toolCallId="call_2", hours=None)
    assert waits["status"] == again["status"] == "waiting_for_person"
    assert waits["op_id"] == again["op_id"]
