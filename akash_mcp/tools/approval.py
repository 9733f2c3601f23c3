"""How a tool comes by a person's yes, in both protocol eras and in clients that cannot ask.

A tool that spends, deletes or runs commands has one parameter for it, which no model can fill in:

    decision: Annotated[Decision[LaunchPlan], decided(plan_deploy)]

`plan_deploy` makes the plan from the tool's arguments, once a call. What the person is asked, what they answer and
what the body carries out are that one plan: the body gets it together with its approval, or not at all. A yes
that was used already is known before anything is planned, and the body gets the operation that it opened.

Where the client cannot ask, the plan is shown with a token, and the tool `confirm` carries that plan out (`confirmed`).
"""

# No `from __future__ import annotations` here: the resolvers below are made for one plan each, and the SDK must read
# in their annotations which one.

import hashlib
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

import anyio
from mcp import MCPError
from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver.context import Context
from mcp.server.mcpserver.resolve import Elicit, Resolve

from akash_mcp.errors import LedgerUnusable
from akash_mcp.guard.approval import tokens
from akash_mcp.guard.approval.approval import (
    Approval,
    Approver,
    AskThePerson,
    PersonNeeded,
    TokenNeeded,
)
from akash_mcp.guard.books import journal
from akash_mcp.guard.books.journal import op_id_of
from akash_mcp.guard.plans.akua_plans import KINDS as AKUA_KINDS
from akash_mcp.guard.plans.plans import ClosePlan, Plan
from akash_mcp.ids import OpId
from akash_mcp.tools.arguments import given
from akash_mcp.tools.deadline import bounded
from akash_mcp.tools.hiding import hidden
from akash_mcp.tools.questions import Confirm, answer_of, note_question, question_of
from akash_mcp.workflow.desk import Desk
from akash_mcp.workflow.play_money import marked
from akash_mcp.workflow.runtime import Runtime

log = logging.getLogger(__name__)

AppContext = Context[Runtime, Any]

P = TypeVar("P", bound=Plan)

BODY_SECONDS = 10.0
"""What planning leaves of a call, so that the body can start what was approved and say where it stands."""

QUESTION_SECONDS = 600.0
"""How long a person may think where the call waits for them: as long as a question that travels is good."""

_NOBODY_ANSWERED = "The client can be asked, but brought no answer that can be read."
_NOBODY_READ = (
    "The client said no by itself: its answer came at once, before anybody could have read the question."
)
_SPARE_THE_QUESTION = "The user can set AKASH_MCP_APPROVAL=two-step, so that it is not asked."


@dataclass(frozen=True, slots=True)
class Approved(Generic[P]):
    """A plan, and the yes to exactly this plan."""

    plan: P
    approval: Approval


@dataclass(frozen=True, slots=True)
class Opened:
    """The yes was used: it opened this operation. `tool`: whose plan it was, as far as that is still known."""

    op_id: OpId
    tool: str = ""


Decision: TypeAlias = Approved[P] | TokenNeeded | PersonNeeded | Opened
"""What a tool's body gets: an approved plan, one that still has to be shown, one that waits for a person at a terminal,
or what was opened by this yes before."""


def runtime(ctx: AppContext) -> Runtime:
    """The process's services."""
    return ctx.request_context.lifespan_context


async def runtime_with_key(ctx: AppContext) -> Runtime:
    """The process's services, for a plan. Raises `MissingKey`: nobody should be asked for a yes that leads nowhere."""
    services = runtime(ctx)
    await services.key.need()
    return services


def akash_desk(services: Runtime) -> Desk:
    """Where plans about Akash become deeds."""
    return services.desk


def akua_desk(services: Runtime) -> Desk:
    """Where plans about Akua become deeds."""
    return services.akua.desk


DeskOf: TypeAlias = Callable[[Runtime], Desk]


def decided(
    make_plan: Callable[..., Awaitable[P]], *, repeatable: bool = False, desk_of: DeskOf = akash_desk
) -> Resolve:
    """Fills a parameter with the `Decision` on the plan that `make_plan` makes from the tool's arguments, by name.

    `make_plan` may raise any `AkashError`; nobody is asked then. It runs once a call: in the 2026-07-28 era, where the
    answer to a question comes as a call of its own, once in each of the two. A no raises `NotApproved` and the body
    does not run. What is `repeatable` is not held up by a ledger that cannot say whether it was done.
    """

    @wraps(make_plan)
    async def plan_unless_opened(ctx: AppContext, **arguments: Any) -> P | Opened:
        desk = desk_of(runtime(ctx))
        await desk.account.recall()
        opened = await _opened(ctx, desk, repeatable)
        if opened is not None:
            return opened
        plan = await make_plan(ctx, **arguments)
        if not repeatable:
            # Last: what is wrong with the arguments is told also while the Console is silent.
            await desk.account.bind()
        return plan

    planned = bounded(plan_unless_opened, keep=BODY_SECONDS)

    async def ask(
        ctx: AppContext, plan: Annotated[Any, Resolve(planned)]
    ) -> Elicit[Confirm] | Confirm | Approval | TokenNeeded | PersonNeeded | Opened:
        if isinstance(plan, Opened):
            return plan
        approver, call, client = desk_of(runtime(ctx)).approver, _call(ctx), client_of(ctx)
        question = question_of(ctx)
        decision = await approver.consider(
            plan, can_ask=_can_ask(ctx), call=call, client=client, question=question
        )
        if not isinstance(decision, AskThePerson):
            return decision
        if question is not None:
            # Not left to the SDK, which asks again where a word of the question moved and the plan did not.
            return await _heard(ctx, approver, plan, answer_of(ctx), question.back_at - question.asked_at)
        await approver.asked(plan, client)
        if not _questions_travel(ctx):
            asked_at = runtime(ctx).store.wall()
            said = await _answer(ctx, _question(ctx, plan))
            return await _heard(ctx, approver, plan, said, runtime(ctx).store.wall() - asked_at)
        await runtime(ctx).prepare_questions()
        note_question(plan.fingerprint)
        return Elicit(_question(ctx, plan), Confirm)

    # The SDK names a question by its resolver, and these would all have one name.
    ask.__qualname__ = f"ask_{make_plan.__name__}"

    async def decide(
        ctx: AppContext,
        plan: Annotated[Any, Resolve(planned)],
        answer: Annotated[ElicitationResult[Confirm], Resolve(ask)],
    ) -> Approved[Any] | TokenNeeded | PersonNeeded | Opened:
        # Typed as the form, but a resolver that did not ask hands its own value through.
        data: Any = answer.data if isinstance(answer, AcceptedElicitation) else Confirm(confirm=False)
        if isinstance(data, Confirm):
            data = await desk_of(runtime(ctx)).approver.answered(
                plan, yes=data.confirm, question=question_of(ctx), client=client_of(ctx)
            )
        if isinstance(data, Approval):
            return Approved(plan, data)
        assert isinstance(data, TokenNeeded | PersonNeeded | Opened)
        return data

    return Resolve(decide)


async def confirmed(ctx: AppContext, name: str) -> Decision[Any]:
    """The `Decision` on the plan that was shown with this approval token, or waits for a person under this op_id.

    Raises `NotApproved`, and what stands in the way of spending.
    """
    op_id = op_id_of_yes(name)
    desk = await _desk_of_yes(runtime(ctx), op_id)
    await desk.key.need()
    try:
        if await _is_open(desk, op_id):
            shown = None if name.startswith("op_") else await desk.approver.tokens.find(name)
            return Opened(op_id, shown.tool if shown else "")
    except LedgerUnusable as unusable:
        if not desk.approver.tokens.is_own(op_id):
            raise _not_known(unusable) from unusable
    decision = await desk.approver.confirm(name, client_of(ctx))
    if isinstance(decision, PersonNeeded):
        return decision
    plan, approval = decision
    if not isinstance(plan, ClosePlan):
        await desk.account.bind()
    return Approved(plan, approval)


async def _desk_of_yes(services: Runtime, op_id: OpId) -> Desk:
    """Akua's, where the yes was asked for there; else Akash's."""
    desk = services.akua.desk if await is_asked_at_akua(services, op_id) else services.desk
    await bounded(desk.account.recall)()
    return desk


async def is_asked_at_akua(services: Runtime, op_id: OpId) -> bool:
    """Whether the yes that opens this operation was asked for at Akua. No key is read for that: each is needed by its
    own desk alone."""
    akua = services.akua.desk
    if akua.approver.tokens.is_own(op_id):
        return True
    try:
        return akua.store.path.exists() and await akua.store.read(tokens.is_of, op_id, AKUA_KINDS)
    except LedgerUnusable:
        log.exception("whether a yes was asked for at Akua is not known")
        return False


def op_id_of_yes(name: str) -> OpId:
    """The operation that the yes opens which is given with this approval token, or stands under this op_id."""
    return OpId(name) if name.startswith("op_") else op_id_of(name)


async def _opened(ctx: AppContext, desk: Desk, repeatable: bool) -> Opened | None:
    """The operation that the yes of this call opened before, in this process or another that shares the store."""
    question = question_of(ctx)
    try:
        if question is not None:
            op_id: OpId | None = question.op_id
        else:
            op_id = await desk.approver.opened_at_terminal(_call(ctx))
        if op_id is None or not await _is_open(desk, op_id):
            return None
    except LedgerUnusable as unusable:
        if repeatable:
            return None
        raise _not_known(unusable) from unusable
    return Opened(op_id, tool_of(ctx))


def _not_known(unusable: LedgerUnusable) -> LedgerUnusable:
    return LedgerUnusable(
        unusable.what,
        next_step=unusable.next_step,
        money="This call moved none; whether an earlier one with the same approval did is not known.",
    )


async def _is_open(desk: Desk, op_id: OpId) -> bool:
    if desk.operations.find(op_id) is not None:
        return True
    return await desk.store.read(journal.find, op_id) is not None


def tool_of(ctx: AppContext) -> str:
    """The name of the tool that is called."""
    return str((ctx.request_context.params or {}).get("name"))


def is_confirm(ctx: AppContext) -> bool:
    """Whether the call carries out a plan that was shown before."""
    return tool_of(ctx) == "confirm"


def client_of(ctx: AppContext) -> str:
    """Name and version of the MCP client, as it tells them; empty where it tells none."""
    params = ctx.session.client_params
    return f"{params.client_info.name} {params.client_info.version}" if params else ""


def _call(ctx: AppContext) -> str:
    """A hash of the tool and its arguments."""
    arguments = given((ctx.request_context.params or {}).get("arguments") or {})
    return hashlib.sha256(json.dumps([tool_of(ctx), arguments], sort_keys=True).encode()).hexdigest()


async def _heard(
    ctx: AppContext, approver: Approver, plan: Plan, answer: Confirm | None, seconds: float
) -> Confirm | Approval | TokenNeeded | PersonNeeded:
    """What came of a question after so many seconds: its answer, or the plan to be shown if nobody can have seen it.

    Some clients declare that they can ask and then say no by themselves: Codex (openai/codex issues 6992 and 45621),
    Claude Code inside VS Code (anthropics/claude-code issue 79174). Their users could never deploy anything. A yes
    counts however fast it comes, since a person can have told their client to give it.
    """
    at_once = 0 <= seconds < runtime(ctx).intervals.reading
    if answer is not None and (answer.confirm or not at_once):
        return answer
    why = _NOBODY_ANSWERED if answer is None else _NOBODY_READ
    return await approver.unseen(
        plan,
        call=_call(ctx),
        client=client_of(ctx),
        why_not_asked=f"{why} {_SPARE_THE_QUESTION}",
        question=question_of(ctx),
    )


async def _answer(ctx: AppContext, message: str) -> Confirm | None:
    """Put the question inside this call. None where nothing comes back that can be read: nobody said no then."""
    try:
        with anyio.fail_after(QUESTION_SECONDS):
            answer = await ctx.elicit(message, Confirm)
    except (MCPError, ValueError, TimeoutError) as unavailable:
        log.info("the client did not answer a question: %s", type(unavailable).__name__)
        return None
    return answer.data if isinstance(answer, AcceptedElicitation) else Confirm(confirm=False)


def _question(ctx: AppContext, plan: Plan) -> str:
    """What a person is asked about a plan."""
    summary = hidden(plan.summary)
    return marked(summary) if runtime(ctx).play_money else summary


def _questions_travel(ctx: AppContext) -> bool:
    return (ctx.protocol_version or "") >= "2026-07-28"


def _can_ask(ctx: AppContext) -> bool:
    """Whether the client declared form elicitation and there is a way to reach it.

    An empty `elicitation: {}` is the only shape that clients before 2025-11-25 know, and means forms. From
    2026-07-28 on the question travels inside the answer; before that it needs a channel back to the client.
    """
    capabilities = ctx.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    if elicitation is None or (elicitation.form is None and elicitation.url is not None):
        return False
    return _questions_travel(ctx) or ctx.session.can_send_request
