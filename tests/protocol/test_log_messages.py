"""Clients that want log messages get ours: from their level on, cleaned, and so many at most."""

from __future__ import annotations

import logging
from typing import Literal

import anyio
import pytest
from agents import Connect
from heard import PATIENCE, Heard
from mcp import MCPError
from mcp.types import EmptyResult, Request

from akash_mcp.protocol.log_messages import LONGEST, MOST
from akash_mcp.sanitize import secrets

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:(The logging capability|logging/setLevel)"),
]

log = logging.getLogger("akash_mcp.test")
SECRET = "correct-horse-battery-staple"


async def until(heard: Heard, messages: int) -> None:
    with anyio.fail_after(PATIENCE):
        while len(heard.log) < messages:
            await heard._more.wait()


async def test_a_session_hears_from_its_level_on_and_nothing_secret(connect: Connect) -> None:
    heard = Heard()
    secrets.known.remember(SECRET)
    async with connect("legacy", hears=heard) as agent:
        assert agent.client.server_capabilities.logging is not None
        log.error("nobody asked yet")
        await agent.client.set_logging_level("warning")
        log.info("too little")
        logging.getLogger("another.library").error("not ours")
        log.warning("it said %s and\n\x1b[31mred", SECRET)
        log.error("a" * 5_000)
        await until(heard, 2)
        (said, long) = heard.log
        assert (said.level, said.logger) == ("warning", "akash_mcp.test")
        assert SECRET not in str(said.data)
        assert "\n" not in str(said.data)
        assert "\x1b" not in str(said.data)
        assert len(str(long.data)) <= LONGEST
    secrets.known.forget(SECRET)


async def test_no_traceback_is_sent(connect: Connect) -> None:
    heard = Heard()
    async with connect("legacy", hears=heard) as agent:
        await agent.client.set_logging_level("debug")
        try:
            raise ValueError("inside")
        except ValueError:
            log.exception("it broke")
        await until(heard, 1)
        assert [message.data for message in heard.log] == ["it broke"]


async def test_a_flood_is_cut_and_counted(connect: Connect) -> None:
    heard = Heard()
    async with connect("legacy", hears=heard) as agent:
        await agent.client.set_logging_level("warning")
        for number in range(MOST + 5):
            log.warning("message %d", number)
        await until(heard, MOST)
        await agent.client.list_prompts()
        assert len(heard.log) == MOST


async def test_an_unknown_level_is_refused(connect: Connect) -> None:
    class SetLevel(Request[dict[str, str], Literal["logging/setLevel"]]):
        method: Literal["logging/setLevel"] = "logging/setLevel"

    async with connect("legacy") as agent:
        with pytest.raises(MCPError, match="Invalid request parameters"):
            await agent.client.session.send_request(SetLevel(params={"level": "loud"}), EmptyResult)


async def test_in_the_newer_era_each_call_says_whether_it_wants_them(connect: Connect) -> None:
    heard, silent = Heard(), Heard()
    broken = {"api_key": None, "console_url": "http://127.0.0.1:9"}
    async with connect(hears=heard, log_level="info", **broken) as agent:
        logging.getLogger("akash_mcp.tools").setLevel(logging.INFO)
        try:
            await agent.refused("get_deployment", id="nonsense")
        finally:
            logging.getLogger("akash_mcp.tools").setLevel(logging.NOTSET)
        assert any("get_deployment failed" in str(message.data) for message in heard.log)
    async with connect(hears=silent, **broken) as agent:
        await agent.refused("get_deployment", id="nonsense")
    assert silent.log == []
