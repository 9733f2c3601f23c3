"""A proxy that can lie, before an embedded Akua, and a reader that hears what it tells."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from lying_proxy import LyingProxy, lying_proxy

from akash_mcp.clients.akua.client import AkuaClient
from akash_mcp.clients.akua.reader import AkuaReader
from akash_mcp.clients.akua.token import AkuaToken
from akash_mcp.sandbox.akua import EmbeddedAkua


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
