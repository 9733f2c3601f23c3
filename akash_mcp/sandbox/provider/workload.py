"""What runs for one lease: pods that are scheduled, pulled, started, crash and are started again, in simulated time.

Nothing runs in the background. Each pod's life is a generator that says how long to wait before it goes on; looking
at the workload first lets everything happen that is due (`advance`), so a clock that jumps loses nothing.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from akash_mcp.sandbox.clock import Clock
from akash_mcp.sandbox.provider import images
from akash_mcp.sandbox.provider.container import Container
from akash_mcp.sandbox.provider.manifest import Group, Service
from akash_mcp.sandbox.provider.shell.files import Mount, Volume

CREATE_SECONDS = 1.0
"""From an accepted manifest to objects in the cluster. Until then the provider knows no deployments of the lease."""

_SCHEDULE_SECONDS = 0.3
_START_SECONDS = 0.4
_FIRST_BACKOFF_SECONDS = 10.0
_LONGEST_BACKOFF_SECONDS = 300.0
_NOTICE_SECONDS = 1.0
"""The kubelet looks for containers that ended once a second (PLEG)."""
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # what Kubernetes makes names of: no vowels, so no words
_NODE = "node1"


@dataclass(frozen=True)
class LeaseKey:
    """A lease's whole name, owner included."""

    owner: str
    dseq: str
    gseq: int
    oseq: int
    provider: str

    def __str__(self) -> str:
        return f"{self.owner}/{self.dseq}/{self.gseq}/{self.oseq}/{self.provider}"

    @property
    def namespace(self) -> str:
        """The lease's Kubernetes namespace: base32hex of SHA-224, in lower case and unpadded."""
        digest = hashlib.sha224(str(self).encode()).digest()
        return base64.b32hexencode(digest).decode("ascii").rstrip("=").lower()


@dataclass(frozen=True)
class Event:
    """One Kubernetes event of the lease's namespace."""

    type: str
    reason: str
    note: str
    kind: str
    name: str
    controller: str
    instance: str


@dataclass
class Pod:
    """One replica. `container` is the latest run, None before the first."""

    name: str
    service: Service
    behaviour: images.Behaviour
    mounts: tuple[Mount, ...] = ()
    container: Container | None = None
    _life: Iterator[float] = field(default_factory=lambda: iter(()))
    _due: float = math.inf

    @property
    def is_ready(self) -> bool:
        """As Kubernetes sees it: running. Nobody probes, so a container may be ready before its port answers."""
        return self.container is not None and self.container.running

    def listens(self, port: int, now: float) -> bool:
        """Whether its port answers."""
        return self.container is not None and self.container.listens(port, now)


class Workload:
    """The pods, events and logs of one lease, from the acceptance of its manifest on."""

    def __init__(self, key: LeaseKey, group: Group, clock: Clock) -> None:
        self.key = key
        self.clock = clock
        self.closed = False
        self.events: list[Event] = []
        self._services: dict[str, tuple[Service, list[Pod]]] = {}
        self._volumes: dict[tuple[str, int, str], Volume] = {}
        self._accepted = clock.elapsed()
        self._epoch = clock.now() - clock.elapsed()
        self.generation = 0
        self.update(group)

    @property
    def is_created(self) -> bool:
        """Whether the cluster holds its objects yet."""
        return self.clock.elapsed() >= self._accepted + CREATE_SECONDS

    @property
    def services(self) -> dict[str, Service]:
        return {name: service for name, (service, _) in self._services.items()}

    def pods(self, service: str | None = None) -> list[Pod]:
        """The pods of one service or of all, as they are now, ordered by name."""
        self.advance()
        if not self.is_created:
            return []
        chosen = [pods for name, (_, pods) in self._services.items() if service in (None, name)]
        return sorted((pod for pods in chosen for pod in pods), key=lambda pod: pod.name)

    def update(self, group: Group) -> None:
        """Take another manifest: services that changed get new pods, the others keep theirs.

        The same manifest again changes nothing.
        """
        if group.services == tuple(self.services.values()):
            return
        self.generation += 1
        self.group = group.name
        before, self._services = self._services, {}
        for service in group.services:
            known = before.pop(service.name, None)
            if known and known[0] == service:
                self._services[service.name] = known
                continue
            if known:
                self._delete(known[1])
            self._services[service.name] = service, self._replicas(service)
        for _, pods in before.values():
            self._delete(pods)

    def close(self) -> None:
        """The lease is over: everything stops."""
        self.advance()
        for _, pods in self._services.values():
            self._stop(pods)
        self.closed = True

    def available(self, service: str) -> int:
        """The replicas that count as available: those that are ready; of a StatefulSet all, ready or not."""
        spec, pods = self._services[service]
        return len(pods) if spec.is_stateful else sum(pod.is_ready for pod in pods)

    @property
    def is_sound(self) -> bool:
        """Whether every service has as many available replicas as its manifest asks for."""
        return all(self.available(name) >= service.count for name, service in self.services.items())

    @property
    def is_settled(self) -> bool:
        """Whether nothing happens any more by itself."""
        return all(pod._due == math.inf for _, pods in self._services.values() for pod in pods)

    def advance(self, until: float | None = None) -> None:
        """Let happen what is due by now, or by a moment `until` that has been."""
        now = self.clock.elapsed() if until is None else until
        while not self.closed:
            pods = [pod for _, pods in self._services.values() for pod in pods]
            pod = min(pods, key=lambda pod: pod._due, default=None)
            if pod is None or pod._due > now:
                return
            pod._due += next(pod._life, math.inf)

    def _replicas(self, service: Service) -> list[Pod]:
        seed = f"{self.key} {service.decoded} {self.generation}"
        template = _name(seed, 10)
        pods = []
        for index in range(service.count):
            suffix = str(index) if service.is_stateful else f"{template}-{_name(f'{seed} {index}', 5)}"
            pod_name = f"{service.name}-{suffix}"
            pod = Pod(pod_name, service, images.behaviour_of(service, index), self._mounts(service, index))
            pod._life = self._life(pod)
            pod._due = self.clock.elapsed() + CREATE_SECONDS
            pods.append(pod)
        return pods

    def _mounts(self, service: Service, index: int) -> tuple[Mount, ...]:
        """The volumes of one replica: those that persist are the lease's, and every pod in its place gets them."""
        return tuple(
            Mount(
                mount.path,
                self._volumes.setdefault((service.name, index, mount.volume), _fresh_disk())
                if mount.persistent
                else Volume(),
                mount.read_only,
            )
            for mount in service.mounts
        )

    def _delete(self, pods: list[Pod]) -> None:
        for pod in pods:
            self._note_deleted(pod)
        self._stop(pods)

    def _stop(self, pods: list[Pod]) -> None:
        for pod in pods:
            if pod.container is not None and pod.container.running:
                pod.container.running = False
                self._note(pod, "Killing", f"Stopping container {pod.service.name}")
            pod._due = math.inf

    def _note_deleted(self, pod: Pod) -> None:
        if pod.service.is_stateful:
            kind, owner, controller = "StatefulSet", pod.service.name, "statefulset-controller"
            note = f"delete Pod {pod.name} in StatefulSet {owner} successful"
        else:
            kind, owner, controller = "ReplicaSet", pod.name.rpartition("-")[0], "replicaset-controller"
            note = f"Deleted pod: {pod.name}"
        self.events.append(Event("Normal", "SuccessfulDelete", note, kind, owner, controller, ""))

    def _life(self, pod: Pod) -> Iterator[float]:
        """A pod's life. Each value is how many simulated seconds to wait before it goes on."""
        yield _SCHEDULE_SECONDS
        behaviour = pod.behaviour
        if behaviour.lacks is not None:
            self._schedule_failed(pod, behaviour.lacks)
            return
        note = f"Successfully assigned {self.key.namespace}/{pod.name} to {_NODE}"
        self._note(pod, "Scheduled", note, controller="default-scheduler", instance="default-scheduler")
        if not behaviour.mounts:
            yield 10.0
            note = 'MountVolume.SetUp failed for volume "data": rpc error: code = Internal desc = volume is not ready'
            self._note(pod, "FailedMount", note, type="Warning")
            return
        if behaviour.bad_reference is not None:
            self._note(pod, "InspectFailed", behaviour.bad_reference, type="Warning")
            self._note(pod, "Failed", "Error: InvalidImageName", type="Warning")
            return
        yield from self._pull(pod)
        # The kubelet starts what ended for the first time, or after it ran for long, again at once (client-go
        # util/flowcontrol/backoff.go); only then it backs off, and only then there is an event about it.
        backoff = 0.0
        while True:
            yield _START_SECONDS
            began = pod._due
            if behaviour.start_error is not None:
                self._note(pod, "Created", f"Created container: {pod.service.name}")
                self._note(pod, "Failed", f"Error: {behaviour.start_error}", type="Warning")
            else:
                yield from self._run(pod)
            if pod._due - began > 2 * _LONGEST_BACKOFF_SECONDS:
                backoff = 0.0
            yield _NOTICE_SECONDS
            if backoff:
                name = f"{pod.service.name} in pod {pod.name}_{self.key.namespace}"
                self._note(pod, "BackOff", f"Back-off restarting failed container {name}", type="Warning")
                yield backoff
            backoff = min(max(2 * backoff, _FIRST_BACKOFF_SECONDS), _LONGEST_BACKOFF_SECONDS)
            self._note(pod, "Pulled", f'Container image "{pod.service.image}" already present on machine')

    def _schedule_failed(self, pod: Pod, lacks: str) -> None:
        note = (
            f"0/3 nodes are available: {lacks}. preemption: 0/3 nodes are available: "
            "3 No preemption victims found for incoming pod."
        )
        self._note(
            pod,
            "FailedScheduling",
            note,
            type="Warning",
            controller="default-scheduler",
            instance="default-scheduler",
        )

    def _pull(self, pod: Pod) -> Iterator[float]:
        """Pull the image. One that cannot be pulled is tried again for ever, ever more rarely."""
        image = pod.service.image
        behaviour = pod.behaviour
        backoff = _FIRST_BACKOFF_SECONDS
        while True:
            self._note(pod, "Pulling", f'Pulling image "{image}"')
            yield behaviour.pull_seconds
            if behaviour.pull_error is None:
                took = f"{behaviour.pull_seconds:g}s"
                note = f'Successfully pulled image "{image}" in {took} ({took} including waiting). '
                self._note(pod, "Pulled", f"{note}Image size: {behaviour.size} bytes.")
                return
            self._note(
                pod, "Failed", f'Failed to pull image "{image}": {behaviour.pull_error}', type="Warning"
            )
            self._note(pod, "Failed", "Error: ErrImagePull", type="Warning")
            yield 1.0
            self._note(pod, "BackOff", f'Back-off pulling image "{image}"')
            self._note(pod, "Failed", "Error: ImagePullBackOff", type="Warning")
            yield backoff
            backoff = min(2 * backoff, _LONGEST_BACKOFF_SECONDS)

    def _run(self, pod: Pod) -> Iterator[float]:
        """One run of the container, from its start to its end."""
        container = Container.start(pod._due, self._epoch, pod.service, pod.name, pod.mounts)
        pod.container = container
        self._note(pod, "Created", f"Created container: {pod.service.name}")
        self._note(pod, "Started", f"Started container {pod.service.name}")
        yield from container.life()

    def _note(
        self,
        pod: Pod,
        reason: str,
        note: str,
        *,
        type: str = "Normal",
        controller: str = "kubelet",
        instance: str = _NODE,
    ) -> None:
        self.events.append(Event(type, reason, note, "Pod", pod.name, controller, instance))


def _fresh_disk() -> Volume:
    """A disk as it is formatted: ext4 puts a folder into it."""
    return Volume(folders={"/", "/lost+found"})


def _name(seed: str, length: int) -> str:
    digest = hashlib.sha256(seed.encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:length])
