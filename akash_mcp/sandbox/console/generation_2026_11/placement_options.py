"""What can be placed now: regions, and GPUs that are free. Remembered for a minute."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox.bidders import in_use
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.responses import answer
from akash_mcp.sandbox.console.stale_cache import StaleCache
from akash_mcp.sandbox.sellers import Gpu, Seller

_SECONDS = 60


class PlacementOptions:
    """What anybody may ask about what is free."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        elapsed = backend.chain.clock.elapsed
        self._options: StaleCache[dict[str, Any]] = StaleCache(_SECONDS, elapsed, backend.replicas)

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        return [Endpoint("GET", "/v1/placement-options", self.options, False)]

    async def options(self, call: Call) -> Response:
        """Regions, and the GPUs that audited providers have free: without an envelope, unlike most answers."""
        return answer(self._options.get("all", self._count))

    def _count(self) -> dict[str, Any]:
        sellers = [seller for seller in self._backend.market.values() if seller.audited]
        regions: dict[str, int] = {}
        having: dict[str, dict[str, list[tuple[Seller, Gpu]]]] = {}
        for seller in sellers:
            region = seller.provider.attributes["location-region"]
            regions[region] = regions.get(region, 0) + 1
            if seller.gpu:
                models = having.setdefault(seller.gpu.vendor, {})
                models.setdefault(seller.gpu.model, []).append((seller, seller.gpu))
        gpus = [
            {"vendor": vendor, "models": [self._model(name, held) for name, held in models.items()]}
            for vendor, models in having.items()
        ]
        return {"regions": sorted(regions), "regionProviderCounts": regions, "gpus": gpus}

    def _model(self, name: str, held: list[tuple[Seller, Gpu]]) -> dict[str, Any]:
        kinds: dict[tuple[str, str], list[Seller]] = {}
        for seller, gpu in held:
            kinds.setdefault((gpu.ram, gpu.interface), []).append(seller)
        return {
            "name": name,
            "memory": sorted({memory for memory, _ in kinds}),
            "interface": sorted({interface for _, interface in kinds}),
            **self._free([seller for seller, _ in held]),
            "variants": [
                {"memory": memory, "interface": interface, **self._free(sellers)}
                for (memory, interface), sellers in kinds.items()
            ],
        }

    def _free(self, sellers: list[Seller]) -> dict[str, int]:
        """How many of them have some free, how many in all, and the most on one node."""
        free = {}
        for seller in sellers:
            used = sum(unit.gpu * unit.count for unit in in_use(self._backend.chain, seller.provider.owner))
            free[seller.provider.owner] = max(0, seller.gpus - used)
        return {
            "providerCount": sum(1 for count in free.values() if count),
            "availableUnits": sum(free.values()),
            "maxNodeFreeUnits": max(min(free[s.provider.owner], s.node.gpus) for s in sellers),
        }
