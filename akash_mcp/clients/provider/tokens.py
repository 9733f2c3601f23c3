"""Tokens for provider gateways: as narrow as they can be, short-lived, and in memory only.

A token counts from the Console's second (`nbf`), which the provider compares with its own clock and without any
leeway. This machine's clock takes no part in that: how long a token is good for is counted from when it was minted.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import anyio

from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.ids import LeaseId

TTL_SECONDS = 900
"""15 minutes, the most that AEP-64 recommends."""
RENEW_SECONDS = 60

STATUS_SCOPES = ("status",)
READ_SCOPES = ("status", "logs", "events")
SHELL_SCOPES = ("shell",)


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token, and when it was minted and expires, in seconds since the epoch by our clock.

    `starts` is when it starts to be valid by the Console's clock; None where the token does not tell.
    """

    text: str = field(repr=False)
    minted: float
    expires: float
    starts: float | None


class Tokens:
    """Mints tokens through the Console and keeps them until shortly before they expire."""

    def __init__(self, console: ConsoleReader, clock: Callable[[], float] = time.time) -> None:
        self._console = console
        self._clock = clock
        self._kept: dict[tuple[LeaseId, tuple[str, ...], tuple[str, ...]], Token] = {}
        self._minting = anyio.Lock()

    async def get(
        self,
        lease: LeaseId,
        *,
        services: Iterable[str] = (),
        scopes: tuple[str, ...] = READ_SCOPES,
        refused: Token | None = None,
    ) -> Token:
        """A token for `scopes` on one lease, or on its provider while the names of its services are not
        known.

        `refused` is a token that the provider did not take: it is not handed out again.
        """
        key = (lease, tuple(sorted(set(services))), scopes)
        async with self._minting:
            token = self._kept.get(key)
            if token is None or token is refused or token.expires - RENEW_SECONDS <= self._clock():
                now = self._clock()
                text = await self._console.mint_token(TTL_SECONDS, grant(lease, key[1], scopes))
                token = Token(text, now, now + TTL_SECONDS, not_before(text))
                self._kept = {k: kept for k, kept in self._kept.items() if kept.expires > now}
                self._kept[key] = token
            return token


def not_before(token: str) -> float | None:
    """The `nbf` of a JSON web token, which is taken as it stands: nothing is decided by it but how long to wait."""
    _, _, rest = token.partition(".")
    payload = rest.partition(".")[0]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, RecursionError):
        return None
    starts = claims.get("nbf") if isinstance(claims, dict) else None
    return float(starts) if isinstance(starts, int) and 0 < starts < 2**40 else None


def grant(lease: LeaseId, services: Iterable[str], scopes: Iterable[str]) -> Mapping[str, object]:
    """The `leases` claim of AEP-64 for one lease.

    The schema wants the names of services where it names a deployment; without them the grant is for the
    provider.
    """
    named = sorted(set(services))
    permission: dict[str, object] = {"provider": lease.provider}
    if named:
        deployment = {
            "dseq": int(lease.dseq),
            "gseq": lease.gseq,
            "oseq": lease.oseq,
            "scope": list(scopes),
            "services": named,
        }
        permission |= {"access": "granular", "deployments": [deployment]}
    else:
        permission |= {"access": "scoped", "scope": list(scopes)}
    return {"access": "granular", "permissions": [permission]}
