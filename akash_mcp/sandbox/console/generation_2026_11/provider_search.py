"""Providers by what one looks for, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox.console import schema
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.provider_records import ProviderRecords
from akash_mcp.sandbox.console.responses import answer
from akash_mcp.sandbox.sellers import Seller

_SORTS = (
    "active-leases-desc",
    "active-leases-asc",
    "wallet-leases-desc",
    "wallet-active-leases-desc",
    "gpus-desc",
)


class ProviderSearch:
    """What anybody may ask about who is there."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._records = ProviderRecords(backend)

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        flag = schema.optional(schema.choice("true", "false"))
        query = {
            "search": schema.optional(schema.text(0, 200)),
            "online": flag,
            "audited": flag,
            "gpu": flag,
            "addresses": schema.optional(schema.separated(100)),
            "regions": schema.optional(schema.separated(50)),
            "gpuModels": schema.optional(schema.separated(50)),
            "sort": schema.optional(schema.choice(*_SORTS), _SORTS[0]),
            "walletAddress": schema.optional(schema.akash_address),
            "skip": schema.optional(schema.query_number(0), 0),
            "limit": schema.optional(schema.query_number(1, 100), 100),
        }
        return [Endpoint("GET", "/v1/provider-search", self.search, False, query_schema=query)]

    async def search(self, call: Call) -> Response:
        """A page of the providers that match, in the order that is asked for."""
        query, market = call.query, self._backend.market
        found = [r for r in self._records.everyone() if _matches(r, market[r["owner"]], query)]
        found.sort(key=self._order(query["sort"], query.get("walletAddress")))
        skip, limit = query["skip"], query["limit"]
        page = {"total": len(found), "skip": skip, "limit": limit, "hasMore": len(found) > skip + limit}
        return answer({"data": {"providers": found[skip : skip + limit], "pagination": page}})

    def _order(self, sort: str, wallet: str | None) -> Callable[[dict[str, Any]], int]:
        """By what is sorted. What a wallet leases is nothing where none is named."""
        leases = [lease for d in self._backend.chain.deployments_of(wallet or "") for lease in d.leases]
        mine = [lease.provider for lease in leases]
        active = [lease.provider for lease in leases if lease.state == "active"]
        orders: Mapping[str, Callable[[dict[str, Any]], int]] = {
            "active-leases-desc": lambda record: -record["leaseCount"],
            "active-leases-asc": lambda record: record["leaseCount"],
            "wallet-leases-desc": lambda record: -mine.count(record["owner"]),
            "wallet-active-leases-desc": lambda record: -active.count(record["owner"]),
            "gpus-desc": lambda record: -record["stats"]["gpu"]["total"],
        }
        return orders[sort]


def _matches(record: dict[str, Any], seller: Seller, query: dict[str, Any]) -> bool:
    said = f"{record['name']} {record['owner']} {record['hostUri']} {record['organization']}".lower()
    region = seller.provider.attributes["location-region"]
    model = seller.gpu.model.lower() if seller.gpu else None
    flags = (("online", record["isOnline"]), ("audited", record["isAudited"]), ("gpu", model is not None))
    models = [name.lower() for name in query.get("gpuModels", ())]
    return (
        query.get("search", "").lower() in said
        and all(query.get(key) in (None, "true" if value else "false") for key, value in flags)
        and record["owner"] in query.get("addresses", [record["owner"]])
        and region in query.get("regions", [region])
        and (not models or model in models)
    )
