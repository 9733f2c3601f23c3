"""A task and a subscription over stdio, whose one pipe carries both."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from agents import Agent
from mcp import Client, StdioServerParameters
from mcp.client.subscriptions import ResourceUpdated
from task_client import TakesTasks

DEPLOYMENTS = "akash://deployments"


@pytest.mark.anyio
@pytest.mark.timeout(120)
async def test_a_subscriber_hears_of_its_own_task(tmp_path: Path, sdl: str) -> None:
    takes = TakesTasks()
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "akash_mcp", "serve", "--sandbox", "--speed", "60"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AKASH_MCP_APPROVAL": "auto"},
    )
    async with (
        Client(server, extensions=[takes]) as client,
        client.listen(resource_subscriptions=[DEPLOYMENTS]) as subscription,
    ):
        assert (await Agent(client).call("deploy", sdl=sdl, deposit_usd=1))["status"] == "ready"
        assert len(takes.tasks) == 1
        async for event in subscription:
            assert event == ResourceUpdated(DEPLOYMENTS)
            break
