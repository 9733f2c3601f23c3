"""What `akash-mcp doctor` says of how far a key reaches, on a network with an organization."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from lying_proxy import LyingProxy, lying_proxy

from akash_mcp import config
from akash_mcp.cli.check import Check
from akash_mcp.cli.doctor import examine
from akash_mcp.sandbox.network import EmbeddedNetwork, Options

pytestmark = pytest.mark.anyio

STRANGER = "3f0c9d4e-58f5-4b4e-9a63-0a6f8c1d2e3f"


@pytest.fixture
async def network() -> AsyncIterator[EmbeddedNetwork]:
    async with EmbeddedNetwork(Options(providers=1, generation="2026-11", organizations=True)) as network:
        yield network


@pytest.fixture
async def proxy(network: EmbeddedNetwork) -> AsyncIterator[LyingProxy]:
    async with lying_proxy(network.console_url) as before:
        yield before


@pytest.fixture(autouse=True)
def no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs this may have settings of their own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.fixture
def environ(proxy: LyingProxy, network: EmbeddedNetwork, tmp_path: Path) -> dict[str, str]:
    return {
        "AKASH_CONSOLE_URL": proxy.url,
        "AKASH_CHAIN_REST_URL": network.chain_rest_url,
        "AKASH_MCP_STATE_DIR": str(tmp_path / "state"),
        "AKASH_API_KEY": network.api_key,
    }


async def told(environ: Mapping[str, str], **changed: str) -> dict[str, Check]:
    return {check.subject: check for check in await examine(config.load(environ={**environ, **changed}))}


async def project_of(network: EmbeddedNetwork, name: str) -> str:
    async with httpx2.AsyncClient(verify=False) as http:
        listed = await http.get(f"{network.console_url}/v1/projects", headers={"x-api-key": network.api_key})
    return next(str(each["id"]) for each in listed.json()["data"] if each["name"] == name)


async def test_an_owners_key_reaches_everything_and_more_than_the_limits(environ: dict[str, str]) -> None:
    checks = await told(environ)
    assert "the whole account: more keys can be made with it, and the card be changed" in str(checks["reach"])
    assert str(checks["reach"]).startswith("WARN")
    assert "bound to a project" in checks["reach"].fix
    assert str(checks["spending"]).startswith("WARN")
    assert "can spend the $100.00 of credit; the limits here ($20.00 a day)" in checks["spending"].message
    assert checks["expiry"].message == "none"
    assert "none set up" in checks["recharge"].message
    assert "project" not in checks


async def test_credit_within_the_limits_is_no_warning(environ: dict[str, str]) -> None:
    checks = await told(environ, AKASH_MCP_MAX_USD_PER_DAY="100")
    assert str(checks["spending"]).startswith("ok")


async def test_a_key_of_a_project_says_which_and_what_it_cannot(
    environ: dict[str, str], network: EmbeddedNetwork
) -> None:
    ours = await project_of(network, "ci")
    checks = await told(environ, AKASH_API_KEY=network.keys["project"], AKASH_MCP_PROJECT_ID=ours.upper())
    assert f'one project, "ci" ({ours}): it makes no keys' in checks["reach"].message
    assert checks["expiry"].message.startswith("not known")
    assert checks["recharge"].message.startswith("not known")
    assert "and whatever the card adds" in checks["spending"].message
    assert (checks["project"].ok, ours in checks["project"].message) == (True, True)


async def test_a_viewers_key_reads(environ: dict[str, str], network: EmbeddedNetwork) -> None:
    checks = await told(environ, AKASH_API_KEY=network.keys["viewer"])
    assert checks["reach"].message.startswith("reads only")
    assert "AKASH_MCP_READ_ONLY" in checks["reach"].fix
    assert str(checks["spending"]).startswith("ok")


async def test_a_project_beyond_reach_is_wrong_and_those_within_are_named(
    environ: dict[str, str], network: EmbeddedNetwork
) -> None:
    checks = await told(environ, AKASH_API_KEY=network.keys["project"], AKASH_MCP_PROJECT_ID=STRANGER)
    assert not checks["project"].ok
    assert await project_of(network, "ci") in checks["project"].fix


async def test_where_there_are_no_projects_the_setting_is_wrong(tmp_path: Path) -> None:
    async with EmbeddedNetwork(Options(providers=1, generation="2026-11")) as network:
        checks = await told(
            {"AKASH_CONSOLE_URL": network.console_url, "AKASH_CHAIN_REST_URL": network.chain_rest_url},
            AKASH_API_KEY=network.api_key,
            AKASH_MCP_STATE_DIR=str(tmp_path),
            AKASH_MCP_PROJECT_ID=STRANGER,
        )
    assert "no effect" in checks["project"].message
    assert str(checks["reach"]).startswith("ok    reach    the whole account")


SETTINGS = "GET /v1/wallet-settings"
ON: dict[str, Any] = {"autoReloadEnabled": True, "autoReloadMode": "threshold", "autoReloadAmount": 50}


async def test_a_card_that_recharges_is_told_and_counts(environ: dict[str, str], proxy: LyingProxy) -> None:
    proxy.refuse(SETTINGS, 200, {"data": ON})
    checks = await told(environ, AKASH_MCP_MAX_USD_PER_DAY="500")
    assert checks["recharge"].message == "on: the card adds $50 whenever credit runs low"
    assert checks["spending"].warns
    assert "and whatever the card adds" in checks["spending"].message


@pytest.mark.parametrize("answer", [{"data": {}}, {"data": {"autoReloadEnabled": None}}, {}])
async def test_an_answer_that_does_not_say_is_unknown_and_not_off(
    answer: object, environ: dict[str, str], proxy: LyingProxy
) -> None:
    proxy.refuse(SETTINGS, 200, answer)
    checks = await told(environ, AKASH_MCP_MAX_USD_PER_DAY="500")
    assert checks["recharge"].message.startswith("not known")
    assert checks["spending"].warns


async def test_a_key_that_ends_soon_is_told(environ: dict[str, str], proxy: LyingProxy) -> None:
    def ending(told: Any) -> Any:
        told["data"][0]["expiresAt"] = "2020-01-01T00:00:00.000Z"
        return told

    proxy.rewrite("GET /v1/api-keys", ending)
    expiry = (await told(environ))["expiry"]
    assert (expiry.warns, expiry.message[:16]) == (True, "2020-01-01 00:00")


async def test_it_is_found_out_by_reads_alone(environ: dict[str, str], proxy: LyingProxy) -> None:
    await told(environ)
    assert {line.split()[0] for line in proxy.forwarded} == {"GET"}
