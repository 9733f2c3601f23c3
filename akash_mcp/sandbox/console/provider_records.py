"""Providers, auditors and regions: what Console's indexer knows of the market, and remembers too long."""

from __future__ import annotations

from typing import Any, TypeAlias

from starlette.responses import Response

from akash_mcp.sandbox.bidders import in_use, stored
from akash_mcp.sandbox.clock import GENESIS_HEIGHT
from akash_mcp.sandbox.console import schema
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.moments import iso
from akash_mcp.sandbox.console.responses import answer, plain
from akash_mcp.sandbox.console.stale_cache import StaleCache
from akash_mcp.sandbox.sellers import AUDITOR, Seller

Records: TypeAlias = list[dict[str, Any]]

_LIST_SECONDS = 60
_ONE_SECONDS = 30
_UPTIME_CHECKS = 24


class ProviderRecords:
    """What anybody may read about providers."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        elapsed = backend.chain.clock.elapsed
        self._lists: StaleCache[Records] = StaleCache(_LIST_SECONDS, elapsed, backend.replicas)
        self._ones: StaleCache[dict[str, Any] | None] = StaleCache(_ONE_SECONDS, elapsed, backend.replicas)

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        query = {
            "scope": schema.optional(schema.choice("all", "trial"), "all"),
            "addresses": schema.optional(schema.addresses),
        }
        one = {"address": schema.string}
        return [
            Endpoint("GET", "/v1/providers", self.list, protected=False, query_schema=query, cache=(60, 120)),
            Endpoint(
                "GET", "/v1/providers/{address}", self.one, protected=False, path_schema=one, cache=(60, 120)
            ),
            Endpoint("GET", "/v1/auditors", self.auditors, protected=False),
            Endpoint("GET", "/v1/provider-regions", self.regions, protected=False),
        ]

    async def list(self, call: Call) -> Response:
        """All providers, or the named ones of them. No provider takes trials, so that scope is empty."""
        wanted: list[str] | None = call.query.get("addresses")
        everyone = self._lists.get("all", self.everyone)
        shown = [p for p in everyone if wanted is None or p["owner"] in wanted]
        return answer([] if call.query["scope"] == "trial" else shown)

    async def one(self, call: Call) -> Response:
        """One provider, with the checks of its last day."""
        address = call.path["address"]
        found = self._ones.get(address, lambda: self._detail(address))
        return plain("Provider not found.", 404) if found is None else answer(found)

    async def auditors(self, call: Call) -> Response:
        """The one auditor that Console goes by."""
        auditor = {
            "id": "akash-network",
            "name": "Akash Network",
            "address": AUDITOR,
            "website": "https://akash.network",
        }
        return answer([auditor])

    async def regions(self, call: Call) -> Response:
        """Regions with the providers that say they are there."""
        held: dict[str, list[str]] = {}
        for address, seller in self._backend.market.items():
            held.setdefault(seller.provider.attributes["location-region"], []).append(address)
        return answer(
            [
                {
                    "key": region,
                    "description": region.replace("-", " ").title(),
                    "providers": providers,
                }
                for region, providers in sorted(held.items())
            ]
        )

    def everyone(self) -> Records:
        """All providers as they are now."""
        return [self._record(seller) for seller in self._backend.market.values()]

    def _detail(self, address: str) -> dict[str, Any] | None:
        seller = self._backend.market.get(address)
        if seller is None:
            return None
        now = self._backend.chain.clock.now()
        checks = [
            {"id": f"{address[-8:]}-{hour}", "isOnline": True, "checkDate": iso(now - hour * 3600)}
            for hour in range(_UPTIME_CHECKS)
        ]
        arch = seller.provider.attributes["capabilities/cpu/arch"]
        seen = [{"driverVersion": "580.95.05", "cudaVersion": "13.0", "lastSeenDate": iso(now)}]
        found_out = {
            "reportedCpuArchs": ["amd64" if arch == "x86-64" else arch],
            "cpuArchAgreement": "match",
            "gpuDrivers": seen if seller.gpu else [],
        }
        return {**self._record(seller), **found_out, "uptime": checks}

    def _record(self, seller: Seller) -> dict[str, Any]:
        provider, held = seller.provider, seller.provider.attributes
        chain = self._backend.chain
        checked = iso(chain.clock.now())
        leases = [
            lease
            for deployment in chain.deployments.values()
            for lease in deployment.active_leases
            if lease.provider == provider.owner
        ]
        models = [seller.gpu] if seller.gpu else []
        gpus = [
            {"vendor": g.vendor, "model": g.model, "ram": g.ram, "interface": g.interface} for g in models
        ]
        return {
            "owner": provider.owner,
            "hostUri": provider.host_uri,
            "createdHeight": GENESIS_HEIGHT - 1_000_000,
            "email": held["email"],
            "website": held["website"],
            "lastCheckDate": checked,
            "deploymentCount": len({lease.dseq for lease in leases}),
            "leaseCount": len(leases),
            "cosmosSdkVersion": "v0.53.4",
            "akashVersion": "0.10.5",
            **provider.facts,
            "isValidVersion": True,
            "isOnline": True,
            "lastOnlineDate": checked,
            "isAudited": seller.audited,
            "stats": self._stats(seller),
            "gpuModels": gpus,
            "attributes": [
                {"key": key, "value": value, "auditedBy": list(provider.signed_by)}
                for key, value in held.items()
            ],
            "host": held["host"],
            "organization": held["organization"],
            "statusPage": None,
            "locationRegion": held["location-region"],
            "country": held["country"],
            "city": held["city"],
            "timezone": held["timezone"],
            "locationType": held["location-type"],
            "hostingProvider": held["hosting-provider"],
            "hardwareCpu": held["capabilities/cpu"],
            "hardwareCpuArch": held["capabilities/cpu/arch"],
            "hardwareGpuVendor": models[0].vendor if models else None,
            "hardwareGpuModels": [g.model for g in models],
            "hardwareDisk": [seller.storage_class] if seller.storage_class else [],
            "hardwareMemory": held["capabilities/memory"],
            "featPersistentStorage": seller.storage_class is not None,
            "featPersistentStorageType": [seller.storage_class] if seller.storage_class else [],
            "networkProvider": None,
            "networkSpeedDown": int(held["network-speed-down"]),
            "networkSpeedUp": int(held["network-speed-up"]),
            "tier": held["tier"],
            "featEndpointCustomDomain": True,
            "workloadSupportChia": False,
            "workloadSupportChiaCapabilities": [],
            "featEndpointIp": seller.leased_ips,
        }

    def _stats(self, seller: Seller) -> dict[str, Any]:
        units = in_use(self._backend.chain, seller.provider.owner)
        ephemeral = _usage(sum(stored(u, persistent=False) * u.count for u in units), seller.ephemeral)
        persistent = _usage(sum(stored(u, persistent=True) * u.count for u in units), seller.persistent)
        return {
            "cpu": _usage(sum(u.cpu * u.count for u in units), seller.node.cpu * seller.nodes),
            "gpu": _usage(sum(u.gpu * u.count for u in units), seller.node.gpus * seller.nodes),
            "memory": _usage(sum(u.memory * u.count for u in units), seller.node.memory * seller.nodes),
            "storage": {
                "ephemeral": ephemeral,
                "persistent": persistent,
                "total": {key: ephemeral[key] + persistent[key] for key in ephemeral},
            },
        }


def _usage(active: int, total: int) -> dict[str, int]:
    return {"active": active, "pending": 0, "available": total - active, "total": total}
