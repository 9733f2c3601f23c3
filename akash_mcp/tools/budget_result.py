"""The answer of `get_budget`: the limits that bind this server's agent, and what is left of them."""

from __future__ import annotations

from collections.abc import Sequence

from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.limits import MINIMUM_DEPOSIT
from akash_mcp.guard.books.notices import Notice
from akash_mcp.guard.policy.limits import BudgetStatus, Standing
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.tools.results import BudgetResult
from akash_mcp.workflow.spent_today import SpentToday
from akash_mcp.workflow.status import Credit


def budget_result(
    budget: BudgetStatus,
    policy: Policy,
    spent: SpentToday,
    credit: Credit,
    recent: Sequence[Notice],
    untold: int,
    generation: Generation | None,
) -> BudgetResult:
    """The answer. `recent` are the notices of the last day, and `untold` how many no answer has told.

    `generation` is None where the Console does not tell it: what it takes as a deposit is then not known.
    """
    has_deposits = generation not in (None, Generation.V2026_11)
    return BudgetResult(
        agent=policy.agent or None,
        max_usd_per_deployment=policy.max_usd_per_deployment,
        max_usd_per_day=policy.max_usd_per_day,
        max_usd_per_month=policy.max_usd_per_month,
        max_usd_total=policy.max_usd_total,
        max_usd_per_hour=policy.max_usd_per_hour,
        max_usd_per_hour_together=policy.max_usd_per_hour_together,
        max_deployments=policy.max_deployments,
        default_hours=policy.default_hours,
        max_hours=policy.max_hours,
        least_deposit_usd=MINIMUM_DEPOSIT[generation] if generation and has_deposits else None,
        held_usd=budget.held,
        spent_today_usd=spent.amount,
        spent_today_unknown=spent.unknown or None,
        committed_last_24h_usd=budget.today,
        committed_this_month_usd=budget.month,
        committed_in_all_usd=budget.total,
        open_usd_per_hour=budget.usd_per_hour,
        left_today_usd=budget.left_today,
        left_this_month_usd=budget.left_this_month,
        left_in_all_usd=budget.left_in_all,
        left_usd_per_hour=budget.left_per_hour,
        open_deployments=budget.live_deployments,
        all_agents=None if policy.roof is None else _together(budget.roof),
        approval=policy.approval.value,
        approval_rules=_rules(policy) or None,
        account_credit_usd=credit.available,
        account_in_escrow_usd=credit.in_escrow,
        account_problem=credit.problem,
        recent_notices=[str(notice) for notice in recent] or None,
        untold_notices=untold,
        next_step="Only the user can change the limits. The account's figures are ten seconds old at most.",
    )


def _together(roof: Standing) -> str:
    """What all agents may do together, and have done."""
    limits, committed = roof.limits, roof.committed
    parts = [f"{committed.today} of {limits.max_usd_per_day} in 24 hours"]
    if limits.max_usd_per_month is not None:
        parts.append(f"{committed.month} of {limits.max_usd_per_month} this month")
    if limits.max_usd_total is not None:
        parts.append(f"{committed.total} of {limits.max_usd_total} in all")
    if limits.max_usd_per_hour_together is not None:
        parts.append(f"{committed.usd_per_hour} of {limits.max_usd_per_hour_together} an hour")
    parts.append(f"{committed.live_deployments} of {limits.max_deployments} deployments")
    return f"All agents together have committed {', '.join(parts)}."


def _rules(policy: Policy) -> list[str]:
    """How single tools and small amounts are approved, beside the general way."""
    rules = [f"{tool}: {mode}" for tool, mode in policy.approval_by_tool.items()]
    if policy.auto_up_to_usd is not None:
        rules.append(f"up to {policy.auto_up_to_usd} nobody is asked about spending")
    return rules
