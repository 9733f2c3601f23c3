"""A provider's gateway: what runs for a lease, its logs and its Kubernetes events.

Nothing is sent before the gateway has proven in the TLS handshake that it is the provider.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from ssl import SSLContext
from typing import TypeVar
from urllib.parse import urlencode

import anyio

from akash_mcp.clients.chain import ChainReader
from akash_mcp.clients.console import ConsoleReader
from akash_mcp.clients.http import Deadline, Sending, Upstream
from akash_mcp.clients.models import LEASE_STATUS, LeaseStatus
from akash_mcp.clients.provider_address import resolve
from akash_mcp.clients.provider_errors import StaleToken, refusal_of
from akash_mcp.clients.provider_frames import KubeEvent, LogLine, kube_event, log_line
from akash_mcp.clients.provider_tls import Trusted, bracketed, identify, public_context
from akash_mcp.clients.provider_tokens import READ_SCOPES, Token, Tokens
from akash_mcp.errors import ApiError, Interrupted, NotRunningYet, ProviderError, ServerError, Unreachable
from akash_mcp.ids import LeaseId, ProviderAddress

STATUS_DEADLINE = Deadline(read=15, total=30)
TRUST_SECONDS = 60.0
"""How long a proof is built upon before the chain is asked again: a revoked certificate is trusted no longer."""
FRESH_TOKEN_SECONDS = 2.0
"""How long a new token rests where the one before was refused: it counts from the Console's second, and the
provider's clock may be behind."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Proof:
    trusted: Trusted
    until: float


class ProviderClient:
    """Speaks with providers' gateways about leases of ours.

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
        self._sleep = sleep
        self._public = public
        self._tokens = Tokens(console, clock)
        self._proofs: dict[ProviderAddress, _Proof] = {}
        self._services: dict[LeaseId, tuple[str, ...]] = {}

    async def lease_status(self, lease: LeaseId) -> LeaseStatus:
        """What runs for a lease.

        Raises `LeaseGone` where the provider does not know it, `NotRunningYet` where nothing has been
        started, `UntrustedProvider`, `TokenRefused`, `Unreachable`, `Interrupted` and `ProviderError`.
        """

        async def ask(trusted: Trusted, token: Token) -> LeaseStatus:
            url = f"https://{bracketed(trusted.address)}:{trusted.port}"
            headers = {"host": trusted.authority, "authorization": f"Bearer {token.text}"}
            async with Upstream(
                url,
                name="The provider",
                headers=headers,
                secrets=(token.text,),
                verify=trusted.context,
                sni=trusted.host,
                sleep=self._sleep,
            ) as gateway:
                try:
                    answer = await gateway.send(
                        "GET", f"{lease.path}/status", sending=Sending.READ, deadline=STATUS_DEADLINE
                    )
                except ApiError as error:
                    raise refusal_of(error.status, error.said, trusted.host) from error
                try:
                    return answer.read(LEASE_STATUS)
                except ServerError as error:
                    raise ProviderError(error.what, status=error.status) from error

        status = await self._ask(lease, self._services.get(lease, ()), ask)
        self._services[lease] = tuple(status.services)
        return status

    async def logs(
        self,
        lease: LeaseId,
        *,
        services: Sequence[str] = (),
        tail: int | None = None,
        follow: bool = False,
    ) -> AsyncGenerator[LogLine, None]:
        """Log lines of a lease: of `services` only, and of each pod's last `tail` lines, where given.

        With `follow` the stream goes on while the containers run. The pods are those of the moment; new ones
        need a new call. Lines of different pods come in no particular order. Raises as `lease_status` does.
        """
        params = {"follow": "true" if follow else "false"}
        if tail is not None:
            params["tail"] = str(tail)
        if services:
            params["service"] = ",".join(services)
        names = await self._service_names(lease, asked=services)
        stream = self._stream(lease, names, f"{lease.path}/logs?{urlencode(params)}")
        async with aclosing(stream):
            async for frame in stream:
                yield log_line(frame, names)

    async def events(self, lease: LeaseId, *, follow: bool = False) -> AsyncGenerator[KubeEvent, None]:
        """Kubernetes events of a lease.

        Those on record, and with `follow` new ones too. Raises as `lease_status`.
        """
        names = await self._service_names(lease)
        query = urlencode({"follow": "true" if follow else "false"})
        stream = self._stream(lease, names, f"{lease.path}/kubeevents?{query}")
        async with aclosing(stream):
            async for frame in stream:
                event = kube_event(frame, names)
                if event is not None:
                    yield event

    async def _service_names(self, lease: LeaseId, asked: Sequence[str] = ()) -> tuple[str, ...]:
        """The names of the lease's services, at least one: a token for one deployment must name them."""
        names = self._services.get(lease) or tuple(asked) or tuple((await self.lease_status(lease)).services)
        if not names:
            raise NotRunningYet(
                "The provider runs no service of this lease yet.", next_step="Ask again soon."
            )
        return names

    async def _stream(
        self, lease: LeaseId, services: Sequence[str], path: str
    ) -> AsyncGenerator[str | bytes, None]:
        # Here, not above: most sessions read no stream, and the import is a good part of the server's start.
        from akash_mcp.clients.provider_stream import frames, open_stream

        async with AsyncExitStack() as stack:

            async def ask(trusted: Trusted, token: Token) -> AsyncGenerator[str | bytes, None]:
                connection = await stack.enter_async_context(open_stream(trusted, path, token))
                return frames(connection, trusted.host)

            stream = await stack.enter_async_context(aclosing(await self._ask(lease, services, ask)))
            async for frame in stream:
                yield frame

    async def _ask(
        self, lease: LeaseId, services: Sequence[str], ask: Callable[[Trusted, Token], Awaitable[T]]
    ) -> T:
        """`ask` the gateway, and once more where its certificate, its address or our token has just
        changed."""
        proof_is_old = lease.provider in self._proofs
        token_is_old = True
        trusted = await self._identify(lease.provider)
        token = await self._token(lease, services)
        while True:
            try:
                return await ask(trusted, token)
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
                token = await self._token(lease, services, refused=token)
                await self._sleep(FRESH_TOKEN_SECONDS)

    async def _token(self, lease: LeaseId, services: Sequence[str], refused: Token | None = None) -> Token:
        # Without names the grant is for all leases at the provider: so narrow it down to their status.
        scopes = READ_SCOPES if services else ("status",)
        return await self._tokens.get(lease, services=services, scopes=scopes, refused=refused)

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
