"""Secrets that come sealed: the key to seal to, and opening what was sealed (JWE in its compact form).

RSA-OAEP-256 for the key and A256GCM for the content, by hand: the product seals with a library, and two ends that
share one would share its mistakes. What must hold, and which status says that it does not, is from the agent
documentation of autumn 2026.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cached_property
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from starlette.responses import Response

from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.responses import Problem, answer

KEY_ID = "sdl-secrets.v1"
MOST = 100
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_MOST_SECONDS = 15 * 60


class Secrets:
    """The one key of a network, made when somebody first asks for it, and who may seal to it."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(65537, 2048)

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        return [Endpoint("GET", "/v1/sdl-secrets-context", self.context)]

    async def context(self, call: Call) -> Response:
        """What a client seals with."""
        if self._backend.faults.take("key-service-down", call.line):
            raise _unreachable()
        numbers = self._key.public_key().public_numbers()
        jwk = {
            "kty": "RSA",
            "n": _to_base64(numbers.n.to_bytes(256, "big")),
            "e": _to_base64(numbers.e.to_bytes(3, "big")),
            "use": "enc",
            "alg": "RSA-OAEP-256",
        }
        context = {
            "sub": self._backend.user_id,
            "kid": KEY_ID,
            "jwk": jwk,
            "requiredClaims": ["kid", "sub", "exp"],
        }
        return answer({"data": context})

    def open(self, seal: str, line: str, *, sdl: str) -> dict[str, str]:
        """Values by name. `sdl`: the text that a seal bound to one must be bound to.

        Raises `Problem`: 400 malformed, expired or tampered with, 403 sealed for another user or SDL, 409 sealed to
        a key that is retired, 503 while the key service is away.
        """
        if self._backend.faults.take("key-service-down", line):
            raise _unreachable()
        parts = seal.split(".")
        header = _header(parts)
        if header.get("kid") != KEY_ID or self._backend.faults.take("seal-key-retired", line):
            raise Problem(409, "The sealing key is no longer current")
        if header.get("sub") != self._backend.user_id:
            raise Problem(403, "The secrets were sealed for another user")
        left = header["exp"] - self._backend.chain.clock.wall()
        if not 0 < left <= _MOST_SECONDS:
            raise Problem(400, "The sealed secrets have expired, or expire more than 15 minutes from now")
        if header.get("sdlHash") not in (None, _to_base64(hashlib.sha256(sdl.encode()).digest())):
            raise Problem(403, "The secrets were sealed for another SDL")
        return _named(self._decrypted(parts))

    def _decrypted(self, parts: list[str]) -> bytes:
        wrapped, iv, content, tag = (_from_base64(part) for part in parts[1:])
        oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
        try:
            key = self._key.decrypt(wrapped, oaep)
            return AESGCM(key).decrypt(iv, content + tag, parts[0].encode())
        except (ValueError, InvalidTag) as error:
            raise _malformed("cannot be opened") from error


def _header(parts: list[str]) -> dict[str, Any]:
    if len(parts) != 5:
        raise _malformed("are not a compact JWE")
    try:
        header = json.loads(_from_base64(parts[0]))
    except ValueError as error:
        raise _malformed("have no header that can be read") from error
    if not isinstance(header, dict) or (header.get("alg"), header.get("enc")) != ("RSA-OAEP-256", "A256GCM"):
        raise _malformed("must be sealed with RSA-OAEP-256 and A256GCM")
    if isinstance(header.get("exp"), bool) or not isinstance(header.get("exp"), int):
        raise _malformed("do not say when they expire")
    return header


def _named(content: bytes) -> dict[str, str]:
    try:
        secrets = json.loads(content)
    except ValueError as error:
        raise _malformed("are not JSON") from error
    if not isinstance(secrets, dict) or not all(isinstance(value, str) for value in secrets.values()):
        raise _malformed("are not a flat object of text")
    if bad := [name for name in secrets if not NAME.fullmatch(name)]:
        raise _malformed(f"have a name that cannot be one: {bad[0][:64]}")
    return secrets


def _malformed(what: str) -> Problem:
    return Problem(400, f"The sealed secrets {what}")


def _unreachable() -> Problem:
    return Problem(503, "The key service cannot be reached, please retry")


def _to_base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise _malformed("are not base64") from error
