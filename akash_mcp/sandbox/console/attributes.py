"""What providers may say of themselves: the schema of attributes, and who says which region."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.responses import answer

_STRING, _NUMBER, _BOOLEAN, _OPTION, _OPTIONS = "string", "number", "boolean", "option", "multiple-option"

# name, key on chain, type, required, description, values
_ATTRIBUTES: tuple[tuple[str, str, str, bool, str, tuple[str, ...]], ...] = (
    ("host", "host", _STRING, True, "Name of the network", ()),
    ("email", "email", _STRING, True, "Where the operator is reached", ()),
    ("organization", "organization", _STRING, True, "Who operates it", ()),
    ("website", "website", _STRING, False, "Its website", ()),
    ("tier", "tier", _OPTION, True, "Community or premium", ("community", "premium")),
    ("status-page", "status-page", _STRING, False, "Page with its incidents", ()),
    ("location-region", "location-region", _OPTION, True, "Region it is in", ()),
    ("country", "country", _STRING, True, "Country code", ()),
    ("city", "city", _STRING, False, "City", ()),
    (
        "timezone",
        "timezone",
        _OPTION,
        False,
        "Offset from UTC",
        ("utc-8", "utc-5", "utc+0", "utc+1", "utc+8"),
    ),
    ("location-type", "location-type", _OPTION, True, "What kind of place", ("datacenter", "office", "home")),
    ("hosting-provider", "hosting-provider", _STRING, False, "Whose machines they are", ()),
    ("hardware-cpu", "capabilities/cpu", _OPTION, True, "Vendor of CPUs", ("amd", "intel", "arm")),
    ("hardware-cpu-arch", "capabilities/cpu/arch", _OPTION, False, "Architecture", ("x86-64", "arm64")),
    ("hardware-gpu", "capabilities/gpu", _OPTION, False, "Vendor of GPUs", ("nvidia", "amd")),
    ("hardware-gpu-model", "capabilities/gpu/model", _OPTIONS, False, "Models of GPUs", ()),
    ("hardware-disk", "capabilities/storage", _OPTIONS, False, "Kinds of disks", ("hdd", "ssd", "nvme")),
    ("hardware-memory", "capabilities/memory", _OPTION, False, "Kind of memory", ("ddr4", "ddr5", "ddr5ecc")),
    ("network-provider", "network-provider", _STRING, False, "Carrier", ()),
    ("network-speed-up", "network-speed-up", _NUMBER, False, "Mbps up", ()),
    ("network-speed-down", "network-speed-down", _NUMBER, False, "Mbps down", ()),
    ("feat-persistent-storage", "feat-persistent-storage", _BOOLEAN, False, "Has persistent storage", ()),
    (
        "feat-persistent-storage-type",
        "feat-persistent-storage-type",
        _OPTIONS,
        False,
        "Classes of persistent storage",
        ("beta1", "beta2", "beta3"),
    ),
    ("workload-support-chia", "workload-support-chia", _BOOLEAN, False, "Chia plotting", ()),
    (
        "workload-support-chia-capabilities",
        "workload-support-chia-capabilities",
        _OPTIONS,
        False,
        "What of Chia",
        ("bladebit", "bladebit-disk"),
    ),
    ("feat-endpoint-ip", "feat-endpoint-ip", _BOOLEAN, False, "Leases IP addresses", ()),
    ("feat-endpoint-custom-domain", "feat-endpoint-custom-domain", _BOOLEAN, False, "Takes own domains", ()),
)


class Attributes:
    """Reads about providers' attributes in general."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        return [
            Endpoint("GET", "/v1/provider-attributes-schema", self.schema, protected=False),
            Endpoint("GET", "/v1/provider-regions", self.regions, protected=False),
            Endpoint("GET", "/v1/trial-providers", self.trials, protected=False),
        ]

    async def schema(self, call: Call) -> Response:
        """Every attribute that Console knows of."""
        regions = self._regions()
        return answer(
            {
                name: {
                    "key": key,
                    "type": kind,
                    "required": required,
                    "description": description,
                    "values": _values(regions if name == "location-region" else values),
                }
                for name, key, kind, required, description, values in _ATTRIBUTES
            }
        )

    async def regions(self, call: Call) -> Response:
        """Regions with the providers that say they are there."""
        return answer(
            [
                {
                    "key": region,
                    "description": region.replace("-", " ").title(),
                    "providers": [
                        address
                        for address, seller in self._backend.market.items()
                        if seller.provider.attributes["location-region"] == region
                    ],
                }
                for region in self._regions()
            ]
        )

    async def trials(self, call: Call) -> Response:
        """Providers that are vouched for to take trials: none here."""
        return answer([])

    def _regions(self) -> tuple[str, ...]:
        held = (seller.provider.attributes["location-region"] for seller in self._backend.market.values())
        return tuple(sorted(set(held)))


def _values(values: tuple[str, ...]) -> list[dict[str, Any]] | None:
    return [{"key": value, "description": value} for value in values] or None
