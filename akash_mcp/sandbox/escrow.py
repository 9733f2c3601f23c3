"""Escrow arithmetic (akash-network/node x/escrow): rent accrues each block and is booked only when settled.

Between settlements `funds` stands still, so what a reader sees is more than what is left. A settlement
happens when a lease starts or ends, when the deployment closes, and when the escrow runs dry.
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal, localcontext

from akash_mcp.sandbox.chain import Deployment

# Amounts have 18 decimals on chain; twelve digits before the point would overflow the default precision.
_DIGITS = 60


def accrued(deployment: Deployment, height: int) -> Decimal:
    """Rent since the last settlement that is not booked yet, in uact. May be more than the funds."""
    with localcontext() as context:
        context.prec = _DIGITS
        return deployment.rate * max(0, height - deployment.escrow.settled_height)


def settle(deployment: Deployment, height: int) -> bool:
    """Book the rent up to `height`. False when the funds did not cover it: then all of them are gone."""
    escrow = deployment.escrow
    owed = accrued(deployment, height)
    paid = min(owed, escrow.funds)
    with localcontext() as context:
        context.prec = _DIGITS
        escrow.funds -= paid
        escrow.transferred += paid
    escrow.settled_height = max(height, escrow.settled_height)
    return paid == owed


def dry_height(deployment: Deployment) -> int | None:
    """The first block whose rent the funds do not cover, or None while nothing is being paid."""
    if not deployment.rate:
        return None
    with localcontext() as context:
        context.prec = _DIGITS
        blocks = (deployment.escrow.funds / deployment.rate).to_integral_value(ROUND_FLOOR)
    return deployment.escrow.settled_height + int(blocks) + 1
