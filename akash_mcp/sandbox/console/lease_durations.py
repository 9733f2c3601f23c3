"""How long the leases of an account have run."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox.chain import Lease
from akash_mcp.sandbox.console import schema
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.moments import iso
from akash_mcp.sandbox.console.responses import answer


class LeaseDurations:
    """Reads for anyone, of leases that are over."""

    def __init__(self, backend: Backend) -> None:
        self._chain = backend.chain

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        query = {
            "dseq": schema.optional(schema.dseq),
            "startDate": schema.optional(schema.date),
            "endDate": schema.optional(schema.date),
        }
        owner = {"owner": schema.akash_address}
        path = "/v1/leases-duration/{owner}"
        return [Endpoint("GET", path, self.read, False, path_schema=owner, query_schema=query)]

    async def read(self, call: Call) -> Response:
        """Each lease that closed within these days, with the sums of all."""
        wanted, query = call.query.get("dseq"), call.query
        rows = []
        for deployment in self._chain.deployments_of(call.path["owner"]):
            if wanted in (None, deployment.dseq):
                rows += [_row(self._chain.clock.block_time, each) for each in deployment.leases]
        closed = [row for row in rows if row["closedHeight"]]
        first, last = query.get("startDate"), query.get("endDate")
        shown = [
            row
            for row in closed
            if (first is None or row["closedDate"] >= first.isoformat())
            and (last is None or row["closedDate"][:10] <= last.isoformat())
        ]
        seconds = sum(row["durationInSeconds"] for row in shown)
        sums = {"leaseCount": len(shown), "totalDurationInSeconds": seconds}
        return answer({**sums, "totalDurationInHours": seconds / 3600, "leases": shown})


def _row(block_time: Any, lease: Lease) -> dict[str, Any]:
    begun, ended = block_time(lease.created_height), block_time(lease.closed_height or lease.created_height)
    return {
        "dseq": lease.dseq,
        "oseq": lease.oseq,
        "gseq": lease.gseq,
        "provider": lease.provider,
        "startHeight": lease.created_height,
        "startDate": iso(begun),
        "closedHeight": lease.closed_height,
        "closedDate": iso(ended),
        "durationInBlocks": max(0, lease.closed_height - lease.created_height),
        "durationInSeconds": round(ended - begun),
        "durationInHours": (ended - begun) / 3600,
    }
