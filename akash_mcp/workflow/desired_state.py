"""What a deployment should run: what its manifest asks for. A provider only reports what there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, Field, TypeAdapter, ValidationError, WrapValidator

from akash_mcp.clients.api_model import ApiModel, ListOf, or_none
from akash_mcp.clients.console.gpu_models import Resources, Units
from akash_mcp.clients.console.models import DeploymentDetail
from akash_mcp.errors import LedgerUnusable
from akash_mcp.guard.books import journal
from akash_mcp.ids import Dseq, LeaseId
from akash_mcp.sdl import check
from akash_mcp.workflow.gpus import GpuDemand, demand_of
from akash_mcp.workflow.runtime import Runtime

Replicas = Mapping[str, int]
"""Replicas by service. Empty where this server does not have the manifest."""


@dataclass(frozen=True, slots=True)
class DesiredDisk:
    """One volume of each replica. `size` in bytes; without a `kind` (its class) it lasts as long as its replica.

    `mount`: where it stands in the container; empty where that is not said.
    """

    name: str
    size: int
    kind: str
    mount: str


@dataclass(frozen=True, slots=True)
class DesiredService:
    """One service as its manifest asks for it. The words are those of whoever wrote the SDL.

    `memory`: bytes of one replica, None where not told; `gpus`: how many each replica gets, None where not told.
    `variables`: the names of its environment. `public_ports`: what everybody may reach, as `80 HTTP` or `22 TCP`.
    """

    name: str
    replicas: int
    image: str = ""
    memory: int | None = None
    gpus: int | None = None
    variables: frozenset[str] = frozenset()
    disks: tuple[DesiredDisk, ...] = ()
    public_ports: tuple[str, ...] = ()


class _Expose(BaseModel):
    port: int
    externalPort: int = 0
    proto: str = "TCP"
    ip: str = ""
    is_global: bool = Field(False, alias="global")
    hosts: list[str] | None = None

    @property
    def public_port(self) -> str | None:
        outside = self.externalPort or self.port
        if not (self.is_global or self.ip):
            return None
        is_http = self.proto == "TCP" and outside == 80 and not self.ip
        return f"{outside} {'HTTP' if is_http else 'UDP' if self.proto == 'UDP' else 'TCP'}"


def _told(units: Units) -> int | None:
    return units.val if "val" in units.model_fields_set else None


class _Attribute(ApiModel):
    key: str
    value: str = ""


class _Memory(ApiModel):
    size: Units = Units()


class _Volume(ApiModel):
    name: str = ""
    size: Units = Units()
    attributes: ListOf[_Attribute] = Field(default_factory=list)

    @property
    def kind(self) -> str:
        return next((each.value for each in self.attributes if each.key == "class"), "")


class _Resources(Resources):
    memory: _Memory = _Memory()
    storage: ListOf[_Volume] = Field(default_factory=list)


class _Mount(ApiModel):
    name: str = ""
    mount: str = ""


class _Params(ApiModel):
    storage: ListOf[_Mount] = Field(default_factory=list)


class _Service(BaseModel):
    name: str
    count: Annotated[int, Field(ge=0)]
    image: str = ""
    env: list[str] | None = None
    expose: list[_Expose] | None = None
    resources: Annotated[_Resources | None, WrapValidator(or_none)] = None
    params: Annotated[_Params | None, WrapValidator(or_none)] = None

    @property
    def desired(self) -> DesiredService:
        given, mounts = self.resources or _Resources(), self.params.storage if self.params else []
        mounted = {each.name: each.mount for each in mounts}
        ports = (expose.public_port for expose in self.expose or ())
        return DesiredService(
            self.name,
            self.count,
            self.image,
            _told(given.memory.size),
            _told(given.gpu.units),
            frozenset(variable.partition("=")[0] for variable in self.env or ()),
            tuple(
                DesiredDisk(each.name, each.size.val, each.kind, mounted.get(each.name, ""))
                for each in given.storage
                if each.size.val > 0
            ),
            tuple(dict.fromkeys(port for port in ports if port)),
        )


class _Group(BaseModel):
    services: list[_Service]


_MANIFEST = TypeAdapter(list[_Group])


_UNITS = ("Ti", "Gi", "Mi", "Ki")


def size_text(count: int) -> str:
    """Bytes as an SDL writes a size: `512Mi`, `1.5Gi`."""
    for power, unit in zip((4, 3, 2, 1), _UNITS, strict=True):
        if count >= 1024**power:
            return f"{count / 1024**power:.4g}{unit}"
    return str(count)


class DesiredState:
    """The services of one deployment: from its manifest in our journal, else from the SDL that the Console `stored`.

    Empty where there is neither. `sdl` is the text that asks for it, where `now` knows it.
    """

    def __init__(self, groups: Sequence[_Group] = (), sdl: str = "") -> None:
        self._groups = groups
        self.sdl = sdl

    @classmethod
    async def of(cls, rt: Runtime, dseq: Dseq, stored: str = "") -> DesiredState:
        """What one deployment should be."""
        try:
            sources = await rt.store.read(journal.sources, dseq)
        except LedgerUnusable:
            return cls()  # what the provider reports then has to serve as what should be there
        return cls._of(
            sources.manifest if sources is not None else check(stored).manifest if stored else None
        )

    @classmethod
    async def now(cls, rt: Runtime, detail: DeploymentDetail) -> DesiredState:
        """What a deployment is told to run at this moment, as its record proves it.

        Empty where that is not known: its owner may have changed elsewhere what this server gave it.
        """
        stored = detail.stored
        version = stored.manifest_version if stored and stored.manifest_version else detail.manifest_hash
        try:
            sources = await rt.store.read(journal.sources, detail.dseq)
        except LedgerUnusable:
            sources = None  # the Console may still know
        if sources is not None and sources.version == version:
            return cls._of(sources.manifest, sources.sdl)
        return cls._of(check(stored.sdl).manifest, stored.sdl) if stored and stored.sdl else cls()

    @classmethod
    def _of(cls, manifest: str | None, sdl: str = "") -> DesiredState:
        try:
            return cls(_MANIFEST.validate_json(manifest) if manifest is not None else (), sdl)
        except ValidationError:
            return cls()

    @property
    def by_group(self) -> Mapping[tuple[int, str], DesiredService]:
        """All services, by the `gseq` of their group and their name."""
        return {
            (gseq, service.name): service.desired
            for gseq, group in enumerate(self._groups, start=1)
            for service in group.services
        }

    def services(self, lease: LeaseId) -> Mapping[str, DesiredService]:
        """The services of a lease by name."""
        return {service.name: service.desired for service in self._services(lease)}

    @property
    def groups(self) -> int:
        """How many groups it has, which is how many leases it needs; 0 where this server does not have the manifest."""
        return len(self._groups)

    def replicas(self, lease: LeaseId) -> Replicas:
        """How many replicas each service of a lease should have."""
        return {service.name: service.count for service in self._services(lease)}

    def gpu_demands(self, lease: LeaseId) -> Mapping[str, GpuDemand]:
        """The GPUs that each service of a lease asks for; services that ask for none are left out."""
        asking = ((each, each.resources.gpu) for each in self._services(lease) if each.resources)
        return {
            each.name: demand_of(gpu.units.val, each.count, gpu.kinds)
            for each, gpu in asking
            if gpu.units.val > 0
        }

    def hosts(self, lease: LeaseId) -> tuple[str, ...]:
        """The host names that the services of a lease ask for (`accept` in the SDL)."""
        return tuple(host for _, expose in self._exposes(lease) for host in expose.hosts or ())

    def web_port(self, lease: LeaseId, service: str) -> int | None:
        """The container port that the ingress forwards HTTP requests for a service to, or None."""
        for name, expose in self._exposes(lease):
            if name == service and expose.is_global and (expose.externalPort or expose.port) == 80:
                return expose.port
        return None

    def _services(self, lease: LeaseId) -> list[_Service]:
        # The groups of a manifest stand in the order of their `gseq`.
        return self._groups[lease.gseq - 1].services if 1 <= lease.gseq <= len(self._groups) else []

    def _exposes(self, lease: LeaseId) -> Iterator[tuple[str, _Expose]]:
        return (
            (service.name, expose) for service in self._services(lease) for expose in service.expose or ()
        )
