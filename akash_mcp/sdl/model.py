"""An SDL as values: what its services, profiles, placements and deployment say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from akash_mcp.sdl.yaml.javascript import Value
from akash_mcp.sdl.yaml.loader import Path


@dataclass(frozen=True, slots=True)
class To:
    """Who may reach a port: everybody (`is_global`), the service named `service` (may be empty), or both.

    `ip` is the endpoint whose leased IP it is reached at, empty for none.
    """

    service: str
    is_global: bool
    ip: str


@dataclass(frozen=True, slots=True)
class Expose:
    """One port of a service, and who may reach it.

    `port` is the container's, `outside` what `as` says (0 where it is absent), `proto` TCP or UDP. `accept` holds the
    host names it answers to; `http_options` is as written.
    """

    port: int
    outside: int
    proto: str
    accept: tuple[str, ...]
    to: tuple[To, ...]
    http_options: Mapping[str, Any]

    @property
    def outer_port(self) -> int:
        """The port that callers use: what `as` says, else the container's."""
        return self.outside or self.port

    @property
    def is_open(self) -> bool:
        """Whether everybody can reach it."""
        return any(to.is_global or to.ip for to in self.to)

    @property
    def is_ingress(self) -> bool:
        """Whether a global `to` gets an HTTP host name; every other one gets a random port."""
        return self.proto == "TCP" and self.outer_port == 80


@dataclass(frozen=True, slots=True)
class Mount:
    """Where a service mounts a volume of its profile: at `path`, which is empty where nothing is said."""

    path: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class Params:
    """`params` of a service: mounts by volume name, `permissions` as written (None where absent), and its TEE."""

    storage: Mapping[str, Mount]
    permissions: Mapping[str, Any] | None
    tee: str


@dataclass(frozen=True, slots=True)
class Service:
    """One service: what it runs, with which ports. Empty where absent; `params` and `credentials` are None then."""

    name: str
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: tuple[str, ...]
    expose: tuple[Expose, ...]
    params: Params | None
    credentials: Mapping[str, str] | None

    @property
    def mounts(self) -> Mapping[str, Mount]:
        """Its mounts by volume name."""
        return self.params.storage if self.params else {}

    @property
    def tee(self) -> str:
        """The trusted execution environment it asks for: `cpu`, `cpu-gpu`, or empty."""
        return self.params.tee if self.params else ""


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume of a profile. `index` is its place in the list, None where storage is a single map.

    Without a `name` it is called "default", but only one with a name of its own can be mounted.
    """

    index: int | None
    name: str | None
    size: str
    attributes: Mapping[str, bool | str]

    @property
    def steps(self) -> Path:
        """The path to it from the resources of its profile."""
        return ("storage",) if self.index is None else ("storage", self.index)

    @property
    def kind(self) -> str:
        """Its class: `beta3`, `ram`, …; empty for a volume that lasts as long as its replica."""
        return str(self.attributes.get("class", ""))

    @property
    def persistent(self) -> bool:
        """Whether it outlives its replica. As in Console, most text means yes."""
        lasting = self.attributes.get("persistent", False)
        return lasting if isinstance(lasting, bool) else lasting.lower() not in ("false", "no", "0", "")


@dataclass(frozen=True, slots=True)
class GpuModel:
    """One GPU model that will do. `model` is None where it is not named; `ram` and `interface` may be empty."""

    model: str | None
    ram: str
    interface: str


@dataclass(frozen=True, slots=True)
class Gpu:
    """The GPUs of a profile. `units` as written, None where absent.

    `models` lists those that will do: None is any model, and an empty list is not sent to the chain at all.
    """

    units: int | float | str | None
    has_attributes: bool
    has_vendor: bool
    models: tuple[GpuModel, ...] | None


@dataclass(frozen=True, slots=True)
class Profile:
    """One compute profile: the size of a replica.

    `cpu` as written: cores, or text such as `500m`. `memory` is text such as `512Mi`.
    """

    name: str
    cpu: int | float | str
    cpu_attributes: Mapping[str, Value]
    memory: str
    storage: tuple[Volume, ...]
    gpu: Gpu | None


@dataclass(frozen=True, slots=True)
class Placement:
    """One placement: what is asked of a provider, and the most to pay it.

    `all_of` and `any_of` are the auditors in `signedBy`. `pricing` is the amount per block by profile, as written;
    `denoms` the denom beside it, whatever its type.
    """

    name: str
    attributes: Mapping[str, Value]
    all_of: tuple[str, ...]
    any_of: tuple[str, ...]
    pricing: Mapping[str, int | float | str]
    denoms: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Placed:
    """One entry under `deployment`: how many replicas of which profile."""

    profile: str
    count: int


@dataclass(frozen=True, slots=True)
class Sdl:
    """A whole SDL: services, compute profiles and placements by name, and `deployment` by service and placement.

    `endpoints` are the names of its leased IPs, `min_window` the notice that it wants before a provider takes its
    lease back, as written and empty where it wants none. References between the parts may be broken.
    """

    services: Mapping[str, Service]
    profiles: Mapping[str, Profile]
    placements: Mapping[str, Placement]
    deployment: Mapping[str, Mapping[str, Placed]]
    endpoints: tuple[str, ...]
    min_window: str
