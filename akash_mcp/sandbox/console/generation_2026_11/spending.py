"""How Console funds by itself, and what bills right now."""

from __future__ import annotations

from starlette.responses import Response

from akash_mcp.sandbox.console import chain_records, funding
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.deployments import FIXED_DEPOSIT_UACT
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.responses import answer
from akash_mcp.sandbox.units import API_BLOCKS_PER_HOUR, UACT_PER_USD


class Spending:
    """Reads about the automatic funding."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def endpoints(self) -> list[Endpoint]:
        """The routes. The configuration is how this generation is told from the others."""
        return [
            Endpoint("GET", "/v1/deployment-funding-config", self.config, protected=False),
            Endpoint("GET", "/v1/spend-rate", self.rate),
        ]

    async def config(self, call: Call) -> Response:
        """By which numbers deployments are funded."""
        return answer(
            {
                "data": {
                    "targetRunwayHours": funding.RUNWAY_BLOCKS // API_BLOCKS_PER_HOUR,
                    "balanceHeadroomUsd": funding.HEADROOM_UACT // UACT_PER_USD,
                    "defaultDepositUsd": FIXED_DEPOSIT_UACT / UACT_PER_USD,
                }
            }
        )

    async def rate(self, call: Call) -> Response:
        """What each deployment with a lease costs a block."""
        owned = self._backend.chain.deployments_of(self._backend.account.address)
        billing = [{"dseq": d.dseq, "price": chain_records.coin(d.rate)} for d in owned if d.active_leases]
        return answer({"data": {"deployments": billing}})
