"""GPUs as manifests and bids name them, and those of a lease as the Console tells them since autumn 2026: those of the
bid, and those in its containers.

What cannot be read as a whole is absent: a GPU that is left out would make a lease look as if it had fewer. Shapes and
meanings: akash-network/console `lease-gpu.service.ts`.
"""

from __future__ import annotations

from pydantic import Field

from akash_mcp.clients.api_model import ApiModel, CamelApiModel, ListOf, Whole


class GpuAttribute(ApiModel):
    """One kind of GPU, such as `vendor/nvidia/model/h100/ram/80Gi/interface/sxm`."""

    key: str


class Units(ApiModel):
    """How many."""

    val: Whole = 0


class GpuUnits(ApiModel):
    """So many GPUs of one of some kinds; of any, or not told, without one."""

    units: Units = Units()
    attributes: ListOf[GpuAttribute] = Field(default_factory=list)

    @property
    def kinds(self) -> list[str]:
        """The kinds as they are written."""
        return [attribute.key for attribute in self.attributes]


class Resources(ApiModel):
    """The part of a resource unit that is read, in a manifest and in a bid."""

    gpu: GpuUnits = GpuUnits()


class OfferedUnit(ApiModel):
    """One resource unit of a bid, for `count` replicas."""

    resources: Resources = Resources()
    count: Whole = 1


class OfferedGpu(CamelApiModel):
    """A model that the provider bid with. `ram` as in `80Gi`; `count` is of all replicas of all services."""

    vendor: str = ""
    model: str = ""
    display_name: str = ""
    ram: str = ""
    interface: str = ""
    count: Whole = 0


class OfferedGpus(CamelApiModel):
    """The GPUs of a bid. A service whose offer names several models is not among them."""

    gpus: ListOf[OfferedGpu]
    recorded_at: str = ""


class SeenGpu(CamelApiModel):
    """A model that was seen inside the containers of a service, all replicas together.

    Without a `model` it is not in the Console's catalogue, and `display_name` is its driver's name for it. `memory_mb`
    is in MiB, as the driver says.
    """

    vendor: str = ""
    model: str = ""
    display_name: str = ""
    memory_mb: Whole = 0
    interface: str = ""
    count: Whole = 0


class SeenService(CamelApiModel):
    """What one service sees. Nothing says little: a container without a tool that lists GPUs tells none."""

    service: str
    gpus: ListOf[SeenGpu]


class DetectedGpus(CamelApiModel):
    """What the Console saw when it looked into the containers of a lease, at `detected_at`."""

    services: ListOf[SeenService]
    driver_version: str = ""
    detected_at: str = ""
