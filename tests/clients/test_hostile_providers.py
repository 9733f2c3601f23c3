"""Providers that lie, hang, flood or break. What becomes of each is a row of docs/providers.md.

The servers count: one that did not prove who it is gets no byte inside TLS, and none of a token anywhere.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
import tracemalloc
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hostile_servers import (
    LEASE,
    STATUS,
    TOKEN,
    Behaviour,
    answers,
    believing,
    body,
    bomb,
    frame,
    hangs_up,
    hostile,
    listens,
    log_frame,
    speaks_plainly,
    streams,
)
from provider_certificates import Shown, authority, issued, registered, trusting
from test_console_models import PROVIDER_ADDRESS

from akash_mcp.clients.provider import client as provider
from akash_mcp.clients.provider import identity
from akash_mcp.clients.provider import stream as provider_stream
from akash_mcp.clients.retries import Deadline
from akash_mcp.errors import AkashError, Interrupted, ProviderError, Unreachable, UntrustedProvider

pytestmark = pytest.mark.anyio

PAGE = Path(__file__).parents[2] / "docs" / "providers.md"
OTHER_ADDRESS = "akash1qufa3xzrf34qvwyejkhvnc4psf49fftaw0asmh"
DAY = timedelta(days=1)
MIB = 2**20

GOOD = registered(PROVIDER_ADDRESS)
ROOT, UNKNOWN_ROOT = authority(), authority()
EXPIRED = registered(PROVIDER_ADDRESS, starts=-2 * DAY, lasts=DAY)
FUTURE = registered(PROVIDER_ADDRESS, starts=DAY)
FOR_CLIENTS = registered(PROVIDER_ADDRESS, serves=False)


@dataclass(frozen=True)
class Row:
    """One hostile server: what it does, and what becomes of it, as the table says."""

    outcome: str
    kind: type[AkashError]
    says: str
    behaviour: Behaviour = listens
    shown: Shown | None = GOOD
    on_chain: tuple[Shown, ...] = (GOOD,)
    revoked: tuple[Shown, ...] = ()
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    allow: str = "127.0.0.0/8"
    node_is_down: bool = False


REFUSED = {
    "shows the certificate of another account": Row(
        "refused: `anotherAccount`", UntrustedProvider, "anotherAccount", shown=registered(OTHER_ADDRESS)
    ),
    "shows a certificate of its own name, with another key": Row(
        "refused: `unknownCertificate`",
        UntrustedProvider,
        "not on the chain",
        shown=registered(PROVIDER_ADDRESS),
    ),
    "shows another certificate of its own name and number": Row(
        "refused: `fingerprintMismatch`",
        UntrustedProvider,
        "fingerprintMismatch",
        shown=registered(PROVIDER_ADDRESS, serial=GOOD.certificate.serial_number),
    ),
    "shows a certificate whose name is not an address": Row(
        "refused: `CommonNameIsNotBech32`",
        UntrustedProvider,
        "CommonNameIsNotBech32",
        shown=registered("provider"),
    ),
    "shows its certificate after it was revoked": Row(
        "refused: `revoked`", UntrustedProvider, "was revoked", on_chain=(), revoked=(GOOD,)
    ),
    "shows its certificate after it expired": Row(
        "refused: `expired`", UntrustedProvider, "expired", shown=EXPIRED, on_chain=(EXPIRED,)
    ),
    "shows its certificate before it is valid": Row(
        "refused: `validInFuture`", UntrustedProvider, "validInFuture", shown=FUTURE, on_chain=(FUTURE,)
    ),
    "shows a public authority's certificate for another host": Row(
        "refused: `notSelfSigned`", UntrustedProvider, "notSelfSigned", shown=issued(ROOT, "provider.example")
    ),
    "shows the certificate of an unknown authority": Row(
        "refused: `notSelfSigned`",
        UntrustedProvider,
        "notSelfSigned",
        shown=issued(UNKNOWN_ROOT, "127.0.0.1"),
    ),
    "shows its certificate from the chain, made for clients": Row(
        "refused: `unsuitableCertificate`",
        UntrustedProvider,
        "not made for servers",
        shown=FOR_CLIENTS,
        on_chain=(FOR_CLIENTS,),
    ),
    "shows its certificate while the chain does not answer": Row(
        "refused: not proven", UntrustedProvider, "cannot be looked up", node_is_down=True
    ),
    "speaks HTTP without TLS": Row(
        "refused: `noCertificate`", UntrustedProvider, "TLS 1.3", speaks_plainly, shown=None
    ),
    "speaks TLS 1.2 at most": Row("refused", AkashError, "TLS 1.3", newest=ssl.TLSVersion.TLSv1_2),
    "hangs before the handshake": Row(
        "left after 10 s", Unreachable, "no connection could be made", listens, shown=None
    ),
    "hangs up in the handshake": Row("left", Unreachable, "cannot be reached", hangs_up, shown=None),
    "has a private address": Row(
        "not connected to", UntrustedProvider, "not a public address", allow="10.0.0.0/8"
    ),
}


def tls_of(row: Row, folder: Path) -> ssl.SSLContext | None:
    return row.shown.server_context(folder, row.newest) if row.shown else None


async def ask(what: str, client: provider.ProviderClient) -> object:
    if what == "status":
        return await client.lease_status(LEASE)
    return [line async for line in client.logs(LEASE, services=["web"])]


@pytest.fixture(autouse=True)
def short_waits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who only hangs is not waited for as long as in earnest."""
    if "hangs" in request.node.name:
        monkeypatch.setattr(identity, "HANDSHAKE_SECONDS", 0.3)
        monkeypatch.setattr(provider_stream, "OPEN_SECONDS", 0.3)
        monkeypatch.setattr(provider, "STATUS_DEADLINE", Deadline(read=0.1, total=1))


@pytest.mark.parametrize("what", ["status", "logs"])
@pytest.mark.parametrize("name", REFUSED)
async def test_nothing_is_sent_to_who_does_not_prove_itself(name: str, what: str, tmp_path: Path) -> None:
    row = REFUSED[name]
    async with (
        hostile(row.behaviour, tls_of(row, tmp_path)) as (port, counts),
        believing(
            port,
            row.on_chain,
            revoked=row.revoked,
            allow=row.allow,
            public=trusting(ROOT),
            knows_certificates=not row.node_is_down,
        ) as now,
    ):
        with pytest.raises(row.kind, match=row.says) as caught:
            await ask(what, now.client)
        assert not now.console.requests, "not even a token was minted"
    assert "No money moved" in str(caught.value)
    if row.shown is not None:
        assert not counts.got
    assert b"eyJ" not in counts.got
    assert b"/lease/" not in counts.got


@dataclass(frozen=True)
class After:
    """What a server does that proved who it is. Without a `kind` it does no harm at all."""

    outcome: str
    behaviour: Behaviour
    kind: type[AkashError] | None = None
    says: str = ""
    asked: tuple[str, ...] = ("status",)


LOG = log_frame("x" * 1000)

AFTER = {
    "hangs after the handshake": After(
        "left when the deadline is over", listens, AkashError, "too long|opened no stream", ("status", "logs")
    ),
    "closes after the first byte": After(
        "an error", answers(b"H"), AkashError, "lost|opened no stream", ("status", "logs")
    ),
    "sends a header without end": After(
        "left at 100 KB",
        answers(b"HTTP/1.1 200 OK\r\nx: ", b"a" * 4096, forever=True),
        AkashError,
        "lost|opened no stream",
        ("status", "logs"),
    ),
    "sends headers without end": After(
        "left at 100 KB",
        answers(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n" * 500, forever=True),
        AkashError,
        "lost|opened no stream",
        ("status", "logs"),
    ),
    "sends a status without end": After(
        "left at 4 MiB",
        answers(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65536, forever=True),
        ProviderError,
        "larger than",
    ),
    "sends less than it says": After(
        "an error", answers(body(STATUS, length=500)), Interrupted, "not give a whole answer"
    ),
    "sends more than it says": After("the rest is not read", answers(body(STATUS) + b"x" * 65536)),
    "sends a compressed answer of 1 GiB": After(
        "left at 4 MiB", answers(bomb(2**30)), ProviderError, "larger than"
    ),
    "sends a status that is nested 100,000 deep": After(
        "an error", answers(body(b"[" * 100_000)), ProviderError, "cannot be read"
    ),
    "sends an error with control characters": After(
        "told on one line, without them",
        answers(b"HTTP/1.1 500 No\r\ncontent-length: 12\r\n\r\n\x1b[2J\r\nhe\x07\x00!!"),
        ProviderError,
        r"\(500:",
    ),
    "sends a log line without end": After(
        "left at 1 MiB",
        streams(frame(1, b"x" * 4096, final=False), frame(0, b"x" * 4096, final=False), forever=True),
        ProviderError,
        "over 1048576",
        ("logs",),
    ),
    "announces a log line of 1 TiB": After(
        "left at once",
        streams(b"\x81\x7f" + (2**40).to_bytes(8, "big"), LOG, forever=True),
        ProviderError,
        "over 1048576",
        ("logs",),
    ),
    "closes with control characters in the reason": After(
        "the code is told, the reason is not",
        streams(frame(8, (1008).to_bytes(2, "big") + "\x1b]52;c;eA==\x07\r\n\u202e ok".encode())),
        ProviderError,
        r"\(WebSocket code 1008\)\.",
        ("logs",),
    ),
    "sends frames that no WebSocket has": After(
        "an error", streams(b"\xff\xff\xff\xff"), ProviderError, "broke the WebSocket protocol", ("logs",)
    ),
}


@pytest.mark.parametrize(
    ("name", "what"), [(name, what) for name, row in AFTER.items() for what in row.asked]
)
async def test_a_proven_provider_can_do_no_harm(name: str, what: str, tmp_path: Path) -> None:
    row = AFTER[name]
    async with (
        hostile(row.behaviour, GOOD.server_context(tmp_path)) as (port, counts),
        believing(port, [GOOD]) as now,
    ):
        tracemalloc.start()
        try:
            if row.kind is None:
                await ask(what, now.client)
            else:
                with pytest.raises(row.kind, match=row.says) as caught:
                    await ask(what, now.client)
                assert str(caught.value).isprintable()
                assert TOKEN not in str(caught.value)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 24 * MIB
    assert counts.sent < 64 * MIB
    assert b"PUT" not in counts.got
    assert b"POST" not in counts.got


SCENES = {
    "replaces its certificate, and registers it": "found when the chain is asked once more",
    "replaces its certificate, and does not": "refused, and nothing more is sent",
    "had its certificate revoked while a log is followed": "the stream ends within 60 s",
    "replaces its certificate while a log is followed": "the stream ends within 60 s, and can be opened again",
    "redirects to another host": "an error; nothing connects there",
    "has a name that leads elsewhere later": "goes unnoticed for 60 s, then the new address is judged",
    "sends a log without end": "held back by TCP, and left when enough was read",
    "sends pings without end, and reads no answer": "left at 1 MiB",
}


@pytest.mark.parametrize("what", ["status", "logs"])
@pytest.mark.parametrize("registers", [True, False])
async def test_a_replaced_certificate(registers: bool, what: str, tmp_path: Path) -> None:
    tls, new = GOOD.server_context(tmp_path), registered(PROVIDER_ADDRESS)
    async with hostile(streams(LOG, hangs_up=True), tls) as (port, counts), believing(port, [GOOD]) as now:
        await ask("status", now.client)
        before = len(counts.got)
        tls.load_cert_chain(new.key_file(tmp_path))
        if registers:
            now.on_chain[:] = [new]
            await ask(what, now.client)
        else:
            with pytest.raises(UntrustedProvider, match="unknownCertificate"):
                await ask(what, now.client)
            assert len(counts.got) == before


@pytest.mark.parametrize(
    ("after", "kind", "says"),
    [
        ([], UntrustedProvider, "was revoked"),
        ([registered(PROVIDER_ADDRESS)], Interrupted, "replaced its certificate"),
    ],
)
async def test_a_stream_outlives_its_certificate_by_a_minute_at_most(
    after: list[Shown], kind: type[AkashError], says: str, tmp_path: Path
) -> None:
    tls = GOOD.server_context(tmp_path)
    async with (
        hostile(streams(LOG, forever=True), tls) as (port, _),
        believing(port, [GOOD]) as now,
        aclosing(now.client.logs(LEASE, services=["web"], follow=True)) as lines,
    ):
        await anext(lines)
        now.on_chain[:], now.revoked[:] = after, [GOOD]
        for new in after:
            tls.load_cert_chain(new.key_file(tmp_path))
        now.time.now += 59
        await anext(lines)
        now.time.now += 2
        with pytest.raises(kind, match=says):
            await anext(lines)


@pytest.mark.parametrize("what", ["status", "logs"])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_followed_by_nobody(status: int, what: str, tmp_path: Path) -> None:
    tls = GOOD.server_context(tmp_path)
    async with hostile(streams(LOG), tls) as (elsewhere, target):
        head = f"HTTP/1.1 {status} Moved\r\nlocation: https://127.0.0.1:{elsewhere}/\r\ncontent-length: 0\r\n\r\n"
        async with hostile(answers(head.encode()), tls) as (port, counts), believing(port, [GOOD]) as now:
            with pytest.raises(ProviderError, match=rf"failed \({status}"):
                await ask(what, now.client)
    assert counts.got.count(b"GET ") == 1
    assert not target.connections


@pytest.mark.parametrize(
    ("later", "says"), [("127.0.0.2", "unknownCertificate"), ("10.0.0.1", "not a public address")]
)
async def test_a_name_that_changes_its_mind(
    later: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up = ["127.0.0.1"]

    def getaddrinfo(host: str | bytes, port: int, *_: object, **__: object) -> list[Any]:
        address = looked_up[-1] if host == b"gateway.example" else host
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    impostor = registered(PROVIDER_ADDRESS).server_context(tmp_path)
    async with (
        hostile(streams(), GOOD.server_context(tmp_path)) as (port, counts),
        hostile(streams(), impostor, host="127.0.0.2", port=port) as (_, other),
        believing(port, [GOOD], host="gateway.example") as now,
    ):
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        await ask("status", now.client)
        looked_up.append(later)
        await ask("status", now.client)
        assert not other.connections
        assert counts.got.count(b"GET ") == 2
        now.time.now += 61
        with pytest.raises(UntrustedProvider, match=says):
            await ask("status", now.client)
    assert not other.got


async def test_a_stream_without_end_is_held_back_and_left(tmp_path: Path) -> None:
    tls = GOOD.server_context(tmp_path)
    async with hostile(streams(LOG, forever=True), tls) as (port, counts), believing(port, [GOOD]) as now:
        tracemalloc.start()
        async with aclosing(now.client.logs(LEASE, services=["web"], follow=True)) as lines:
            for _ in range(200):
                await anext(lines)
            await asyncio.sleep(0.1)  # for the server to send on while nobody reads
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert counts.sent < 16 * MIB
    assert most < 24 * MIB


async def test_a_flood_of_pings_is_not_answered_for_ever(tmp_path: Path) -> None:
    flood, tls = streams(frame(9, b"x" * 125) * 100, forever=True), GOOD.server_context(tmp_path)
    async with hostile(flood, tls, window=4096) as (port, counts), believing(port, [GOOD]) as now:
        with pytest.raises(Interrupted, match="silent"):
            await ask("logs", now.client)
    assert counts.sent < 64 * MIB


def table() -> str:
    judged = {name: row.outcome for rows in (REFUSED, AFTER) for name, row in rows.items()}
    rows = "\n".join(f"| {name} | {outcome} |" for name, outcome in (judged | SCENES).items())
    return f"| a provider that … | what becomes of it |\n|---|---|\n{rows}"


def test_every_row_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    if os.environ.get("UPDATE_SNAPSHOTS"):
        text = re.sub(r"(?s)(<!-- hostile -->\n).*?(\n<!-- end -->)", lambda m: m[1] + table() + m[2], text)
        PAGE.write_text(text, encoding="utf-8")
    assert table() in text
