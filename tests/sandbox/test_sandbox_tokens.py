from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jsonschema
import pytest
import shared_data
from cryptography.hazmat.primitives.asymmetric import ec
from provider_world import World, a_world

from akash_mcp.cli.main import main
from akash_mcp.ids import bech32_encode
from akash_mcp.sandbox.chain import Account
from akash_mcp.sandbox.grant_schema import problems_with_leases
from akash_mcp.sandbox.grants import SCOPES
from akash_mcp.sandbox.tokens import (
    Claims,
    NoRipemd160,
    TokenRefused,
    address_of,
    encode,
    is_signed_by,
    mint,
    verify,
)

KEY = ec.generate_private_key(ec.SECP256K1())
ACCOUNT = Account(address_of(KEY.public_key()), KEY, allowance_uact=0)
PROVIDER = "akash1qufa3xzrf34qvwyejkhvnc4psf49fftaw0asmh"
OTHER = ACCOUNT.address
NOW = 1_763_759_482.5
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

DEPLOYMENT = {"dseq": 7, "scope": ["logs"], "services": ["web"]}


def at(provider: str, **permission: Any) -> dict[str, Any]:
    return {"access": "granular", "permissions": [{"provider": provider, **permission}]}


def checked(token: str, *, now: float = NOW) -> Claims:
    keys = {ACCOUNT.address: KEY.public_key()}
    return verify(token, provider=PROVIDER, now=now, public_key_of=keys.get)


def claims(**changes: Any) -> dict[str, Any]:
    usual = {
        "iss": ACCOUNT.address,
        "iat": 1,
        "nbf": 1,
        "exp": 2**40,
        "version": "v1",
        "leases": {"access": "full"},
    }
    return {key: value for key, value in (usual | changes).items() if value is not ...}


def refusal(token: str) -> tuple[int, str]:
    with pytest.raises(TokenRefused) as refused:
        checked(token)
    return refused.value.status, refused.value.message


# The vectors of akash-network/chain-sdk.


@pytest.fixture(scope="module")
def wallet() -> ec.EllipticCurvePrivateKey:
    """The test mnemonic's first key: BIP-39 without a passphrase, BIP-32 at m/44'/118'/0'/0/0."""
    mnemonic = shared_data.require("jwt/test-mnemonic.txt").read_text().strip()
    seed = hashlib.pbkdf2_hmac("sha512", mnemonic.encode(), b"mnemonic", 2048)
    digest = hmac.digest(b"Bitcoin seed", seed, "sha512")
    secret, chain_code = int.from_bytes(digest[:32], "big"), digest[32:]
    for index, hardened in ((44, True), (118, True), (0, True), (0, False), (0, False)):
        key = ec.derive_private_key(secret, ec.SECP256K1()).public_key().public_numbers()
        point = bytes([2 + key.y % 2]) + key.x.to_bytes(32, "big")
        parent = b"\0" + secret.to_bytes(32, "big") if hardened else point
        data = parent + (index + (2**31 if hardened else 0)).to_bytes(4, "big")
        digest = hmac.digest(chain_code, data, "sha512")
        secret, chain_code = (int.from_bytes(digest[:32], "big") + secret) % ORDER, digest[32:]
    return ec.derive_private_key(secret, ec.SECP256K1())


def vectors(*, must_fail: bool) -> list[Any]:
    """Parameters of a test that needs the vectors: one for each, or one that skips where they are not here."""
    path = shared_data.find("jwt/cases_es256k.json")
    if path is None:
        return [pytest.param({}, marks=shared_data.needed)]
    cases = json.loads(path.read_text())
    return [pytest.param(c, id=c["description"]) for c in cases if c["mustFail"] == must_fail]


def test_the_mnemonics_address_is_the_known_one(wallet: ec.EllipticCurvePrivateKey) -> None:
    assert address_of(wallet.public_key()) == "akash1qufa3xzrf34qvwyejkhvnc4psf49fftaw0asmh"


@pytest.mark.parametrize("case", vectors(must_fail=False))
def test_a_good_vector_is_accepted_and_made_again_byte_for_byte(
    case: dict[str, Any], wallet: ec.EllipticCurvePrivateKey
) -> None:
    token = case["tokenString"]
    assert is_signed_by(token, wallet.public_key())
    header, payload, _ = token.split(".")
    body = json.loads(base64.urlsafe_b64decode(payload + "=="))
    algorithm = json.loads(base64.urlsafe_b64decode(header + "=="))["alg"]
    assert encode(body, wallet, algorithm=algorithm) == token


@pytest.mark.parametrize("case", vectors(must_fail=True))
def test_a_bad_vector_is_refused(case: dict[str, Any], wallet: ec.EllipticCurvePrivateKey) -> None:
    assert not is_signed_by(case["tokenString"], wallet.public_key())


# Signatures and forms: all of them are 401 `JWT is invalid`.


@pytest.mark.parametrize("algorithm", ["ES256K", "ES256KADR36"])
def test_both_algorithms_are_taken(algorithm: str) -> None:
    assert checked(encode(claims(), KEY, algorithm=algorithm)).issuer == ACCOUNT.address


def test_somebody_elses_signature_is_refused() -> None:
    stranger = ec.generate_private_key(ec.SECP256K1())
    assert refusal(encode(claims(), stranger, algorithm="ES256K")) == (401, "JWT is invalid")


def test_a_signature_with_a_high_s_is_refused() -> None:
    text, _, signature = encode(claims(), KEY, algorithm="ES256K").rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    high = raw[:32] + (ORDER - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    assert refusal(f"{text}.{base64.urlsafe_b64encode(high).decode().rstrip('=')}") == (401, "JWT is invalid")


@pytest.mark.parametrize(
    "token", ["", "a", "a.b", "a.b.c", "..", "a.b.c.d", "é.é.é", "e30.e30.e30", "W10.W10."]
)
def test_text_that_is_not_a_token_is_refused(token: str) -> None:
    assert refusal(token) == (401, "JWT is invalid")


def test_padding_is_refused() -> None:
    assert refusal(encode(claims(), KEY, algorithm="ES256K") + "=") == (401, "JWT is invalid")


def test_an_unknown_issuer_is_refused() -> None:
    assert refusal(encode(claims(iss=PROVIDER), KEY, algorithm="ES256K")) == (401, "JWT is invalid")


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "me"},
        {"iss": 5},
        {"version": 1},
        {"exp": True},
        {"exp": "soon"},
        {"leases": []},
        {"leases": {"access": 1}},
        {"leases": {"access": "scoped", "scope": "logs"}},
        {"leases": at(PROVIDER, access="granular", deployments=[DEPLOYMENT | {"dseq": "7"}])},
    ],
)
def test_claims_of_wrong_types_are_refused(changes: dict[str, Any]) -> None:
    assert refusal(encode(claims(**changes), KEY, algorithm="ES256K")) == (401, "JWT is invalid")


# Claims that can be read and do not hold: 400, and that includes an expired token.


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": NOW},
        {"exp": NOW - 1},
        {"nbf": NOW + 0.1},
        {"exp": ...},
        {"nbf": ...},
        {"iat": ...},
        {"version": "v2"},
        {"version": ...},
        {"leases": ...},
        {"leases": {"access": "some"}},
        {"leases": {"access": "full", "scope": ["logs"]}},
        {"leases": {"access": "scoped"}},
        {"leases": {"access": "scoped", "scope": ["logs", "logs"]}},
        {"leases": {"access": "scoped", "scope": ["logs", "attestation"]}},
        {"leases": {"access": "granular"}},
        {"leases": {"access": "granular", "permissions": [{"access": "full"}]}},
        {"leases": {"access": "granular", "permissions": [{"provider": PROVIDER, "access": "full"}] * 2}},
        {"leases": at(PROVIDER, access="full", scope=["logs"])},
        {"leases": at(PROVIDER, access="granular")},
        {"leases": at(PROVIDER, access="granular", deployments=[DEPLOYMENT | {"services": []}])},
        {"leases": at(PROVIDER, access="granular", deployments=[DEPLOYMENT | {"oseq": 1}])},
        {"leases": at(PROVIDER, access="granular", deployments=[DEPLOYMENT | {"dseq": 0}])},
    ],
)
def test_claims_that_do_not_hold_are_400(changes: dict[str, Any]) -> None:
    assert refusal(encode(claims(**changes), KEY, algorithm="ES256K")) == (400, "JWT has invalid claims")


@pytest.mark.parametrize("changes", [{"iat": 2**41}, {"exp": str(2**40)}, {"jti": "x", "extra": 1}])
def test_claims_that_providers_ignore(changes: dict[str, Any]) -> None:
    assert checked(encode(claims(**changes), KEY, algorithm="ES256K"))


def test_a_token_for_another_provider_grants_nothing_here() -> None:
    token = encode(claims(leases=at(OTHER, access="full")), KEY, algorithm="ES256K")
    assert checked(token) == Claims(ACCOUNT.address, None)


# What a token allows.


def test_scoped_access_is_for_every_lease() -> None:
    grant = checked(mint(ACCOUNT, now=NOW, ttl=60, leases={"access": "scoped", "scope": ["logs"]})).grant
    assert grant is not None
    assert grant.reaches(1, 2, 3)
    assert grant.permits("logs", 1, 2, 3)
    assert not grant.permits("shell", 1, 2, 3)


def test_granular_access_is_for_the_named_deployment() -> None:
    leases = at(PROVIDER, access="granular", deployments=[DEPLOYMENT | {"gseq": 1}])
    grant = checked(mint(ACCOUNT, now=NOW, ttl=60, leases=leases)).grant
    assert grant is not None
    assert grant.permits("logs", 7, 1, 9)
    assert grant.reaches(7)
    assert not grant.reaches(7, 2, 1)
    assert not grant.reaches(8, 1, 1)


def test_a_minted_token_lasts_as_long_as_asked() -> None:
    token = mint(ACCOUNT, now=NOW, ttl=30, leases={"access": "full"})
    assert checked(token, now=NOW + 29)
    with pytest.raises(TokenRefused, match="invalid claims"):
        checked(token, now=NOW + 30)


# Console's judgement of what it is asked to sign.


@pytest.mark.parametrize(
    ("leases", "problem"),
    [
        ({}, 'Missing required field: "access" at "/leases".'),
        (None, '"leases" at "" should be object.'),
        ({"access": "some"}, '"access" at "/leases" should be one of: full, scoped, granular.'),
        ({"access": []}, '"access" at "/leases" should be one of: full, scoped, granular.'),
        ({"access": "full", "scope": ["logs"]}, '"scope" at "/leases" boolean schema is false.'),
        (
            {"access": "scoped", "scope": ["log"]},
            f'"0" at "/leases/scope" should be one of: {", ".join(SCOPES)}.',
        ),
        ({"access": "scoped", "scope": []}, '"scope" at "/leases" must have at least 1 item.'),
        (
            {"access": "granular", "permissions": [{"provider": PROVIDER, "access": "full"}] * 2},
            "Duplicate provider in permissions",
        ),
        (
            at(PROVIDER, access="granular", deployments=[{"dseq": 7, "scope": ["logs"]}]),
            "services required when dseq is present",
        ),
        (
            at(PROVIDER, access="granular", deployments=[DEPLOYMENT | {"dseq": "7"}]),
            '"dseq" at "/leases/permissions/0/deployments/0" should be integer.',
        ),
    ],
)
def test_console_says_what_is_wrong(leases: object, problem: str) -> None:
    assert problem in problems_with_leases(leases)


LEASES: list[Any] = [
    {"access": "full"},
    {"access": "full", "more": 1},
    {"access": "full", "permissions": []},
    {"access": "scoped", "scope": ["status", "shell", "events", "logs", "send-manifest", "get-manifest"]},
    {"access": "scoped", "scope": ["logs", "logs"]},
    {"access": "scoped"},
    {"access": "scoped", "scope": "logs"},
    {"access": "granular", "permissions": []},
    {"access": "granular", "permissions": {}},
    {"access": "granular", "permissions": ["full"]},
    at("akash1short", access="full"),
    at(PROVIDER, access="full"),
    at(PROVIDER, access="scoped", scope=["attestation"]),
    at(PROVIDER, access="scoped", scope=["logs"], deployments=[]),
    at(PROVIDER, access="granular", deployments=[DEPLOYMENT]),
    at(PROVIDER, access="granular", deployments=[DEPLOYMENT | {"gseq": 1, "oseq": 1}]),
    at(PROVIDER, access="granular", deployments=[DEPLOYMENT | {"oseq": 1}]),
    at(PROVIDER, access="granular", deployments=[DEPLOYMENT | {"gseq": -1}]),
    at(PROVIDER, access="granular", deployments=[DEPLOYMENT | {"services": []}]),
    at(PROVIDER, access="granular", deployments=[DEPLOYMENT | {"more": 1}]),
    at(PROVIDER, access="granular", deployments=[]),
    {"access": "granular", "permissions": [{"access": "full"}]},
]


@pytest.mark.parametrize("leases", LEASES)
def test_console_refuses_exactly_what_the_published_schema_refuses(leases: object) -> None:
    schema = json.loads(shared_data.require("jwt/jwt-schema.json").read_text())
    judge = jsonschema.Draft7Validator({"$ref": "#/definitions/leases", "definitions": schema["definitions"]})
    assert judge.is_valid(leases) == (not problems_with_leases(leases))


# The same vectors, over HTTP, at a gateway whose chain knows the mnemonic's account.

WITHIN = 1_760_405_000.0
"""A moment at which the vectors' one token with dates is good."""


@asynccontextmanager
async def gateway_at(now: float, wallet: ec.EllipticCurvePrivateKey) -> AsyncIterator[World]:
    async with (
        a_world() as world
    ):  # its certificate is of today, since TLS judges that by this machine's clock
        world.chain.clock.wall = lambda: now
        world.account = Account(address_of(wallet.public_key()), wallet, allowance_uact=0)
        world.chain.accounts[world.account.address] = world.account
        yield world


async def answer(world: World, token: str, path: str = "/version") -> tuple[int, str]:
    response = await world.get(path, headers=bearer(token))
    return response.status_code, "" if response.is_success else response.json()["message"]


def claims_of(token: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return body


@pytest.mark.anyio
@pytest.mark.parametrize("case", [*vectors(must_fail=False), *vectors(must_fail=True)])
async def test_a_gateway_takes_the_good_vector_with_claims_and_no_other(
    case: dict[str, Any], wallet: ec.EllipticCurvePrivateKey
) -> None:
    token = case["tokenString"]
    is_taken = not case["mustFail"] and "iss" in claims_of(
        token
    )  # two good signatures are under no claims at all
    async with gateway_at(WITHIN, wallet) as world:
        assert await answer(world, token) == ((200, "") if is_taken else (401, "JWT is invalid"))
        if is_taken:
            assert await answer(world, token, "/lease/1/1/1/manifest") == (401, "unauthorized access")
            assert (await world.get("/lease/1/1/1/status", headers=bearer(token))).status_code == 404


@pytest.mark.anyio
@pytest.mark.parametrize("algorithm", ["ES256K", "ES256KADR36"])
async def test_a_gateway_takes_what_the_mnemonics_wallet_signs(
    algorithm: str, wallet: ec.EllipticCurvePrivateKey
) -> None:
    async with gateway_at(WITHIN, wallet) as world:
        token = encode(claims(iss=world.account.address), wallet, algorithm=algorithm)
        assert await answer(world, token) == (200, "")
        other = encode(claims(iss=OTHER), wallet, algorithm=algorithm)
        assert await answer(world, other) == (401, "JWT is invalid")


@pytest.mark.anyio
@pytest.mark.parametrize("now", [1_760_404_939.0, 1_760_406_740.0])
async def test_a_gateway_refuses_the_dated_vector_outside_its_dates(
    now: float, wallet: ec.EllipticCurvePrivateKey
) -> None:
    (case,) = (c for c in vectors(must_fail=False) if "exp" in claims_of(c.values[0]["tokenString"]))
    async with gateway_at(now, wallet) as world:
        assert await answer(world, case.values[0]["tokenString"]) == (400, "JWT has invalid claims")


@pytest.mark.anyio
async def test_a_gateway_takes_every_claim_that_the_published_schema_allows(
    wallet: ec.EllipticCurvePrivateKey,
) -> None:
    async with gateway_at(WITHIN, wallet) as world:
        for leases in LEASES:
            if not problems_with_leases(leases):
                token = encode(claims(iss=world.account.address, leases=leases), wallet, algorithm="ES256K")
                is_unknown_here = "attestation" in json.dumps(leases)
                expected = (400, "JWT has invalid claims") if is_unknown_here else (200, "")
                assert await answer(world, token) == expected


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# RIPEMD-160, which OpenSSL 3.0.0 to 3.0.6 and FIPS builds keep switched off.


def test_an_address_is_made_of_a_key_as_the_chain_makes_it() -> None:
    key = ec.derive_private_key(1, ec.SECP256K1()).public_key()
    point_hash = "751e76e8199196d454941c45d1b3a323f1433bd6"  # BIP-173 gives it for the curve's generator
    assert address_of(key) == bech32_encode("akash", bytes.fromhex(point_hash))


@pytest.fixture
def no_ripemd160(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, data: bytes = b"") -> None:
        raise ValueError(f"unsupported hash type {name}(in OpenSSL)")

    monkeypatch.setattr(hashlib, "new", refuse)


@pytest.mark.usefixtures("no_ripemd160")
def test_a_python_without_ripemd160_is_told_what_it_lacks() -> None:
    with pytest.raises(
        NoRipemd160, match=r"needs the hash RIPEMD-160.*OpenSSL.* does not offer it; use a Python with"
    ):
        address_of(KEY.public_key())


@pytest.mark.usefixtures("no_ripemd160")
@pytest.mark.parametrize("words", [["sandbox"], ["demo"], ["serve", "--sandbox"]])
def test_commands_say_that_ripemd160_is_missing_without_a_traceback(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "the embedded network needs the hash RIPEMD-160" in printed.err
    assert "Traceback" not in printed.err
