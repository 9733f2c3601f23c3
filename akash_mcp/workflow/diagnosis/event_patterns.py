"""Which Kubernetes events keep a pod from running, and what kind of cause each points to: out of disk, crash loop, …

The texts are those of Kubernetes (scheduler, kubelet), containerd and runc, and the registries.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from akash_mcp.clients.provider.log_frames import KubeEvent
from akash_mcp.workflow.diagnosis import causes
from akash_mcp.workflow.diagnosis.causes import CauseKind


class PodStage(IntEnum):
    """How far a pod has come on its way to running."""

    SCHEDULED = 1
    MOUNTED = 2
    PULLED = 3
    STARTED = 4
    RUNNING = 5


@dataclass(frozen=True, slots=True)
class EventPattern:
    """An event that keeps a pod from a stage. `text` is searched in `reason: note`, with quoted names left out."""

    stage: PodStage
    kind: CauseKind
    text: re.Pattern[str]


STAGE_PASSED = {
    "Scheduled": PodStage.SCHEDULED,
    "ProvisioningSucceeded": PodStage.MOUNTED,
    "Pulling": PodStage.MOUNTED,
    "Pulled": PodStage.PULLED,
    "Created": PodStage.PULLED,
    "Started": PodStage.STARTED,
}
"""Normal events, and the stage that a pod has then behind it (kubelet events, pkg/kubelet/events)."""


def _pattern(stage: PodStage, kind: CauseKind, text: str) -> EventPattern:
    return EventPattern(stage, kind, re.compile(text, re.I))


_PULL = r"^(?:Failed: Failed to pull image|BackOff: Back-off pulling image).*"
EVENT_PATTERNS = (
    # kube-scheduler: "0/3 nodes are available: 3 Insufficient cpu."
    _pattern(
        PodStage.SCHEDULED,
        causes.VOLUME_NOT_MOUNTED,
        r"^FailedScheduling: .*(?:PersistentVolumeClaim|volume node affinity)",
    ),
    _pattern(PodStage.SCHEDULED, causes.NO_ROOM, r"^FailedScheduling: .*Insufficient "),
    _pattern(PodStage.SCHEDULED, causes.NO_FITTING_NODE, r"^FailedScheduling: "),
    # kubelet and attach-detach controller; the provisioner writes at the claim
    _pattern(
        PodStage.MOUNTED,
        causes.VOLUME_NOT_MOUNTED,
        r"^(?:FailedMount|FailedAttachVolume|FailedMapVolume|ProvisioningFailed): ",
    ),
    _pattern(PodStage.MOUNTED, causes.CONTAINER_NOT_STARTED, r"^FailedCreatePodSandBox: "),
    # kubelet pkg/kubelet/images: what the registry said is at the end of it
    _pattern(
        PodStage.PULLED,
        causes.IMAGE_NAME_INVALID,
        r"^InspectFailed: |InvalidImageName|invalid reference format",
    ),
    _pattern(
        PodStage.PULLED, causes.PULLS_LIMITED, _PULL + r"(?:toomanyrequests|429 Too Many Requests|rate limit)"
    ),
    _pattern(
        PodStage.PULLED,
        causes.IMAGE_NOT_PERMITTED,
        _PULL
        + r"(?:access denied|is denied|: denied|unauthorized|authorization failed|authentication required"
        r"|no basic auth credentials|\b40[13] (?:Unauthorized|Forbidden))",
    ),
    _pattern(
        PodStage.PULLED,
        causes.IMAGE_FOR_OTHER_PLATFORM,
        _PULL + r"(?:no match for platform|no matching manifest)",
    ),
    _pattern(
        PodStage.PULLED,
        causes.REGISTRY_UNREACHABLE,
        _PULL + r"(?:no such host|i/o timeout|connection refused|deadline exceeded|handshake timeout|x509: "
        r"|server misbehaving|network is unreachable)",
    ),
    _pattern(
        PodStage.PULLED,
        causes.IMAGE_NOT_FOUND,
        _PULL + r"(?:: not found|manifest unknown|name unknown|does not exist|404 Not Found)",
    ),
    _pattern(
        PodStage.PULLED,
        causes.IMAGE_NOT_PULLED,
        _PULL + r"|^Failed: Error: (?:ErrImagePull|ImagePullBackOff)",
    ),
    # containerd and runc
    _pattern(
        PodStage.STARTED,
        causes.COMMAND_NOT_FOUND,
        r"^Failed: Error: .*unable to start container process.*"
        r"(?:executable file not found|no such file or directory|permission denied)",
    ),
    _pattern(PodStage.STARTED, causes.CONTAINER_NOT_STARTED, r"^Failed: Error: "),
    # kubelet eviction, and what some clusters add about OOM kills: the kubelet itself writes nothing at the pod
    # (kubernetes issue 69676; xing/kubernetes-oom-event-generator)
    _pattern(PodStage.RUNNING, causes.OUT_OF_DISK, r"^Evicted: .*ephemeral[ -](?:local )?storage"),
    _pattern(PodStage.RUNNING, causes.OUT_OF_MEMORY, r"OOM-?Kill"),
    _pattern(
        PodStage.RUNNING,
        causes.CRASH_LOOP,
        r"^BackOff: Back-off restarting failed container|CrashLoopBackOff",
    ),
    _pattern(PodStage.RUNNING, causes.PROBE_FAILS, r"^Unhealthy: "),
)
"""Each event is read as the first that fits."""

_MATCHED_CHARACTERS = 2_000
"""So much of an event is searched: no known one is longer, and a hostile one may be."""

_QUOTED = re.compile(r'"[^"]*"')


def pattern_of(event: KubeEvent) -> EventPattern | None:
    """The first pattern that an event fits, or None. Quoted names are left out of the search: a tenant chose them."""
    text = _QUOTED.sub("", f"{event.reason}: {event.note}"[:_MATCHED_CHARACTERS])
    return next((pattern for pattern in EVENT_PATTERNS if pattern.text.search(text)), None)
