"""Which certificate a gateway shows to whom, and which client certificates it takes."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from provider_world import World, a_world, account, present, service
from websockets.exceptions import InvalidMessage

from akash_mcp.sandbox.certificates import IssuedCertificate, issue
from akash_mcp.sandbox.chain import Certificate

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as world:
        yield world


@pytest.fixture
async def public_world() -> AsyncIterator[World]:
    async with a_world(is_public=True) as world:
        yield world


def port(world: World) -> int:
    return int(world.url.rpartition(":")[2])


async def shown_to(world: World, name: str | None) -> bytes:
    """The certificate, in DER, that a client gets to see which asks for `name`."""
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname = False
    anyone.verify_mode = ssl.CERT_NONE
    stream = await anyio.connect_tcp("127.0.0.1", port(world))
    async with await anyio.streams.tls.TLSStream.wrap(
        stream, hostname=name, ssl_context=anyone, server_side=False, standard_compatible=False
    ) as secured:
        shown = secured.extra(anyio.streams.tls.TLSAttribute.peer_certificate_binary)
        assert shown is not None
        return shown


def der(pem: bytes) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pem.decode())


async def status(
    world: World,
    tls: ssl.SSLContext,
    *,
    sni: str = "mtls.localhost",
    path: str = "/lease/1/1/1/status",
    **headers: str,
) -> httpx2.Response:
    """One request over a connection of its own."""
    async with httpx2.AsyncClient(verify=tls, trust_env=False) as client:
        return await client.get(world.url + path, headers=headers, extensions={"sni_hostname": sni})


# Two leaves by name.


async def test_a_public_certificate_is_for_exactly_the_public_hostname(public_world: World) -> None:
    trusting = ssl.create_default_context(cadata=public_world.authority.pem.decode())
    response = await status(public_world, trusting, sni="localhost", path="/address")
    assert response.json() == {"address": public_world.provider.owner}


@pytest.mark.parametrize("name", ["mtls.localhost", "other.example", "localhost.example", None])
async def test_everybody_else_sees_the_certificate_on_chain(public_world: World, name: str | None) -> None:
    assert await shown_to(public_world, name) == der(public_world.gateway.certificate.pem)
    assert await shown_to(public_world, "localhost") != der(public_world.gateway.certificate.pem)


@pytest.mark.parametrize("name", ["localhost", "mtls.localhost", None])
async def test_without_a_public_certificate_everybody_sees_the_one_on_chain(
    world: World, name: str | None
) -> None:
    assert await shown_to(world, name) == der(world.gateway.certificate.pem)


async def test_a_token_is_good_with_either_certificate(public_world: World) -> None:
    lease = await public_world.deploy(service())
    trusting = ssl.create_default_context(cadata=public_world.authority.pem.decode())
    auth = public_world.auth()
    for tls, sni in ((trusting, "localhost"), (public_world.pinned(), "mtls.localhost")):
        assert (await status(public_world, tls, sni=sni, path=f"{lease}/status", **auth)).status_code == 200


async def test_the_certificate_of_an_authority_is_valid_under_strict_rules(public_world: World) -> None:
    strict = ssl.create_default_context(cadata=public_world.authority.pem.decode())
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    assert (await status(public_world, strict, sni="localhost", path="/version")).status_code == 200


# Client certificates.


async def test_a_client_certificate_opens_everything_of_its_account(world: World, tmp_path: Path) -> None:
    lease = await world.deploy(service())
    tls = present(world.pinned(), world.issue_client(), tmp_path)
    for path in ("status", "manifest", "service/web/status"):
        assert (await status(world, tls, path=f"{lease}/{path}")).status_code == 200
    world.tls = tls
    async with world.socket(f"{lease}/kubeevents", additional_headers={}) as events:
        assert "Pulled" in "".join([str(message) async for message in events])


async def test_a_client_certificate_opens_nothing_of_another_account(world: World, tmp_path: Path) -> None:
    lease, stranger = await world.deploy(service()), account()
    tls = present(world.pinned(), world.issue_client(stranger.address), tmp_path)
    response = await status(world, tls, path=f"{lease}/status")
    assert (response.status_code, response.text) == (404, "")


async def test_a_certificate_and_a_token_are_one_too_many(world: World, tmp_path: Path) -> None:
    tls = present(world.pinned(), world.issue_client(), tmp_path)
    message = "auth: ambiguous authentication. may not use mTLS and JWT at the same time"
    for path in ("/lease/1/1/1/status", "/status"):
        response = await status(world, tls, path=path, **world.auth())
        assert (response.status_code, response.json()) == (400, {"message": message})
    malformed = await status(world, tls, Authorization="Basic x")
    assert malformed.json() == {"message": "invalid authorization header"}


async def test_a_public_certificate_never_asks_for_a_client_certificate(
    public_world: World, tmp_path: Path
) -> None:
    trusting = ssl.create_default_context(cadata=public_world.authority.pem.decode())
    tls = present(trusting, public_world.issue_client(), tmp_path)
    response = await status(public_world, tls, sni="localhost")
    assert (response.status_code, response.text) == (401, '{"message":"unauthorized access"}')
    pinned = present(public_world.pinned(), public_world.issue_client(), tmp_path)
    assert (await status(public_world, pinned)).status_code == 404


async def test_a_connection_without_a_client_certificate_is_anonymous(world: World) -> None:
    assert (await status(world, world.pinned())).status_code == 401


def unregistered(world: World) -> IssuedCertificate:
    return issue(world.account.address, hosts=[], now=world.wall())


def revoked(world: World) -> IssuedCertificate:
    issued = world.issue_client()
    world.chain.certificates[-1].state = "revoked"
    return issued


def same_serial(world: World) -> IssuedCertificate:
    serial = int(world.issue_client().serial)
    return issue(world.account.address, hosts=[], now=world.wall(), serial=serial)


def odd(world: World, *, subject: str, issuer: str, usage: x509.ObjectIdentifier) -> IssuedCertificate:
    """A certificate that no account tool makes, put on chain all the same."""
    key = ec.generate_private_key(ec.SECP256R1())
    template = x509.load_pem_x509_certificate(world.issue_client().pem)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(template.serial_number + 1)
        .not_valid_before(template.not_valid_before_utc)
        .not_valid_after(template.not_valid_after_utc)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    serial = str(certificate.serial_number)
    world.chain.certificates.append(Certificate(subject, serial, pem, public))
    return IssuedCertificate(serial, pem, secret, public)


def of_two_names(world: World) -> IssuedCertificate:
    owner = world.account.address
    return odd(world, subject=owner, issuer=world.provider.owner, usage=ExtendedKeyUsageOID.CLIENT_AUTH)


def of_no_account(world: World) -> IssuedCertificate:
    return odd(world, subject="me", issuer="me", usage=ExtendedKeyUsageOID.CLIENT_AUTH)


def for_servers(world: World) -> IssuedCertificate:
    owner = world.account.address
    return odd(world, subject=owner, issuer=owner, usage=ExtendedKeyUsageOID.SERVER_AUTH)


def expired(world: World) -> IssuedCertificate:
    return world.issue_client(age=2 * 86400, days=1)


def not_yet_valid(world: World) -> IssuedCertificate:
    return world.issue_client(age=-86400)


REFUSED = [
    unregistered,
    revoked,
    same_serial,
    of_two_names,
    of_no_account,
    for_servers,
    expired,
    not_yet_valid,
]


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
async def test_an_unacceptable_client_certificate_ends_in_an_alert(
    world: World, tmp_path: Path, make: object
) -> None:
    assert callable(make)
    tls = present(world.pinned(), make(world), tmp_path)
    # Under TLS 1.3 a client hears of it only when it reads, and httpx2 lets that error through as it is.
    with pytest.raises(ssl.SSLError, match="ALERT"):
        await status(world, tls, path="/version")


async def test_a_websocket_sees_no_answer_where_its_certificate_is_refused(
    world: World, tmp_path: Path
) -> None:
    world.tls = present(world.pinned(), unregistered(world), tmp_path)
    with pytest.raises((InvalidMessage, ssl.SSLError)):
        await world.socket("/lease/1/1/1/logs", additional_headers={})


async def test_more_than_one_certificate_is_refused(world: World, tmp_path: Path) -> None:
    first, second = world.issue_client(), issue(world.provider.owner, hosts=[], now=world.wall())
    both = IssuedCertificate(first.serial, first.pem + second.pem, first.key_pem, first.pubkey_pem)
    with pytest.raises(httpx2.TransportError):
        await status(world, present(world.pinned(), both, tmp_path))


async def test_a_certificate_that_was_once_taken_is_taken_after_it_was_revoked(
    world: World, tmp_path: Path
) -> None:
    tls = present(world.pinned(), world.issue_client(), tmp_path)
    assert (await status(world, tls)).status_code == 404
    world.chain.certificates[-1].state = "revoked"
    await world.gateway.unplug()
    await world.gateway.start()
    assert (await status(world, tls)).status_code == 404


# Connections that do not come about, or do not end well.


async def test_a_hanging_handshake_is_ended_and_delays_nobody() -> None:
    async with (
        a_world(handshake_seconds=0.2) as world,
        await anyio.connect_tcp("127.0.0.1", port(world)) as silent,
    ):
        assert (await world.get("/version", headers={})).status_code == 200
        with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
            await silent.receive()


async def test_plain_http_is_told_that_this_is_https(world: World) -> None:
    async with await anyio.connect_tcp("127.0.0.1", port(world)) as stream:
        await stream.send(b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"400 Bad Request" in await stream.receive()


async def test_bytes_that_are_not_tls_end_the_connection(world: World) -> None:
    async with await anyio.connect_tcp("127.0.0.1", port(world)) as stream:
        await stream.send(b"\x16\x03\x01\x00\x05hello")
        assert (await stream.receive())[:1] == b"\x15"  # an alert


async def test_stopping_cuts_open_connections_and_half_open_ones(world: World) -> None:
    lease = await world.deploy(service())
    async with (
        await anyio.connect_tcp("127.0.0.1", port(world)) as silent,
        world.socket(f"{lease}/logs?follow=1") as logs,
    ):
        await logs.recv()
        await world.gateway.stop()
        with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
            await silent.receive()


async def test_a_client_that_vanishes_in_the_handshake_leaves_nothing_behind(world: World) -> None:
    for _ in range(3):
        raw = socket.create_connection(("127.0.0.1", port(world)))
        raw.send(b"\x16\x03\x01")
        raw.close()
    await world.get("/version", headers={})
    serving = [task for task in asyncio.all_tasks() if "Listener._attend" in repr(task)]
    assert len(serving) == 1


async def test_a_large_body_goes_through_both_ways(world: World) -> None:
    huge = service(env=[f"A{number}={'x' * 1000}" for number in range(2000)])
    lease = await world.deploy(huge)
    (group,) = (await world.get(f"{lease}/manifest")).json()
    assert group["services"][0]["env"] == huge["env"]
