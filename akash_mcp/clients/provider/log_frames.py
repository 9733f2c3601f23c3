"""What a provider's streams say: log lines and Kubernetes events, one JSON object a text frame.

The texts are whatever a container or a cluster wrote: untrusted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from pydantic_core import from_json

_LONGEST_NAME = 253
_POD = re.compile(r"(?P<service>.+?)-(?:[a-z0-9]{5,10}-[a-z0-9]{5}|\d+)")


class LogLine(NamedTuple):
    """One line that a container wrote. `pod` is its Kubernetes pod, `service` the SDL's name for it."""

    pod: str
    message: str
    service: str


@dataclass(frozen=True, slots=True)
class KubeEvent:
    """One Kubernetes event, without time or count.

    The gateway leaves them out. `type` is Normal or Warning.
    """

    type: str
    reason: str
    note: str
    object_kind: str
    object_name: str
    service: str


def log_line(frame: str | bytes, services: tuple[str, ...] = ()) -> LogLine:
    """The log line of a frame; a frame that is not a JSON object is taken as the line itself."""
    entry = _object(frame)
    if entry is None:
        return LogLine("", _text(frame).rstrip("\n"), "")
    pod = _string(entry.get("name"))[:_LONGEST_NAME]
    return LogLine(pod, _string(entry.get("message")), service_of(pod, services))


def kube_event(frame: str | bytes, services: tuple[str, ...] = ()) -> KubeEvent | None:
    """The event of a frame; None for one that is not a JSON object."""
    entry = _object(frame)
    if entry is None:
        return None
    about = entry.get("object")
    about = about if isinstance(about, dict) else {}
    name = _string(about.get("name"))[:_LONGEST_NAME]
    return KubeEvent(
        type=_string(entry.get("type")),
        reason=_string(entry.get("reason")),
        note=_string(entry.get("note")),
        object_kind=_string(about.get("kind")),
        object_name=name,
        service=service_of(name, services),
    )


@lru_cache(maxsize=1024)
def service_of(pod: str, services: tuple[str, ...] = ()) -> str:
    """The service that a pod or other object belongs to: the longest known name that its own begins with.

    Without a match it is the name less what Kubernetes appends: `-<hash>-<id>` or `-<number>`.
    """
    owners = [name for name in services if pod == name or pod.startswith(f"{name}-")]
    if owners:
        return max(owners, key=len)
    match = _POD.fullmatch(pod)
    return match["service"] if match else pod


def _object(frame: str | bytes) -> dict[str, object] | None:
    try:
        value = from_json(frame)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _text(frame: str | bytes) -> str:
    return frame if isinstance(frame, str) else frame.decode("utf-8", "replace")


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""
