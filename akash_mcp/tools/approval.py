"""How a tool comes by a person's yes, in both protocol eras and in clients that cannot ask.

A tool that spends, deletes or runs commands names its plan twice: in a resolver, which runs before its body and may
ask the person, and in its body, which turns the answer into an approval of that same plan. The body never runs
without one or the other.
"""

from __future__ import annotations

from typing import Any

from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver.context import Context
from mcp.server.mcpserver.resolve import Elicit
from pydantic import BaseModel, Field

from akash_mcp.errors import MissingKey
from akash_mcp.guard.approval import Approval, AskThePerson, TokenNeeded
from akash_mcp.guard.plans import Plan
from akash_mcp.tools.present import confirmation
from akash_mcp.tools.results import Outcome
from akash_mcp.workflow.runtime import Runtime

AppContext = Context[Runtime, Any]


class Confirm(BaseModel):
    """What the person is asked to fill in. Required, so that a client that accepts with nothing says no."""

    confirm: bool = Field(description="Yes, do this")


Consent = Approval | TokenNeeded


def runtime(ctx: AppContext) -> Runtime:
    """The process's services."""
    return ctx.request_context.lifespan_context


def runtime_with_key(ctx: AppContext) -> Runtime:
    """The same, for a plan. Raises `MissingKey`: nobody should be asked for a yes that leads nowhere."""
    services = runtime(ctx)
    if not services.has_key:
        raise MissingKey
    return services


def ask(ctx: AppContext, plan: Plan, token: str | None) -> Elicit[Confirm] | Consent:
    """The resolver's part: a question for the person, or what the policy says without one."""
    approver = runtime(ctx).approver
    decision = approver.consider(plan, token=token, can_ask=_can_ask(ctx))
    if isinstance(decision, AskThePerson):
        return Elicit(plan.summary, Confirm)
    return decision


def settle(ctx: AppContext, plan: Plan, answer: ElicitationResult[Confirm]) -> Approval | Outcome:
    """The body's part: the approval, or the plan to show. Raises `NotApproved` on a no."""
    approver = runtime(ctx).approver
    if not isinstance(answer, AcceptedElicitation):
        return approver.answered(plan, yes=False)
    # Typed as the form, but a resolver that did not ask hands its own value through.
    data: object = answer.data
    if isinstance(data, Confirm):
        return approver.answered(plan, yes=data.confirm)
    if isinstance(data, TokenNeeded):
        return confirmation(plan, data.token, data.expires_in_seconds)
    assert isinstance(data, Approval)
    return data


def _can_ask(ctx: AppContext) -> bool:
    """Whether the client declared form elicitation and there is a way to reach it.

    An empty `elicitation: {}` is the only shape that clients before 2025-11-25 know, and means forms. From
    2026-07-28 on the question travels inside the answer; before that it needs a channel back to the client.
    """
    capabilities = ctx.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    if elicitation is None or (elicitation.form is None and elicitation.url is not None):
        return False
    return (ctx.protocol_version or "") >= "2026-07-28" or ctx.session.can_send_request
