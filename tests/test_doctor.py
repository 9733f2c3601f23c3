from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from akash_mcp import config
from akash_mcp.cli.check import Check
from akash_mcp.cli.doctor import examine
from akash_mcp.config import Settings
from akash_mcp.guard.books.store import Store
from akash_mcp.sandbox.network import EmbeddedNetwork, Options

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
async def network() -> AsyncIterator[EmbeddedNetwork]:
    async with EmbeddedNetwork(Options(providers=1)) as network:
        yield network


@pytest.fixture
def environ(
    network: EmbeddedNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick_retries: None
) -> dict[str, str]:
    """Everything in order."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    return {
        "AKASH_API_KEY": network.api_key,
        "AKASH_CONSOLE_URL": network.console_url,
        "AKASH_CHAIN_REST_URL": network.chain_rest_url,
        "AKASH_MCP_STATE_DIR": str(tmp_path / "state"),
    }


def settings(environ: dict[str, str], **changed: str) -> Settings:
    return config.load(environ=environ | changed)


def wrong(checks: list[Check]) -> dict[str, Check]:
    return {check.subject: check for check in checks if not check.ok}


@pytest.mark.anyio
async def test_when_all_is_well_every_line_says_so(environ: dict[str, str]) -> None:
    checks = await examine(settings(environ))
    assert [check.subject for check in checks] == [
        "limits",
        "state",
        "console",
        "clock",
        "key",
        "reach",
        "expiry",
        "recharge",
        "spending",
        "chain",
    ]
    assert wrong(checks) == {}


@pytest.mark.anyio
async def test_it_changes_nothing(environ: dict[str, str], network: EmbeddedNetwork) -> None:
    await examine(settings(environ))
    assert not await anyio.Path(environ["AKASH_MCP_STATE_DIR"]).exists()
    assert all(str(request).startswith("GET ") for request in network._console.requests)


@pytest.mark.anyio
async def test_no_key_is_told_with_the_way_to_get_one(environ: dict[str, str]) -> None:
    found = wrong(await examine(settings(environ, AKASH_API_KEY="")))
    assert list(found) == ["key"]
    assert "https://console.akash.network" in found["key"].fix


@pytest.mark.anyio
async def test_a_wrong_key_is_told_and_not_shown(environ: dict[str, str]) -> None:
    found = wrong(await examine(settings(environ, AKASH_API_KEY="sk-of-somebody-else")))
    assert list(found) == ["key"]
    assert "sk-of-somebody-else" not in str(found["key"])


@pytest.mark.anyio
async def test_a_console_that_is_not_there_does_not_hide_the_rest(environ: dict[str, str]) -> None:
    found = wrong(await examine(settings(environ, AKASH_CONSOLE_URL=NOWHERE)))
    assert set(found) == {"console", "key"}
    assert "AKASH_CONSOLE_URL" in found["console"].fix


@pytest.mark.anyio
async def test_a_chain_endpoint_that_is_not_there_is_told(environ: dict[str, str]) -> None:
    assert set(wrong(await examine(settings(environ, AKASH_CHAIN_REST_URL=NOWHERE)))) == {"chain"}


@pytest.mark.anyio
async def test_an_address_of_something_else_is_told(environ: dict[str, str]) -> None:
    found = wrong(await examine(settings(environ, AKASH_CHAIN_REST_URL=environ["AKASH_CONSOLE_URL"])))
    assert "404" in found["chain"].message


@pytest.mark.anyio
@pytest.mark.parametrize(("seconds", "way"), [(3600, "ahead of"), (-3600, "behind")])
async def test_a_clock_that_is_off_is_told(
    environ: dict[str, str], network: EmbeddedNetwork, seconds: int, way: str
) -> None:
    found = wrong(await examine(settings(environ), wall=lambda: network.clock.wall() + seconds))
    assert way in found["clock"].message


@pytest.mark.anyio
async def test_a_state_folder_that_others_can_read_is_told(environ: dict[str, str]) -> None:
    folder = anyio.Path(environ["AKASH_MCP_STATE_DIR"])
    await folder.mkdir()
    await folder.chmod(0o755)
    found = wrong(await examine(settings(environ)))
    assert found["state"].fix == f"chmod 700 {folder}"


@pytest.mark.anyio
async def test_a_state_folder_that_others_can_write_is_told(environ: dict[str, str]) -> None:
    folder = anyio.Path(environ["AKASH_MCP_STATE_DIR"])
    await folder.mkdir()
    await folder.chmod(0o777)
    state = wrong(await examine(settings(environ)))["state"]
    assert "can be written by every user of this machine, so the ledger there is not used" in state.message
    assert state.fix == f"chmod 700 {folder}"


@pytest.mark.anyio
async def test_a_damaged_ledger_is_told_and_a_sound_one_is_left_as_it_is(environ: dict[str, str]) -> None:
    folder = anyio.Path(environ["AKASH_MCP_STATE_DIR"])
    store = Store(Path(folder))
    await store.run(lambda db: None)
    assert "state" not in wrong(await examine(settings(environ)))
    store.close()
    assert "state" not in wrong(await examine(settings(environ)))
    await anyio.Path(store.path).write_bytes(b"rubbish" * 1000)
    state = wrong(await examine(settings(environ)))["state"]
    assert f"The ledger {store.path} cannot be used (file is not a database)" in state.message


@pytest.mark.anyio
async def test_a_state_folder_that_is_a_file_is_told(environ: dict[str, str]) -> None:
    await anyio.Path(environ["AKASH_MCP_STATE_DIR"]).touch()
    assert "AKASH_MCP_STATE_DIR" in wrong(await examine(settings(environ)))["state"].fix
