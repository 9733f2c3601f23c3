"""The chain and its latest blocks as Console's indexer shows them to anyone: one behind the chain, or further."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox.console import schema
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.moments import iso
from akash_mcp.sandbox.console.responses import answer
from akash_mcp.sandbox.console.stale_cache import StaleCache

_PROPOSER = {
    "address": "5A57F13C0DC5D2E8C0A4C4B2D1A6E8F7B9C3D2E1",
    "operatorAddress": "akashvaloper1sandbox",
    "moniker": "sandbox",
    "avatarUrl": "https://akash.example/validator.png",
}
_BLOCK_SECONDS = 6


class Blocks:
    """Public reads of blocks."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        elapsed = backend.chain.clock.elapsed
        self._blocks: StaleCache[list[dict[str, Any]]] = StaleCache(_BLOCK_SECONDS, elapsed, backend.replicas)

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        limit = {"limit": schema.optional(schema.query_number(1, 100), 20)}
        return [
            Endpoint("GET", "/v1/blocks", self.latest, protected=False, query_schema=limit),
            Endpoint("GET", "/v1/blockchain-status", self.status, protected=False),
        ]

    async def status(self, call: Call) -> Response:
        """Whether Console reaches a node of the chain, as it always does here."""
        return answer({"isBlockchainReachable": True})

    async def latest(self, call: Call) -> Response:
        """The latest blocks that the indexer has worked on, newest first."""
        limit = call.query["limit"]
        lag = self._backend.faults.take("indexer-lag", call.line)
        if lag:
            return answer(self._latest(limit, int(lag.seconds(100))))
        return answer(self._blocks.get(limit, lambda: self._latest(limit)))

    def _latest(self, limit: int, behind: int = 0) -> list[dict[str, Any]]:
        clock = self._backend.chain.clock
        newest = clock.height() - 1 - behind
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
