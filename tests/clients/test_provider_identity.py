"""Who is trusted to be a provider. Every case counts what reached the server: a refused one gets not a byte."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Sequence
from datetime import timedelta
from email.utils import formatdate
from ipaddress import ip_network
from pathlib import Path

import pytest
from provider_certificates import Shown, authority, issued, registered, trusting
from test_chain_reader import chain, listed
from test_console_models import PROVIDER_ADDRESS
from wire_servers import Act, Server, closed_port, reply

from akash_mcp.clients.http import Upstream
from akash_mcp.clients.provider.allowed_hosts import resolve
from akash_mcp.clients.provider.identity import VerifiedEndpoint, identify, pinned_context, public_context
from akash_mcp.clients.retries import Deadline, Sending
from akash_mcp.errors import Unreachable, UntrustedProvider

pytestmark = pytest.mark.anyio

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]
OTHER_ADDRESS = "akash1qufa3xzrf34qvwyejkhvnc4psf49fftaw0asmh"
DAY = timedelta(days=1)


async def trust(
    server: Server,
    on_chain: Sequence[Act],
    *,
    public: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
    now: float | None = None,
) -> VerifiedEndpoint:
    endpoint = await resolve(f"https://{host}:{server.port}", LOOPBACK)
    async with Server(*on_chain) as node:
        return await identify(
            PROVIDER_ADDRESS,
            endpoint,
            chain(node),
            clock=lambda: now or time.time(),
            public=public or public_context(),
        )


async def fetch(trusted: VerifiedEndpoint) -> int:
    url = f"https://{trusted.address}:{trusted.port}"
    async with Upstream(url, name="The provider", verify=trusted.context, sni=trusted.host) as gateway:
        return (await gateway.send("GET", "/", sending=Sending.ONCE, deadline=Deadline(5, 5))).status


def known(*certificates: Shown) -> Act:
    return reply(200, listed(*(shown.listed() for shown in certificates)))


async def test_the_registered_certificate_is_trusted(tmp_path: Path) -> None:
    shown = registered(PROVIDER_ADDRESS)
    async with Server(reply(200, {}), tls=shown.server_context(tmp_path)) as server:
        trusted = await trust(server, [known(registered(PROVIDER_ADDRESS), shown)])
        assert await fetch(trusted) == 200


KEY = registered(PROVIDER_ADDRESS).key

IMPOSTORS = {
    "another key, the same name": (registered(PROVIDER_ADDRESS), [registered(PROVIDER_ADDRESS)]),
    "another account's own certificate": (registered(OTHER_ADDRESS), [registered(PROVIDER_ADDRESS)]),
    "the same key, not the registered certificate": (
        registered(PROVIDER_ADDRESS, key=KEY, serial=1),
        [registered(PROVIDER_ADDRESS, key=KEY, serial=2)],
    ),
    "nothing registered": (registered(PROVIDER_ADDRESS), []),
}
EXPIRED = registered(PROVIDER_ADDRESS, starts=-2 * DAY, lasts=DAY)
FUTURE = registered(PROVIDER_ADDRESS, starts=DAY)
MISNAMED = registered(OTHER_ADDRESS)


@pytest.mark.parametrize("case", IMPOSTORS)
async def test_an_impostor_is_refused_before_a_byte_is_sent(case: str, tmp_path: Path) -> None:
    shown, on_chain = IMPOSTORS[case]
    async with Server(reply(200, {}), tls=shown.server_context(tmp_path)) as server:
        with pytest.raises(UntrustedProvider, match="Nothing was sent"):
            await trust(server, [known(*on_chain)])
    assert not server.requests


@pytest.mark.parametrize(
    ("shown", "why"), [(EXPIRED, "expired"), (FUTURE, "not valid yet"), (MISNAMED, "another Akash account")]
)
async def test_a_registered_certificate_must_be_current_and_the_providers(
    shown: Shown, why: str, tmp_path: Path
) -> None:
    async with Server(reply(200, {}), tls=shown.server_context(tmp_path)) as server:
        with pytest.raises(UntrustedProvider, match=why):
            await trust(server, [known(shown)])
    assert not server.requests


@pytest.mark.parametrize(("days", "says"), [(-3, "3 days behind"), (400, "400 days ahead of")])
async def test_a_clock_that_is_off_is_told_with_how_far(days: int, says: str, tmp_path: Path) -> None:
    shown = registered(PROVIDER_ADDRESS)
    dated = reply(200, listed(shown.listed()), date=formatdate(usegmt=True))
    async with Server(reply(200, {}), tls=shown.server_context(tmp_path)) as server:
        with pytest.raises(UntrustedProvider, match=f"This machine's clock is {says} the chain's"):
            await trust(server, [dated], now=time.time() + days * 86400)


async def test_a_clock_that_is_seconds_off_is_no_matter(tmp_path: Path) -> None:
    shown = registered(PROVIDER_ADDRESS, starts=timedelta(hours=-1))
    async with Server(reply(200, {}), tls=shown.server_context(tmp_path)) as server:
        assert await trust(server, [known(shown)], now=time.time() - 5)


@pytest.mark.parametrize("shown", [EXPIRED, FUTURE])
async def test_a_pinned_context_judges_dates_by_itself_too(shown: Shown, tmp_path: Path) -> None:
    async with Server(known(shown)) as node:
        pins = await chain(node).certificates(PROVIDER_ADDRESS)
    async with Server(reply(200, {}), tls=shown.server_context(tmp_path)) as server:
        trusted = VerifiedEndpoint("127.0.0.1", "127.0.0.1", server.port, pinned_context(pins))
        with pytest.raises(Unreachable, match="not trusted"):
            await fetch(trusted)
    assert not server.requests


@pytest.mark.parametrize("public", [True, False])
async def test_older_tls_is_refused(public: bool, tmp_path: Path) -> None:
    root = authority()
    shown = issued(root, "127.0.0.1") if public else registered(PROVIDER_ADDRESS)
    old = shown.server_context(tmp_path, newest=ssl.TLSVersion.TLSv1_2)
    async with Server(reply(200, {}), tls=old) as server:
        with pytest.raises((UntrustedProvider, Unreachable), match=r"TLS 1\.3 handshake"):
            await trust(server, [known(shown)], public=trusting(root))
    assert not server.requests


async def test_a_public_certificate_for_the_host_needs_no_chain(tmp_path: Path) -> None:
    root = authority()
    shown = issued(root, "127.0.0.1")
    async with Server(reply(200, {}), tls=shown.server_context(tmp_path)) as server:
        trusted = await trust(server, [reply(500, "")], public=trusting(root))
        assert await fetch(trusted) == 200


async def test_a_public_certificate_for_another_host_is_refused(tmp_path: Path) -> None:
    root = authority()
    shown = issued(root, "provider.example")
    async with Server(reply(200, {}), tls=shown.server_context(tmp_path)) as server:
        with pytest.raises(UntrustedProvider):
            await trust(server, [known(registered(PROVIDER_ADDRESS))], public=trusting(root))
    assert not server.requests


async def test_a_certificate_that_was_just_replaced_is_found_on_a_second_look(tmp_path: Path) -> None:
    shown = registered(PROVIDER_ADDRESS)
    async with Server(reply(200, {}), tls=shown.server_context(tmp_path)) as server:
        trusted = await trust(server, [known(registered(PROVIDER_ADDRESS)), known(shown)])
        assert await fetch(trusted) == 200


async def test_the_proof_holds_for_every_later_connection(tmp_path: Path) -> None:
    shown = registered(PROVIDER_ADDRESS)
    async with Server(reply(200, {}), tls=shown.server_context(tmp_path)) as server:
        trusted = await trust(server, [known(shown)])
        port = server.port
    swapped = registered(PROVIDER_ADDRESS).server_context(tmp_path)
    async with Server(reply(200, {}), tls=swapped) as impostor:
        moved = VerifiedEndpoint(trusted.host, trusted.address, impostor.port, trusted.context)
        with pytest.raises(Unreachable, match="not trusted"):
            await fetch(moved)
    assert port
    assert not impostor.requests


async def test_nothing_listening_is_unreachable_and_not_untrusted() -> None:
    endpoint = await resolve(f"https://127.0.0.1:{closed_port()}", LOOPBACK)
    async with Server(known()) as node:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1"):
            await identify(PROVIDER_ADDRESS, endpoint, chain(node), clock=time.time, public=public_context())


async def test_a_server_that_speaks_no_tls_is_refused() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        endpoint = await resolve(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", LOOPBACK)
        async with Server(known(registered(PROVIDER_ADDRESS))) as node:
            with pytest.raises(UntrustedProvider):
                await identify(
                    PROVIDER_ADDRESS, endpoint, chain(node), clock=time.time, public=public_context()
                )


def asks_for(names: list[str | None], folder: Path, public: Shown, registered: Shown) -> ssl.SSLContext:
    """A gateway with two certificates: the public one for who asks for exactly its host name."""
    context, other = registered.server_context(folder), public.server_context(folder)

    def choose(socket: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        names.append(name)
        if name == "localhost":
            socket.context = other

    context.sni_callback = choose
    return context


async def test_the_name_that_is_asked_for_decides_which_certificate_is_judged(tmp_path: Path) -> None:
    names: list[str | None] = []
    root, shown = authority(), registered(PROVIDER_ADDRESS)
    tls = asks_for(names, tmp_path, issued(root, "localhost"), shown)
    async with Server(reply(200, {}), tls=tls) as server:
        trusted = await trust(server, [reply(500, "")], public=trusting(root), host="localhost")
        assert await fetch(trusted) == 200
        assert set(names) == {"localhost"}
        names.clear()
        trusted = await trust(server, [known(shown)], public=trusting(authority()), host="localhost")
        assert await fetch(trusted) == 200
        assert names == ["localhost", "mtls.localhost", "mtls.localhost"]


async def test_an_address_is_asked_for_by_no_name(tmp_path: Path) -> None:
    names: list[str | None] = []
    shown = registered(PROVIDER_ADDRESS)
    async with Server(reply(200, {}), tls=asks_for(names, tmp_path, shown, shown)) as server:
        assert await fetch(await trust(server, [known(shown)])) == 200
    assert set(names) == {None}
