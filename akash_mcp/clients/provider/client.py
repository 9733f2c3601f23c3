"""A provider's gateway: what runs for a lease, its logs and its Kubernetes events."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import partial
from urllib.parse import urlencode

from akash_mcp.clients.http import UNREADABLE, Upstream
from akash_mcp.clients.lease_status import LEASE_STATUS, LeaseStatus
from akash_mcp.clients.provider.access import ProviderAccess, ProviderSession
from akash_mcp.clients.provider.gateway_errors import MEANINGS, refusal_of
from akash_mcp.clients.provider.log_frames import KubeEvent, LogLine, kube_event, log_line
from akash_mcp.clients.provider.tokens import READ_SCOPES, STATUS_SCOPES
from akash_mcp.clients.public_addresses import bracketed
from akash_mcp.clients.retries import Deadline, Sending
from akash_mcp.errors import ApiError, NotRunningYet, ProviderError
from akash_mcp.ids import LeaseId

STATUS_DEADLINE = Deadline(read=15, total=30)
LARGEST_STATUS = 4 * 2**20
"""Bytes: a service with its addresses takes a few hundred."""


class ProviderClient:
    """Reads what providers' gateways know of leases of ours."""

    def __init__(self, access: ProviderAccess) -> None:
        self._access = access
        self._services: dict[LeaseId, tuple[str, ...]] = {}

    async def lease_status(self, lease: LeaseId) -> LeaseStatus:
        """What runs for a lease.

        Raises `LeaseGone` where the provider does not know it, `NotRunningYet` where nothing has been
        started, `UntrustedProvider`, `TokenRefused`, `Unreachable`, `Interrupted` and `ProviderError`.
        """

        async def status(session: ProviderSession) -> LeaseStatus:
            endpoint = session.endpoint
            async with Upstream(
                f"https://{bracketed(endpoint.address)}:{endpoint.port}",
                name="The provider",
                headers={"host": endpoint.authority, **session.headers},
                secrets=session.secrets,
                meanings=MEANINGS,
                verify=endpoint.context,
                sni=endpoint.host,
                sleep=self._access.sleep,
            ) as gateway:
                try:
                    answer = await gateway.send(
                        "GET",
                        f"{lease.path}/status",
                        sending=Sending.READ,
                        deadline=STATUS_DEADLINE,
                        largest=LARGEST_STATUS,
                    )
                    return answer.read(LEASE_STATUS)
                except ApiError as error:
                    if error.upstream_code == UNREADABLE:
                        raise ProviderError(error.what, status=error.status) from error
                    raise refusal_of(
                        error.status, error.message, error.meanings, endpoint.host, date=gateway.date
                    ) from error

        # Without names a token is for all leases at the provider: so narrow it down to their status.
        services = self._services.get(lease, ())
        scopes = READ_SCOPES if services else STATUS_SCOPES
        found = await self._access.ask(lease, status, scopes=scopes, services=services)
        self._services[lease] = tuple(found.services)
        return found

    async def logs(
        self,
        lease: LeaseId,
        *,
        services: Sequence[str] = (),
        tail: int | None = None,
        follow: bool = False,
        until: float | None = None,
    ) -> AsyncGenerator[LogLine, None]:
        """Log lines of a lease: of `services` only, and of each pod's last `tail` lines, where given.

        With `follow` the stream goes on while the containers run. The pods are those of the moment; new ones
        need a new call. Lines of different pods come in no particular order. It is left at `until`, a time of the
        event loop, and that between two lines. Raises as `lease_status` does, and `Interrupted` where the provider
        falls silent.
        """
        params = {"follow": "true" if follow else "false"}
        if tail is not None:
            params["tail"] = str(tail)
        if services:
            params["service"] = ",".join(services)
        names = await self._service_names(lease, asked=services)
        path = f"{lease.path}/logs?{urlencode(params)}"
        async with self._stream(lease, names, path, until) as frames:
            async for frame in frames:
                yield log_line(frame, names)

    async def events(
        self, lease: LeaseId, *, follow: bool = False, until: float | None = None
    ) -> AsyncGenerator[KubeEvent, None]:
        """Kubernetes events of a lease: those on record, and with `follow` new ones too.

        Left at `until` and raises as `logs`.
        """
        names = await self._service_names(lease)
        path = f"{lease.path}/kubeevents?{urlencode({'follow': 'true' if follow else 'false'})}"
        async with self._stream(lease, names, path, until) as frames:
            async for frame in frames:
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

    @asynccontextmanager
    async def _stream(
        self, lease: LeaseId, services: Sequence[str], path: str, until: float | None
    ) -> AsyncGenerator[AsyncGenerator[bytes, None], None]:
        # Here, not above: most sessions read no stream, and the import is a good part of the server's start.
        from akash_mcp.clients.provider.stream import SILENCE_SECONDS, frames, open_stream

        async with AsyncExitStack() as stack:

            async def opened(session: ProviderSession) -> AsyncGenerator[bytes, None]:
                connection = await stack.enter_async_context(
                    open_stream(session, path, silence=SILENCE_SECONDS)
                )
                confirm = partial(self._access.confirm, lease, session)
                return frames(connection, session.endpoint.host, until, confirm=confirm)

            stream = await self._access.ask(lease, opened, scopes=READ_SCOPES, services=services)
            yield await stack.enter_async_context(aclosing(stream))
