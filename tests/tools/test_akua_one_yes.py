"""One yes to a deed at Akua opens one operation, by whom and as often as it may be sent, and no other deed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from agents import ERAS, SPEED, YES, Agent, Connect, text_of
from akua_deeds import DELETE, INSTALL, LIMITS, PACKAGE, SUSPEND, UPDATE, Deed
from akua_world import TOOLSETS, done, requests
from mcp import Client, MCPError
from mcp.types import CallToolResult, InputRequiredResult

from akash_mcp.sandbox.akua import AkuaOptions, EmbeddedAkua

pytestmark = pytest.mark.anyio

Send = Callable[..., Awaitable[CallToolResult]]


@pytest.fixture
def akua_options() -> AkuaOptions:
    return AkuaOptions(speed=SPEED, automine=True, plan="pro", installs=1)


async def asked(client: Client, tool: str, arguments: dict[str, Any]) -> Send:
    """Ask through one client. What comes back answers yes through any, and may say that it is about something else."""
    question = await client.session.call_tool(tool, arguments, allow_input_required=True)
    assert isinstance(question, InputRequiredResult), question
    assert question.input_requests is not None
    (key,) = question.input_requests

    async def send(by: Client, tool: str = tool, arguments: dict[str, Any] = arguments) -> CallToolResult:
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


@pytest.mark.parametrize("deed", [PACKAGE, INSTALL, UPDATE, DELETE, LIMITS], ids=str)
async def test_an_answered_question_is_one_deed(akua: EmbeddedAkua, at_akua: Connect, deed: Deed) -> None:
    """Twice at once, once more, in another process and after a restart."""
    async with at_akua(answer=YES) as agent, at_akua(answer=YES) as other:
        send = await asked(agent.client, deed.tool, deed.arguments(akua))
        answers: list[CallToolResult] = []

        async def one(client: Client) -> None:
            answers.append(await send(client))

        async with anyio.create_task_group() as tasks:
            for client in (agent.client, agent.client, other.client):
                tasks.start_soon(one, client)
        answers.append(await send(agent.client))
        told = [dict(answer.structured_content or {}) for answer in answers]
        assert [text_of(answer) for answer in answers if answer.is_error] == []
        await done(agent, told[0])
    async with at_akua(answer=YES) as later:
        told.append(dict((await send(later.client)).structured_content or {}))
    assert len({each["op_id"] for each in told}) == 1
    assert deed.times(akua) == deed.before + 1
    assert requests(akua, deed.route) == 1


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        (PACKAGE.tool, lambda akua: {**PACKAGE.arguments(akua), "revision": "18.1.1"}),
        (PACKAGE.tool, lambda akua: {**PACKAGE.arguments(akua), "values": {"replicas": 100}}),
        (DELETE.tool, DELETE.arguments),
        (INSTALL.tool, INSTALL.arguments),
    ],
    ids=["another version", "other values", "another tool", "what costs"],
)
async def test_a_yes_to_one_deed_is_none_to_another(
    akua: EmbeddedAkua, at_akua: Connect, tool: str, arguments: Callable[[EmbeddedAkua], dict[str, Any]]
) -> None:
    async with at_akua(answer=YES) as agent:
        send = await asked(agent.client, PACKAGE.tool, PACKAGE.arguments(akua))
        with pytest.raises(MCPError, match="requestState"):
            await send(agent.client, tool, arguments(akua))
    assert [deed.times(akua) for deed in (PACKAGE, DELETE, INSTALL)] == [1, 0, 1]


@contextmanager
def serving_http(akua: EmbeddedAkua, home: Path) -> Iterator[str]:
    """The address of a server of its own process, which has a token of Akua's alone."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AKUA_API_TOKEN": akua.token,
        "AKUA_API_URL": akua.url,
        "AKASH_MCP_STATE_DIR": str(home / "state"),
        "AKASH_MCP_TOOLSETS": ",".join(TOOLSETS),
    }
    command = [sys.executable, "-m", "akash_mcp", "serve", "--transport", "http", "--port", "0"]
    with subprocess.Popen(
        [*command, "--speed", str(SPEED)], env=environment, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        try:
            yield server.stderr.readline().rpartition(" ")[2].strip()
        finally:
            server.kill()


async def test_two_clients_of_one_server_over_http(akua: EmbeddedAkua, tmp_path: Path) -> None:
    """What one was shown the other may agree to: both speak for the same user."""
    with serving_http(akua, tmp_path) as url:
        async with Client(url, mode=ERAS[0]) as first, Client(url, mode=ERAS[1]) as second:
            one, other = Agent(first), Agent(second)
            shown = await one.call(UPDATE.tool, **UPDATE.arguments(akua))
            ended = await done(other, await other.agreed(shown))
            again = await one.call("confirm", approval_token=shown["approval_token"])
            await other.agreed(await one.call(SUSPEND.tool, **SUSPEND.arguments(akua)))
    assert again["op_id"] == ended["op_id"]
    assert UPDATE.times(akua) == UPDATE.before + 1
    assert requests(akua, SUSPEND.route) == 1
