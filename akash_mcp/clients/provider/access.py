"""The way into a provider's gateway: who it is, proven, and what it lets us in with.

Nothing is sent before the gateway has proven in the TLS handshake that it is the provider. Then it is shown either a
token or, where the Console API mints none, our certificate; never both, which a gateway refuses.
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
from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.clients.provider.allowed_hosts import resolve
from akash_mcp.clients.provider.client_certificate import ClientCertificate, ClientCertificates
from akash_mcp.clients.provider.gateway_errors import StaleToken, clock_gap
from akash_mcp.clients.provider.identity import VerifiedEndpoint, identify, public_context
from akash_mcp.clients.provider.tokens import Token, Tokens
from akash_mcp.errors import Interrupted, ProviderError, ServerError, Unreachable
from akash_mcp.ids import LeaseId, ProviderAddress

TRUST_SECONDS = 60.0
"""How long a proof is built upon before the chain is asked again: a revoked certificate is trusted no longer."""
FRESH_TOKEN_SECONDS = 2.0
"""How long a new token rests where the one before was refused: it counts from the Console's second, and the
provider's clock may be behind."""
LONGEST_REST_SECONDS = 10.0
"""How long it rests at most, where the provider showed how far behind its clock is."""

T = TypeVar("T")


class NoClientCertificate(ProviderError):
    """The Console API mints no tokens, and we have no certificate to show instead. Nothing was sent."""

    code = "no_certificate"
    retryable = False


@dataclass(frozen=True, slots=True)
class ProviderSession:
    """A gateway that proved who it is, and what we show it: `headers` for every request to it.

    `secrets` are the texts in them that nobody may read in a log or an error. `certificate` is the one of ours that
    the connection shows, where it shows one; there is then no token.
    """

    endpoint: VerifiedEndpoint
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    certificate: ClientCertificate | None = None


@dataclass(frozen=True, slots=True)
class _Proof:
    endpoint: VerifiedEndpoint
    certificate: ClientCertificate | None
    until: float


class ProviderAccess:
    """Finds gateways, has them prove who they are, and asks them with as narrow a right as the question needs.

    `certificates` keeps ours, for a Console API that mints no tokens. `allow_private` are networks whose hosts may
    be contacted although they are not public; `clock` gives seconds since the epoch; `public` is the TLS context for
    gateways with a public certificate, by default the system's authorities.
    """

    def __init__(
        self,
        console: ConsoleReader,
        chain: ChainReader,
        *,
        certificates: ClientCertificates | None = None,
        allow_private: Sequence[IPv4Network | IPv6Network] = (),
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        public: SSLContext | None = None,
    ) -> None:
        self._console = console
        self._chain = chain
        self._certificates = certificates
        self._allow_private = tuple(allow_private)
        self._clock = clock
        self.sleep = sleep
        self._public = public
        self._tokens = Tokens(console, clock)
        self._proofs: dict[ProviderAddress, _Proof] = {}

    async def ask(
        self,
        lease: LeaseId,
        question: Callable[[ProviderSession], Awaitable[T]],
        *,
        scopes: tuple[str, ...],
        services: Sequence[str] = (),
    ) -> T:
        """Put a question about a lease to its provider, with a right to `scopes` on its `services`.

        Asked once more where the gateway's certificate, its address or our token has just changed: so a question
        raises `Unreachable` or `StaleToken` only while it has done nothing yet. Raises `UntrustedProvider`,
        `TokenRefused`, `NoClientCertificate` and what the question raises.
        """
        proof_is_old = lease.provider in self._proofs
        token_is_old = True
        certificate = await self._our_certificate()
        verified = await self._identify(lease.provider, certificate)
        token = None
        if certificate is None:
            token = await self._tokens.get(lease, services=services, scopes=scopes)
        while True:
            try:
                return await question(_session(verified, token, certificate))
            except (Unreachable, Interrupted) as lost:
                if isinstance(lost, Interrupted) or not proof_is_old:
                    if certificate is None:
                        raise
                    raise _certificate_in_doubt(lost, certificate) from lost
                proof_is_old = False
                self._proofs.pop(lease.provider, None)
                verified = await self._identify(lease.provider, certificate)
            except StaleToken as stale:
                if token is None or not token_is_old:
                    raise _with_clocks(stale, token, self._clock()) from stale
                token_is_old = False
                token = await self._tokens.get(lease, services=services, scopes=scopes, refused=token)
                await self.sleep(_rest(stale, token))

    async def confirm(self, lease: LeaseId, session: ProviderSession) -> None:
        """See to it that what comes from an open connection is still the provider's: call it before each use of it.

        Sends nothing while the proof is fresh. Raises `UntrustedProvider` or `NotProven` where it cannot be had again,
        and `Interrupted` where the provider has replaced the certificate that the connection was opened with.
        """
        now = await self._identify(lease.provider, session.certificate)
        if now.pins != session.endpoint.pins:
            raise Interrupted(
                f"The provider at {now.host} has replaced its certificate, so a connection from before is not used.",
                next_step="Ask again.",
            )

    async def _our_certificate(self) -> ClientCertificate | None:
        """The one to show instead of a token; None where the Console mints tokens."""
        if await self._console.generation() is not Generation.V2025:
            return None
        found = await self._certificates.current() if self._certificates is not None else None
        if found is None:
            raise NoClientCertificate(
                "There is no valid client certificate for providers on this machine, and this Console API (2025) "
                "mints no tokens instead.",
                next_step="Reading never makes one: the next lease or update does, and update_deployment with the "
                "same SDL is enough.",
            )
        return found

    async def _identify(
        self, provider: ProviderAddress, certificate: ClientCertificate | None
    ) -> VerifiedEndpoint:
        proof = self._proofs.get(provider)
        if proof is None or proof.until <= self._clock() or proof.certificate != certificate:
            self._public = self._public or public_context()
            asked = self._clock()
            endpoint = await resolve(await self._host_uri(provider), self._allow_private)
            verified = await identify(
                provider,
                endpoint,
                self._chain,
                clock=self._clock,
                public=self._public,
                client_certificate=certificate.file if certificate else None,
            )
            proof = _Proof(verified, certificate, asked + TRUST_SECONDS)
            self._proofs[provider] = proof
        return proof.endpoint

    async def _host_uri(self, provider: ProviderAddress) -> str:
        """Where the provider says that it is.

        On the chain, or in the Console's index while no node answers.
        """
        try:
            return (await self._chain.provider(provider)).host_uri
        except (Unreachable, Interrupted, ServerError):
            return (await self._console.get_provider(provider)).host_uri


def _session(
    verified: VerifiedEndpoint, token: Token | None, certificate: ClientCertificate | None
) -> ProviderSession:
    if token is None:
        return ProviderSession(verified, certificate=certificate)
    return ProviderSession(verified, {"authorization": f"Bearer {token.text}"}, (token.text,))


def _certificate_in_doubt(
    lost: Unreachable | Interrupted, certificate: ClientCertificate
) -> Unreachable | Interrupted:
    """A connection that was lost, where the reason may be our certificate: TLS 1.3 tells so after the handshake."""
    return type(lost)(
        f"{lost.what} It may not take our client certificate.",
        next_step="Try again in a minute: a new certificate takes a while to be known. If it stays so, the user can "
        f"delete {certificate.file}: another one is made with the next lease or update.",
    )


def _rest(stale: StaleToken, token: Token) -> float:
    """Seconds until the provider's clock has reached the token's first second, as far as both are known."""
    if stale.date is None or token.starts is None:
        return FRESH_TOKEN_SECONDS
    behind = token.starts - stale.date
    return min(max(FRESH_TOKEN_SECONDS, behind + 1), LONGEST_REST_SECONDS)


def _with_clocks(stale: StaleToken, token: Token | None, now: float) -> StaleToken:
    """The refusal of a token that was fresh, with what is known of the three clocks: `now` is ours."""
    if token is None or token.starts is None:
        return stale
    console = token.starts + now - token.minted
    # What counts is the provider's clock against the Console's. Ours takes no part, and is told since it may explain
    # what else is odd.
    gaps = clock_gap("Akash Console's", console, "the provider's", stale.date)
    gaps += clock_gap("This machine's", now, "Akash Console's", console)
    return StaleToken(stale.what + gaps, next_step=stale.next_step, status=stale.status or 0, date=stale.date)
