"""What is true in the embedded network now: about deployments, and about money.

Demos and tests check a client's claims against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from akash_mcp.sandbox import escrow
from akash_mcp.sandbox.chain import Chain, Deployment
from akash_mcp.sandbox.console.backend import Backend


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
