"""The way into a provider's gateway: who it is, proven, and what it lets us in with.

Nothing is sent before the gateway has proven in the TLS handshake that it is the provider.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from ssl import SSLContext
from typing import TypeVar

import anyio

from akash_mcp.clients.chain import ChainReader
from akash_mcp.clients.console import ConsoleReader
from akash_mcp.clients.provider.address import resolve
from akash_mcp.clients.provider.errors import StaleToken
from akash_mcp.clients.provider.tls import Trusted, identify, public_context
from akash_mcp.clients.provider.tokens import Token, Tokens
from akash_mcp.errors import Interrupted, ServerError, Unreachable
from akash_mcp.ids import LeaseId, ProviderAddress

TRUST_SECONDS = 60.0
"""How long a proof is built upon before the chain is asked again: a revoked certificate is trusted no longer."""
FRESH_TOKEN_SECONDS = 2.0
"""How long a new token rests where the one before was refused: it counts from the Console's second, and the
provider's clock may be behind."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Admission:
    """A gateway that proved who it is, and what we show it: `headers` for every request to it.

    `secrets` are the texts in them that nobody may read in a log or an error.
    """

    trusted: Trusted
    headers: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Proof:
    trusted: Trusted
    until: float


class ProviderAccess:
    """Finds gateways, has them prove who they are, and asks them with as narrow a right as the question needs.

    `allow_private` are networks whose hosts may be contacted although they are not public; `clock` gives
    seconds since the epoch; `public` is the TLS context for gateways with a public certificate, by default
    the system's authorities.
    """

    def __init__(
        self,
        console: ConsoleReader,
        chain: ChainReader,
        *,
        allow_private: Sequence[IPv4Network | IPv6Network] = (),
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        public: SSLContext | None = None,
    ) -> None:
        self._console = console
        self._chain = chain
        self._allow_private = tuple(allow_private)
        self._clock = clock
        self.sleep = sleep
        self._public = public
        self._tokens = Tokens(console, clock)
        self._proofs: dict[ProviderAddress, _Proof] = {}

    async def ask(
        self,
        lease: LeaseId,
        question: Callable[[Admission], Awaitable[T]],
        *,
        scopes: tuple[str, ...],
        services: Sequence[str] = (),
    ) -> T:
        """Put a question about a lease to its provider, with a right to `scopes` on its `services`.

        Asked once more where the gateway's certificate, its address or our token has just changed: so a question
        raises `Unreachable` or `StaleToken` only while it has done nothing yet. Raises `UntrustedProvider`,
        `TokenRefused` and what the question raises.
        """
        proof_is_old = lease.provider in self._proofs
        token_is_old = True
        trusted = await self._identify(lease.provider)
        token = await self._tokens.get(lease, services=services, scopes=scopes)
        while True:
            try:
                return await question(_admission(trusted, token))
            except Unreachable:
                if not proof_is_old:
                    raise
                proof_is_old = False
                self._proofs.pop(lease.provider, None)
                trusted = await self._identify(lease.provider)
            except StaleToken:
                if not token_is_old:
                    raise
                token_is_old = False
                token = await self._tokens.get(lease, services=services, scopes=scopes, refused=token)
                await self.sleep(FRESH_TOKEN_SECONDS)

    async def _identify(self, provider: ProviderAddress) -> Trusted:
        proof = self._proofs.get(provider)
        if proof is None or proof.until <= self._clock():
            self._public = self._public or public_context()
            endpoint = await resolve(await self._host_uri(provider), self._allow_private)
            trusted = await identify(provider, endpoint, self._chain, clock=self._clock, public=self._public)
            proof = _Proof(trusted, self._clock() + TRUST_SECONDS)
            self._proofs[provider] = proof
        return proof.trusted

    async def _host_uri(self, provider: ProviderAddress) -> str:
        """Where the provider says that it is.

        On the chain, or in the Console's index while no node answers.
        """
        try:
            return (await self._chain.provider(provider)).host_uri
        except (Unreachable, Interrupted, ServerError):
            return (await self._console.get_provider(provider)).host_uri


def _admission(trusted: Trusted, token: Token) -> Admission:
    return Admission(trusted, {"authorization": f"Bearer {token.text}"}, (token.text,))
