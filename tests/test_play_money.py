"""`serve --sandbox` says of itself that it is one, in every sentence of money, and nothing else does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from agents import ERAS, SPEED, text_of
from mcp import Client
from mcp.client import ClientRequestContext
from mcp.types import ElicitRequestParams, ElicitResult, TextResourceContents
from terminals import Terminal

from akash_mcp import config
from akash_mcp.data import examples_dir
from akash_mcp.server import INSTRUCTIONS, build
from akash_mcp.workflow.play_money import SANDBOX
from akash_mcp.workflow.runtime import Intervals

pytestmark = pytest.mark.anyio

SDL = (examples_dir() / "web.yaml").read_text(encoding="utf-8")
MARK = "Play money, in a sandbox: "


@asynccontextmanager
async def served(
    settings: config.Settings, era: str, *, play_money: bool, asks: bool = True
) -> AsyncIterator[tuple[Client, list[str]]]:
    asked: list[str] = []

    async def yes(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"confirm": True})

    chosen = settings.model_copy(update={"toolsets": ("deploy", "observe", "market", "account")})
    server = build(chosen, intervals=Intervals().times(SPEED), play_money=play_money)
    async with Client(server, mode=era, elicitation_callback=yes if asks else None) as client:
        yield client, asked


async def answer(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """A structured answer, held to the schema that the tool's list promised."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    assert json.loads(text_of(result)) == result.structured_content
    schemas = {each.name: each.output_schema for each in (await client.list_tools()).tools}
    jsonschema.validate(result.structured_content, {**(schemas[tool] or {}), "additionalProperties": False})
    return dict(result.structured_content or {})


@pytest.mark.parametrize("era", ERAS)
async def test_a_sandbox_says_so_wherever_it_speaks_of_money(settings: config.Settings, era: str) -> None:
    async with served(settings, era, play_money=True) as (client, asked):
        if era == "legacy":  # the other era's client asks for neither
            assert client.server_info is not None
            assert client.server_info.title == "Akash (sandbox)"
            assert (client.instructions or "").startswith("SANDBOX: ")
            assert "real money" not in (client.instructions or "")
        launched = await answer(client, "deploy", sdl=SDL, deposit_usd=1, max_usd_per_hour=1)
        closed = await answer(client, "close_deployment", dseq=launched["dseq"])
        assert asked
        assert all(question.startswith(MARK + "At most $1.00") for question in asked[:1])
        for outcome in (launched, closed):
            assert outcome["summary"].startswith(MARK)
            assert outcome["money"].startswith(MARK)
        for tool in ("get_budget", "list_deployments", "get_usage", "list_operations"):
            assert (await answer(client, tool))["sandbox"] == SANDBOX
        (budget,) = (await client.read_resource("akash://budget")).contents
        assert isinstance(budget, TextResourceContents)
        assert json.loads(budget.text)["sandbox"] == SANDBOX
        wrong = await client.call_tool("close_deployment", {"dseq": "7"})
        assert wrong.is_error
        assert text_of(wrong).startswith(MARK)


async def test_a_plan_that_is_shown_says_so(settings: config.Settings) -> None:
    async with served(settings, ERAS[0], play_money=True, asks=False) as (client, _):
        shown = await answer(client, "deploy", sdl=SDL, deposit_usd=1, max_usd_per_hour=1)
        assert shown["status"] == "confirmation_required"
        assert shown["summary"].startswith(MARK)


async def test_a_console_on_loopback_is_not_taken_for_a_sandbox(settings: config.Settings) -> None:
    async with served(settings, "legacy", play_money=False, asks=False) as (client, _):
        assert client.instructions == INSTRUCTIONS
        told = [
            await answer(client, "get_budget"),
            await answer(client, "deploy", sdl=SDL, deposit_usd=1, max_usd_per_hour=1),
        ]
        listed = [tool.model_dump_json() for tool in (await client.list_tools()).tools]
    said = json.dumps([told, listed]).lower()
    assert "play money" not in said
    assert "sandbox" not in said


def test_at_a_terminal_it_says_what_it_waits_for_and_ctrl_c_ends_it_quietly(tmp_path: Path) -> None:
    with Terminal("serve", "--sandbox", columns=400, HOME=tmp_path) as screen:
        shown = screen.until("Ctrl-C ends it")
        assert "akash-mcp: this is a sandbox: a simulated network with play money" in shown
        assert "it waits for an MCP client" in shown
        said = len(shown)
        screen.interrupt()
        assert screen.end() in (
            0,
            130,
        )  # as a shell reports it, where it came before the first message was awaited
        assert screen.shown[said:].strip() in ("", "^C")
