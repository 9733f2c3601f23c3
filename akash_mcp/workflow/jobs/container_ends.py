"""Whose containers have ended, as far as lists of Kubernetes events show it.

Events have neither time nor count, and Kubernetes keeps equal ones as one: a container that is started again for the
first time often adds nothing to the list but a `Pulled` that finds its image on the node. From its second end on there
is a `BackOff`. After an hour an event is forgotten, so what an earlier list showed is remembered here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from akash_mcp.clients.provider.log_frames import KubeEvent

_OF_A_START = ("Pulling", "Pulled", "Created", "Started")


@dataclass
class PodLife:
    """One pod since it was scheduled. `is_stopping`: it is taken away, so an end of its container says nothing.

    `number`: a StatefulSet uses names again, so a name can have several lives. `starts`: what was said of its starts.
    """

    number: int = 1
    has_started: bool = False
    has_ended: bool = False
    is_stopping: bool = False
    starts: list[KubeEvent] = field(default_factory=list)


class PodLives:
    """The pods of one service over several looks at its events."""

    def __init__(self, service: str) -> None:
        self._service = service
        self.pods: dict[str, PodLife] = {}
        """As the last look showed them, by name."""

    def look(self, events: Iterable[KubeEvent]) -> None:
        """Take in a whole list of events, oldest first."""
        seen: dict[str, PodLife] = {}
        for event in events:
            if event.object_kind == "Pod" and event.service == self._service:
                _add(seen, event)
        for name, before in self.pods.items():
            pod = seen.setdefault(name, PodLife(before.number))
            if pod.number > before.number:
                continue
            # What a start says comes before its `Started`: what is new after that is of another start.
            new = [start for start in pod.starts if start not in before.starts]
            pod.has_ended |= before.has_ended or (before.has_started and bool(new))
            pod.starts = [*before.starts, *new]
            pod.has_started |= before.has_started
            pod.is_stopping |= before.is_stopping
        self.pods = seen


def _add(pods: dict[str, PodLife], event: KubeEvent) -> None:
    pod = pods.setdefault(event.object_name, PodLife())
    if event.reason == "Scheduled" and pod.starts:
        pods[event.object_name] = PodLife(pod.number + 1)
    elif event.reason == "Killing":
        pod.is_stopping |= event.note.startswith("Stopping container")
    elif event.reason == "BackOff":
        pod.has_ended |= pod.has_started and "restarting failed container" in event.note
    elif event.reason in _OF_A_START:
        was_pulled = any(start.reason == "Pulled" for start in pod.starts)
        pod.has_ended |= pod.has_started and was_pulled and event.reason in ("Pulled", "Started")
        pod.has_started |= event.reason == "Started"
        pod.starts.append(event)
