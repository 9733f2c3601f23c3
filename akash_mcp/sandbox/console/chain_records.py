"""How the chain's state looks on the wire: the JSON of chain REST that Console passes on.

Heights are text, amounts are text with 18 decimals, and leases that are still open say so by `closed_on:
"0"`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from akash_mcp.sandbox.bidders import offered_gpu_attributes
from akash_mcp.sandbox.chain import Bid, Deployment, Lease
from akash_mcp.sandbox.sellers import Seller
from akash_mcp.sdl import Attribute, ResourceUnit

DENOM = "uact"
_ENDPOINT_KINDS = ("SHARED_HTTP", "RANDOM_PORT", "LEASED_IP")


def coin(amount: Decimal | int) -> dict[str, str]:
    """An amount of uact."""
    return {"denom": DENOM, "amount": f"{Decimal(amount):.18f}"}


def deployment_record(deployment: Deployment) -> dict[str, Any]:
    """The deployment itself."""
    return {
        "id": {"owner": deployment.owner, "dseq": deployment.dseq},
        "state": deployment.state,
        "hash": base64.b64encode(deployment.version).decode("ascii"),
        "created_at": str(deployment.created_height),
    }


def escrow_record(deployment: Deployment) -> dict[str, Any]:
    """Its escrow account, as it was at the last settlement."""
    escrow = deployment.escrow
    deposits = [
        {"owner": deployment.owner, "height": str(height), "source": "grant", "balance": coin(amount)}
        for height, amount in escrow.deposits
    ]
    return {
        "id": {"scope": "deployment", "xid": f"{deployment.owner}/{deployment.dseq}"},
        "state": {
            "owner": deployment.owner,
            "state": escrow.state,
            "transferred": [coin(escrow.transferred)],
            "settled_at": str(escrow.settled_height),
            "funds": [coin(escrow.funds)],
            "deposits": deposits,
        },
    }


def lease_record(owner: str, lease: Lease) -> dict[str, Any]:
    """A lease, without its live status."""
    return {
        "id": {
            "owner": owner,
            "dseq": lease.dseq,
            "gseq": lease.gseq,
            "oseq": lease.oseq,
            "provider": lease.provider,
            "bseq": 0,
        },
        "state": lease.state,
        "price": coin(lease.price),
        "created_at": str(lease.created_height),
        "closed_on": str(lease.closed_height),
        "reason": lease.reason or "lease_closed_invalid",
    }


def bid_record(deployment: Deployment, bid: Bid, seller: Seller) -> dict[str, Any]:
    """A bid with what it offers, and the bidder's own deposit."""
    group = deployment.groups[bid.gseq - 1]
    path = f"{deployment.owner}/{deployment.dseq}/{bid.gseq}/{bid.oseq}/{bid.provider}"
    is_open = bid.state in ("open", "active")
    deposit = coin(500_000)
    height = str(bid.created_height)
    return {
        "bid": {
            "id": {
                "owner": deployment.owner,
                "dseq": deployment.dseq,
                "gseq": bid.gseq,
                "oseq": bid.oseq,
                "provider": bid.provider,
                "bseq": 0,
            },
            "state": bid.state,
            "price": coin(bid.price),
            "created_at": height,
            "resources_offer": [
                {"resources": resources(unit, offered_gpu_attributes(seller, unit)), "count": unit.count}
                for unit in group.resources
            ],
            "reclamation_window": "0s",
        },
        "escrow_account": {
            "id": {"scope": "bid", "xid": path},
            "state": {
                "owner": bid.provider,
                "state": "open" if is_open else "closed",
                "transferred": [],
                "settled_at": height,
                "funds": [deposit if is_open else coin(0)],
                "deposits": [
                    {"owner": bid.provider, "height": height, "source": "balance", "balance": deposit}
                ],
            },
        },
    }


def resources(unit: ResourceUnit, gpu_attributes: Iterable[Attribute]) -> dict[str, Any]:
    """One resource unit."""
    return {
        "id": unit.id,
        "cpu": {"units": {"val": str(unit.cpu)}, "attributes": _attributes(unit.cpu_attributes)},
        "memory": {"quantity": {"val": str(unit.memory)}, "attributes": []},
        "storage": [
            {"name": v.name, "quantity": {"val": str(v.size)}, "attributes": _attributes(v.attributes)}
            for v in unit.storage
        ],
        "gpu": {"units": {"val": str(unit.gpu)}, "attributes": _attributes(gpu_attributes)},
        "endpoints": [
            {"kind": _ENDPOINT_KINDS[e.kind], "sequence_number": e.sequence_number} for e in unit.endpoints
        ],
    }


def group_record(deployment: Deployment, gseq: int) -> dict[str, Any]:
    """A group with its spec."""
    group = deployment.groups[gseq - 1]
    leased = any(lease.gseq == gseq and lease.state == "active" for lease in deployment.leases)
    return {
        "id": {"owner": deployment.owner, "dseq": deployment.dseq, "gseq": gseq},
        "state": "open" if deployment.state == "active" or leased else "closed",
        "group_spec": {
            "name": group.name,
            "requirements": {
                "signed_by": {"all_of": list(group.all_of), "any_of": list(group.any_of)},
                "attributes": _attributes(group.attributes),
            },
            "resources": [
                {
                    "resource": resources(unit, unit.gpu_attributes),
                    "count": unit.count,
                    "price": coin(unit.price),
                }
                for unit in group.resources
            ],
        },
        "created_at": str(deployment.created_height),
    }


def _attributes(attributes: Iterable[Attribute]) -> list[dict[str, str]]:
    return [{"key": a.key, "value": a.value} for a in attributes]
