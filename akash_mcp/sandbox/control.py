"""The control API of the embedded network: the truth about money and leases, and switches for faults and time.

Nothing of it exists on the real network. Demos and tests check a client's claims against it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from akash_mcp.sandbox import escrow
from akash_mcp.sandbox.chain import Chain, Deployment
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.faults import Fault, Faults


class Inject(Protocol):
    """Switches a fault on or, with a count of 0, off."""

    def __call__(
        self, name: str, *, count: int | None = None, value: str | None = None, route: str | None = None
    ) -> Awaitable[Fault]: ...


def state_of(backend: Backend, requests: Mapping[str, int]) -> dict[str, object]:
    """Everything that is true now. Amounts are decimal text in uact, heights are numbers.

    `spent_uact` is rent that has left the account for good or has accrued; the rest of what is not in the
    allowance is in escrow. `runtime_limits`: hours, and the simulated second at which each ends.
    """
    chain, account = backend.chain, backend.account
    deployments = chain.deployments_of(account.address)
    spent = sum((d.escrow.transferred + _unsettled(chain, d) for d in deployments), Decimal(0))
    return {
        "height": chain.height,
        "elapsed_seconds": chain.clock.elapsed(),
        "owner": account.address,
        "allowance_uact": account.allowance_uact,
        "spent_uact": str(spent),
        "deployments": [_deployment(chain, deployment) for deployment in deployments],
        "settings": {row.dseq: row.auto_top_up for row in backend.funding.rows.values()},
        "runtime_limits": {
            dseq: {"hours": limit.hours, "ends": limit.ends} for dseq, limit in backend.limits.of.items()
        },
        "transactions": [vars(transaction) for transaction in chain.transactions],
        "requests": dict(requests),
    }


def control_app(
    chain: Chain, faults: Faults, state: Callable[[], dict[str, object]], inject: Inject
) -> Starlette:
    """`GET /_sandbox/state`, `GET|POST /_sandbox/faults`, `POST /_sandbox/clock` `{"skip": seconds}`."""

    async def show_state(request: Request) -> JSONResponse:
        return JSONResponse(state())

    async def show_faults(request: Request) -> JSONResponse:
        return JSONResponse(faults.describe())

    async def set_fault(request: Request) -> JSONResponse:
        try:
            body = json.loads(await request.body())
            name, count, value, route = (body.get(key) for key in ("name", "count", "value", "route"))
            await inject(str(name), count=count, value=None if value is None else str(value), route=route)
        except (ValueError, AttributeError, TypeError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse(faults.describe())

    async def skip(request: Request) -> JSONResponse:
        try:
            chain.clock.skip(float(json.loads(await request.body())["skip"]))
        except (ValueError, KeyError, TypeError) as error:
            return JSONResponse({"error": f"expected a number of seconds to skip: {error}"}, 400)
        chain.schedule.catch_up()
        return JSONResponse({"elapsed_seconds": chain.clock.elapsed(), "height": chain.height})

    return Starlette(
        routes=[
            Route("/_sandbox/state", show_state),
            Route("/_sandbox/faults", show_faults),
            Route("/_sandbox/faults", set_fault, methods=["POST"]),
            Route("/_sandbox/clock", skip, methods=["POST"]),
        ]
    )


def _unsettled(chain: Chain, deployment: Deployment) -> Decimal:
    return min(escrow.accrued(deployment, chain.height), deployment.escrow.funds)


def _deployment(chain: Chain, deployment: Deployment) -> dict[str, Any]:
    account = deployment.escrow
    return {
        "dseq": deployment.dseq,
        "state": deployment.state,
        "created_height": deployment.created_height,
        "closed_height": deployment.closed_height,
        "version": deployment.version.hex(),
        "groups": [group.name for group in deployment.groups],
        "escrow": {
            "state": account.state,
            "funds_uact": str(account.funds),
            "transferred_uact": str(account.transferred),
            "unsettled_uact": str(_unsettled(chain, deployment)),
            "settled_height": account.settled_height,
            "deposits": [{"height": height, "uact": str(uact)} for height, uact in account.deposits],
        },
        "bids": [
            {
                "provider": bid.provider,
                "gseq": bid.gseq,
                "oseq": bid.oseq,
                "price_uact_per_block": str(bid.price),
                "created_height": bid.created_height,
                "state": bid.state,
            }
            for bid in deployment.bids
        ],
        "leases": [
            {
                "provider": lease.provider,
                "gseq": lease.gseq,
                "oseq": lease.oseq,
                "price_uact_per_block": str(lease.price),
                "created_height": lease.created_height,
                "closed_height": lease.closed_height,
                "state": lease.state,
                "reason": lease.reason,
            }
            for lease in deployment.leases
        ],
    }
