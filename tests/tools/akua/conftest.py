"""A server that has Akua's token and no key of Akash, beside an embedded Akua; and an Akua that says what a test wrote."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from agents import SPEED
from pydantic import SecretStr

from akash_mcp import config
from akash_mcp.sandbox.akua import AkuaOptions, EmbeddedAkua


@pytest.fixture
def akua_options() -> AkuaOptions:
    """How the embedded Akua is built. A test that wants another parametrizes it."""
    return AkuaOptions(speed=SPEED)


@pytest.fixture
async def akua(akua_options: AkuaOptions, quick_retries: None) -> AsyncIterator[EmbeddedAkua]:
    async with EmbeddedAkua(akua_options) as running:
        yield running


@pytest.fixture
def settings(akua: EmbeddedAkua, tmp_path: Path) -> config.Settings:
    """As of a person who uses Akua alone: nothing answers where Akash's Console is said to be."""
    return config.Settings(
        akua_token=SecretStr(akua.token),
        akua_url=akua.url,
        console_url="http://127.0.0.1:9",
        chain_rest_url="http://127.0.0.1:9",
        state_dir=tmp_path / "state",
        toolsets=("akua",),
    )
