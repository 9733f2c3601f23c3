"""The chain as Console's indexer shows it to anyone: blocks, and deployments of an address, closed ones too."""

from __future__ import annotations

import hashlib
from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox.chain import Deployment, Lease
from akash_mcp.sandbox.console import chain_records, schema
from akash_mcp.sandbox.console.account import json_number
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.deployment_settings import iso
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.responses import answer, plain
from akash_mcp.sandbox.console.stale_cache import StaleCache
from akash_mcp.sandbox.units import API_BLOCKS_PER_MONTH

_PROPOSER = {
    "address": "5A57F13C0DC5D2E8C0A4C4B2D1A6E8F7B9C3D2E1",
    "operatorAddress": "akashvaloper1sandbox",
    "moniker": "sandbox",
    "avatarUrl": "https://akash.example/validator.png",
}
_BLOCK_SECONDS = 6
_DEPLOYMENT_SECONDS = 30


class Explorer:
    """Public reads of the chain."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        elapsed = backend.chain.clock.elapsed
        self._blocks: StaleCache[list[dict[str, Any]]] = StaleCache(_BLOCK_SECONDS, elapsed, backend.replicas)
        self._details: StaleCache[dict[str, Any] | None] = StaleCache(
            _DEPLOYMENT_SECONDS, elapsed, backend.replicas
        )

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        limit = {"limit": schema.optional(schema.query_number(1, 100), 20)}
        owned = {"owner": schema.akash_address, "dseq": schema.dseq}
        page = {
            "address": schema.akash_address,
            "skip": schema.query_number(0),
            "limit": schema.query_number(1, 100),
        }
        query = {
            "status": schema.choice("active", "closed"),
            "reverseSorting": schema.optional(schema.string, "false"),
        }
        height = {"height": schema.query_number(0)}
        of_address = "/v1/addresses/{address}/deployments/{skip}/{limit}"
        return [
            Endpoint("GET", "/v1/blocks", self.blocks, protected=False, query_schema=limit),
            Endpoint("GET", "/v1/blocks/{height}", self.block, False, path_schema=height),
            Endpoint("GET", "/v1/blockchain-status", self.status, protected=False),
            Endpoint(
                "GET", of_address, self.owned, False, path_schema=page, query_schema=query, cache=(6, 30)
            ),
            Endpoint(
                "GET", "/v1/deployment/{owner}/{dseq}", self.detail, False, path_schema=owned, cache=(30, 60)
            ),
        ]

    async def blocks(self, call: Call) -> Response:
        """The latest blocks, newest first, one behind the chain."""
        limit = call.query["limit"]
        return answer(self._blocks.get(limit, lambda: self._latest(limit)))

    async def block(self, call: Call) -> Response:
        """One block, so far as the indexer has it."""
        height, newest = call.path["height"], self._backend.chain.clock.height() - 1
        if not 1 <= height <= newest:
            return plain("Block not found", 404)
        clock, landed = self._backend.chain.clock, self._backend.chain.transactions
        transactions = [t for t in landed if t.height == height]
        return answer(
            {
                "height": height,
                "datetime": iso(clock.block_time(height)),
                "proposer": _PROPOSER,
                "hash": hashlib.sha256(str(height).encode()).hexdigest().upper(),
                "gasUsed": 90_000 * len(transactions),
                "gasWanted": 120_000 * len(transactions),
                "transactions": [
                    {
                        "hash": t.hash,
                        "isSuccess": True,
                        "error": None,
                        "fee": 2_500,
                        "datetime": iso(clock.block_time(height)),
                        "messages": [{"id": f"{t.hash}-0", "type": t.kind, "amount": 0}],
                    }
                    for t in transactions
                ],
            }
        )

    async def status(self, call: Call) -> Response:
        """Whether the chain can be reached."""
        return answer({"isBlockchainReachable": True})

    async def owned(self, call: Call) -> Response:
        """An address's deployments in one state: the only way to list closed ones."""
        path, query = call.path, call.query
        seen = self._seen_until(call)
        owned = self._backend.chain.deployments_of(path["address"])
        found = [d for d in owned if _state_at(d, seen) == query["status"]]
        if query["reverseSorting"] == "true":
            found.reverse()
        shown = found[path["skip"] : path["skip"] + path["limit"]]
        # As in the list of deployments, the node counts its page.
        rows = [{**self._row(deployment), "status": query["status"]} for deployment in shown]
        return answer({"count": len(shown), "results": rows})

    async def detail(self, call: Call) -> Response:
        """One deployment of anyone, with its groups. That there is none is remembered as well."""
        owner, dseq = call.path["owner"], call.path["dseq"]
        seen = self._seen_until(call)

        def fetch() -> dict[str, Any] | None:
            deployment = self._backend.chain.deployment(owner, dseq)
            return self._full(deployment) if deployment and _state_at(deployment, seen) else None

        found = self._details.get((owner, dseq), fetch)
        if found is None:
            body = {
                "error": "NotFoundError",
                "message": "Deployment Not Found",
                "code": "not_found",
                "type": "client_error",
            }
            return answer(body, 404)
        return answer(found)

    def _seen_until(self, call: Call) -> int:
        """The last block that the indexer has worked on."""
        lag = self._backend.faults.take("indexer-lag", call.line)
        return self._backend.chain.height - (int(lag.seconds(100)) if lag else 0)

    def _latest(self, limit: int) -> list[dict[str, Any]]:
        clock = self._backend.chain.clock
        newest = clock.height() - 1
        landed = self._backend.chain.transactions
        return [
            {
                "height": height,
                "proposer": _PROPOSER,
                "transactionCount": sum(1 for t in landed if t.height == height),
                "totalTransactionCount": sum(1 for t in landed if t.height <= height),
                "datetime": iso(clock.block_time(height)),
            }
            for height in range(newest, newest - limit, -1)
        ]

    def _row(self, deployment: Deployment) -> dict[str, Any]:
        return {
            "owner": deployment.owner,
            "dseq": deployment.dseq,
            "status": deployment.state,
            "createdHeight": deployment.created_height,
            "escrowAccount": chain_records.escrow_record(deployment),
            **chain_records.sizes(deployment.groups),
            "leases": [self._row_lease(deployment, lease) for lease in deployment.active_leases],
        }

    def _row_lease(self, deployment: Deployment, lease: Lease) -> dict[str, Any]:
        row: dict[str, Any] = {
            "id": f"{deployment.dseq}-{lease.gseq}-{lease.oseq}",
            "owner": deployment.owner,
            "dseq": deployment.dseq,
            "gseq": lease.gseq,
            "oseq": lease.oseq,
            "state": lease.state,
            "price": chain_records.coin(lease.price),
        }
        provider = self._backend.chain.providers.get(lease.provider)
        if provider:
            row["provider"] = {"address": provider.owner, "hostUri": provider.host_uri, **provider.facts}
        return row

    def _full(self, deployment: Deployment) -> dict[str, Any]:
        chain = self._backend.chain
        clock = chain.clock
        monthly = [_monthly(lease) for lease in deployment.leases]
        full: dict[str, Any] = {
            "owner": deployment.owner,
            "dseq": deployment.dseq,
            "balance": json_number(deployment.escrow.funds),
            "denom": chain_records.DENOM,
            "status": deployment.state,
            "createdHeight": deployment.created_height,
            "createdDate": iso(clock.block_time(deployment.created_height)),
            "closedHeight": deployment.closed_height or None,
            "closedDate": iso(clock.block_time(deployment.closed_height))
            if deployment.closed_height
            else None,
            "totalMonthlyCostUDenom": sum(monthly),
            "leases": [self._full_lease(deployment, lease) for lease in deployment.leases],
            "events": [
                {"txHash": t.hash, "date": iso(clock.block_time(t.height)), "type": t.kind}
                for t in chain.transactions
                if (t.owner, t.dseq) == (deployment.owner, deployment.dseq)
            ],
            "other": {
                "deployment": chain_records.deployment_record(deployment),
                "groups": [
                    chain_records.group_record(deployment, i + 1) for i in range(len(deployment.groups))
                ],
                "escrow_account": chain_records.escrow_record(deployment),
            },
        }
        return full

    def _full_lease(self, deployment: Deployment, lease: Lease) -> dict[str, Any]:
        clock = self._backend.chain.clock
        provider = self._backend.chain.providers.get(lease.provider)
        known = provider and {
            "address": provider.owner,
            "hostUri": provider.host_uri,
            "isDeleted": False,
            "attributes": [{"key": k, "value": v} for k, v in provider.attributes.items()],
        }
        return {
            "gseq": lease.gseq,
            "oseq": lease.oseq,
            "createdHeight": lease.created_height,
            "createdDate": iso(clock.block_time(lease.created_height)),
            "closedHeight": lease.closed_height or None,
            "closedDate": iso(clock.block_time(lease.closed_height)) if lease.closed_height else None,
            "provider": known,
            "status": lease.state,
            "monthlyCostUDenom": _monthly(lease),
            **chain_records.sizes((deployment.groups[lease.gseq - 1],)),
        }


def _state_at(deployment: Deployment, height: int) -> str | None:
    """The state as of a block; none before it was created."""
    if deployment.created_height > height:
        return None
    return "active" if deployment.state == "active" or deployment.closed_height > height else "closed"


def _monthly(lease: Lease) -> int:
    return round(lease.price * API_BLOCKS_PER_MONTH)
