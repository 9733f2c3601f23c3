"""The GPUs of a lease, as the Console tells them since autumn 2026: those of the bid, and those in its containers.

What cannot be read as a whole is absent: a GPU that is left out would make a lease look as if it had fewer. Shapes and
meanings: akash-network/console `lease-gpu.service.ts`.
"""

from __future__ import annotations

from akash_mcp.clients.api_model import CamelApiModel, ListOf, Whole


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
