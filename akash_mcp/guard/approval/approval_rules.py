"""Which way of approving holds for a plan: the policy's general one, one for its tool, or none up to an amount."""

from __future__ import annotations

from akash_mcp.guard.plans.plans import FundPlan, LaunchPlan, LeasePlan, Plan
from akash_mcp.guard.policy.policy import ApprovalMode, Policy
from akash_mcp.money import ZERO

_SPENDING = (LaunchPlan, LeasePlan, FundPlan)


def mode_for(policy: Policy, plan: Plan) -> ApprovalMode:
    """How a plan is approved.

    A rule for the tool takes the place of the general one. Up to `auto_up_to_usd` what spends is not asked about, and
    above it the general way holds. Where both a rule for the tool and one for the amount apply, the stricter wins.
    Nothing but the general way frees anybody from a question about what this server did not create.
    """
    rules = []
    if (by_tool := policy.approval_by_tool.get(plan.tool)) is not None:
        rules.append(by_tool)
    if policy.auto_up_to_usd is not None and isinstance(plan, _SPENDING):
        # What a lease can cost was reserved before: `most` counts that. Nothing held is not known to be little.
        is_little = ZERO < plan.most <= policy.auto_up_to_usd
        rules.append(ApprovalMode.AUTO if is_little else policy.approval)
    if not rules or (plan.touches_others and ApprovalMode.AUTO in rules):
        rules.append(policy.approval)
    return max(rules, key=lambda mode: mode.strictness)
