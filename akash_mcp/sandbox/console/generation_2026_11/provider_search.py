"""Reads of the market that narrow it for the reader: a search for providers, and what can be placed now."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox.bidders import in_use
from akash_mcp.sandbox.console import schema
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.provider_records import ProviderRecords
from akash_mcp.sandbox.console.responses import answer
from akash_mcp.sandbox.sellers import Seller

_SORTS = ("name", "leases", "uptime")


class ProviderSearch:
    """What anybody may ask about what is free."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._directory = ProviderRecords(backend)

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        text, flag = schema.optional(schema.string), schema.optional(schema.choice("true", "false"))
        search = {
            "search": text,
            "online": flag,
            "audited": flag,
            "regions": text,
            "gpu": flag,
            "gpuModels": text,
            "sort": schema.optional(schema.choice(*_SORTS), "name"),
            "skip": schema.optional(schema.query_number(0), 0),
            "limit": schema.optional(schema.query_number(1, 100), 100),
        }
        return [
            Endpoint("GET", "/v1/provider-search", self.search, False, query_schema=search),
            Endpoint("GET", "/v1/placement-options", self.options, False),
        ]

    async def search(self, call: Call) -> Response:
        """A page of the providers that match."""
        query = call.query
        market = self._backend.market
        found = [r for r in self._directory.everyone() if _matches(r, market[r["owner"]], query)]
        orders = {
            "name": lambda r: r["name"],
            "leases": lambda r: -r["leaseCount"],
            "uptime": lambda r: -(r["uptime7d"] or 0),
        }
        found.sort(key=orders[query["sort"]])
        skip, limit = query["skip"], query["limit"]
        page = {"total": len(found), "skip": skip, "limit": limit, "hasMore": len(found) > skip + limit}
        return answer({"data": {"providers": found[skip : skip + limit], "pagination": page}})

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


def _matches(record: dict[str, Any], seller: Seller, query: dict[str, Any]) -> bool:
    said = f"{record['name']} {record['owner']} {record['hostUri']} {record['organization']}".lower()
    region = seller.provider.attributes["location-region"]
    model = seller.gpu.model if seller.gpu else None
    flags = (("online", record["isOnline"]), ("audited", record["isAudited"]), ("gpu", model is not None))
    return (
        query.get("search", "").lower() in said
        and all(query.get(key) in (None, "true" if value else "false") for key, value in flags)
        and ("regions" not in query or region in query["regions"].split(","))
        and ("gpuModels" not in query or model in query["gpuModels"].split(","))
    )
