"""What a deployment should run: what its manifest asks for. A provider only reports what there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import BaseModel, Field, TypeAdapter, ValidationError, WrapValidator

from akash_mcp.clients.api_model import or_none
from akash_mcp.clients.console.gpu_models import Resources
from akash_mcp.errors import LedgerUnusable
from akash_mcp.guard.books import journal
from akash_mcp.ids import Dseq, LeaseId
from akash_mcp.sdl import check
from akash_mcp.workflow.gpus import GpuDemand, demand_of
from akash_mcp.workflow.runtime import Runtime

Replicas = Mapping[str, int]
"""Replicas by service. Empty where this server does not have the manifest."""


class _Expose(BaseModel):
    port: int
    externalPort: int = 0
    is_global: bool = Field(False, alias="global")
    hosts: list[str] | None = None


class _Service(BaseModel):
    name: str
    count: Annotated[int, Field(ge=0)]
    expose: list[_Expose] | None = None
    resources: Annotated[Resources | None, WrapValidator(or_none)] = None


class _Group(BaseModel):
    services: list[_Service]


_MANIFEST = TypeAdapter(list[_Group])


class DesiredState:
    """The services of one deployment: from its manifest in our journal, else from the SDL that the Console `stored`.

    Empty where there is neither.
    """

    def __init__(self, groups: Sequence[_Group] = ()) -> None:
        self._groups = groups

    @classmethod
    async def of(cls, rt: Runtime, dseq: Dseq, stored: str = "") -> DesiredState:
        """What one deployment should be."""
        try:
            sources = await rt.store.read(journal.sources, dseq)
            manifest = sources.manifest if sources is not None else check(stored).manifest if stored else None
            return cls(_MANIFEST.validate_json(manifest) if manifest is not None else ())
        except (LedgerUnusable, ValidationError):
            return cls()  # what the provider reports then has to serve as what should be there

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
