"""What an answer says of money, in each generation of the Console API.

Where a deployment has a deposit (`2025`, `reference`), the deposit goes into its escrow, and what it does not use comes
back. Since `2026-11` there is none: the account's credit pays while it runs, and its runtime limit ends that.
"""

from __future__ import annotations

from akash_mcp.clients.console.generation import Generation
from akash_mcp.guard.books.runs import in_utc
from akash_mcp.guard.plans.plans import ClosePlan, FundPlan, LaunchPlan, LeasePlan
from akash_mcp.money import Usd


def created_money(plan: LaunchPlan) -> str:
    """After `create_deployment`."""
    if plan.runtime_limit_hours is None:
        return f"{plan.deposit} went into its escrow. Nothing is spent until a lease starts."
    return (
        "Nothing is spent until a lease starts. From then on the account's credit pays, for at most "
        f"{plan.runtime_limit_hours} h: {plan.deposit} at most."
    ) + _unused(plan)


def leased_money(plan: LaunchPlan | LeasePlan, rate: Usd) -> str:
    """After `deploy` and `create_lease`, for a lease at `rate` an hour."""
    if plan.runtime_limit_hours is None:
        end = f" {_hours(plan.hours)} after its lease began," if plan.hours else ""
        return (
            f"It costs {rate} an hour from its escrow, {plan.most} in all at most, until it is closed{end} or its "
            "escrow is used up."
        )
    return (
        f"It costs {rate} an hour from the account's credit, {plan.most} in all at most, until it is closed or its "
        f"{plan.runtime_limit_hours} h are over."
    ) + _unused(plan)


def _hours(number: int) -> str:
    return f"{number} hour{'s' * (number != 1)}"


def _unused(plan: LaunchPlan | LeasePlan) -> str:
    """That a deployment begins with fewer hours than were paid for."""
    return f" {plan.unused}" if isinstance(plan, LaunchPlan) and plan.unused else ""


def funded_summary(plan: FundPlan) -> str:
    """What `add_funds` did."""
    until = f", until {in_utc(plan.moved_to)}" if plan.moved_to is not None else ""
    longer = f"Deployment {plan.dseq} may run {plan.run_hours} h longer{until}." if plan.run_hours else ""
    if plan.more_hours is None and not plan.amount:
        return longer
    if plan.more_hours is None:
        return f"{plan.amount} was added to deployment {plan.dseq}. {longer}".rstrip()
    return f"Deployment {plan.dseq} may run {plan.more_hours} h longer."


def funded_money(plan: FundPlan) -> str:
    """After `add_funds`."""
    if plan.more_hours is None and not plan.amount:
        return "No money moved: its escrow pays for it. What is left comes back when it is closed."
    if plan.more_hours is None:
        return f"{plan.amount} went into escrow; what is left comes back when it is closed."
    return f"No deposit was made. The account's credit pays while it runs, {plan.amount} more at most."


def came_back(plan: ClosePlan, spent: Usd | None) -> Usd | None:
    """What was put behind a closed deployment, less what it cost; None where nothing comes back, or that is not known.

    A reservation is not what was put in: a deposit can be another, and others can have made theirs.
    """
    paid_in = None if plan.generation is Generation.V2026_11 else plan.paid_in
    return None if paid_in is None or spent is None or paid_in < spent else paid_in - spent


def closed_money(plan: ClosePlan, spent: Usd | None, refunded: Usd | None) -> str:
    """After `close_deployment`. None is what is not known."""
    if spent is None:
        return "What it cost is not on record any more, so its whole reservation counts as spent."
    if plan.generation is None:
        return f"It cost {spent}."
    if plan.generation is Generation.V2026_11:
        return f"It cost {spent}, and the account's credit pays for it no longer."
    if refunded is None:
        return f"It cost {spent}; what was left of its escrow came back."
    return f"It cost {spent}, and {refunded.rounded_down()} came back."
