"""Secrets of the Console of autumn 2026: sealed by who sends them, or by Console, and shown by nobody."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from autumn_world import create, lease, patch, with_env
from console_world import World, new_world, sdl
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

pytestmark = pytest.mark.anyio

PLAIN = with_env("TOKEN=hush", "MODE=fast")
REFERRING = with_env("TOKEN=ac-secret://TOKEN", "MODE=fast")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world("2026-11") as fresh:
        yield fresh


async def seal(world: World, secrets: object, *, bound_to: str | None = None, **header: Any) -> str:
    """A compact JWE to the Console's key, as RFC 7516 has it. `header` overrides what is right."""
    context = (await world.http.get("/v1/sdl-secrets-context")).json()["data"]
    key = rsa.RSAPublicNumbers(*(_number(context["jwk"][name]) for name in ("e", "n"))).public_key()
    protected: dict[str, Any] = {
        "alg": "RSA-OAEP-256",
        "enc": "A256GCM",
        "kid": context["kid"],
        "sub": context["sub"],
        "exp": int(world.network.clock.wall()) + 300,
    }
    if bound_to is not None:
        protected["sdlHash"] = _text(hashlib.sha256(bound_to.encode()).digest())
    first = _text(json.dumps({**protected, **header}).encode())
    content_key, iv = os.urandom(32), os.urandom(12)
    wrapped = key.encrypt(content_key, padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
    sealed = AESGCM(content_key).encrypt(iv, json.dumps(secrets).encode(), first.encode())
    return ".".join((first, *map(_text, (wrapped, iv, sealed[:-16], sealed[-16:]))))


async def post(world: World, **data: Any) -> httpx2.Response:
    return await world.http.post("/v1/deployments", json={"data": data})


async def stored(world: World, dseq: str) -> str:
    text: str = (await world.get(dseq))["consoleSettings"]["sdl"]
    return text


async def runs(world: World, dseq: str, text: str) -> bool:
    """Whether what is on chain is the manifest of this SDL."""
    other = await create(world, sdl=text)
    return bool(world.truth(other).version == world.truth(dseq).version)


async def test_without_a_seal_every_value_is_sealed_and_the_container_gets_it(world: World) -> None:
    dseq = await create(world, sdl=PLAIN)
    kept = await stored(world, dseq)
    assert "hush" not in kept
    assert "fast" not in kept
    assert kept.count("ac-secret://") == 2
    assert await runs(world, dseq, PLAIN)
    assert (await lease(world, dseq)).status_code == 200


async def test_credentials_of_a_registry_are_sealed_in_any_case(world: World) -> None:
    held = "    credentials: {host: ghcr.io, username: me, password: hushhush}\n    expose:\n"
    text = sdl().replace("    expose:\n", held, 1)
    for data in ({"sdl": text}, {"sdl": text, "sealedSecrets": await seal(world, {})}):
        kept = await stored(world, await create(world, **data))
        assert "hushhush" not in kept
        assert "ac-secret://s0_password" in kept


async def test_with_a_seal_what_refers_to_no_secret_stays_readable(world: World) -> None:
    sealed = await seal(world, {"TOKEN": "hush"}, bound_to=REFERRING)
    response = await post(world, sdl=REFERRING, sealedSecrets=sealed)
    assert response.status_code == 201, response.text
    made = response.json()["data"]
    assert "hush" not in made["manifest"]
    kept = await stored(world, made["dseq"])
    assert ("MODE=fast" in kept, "TOKEN=ac-secret://TOKEN" in kept, "hush" in kept) == (True, True, False)
    assert await runs(world, made["dseq"], PLAIN)


async def test_a_patch_of_one_variable_resends_none_of_the_others(world: World) -> None:
    dseq = await create(world, sdl=PLAIN)
    assert (await patch(world, dseq, services={"web": {"env": {"MODE": "slow"}}})).status_code == 200
    assert "slow" not in await stored(world, dseq)
    assert await runs(world, dseq, with_env("TOKEN=hush", "MODE=slow"))


async def test_a_seal_of_nothing_makes_a_patch_write_plain_variables(world: World) -> None:
    dseq = await create(world, sdl=PLAIN)
    change = {"services": {"web": {"env": {"MODE": "slow"}}}, "sealedSecrets": await seal(world, {})}
    assert (await patch(world, dseq, **change)).status_code == 200
    assert "MODE=slow" in await stored(world, dseq)


async def test_a_patch_can_bring_another_value_for_a_name(world: World) -> None:
    sealed = await seal(world, {"TOKEN": "hush"})
    dseq = await create(world, sdl=REFERRING, sealedSecrets=sealed)
    response = await patch(world, dseq, sealedSecrets=await seal(world, {"TOKEN": "new"}))
    assert response.status_code == 200, response.text
    assert await runs(world, dseq, with_env("TOKEN=new", "MODE=fast"))
    stray = await patch(world, dseq, sealedSecrets=await seal(world, {"OTHER": "x"}))
    assert stray.status_code == 400
    bound = await patch(world, dseq, sealedSecrets=await seal(world, {"TOKEN": "x"}, bound_to="other"))
    assert bound.status_code == 403


async def test_secrets_are_inherited_from_a_closed_deployment_too(world: World) -> None:
    source = await create(world, sdl=PLAIN)
    text = await stored(world, source)
    await world.http.delete(f"/v1/deployments/{source}")
    response = await post(world, sdl=text, inheritSecretsFrom=source)
    assert response.status_code == 201, response.text
    assert world.truth(response.json()["data"]["dseq"]).version == world.truth(source).version


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ({"kid": "sdl-secrets.v0"}, 409),
        ({"sub": "somebody"}, 403),
        ({"exp": 1}, 400),
        ({"exp": 9_999_999_999}, 400),
        ({"exp": "soon"}, 400),
        ({"alg": "RSA-OAEP"}, 400),
        ({"enc": "A128GCM"}, 400),
        ({"sdlHash": "x"}, 403),
    ],
)
async def test_a_seal_that_is_not_right_is_refused_and_creates_nothing(
    world: World, header: dict[str, Any], status: int
) -> None:
    sealed = await seal(world, {"TOKEN": "hush"}, **header)
    assert (await post(world, sdl=REFERRING, sealedSecrets=sealed)).status_code == status
    assert world.network.chain.transactions == []


@pytest.mark.parametrize("secrets", [{}, {"TOKEN": "x", "OTHER": "y"}, {"TOKEN": 1}, ["TOKEN"], {"1": "x"}])
async def test_names_and_references_must_agree(world: World, secrets: object) -> None:
    sealed = await seal(world, secrets)
    assert (await post(world, sdl=REFERRING, sealedSecrets=sealed)).status_code == 400


async def test_a_seal_that_was_tampered_with_is_400(world: World) -> None:
    parts = (await seal(world, {"TOKEN": "hush"})).split(".")
    for broken in ([*parts[:3], "AAAA", parts[4]], parts[:4], ["", *parts[1:]]):
        sealed = ".".join(broken)
        assert (await post(world, sdl=REFERRING, sealedSecrets=sealed)).status_code == 400


@pytest.mark.parametrize("value", ["ac-secret://1", "ac-secret://", "ac-other", "ac-secret://A B"])
async def test_values_that_begin_like_a_reference_and_are_none_are_refused(world: World, value: str) -> None:
    assert (await post(world, sdl=with_env(f"TOKEN={value}"))).status_code == 400


async def test_the_key_service_can_be_away_and_a_key_retired(world: World) -> None:
    sealed = await seal(world, {"TOKEN": "hush"})
    await world.network.inject("key-service-down", count=2)
    assert (await world.http.get("/v1/sdl-secrets-context")).status_code == 503
    assert (await post(world, sdl=REFERRING, sealedSecrets=sealed)).status_code == 503
    await world.network.inject("seal-key-retired", count=1)
    retired = await post(world, sdl=REFERRING, sealedSecrets=sealed)
    assert (retired.status_code, retired.json()["message"]) == (409, "The sealing key is no longer current")
    assert (await post(world, sdl=REFERRING, sealedSecrets=sealed)).status_code == 201


async def test_a_definition_that_is_too_long_to_store_is_refused(world: World) -> None:
    lines = [f"V{n}={'x' * 40}" for n in range(4000)]
    response = await post(world, sdl=with_env(*lines))
    assert response.status_code == 400


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")
