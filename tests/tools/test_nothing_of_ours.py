"""No answer names our files, our home folder or our tasks, whatever is broken: it may be another user's client."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
from agents import ERAS, YES, Connect
from mcp import MCPError
from pydantic import SecretStr
from test_door import served
from test_transports import Counted

from akash_mcp.guard.books.store import Store
from akash_mcp.tools import TOOLSETS
from akash_mcp.transports import http_app

pytestmark = pytest.mark.anyio

DSEQ = "1700000000001"
PROVIDER = "akash1365yvmc4s7awdyj3n2sav7xfx76adc6dnmlx63"
OURS = re.compile(
    r"/(?:home|root|tmp|usr|work|var|private)\b|sqlite3|site-packages|\.py\b|Traceback|\bTask[-\s<]|TaskGroup|coroutine"
    r"|<locals>|0x[0-9a-f]{8}|asyncio|anyio|pydantic|ExceptionGroup"
)


def arguments(tool: str, sdl: str) -> dict[str, Any]:
    """Arguments with which a tool gets as far as it can."""
    known: dict[str, dict[str, Any]] = {
        "validate_sdl": {"sdl": sdl},
        "deploy": {"sdl": sdl, "deposit_usd": 1},
        "create_deployment": {"sdl": sdl, "deposit_usd": 1},
        "list_bids": {"dseq": DSEQ, "wait_s": 1},
        "create_lease": {"dseq": DSEQ, "providers": [PROVIDER], "max_usd_per_hour": 1},
        "update_deployment": {"dseq": DSEQ, "sdl": sdl},
        "add_funds": {"dseq": DSEQ, "amount_usd": 1},
        "close_deployment": {"dseq": DSEQ},
        "get_deployment": {"id": DSEQ},
        "get_logs": {"dseq": DSEQ},
        "get_events": {"dseq": DSEQ},
        "diagnose_deployment": {"dseq": DSEQ},
        "run_command": {"dseq": DSEQ, "service": "web", "command": ["id"]},
        "draft_sdl": {"image": "nginx:1.29"},
        "convert_compose": {"compose": "services: {web: {image: nginx, ports: [80]}}"},
    }
    return known.get(tool, {})


def below_a_file(folder: Path) -> Path:
    (folder / "taken").write_text("a file")
    return folder / "taken" / "state"


def damaged(folder: Path) -> Path:
    Store(folder).path.write_bytes(b"rubbish" * 1000)
    return folder


def written_by_others(folder: Path) -> Path:
    shared = folder / "common"
    shared.mkdir()
    shared.chmod(0o777)
    return shared


def a_folder_for_a_file(folder: Path) -> Path:
    Store(folder).path.mkdir()
    return folder


@pytest.mark.parametrize("break_it", [below_a_file, damaged, written_by_others, a_folder_for_a_file])
@pytest.mark.parametrize("era", ERAS)
async def test_with_a_broken_state_folder(
    era: str, break_it: Any, connect: Connect, sdl: str, tmp_path: Path
) -> None:
    said: dict[str, str] = {}
    async with connect(
        era, answer=YES, state_dir=break_it(tmp_path), toolsets=tuple(TOOLSETS), allow_private_providers=()
    ) as agent:
        for tool in (await agent.client.list_tools()).tools:
            # Twice: with no argument, and with those with which it gets furthest.
            for given in ({}, arguments(tool.name, sdl)):
                result = await agent.ask(tool.name, **given)
                said[f"{tool.name} {sorted(given)}"] = result.model_dump_json()
        for uri in (
            "akash://budget",
            "akash://deployments",
            f"akash://deployments/{DSEQ}",
            "akash://deployments/x",
        ):
            try:
                said[uri] = (await agent.client.read_resource(uri)).model_dump_json()
            except MCPError as refused:
                said[uri] = f"{refused.error.code} {refused.error.message} {refused.error.data}"
        said["questions"] = " ".join(agent.asked)
    assert "The ledger cannot be used" in str(said) or "can change the ledger" in str(said)
    told = {call: OURS.findall(text) for call, text in said.items() if OURS.search(text.replace(sdl, ""))}
    assert told == {}
    assert str(tmp_path) not in str(said)


@pytest.mark.parametrize(
    ("path", "body"),
    [("/mcp", b"{"), ("/mcp", b"[]"), ("/mcp", b'{"jsonrpc": "2.0", "id": 1, "method": 5}'), ("/nowhere", b""),
     ("/mcp", b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": []}'), ("/messages/", b"{}"),
     ("/messages/?session_id=x", b"{}"), ("/mcp", b"[" * 100_000), ("/mcp", b"\xff\xfe"), ("/sse", b"")],
)  # fmt: skip
async def test_in_a_page_of_http(path: str, body: bytes) -> None:
    headers = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
    token = SecretStr("t" * 10)

    def app(port: int) -> Any:
        return http_app(Counted().server, host="127.0.0.1", port=port, token=token, sse=True)

    async with served(app) as port, httpx2.AsyncClient(headers=headers) as http:
        for authorization in ("Bearer tttttttttt", "Bearer wrong"):
            answer = await http.post(
                f"http://127.0.0.1:{port}{path}", content=body, headers={"authorization": authorization}
            )
            assert answer.status_code >= 400
            assert not re.search(
                OURS.pattern.replace("|pydantic", ""), answer.text.replace("errors.pydantic.dev", "")
            )


async def test_in_who_the_server_says_it_is(connect: Connect) -> None:
    async with connect("legacy") as agent:
        assert agent.client.server_info is not None
        assert not OURS.search(agent.client.server_info.model_dump_json())
        assert not OURS.search(agent.client.instructions or "")
        for prompt in (await agent.client.list_prompts()).prompts:
            assert not OURS.search(prompt.model_dump_json())
