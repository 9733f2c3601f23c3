"""Provider tokens (AEP-64): JWTs that an account signs with its secp256k1 key, and what a provider says of them.

Two algorithms. `ES256K` signs the token's text; `ES256KADR36`, which managed wallets use, signs an ADR-36
document that holds it. Signatures are 64 bytes, r then s, with s in the lower half of the curve's order. Rules and
answers are those of akash-network/chain-sdk `go/util/jwt` and akash-network/provider `gateway/utils`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import ssl
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from akash_mcp.ids import BadId, bech32_decode, bech32_encode
from akash_mcp.sandbox.chain import Account
from akash_mcp.sandbox.grants import PROVIDER_SCOPES, Grant, Malformed, grant_for, grants_from

ALGORITHMS = ("ES256K", "ES256KADR36")

_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class TokenRefused(Exception):
    """A token that a provider turns away, with the HTTP `status` and `message` that it answers.

    `detail` is what its JWT library says of claims that do not hold. Only old providers pass that on.
    """

    def __init__(self, status: int, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.detail = detail


class NoRipemd160(RuntimeError):
    """This Python cannot compute RIPEMD-160, so there are no account addresses and no embedded network."""

    def __init__(self) -> None:
        super().__init__(
            "the embedded network needs the hash RIPEMD-160, of which account addresses are made, and this Python's "
            f"{ssl.OPENSSL_VERSION} does not offer it; use a Python with OpenSSL 1.1.1 or with 3.0.7 or newer, without "
            "FIPS mode"
        )


@dataclass(frozen=True)
class Claims:
    """What a verified token says: whose leases, and what may be done with them at this provider, if anything."""

    issuer: str
    grant: Grant | None


def address_of(key: ec.EllipticCurvePublicKey) -> str:
    """The `akash1…` address of a secp256k1 key: RIPEMD-160 of SHA-256 of the compressed point, in bech32.

    Raises `NoRipemd160` where `hashlib` has no such hash: OpenSSL 3.0.0 to 3.0.6 keep it switched off.
    """
    point = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    try:
        digest = hashlib.new("ripemd160", hashlib.sha256(point).digest()).digest()
    except ValueError as error:
        raise NoRipemd160 from error
    return bech32_encode("akash", digest)


def mint(account: Account, *, now: float, ttl: int, leases: dict[str, Any]) -> str:
    """A token as Console signs it for its managed wallets: valid from `now` for `ttl` seconds, with a new `jti`."""
    issued = int(now)
    claims = {
        "iss": account.address,
        "exp": issued + ttl,
        "nbf": issued,
        "iat": issued,
        "jti": str(uuid.uuid4()),
        "version": "v1",
        "leases": leases,
    }
    return encode(claims, account.key, algorithm="ES256KADR36")


def encode(claims: dict[str, Any], key: ec.EllipticCurvePrivateKey, *, algorithm: str) -> str:
    """The signed token with these claims, whatever they are. The same input always gives the same token."""
    header = {"alg": algorithm, "typ": "JWT"}
    text = ".".join(_base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    message = _signed_bytes(text, algorithm, signer=address_of(key.public_key()))
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
    signature = r.to_bytes(32, "big") + min(s, _ORDER - s).to_bytes(32, "big")
    return f"{text}.{_base64url(signature)}"


def verify(
    token: str,
    *,
    provider: str,
    now: float,
    public_key_of: Callable[[str], ec.EllipticCurvePublicKey | None],
    known_scopes: frozenset[str] = PROVIDER_SCOPES,
) -> Claims:
    """What `token` allows at `provider`, or `TokenRefused`.

    An expired token is refused with 400 and not 401: providers test for "invalid claims" first, and expiry is one
    of those. Errors that `public_key_of` raises pass through.
    """
    try:
        header, claims = (_json_object(part) for part in token.split(".")[:2])
        issuer = _text(claims, "iss")
        grants = grants_from(claims.get("leases"))
        version = _text(claims, "version")
        times = {name: _time(claims.get(name)) for name in ("iat", "nbf", "exp")}
        bech32_decode(issuer)
    except (Malformed, BadId, ValueError) as error:
        raise TokenRefused(401, "JWT is invalid") from error
    if header.get("alg") not in ALGORITHMS:
        raise TokenRefused(401, "JWT is invalid")
    key = public_key_of(issuer)
    if key is None or not is_signed_by(token, key):
        raise TokenRefused(401, "JWT is invalid")
    problem = _problem_with_times(times, now)
    if problem is not None or version != "v1" or not grants.is_valid(known_scopes):
        detail = ": ".join(filter(None, ("token has invalid claims", problem)))
        raise TokenRefused(400, "JWT has invalid claims", detail)
    return Claims(issuer=issuer, grant=grant_for(grants, provider))


def _problem_with_times(times: dict[str, float | None], now: float) -> str | None:
    """What golang-jwt says of them."""
    issued, begins, ends = times["iat"], times["nbf"], times["exp"]
    if issued is None or begins is None or ends is None:
        return "token is missing required claim"
    if ends <= now:
        return "token is expired"
    return "token is not valid yet" if begins > now else None


def is_signed_by(token: str, key: ec.EllipticCurvePublicKey) -> bool:
    """Whether the token's signature is this key's, over what its algorithm signs."""
    text, _, signature_text = token.rpartition(".")
    try:
        header, _ = (_json_object(part) for part in text.split("."))
        signature = _from_base64url(signature_text)
        message = _signed_bytes(text, header.get("alg", ""), signer=address_of(key))
    except (Malformed, ValueError):
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if len(signature) != 64 or s > _ORDER // 2:
        return False
    try:
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _signed_bytes(text: str, algorithm: str, *, signer: str) -> bytes:
    if algorithm == "ES256K":
        return text.encode("ascii")
    if algorithm != "ES256KADR36":
        raise Malformed(f"no such algorithm: {algorithm!r}")
    data = base64.b64encode(text.encode("ascii")).decode("ascii")
    document = {
        "account_number": "0",
        "chain_id": "",
        "fee": {"amount": [], "gas": "0"},
        "memo": "",
        "msgs": [{"type": "sign/MsgSignData", "value": {"data": data, "signer": signer}}],
        "sequence": "0",
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _from_base64url(text: str) -> bytes:
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        raise Malformed("not unpadded base64url")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise Malformed("not base64url") from error


def _json_object(part: str) -> dict[str, Any]:
    value = json.loads(_from_base64url(part))
    if not isinstance(value, dict):
        raise Malformed("not a JSON object")
    return value


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if value is not None and not isinstance(value, str):
        raise Malformed(f"{name} is not text")
    return value or ""


def _time(value: object) -> float | None:
    """A numeric date. Go also takes one in quotes."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Malformed("not a numeric date")
    return float(value)
