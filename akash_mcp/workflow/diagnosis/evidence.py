"""What can be seen of a lease that runs: its provider's status, its events, last words, and its own web addresses.

Everything is bounded, in lines and in time, and what could not be seen is said. Nothing is judged here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

import anyio

from akash_mcp.clients.lease_status import LeaseStatus
from akash_mcp.clients.provider.gateway_errors import CLOSE_UNKNOWN
from akash_mcp.clients.provider.http_probe import Probe, ProbeOutcome
from akash_mcp.clients.provider.log_frames import KubeEvent, LogLine
from akash_mcp.errors import AkashError, Interrupted, NotRunningYet, ProviderError
from akash_mcp.ids import LeaseId
from akash_mcp.money import BLOCK_SECONDS
from akash_mcp.sanitize.text import field
from akash_mcp.workflow.desired_state import Declared
from akash_mcp.workflow.runtime import Runtime

STATUS_SECONDS = 12.0
STREAM_SECONDS = 6.0
"""For the events, and once more for all logs together: what came by then is looked at."""

_OPENING_SECONDS = 3.0

_EVENTS = 2_000
_LOG_TAIL = 20
_LOG_LINES = 200
_LOGS_OF = 8
_LOOKS = 16
_SERVICES = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ServiceView:
    """One service: `ready` of `wanted` replicas, the events about its objects in their order, the last lines of its
    log where it was read, what its web addresses answered, and the container port behind them where we know it."""

    name: str
    ready: int
    wanted: int
    events: tuple[KubeEvent, ...] = ()
    last_words: tuple[LogLine, ...] = ()
    looks: tuple[Probe, ...] = ()
    port: int | None = None

    @property
    def is_up(self) -> bool:
        """Whether all of its replicas are ready."""
        return self.ready >= self.wanted


@dataclass(frozen=True, slots=True)
class LeaseView:
    """One active lease. `failure` is why its provider told nothing; `age` its seconds, None where not known.

    `hosts` are the host names that its manifest asks for, where we know it.
    """

    lease: LeaseId
    age: float | None = None
    services: tuple[ServiceView, ...] = ()
    hosts: tuple[str, ...] = ()
    failure: AkashError | None = None
    not_known: tuple[str, ...] = ()


async def view(rt: Runtime, lease: LeaseId, age: float | None) -> LeaseView:
    """Look at everything that there is of an active lease."""
    declared = Declared(rt, lease.dseq)
    try:
        with anyio.fail_after(STATUS_SECONDS):
            status = await rt.provider.lease_status(lease)
    except AkashError as failure:
        return LeaseView(lease, age, hosts=declared.hosts(lease), failure=failure)
    except TimeoutError:
        silent = Interrupted(f"The provider gave no answer within {STATUS_SECONDS:.0f} seconds.")
        return LeaseView(lease, age, hosts=declared.hosts(lease), failure=silent)
    seen = _Seen(rt, lease, status)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(seen.read_events)
        tasks.start_soon(seen.visit)
    wanted = declared.replicas(lease)
    views = [
        ServiceView(
            name,
            service.ready,
            wanted.get(name, max(service.total, service.replicas, 1)),
            tuple(event for event in seen.events if event.service == name),
            looks=tuple(seen.looks.get(name, ())),
            port=declared.web_port(lease, name),
        )
        for name, service in islice(status.services.items(), _SERVICES)
    ]
    if len(status.services) > _SERVICES:
        seen.not_known.append(f"Only {_SERVICES} of its {len(status.services)} services were looked at.")
    views += [ServiceView(name, 0, count) for name, count in wanted.items() if name not in status.services]
    return LeaseView(
        lease, age, tuple(await seen.hear(views)), declared.hosts(lease), not_known=tuple(seen.not_known)
    )


class _Seen:
    """What one look gathers, read by read, so that one that fails takes nothing from the others."""

    def __init__(self, rt: Runtime, lease: LeaseId, status: LeaseStatus) -> None:
        self._rt = rt
        self._lease = lease
        self._status = status
        self.events: list[KubeEvent] = []
        self.looks: dict[str, list[Probe]] = {}
        self.not_known: list[str] = []

    async def read_events(self) -> None:
        def read(until: float) -> AsyncGenerator[KubeEvent, None]:
            return self._rt.provider.events(self._lease, until=until)

        self.events = await self._read("its events", read, _EVENTS, anyio.current_time() + STREAM_SECONDS)

    async def visit(self) -> None:
        """Look at the web addresses of services that run; of a few, since a provider may name any number."""
        chosen = [
            (name, uri)
            for name, service in self._status.services.items()
            if service.ready
            for uri in dict.fromkeys(service.uris)
        ]
        if len(chosen) > _LOOKS:
            self.not_known.append(f"Only {_LOOKS} of its {len(chosen)} web addresses were asked.")

        async def look(name: str, uri: str) -> None:
            self.looks.setdefault(name, []).append(await self._rt.visit(uri))

        async with anyio.create_task_group() as tasks:
            for name, uri in chosen[:_LOOKS]:
                tasks.start_soon(look, name, uri)

    async def hear(self, views: list[ServiceView]) -> list[ServiceView]:
        """The same services, with the last words of those that are not up or do not answer.

        Each is asked for alone: one replica that has not started makes the provider refuse the logs of all.
        """
        ends = anyio.current_time() + STREAM_SECONDS
        asked = 0
        heard = []
        for service in views:
            if asked < _LOGS_OF and anyio.current_time() < ends and _is_suspect(service):
                asked += 1
                service = replace(service, last_words=tuple(await self._read_log(service.name, ends)))
            heard.append(service)
        return heard

    async def _read_log(self, service: str, ends: float) -> list[LogLine]:
        def read(until: float) -> AsyncGenerator[LogLine, None]:
            return self._rt.provider.logs(self._lease, services=(service,), tail=_LOG_TAIL, until=until)

        return await self._read(f"the log of service {field(service)}", read, _LOG_LINES, ends)

    async def _read(
        self, what: str, read: Callable[[float], AsyncGenerator[T, None]], most: int, until: float
    ) -> list[T]:
        kept: deque[T] = deque(maxlen=most)
        # A stream that is open ends at `until` by itself; one that does not even open is cut off a little later.
        with anyio.move_on_after(until - anyio.current_time() + _OPENING_SECONDS):
            try:
                async with aclosing(read(until)) as items:
                    async for item in items:
                        kept.append(item)
            except NotRunningYet:
                return []
            except AkashError as failure:
                if not _is_starting(failure):
                    self.not_known.append(f"{what[0].upper()}{what[1:]} could not be read: {failure.what}")
        if anyio.current_time() >= until:
            self.not_known.append(f"There may be more of {what} than could be read in time.")
        return list(kept)


def _is_starting(failure: AkashError) -> bool:
    """Whether it is only that a replica has not started, for which a stream of logs is closed without a word."""
    return isinstance(failure, ProviderError) and failure.status == CLOSE_UNKNOWN


def _is_suspect(service: ServiceView) -> bool:
    return not service.is_up or any(look.outcome is ProbeOutcome.NOBODY for look in service.looks)


def seconds_since(created: int, height: int | None) -> float | None:
    """How long before a block `height` another was made, None where either is not known."""
    if height is None or not created:
        return None
    return float(max(height - created, 0) * BLOCK_SECONDS)
