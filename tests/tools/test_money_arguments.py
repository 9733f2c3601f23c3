"""No amount that a client sends stops the server: text and JSON numbers of every kind, to every money argument."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import pytest
from agents import Connect, text_of
from odd_numbers import HOSTILE, odd_number

pytestmark = pytest.mark.anyio

ARGUMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "deploy": ("deposit_usd", {"sdl": "x"}),
    "create_deployment": ("max_usd_per_hour", {"sdl": "x", "deposit_usd": 1}),
    "create_lease": ("max_usd_per_hour", {"dseq": "1763759482113", "providers": []}),
    "add_funds": ("amount_usd", {"dseq": "0"}),
}
CALLS = 250
"""Of each tool; `tests/test_money.py` builds 10,000 amounts."""


def is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


@pytest.mark.parametrize("tool", ARGUMENTS)
async def test_no_amount_stops_the_server(tool: str, connect: Connect) -> None:
    name, rest = ARGUMENTS[tool]
    amounts = [*HOSTILE, *(odd_number(random.Random(seed)) for seed in range(CALLS))]
    longest = 0.0
    async with connect(approval="two-step") as agent:
        for amount in filter(is_json, amounts):
            began = time.process_time()
            result = await agent.ask(tool, **{**rest, name: amount})
            longest = max(longest, time.process_time() - began)
            assert result.is_error
            assert "failed inside this server" not in text_of(result)
            assert len(text_of(result)) < 1_000
        assert await agent.call("get_budget")
    assert longest < 1
