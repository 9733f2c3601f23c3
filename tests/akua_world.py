"""Clients of servers that do things at an embedded Akua, and what there is there in truth."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from typing import Any

import pytest
from agents import ERAS, SPEED, Agent, Connect
from mcp import Client
from mcp.client import ClientRequestContext
from mcp.types import ElicitRequestParams, ElicitResult

from akash_mcp import config
from akash_mcp.sandbox.akua import EmbeddedAkua
from akash_mcp.server import build
from akash_mcp.workflow.runtime import Intervals

AKUA_INTERVALS = replace(Intervals().times(SPEED), reading=0.0, first_look=0.05)
"""The people of these tests read a question in no time, and its servers look at once after what others left."""

TOOLSETS = ("akua", "akua-clusters")


@pytest.fixture
def at_akua(akua_settings: config.Settings) -> Connect:
    """`async with at_akua(era, answer=…, **settings) as agent`. Without an answer the client cannot be asked.
    `meanwhile` is done while the person thinks.
    """

    @asynccontextmanager
    async def connected(
        era: str = ERAS[0],
        *,
        answer: ElicitResult | None = None,
        intervals: Intervals = AKUA_INTERVALS,
        meanwhile: Callable[[], None] = lambda: None,
        **changed: Any,
    ) -> AsyncIterator[Agent]:
        asked: list[str] = []

        async def respond(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
            asked.append(params.message)
            assert answer is not None
            meanwhile()
            return answer

        chosen = config.Settings(**{**dict(akua_settings), "toolsets": TOOLSETS, **changed})
        async with Client(
            build(chosen, intervals=intervals), mode=era, elicitation_callback=respond if answer else None
        ) as client:
            yield Agent(client, asked)

    return connected


def things(akua: EmbeddedAkua, kind: str) -> list[dict[str, Any]]:
    """What there is of a kind (`installs`, `clusters`, `packages`, `regions`, `machines`, `operations`), in truth."""
    found = akua.state()[kind]
    assert isinstance(found, list)
    return found


def requests(akua: EmbeddedAkua, line: str) -> int:
    """How often a route was asked: `POST /installs`."""
    counted = akua.state()["requests"]
    assert isinstance(counted, dict)
    return int(counted.get(line, 0))


async def done(agent: Agent, answer: dict[str, Any]) -> dict[str, Any]:
    """What becomes of an answer: agreed to where that is asked for, and waited for where it is pending."""
    if answer["status"] == "confirmation_required":
        answer = await agent.agreed(answer)
    for _ in range(4):
        if answer["status"] != "pending":
            return answer
        shown = await agent.call("akua_get_operation", operation_id=answer["op_id"], wait_s=40)
        if shown.get("done"):
            return {**answer, **shown, "status": "over"}
    raise AssertionError(f"it does not end: {answer}")


def operation_ids(settings: config.Settings) -> list[str]:
    """The operations at Akua that the ledger knows, in the order in which they were begun."""
    with closing(sqlite3.connect(settings.state_dir / "akash-mcp.sqlite3")) as db:
        rows = db.execute("SELECT op_id FROM operations WHERE kind LIKE 'akua_%' ORDER BY number")
        return [op_id for (op_id,) in rows]
