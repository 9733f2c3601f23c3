"""What the texts of a cluster mean: events that stand in the way of a pod, and the last words of a container.

Texts are those of Kubernetes (scheduler, kubelet), containerd and runc, the registries, and common runtimes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from akash_mcp.clients.provider.log_frames import KubeEvent
from akash_mcp.workflow.diagnosis import causes
from akash_mcp.workflow.diagnosis.causes import Ailment


class Stage(IntEnum):
    """How far a pod has come on its way to running."""

    SCHEDULED = 1
    MOUNTED = 2
    PULLED = 3
    STARTED = 4
    RUNNING = 5


@dataclass(frozen=True, slots=True)
class Sign:
    """An event that stands in the way of a stage. `text` is looked for in `reason: note`, quoted names left out."""

    stage: Stage
    ailment: Ailment
    text: re.Pattern[str]


REACHED = {
    "Scheduled": Stage.SCHEDULED,
    "ProvisioningSucceeded": Stage.MOUNTED,
    "Pulling": Stage.MOUNTED,
    "Pulled": Stage.PULLED,
    "Created": Stage.PULLED,
    "Started": Stage.STARTED,
}
"""Normal events, and the stage that a pod has then behind it (kubelet events, pkg/kubelet/events)."""


def _sign(stage: Stage, ailment: Ailment, text: str) -> Sign:
    return Sign(stage, ailment, re.compile(text, re.I))


_PULL = r"^(?:Failed: Failed to pull image|BackOff: Back-off pulling image).*"
SIGNS = (
    # kube-scheduler: "0/3 nodes are available: 3 Insufficient cpu."
    _sign(
        Stage.SCHEDULED,
        causes.VOLUME,
        r"^FailedScheduling: .*(?:PersistentVolumeClaim|volume node affinity)",
    ),
    _sign(Stage.SCHEDULED, causes.NO_ROOM, r"^FailedScheduling: .*Insufficient "),
    _sign(Stage.SCHEDULED, causes.NO_NODE, r"^FailedScheduling: "),
    # kubelet and attach-detach controller; the provisioner writes at the claim
    _sign(
        Stage.MOUNTED,
        causes.VOLUME,
        r"^(?:FailedMount|FailedAttachVolume|FailedMapVolume|ProvisioningFailed): ",
    ),
    _sign(Stage.MOUNTED, causes.NOT_STARTED, r"^FailedCreatePodSandBox: "),
    # kubelet pkg/kubelet/images: what the registry said is at the end of it
    _sign(Stage.PULLED, causes.BAD_NAME, r"^InspectFailed: |InvalidImageName|invalid reference format"),
    _sign(Stage.PULLED, causes.RATE_LIMITED, _PULL + r"(?:toomanyrequests|429 Too Many Requests|rate limit)"),
    _sign(
        Stage.PULLED,
        causes.NO_PERMISSION,
        _PULL
        + r"(?:access denied|is denied|: denied|unauthorized|authorization failed|authentication required"
        r"|no basic auth credentials|\b40[13] (?:Unauthorized|Forbidden))",
    ),
    _sign(Stage.PULLED, causes.WRONG_PLATFORM, _PULL + r"(?:no match for platform|no matching manifest)"),
    _sign(
        Stage.PULLED,
        causes.NO_REGISTRY,
        _PULL + r"(?:no such host|i/o timeout|connection refused|deadline exceeded|handshake timeout|x509: "
        r"|server misbehaving|network is unreachable)",
    ),
    _sign(
        Stage.PULLED,
        causes.NOT_FOUND,
        _PULL + r"(?:: not found|manifest unknown|name unknown|does not exist|404 Not Found)",
    ),
    _sign(Stage.PULLED, causes.NOT_PULLED, _PULL + r"|^Failed: Error: (?:ErrImagePull|ImagePullBackOff)"),
    # containerd and runc
    _sign(
        Stage.STARTED,
        causes.NO_PROGRAM,
        r"^Failed: Error: .*unable to start container process.*"
        r"(?:executable file not found|no such file or directory|permission denied)",
    ),
    _sign(Stage.STARTED, causes.NOT_STARTED, r"^Failed: Error: "),
    # kubelet eviction, and what some clusters add about OOM kills: the kubelet itself writes nothing at the pod
    # (kubernetes issue 69676; xing/kubernetes-oom-event-generator)
    _sign(Stage.RUNNING, causes.OUT_OF_DISK, r"^Evicted: .*ephemeral[ -](?:local )?storage"),
    _sign(Stage.RUNNING, causes.OUT_OF_MEMORY, r"OOM-?Kill"),
    _sign(Stage.RUNNING, causes.CRASH, r"^BackOff: Back-off restarting failed container|CrashLoopBackOff"),
    _sign(Stage.RUNNING, causes.PROBE, r"^Unhealthy: "),
)
"""Each event is read as the first that fits."""

LAST_WORDS = (
    (
        causes.GPU_MEMORY,
        re.compile(r"(?:CUDA|HIP)(?: error)?: ?out of memory|OutOfMemoryError: (?:CUDA|HIP)", re.I),
    ),
    (causes.WRONG_PLATFORM, re.compile(r"exec format error", re.I)),
    (
        causes.MAYBE_MEMORY,
        re.compile(
            r"^(?:.*: )?(?:line \d+: +\d+ )?Killed\b|OOM-?Killed|java\.lang\.OutOfMemoryError|\bMemoryError\b"
            r"|heap out of memory|std::bad_alloc|cannot allocate memory|exit(?:ed)? (?:with )?(?:code|status) 137",
            re.I,
        ),
    ),
)
"""What the end of a log says of a container that ends again and again: shells, JVM, Python, Node.js, C++, PyTorch."""

_MATCHED = 2_000
"""So much of a text is looked at: no known one is longer, and a hostile one may be."""

_EXIT_CODE = re.compile(r"\bexit(?:ed|ing)?(?: with)?(?: exit)? (?:code|status)[ :=]+(\d{1,3})\b", re.I)
_QUOTED = re.compile(r'"[^"]*"')


def sign_of(event: KubeEvent) -> Sign | None:
    """What an event stands in the way of, if anything. Quoted names are left out: they are a tenant's."""
    text = _QUOTED.sub("", f"{event.reason}: {event.note}"[:_MATCHED])
    return next((sign for sign in SIGNS if sign.text.search(text)), None)


def ailment_of(said: list[str]) -> Ailment | None:
    """What the last words of a container that ends again and again tell, if anything."""
    lines = [line[:_MATCHED] for line in said]
    return next((ailment for ailment, text in LAST_WORDS if any(map(text.search, lines))), None)


def exit_code_in(said: list[str]) -> str | None:
    """The last exit code that they name."""
    told = [match[1] for line in said if (match := _EXIT_CODE.search(line[:_MATCHED]))]
    return told[-1] if told else None
