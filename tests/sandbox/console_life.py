"""A tenant's whole life on the Console of autumn 2026, each kind of refusal included, as calls over the wire.

Nothing is asserted here: whoever watches the answers judges them. What an answer lacks, the next call does without.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import httpx2
from console_world import World, sdl

NOBODY = str(uuid.UUID(int=7, version=4))
"""An id that nothing here has."""

GPU = "        gpu: {units: 1, attributes: {vendor: {nvidia: [{model: h100}]}}}\n"
MARKET = (
    "/v1/auditors", "/v1/provider-regions", "/v1/gpu", "/v1/gpu-models", "/v1/gpu-prices", "/v1/templates-list",
    "/v1/blocks", "/v1/placement-options", "/v1/deployment-funding-config", "/v1/providers", "/v1/provider-search",
    "/v1/alerts", "/v1/notification-channels", "/v1/user/me", "/v1/spend-rate", "/v1/weekly-cost", "/v1/balances",
    "/v1/api-keys", "/v1/wallet-settings", "/v1/sdl-secrets-context", "/v1/activities",
    "/v1/templates/akash-network-awesome-akash-hello-world", "/v1/templates/nothing", "/v1/activities/none",
    "/v1/api-keys/none",
)  # fmt: skip
"""Reads that need nothing."""


def with_gpu() -> str:
    """An SDL that wants an H100."""
    return sdl().replace("        memory:", f"{GPU}        memory:")


def with_two_services() -> str:
    """An SDL with a database that only the web server reaches."""
    database = "  db:\n    image: redis:8\n    expose: [{port: 6379, to: [{service: web}]}]\nprofiles:"
    return sdl().replace("profiles:", database, 1) + "  db:\n    dcloud: {profile: web, count: 1}\n"


class Life:
    """One tenant, and what it knows."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._http = world.http

    async def live(self) -> None:
        """All of it, in an order in which everything is met once."""
        user = (await self._get("/v1/user/me"))["id"]
        plain, gpu = await self._deploy(), await self._deploy(sdl=with_gpu(), runtimeLimitHours=2, name="gpu")
        two = await self._deploy(sdl=with_two_services())
        for dseq in (plain, gpu, two):
            await self._lease(dseq)
        await self._get(f"/v1/deployments/{two}")
        for path in MARKET:
            await self._get(path)
        await self._read(plain, user)
        await self._read(gpu, user)
        await self._settings(gpu, user)
        await self._patch(plain)
        await self._define()
        await self._refused(plain, user)
        await self._account(user)
        await self._close(plain, gpu)
        await self._get("/v1/deployments", state="closed")
        await self._get(f"/v1/deployments/{plain}")

    async def _call(self, method: str, path: str, body: object = None, **query: Any) -> httpx2.Response:
        return await self._http.request(method, path, params=query, json=body)

    async def _get(self, path: str, **query: Any) -> Any:
        response = await self._call("GET", path, **query)
        read = response.json() if response.headers["content-type"].startswith("application/json") else {}
        return read.get("data", read) if isinstance(read, dict) else read

    async def _write(self, method: str, path: str, data: object, **query: Any) -> Any:
        response = await self._call(method, path, {"data": data}, **query)
        read = (
            response.json() if response.headers.get("content-type", "").startswith("application/json") else {}
        )
        told = read.get("data")
        return told if isinstance(told, dict) else {}

    async def _deploy(self, **data: Any) -> str:
        made = await self._write("POST", "/v1/deployments", {"sdl": sdl(), **data})
        return str(made.get("dseq", "1"))

    async def _lease(self, dseq: str) -> None:
        bids = await self._world.bids(dseq)
        await self._get(f"/v1/bids/{dseq}")
        mine = [bid["bid"]["id"] for bid in bids if bid["bid"]["state"] == "open"]
        chosen = {key: mine[0][key] for key in ("dseq", "gseq", "oseq", "provider")}
        for _ in range(2):
            await self._call("POST", "/v1/leases", {"leases": [chosen]})

    async def _read(self, dseq: str, user: str) -> None:
        owner = self._world.network.owner
        read = await self._get(f"/v1/deployments/{dseq}")
        provider = read["leases"][0]["id"]["provider"]
        await self._get("/v1/deployments", search=dseq)
        await self._get("/v1/deployments", state="active", limit=1, reverse="true")
        await self._get("/v1/deployments", limit=101)
        await self._get("/v1/deployment-names", dseq=[dseq, "1"])
        await self._get(f"/v1/deployment/{owner}/{dseq}")
        await self._get(f"/v1/deployment-alerts/{dseq}")
        await self._get(f"/v1/providers/{provider}")
        await self._get(f"/v1/providers/{owner}")
        await self._get("/v1/providers", addresses=provider)
        for query in ({"gpuModels": "H100"}, {"sort": "gpus-desc", "limit": 1}, {"sort": "name"}):
            await self._get("/v1/provider-search", **query)
        await self._get("/v1/wallets", userId=user)
        await self._get("/v1/usage/history", address=owner)
        await self._get("/v1/usage/history/stats", address=owner)
        await self._get(f"/v1/leases-duration/{owner}", dseq=dseq)
        await self._get(f"/v1/leases-duration/{owner}")
        height = self._world.network.chain.height + 1000
        await self._get(f"/v1/predicted-block-date/{height}")
        await self._get(f"/v1/predicted-date-height/{int(self._world.network.clock.now()) + 3600}")

    async def _settings(self, dseq: str, user: str) -> None:
        two, one = f"/v2/deployment-settings/{dseq}", f"/v1/deployment-settings/{user}/{dseq}"
        for path in (two, one):
            await self._get(path)
        hours = 2
        for path in (two, one):
            hours += 1
            for data in (
                {"runtimeLimitHours": hours},
                {"runtimeLimitHours": hours},
                {"runtimeLimitHours": hours + 49},
                {"runtimeLimitHours": hours + 0.5},
                {"closeReason": "other", "closeReasonDetails": "because"},
                {"closeReason": "other", "runtimeLimitHours": hours + 1},
                {"closeReason": "bored"},
            ):
                await self._write("PATCH", path, data)
        await self._write("POST", "/v2/deployment-settings", {"dseq": dseq})
        await self._write("POST", "/v1/deployment-settings", {"dseq": dseq, "userId": user})
        await self._get("/v2/deployment-settings/17")
        await self._get(f"/v1/deployment-settings/{NOBODY}/{dseq}")
        await self._get(f"/v1/deployment-settings/me/{dseq}")
        await self._world.network.inject("settings-conflict", count=1)
        await self._write("PATCH", two, {"runtimeLimitHours": 10})
        await self._write("PATCH", two, {"runtimeLimitHours": None})

    async def _patch(self, dseq: str) -> None:
        path = f"/v1/deployments/{dseq}"
        read = await self._get(path)
        version = read["consoleSettings"]["manifestVersion"]
        options = {"maxBodySize": 1048576, "readTimeout": 60000, "nextCases": ["error", "timeout"]}
        changes: tuple[dict[str, Any], ...] = (
            {"services": {"web": {"image": "nginx:1.28"}}, "ifManifestVersion": version},
            {"services": {"web": {"env": {"TOKEN": "hush"}, "expose": {"80": {"httpOptions": options}}}}},
            {"name": "shop"},
            {"services": {"web": {"image": "nginx:1.29"}}, "ifManifestVersion": version},
            {"services": {"web": {}}},
            {"services": {"web": {"count": 2}}},
            {"services": {"db": {"image": "redis:8"}}},
            {"services": {"web": {"expose": {"81": {"as": 82}}}}},
            {"services": {"web": {"expose": {"80": {"as": 8080}}}}},
            {"services": {"web": {"expose": {"80": {"httpOptions": {"maxBodySize": 0}}}}}},
            {},
        )
        for data in changes:
            await self._write("PATCH", path, data)
        await self._write("PUT", path, {"sdl": sdl(image="nginx:1.30")})
        await self._write("PUT", path, {"sdl": sdl(cpu="2")})
        await self._world.network.inject("lease-manifest-fails", count=1, value="422")
        await self._write("PATCH", path, {"services": {"web": {"image": "nginx:1.31"}}})
        await self._write("PATCH", path, {"services": {"web": {"image": "nginx:1.31"}}})

    async def _define(self) -> None:
        await self._world.network.inject("definition-missing", count=1)
        dseq = await self._deploy()
        path = f"/v1/deployments/{dseq}"
        await self._get(path)
        await self._write("PATCH", path, {"services": {"web": {"image": "x"}}})
        await self._write("PATCH", path, {"name": "renamed"})
        lease = {
            "dseq": dseq,
            "gseq": 1,
            "oseq": 1,
            "provider": next(iter(self._world.network.chain.providers)),
        }
        await self._call("POST", "/v1/leases", {"leases": [lease]})
        for text in (sdl(image="redis:8"), sdl(), sdl(), "a: ["):
            await self._write("POST", f"{path}/definition", {"sdl": text})

    async def _refused(self, dseq: str, user: str) -> None:
        inject = self._world.network.inject
        for data in (
            {"sdl": "a: ["},
            {"sdl": sdl(), "runtimeLimitHours": 1.5},
            {"sdl": sdl(), "inheritSecretsFrom": "17"},
            {"sdl": sdl(), "name": "   "},
            {"sdl": sdl(), "sealedSecrets": "no.seal.at.all.here"},
        ):
            await self._deploy(**data)
        await self._get("/v1/deployments/17")
        await self._call("DELETE", "/v1/deployments/17")
        await self._write("PATCH", "/v1/deployments/17", {"name": "x"})
        await self._write("POST", "/v1/deposit-deployment", {"dseq": dseq, "deposit": 1})
        await self._get("/v1/deployments/0x1z")
        for fault, value in (
            ("fair-use-policy", None),
            ("top-up-pending", "9"),
            ("insufficient-balance", None),
            ("insufficient-balance", "fee"),
            ("wallet-provisioning", None),
            ("429", "3"),
            ("key-revoked", None),
        ):
            await inject(fault, count=1, value=value)
            await self._deploy()
        await inject("search-too-wide", count=1)
        await self._get("/v1/deployments", search="a")
        dseq = await self._deploy()
        bids = await self._world.bids(dseq)
        chosen = [
            {key: bid["bid"]["id"][key] for key in ("dseq", "gseq", "oseq", "provider")} for bid in bids[:2]
        ]
        await inject("provider-unreachable", value=chosen[0]["provider"])
        await self._call("POST", "/v1/leases", {"leases": chosen[:1]})
        await inject("provider-unreachable", count=0)
        for value in ("422", "400", "503"):
            await inject("lease-manifest-fails", count=1, value=value)
            await self._call("POST", "/v1/leases", {"leases": chosen[:1]})
        await self._call("POST", "/v1/leases", {"leases": chosen[:1]})
        late = await self._deploy()
        bids = await self._world.bids(late)
        self._world.network.clock.skip(600)
        gone = {key: bids[0]["bid"]["id"][key] for key in ("dseq", "gseq", "oseq", "provider")}
        await self._call("POST", "/v1/leases", {"leases": [gone]})
        for leases in (
            {"access": "granular", "permissions": []},
            {"access": "full", "scope": ["status"]},
            {"access": "full"},
        ):
            await self._write("POST", "/v1/create-jwt-token", {"ttl": 60, "leases": leases})
        await self._call("POST", "/v1/certificates")
        await self._call("POST", "/v1/pricing", {"cpu": 1000, "memory": 10**9, "storage": 10**9})
        await self._call("POST", "/v1/pricing", [])
        await self._call("POST", "/v1/bid-screening", _screened())
        await self._call("POST", "/v1/bid-screening", {})

    async def _account(self, user: str) -> None:
        made = await self._write("POST", "/v1/api-keys", {"name": "ci"})
        key = made.get("id", NOBODY)
        await self._get(f"/v1/api-keys/{key}")
        await self._write("PATCH", f"/v1/api-keys/{key}", {"name": "cd"})
        await self._get("/v1/api-keys")
        for _ in range(2):
            await self._call("DELETE", f"/v1/api-keys/{key}")
        await self._get(f"/v1/api-keys/{key}")
        await self._write("PATCH", f"/v1/api-keys/{key}", {"name": "ce"})
        settings = {"autoReloadEnabled": False, "autoReloadThreshold": 10, "autoReloadAmount": 25}
        for data in ({**settings, "autoReloadThreshold": 9}, {**settings, "autoReloadAmount": 24}, settings):
            await self._write("POST", "/v1/wallet-settings", data)
        await self._write("PUT", "/v1/wallet-settings", settings)
        await self._get("/v1/wallet-settings")
        channels = await self._get("/v1/notification-channels")
        for channel in channels[:1] if isinstance(channels, list) else []:
            await self._get(f"/v1/notification-channels/{channel['id']}")
        alerts = await self._get("/v1/alerts")
        for alert in alerts[:1] if isinstance(alerts, list) else []:
            await self._get(f"/v1/alerts/{alert['id']}")
            await self._write("PATCH", f"/v1/alerts/{alert['id']}", {"enabled": False})
            await self._call("DELETE", f"/v1/alerts/{alert['id']}")
        await self._write("POST", "/v1/alerts", {})
        await self._write("POST", "/v1/deployment-alerts/17", {"alerts": {}})
        stranger = {"x-api-key": ""}
        for path in ("/v1/deployments", "/v1/activities", "/v1/alerts", "/v1/balances"):
            await self._http.get(path, headers=stranger)

    async def _close(self, dseq: str, other: str) -> None:
        path = f"/v1/deployments/{dseq}"
        batch = str(uuid.UUID(int=9, version=4))
        response = await self._call("DELETE", path, **{"async": "true", "batchId": batch})
        await self._watch(response)
        await self._call("DELETE", path, **{"async": "true"})
        await self._call("DELETE", path)
        await self._world.network.inject("close-fails", count=1, value="unsettled")
        await self._watch(await self._call("DELETE", f"/v1/deployments/{other}", **{"async": "true"}))
        await self._call("DELETE", f"/v1/deployments/{other}", batchId="mine")
        page = await self._get("/v1/activities", limit=1)
        if cursor := page.get("pagination", {}).get("nextCursor"):
            await self._get("/v1/activities", limit=1, cursor=cursor)
        await self._get("/v1/activities", status="failed", type="deployment_close")
        await self._get("/v1/activities", status="lost")
        ids = [each["id"] for each in page.get("activities", ())] or [NOBODY]
        await self._write("POST", "/v1/activities/seen", {"ids": ids})
        await self._write("POST", "/v1/activities/seen", {"upTo": datetime.now(UTC).isoformat()})
        await self._write("POST", "/v1/activities/seen", {})
        await self._call("DELETE", f"/v1/deployments/{other}")
        await self._write("PATCH", f"/v2/deployment-settings/{other}", {"runtimeLimitHours": 40})
        await self._write("PATCH", f"/v2/deployment-settings/{other}", {"closeReason": "no_longer_needed"})

    async def _watch(self, response: httpx2.Response) -> None:
        """The activity of a close, until it is over."""
        if response.status_code != 202:
            return
        activity = f"/v1/activities/{response.json()['data']['activityId']}"
        while (await self._get(activity))["status"] == "pending":
            pass


def _screened() -> dict[str, Any]:
    quantity = {"quantity": {"val": str(2**30)}}
    resource = {
        "id": 1,
        "cpu": {"units": {"val": "1000"}},
        "memory": quantity,
        "gpu": {"units": {"val": "0"}},
        "storage": [{"name": "default", **quantity}],
    }
    priced = {"resource": resource, "count": 1, "price": {"denom": "uact", "amount": "100000"}}
    return {"resources": [priced], "timezone": "Europe/Berlin"}
