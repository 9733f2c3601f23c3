"""One yes is one deed: the same yes, sent again by whom and as often as may be, opens one operation and answers it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import anyio
import pytest
from agents import YES, text_of
from mcp import Client, StdioServerParameters
from mcp.client import ClientRequestContext
from mcp.types import CallToolResult, ElicitRequestParams, ElicitResult, InputRequiredResult

from akash_mcp import config
from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio

SERVE = ["-m", "akash_mcp", "serve"]
TIMES = 5

Send = Callable[[Client], Awaitable[CallToolResult]]
"""Sends one and the same yes through a client."""


async def never(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    raise AssertionError("the tests answer questions by themselves")


def environment(settings: config.Settings) -> dict[str, str]:
    """What a server's own process needs to find the embedded network and the state folder."""
    assert settings.api_key is not None
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(settings.state_dir.parent),
        "AKASH_API_KEY": settings.api_key.get_secret_value(),
        "AKASH_CONSOLE_URL": settings.console_url,
        "AKASH_CHAIN_REST_URL": settings.chain_rest_url,
        "AKASH_MCP_STATE_DIR": str(settings.state_dir),
        "AKASH_MCP_ALLOW_PRIVATE_PROVIDERS": "127.0.0.0/8,::1/128",
    }


@contextmanager
def serving_http(env: dict[str, str]) -> Iterator[str]:
    command = [sys.executable, *SERVE, "--transport", "http", "--port", "0"]
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            yield server.stderr.readline().rpartition(" ")[2].strip()
        finally:
            server.kill()


Connect = Callable[[str, bool], Any]


@pytest.fixture(params=["stdio", "http", "two stdio processes", "two http processes"])
async def clients(request: pytest.FixtureRequest, settings: config.Settings) -> Connect:
    """`async with clients(era, can_ask) as (one, other)`: the servers' processes share a state folder."""
    env = environment(settings)
    processes = 2 if request.param.startswith("two") else 1

    @asynccontextmanager
    async def connected(era: str, can_ask: bool) -> AsyncIterator[tuple[Client, Client]]:
        async with AsyncExitStack() as stack:
            made: list[Client] = []
            servers: list[Any] = [
                stack.enter_context(serving_http(env))
                if "http" in request.param
                else StdioServerParameters(command=sys.executable, args=SERVE, env=env)
                for _ in range(processes)
            ]
            for server in servers:
                client = Client(server, mode=era, elicitation_callback=never if can_ask else None)
                made.append(await stack.enter_async_context(client))
            yield made[0], made[-1]

    return connected


async def asked(client: Client, tool: str, **arguments: Any) -> Send:
    """Ask through one client; what comes back answers yes through any."""
    question = await client.session.call_tool(tool, arguments, allow_input_required=True)
    assert isinstance(question, InputRequiredResult), question
    assert question.input_requests is not None
    (key,) = question.input_requests

    async def send(by: Client) -> CallToolResult:
        answer = await by.session.call_tool(
            tool,
            arguments,
            input_responses={key: YES},
            request_state=question.request_state,
            allow_input_required=True,
        )
        assert isinstance(answer, CallToolResult), answer
        return answer

    return send


async def shown(client: Client, tool: str, **arguments: Any) -> Send:
    """Have the plan shown, with the token that approves it."""
    first = await client.call_tool(tool, arguments)
    assert first.structured_content is not None, text_of(first)
    token = first.structured_content["approval_token"]

    async def send(by: Client) -> CallToolResult:
        return await by.call_tool(tool, {**arguments, "approval_token": token})

    return send


async def op_ids(answers: list[CallToolResult]) -> set[str]:
    for answer in answers:
        assert not answer.is_error, text_of(answer)
    return {str((answer.structured_content or {})["op_id"]) for answer in answers}


async def at_once(send: Send, through: list[Client]) -> list[CallToolResult]:
    answers: list[CallToolResult] = []

    async def one(client: Client) -> None:
        answers.append(await send(client))

    async with anyio.create_task_group() as tasks:
        for client in through:
            tasks.start_soon(one, client)
    return answers


@pytest.mark.parametrize(
    ("era", "can_ask"), [("2026-07-28", True), ("2026-07-28", False), ("legacy", False)], ids=str
)
async def test_the_same_yes_sent_five_times_deploys_once(
    era: str, can_ask: bool, clients: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    approve = asked if can_ask else shown
    async with clients(era, can_ask) as (one, other):
        through = [one, other, one, other, other]
        send = await approve(one, "create_deployment", sdl=sdl, deposit_usd=1)
        first = [await send(client) for client in through]
        assert len(network.chain.deployments) == 1
        assert len(await op_ids(first)) == 1
        send = await approve(one, "create_deployment", sdl=sdl, deposit_usd=1)
        second = await at_once(send, through)
        assert len(network.chain.deployments) == 2
        assert len(await op_ids(second)) == 1
        assert await op_ids(first) != await op_ids(second)
    dseqs = {dseq for _, dseq in network.chain.deployments}
    assert {(answer.structured_content or {}).get("dseq") for answer in first} <= dseqs
