"""An answer that comes before its work is done names the deployment that the work is about, once there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from agents import ERAS, YES, Agent, Connect

from akash_mcp.guard.books.store import Store
from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Any:
    """No call waits for its work any more."""
    return lambda: monkeypatch.setattr("akash_mcp.tools.carry_out.wait_seconds", lambda *_: 0.0)


async def created(agent: Agent, sdl: str) -> str:
    return str((await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"])


CHANGES: dict[str, Any] = {
    "add_funds": lambda dseq, sdl: {"dseq": dseq, "amount_usd": 1},
    "update_deployment": lambda dseq, sdl: {"dseq": dseq, "sdl": sdl.replace("1.28.0", "1.29.0")},
    "close_deployment": lambda dseq, sdl: {"dseq": dseq},
}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(("tool", "arguments"), CHANGES.items(), ids=CHANGES.keys())
async def test_a_pending_change_names_its_deployment(
    tool: str, arguments: Any, era: str, connect: Connect, sdl: str, at_once: Any
) -> None:
    async with connect(era, approval="auto") as agent:
        dseq = await created(agent, sdl)
        at_once()
        pending = await agent.call(tool, **arguments(dseq, sdl))
    assert (pending["status"], pending["dseq"]) == ("pending", dseq)


@pytest.mark.parametrize("era", ERAS)
async def test_a_pending_lease_names_its_deployment(
    era: str, connect: Connect, sdl: str, at_once: Any
) -> None:
    async with connect(era, approval="auto") as agent:
        dseq = await created(agent, sdl)
        best = (await agent.call("list_bids", dseq=dseq))["offers"][0]
        at_once()
        pending = await agent.call(
            "create_lease", dseq=dseq, providers=[best["provider"]], max_usd_per_hour=1
        )
        assert (pending["status"], pending["dseq"]) == ("pending", dseq)


async def test_a_pending_close_names_its_deployment_also_without_the_ledger(
    connect: Connect, network: EmbeddedNetwork, sdl: str, tmp_path: Path, at_once: Any
) -> None:
    async with connect(approval="auto") as agent:
        dseq = await created(agent, sdl)
    (broken := tmp_path / "broken").mkdir(mode=0o700)
    Store(broken).path.write_bytes(b"rubbish" * 1000)
    async with connect(answer=YES, state_dir=broken) as agent:
        at_once()
        pending = await agent.call("close_deployment", dseq=dseq)
    assert (pending["status"], pending["dseq"]) == ("pending", dseq)
