"""What runs for a lease, as its provider tells it (akash-network/provider gateway/rest), read leniently.

Everything here is the provider's own word. Counts that cannot be are brought to the nearest that can: a provider that
lies about its replicas must not keep anyone from seeing, and so from closing, the deployment.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import (
    BeforeValidator,
    Field,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from akash_mcp.clients.api_model import ApiModel, CamelApiModel, MapOf, RecordsOf, Whole, believable

MOST_REPLICAS = 1_000_000
"""A count above it is taken for it."""


def _count(value: object) -> int:
    count = believable(value, Decimal(10**64))
    if count is None:
        raise ValueError("it is not a count")
    return int(min(max(count, Decimal(0)), Decimal(MOST_REPLICAS)))


Count = Annotated[int, BeforeValidator(_count)]


class ServiceStatus(ApiModel):
    """One service as its provider sees it. `uris` are bare host names."""

    is_unread: bool = False
    """Whether the provider told something of it that cannot be read."""
    name: str = ""
    available: Count = 0
    total: Count = 0
    """Replicas there are now; not how many there should be."""
    uris: RecordsOf[str] = Field(default_factory=list)
    observed_generation: Whole = 0
    replicas: Count = 0
    updated_replicas: Count | None = None
    ready_replicas: Count | None = None
    """None from providers that do not tell."""
    available_replicas: Count = 0

    @property
    def ready(self) -> int:
        """How many replicas run and are ready.

        `available` says so too, except of a service with persistent storage: there it counts all pods, also those
        that do not run yet (akash-network/provider cluster/kube). So it is believed only where nothing better is known.
        """
        return self.available if self.ready_replicas is None else self.ready_replicas

    @property
    def is_rolled_out(self) -> bool:
        """Whether no replica of an earlier manifest is left, as far as the provider tells."""
        return not self.updated_replicas or self.replicas <= self.updated_replicas


class ForwardedPort(CamelApiModel):
    """A port of a service that is open on the provider's host."""

    host: str = ""
    port: Whole = 0
    external_port: Whole = 0
    proto: str = "TCP"
    name: str = ""


class LeasedIp(ApiModel):
    """A leased IP address. Only here are the wire's keys capitalised."""

    ip: str = Field("", alias="IP")
    port: Whole = Field(0, alias="Port")
    external_port: Whole = Field(0, alias="ExternalPort")
    protocol: str = Field("TCP", alias="Protocol")


def _or_not_ready(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    """A service that cannot be read is one that does not run: left out, it would keep no lease from being ready."""
    try:
        return handler(value)
    except ValidationError:
        return ServiceStatus(is_unread=True)


class LeaseStatus(ApiModel):
    """What runs for a lease. Go nulls are read as empty. `errors`: what the provider could not tell, in its words."""

    services: MapOf[Annotated[ServiceStatus, WrapValidator(_or_not_ready)]] = Field(default_factory=dict)
    forwarded_ports: MapOf[RecordsOf[ForwardedPort]] = Field(default_factory=dict)
    ips: MapOf[RecordsOf[LeasedIp]] = Field(default_factory=dict)
    errors: RecordsOf[str] = Field(default_factory=list)

    @property
    def unread_services(self) -> list[str]:
        """The services of which the provider told something that cannot be read."""
        return [name for name, service in self.services.items() if service.is_unread]

    @property
    def is_ready(self) -> bool:
        """Whether every service that is there has all of the replicas that are there running, and there is one."""
        return bool(self.services) and all(
            s.ready >= max(s.total, 1) and s.is_rolled_out for s in self.services.values()
        )


LEASE_STATUS = TypeAdapter(LeaseStatus)
