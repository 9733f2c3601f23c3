"""The time that a call may work, and what is said when it is over."""

from __future__ import annotations

import anyio
import pytest

from akash_mcp.errors import Interrupted
from akash_mcp.tools import deadline
from akash_mcp.tools.deadline import bounded, start_call

pytestmark = pytest.mark.anyio


async def test_a_part_that_is_ended_names_the_seconds_that_it_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "CALL_SECONDS", 2.0)
    start_call()
    with pytest.raises(Interrupted, match=r"within 0\.\d seconds"):
        await bounded(anyio.sleep, keep=1.5)(30)


async def test_the_time_between_two_parts_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "CALL_SECONDS", 1.5)
    start_call()
    await bounded(anyio.sleep)(0.1)
    await anyio.sleep(1.6)
    await bounded(anyio.sleep)(0.1)
    with pytest.raises(Interrupted):
        await bounded(anyio.sleep)(30)
