"""Any deployment as Console shows it to anyone: what a month of it costs, who runs it, what happened to it."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox.chain import Deployment, Lease
from akash_mcp.sandbox.console import chain_records, schema
from akash_mcp.sandbox.console.account import json_number
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.moments import iso
from akash_mcp.sandbox.console.responses import Problem, answer
from akash_mcp.sandbox.units import API_BLOCKS_PER_MONTH


class PublicDeployments:
    """Reads for anyone."""

    def __init__(self, backend: Backend) -> None:
        self._chain = backend.chain

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        owned = {"owner": schema.akash_address, "dseq": schema.dseq}
        path = "/v1/deployment/{owner}/{dseq}"
        return [Endpoint("GET", path, self.read, False, path_schema=owned, cache=(30, 60))]

    async def read(self, call: Call) -> Response:
        """One deployment, with its groups."""
        deployment = self._chain.deployment(call.path["owner"], call.path["dseq"])
        if deployment is None:
            raise Problem(404, "Deployment not found")
        return answer(self._record(deployment))

    def _record(self, deployment: Deployment) -> dict[str, Any]:
        clock = self._chain.clock
        return {
            "owner": deployment.owner,
            "dseq": deployment.dseq,
            "balance": json_number(deployment.escrow.funds),
            "denom": chain_records.DENOM,
            "status": deployment.state,
            "totalMonthlyCostUDenom": sum(_monthly(lease) for lease in deployment.leases),
            "leases": [self._lease(deployment, lease) for lease in deployment.leases],
            "events": [
                {"txHash": t.hash, "date": iso(clock.block_time(t.height)), "type": t.kind}
                for t in self._chain.transactions
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

    def _lease(self, deployment: Deployment, lease: Lease) -> dict[str, Any]:
        provider = self._chain.providers[lease.provider]
        units = deployment.groups[lease.gseq - 1].resources
        return {
            "gseq": lease.gseq,
            "oseq": lease.oseq,
            "provider": {
                "address": provider.owner,
                "hostUri": provider.host_uri,
                "isDeleted": False,
                "attributes": [{"key": key, "value": value} for key, value in provider.attributes.items()],
            },
            "status": lease.state,
            "monthlyCostUDenom": _monthly(lease),
            "cpuUnits": sum(u.cpu * u.count for u in units),
            "gpuUnits": sum(u.gpu * u.count for u in units),
            "memoryQuantity": sum(u.memory * u.count for u in units),
            "storageQuantity": sum(v.size * u.count for u in units for v in u.storage),
        }


def _monthly(lease: Lease) -> int:
    return round(lease.price * API_BLOCKS_PER_MONTH)
