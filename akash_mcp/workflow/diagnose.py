"""Why a deployment does not do what it should: status, events and logs put together into causes with evidence.

Each rule says what it saw, in the words of the thing that said it, and what mends it. What no rule explains is said
to be unknown; nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from akash_mcp.clients.models import DeploymentDetail
from akash_mcp.errors import AkashError
from akash_mcp.guard.untrusted import field
from akash_mcp.ids import Dseq
from akash_mcp.workflow.runtime import Runtime
from akash_mcp.workflow.status import Standing, standing
from akash_mcp.workflow.streams import Collected, Line, collect_events, collect_logs

_EVIDENCE_LINES = 4
_LOW_HOURS = 1
_KILLED = r"OOMKill"
_RESTARTS = r"CrashLoopBackOff|Back-off restarting|restarting failed container"


@dataclass(frozen=True, slots=True)
class Cause:
    """One likely cause, what points to it (other people's text, cleaned), and what mends it."""

    what: str
    evidence: tuple[str, ...]
    mend: str


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """What was found. Nothing in either list means that it is healthy."""

    causes: tuple[Cause, ...]
    not_known: tuple[str, ...]
    next_step: str


@dataclass(frozen=True, slots=True)
class _Evidence:
    now: Standing
    events: Sequence[Line]
    logs: Sequence[Line]


async def diagnose(rt: Runtime, dseq: Dseq) -> Diagnosed:
    """Look at everything there is. Raises `NotFound` for a deployment that this account does not have."""
    now = await standing(rt, dseq)
    if not now.detail.active_leases:
        causes = tuple(_ended(now.detail))
        return Diagnosed(causes, (), causes[0].mend)
    not_known = [now.readiness.problem] if now.readiness.problem else []
    events = await _lines(lambda: collect_events(rt, dseq), not_known)
    logs = await _lines(lambda: collect_logs(rt, dseq, tail=20), not_known)
    evidence = _Evidence(now, events, logs)
    causes = tuple(cause for rule in _RULES for cause in rule(evidence))
    if not causes and not now.readiness.is_ready:
        waiting = "Its provider has nothing of it yet" if not now.services else "Not every service runs yet"
        not_known.append(f"{waiting}, and nothing in its events or logs says why.")
    if causes:
        next_step = causes[0].mend
    elif not_known:
        next_step = "It may only need more time: look again in a minute."
    else:
        next_step = "Nothing needs doing."
    return Diagnosed(causes, tuple(field(text, 400) for text in not_known), next_step)


async def _lines(collect: Callable[[], Awaitable[Collected]], not_known: list[str]) -> Sequence[Line]:
    try:
        collected = await collect()
    except AkashError as failure:
        not_known.append(failure.what)
        return ()
    return collected.lines


def _ended(detail: DeploymentDetail) -> Iterable[Cause]:
    """Why there is no running lease."""
    if not detail.leases:
        yield Cause(
            "It was never leased."
            if detail.state == "active"
            else "It was closed before anything was leased.",
            (f"state {field(detail.state)}, no leases",),
            "Call list_bids and create_lease, or close_deployment."
            if detail.state == "active"
            else "Deploy it again if it is still wanted.",
        )
        return
    for lease in detail.leases:
        reason = lease.reason or "no reason on record"
        what, mend = _REASONS.get(reason, _UNKNOWN_REASON)
        yield Cause(
            what, (f"lease at {lease.id.provider}: state {field(lease.state)}, {field(reason)}",), mend
        )


_UNKNOWN_REASON = ("The lease is closed.", "Deploy it again if it is still wanted.")
_REASONS = {
    "lease_closed_owner": ("The account closed it.", "Deploy it again if it is still wanted."),
    "lease_closed_reason_insufficient_funds": (
        "Its escrow ran out.",
        "Deploy it again with a larger deposit_usd, and add_funds in time.",
    ),
    "lease_closed_reason_manifest_timeout": (
        "The provider never got its manifest.",
        "Deploy it again; another provider may do better.",
    ),
    "lease_closed_reason_unstable": (
        "The provider closed it, because its containers never became stable.",
        "Try the image locally, mend it, and deploy it again.",
    ),
    "lease_closed_reason_decommission": (
        "The provider went out of service.",
        "Deploy it again with another provider.",
    ),
    "lease_closed_reason_unspecified": (
        "The provider closed it and gave no reason.",
        "Deploy it again with another provider.",
    ),
}


def _image(evidence: _Evidence) -> Iterable[Cause]:
    seen = _matching(evidence.events, r"ErrImagePull|ImagePullBackOff|InvalidImageName|Failed to pull image")
    if not seen:
        return
    private = any(
        re.search(r"unauthorized|denied|authentication required|403|401", line, re.I) for line in seen
    )
    if private:
        yield Cause(
            "The image is private, or the registry does not let it be pulled.",
            seen,
            "Add credentials to the service in the SDL, or use a public image; then deploy again.",
        )
    else:
        yield Cause(
            "The image cannot be pulled: its name or tag does not exist.",
            seen,
            "Correct the image in the SDL and call update_deployment.",
        )


def _memory(evidence: _Evidence) -> Iterable[Cause]:
    seen = _matching(evidence.events, _KILLED)
    if seen:
        yield Cause(
            "A container used more memory than it has and was killed.",
            seen,
            "Deploy it as a new deployment with more memory: resources cannot change in place.",
        )


def _crash(evidence: _Evidence) -> Iterable[Cause]:
    restarted = [line for line in evidence.events if re.search(_RESTARTS, line.text)]
    killed = {line.service for line in evidence.events if re.search(_KILLED, line.text)}
    for service in dict.fromkeys(line.service for line in restarted if line.service not in killed):
        said = [line for line in evidence.logs if line.service == service]
        yield Cause(
            f"The container of service {field(service)} starts and ends again, over and over.",
            (
                *_shown([line for line in restarted if line.service == service][-1:]),
                *_shown(said[-_EVIDENCE_LINES:]),
            ),
            "Its last words are in the evidence: correct the command, args or env, and call update_deployment.",
        )


def _resources(evidence: _Evidence) -> Iterable[Cause]:
    seen = _matching(evidence.events, r"FailedScheduling|Insufficient (cpu|memory|nvidia)")
    if seen and not evidence.now.readiness.is_ready:
        yield Cause(
            "The provider has no node with room for it.",
            seen,
            "Close it and deploy it with another provider.",
        )


def _probe(evidence: _Evidence) -> Iterable[Cause]:
    seen = _matching(evidence.events, r"Unhealthy|probe failed|connection refused")
    if seen:
        yield Cause(
            "The container runs, and nothing answers on its port.",
            seen,
            "Let the port in the SDL's expose be the one that the app listens on, on 0.0.0.0; call update_deployment.",
        )


def _money(evidence: _Evidence) -> Iterable[Cause]:
    hours = evidence.now.hours_left
    if hours is not None and hours < _LOW_HOURS:
        yield Cause(
            f"Its escrow runs out in {hours * 60:.0f} minutes.",
            (f"{evidence.now.escrow_left} left at {evidence.now.usd_per_hour} an hour",),
            "Call add_funds to keep it running.",
        )


_RULES = (_image, _memory, _crash, _resources, _probe, _money)


def _matching(lines: Sequence[Line], pattern: str) -> tuple[str, ...]:
    """The last few distinct lines that match, cleaned for showing."""
    found = dict.fromkeys(line for line in lines if re.search(pattern, line.text))
    return _shown(list(found)[-_EVIDENCE_LINES:])


def _shown(lines: Sequence[Line]) -> tuple[str, ...]:
    return tuple(field(line.text, 300) for line in lines)
