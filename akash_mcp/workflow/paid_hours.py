"""What an amount comes to: for how many hours it pays, and what is left of it for another attempt."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal

from akash_mcp.clients.console.limits import FIRST_RUNTIME_HOURS, MINIMUM_DEPOSIT
from akash_mcp.errors import BadArgument
from akash_mcp.guard.plans.plans import LaunchPlan
from akash_mcp.money import Usd, hours_paid_for, told_apart, uact_per_block, usd_per_hour_at_most

_CENT = Decimal("0.01")


def limited(amount: Usd, price: Decimal, most: int = FIRST_RUNTIME_HOURS) -> tuple[int, Usd]:
    """The whole hours, up to `most`, that an amount pays for at a price in uact per block, and what those can cost.

    Raises `BadArgument` where it does not pay for one.
    """
    most = min(most, FIRST_RUNTIME_HOURS)
    if not price:
        return most, amount
    hours = int(min(hours_paid_for(amount, price), Decimal(most)))
    if hours < 1:
        an_hour, paid = told_apart(usd_per_hour_at_most(price), amount)
        raise BadArgument(
            f"An hour can cost {an_hour}, so {paid} does not pay for one hour.",
            next_step="Name a lower max_usd_per_hour, or a larger amount.",
        )
    return hours, min(amount, usd_per_hour_at_most(price) * hours)


def plan_elsewhere(plan: LaunchPlan, spent: Usd) -> LaunchPlan:
    """The plan for another deployment with what is left of what was approved. Raises `BadArgument` where that is less
    than a deployment takes.
    """
    least = MINIMUM_DEPOSIT[plan.generation]
    rest = plan.deposit - spent if spent < plan.deposit else Usd(0)
    if plan.runtime_limit_hours is None:
        rest = Usd(rest.amount.quantize(_CENT, ROUND_FLOOR))  # a deposit is one that a person could name
    if rest < least:
        raise BadArgument(
            f"{rest.rounded_down()} is left of the approved {plan.deposit}, and a deployment takes {least} at least."
        )
    if plan.runtime_limit_hours is None:
        return replace(plan, deposit=rest)
    hours, deposit = limited(rest, uact_per_block(plan.max_usd_per_hour))
    return replace(plan, deposit=deposit, runtime_limit_hours=min(hours, plan.runtime_limit_hours))
