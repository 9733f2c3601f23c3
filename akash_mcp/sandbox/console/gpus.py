"""GPUs on the market: who has which model, how many are free, and what one costs an hour."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from statistics import median
from typing import Any

from starlette.responses import Response

from akash_mcp.ids import BadId, bech32_decode
from akash_mcp.sandbox.bidders import in_use
from akash_mcp.sandbox.console import schema
from akash_mcp.sandbox.console.account import json_number
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.responses import answer
from akash_mcp.sandbox.console.stale_cache import StaleCache
from akash_mcp.sandbox.sellers import Gpu, Seller
from akash_mcp.sandbox.units import UACT_PER_USD, cents

_PRICE_SECONDS = 900
_AKT_USD = Decimal("1.20")
_VENDORS = {"nvidia": "NVIDIA", "amd": "AMD", "<UNKNOWN>": "<UNKNOWN>"}


class Gpus:
    """What anybody may read about GPUs. Prices are USD an hour for one."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        elapsed = backend.chain.clock.elapsed
        self._prices: StaleCache[dict[str, Any]] = StaleCache(_PRICE_SECONDS, elapsed, backend.replicas)

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        text = schema.optional(schema.string)
        wanted = {"provider": text, "vendor": text, "model": text, "memory_size": text}
        cache = (120, 300)
        return [
            Endpoint("GET", "/v1/gpu", self.counts, False, query_schema=wanted, cache=cache),
            Endpoint("GET", "/v1/gpu-models", self.models, False, cache=cache),
            Endpoint("GET", "/v1/gpu-prices", self.prices, False, cache=cache),
        ]

    async def counts(self, call: Call) -> Response:
        """How many of each model there are and how many are leased. Filters are exact and mind the case."""
        query = call.query
        provider = query.get("provider")
        if provider is not None and not _names_a_provider(provider):
            return answer({"error": "Invalid provider parameter, should be a valid address or host uri"}, 400)
        details: dict[str, list[dict[str, Any]]] = {}
        for seller, gpu in self._having():
            asked = (query.get("vendor"), query.get("model"), query.get("memory_size"))
            is_asked = all(
                want in (None, have)
                for want, have in zip(asked, (gpu.vendor, gpu.model, gpu.ram), strict=True)
            )
            if not is_asked or provider not in (None, seller.provider.owner, seller.provider.host_uri):
                continue
            kinds = details.setdefault(gpu.vendor, [])
            kind = next((k for k in kinds if _is(k, gpu)), None)
            if kind is None:
                kind = {**_named(gpu), "allocatable": 0, "allocated": 0}
                kinds.append(kind)
            kind["allocatable"] += seller.gpus
            kind["allocated"] += self._leased(seller)
        everything = [kind for kinds in details.values() for kind in kinds]
        total = {key: sum(kind[key] for kind in everything) for key in ("allocatable", "allocated")}
        return answer({"gpus": {"total": total, "details": details}})

    async def models(self, call: Call) -> Response:
        """Every model that providers may advertise, with its sizes and interfaces."""
        vendors: dict[str, dict[str, list[Gpu]]] = {}
        for _, gpu in self._having():
            vendors.setdefault(gpu.vendor, {}).setdefault(gpu.model, []).append(gpu)
        return answer(
            [
                {
                    "name": vendor,
                    "displayName": _VENDORS[vendor],
                    "models": [
                        {
                            "name": model,
                            "displayName": model.upper(),
                            "memory": sorted({gpu.ram for gpu in gpus}),
                            "interface": sorted({gpu.interface for gpu in gpus}),
                        }
                        for model, gpus in models.items()
                    ],
                }
                for vendor, models in vendors.items()
            ]
        )

    async def prices(self, call: Call) -> Response:
        """What one GPU of each model costs, from what providers ask, remembered for a quarter of an hour."""
        return answer(self._prices.get("all", self._price_list))

    def _price_list(self) -> dict[str, Any]:
        kinds: dict[Gpu, list[Seller]] = {}
        for seller, gpu in self._having():
            kinds.setdefault(gpu, []).append(seller)
        models: list[dict[str, Any]] = []
        for gpu, sellers in kinds.items():
            asked = [cents(gpu.usd_hour * seller.margin) for seller in sellers if seller.audited]
            free = [seller.gpus - self._leased(seller) for seller in sellers]
            models.append(
                {
                    "vendor": gpu.vendor,
                    **_named(gpu),
                    "availability": {"total": sum(s.gpus for s in sellers), "available": sum(free)},
                    "providerAvailability": {
                        "total": len(sellers),
                        "available": sum(1 for count in free if count),
                    },
                    # A model that nobody who counts has bid with has no price.
                    "price": _price(asked, "USD", Decimal(1)) if asked else None,
                    "priceUakt": _price(asked, "uakt", UACT_PER_USD / _AKT_USD) if asked else None,
                }
            )
        availability = {
            key: sum(model["availability"][key] for model in models) for key in ("total", "available")
        }
        return {"availability": availability, "models": models}

    def _having(self) -> Iterator[tuple[Seller, Gpu]]:
        for seller in self._backend.market.values():
            if seller.gpu:
                yield seller, seller.gpu

    def _leased(self, seller: Seller) -> int:
        return sum(u.gpu * u.count for u in in_use(self._backend.chain, seller.provider.owner))


def _named(gpu: Gpu) -> dict[str, str]:
    return {"model": gpu.model, "ram": gpu.ram, "interface": gpu.interface}


def _is(kind: dict[str, Any], gpu: Gpu) -> bool:
    return all(kind[key] == value for key, value in _named(gpu).items())


def _names_a_provider(text: str) -> bool:
    try:
        return bech32_decode(text)[0] == "akash"
    except BadId:
        return text.startswith(("http://", "https://"))


def _price(asked: list[Decimal], currency: str, factor: Decimal) -> dict[str, Any]:
    each = [amount * factor for amount in asked]
    average = json_number(cents(sum(each, Decimal(0)) / len(each)))
    return {
        "currency": currency,
        "min": json_number(min(each)),
        "max": json_number(max(each)),
        "avg": average,
        "weightedAverage": average,
        "med": json_number(cents(median(each))),
    }
