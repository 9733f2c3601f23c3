"""A server that has Akua's token and no key of Akash, beside an embedded Akua, and a proxy that can lie before it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from agents import SPEED
from lying_proxy import LyingProxy, lying_proxy
from pydantic import SecretStr

from akash_mcp import config
from akash_mcp.clients.akua.client import AkuaClient
from akash_mcp.clients.akua.reader import AkuaReader
from akash_mcp.clients.akua.token import AkuaToken
from akash_mcp.sandbox.akua import AkuaOptions, EmbeddedAkua

NOBODY = "http://127.0.0.1:9"
"""Where nothing answers: Akash's Console and chain, to somebody who uses Akua alone."""


@pytest.fixture
def akua_options() -> AkuaOptions:
    """How the embedded Akua is built. A test that wants another parametrizes it."""
    return AkuaOptions(speed=SPEED, installs=3, plan="pro")


@pytest.fixture
async def akua(akua_options: AkuaOptions, quick_retries: None) -> AsyncIterator[EmbeddedAkua]:
    async with EmbeddedAkua(akua_options) as running:
        yield running


@pytest.fixture
async def akua_proxy(akua: EmbeddedAkua) -> AsyncIterator[LyingProxy]:
    """Tells what Akua says until a test changes that."""
    async with lying_proxy(akua.url.removesuffix("/v1")) as before:
        yield before


@pytest.fixture
async def akua_reader(akua: EmbeddedAkua, akua_proxy: LyingProxy) -> AsyncIterator[AkuaReader]:
    """Reads what the proxy tells."""
    async with AkuaClient(f"{akua_proxy.url}/v1", AkuaToken(akua.token)) as client:
        yield AkuaReader(client)


@pytest.fixture
def akua_settings(akua: EmbeddedAkua, tmp_path: Path) -> config.Settings:
    """Of a person who uses Akua alone. A module whose tests want them for `connect` has its own `settings`."""
    return config.Settings(
        akua_token=SecretStr(akua.token),
        akua_url=akua.url,
        console_url=NOBODY,
        chain_rest_url=NOBODY,
        state_dir=tmp_path / "state",
        toolsets=("akua",),
    )
