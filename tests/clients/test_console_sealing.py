"""Seals as the Console of autumn 2026 opens them, and what is sealed anew where its key was retired."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lying_proxy import lying_proxy
from scripted_console import CREATE

from akash_mcp.clients.console.client import ConsoleClient
from akash_mcp.clients.console.sealing import RsaKey, SealingContext, seal
from akash_mcp.clients.console.writer import ConsoleWriter
from akash_mcp.errors import ApiError, Refused
from akash_mcp.ids import Dseq
from akash_mcp.money import Usd
from akash_mcp.sandbox.network import EmbeddedNetwork

AUTUMN = pytest.mark.parametrize("generation", ["2026-11"])


def numbers(key: rsa.RSAPrivateKey) -> RsaKey:
    public = key.public_key().public_numbers()
    size = key.key_size // 8
    return RsaKey(kty="RSA", n=_text(public.n.to_bytes(size, "big")), e=_text(public.e.to_bytes(3, "big")))


def opened(sealed: str, key: rsa.RSAPrivateKey) -> tuple[dict[str, Any], dict[str, str]]:
    """Header and values, by RFC 7516 and with no library of ours."""
    header, wrapped, iv, content, tag = (_bytes(part) for part in sealed.split("."))
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    plain = AESGCM(key.decrypt(wrapped, oaep)).decrypt(iv, content + tag, sealed.split(".")[0].encode())
    return json.loads(header), json.loads(plain)


def test_a_seal_opens_with_the_key_and_says_for_whom_until_when_and_for_which_sdl() -> None:
    key = rsa.generate_private_key(65537, 2048)
    context = SealingContext(sub="me", kid="k1", jwk=numbers(key))
    values = {"A": 'x"\n\\é💥', "B": ""}
    header, found = opened(seal(context, values, now=1000.7, sdl="an é sdl"), key)
    assert found == values
    digest = _text(hashlib.sha256("an é sdl".encode()).digest())
    expected = {"alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": "k1", "sub": "me", "exp": 1300}
    assert header == {**expected, "sdlHash": digest}
    assert opened(seal(context, {}, now=1000), key) == (expected, {})


@pytest.mark.parametrize("jwk", [{"n": "AQ", "e": "AQAB"}, {"n": "@", "e": "AQAB"}])
def test_a_key_that_is_none_or_too_small_seals_nothing(jwk: dict[str, str]) -> None:
    context = SealingContext(sub="me", kid="k1", jwk=RsaKey(kty="RSA", **jwk))
    with pytest.raises(ValueError):  # noqa: PT011  of the library, in its own words
        seal(context, {"A": "x"}, now=0)


def test_a_key_of_1024_bits_is_too_small() -> None:
    key = rsa.generate_private_key(65537, 1024)
    with pytest.raises(ValueError, match="too small"):
        seal(SealingContext(sub="me", kid="k1", jwk=numbers(key)), {"A": "x"}, now=0)


@AUTUMN
@pytest.mark.anyio
async def test_a_key_that_was_retired_is_sealed_to_anew_once(
    network: EmbeddedNetwork, with_secret: str
) -> None:
    async with ConsoleClient(network.console_url, network.api_key) as console:
        writer = ConsoleWriter(console)
        await network.inject("seal-key-retired", count=1)
        made = await writer.create_deployment(
            with_secret, Usd(1), name="op_1", runtime_limit_hours=1, secrets={"DB": "the value"}
        )
        assert "the value" not in made.manifest
        assert len(network.chain.deployments) == 1
        await network.inject("seal-key-retired", count=2)
        with pytest.raises(ApiError, match="409"):
            await writer.create_deployment(
                with_secret, Usd(1), name="op_2", runtime_limit_hours=1, secrets={"DB": "the value"}
            )
        assert len(network.chain.deployments) == 1
        await network.inject("key-service-down", count=10)
        with pytest.raises(ApiError, match="503"):
            await writer.create_deployment(
                with_secret, Usd(1), name="op_3", runtime_limit_hours=1, secrets={"DB": "the value"}
            )
        assert len(network.chain.deployments) == 1


@AUTUMN
@pytest.mark.anyio
@pytest.mark.parametrize("body", [{"message": "No"}, {"code": "something_new", "message": "No"}])
async def test_another_conflict_is_no_reason_to_create_a_second_time(
    body: dict[str, str], network: EmbeddedNetwork, with_secret: str
) -> None:
    async with lying_proxy(network.console_url) as proxy:
        proxy.refuse(CREATE, 409, body, times=9)
        async with ConsoleClient(proxy.url, network.api_key) as console:
            with pytest.raises(ApiError, match="409"):
                await ConsoleWriter(console).create_deployment(
                    with_secret, Usd(1), name="op_1", runtime_limit_hours=1, secrets={"DB": "the value"}
                )
        assert [sent.route for sent in proxy.requests].count(CREATE) == 1


@AUTUMN
@pytest.mark.anyio
async def test_secrets_of_a_deployment_without_a_stored_sdl_are_not_sent_in_the_clear(
    network: EmbeddedNetwork, with_secret: str
) -> None:
    async with ConsoleClient(network.console_url, network.api_key) as console:
        writer = ConsoleWriter(console)
        await network.inject("definition-missing", count=1)
        made = await writer.create_deployment(
            with_secret, Usd(1), name="op_1", runtime_limit_hours=1, secrets={"DB": "the value"}
        )
        with pytest.raises(Refused, match="cannot be sent sealed"):
            await writer.update_deployment(Dseq(made.dseq), with_secret, secrets={"DB": "the value"})
        # It can be given one, for what runs.
        with pytest.raises(ApiError, match="422"):
            await writer.define_deployment(made.dseq, with_secret, {"DB": "another value"})
        await writer.define_deployment(made.dseq, with_secret, {"DB": "the value"})
        [deployment] = network.chain.deployments.values()
        version = base64.b64encode(deployment.version).decode()
        patched = await writer.patch_deployment(made.dseq, {}, version, {"DB": "a newer value"})
        assert patched == base64.b64encode(deployment.version).decode() != version


@pytest.fixture
def with_secret(sdl: str) -> str:
    return sdl.replace("    expose:", "    env:\n      - PASSWORD=secret://DB\n    expose:", 1)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
