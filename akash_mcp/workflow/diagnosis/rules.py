"""From the evidence of one running lease to its causes, to what seems to be over, and to what stays unknown.

Events carry neither time nor count, so what is over is told apart by what came after it in the life of the same pod:
scheduled, volumes mounted, image pulled, container started. Only a container's own end cannot be placed so; while all
replicas of its service are ready it is the past, which is told apart from causes.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from akash_mcp.clients.provider.gateway_errors import CLOSE_NO_CLUSTER, NotProven
from akash_mcp.clients.provider.http_probe import ProbeOutcome
from akash_mcp.clients.provider.log_frames import KubeEvent
from akash_mcp.errors import (
    AkashError,
    Interrupted,
    LeaseGone,
    NotRunningYet,
    ProviderError,
    Unreachable,
    UntrustedProvider,
)
from akash_mcp.sanitize.text import field, quoted
from akash_mcp.workflow.diagnosis import causes
from akash_mcp.workflow.diagnosis.causes import CAUSE_KINDS, MANIFEST_SECONDS, Cause, CauseKind
from akash_mcp.workflow.diagnosis.container_view import likely_view, view_at_start, view_in_log
from akash_mcp.workflow.diagnosis.event_patterns import (
    STAGE_PASSED,
    EventPattern,
    PodStage,
    pattern_of,
)
from akash_mcp.workflow.diagnosis.evidence import LeaseEvidence, ServiceEvidence
from akash_mcp.workflow.diagnosis.log_patterns import exit_code_in, kind_in_log, shows_no_failure
from akash_mcp.workflow.diagnosis.sdl_lacks import gpu_evidence, missing_variables, more_memory
from akash_mcp.workflow.readiness import host_name

DELIVERY_SECONDS = 60.0
"""A manifest is on its way that long after a lease; the Console tries three times, six seconds apart."""

BOOT_SECONDS = 300.0
"""An app that does not listen that long after its lease has more than a slow start."""

_EVIDENCE_LINES = 3
_LINE_BYTES = 500
"""What the registry says is at the end of a failed pull, after the image's name three times over."""
_SHOWN_LOG_LINES = 4


@dataclass
class LeaseDiagnosis:
    """What the evidence of one lease says. `past` is trouble that is over as far as can be told, and not a cause."""

    causes: list[Cause] = dataclasses.field(default_factory=list)
    past: list[str] = dataclasses.field(default_factory=list)
    not_known: list[str] = dataclasses.field(default_factory=list)


_MISSING = re.compile(r"Insufficient ([\w./-]+)")
_GONE = re.compile(r"^Deleted pod: (\S+)$")


def diagnose_lease(seen: LeaseEvidence) -> LeaseDiagnosis:
    """The causes in the evidence of one active lease, in no order: see `in_order`."""
    found = LeaseDiagnosis(not_known=list(seen.not_known))
    if seen.failure is not None:
        _no_status(seen, seen.failure, found)
    elif not seen.services:
        found.not_known.append(f"{seen.lease.provider} reports no services for the lease.")
    for service in seen.services:
        _diagnose_service(service, seen, found)
    return found


def in_order(causes: Iterable[Cause]) -> tuple[Cause, ...]:
    """The most decisive first."""
    return tuple(sorted(causes, key=lambda cause: CAUSE_KINDS.index(cause.kind)))


def _no_status(seen: LeaseEvidence, failure: AkashError, found: LeaseDiagnosis) -> None:
    """What it means that a provider gave no status of a lease."""
    provider = seen.lease.provider
    evidence = (field(failure.what, 300),)
    match failure:
        case NotRunningYet():
            found.not_known.append(f"{provider} has the manifest and has started nothing yet.")
        case LeaseGone():
            _no_manifest(seen, found)
        case UntrustedProvider() if not isinstance(failure, NotProven):
            found.causes.append(causes.PROVIDER_UNTRUSTED.cause(evidence))
        case ProviderError(status=status) if status in (503, CLOSE_NO_CLUSTER):
            found.causes.append(causes.CLUSTER_DOWN.cause(evidence))
        case Unreachable() | Interrupted():
            found.causes.append(causes.PROVIDER_UNREACHABLE.cause(evidence))
        case _:
            found.not_known.append(f"{provider} could not be asked: {evidence[0]}")


def _no_manifest(seen: LeaseEvidence, found: LeaseDiagnosis) -> None:
    provider, age = seen.lease.provider, seen.age
    if age is not None and age < DELIVERY_SECONDS:
        found.not_known.append(
            f"{provider} knows nothing of the lease yet, {age:.0f} s after it began: the manifest may be on its way."
        )
        return
    since = "" if age is None else f", {age / 60:.0f} minutes after it began"
    evidence = [f"{provider} knows no such lease (404){since}, and on the chain it is active"]
    if age is not None and age > MANIFEST_SECONDS:
        evidence.append(
            "a provider that is sent nothing closes a lease after 5 minutes: so it was sent a manifest and refused it"
        )
    else:
        evidence.append("a provider that is sent nothing closes a lease after 5 minutes")
    found.causes.append(causes.NO_MANIFEST.cause(tuple(evidence)))
    if seen.hosts:
        hosts = tuple(f"host name in the SDL: {host_name(host)}" for host in seen.hosts[:_EVIDENCE_LINES])
        found.causes.append(causes.HOST_TAKEN.cause(hosts))


def _diagnose_service(service: ServiceEvidence, seen: LeaseEvidence, found: LeaseDiagnosis) -> None:
    pods = _pods(service.events)
    if service.is_ready:
        found.past += _past_trouble(service, pods)
    else:
        before = len(found.causes)
        _not_ready(service, pods, found)
        if len(found.causes) == before:
            found.not_known.append(
                f"{service.ready} of {service.desired} replicas of service {host_name(service.name)} run, and "
                "neither its events nor its log says why. Clusters keep events for about an hour."
            )
    _diagnose_addresses(service, seen, found)


@dataclass
class _Pod:
    """The events of one pod as it is now, and by stage those that keep it from reaching that stage."""

    name: str
    events: list[KubeEvent] = dataclasses.field(default_factory=list)
    blockers: dict[PodStage, list[tuple[EventPattern, KubeEvent]]] = dataclasses.field(default_factory=dict)
    is_pulling: bool = False

    def add(self, event: KubeEvent) -> None:
        self.events.append(event)
        reached = STAGE_PASSED.get(event.reason)
        if reached is not None:
            self.is_pulling = event.reason == "Pulling" or (self.is_pulling and reached < PodStage.PULLED)
            self.blockers = {stage: events for stage, events in self.blockers.items() if stage > reached}
            return
        pattern = pattern_of(event)
        if pattern is not None:
            self.blockers.setdefault(pattern.stage, []).append((pattern, event))

    @property
    def stage(self) -> PodStage | None:
        """The first stage that something keeps it from."""
        return min(self.blockers, default=None)

    @property
    def kind(self) -> CauseKind | None:
        """The most decisive cause that keeps it from its stage."""
        blocking = self.blockers.get(self.stage, []) if self.stage else []
        return min((pattern.kind for pattern, _ in blocking), key=CAUSE_KINDS.index, default=None)

    def events_of(self, kind: CauseKind) -> list[KubeEvent]:
        """The events that point to one kind of cause."""
        return [
            event
            for blocking in self.blockers.values()
            for pattern, event in blocking
            if pattern.kind is kind
        ]

    def lines(self, kind: CauseKind) -> list[str]:
        """The same as evidence, each once."""
        return list(dict.fromkeys(map(_line, self.events_of(kind))))


def _pods(events: Sequence[KubeEvent]) -> list[_Pod]:
    """The pods that are still there, each with the events of its present life: a StatefulSet uses names again."""
    gone = {
        match[1]
        for event in events
        if (match := _GONE.match(event.note)) and event.reason == "SuccessfulDelete"
    }
    pods: dict[str, _Pod] = {}
    for event in events:
        name = event.object_name
        if event.object_kind not in ("Pod", "PersistentVolumeClaim") or name in gone:
            continue
        if event.reason == "Killing" and event.note.startswith("Stopping container"):
            pods.pop(name, None)
            continue
        pod = pods.setdefault(name, _Pod(name))
        was_scheduled = any(earlier.reason == "Scheduled" for earlier in pod.events)
        if was_scheduled and event.reason in ("Scheduled", "FailedScheduling"):
            pod = pods[name] = _Pod(name)
        pod.add(event)
    return list(pods.values())


def _not_ready(service: ServiceEvidence, pods: Sequence[_Pod], found: LeaseDiagnosis) -> None:
    stuck = [pod for pod in pods if pod.stage is not None and pod.stage < PodStage.RUNNING]
    ended = [pod for pod in pods if pod.stage is PodStage.RUNNING]
    if len(stuck) >= service.desired - service.ready:
        ended = []  # they explain all that is missing, so whatever ended is up again
    facts = {
        "service": host_name(service.name),
        "replicas": _replicas(service),
        "memory": more_memory(service.wanted),
    }
    for kind in dict.fromkeys(pod.kind for pod in stuck if pod.kind):
        found.causes.append(_not_started(service, [pod for pod in stuck if pod.kind is kind], kind, facts))
    for kind in dict.fromkeys(pod.kind for pod in ended if pod.kind):
        cause = _container_ended(service, [pod for pod in ended if pod.kind is kind], kind, facts)
        found.causes.append(cause)
        if cause.kind is causes.CRASH_LOOP and (likely := likely_view(service.notes)):
            found.causes.append(likely.kind.cause(likely.evidence, **facts | likely.facts))
    pulling = [pod for pod in pods if pod.is_pulling and pod.stage is None]
    if pulling:
        lines = _last_few(_line(pod.events[-1]) for pod in pulling)
        found.causes.append(causes.STILL_PULLING.cause(lines, **facts))


def _not_started(
    service: ServiceEvidence, pods: Sequence[_Pod], kind: CauseKind, facts: dict[str, str]
) -> Cause:
    """Why pods do not come to run, as exactly as their events say."""
    lines = _last_few(line for pod in pods for line in pod.lines(kind))
    said_by_sdl: tuple[str, ...] = ()
    if kind is causes.COMMAND_NOT_FOUND:
        notes = (event.note for pod in pods for event in pod.events_of(kind))
        if view := view_at_start(notes, service.notes):
            kind, facts, said_by_sdl = view.kind, facts | view.facts, view.evidence
    return kind.cause((*lines, *said_by_sdl), resources=_missing_resources(lines), **facts)


def _container_ended(
    service: ServiceEvidence, pods: Sequence[_Pod], kind: CauseKind, facts: dict[str, str]
) -> Cause:
    """Why containers end, as exactly as the last lines of their logs say."""
    names = {pod.name for pod in pods}
    log_lines = [line.message for line in service.log_tail if line.pod in names]
    said_by_sdl: tuple[str, ...] = ()
    if kind is causes.CRASH_LOOP:
        # What a run that goes on has not said yet speaks neither for it nor against it.
        quiet = causes.ENDS_BY_ITSELF if service.log_is_whole and shows_no_failure(log_lines) else kind
        kind = kind_in_log(log_lines) or quiet
        if kind is quiet and (view := view_in_log(log_lines, service.wanted, service.notes)):
            kind, facts, said_by_sdl = view.kind, facts | view.facts, view.evidence
        elif kind is quiet and (variables := missing_variables(log_lines, service.wanted)):
            kind = causes.VARIABLE_NOT_SET
            facts = facts | {"variables": ", ".join(variables), "variable": variables[0]}
        elif kind is quiet and (needs := gpu_evidence(log_lines, service.wanted)):
            kind = causes.GPU_NOT_ASKED_FOR
            facts = facts | {"shown": needs}
    exit_code = exit_code_in(log_lines)
    code = (
        f"with exit code {exit_code}, as its log says"
        if exit_code
        else "and the provider does not report its exit code"
    )
    lines = _last_few(_line(event) for pod in pods for _, event in pod.blockers[PodStage.RUNNING])
    shown = tuple(f"end of its log: {quoted(message, 300)}" for message in log_lines[-_SHOWN_LOG_LINES:])
    said = (*(shown or ("its log is empty, or could not be read",)), *said_by_sdl)
    return kind.cause((*lines, *said), code=code, **facts)


def _past_trouble(service: ServiceEvidence, pods: Sequence[_Pod]) -> list[str]:
    lines = _last_few(
        _line(event) for pod in pods for blocking in pod.blockers.values() for _, event in blocking
    )
    name = host_name(service.name)
    return [
        f"Service {name} is ready now, and had trouble at some time in the last hour or so: {line}"
        for line in lines[-1:]
    ]


def _diagnose_addresses(service: ServiceEvidence, seen: LeaseEvidence, found: LeaseDiagnosis) -> None:
    """What the service's web addresses answered. One that could not be asked proves nothing."""
    name = host_name(service.name)
    answers = {probe.outcome for probe in service.probes}
    for probe in service.probes:
        uri = host_name(probe.uri)
        if probe.outcome is ProbeOutcome.NO_NAME and (probe.uri in seen.hosts or len(answers) > 1):
            known = (other.uri for other in service.probes if other.outcome is not ProbeOutcome.NO_NAME)
            target = host_name(next(known, "")) or "the provider's own host name for it"
            found.causes.append(
                causes.HOST_NOT_IN_DNS.cause((f"{uri}: {probe.message}",), service=name, target=target)
            )
        elif (
            probe.outcome in (ProbeOutcome.NO_NAME, ProbeOutcome.UNKNOWN)
            and ProbeOutcome.LISTENS not in answers
        ):
            found.not_known.append(
                f"Whether service {name} answers at {uri} is not known: it {probe.message}."
            )
    silent = [probe for probe in service.probes if probe.outcome is ProbeOutcome.NO_APP]
    if not silent or ProbeOutcome.LISTENS in answers:
        return
    evidence = tuple(f"http://{host_name(probe.uri)}/ {probe.message}" for probe in silent)
    if seen.age is not None and seen.age < BOOT_SECONDS:
        found.not_known.append(
            f"Service {name} runs, and nothing listens behind its ingress yet ({evidence[0]}): an app that loads a lot "
            "takes minutes to begin."
        )
        return
    log_lines = tuple(
        f"end of its log: {quoted(line.message, 300)}" for line in service.log_tail[-_EVIDENCE_LINES:]
    )
    port = f" (port {service.port} of the container)" if service.port else ""
    found.causes.append(causes.NOTHING_LISTENS.cause((*evidence, *log_lines), service=name, port=port))


def _replicas(service: ServiceEvidence) -> str:
    """How many replicas run, in brackets; empty where there should be only one."""
    return f" ({service.ready} of {service.desired} replicas run)" if service.desired > 1 else ""


def _missing_resources(lines: Iterable[str]) -> str:
    """The resources that the scheduler says are insufficient, as an SDL names them; `room` where it names none."""
    named = dict.fromkeys(name for line in lines for name in _MISSING.findall(line))
    resources = [
        "gpu" if "/gpu" in name else "storage" if "storage" in name else name.rstrip(".,") for name in named
    ]
    return ", ".join(dict.fromkeys(resources)) or "room"


def _line(event: KubeEvent) -> str:
    text = f"{event.type} {event.reason} {event.object_kind}/{event.object_name}: {event.note}"
    return f"event: {quoted(text, _LINE_BYTES)}"


def _last_few(lines: Iterable[str]) -> tuple[str, ...]:
    """The last few, each once."""
    return tuple(dict.fromkeys(lines))[-_EVIDENCE_LINES:]
