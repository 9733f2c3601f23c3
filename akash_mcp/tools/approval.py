"""How a tool comes by a person's yes, in both protocol eras and in clients that cannot ask.

A tool that spends, deletes or runs commands has one parameter for it, which no model can fill in:

    decision: Annotated[Decision[LaunchPlan], decided(plan_deploy)]

`plan_deploy` makes the plan from the tool's arguments, once a call. What the person is asked, what they answer and
what the body carries out are that one plan: the body gets it together with its approval, or not at all.
"""

# No `from __future__ import annotations` here: the resolvers below are made for one plan each, and the SDK must read
# in their annotations which one.

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver.context import Context
from mcp.server.mcpserver.resolve import Elicit, Resolve
from pydantic import BaseModel, Field

from akash_mcp.errors import MissingKey
from akash_mcp.guard.approval import Approval, AskThePerson, TokenNeeded
from akash_mcp.guard.plans import Plan
from akash_mcp.tools.deadline import bounded
from akash_mcp.workflow.runtime import Runtime

AppContext = Context[Runtime, Any]

P = TypeVar("P", bound=Plan)

BODY_SECONDS = 10.0
"""What planning leaves of a call, so that the body can start what was approved and say where it stands."""


class Confirm(BaseModel):
    """What the person is asked to fill in. Required, so that a client that accepts with nothing says no."""

    confirm: bool = Field(description="Yes, do this")


@dataclass(frozen=True, slots=True)
class Approved(Generic[P]):
    """A plan, and the yes to exactly this plan."""

    plan: P
    approval: Approval


Decision: TypeAlias = Approved[P] | TokenNeeded
"""What a tool's body gets: an approved plan, or one that still has to be shown, with the token that approves it."""


def runtime(ctx: AppContext) -> Runtime:
    """The process's services."""
    return ctx.request_context.lifespan_context


def runtime_with_key(ctx: AppContext) -> Runtime:
    """The process's services, for a plan. Raises `MissingKey`: nobody should be asked for a yes that leads nowhere."""
    services = runtime(ctx)
    if not services.has_key:
        raise MissingKey
    return services


def decided(make_plan: Callable[..., Awaitable[P]]) -> Resolve:
    """Fills a parameter with the `Decision` on the plan that `make_plan` makes from the tool's arguments, by name.

    The tool needs an argument `approval_token`. `make_plan` may raise any `AkashError`; nobody is asked then. It runs
    once a call: in the 2026-07-28 era, where the answer to a question comes as a call of its own, once in each of the
    two. A no raises `NotApproved` and the body does not run.
    """
    planned = bounded(make_plan, keep=BODY_SECONDS)

    async def ask(
        ctx: AppContext, plan: Annotated[Any, Resolve(planned)], approval_token: str | None
    ) -> Elicit[Confirm] | Approval | TokenNeeded:
        decision = runtime(ctx).approver.consider(plan, token=approval_token, can_ask=_can_ask(ctx))
        return Elicit(plan.summary, Confirm) if isinstance(decision, AskThePerson) else decision

    # The SDK names a question by its resolver, and these would all have one name.
    ask.__qualname__ = f"ask_{make_plan.__name__}"

    async def decide(
        ctx: AppContext,
        plan: Annotated[Any, Resolve(planned)],
        answer: Annotated[ElicitationResult[Confirm], Resolve(ask)],
    ) -> Approved[Any] | TokenNeeded:
        approver = runtime(ctx).approver
        if not isinstance(answer, AcceptedElicitation):
            return Approved(plan, approver.answered(plan, yes=False))
        # Typed as the form, but a resolver that did not ask hands its own value through.
        data: object = answer.data
        if isinstance(data, Confirm):
            return Approved(plan, approver.answered(plan, yes=data.confirm))
        if isinstance(data, TokenNeeded):
            return data
        assert isinstance(data, Approval)
        return Approved(plan, data)

    return Resolve(decide)


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
