"""How a provider lets us in: clocks that disagree, two kinds of certificate, and a certificate of ours."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import formatdate
from ipaddress import ip_network
from pathlib import Path
from time import time as wall

import pytest
from agents import Connect, text_of
from hostile_servers import LEASE, STATUS, Behaviour, Counts, Scene, believing, body, hostile
from provider_certificates import registered
from test_console_models import PROVIDER_ADDRESS

from akash_mcp import config
from akash_mcp.clients.chain import ChainReader, chain_upstream
from akash_mcp.clients.console.client import ConsoleClient
from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.clients.provider.access import Admission, ProviderAccess
from akash_mcp.errors import TokenRefused
from akash_mcp.ids import Dseq, LeaseId, ProviderAddress
from akash_mcp.sandbox.network import EmbeddedNetwork, Options

pytestmark = pytest.mark.anyio

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]
GOOD = registered(PROVIDER_ADDRESS)


def minted(starts: float) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"nbf": int(starts)}).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJFUzI1NksifQ.{claims}.c2ln"


def refusing(times: int, clock: float) -> Behaviour:
    """A gateway whose clock is so many seconds off, and that takes no token the first `times`."""
    asked = 0

    async def behaviour(counts: Counts, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await counts.request(reader)
        asked += 1
        claims = b'{"message":"JWT has invalid claims"}'
        date = formatdate(wall() + clock, usegmt=True)
        head = f"HTTP/1.1 400 No\r\ndate: {date}\r\ncontent-length: {len(claims)}\r\n\r\n".encode()
        await counts.send(writer, head + claims if asked <= times else body(STATUS))

    return behaviour


@asynccontextmanager
async def provider_with_clock(
    folder: Path, times: int, clock: float, console: float = 0
) -> AsyncIterator[Scene]:
    """`clock` and `console` are how far the provider's and the Console's clocks are from ours, in seconds."""
    async with (
        hostile(refusing(times, clock), GOOD.server_context(folder)) as (port, _),
        believing(port, [GOOD], token=minted(wall() + console)) as now,
    ):
        yield now


@pytest.mark.parametrize(("behind", "least", "most"), [(0, 2, 2), (4, 4, 6), (60, 10, 10)])
async def test_a_token_is_given_as_long_as_the_providers_clock_is_behind(
    behind: int, least: int, most: int, tmp_path: Path
) -> None:
    async with provider_with_clock(tmp_path, times=1, clock=-behind) as now:
        await now.client.lease_status(LEASE)
        [rest] = now.time.slept
    assert least <= rest <= most


@pytest.mark.parametrize(
    ("clock", "console", "says"),
    [
        (-300, 0, r"Akash Console's clock is 5 minutes ahead of the provider's\."),
        (3600, 0, r"Akash Console's clock is 60 minutes behind the provider's\."),
        (0, 10_800, r"This machine's clock is 3 hours behind Akash Console's\."),
    ],
)
async def test_clocks_that_disagree_are_told(clock: float, console: float, says: str, tmp_path: Path) -> None:
    async with provider_with_clock(tmp_path, times=9, clock=clock, console=console) as now:
        with pytest.raises(TokenRefused, match=says):
            await now.client.lease_status(LEASE)
        assert len(now.console.requests) == 2, "renewed once"


async def test_clocks_that_agree_are_not_blamed(tmp_path: Path) -> None:
    async with provider_with_clock(tmp_path, times=9, clock=1) as now:
        with pytest.raises(TokenRefused) as caught:
            await now.client.lease_status(LEASE)
    assert "ahead" not in caught.value.what
    assert "behind" not in caught.value.what


async def test_a_network_with_both_kinds_of_certificates() -> None:
    async with EmbeddedNetwork(Options(providers=2, public_certificates=1)) as network:
        knowing = ssl.create_default_context(cadata=network.authority_pem)
        knowing.minimum_version = ssl.TLSVersion.TLSv1_3
        async with (
            ConsoleClient(network.console_url, network.api_key) as console,
            chain_upstream(network.chain_rest_url) as chain,
        ):
            for public, pinned in ((knowing, [False, True]), (None, [True, True])):
                access = ProviderAccess(
                    ConsoleReader(console),
                    ChainReader(chain),
                    allow_private=LOOPBACK,
                    public=public,
                )
                found = [await admitted(access, address) for address in network.chain.providers]
                assert [bool(one.trusted.pins) for one in found] == pinned


async def admitted(access: ProviderAccess, provider: str) -> Admission:
    async def question(admission: Admission) -> Admission:
        return admission

    lease = LeaseId(Dseq("1763759482113"), 1, 1, ProviderAddress(provider))
    return await access.ask(lease, question, scopes=("status",))


@pytest.mark.parametrize("generation", ["2025"])
async def test_a_certificate_that_a_provider_does_not_take_is_told(
    connect: Connect, network: EmbeddedNetwork, settings: config.Settings, sdl: str, tmp_path: Path
) -> None:
    async with connect(approval="auto") as agent:
        deployed = await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=5))
        # One of the account's own making, that never was on the chain.
        [file] = settings.state_dir.glob("certificate-*.pem")
        own = registered(network.owner)
        file.write_text(own.pem + own.key_file(tmp_path).read_text().replace(own.pem, ""))
        for tool in ("get_logs", "get_events"):
            assert "may not take our client certificate" in text_of(
                await agent.ask(tool, dseq=deployed["dseq"])
            )
