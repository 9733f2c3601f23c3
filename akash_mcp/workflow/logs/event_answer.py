"""What `get_events` answers: the Kubernetes events of a deployment, equal ones counted."""

from __future__ import annotations

from contextlib import aclosing

import anyio

from akash_mcp.ids import Dseq, LeaseId
from akash_mcp.sanitize.text import clean, fence, field, one_line
from akash_mcp.workflow.logs.lease_streams import READ_SECONDS, read_leases
from akash_mcp.workflow.runtime import Runtime

MAX_BYTES = 10_000
"""The most that the events of an answer take. Hosts cut or refuse far larger answers."""

_LINE_BYTES = 1_000
_KEPT = 500


async def event_answer(rt: Runtime, dseq: Dseq, *, service: str | None) -> str:
    """Read the events that the providers still have, of one service or all, and write them in their order, newest last.

    Providers leave out when and how often, so equal events are one line, which stands where the last of them did and
    begins with how many there were. Raises `BadArgument` for a deployment without a running lease.
    """
    until = anyio.current_time() + READ_SECONDS
    counts: dict[str, int] = {}
    dropped = 0

    async def read(lease: LeaseId) -> None:
        nonlocal dropped
        async with aclosing(rt.provider.events(lease, until=until)) as stream:
            async for event in stream:
                # The provider's own filter selects on a label that events do not carry, so the name is matched here.
                if service not in (None, event.service):
                    continue
                about = f"{event.object_kind}/{event.object_name}"
                line = one_line(f"{event.type} {event.reason} {about}: {event.note}", limit=_LINE_BYTES)
                counts[line] = counts.pop(line, 0) + 1
                if len(counts) > _KEPT:
                    del counts[next(iter(counts))]
                    dropped += 1

    problems = await read_leases(rt, dseq, read, service=service)
    parts = [field(problem, 400) for problem in problems]
    if anyio.current_time() >= until:
        parts.append(f"Reading stopped after {READ_SECONDS:.0f} seconds; there are more.")
    if counts:
        lines = [f"{count}x {line}" if count > 1 else line for line, count in counts.items()]
        shown = clean("\n".join(lines), limit=MAX_BYTES, keep="end")
        if shown.cut or dropped:
            parts.append("The oldest events are left out. To see them, ask with service.")
        what = f"events of deployment {dseq}" + (f", service {service}" if service else "")
        parts.append(fence(what, shown))
    elif not parts:
        parts.append("There are no events." if service is None else "There are no events of that service.")
    return "\n".join(parts)
