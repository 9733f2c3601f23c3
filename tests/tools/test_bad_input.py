"""Bad input: each says what was wrong, that no money moved, and what to do; and none of it reaches the network."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from agents import ERAS, YES, Connect, text_of
from pydantic import SecretStr

from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio

UNKNOWN = "1700000000001"


@pytest.mark.parametrize("era", ERAS)
async def test_without_a_key_everything_is_listed_and_a_call_says_how_to_set_it(
    era: str, connect: Connect
) -> None:
    async with connect(era, api_key=None) as agent:
        assert len((await agent.client.list_tools()).tools) == 16
        said = await agent.refused("list_deployments")
    assert "no Akash Console API key" in said
    assert "AKASH_API_KEY" in said


async def test_without_a_key_nobody_is_asked_for_a_yes(connect: Connect, sdl: str) -> None:
    async with connect(answer=YES, api_key=None) as agent:
        assert "AKASH_API_KEY" in await agent.refused("deploy", sdl=sdl, deposit_usd=1)
    assert agent.asked == []


async def test_a_wrong_key_is_named_as_that_and_never_shown(connect: Connect) -> None:
    key = "ac.sk.production." + "0" * 64
    async with connect(api_key=SecretStr(key)) as agent:
        said = await agent.refused("list_deployments")
    assert "key" in said.lower()
    assert key not in said


async def test_an_unreachable_console_is_named(connect: Connect) -> None:
    async with connect(console_url="http://127.0.0.1:9") as agent:
        said = await agent.refused("list_deployments")
    assert "127.0.0.1" in said
    assert "No money moved." in said


BAD_SDLS = {
    "no YAML": ("{[", "line 1"),
    "nothing": ("", "SDL would be refused"),
    "no services": ('version: "2.0"\n', "services"),
    "a list": ("- a\n- b\n", "SDL would be refused"),
}


@pytest.mark.parametrize(("text", "part"), BAD_SDLS.values(), ids=BAD_SDLS.keys())
@pytest.mark.parametrize("tool", ["deploy", "create_deployment"])
async def test_a_wrong_sdl_is_refused_before_anybody_is_asked(
    tool: str, text: str, part: str, connect: Connect
) -> None:
    async with connect(answer=YES) as agent:
        said = await agent.refused(tool, sdl=text, deposit_usd=1)
    assert part in said
    assert "No money moved." in said
    assert agent.asked == []


@pytest.mark.parametrize(
    "tool", ["get_deployment", "close_deployment", "get_logs", "get_events", "diagnose_deployment"]
)
async def test_an_unknown_dseq_is_not_found(tool: str, connect: Connect) -> None:
    async with connect(answer=YES) as agent:
        name = "id" if tool == "get_deployment" else "dseq"
        said = await agent.refused(tool, **{name: UNKNOWN})
    assert "not found" in said.lower()


async def test_an_unknown_dseq_spends_nothing(connect: Connect, sdl: str) -> None:
    async with connect(answer=YES) as agent:
        assert "not found" in (await agent.refused("add_funds", dseq=UNKNOWN, amount_usd=1)).lower()
        assert "not found" in (await agent.refused("list_bids", dseq=UNKNOWN)).lower()
        assert "not found" in (await agent.refused("update_deployment", dseq=UNKNOWN, sdl=sdl)).lower()
        assert (await agent.call("get_budget"))["held_usd"] == "0.00"


@pytest.fixture
async def closed(connect: Connect, sdl: str) -> str:
    async with connect(approval="auto") as agent:
        dseq = str((await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"])
        await agent.call("close_deployment", dseq=dseq)
    return dseq


async def test_a_closed_deployment_takes_no_money_and_has_no_logs(
    closed: str, connect: Connect, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        assert (await agent.call("close_deployment", dseq=closed))["status"] == "closed"
        assert "closed" in (await agent.refused("add_funds", dseq=closed, amount_usd=1)).lower()
        assert "closed" in await agent.refused("list_bids", dseq=closed)
        assert "closed" in await agent.refused("get_logs", dseq=closed)
        assert "is closed" in await agent.refused("update_deployment", dseq=closed, sdl=sdl)
        assert (await agent.call("get_budget"))["held_usd"] == "0.00"


@pytest.mark.parametrize("generation", ["reference", "2026-11"])
async def test_what_has_no_lease_is_not_said_to_run_after_an_update(connect: Connect, sdl: str) -> None:
    async with connect(answer=YES) as agent:
        dseq = str((await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"])
        changed = sdl.replace("nginx:1.28.0-alpine", "nginx:1.29.0-alpine")
        answer = await agent.call("update_deployment", dseq=dseq, sdl=changed)
    assert "Nothing of it runs yet." in agent.asked[-1]
    assert "so nothing of it runs by this" in answer["summary"]
    assert answer["next_step"] == f"Call list_bids(dseq={dseq}), then create_lease."


AMOUNTS: dict[str, tuple[Any, str]] = {
    "below the minimum": ("0.49", "below the minimum of $0.50"),
    "above the cap": (11, "over the limit of $10.00 per deployment"),
    "negative": (-1, "not negative"),
    "zero": (0, "more than 0"),
    "not a number": ("NaN", "not an amount of money"),
    "infinite": ("Infinity", "not an amount of money"),
    "words": ("five", "not an amount of money"),
    "a truth": (True, "US dollars"),
    "too small to print": ("1e-999990", "an amount of money is 0, or from"),
    "too large to print": ("1e999990", "an amount of money is 0, or from"),
    "more than there is": ("1e26", "an amount of money is 0, or from"),
    "a long number": ("1" * 5000, "at most 40 characters"),
}


@pytest.mark.parametrize(("amount", "part"), AMOUNTS.values(), ids=AMOUNTS.keys())
async def test_a_deposit_that_is_not_a_valid_amount_is_refused(
    amount: Any, part: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        said = await agent.refused("deploy", sdl=sdl, deposit_usd=amount)
    assert part in said
    assert "No money moved." in said
    assert not network.chain.deployments


async def test_a_rate_that_nobody_means_is_refused_at_once(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        with anyio.fail_after(5):
            said = await agent.refused("deploy", sdl=sdl, deposit_usd=1, max_usd_per_hour="1e-999990")
    assert "an amount of money is 0, or from" in said
    assert not network.chain.deployments


async def test_an_unknown_argument_is_refused_and_named(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        said = await agent.refused("deploy", sdl=sdl, deposit_usd=1, max_prise=1)
    assert said == (
        "deploy was not called: there is no argument 'max_prise'. No money moved. Correct the arguments.\n"
        "code: bad_argument · retryable: no"
    )
    assert not network.chain.deployments


async def test_a_rejected_value_is_not_echoed(connect: Connect) -> None:
    async with connect() as agent:
        said = await agent.refused("get_logs", dseq="1700000000001", tail="my-secret-value")
    assert "my-secret-value" not in said


async def test_a_crash_of_ours_shows_no_traceback(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(sdl: str) -> None:
        raise RuntimeError("password=hunter22")

    monkeypatch.setattr("akash_mcp.tools.deploy.check", broken)
    async with connect() as agent:
        said = await agent.refused("validate_sdl", sdl="a")
    assert "hunter22" not in said
    assert "Traceback" not in said
    assert "failed inside this server" in said


async def test_a_tool_that_is_not_there(connect: Connect) -> None:
    async with connect() as agent:
        assert "There is no tool" in text_of(await agent.ask("drop_everything"))


async def test_read_only_has_no_tool_that_changes_anything(connect: Connect) -> None:
    async with connect(read_only=True) as agent:
        tools = (await agent.client.list_tools()).tools
    assert tools
    assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)


async def test_a_name_of_a_tool_that_read_only_leaves_out_is_unknown(connect: Connect, sdl: str) -> None:
    async with connect(read_only=True, approval="auto") as agent:
        assert "There is no tool" in await agent.refused("deploy", sdl=sdl, deposit_usd=1)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("get_deployment", {"id": "op_\ud800"}),
        ("get_logs", {"dseq": "1763759482113", "grep": "\udfff"}),
        ("deploy", {"sdl": "\ud800", "deposit_usd": 1}),
        ("confirm", {"approval_token": "\ud800"}),
        ("create_lease", {"dseq": "1763759482113", "providers": ["\ud800"], "max_usd_per_hour": 1}),
    ],
)
async def test_half_a_character_is_not_text(tool: str, arguments: dict[str, Any], connect: Connect) -> None:
    async with connect() as agent:
        assert "half a character" in await agent.refused(tool, **arguments)


async def test_a_lease_names_no_hundred_thousand_providers(connect: Connect) -> None:
    async with connect() as agent:
        many = ["akash1365yvmc4s7awdyj3n2sav7xfx76adc6dnmlx63"] * 21
        said = await agent.refused("create_lease", dseq="1763759482113", providers=many, max_usd_per_hour=1)
    assert "at most 20 items" in said
