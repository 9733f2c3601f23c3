"""Logs and events of a deployment, read from its providers, bounded, and fenced as other people's text."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

import anyio

from akash_mcp.clients.provider.frames import KubeEvent, LogLine
from akash_mcp.errors import BadArgument, LeaseGone, NotRunningYet, ProviderError, Unreachable
from akash_mcp.guard.untrusted import Cleaned, clean, fence
from akash_mcp.ids import Dseq, LeaseId
from akash_mcp.workflow.runtime import Runtime

T = TypeVar("T")

MAX_BYTES = 10_000
"""What a log answer holds at most; the end is kept. Hosts cut or refuse far larger ones."""

READ_SECONDS = 15.0
"""A backlog that is not over by then is shown as far as it came."""

_KEPT_LINES = 5_000


@dataclass(frozen=True, slots=True)
class Line:
    """One line that a container or its cluster wrote, and the service that it is about."""

    service: str
    text: str


@dataclass
class Collected:
    """Lines from all leases of a deployment. `problems` says what could not be read."""

    lines: list[Line] = field(default_factory=list)
    dropped: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, line: Line) -> None:
        """Keep a line, and let the oldest go when there are too many."""
        self.lines.append(line)
        if len(self.lines) > _KEPT_LINES:
            del self.lines[0]
            self.dropped += 1


async def logs(rt: Runtime, dseq: Dseq, *, service: str | None, tail: int, grep: str | None) -> str:
    """The last `tail` lines of each pod, for one service or all, those with `grep` in them (case does not matter)."""
    collected = await collect_logs(rt, dseq, service=service, tail=tail)
    if grep is not None:
        collected.lines = [line for line in collected.lines if grep.lower() in line.text.lower()]
    what = f"logs of deployment {dseq}" + (f", service {service}" if service else "")
    hint = "Narrow it with service, a smaller tail, or grep."
    return _told(
        what, collected, empty="There are no log lines" + (" with that text." if grep else " yet."), hint=hint
    )


async def events(rt: Runtime, dseq: Dseq, *, service: str | None) -> str:
    """The Kubernetes events that the providers still have, for one service or all."""
    collected = await collect_events(rt, dseq, service=service)
    return _told(
        f"events of deployment {dseq}",
        collected,
        empty="There are no events.",
        hint="Narrow it with service.",
    )


async def collect_logs(rt: Runtime, dseq: Dseq, *, service: str | None = None, tail: int = 100) -> Collected:
    """Log lines as `service: message`."""

    def read(lease: LeaseId) -> AsyncIterator[LogLine]:
        return rt.provider.logs(lease, services=(service,) if service else (), tail=tail)

    return await _collect(rt, dseq, read, lambda line: Line(line.service, f"{line.service}: {line.message}"))


async def collect_events(rt: Runtime, dseq: Dseq, *, service: str | None = None) -> Collected:
    """Events as `Warning BackOff Pod/web-…: note`."""

    def told(event: KubeEvent) -> Line | None:
        # The provider's own filter selects on a label that events do not carry, so the name is matched here.
        return event_line(event) if service in (None, event.service) else None

    return await _collect(rt, dseq, rt.provider.events, told)


def event_line(event: KubeEvent) -> Line:
    """One event as one line."""
    text = f"{event.type} {event.reason} {event.object_kind}/{event.object_name}: {event.note}"
    return Line(event.service, text)


async def _collect(
    rt: Runtime, dseq: Dseq, read: Callable[[LeaseId], AsyncIterator[T]], told: Callable[[T], Line | None]
) -> Collected:
    detail = await rt.reader.get_deployment(dseq)
    leases = detail.active_leases
    if not leases:
        raise BadArgument(
            f"Deployment {dseq} is {detail.state} and has no running lease, so there is nothing to read.",
            next_step="diagnose_deployment says why a lease ended."
            if detail.leases
            else "It was never leased.",
        )
    collected = Collected()
    with anyio.move_on_after(READ_SECONDS) as scope:
        for lease in leases:
            try:
                async for item in read(lease):
                    if (line := told(item)) is not None:
                        collected.add(line)
            except NotRunningYet:
                collected.problems.append(f"Nothing runs at {lease.provider} yet.")
            except LeaseGone:
                collected.problems.append(f"{lease.provider} knows no such lease, or has no manifest for it.")
            except (ProviderError, Unreachable) as failure:
                collected.problems.append(failure.what)
    if scope.cancelled_caught:
        collected.problems.append(f"Reading stopped after {READ_SECONDS:.0f} seconds; there is more.")
    return collected


def _told(what: str, collected: Collected, *, empty: str, hint: str) -> str:
    parts: list[str] = list(_sentences(collected.problems))
    if collected.lines:
        text: Cleaned = clean("\n".join(line.text for line in collected.lines), limit=MAX_BYTES, keep="end")
        if text.cut or collected.dropped:
            parts.append(
                f"The oldest lines are left out: only the last {MAX_BYTES:,} bytes are shown. {hint}"
            )
        parts.append(fence(what, text))
    elif not parts:
        parts.append(empty)
    return "\n".join(parts)


def _sentences(problems: Iterable[str]) -> Iterable[str]:
    return (clean(problem, limit=400).text for problem in problems)
