"""What a program reads of a call that failed: a code, and whether the same call may be sent again."""

from __future__ import annotations

from typing import Any

import pytest
from agents import ERAS, Connect, text_of
from mcp.types import CallToolResult
from pydantic import SecretStr

from akash_mcp.errors import AkashError, Busy, Interrupted, OutcomeUnknown, RateLimited, ServerError
from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio

UNKNOWN = "1700000000001"


def told(result: CallToolResult) -> tuple[str, bool]:
    """The code and whether it is retryable, which text and `_meta` say alike."""
    assert result.is_error
    assert result.structured_content is None
    meta = result.meta or {}
    code, retryable = meta["code"], meta["retryable"]
    last = f"code: {code} · retryable: {'yes' if retryable else 'no'}"
    assert text_of(result).splitlines()[-1] == last
    return str(code), bool(retryable)


FAILING: dict[str, tuple[str, dict[str, Any], dict[str, Any], tuple[str, bool]]] = {
    "an argument": ("get_logs", {"dseq": UNKNOWN, "tail": "x"}, {}, ("bad_argument", False)),
    "an SDL": ("deploy", {"sdl": "a: 1", "deposit_usd": 1}, {}, ("invalid_sdl", False)),
    "a dseq": ("get_deployment", {"id": UNKNOWN}, {}, ("not_found", False)),
    "no key": ("list_deployments", {}, {"api_key": None}, ("no_api_key", False)),
    "a wrong key": ("list_deployments", {}, {"api_key": SecretStr("ac.sk.no")}, ("unauthorized", False)),
    "no network": ("list_deployments", {}, {"console_url": "http://127.0.0.1:9"}, ("unreachable", True)),
}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(("tool", "arguments", "there", "expected"), FAILING.values(), ids=FAILING.keys())
async def test_a_call_that_fails_has_a_code(
    tool: str,
    arguments: dict[str, Any],
    there: dict[str, Any],
    expected: tuple[str, bool],
    era: str,
    connect: Connect,
) -> None:
    async with connect(era, **there) as agent:
        assert told(await agent.ask(tool, **arguments)) == expected


@pytest.mark.parametrize("era", ERAS)
async def test_a_tool_that_there_is_not_is_answered_like_a_wrong_argument(era: str, connect: Connect) -> None:
    async with connect(era, read_only=True) as agent:
        for tool in ("deploy", "drop_everything", "a\u202eb\n<|x|>" * 100):
            result = await agent.ask(tool)
            assert told(result) == ("bad_argument", False)
            assert len(text_of(result)) < 400
            assert "<|" not in text_of(result)


@pytest.mark.parametrize("era", ERAS)
async def test_more_than_a_limit_has_a_code(era: str, connect: Connect, sdl: str) -> None:
    async with connect(era, approval="auto") as agent:
        assert told(await agent.ask("deploy", sdl=sdl, deposit_usd=11)) == ("over_budget", False)


@pytest.mark.parametrize("era", ERAS)
async def test_a_mistake_of_our_own_has_a_code(
    era: str, connect: Connect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(sdl: str) -> None:
        raise RuntimeError("what broke")

    monkeypatch.setattr("akash_mcp.tools.deploy.check", broken)
    async with connect(era) as agent:
        result = await agent.ask("validate_sdl", sdl="a")
    assert told(result) == ("internal_error", False)
    assert "what broke" not in text_of(result)
    assert "what broke" in caplog.text


RAISED: dict[str, tuple[AkashError, bool, bool]] = {
    "busy": (Busy("Another has it."), True, True),
    "too many requests": (RateLimited("Too many.", status=429), True, True),
    "a broken upstream": (ServerError("Broken.", status=500), True, True),
    "too late, and nothing moved": (Interrupted("Late."), True, True),
    "too late, and something may go on": (Interrupted("Late.", money="Money may move."), False, True),
    "nobody knows": (OutcomeUnknown("Lost."), False, False),
}


@pytest.mark.parametrize(("error", "spending", "harmless"), RAISED.values(), ids=RAISED.keys())
async def test_only_what_pays_nothing_twice_may_be_repeated(
    error: AkashError,
    spending: bool,
    harmless: bool,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
    sdl: str,
) -> None:
    async def fails(*args: object, **named: object) -> None:
        raise error

    monkeypatch.setattr("akash_mcp.workflow.planning.launch_plan", fails)
    monkeypatch.setattr("akash_mcp.workflow.planning.close_plan", fails)
    async with connect() as agent:
        assert told(await agent.ask("deploy", sdl=sdl, deposit_usd=1)) == (error.code, spending)
        assert told(await agent.ask("close_deployment", dseq=UNKNOWN)) == (error.code, harmless)


async def test_a_plan_whose_token_is_used_up_is_not_to_be_confirmed_again(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    await network.inject("429", route="POST /v1/deployments")
    async with connect(approval="two-step") as agent:
        shown = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
        answer = await agent.ask("confirm", approval_token=shown["approval_token"])
    assert told(answer) == ("rate_limited", False)
    async with connect(approval="auto") as agent:
        assert told(await agent.ask("create_deployment", sdl=sdl, deposit_usd=1)) == ("rate_limited", True)
