"""Sealing: values that only the Console can open, as its API of autumn 2026 takes them.

A compact JWE to the Console's public key, RSA-OAEP-256 with A256GCM, whose header says for whom it is and until when;
on creation also for which SDL, so that it cannot be sent with another. Source: akash-skill `secrets.md`.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import TypeAdapter

from akash_mcp.clients.api_model import ApiModel

GOOD_FOR_SECONDS = 300
"""How long a seal can be used. The Console takes none that is good for more than 15 minutes."""


SMALLEST_KEY = 2048
"""Bits of the smallest key that values are sealed with."""


class RsaKey(ApiModel):
    """A public key (JWK)."""

    kty: Literal["RSA"]
    n: str
    e: str


class SealingContext(ApiModel):
    """Whom to seal for: the user, and the Console's public key with its id."""

    sub: str
    kid: str
    jwk: RsaKey


CONTEXT = TypeAdapter(SealingContext)


def seal(context: SealingContext, values: Mapping[str, str], *, now: float, sdl: str | None = None) -> str:
    """A seal of `values` by name, made at `now` (seconds since the epoch, by the Console's clock).

    `sdl` is the text that it is bound to. Raises `ValueError` for a key that nothing can be sealed with.
    """
    from joserfc import jwe, jwk  # 0.2 s, and most servers never need it

    header: dict[str, Any] = {
        "alg": "RSA-OAEP-256",
        "enc": "A256GCM",
        "kid": context.kid,
        "sub": context.sub,
        "exp": int(now) + GOOD_FOR_SECONDS,
    }
    if sdl is not None:
        digest = hashlib.sha256(sdl.encode()).digest()
        header["sdlHash"] = urlsafe_b64encode(digest).decode().rstrip("=")
    modulus = urlsafe_b64decode(context.jwk.n + "=" * (-len(context.jwk.n) % 4))
    if int.from_bytes(modulus, "big").bit_length() < SMALLEST_KEY:
        raise ValueError("the key is too small")
    key = jwk.RSAKey.import_key({"kty": "RSA", "n": context.jwk.n, "e": context.jwk.e})
    registry = jwe.JWERegistry(algorithms=["RSA-OAEP-256", "A256GCM"], strict_check_header=False)
    return jwe.encrypt_compact(header, json.dumps(values).encode(), key, registry=registry)
