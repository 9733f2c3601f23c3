"""What the view of a running lease comes to: causes, what seems to be over, and what stays unknown.

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
from akash_mcp.sanitize.text import field
from akash_mcp.workflow.diagnosis import causes
from akash_mcp.workflow.diagnosis.causes import AILMENTS, MANIFEST_SECONDS, Ailment, Cause
from akash_mcp.workflow.diagnosis.event_patterns import (
    REACHED,
    Sign,
    Stage,
    ailment_of,
    exit_code_in,
    sign_of,
)
from akash_mcp.workflow.diagnosis.evidence import LeaseView, ServiceView

DELIVERY_SECONDS = 60.0
"""A manifest is on its way that long after a lease; the Console tries three times, six seconds apart."""

BOOT_SECONDS = 300.0
"""An app that does not listen that long after its lease has more than a slow start."""

_EVIDENCE_LINES = 3
_LINE_BYTES = 500
"""What the registry said stands at the end of a failed pull, after the image's name three times over."""
_LAST_WORDS = 4


@dataclass
class Findings:
    """What a lease's signs come to. `past` is over as far as can be told, and no cause."""

    causes: list[Cause] = dataclasses.field(default_factory=list)
    past: list[str] = dataclasses.field(default_factory=list)
    not_known: list[str] = dataclasses.field(default_factory=list)


_SHORT_OF = re.compile(r"Insufficient ([\w./-]+)")
_NAME = re.compile(r"[A-Za-z0-9_.:\[\]-]{1,260}")
_GONE = re.compile(r"^Deleted pod: (\S+)$")


def findings(view: LeaseView) -> Findings:
    """Everything that the view of one active lease tells."""
    found = Findings(not_known=list(view.not_known))
    if view.failure is not None:
        _silent(view, view.failure, found)
    elif not view.services:
        found.not_known.append(f"{view.lease.provider} tells of no service of the lease.")
    for service in view.services:
        _judge(service, view, found)
    return found


def in_order(causes: Iterable[Cause]) -> tuple[Cause, ...]:
    """The most decisive first."""
    return tuple(sorted(causes, key=lambda cause: AILMENTS.index(cause.ailment)))


def _silent(view: LeaseView, failure: AkashError, found: Findings) -> None:
    """What it means that a provider told nothing of a lease."""
    provider = view.lease.provider
    words = (field(failure.what, 300),)
    match failure:
        case NotRunningYet():
            found.not_known.append(f"{provider} has the manifest and has started nothing yet.")
        case LeaseGone():
            _undelivered(view, found)
        case UntrustedProvider() if not isinstance(failure, NotProven):
            found.causes.append(causes.UNTRUSTED.cause(words))
        case ProviderError(status=status) if status in (503, CLOSE_NO_CLUSTER):
            found.causes.append(causes.CLUSTER_DOWN.cause(words))
        case Unreachable() | Interrupted():
            found.causes.append(causes.UNREACHABLE.cause(words))
        case _:
            found.not_known.append(f"{provider} could not be asked: {words[0]}")


def _undelivered(view: LeaseView, found: Findings) -> None:
    provider, age = view.lease.provider, view.age
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
    if view.hosts:
        hosts = tuple(f"host name in the SDL: {_name(host)}" for host in view.hosts[:_EVIDENCE_LINES])
        found.causes.append(causes.HOST_TAKEN.cause(hosts))


def _judge(service: ServiceView, view: LeaseView, found: Findings) -> None:
    pods = _pods(service.events)
    if service.is_up:
        found.past += _past(service, pods)
    else:
        before = len(found.causes)
        _not_up(service, pods, found)
        if len(found.causes) == before:
            found.not_known.append(
                f"{service.ready} of {service.wanted} replicas of service {_name(service.name)} run, and "
                "neither its events nor its log says why. Clusters keep events for about an hour."
            )
    _judge_answers(service, view, found)


@dataclass
class _Pod:
    """The events of one pod as it is now, and what stands in its way by stage."""

    name: str
    events: list[KubeEvent] = dataclasses.field(default_factory=list)
    open: dict[Stage, list[tuple[Sign, KubeEvent]]] = dataclasses.field(default_factory=dict)
    is_pulling: bool = False

    def add(self, event: KubeEvent) -> None:
        self.events.append(event)
        reached = REACHED.get(event.reason)
        if reached is not None:
            self.is_pulling = event.reason == "Pulling" or (self.is_pulling and reached < Stage.PULLED)
            self.open = {stage: signs for stage, signs in self.open.items() if stage > reached}
            return
        sign = sign_of(event)
        if sign is not None:
            self.open.setdefault(sign.stage, []).append((sign, event))

    @property
    def stage(self) -> Stage | None:
        """The stage that it is kept from."""
        return min(self.open, default=None)

    @property
    def ailment(self) -> Ailment | None:
        """The most telling of what keeps it."""
        signs = self.open.get(self.stage, []) if self.stage else []
        return min((sign.ailment for sign, _ in signs), key=AILMENTS.index, default=None)

    def lines(self, ailment: Ailment) -> list[str]:
        """The events that point to an ailment."""
        shown = [
            _line(event) for signs in self.open.values() for sign, event in signs if sign.ailment is ailment
        ]
        return list(dict.fromkeys(shown))


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


def _not_up(service: ServiceView, pods: Sequence[_Pod], found: Findings) -> None:
    stuck = [pod for pod in pods if pod.stage is not None and pod.stage < Stage.RUNNING]
    ended = [pod for pod in pods if pod.stage is Stage.RUNNING]
    if len(stuck) >= service.wanted - service.ready:
        ended = []  # they explain all that is missing, so whatever ended is up again
    facts = {"service": _name(service.name), "replicas": _replicas(service)}
    for ailment in dict.fromkeys(pod.ailment for pod in stuck if pod.ailment):
        lines = _some(line for pod in stuck if pod.ailment is ailment for line in pod.lines(ailment))
        found.causes.append(ailment.cause(lines, resources=_short_of(lines), **facts))
    for ailment in dict.fromkeys(pod.ailment for pod in ended if pod.ailment):
        found.causes.append(_ended(service, [pod for pod in ended if pod.ailment is ailment], ailment, facts))
    pulling = [pod for pod in pods if pod.is_pulling and pod.stage is None]
    if pulling:
        lines = _some(_line(pod.events[-1]) for pod in pulling)
        found.causes.append(causes.PULLING.cause(lines, **facts))


def _ended(service: ServiceView, pods: Sequence[_Pod], ailment: Ailment, facts: dict[str, str]) -> Cause:
    """Why containers end, as exactly as their last words tell."""
    names = {pod.name for pod in pods}
    said = [line.message for line in service.last_words if line.pod in names]
    if ailment is causes.CRASH:
        ailment = ailment_of(said) or ailment
    told = exit_code_in(said)
    code = (
        f"with exit code {told} by its own words" if told else "and the provider does not tell its exit code"
    )
    lines = _some(_line(event) for pod in pods for _, event in pod.open[Stage.RUNNING])
    shown = tuple(f"last words: {field(message, 300)}" for message in said[-_LAST_WORDS:])
    return ailment.cause(
        (*lines, *(shown or ("its log is empty, or could not be read",))), code=code, **facts
    )


def _past(service: ServiceView, pods: Sequence[_Pod]) -> list[str]:
    lines = _some(_line(event) for pod in pods for signs in pod.open.values() for _, event in signs)
    name = _name(service.name)
    return [
        f"Service {name} is up now, and had trouble at some time in the last hour or so: {line}"
        for line in lines[-1:]
    ]


def _judge_answers(service: ServiceView, view: LeaseView, found: Findings) -> None:
    """What the service's web addresses answered. One that could not be asked proves nothing."""
    name = _name(service.name)
    answers = {look.outcome for look in service.looks}
    for look in service.looks:
        uri = _name(look.uri)
        if look.outcome is ProbeOutcome.NO_NAME and (look.uri in view.hosts or len(answers) > 1):
            known = (other.uri for other in service.looks if other.outcome is not ProbeOutcome.NO_NAME)
            target = _name(next(known, "")) or "the provider's own host name for it"
            found.causes.append(causes.NO_DNS.cause((f"{uri}: {look.message}",), service=name, target=target))
        elif (
            look.outcome in (ProbeOutcome.NO_NAME, ProbeOutcome.UNKNOWN)
            and ProbeOutcome.LISTENS not in answers
        ):
            found.not_known.append(
                f"Whether service {name} answers at {uri} is not known: it {look.message}."
            )
    silent = [look for look in service.looks if look.outcome is ProbeOutcome.NOBODY]
    if not silent or ProbeOutcome.LISTENS in answers:
        return
    evidence = tuple(f"http://{_name(look.uri)}/ {look.message}" for look in silent)
    if view.age is not None and view.age < BOOT_SECONDS:
        found.not_known.append(
            f"Service {name} runs, and nothing listens behind its ingress yet ({evidence[0]}): an app that loads a lot "
            "takes minutes to begin."
        )
        return
    said = tuple(f"its log: {field(line.message, 300)}" for line in service.last_words[-_EVIDENCE_LINES:])
    port = f" (port {service.port} of the container)" if service.port else ""
    found.causes.append(causes.DEAF.cause((*evidence, *said), service=name, port=port))


def _replicas(service: ServiceView) -> str:
    """Nothing where none or the only replica is meant, else how many run."""
    return f" ({service.ready} of {service.wanted} replicas run)" if service.wanted > 1 else ""


def _name(text: str) -> str:
    """A name that stands in a sentence of ours, where a provider chose it: nothing that could be a sentence itself."""
    return text if _NAME.fullmatch(text) else "(no proper name)" if text else ""


def _short_of(lines: Iterable[str]) -> str:
    """What the scheduler is short of, in an SDL's words."""
    named = dict.fromkeys(name for line in lines for name in _SHORT_OF.findall(line))
    words = [
        "gpu" if "/gpu" in name else "storage" if "storage" in name else name.rstrip(".,") for name in named
    ]
    return ", ".join(dict.fromkeys(words)) or "room"


def _line(event: KubeEvent) -> str:
    text = f"{event.type} {event.reason} {event.object_kind}/{event.object_name}: {event.note}"
    return field(text, _LINE_BYTES)


def _some(lines: Iterable[str]) -> tuple[str, ...]:
    """The last few, each once."""
    return tuple(dict.fromkeys(lines))[-_EVIDENCE_LINES:]
