"""What can be placed now: regions, and GPUs that are free."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox.bidders import in_use
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.responses import answer
from akash_mcp.sandbox.sellers import Seller


class ProviderSearch:
    """What anybody may ask about what is free."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        return [
            Endpoint("GET", "/v1/placement-options", self.options, False),
        ]

    async def options(self, call: Call) -> Response:
        """Regions, and the GPUs that audited providers have free."""
        sellers = [seller for seller in self._backend.market.values() if seller.audited]
        regions: dict[str, int] = {}
        vendors: dict[str, dict[str, dict[str, Any]]] = {}
        for seller in sellers:
            region = seller.provider.attributes["location-region"]
            regions[region] = regions.get(region, 0) + 1
            if seller.gpu is None:
                continue
            model = vendors.setdefault(seller.gpu.vendor, {}).setdefault(
                seller.gpu.model,
                {
                    "name": seller.gpu.model,
                    "memory": [],
                    "interface": [],
                    "providerCount": 0,
                    "availableUnits": 0,
                    "maxNodeFreeUnits": 0,
                    "variants": [],
                },
            )
            self._add(model, seller)
        gpus = [{"vendor": vendor, "models": list(models.values())} for vendor, models in vendors.items()]
        options = {"regions": sorted(regions), "regionProviderCounts": regions, "gpus": gpus}
        return answer({"data": options})

    def _add(self, model: dict[str, Any], seller: Seller) -> None:
        gpu = seller.gpu
        if gpu is None:
            return
        used = sum(unit.gpu * unit.count for unit in in_use(self._backend.chain, seller.provider.owner))
        free = max(0, seller.gpus - used)
        model["providerCount"] += 1 if free else 0
        model["availableUnits"] += free
        model["maxNodeFreeUnits"] = max(model["maxNodeFreeUnits"], min(free, seller.node.gpus))
        for key, value in (("memory", gpu.ram), ("interface", gpu.interface)):
            if value not in model[key]:
                model[key].append(value)
        variant = {"memory": gpu.ram, "interface": gpu.interface}
        if variant not in model["variants"]:
            model["variants"].append(variant)
