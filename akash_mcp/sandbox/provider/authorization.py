"""Who asks: the holder of a client certificate, or of a token, and never of both at once.

    authorization header · client certificate or token · both is one too many

What either of them may do is judged route by route, in `routes`. The order and the answers are those of
akash-network/provider `gateway/rest` and `gateway/utils`.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec

from akash_mcp.sandbox.chain import Chain
from akash_mcp.sandbox.grants import Grant
from akash_mcp.sandbox.provider.http1 import Hangup, Request
from akash_mcp.sandbox.tokens import Claims, TokenRefused, verify


def bearer_token(request: Request) -> str:
    """The token of a request, empty where there is none. Raises `TokenRefused`."""
    header = request.header("authorization")
    if not header:
        return ""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token or " " in token:
        raise TokenRefused(400, "invalid authorization header")
    return token


def identify(token: str, client: str | None, *, chain: Chain, provider: str) -> Claims | None:
    """Who holds the token, or the certificate of the account `client`; None where there is neither.

    A certificate is for everything that is its account's. Raises `TokenRefused`, and `Hangup` where the real gateway
    panics.
    """
    if client is not None:
        if token:
            message = "auth: ambiguous authentication. may not use mTLS and JWT at the same time"
            raise TokenRefused(400, message)
        return Claims(client, Grant(access="full"))
    if not token:
        return None

    def public_key(address: str) -> ec.EllipticCurvePublicKey | None:
        key = chain.public_key(address)
        if key is None and address in chain.accounts:
            raise Hangup  # an account that never signed has no key on chain, and the gateway panics over that
        return key

    return verify(token, provider=provider, now=chain.clock.wall(), public_key_of=public_key)
