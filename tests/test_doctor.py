from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import keyring
import pytest
from keyring_in_a_file import Unrecommended
from provider_certificates import authority

from akash_mcp import config
from akash_mcp.cli.check import Check
from akash_mcp.cli.doctor import examine
from akash_mcp.config import Settings
from akash_mcp.guard.books.store import Store
from akash_mcp.key_sources import login_keys
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
async def test_where_the_key_comes_from_is_told(environ: dict[str, str], network: EmbeddedNetwork) -> None:
    told = {check.subject: check.message for check in await examine(settings(environ))}
    assert told["key"].endswith("; from AKASH_API_KEY")
    before = keyring.get_keyring()
    keyring.set_keyring(Unrecommended())
    try:
        login_keys().keep(network.console_url, network.api_key)
    finally:
        keyring.set_keyring(before)
    told = {check.subject: check.message for check in await examine(settings(environ, AKASH_API_KEY=""))}
    assert "akash-mcp/login.json, readable by you alone, by akash-mcp login on 20" in told["key"]


@pytest.mark.anyio
async def test_a_key_in_a_host_s_file_is_warned_of_and_not_shown(
    environ: dict[str, str], tmp_path: Path
) -> None:
    file = anyio.Path(tmp_path, ".cursor", "mcp.json")
    await file.parent.mkdir()
    await file.write_text('{"mcpServers": {"akash": {"env": {"AKASH_API_KEY": "ac.sk.production.0123"}}}}')
    [host] = [check for check in await examine(settings(environ)) if check.subject == "hosts"]
    assert str(host).startswith("WARN")
    assert str(file) in host.message
    assert "akash-mcp login" in host.fix
    assert "0123" not in str(host)


@pytest.mark.anyio
async def test_a_token_of_akua_in_a_host_s_file_is_warned_of_as_that(
    environ: dict[str, str], tmp_path: Path
) -> None:
    file = anyio.Path(tmp_path, ".cursor", "mcp.json")
    await file.parent.mkdir()
    await file.write_text('{"mcpServers": {"akash": {"env": {"AKUA_API_TOKEN": "sk_akua_0123"}}}}')
    [host] = [check for check in await examine(settings(environ)) if check.subject == "hosts"]
    assert "has a token of Akua in plain text" in host.message
    assert host.fix.startswith("Run akash-mcp login --akua, take AKUA_API_TOKEN out of that file")
    assert "0123" not in str(host)


@pytest.mark.anyio
async def test_the_proxy_and_the_authorities_in_force_are_told(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def told(**changed: str) -> str:
        network = {check.subject: check for check in await examine(settings(environ, **changed))}.get(
            "network"
        )
        return str(network) if network else ""

    nowhere = "http://user:password@127.0.0.1:9"
    monkeypatch.setenv("HTTPS_PROXY", nowhere)
    assert await told() == ""  # what is on this machine is asked directly
    console = await told(AKASH_CONSOLE_URL="https://console.test")
    assert "the Console is asked through the proxy http://127.0.0.1:9 (HTTPS_PROXY)" in console
    assert "password" not in console
    company = anyio.Path(tmp_path, "company.pem")
    await company.write_text(authority().pem)
    assert f"{company} is trusted too" in await told(AKASH_MCP_CA_FILE=str(company))
    await company.write_text("no certificate")
    assert "it holds no CA certificates in PEM" in await told(AKASH_MCP_CA_FILE=str(company))


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
