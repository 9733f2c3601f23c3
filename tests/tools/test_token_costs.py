"""What a whole session costs a model in tokens. The figures are in `benchmarks/tokens.py`."""

from __future__ import annotations

import pytest
from agents import Connect
from conversation import Conversation, long_sdl

pytestmark = pytest.mark.anyio


async def test_deploying_a_small_sdl_once_fits_its_budget(connect: Connect, sdl: str) -> None:
    async with connect() as agent:
        session = Conversation(agent)
        await session.deploy_once(sdl)
    assert session.total <= 3_200, session.calls


async def test_deploying_a_long_sdl_once_fits_its_budget(connect: Connect) -> None:
    sdl = long_sdl()
    assert sdl.count("\n") == 150
    async with connect() as agent:
        session = Conversation(agent)
        await session.deploy_once(sdl)
    assert session.total <= 5_500, session.calls
