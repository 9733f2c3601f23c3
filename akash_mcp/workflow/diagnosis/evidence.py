"""What can be seen of a running lease: its provider's status, its events, the end of its logs, and its web addresses.

Everything is bounded, in lines and in seconds, and what could not be seen is recorded. Nothing is judged here.
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
from akash_mcp.workflow.desired_state import DesiredService, DesiredState
from akash_mcp.workflow.diagnosis.sdl_notes import SdlNote, notes_of
from akash_mcp.workflow.runtime import Runtime

STATUS_SECONDS = 12.0
STREAM_SECONDS = 6.0
"""For the events, and once more for all logs together: what came by then is looked at."""

_OPENING_SECONDS = 3.0

_EVENTS = 2_000
_LOG_TAIL = 20
_LOG_LINES = 200
_LOGS_OF = 8
_PROBES = 16
_SERVICES = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ServiceEvidence:
    """One service: `ready` of `desired` replicas, and the events about its objects in their order.

    `log_tail`: the last lines of its log, where it was read, and `log_is_whole` unless it is that of a run that goes
    on. `probes`: what its web addresses answered. `port`: the
    container port behind them, where we know it. `wanted`: what its SDL gives it, where that is known.
    `notes`: what the check of that SDL says of it, for a service that is not ready.
    """

    name: str
    ready: int
    desired: int
    events: tuple[KubeEvent, ...] = ()
    log_tail: tuple[LogLine, ...] = ()
    log_is_whole: bool = True
    probes: tuple[Probe, ...] = ()
    port: int | None = None
    wanted: DesiredService | None = None
    notes: tuple[SdlNote, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Whether all of its replicas are ready."""
        return self.ready >= self.desired


@dataclass(frozen=True, slots=True)
class LeaseEvidence:
    """One active lease. `failure`: why its provider gave no status. `age`: its seconds, None where not known.

    `hosts` are the host names that its manifest asks for, where we know it.
    """

    lease: LeaseId
    age: float | None = None
    services: tuple[ServiceEvidence, ...] = ()
    hosts: tuple[str, ...] = ()
    failure: AkashError | None = None
    not_known: tuple[str, ...] = ()


async def gather_evidence(rt: Runtime, lease: LeaseId, age: float | None, now: DesiredState) -> LeaseEvidence:
    """Read everything that can be seen of an active lease, which began `age` seconds ago and is told to run what `now`
    says, as far as that is known.
    """
    manifest, wanted = await DesiredState.of(rt, lease.dseq), now.services(lease)
    try:
        with anyio.fail_after(STATUS_SECONDS):
            status = await rt.provider.lease_status(lease)
    except AkashError as failure:
        return LeaseEvidence(lease, age, hosts=manifest.hosts(lease), failure=failure)
    except TimeoutError:
        silent = Interrupted(f"The provider gave no answer within {STATUS_SECONDS:.0f} seconds.")
        return LeaseEvidence(lease, age, hosts=manifest.hosts(lease), failure=silent)
    gathering = _Gathering(rt, lease, status)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gathering.read_events)
        tasks.start_soon(gathering.probe_addresses)
    desired = manifest.replicas(lease)
    services = [
        ServiceEvidence(
            name,
            service.ready,
            desired.get(name, max(service.total, service.replicas, 1)),
            tuple(event for event in gathering.events if event.service == name),
            probes=tuple(gathering.probes.get(name, ())),
            port=manifest.web_port(lease, name),
            wanted=wanted.get(name),
        )
        for name, service in islice(status.services.items(), _SERVICES)
    ]
    if len(status.services) > _SERVICES:
        gathering.not_known.append(f"Only {_SERVICES} of its {len(status.services)} services were looked at.")
    services += [
        ServiceEvidence(name, 0, count) for name, count in desired.items() if name not in status.services
    ]
    if now.sdl and not all(service.is_ready for service in services):
        notes = notes_of(now.sdl)
        services = [replace(service, notes=notes.get(service.name, ())) for service in services]
    return LeaseEvidence(
        lease,
        age,
        tuple(await gathering.with_logs(services)),
        manifest.hosts(lease),
        not_known=tuple(gathering.not_known),
    )


class _Gathering:
    """The reads of one lease, each by itself, so that one that fails takes nothing from the others."""

    def __init__(self, rt: Runtime, lease: LeaseId, status: LeaseStatus) -> None:
        self._rt = rt
        self._lease = lease
        self._status = status
        self.events: list[KubeEvent] = []
        self.probes: dict[str, list[Probe]] = {}
        self.not_known: list[str] = []

    async def read_events(self) -> None:
        def read(until: float) -> AsyncGenerator[KubeEvent, None]:
            return self._rt.provider.events(self._lease, until=until)

        until = anyio.current_time() + STREAM_SECONDS
        self.events = await self._read("its events", read, _EVENTS, until)
        self._note_rest("its events", until)

    async def probe_addresses(self) -> None:
        """Ask the web addresses of services that run; at most `_PROBES`, since a provider may name any number."""
        chosen = [
            (name, uri)
            for name, service in self._status.services.items()
            if service.ready
            for uri in dict.fromkeys(service.uris)
        ]
        if len(chosen) > _PROBES:
            self.not_known.append(f"Only {_PROBES} of its {len(chosen)} web addresses were asked.")

        async def look(name: str, uri: str) -> None:
            self.probes.setdefault(name, []).append(await self._rt.visit(uri))

        async with anyio.create_task_group() as tasks:
            for name, uri in chosen[:_PROBES]:
                tasks.start_soon(look, name, uri)

    async def with_logs(self, services: list[ServiceEvidence]) -> list[ServiceEvidence]:
        """Add the end of the log to each service that is not ready or does not answer, and return all of them.

        Each log is asked for alone: one replica that has not started makes the provider refuse the logs of all.
        """
        ends = anyio.current_time() + STREAM_SECONDS
        complete = {service.name: service for service in services}

        async def add_log(service: ServiceEvidence) -> None:
            complete[service.name] = await self._with_log(service, ends)

        async with anyio.create_task_group() as tasks:
            for service in list(filter(_is_suspect, services))[:_LOGS_OF]:
                tasks.start_soon(add_log, service)
        return list(complete.values())

    async def _with_log(self, service: ServiceEvidence, ends: float) -> ServiceEvidence:
        # What ended before and was just started again has not said yet why it ends: it is listened to until it does.
        follow = service.ready == 0 and any(event.reason == "BackOff" for event in service.events)

        def read(until: float) -> AsyncGenerator[LogLine, None]:
            return self._rt.provider.logs(
                self._lease, services=(service.name,), tail=_LOG_TAIL, follow=follow, until=until
            )

        what = f"the log of service {field(service.name)}"
        lines = await self._read(what, read, _LOG_LINES, ends)
        is_whole = anyio.current_time() < ends
        if not follow:
            self._note_rest(what, ends)
        return replace(service, log_tail=tuple(lines), log_is_whole=is_whole)

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
        return list(kept)

    def _note_rest(self, what: str, until: float) -> None:
        if anyio.current_time() >= until:
            self.not_known.append(f"There may be more of {what} than could be read in time.")


def _is_starting(failure: AkashError) -> bool:
    """Whether a replica has just not started yet: the provider then closes a stream of logs and gives no reason."""
    return isinstance(failure, ProviderError) and failure.status == CLOSE_UNKNOWN


def _is_suspect(service: ServiceEvidence) -> bool:
    return not service.is_ready or any(probe.outcome is ProbeOutcome.NO_APP for probe in service.probes)


def seconds_since(created: int, height: int | None) -> float | None:
    """Seconds between the blocks `created` and `height`, None where either is not known."""
    if height is None or not created:
        return None
    return float(max(height - created, 0) * BLOCK_SECONDS)
