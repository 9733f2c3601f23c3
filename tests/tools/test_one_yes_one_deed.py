"""One yes is one deed: the same yes, sent again by whom and as often as may be, opens one operation and answers it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from typing import Any

import agents
import anyio
import httpx2
import pytest
from agents import YES, text_of
from lying_proxy import lying_proxy
from mcp import Client, StdioServerParameters
from mcp.client import ClientRequestContext
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, ElicitRequestParams, ElicitResult, InputRequiredResult

from akash_mcp import config
from akash_mcp.clients.provider.shell import ProviderShell
from akash_mcp.sandbox import transactions
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
        return await by.call_tool("confirm", {"approval_token": token})

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


# What a yes that comes again is answered with, and that nothing is planned, asked or sent for it.


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that were sent to a provider: each is counted and sent all the same."""
    sent: list[str] = []
    run = ProviderShell.run

    async def counted(self: ProviderShell, lease: Any, command: Any, **rest: Any) -> Any:
        sent.append(command.argv[0])
        return await run(self, lease, command, **rest)

    monkeypatch.setattr(ProviderShell, "run", counted)
    return sent


WAYS = [("2026-07-28", True), ("2026-07-28", False), ("legacy", False)]
EVERYTHING = ("deploy", "observe", "exec")


@pytest.mark.parametrize(("era", "can_ask"), WAYS, ids=str)
async def test_a_launch_that_is_asked_for_again_is_waited_for_and_answered_alike(
    era: str, can_ask: bool, connect: agents.Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    # The first takes the whole budget, so that the same could not even be planned again.
    async with connect(era, answer=YES if can_ask else None, max_usd_per_day=1) as agent:
        send = await (asked if can_ask else shown)(agent.client, "deploy", sdl=sdl, deposit_usd=1)
        answers = await at_once(send, [agent.client] * 3)
        answers.append(await send(agent.client))
    told = [dict(answer.structured_content or {}) for answer in answers]
    # That the budget is used up is told once, in whichever answer is made when the watch has seen it.
    assert sum(answer.pop("notices", None) is not None for answer in told) <= 1
    first, *others = told
    assert first["status"] == "ready"
    assert others == [first] * 3
    assert len(network.chain.deployments) == 1


@pytest.mark.parametrize(("era", "can_ask"), WAYS, ids=str)
async def test_another_process_tells_from_the_journal_what_became_of_it(
    era: str, can_ask: bool, connect: agents.Connect, network: EmbeddedNetwork, sdl: str, ran: list[str]
) -> None:
    approve, answer = (asked, YES) if can_ask else (shown, None)
    tools: list[tuple[str, dict[str, Any], str]] = [
        ("deploy", {"sdl": sdl, "deposit_usd": 1}, "ready"),
        ("add_funds", {"amount_usd": 1}, "funded"),
        ("run_command", {"command": ["true"]}, "exited"),
    ]
    dseq = None
    for tool, arguments, status in tools:
        if dseq is not None:
            arguments = {"dseq": dseq, **arguments}
        async with connect(era, answer=answer, toolsets=EVERYTHING) as agent:
            send = await approve(agent.client, tool, **arguments)
            first = (await send(agent.client)).structured_content or {}
            assert first["status"] == status
            dseq = dseq or first["dseq"]
        # A restarted server: it has the journal, and knows nothing of what ran.
        async with connect(era, answer=answer, toolsets=EVERYTHING) as agent:
            again = (await send(agent.client)).structured_content or {}
            assert (again["status"], again["op_id"]) == (status, first["op_id"])
            assert again.get("dseq") == first.get("dseq")
            assert "was used before" in again["summary"]
            assert agent.asked == []
    assert len(network.chain.deployments) == 1
    assert ran == ["true"]
    assert network.state()["requests"]["POST /v1/deposit-deployment"] == 1  # type: ignore[index]  # an object of JSON


async def test_a_yes_to_add_money_is_answered_also_when_the_deployment_is_closed(
    connect: agents.Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        dseq = (await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"]
    async with connect(answer=YES) as agent:
        send = await asked(agent.client, "add_funds", dseq=dseq, amount_usd=1)
        first = await send(agent.client)
        await agent.call("close_deployment", dseq=dseq)
        assert (await send(agent.client)).structured_content == first.structured_content
    assert network.state()["requests"]["POST /v1/deposit-deployment"] == 1  # type: ignore[index]  # an object of JSON


async def test_money_that_went_in_is_told_also_where_nothing_can_be_read_afterwards(
    connect: agents.Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with (
        lying_proxy(network.console_url) as proxy,
        connect(approval="auto", console_url=proxy.url) as agent,
    ):
        dseq = (await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"]
        proxy.refuse("GET /v1/blocks", 404, {"error": "NotFound", "message": "gone"}, times=9)
        funded = await agent.call("add_funds", dseq=dseq, amount_usd=1)
    assert funded["status"] == "funded"
    assert "$1.00 went into escrow" in funded["money"]
    assert "escrow_left_usd" not in funded


@pytest.mark.parametrize(("era", "can_ask"), WAYS, ids=str)
async def test_a_command_is_never_run_again(
    era: str, can_ask: bool, connect: agents.Connect, sdl: str, ran: list[str]
) -> None:
    async with connect(approval="auto") as agent:
        dseq = (await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=1)))["dseq"]
    async with connect(era, answer=YES if can_ask else None, toolsets=EVERYTHING) as agent:
        send = await (asked if can_ask else shown)(
            agent.client, "run_command", dseq=dseq, command=["echo", "hello"]
        )
        answers = [*await at_once(send, [agent.client] * 4), await send(agent.client)]
    assert ran == ["echo"]
    for answer in answers:
        assert (answer.structured_content or {})["stdout"] == (answers[0].structured_content or {})["stdout"]
        assert (answer.structured_content or {})["exit_code"] == 0


@pytest.mark.parametrize(("era", "can_ask"), WAYS, ids=str)
async def test_a_client_that_hung_up_finds_the_deed_that_went_on_without_it(
    era: str,
    can_ask: bool,
    connect: agents.Connect,
    network: EmbeddedNetwork,
    sdl: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with connect(era, answer=YES if can_ask else None) as agent:
        send = await (asked if can_ask else shown)(agent.client, "deploy", sdl=sdl, deposit_usd=1)
        created = asyncio.Event()
        create = transactions.create_deployment

        def seen(*args: Any, **kwargs: Any) -> Any:
            created.set()
            return create(*args, **kwargs)

        monkeypatch.setattr(transactions, "create_deployment", seen)
        call = asyncio.ensure_future(send(agent.client))
        await created.wait()
        call.cancel()
        answer = (await send(agent.client)).structured_content or {}
    assert answer["status"] == "ready"
    assert [(network.owner, answer["dseq"])] == list(network.chain.deployments)


CHANGES: dict[str, dict[str, Any]] = {
    "the rate": {"max_usd_per_hour": "0.0001"},
    "the generation": {"console_generation": "2026-11"},
}


@pytest.mark.parametrize("changed", CHANGES.values(), ids=CHANGES)
async def test_a_yes_is_to_the_plan_that_was_shown(
    changed: dict[str, Any], connect: agents.Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(answer=YES) as agent:
        send = await asked(agent.client, "create_deployment", sdl=sdl, deposit_usd=1)
    async with connect(answer=YES, **changed) as agent:
        answer = await send(agent.client)
    assert answer.is_error
    assert "has changed since the question was asked" in text_of(answer)
    assert "No money moved." in text_of(answer)
    assert not network.chain.deployments


async def test_a_yes_to_what_was_ours_is_no_yes_to_what_may_be_another_s(
    connect: agents.Connect, settings: config.Settings, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        dseq = (await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"]
    async with connect(answer=YES) as agent:
        send = await asked(agent.client, "add_funds", dseq=dseq, amount_usd=1)
    with closing(sqlite3.connect(settings.state_dir / "akash-mcp.sqlite3", isolation_level=None)) as db:
        db.execute("DELETE FROM operations")
    async with connect(answer=YES) as agent:
        answer = await send(agent.client)
    assert "has changed since the question was asked" in text_of(answer)
    assert "POST /v1/deposit-deployment" not in network.state()["requests"]  # type: ignore[operator]  # an object of JSON


async def test_where_the_ledger_is_lost_nothing_is_done_again_and_no_word_of_money_is_false(
    connect: agents.Connect, settings: config.Settings, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect() as agent:
        send = await shown(agent.client, "create_deployment", sdl=sdl, deposit_usd=1)
        assert not (await send(agent.client)).is_error
    for file in settings.state_dir.iterdir():
        file.write_bytes(b"rubbish" * 1000)
    async with connect() as agent:
        said = text_of(await send(agent.client))
    assert "nothing can be spent" in said
    assert "No money moved" not in said
    assert "whether an earlier one with the same approval did is not known" in said
    assert len(network.chain.deployments) == 1


# A proxy that sends the same bytes twice.


class SendsTwice(httpx2.AsyncBaseTransport):
    """Sends each tool call twice at once, and hands on what comes to the first. Keeps all of them."""

    def __init__(self, *, at_once: bool) -> None:
        self._network = httpx2.AsyncHTTPTransport()
        self._at_once = at_once
        self._tasks: list[asyncio.Task[str]] = []
        self.calls: list[httpx2.Request] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        if b'"tools/call"' in body:
            self.calls.append(
                httpx2.Request(request.method, request.url, headers=request.headers, content=body)
            )
            if self._at_once:
                self._tasks.append(asyncio.create_task(self.again(self.calls[-1])))
        return await self._network.handle_async_request(request)

    async def twins(self) -> list[str]:
        """What the second of each two was answered with, in the order of the calls."""
        return list(await asyncio.gather(*self._tasks))

    async def again(self, request: httpx2.Request) -> str:
        """What the same bytes are answered with, up to the answer or a question."""
        response, told = await self._network.handle_async_request(request), ""
        try:
            async for chunk in response.aiter_text():
                told += chunk
                if "elicitation/create" in told:
                    break
        finally:
            await response.aclose()
        return told

    async def aclose(self) -> None:
        await self._network.aclose()


@pytest.mark.parametrize(("era", "can_ask"), [*WAYS, ("legacy", True)], ids=str)
async def test_a_proxy_that_sends_the_same_bytes_again_deploys_once(
    era: str, can_ask: bool, settings: config.Settings, network: EmbeddedNetwork, sdl: str
) -> None:
    questions: list[str] = []

    async def yes(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        questions.append(params.message)
        return YES

    # A session of the older era has one answer for one id, so that there the second comes after the first.
    proxy = SendsTwice(at_once=era != "legacy")
    with serving_http(environment(settings)) as url:
        async with (
            httpx2.AsyncClient(transport=proxy, timeout=60) as http,
            Client(
                streamable_http_client(url, http_client=http),
                mode=era,
                elicitation_callback=yes if can_ask else None,
            ) as client,
        ):
            agent = agents.Agent(client)
            answer = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
            if not can_ask:
                answer = await agent.agreed(answer)
            assert answer["status"] == "created"
            assert len(questions) == can_ask
            if era == "legacy":
                *_, last = [await proxy.again(call) for call in proxy.calls]
            else:
                *_, last = await proxy.twins()
    # A question inside a call is that call's own, and nobody answered it; any other yes finds its operation.
    assert ("elicitation/create" if era == "legacy" and can_ask else answer["op_id"]) in last
    assert len(network.chain.deployments) == 1
