"""Approval: a person's yes to one exact plan, good for one operation.

An `Approval` is made here only, for one plan, and the gate takes no other. It names the operation that it opens, and
a yes that comes again names the same. The two-step token forces the model to show the plan before it can act on it;
what bounds the loss if the model does not is the policy's limits, not the token. What waits for a person at a terminal
is answered there and nowhere else.

What was shown, declined or refused is written into the audit here; a yes, by the gate, with the operation it opens.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Literal

from akash_mcp.errors import LedgerUnusable, NotApproved
from akash_mcp.guard.approval import waiting
from akash_mcp.guard.approval.approval_rules import mode_for
from akash_mcp.guard.approval.tokens import TOKEN_SECONDS, Tokens
from akash_mcp.guard.books import audit
from akash_mcp.guard.books.audit import AuditEntry, Event
from akash_mcp.guard.books.journal import new_op_id, op_id_of
from akash_mcp.guard.plans.plan_record import any_plan_of, is_kept
from akash_mcp.guard.plans.plans import ClosePlan, Plan
from akash_mcp.guard.policy.policy import ApprovalMode, Policy
from akash_mcp.ids import OpId

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Approval:
    """A yes to the plan with this fingerprint, which opens the operation `op_id`. `via` says how it was given, and
    `client` is the MCP client that called, as it names itself.
    """

    fingerprint: str
    via: Literal["elicitation", "two-step", "terminal", "auto", "own"]
    op_id: OpId = field(default_factory=new_op_id)
    client: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A question that was put to a person earlier, and the plan that was shown in it. `token` is what that plan is
    confirmed with where nobody saw the question: both are one yes, and open one operation.

    `asked_at`: seconds since the epoch, by the clock of the process that asked; `back_at`: when the client came back
    with it, by that of the process that it came to.
    """

    token: str
    fingerprint: str
    asked_at: float
    back_at: float

    @property
    def op_id(self) -> OpId:
        """The operation that a yes to it opens."""
        return op_id_of(self.token)


@dataclass(frozen=True, slots=True)
class TokenNeeded:
    """The plan still needs a yes: show it, and confirm it with this token. `why_not_asked`: a sentence, where the
    client can ask its user and yet nobody saw the question."""

    plan: Plan
    token: str
    why_not_asked: str = ""
    expires_in_seconds: int = TOKEN_SECONDS


@dataclass(frozen=True, slots=True)
class PersonNeeded:
    """The plan waits for a person at a terminal, under the name of the operation that their yes opens.

    `is_changed`: it would do something else by now than it did when they were asked, so they are asked anew.
    """

    plan: Plan
    op_id: OpId
    expires_in_seconds: int
    is_changed: bool = False


class AskThePerson:
    """The client can put the question to its user."""


@dataclass(frozen=True, slots=True)
class Approver:
    """Turns plans into approvals as the policy says."""

    policy: Policy
    tokens: Tokens

    async def consider(
        self,
        plan: Plan,
        *,
        can_ask: bool,
        call: str = "",
        client: str = "",
        question: Question | None = None,
    ) -> Approval | TokenNeeded | PersonNeeded | AskThePerson:
        """What a plan needs next. `call` is a hash of the tool and its arguments, `client` the MCP client as it names
        itself, and `question` what the call answers.

        Raises `NotApproved` when the policy denies, when a person at a terminal said no, or when something else was
        shown in the question.
        """
        if question is not None and question.fingerprint != plan.fingerprint:
            raise NotApproved(
                "What would be done has changed since the question was asked, so the answer does not count.",
                next_step="Call again without the answer, so that the user is asked about it as it is now.",
            )
        # What a question was asked about is one deed, also where nothing would be asked any more.
        op_id = question.op_id if question else new_op_id()
        if plan.needs_no_approval:
            return Approval(plan.fingerprint, "own", op_id, client)
        mode = await self._mode(plan, client, can_ask=can_ask)
        if mode is ApprovalMode.TERMINAL:
            return await self._at_terminal(plan, call, client)
        if mode is ApprovalMode.AUTO:
            return Approval(plan.fingerprint, "auto", op_id, client)
        if mode is ApprovalMode.ELICIT and can_ask:
            return AskThePerson()
        return await self.shown(plan, client)

    async def confirm(self, name: str, client: str = "") -> tuple[Plan, Approval] | PersonNeeded:
        """The plan that was shown with this token, or waits for a person under this op_id, with the yes to it; for a
        plan that still waits, that.

        Raises `NotApproved` for a name that is unknown, used or too old, for a no, and where the policy has another say
        by now; and `LedgerUnusable`.
        """
        if name.startswith("op_"):
            return await self._answered_at_terminal(OpId(name), client)
        shown = await self.tokens.find(name)
        if shown is None:
            raise NotApproved("This approval token is unknown or was used already.", next_step=_AGAIN)
        if shown.expires_at <= self.tokens.now():
            raise NotApproved("This approval token is older than five minutes.", next_step=_AGAIN)
        if shown.plan is None:
            raise NotApproved(
                f"This server does not have the plan of this approval token, which {shown.tool} made.",
                next_step=_AGAIN,
            )
        if await self._mode(shown.plan, client) is ApprovalMode.TERMINAL:
            raise NotApproved("By now this is approved in a terminal only.", next_step=_AGAIN)
        approval = Approval(shown.plan.fingerprint, "two-step", op_id_of(name), client)
        return shown.plan, approval

    async def _mode(self, plan: Plan, client: str, *, can_ask: bool = False) -> ApprovalMode:
        """How a plan is approved. Raises `NotApproved` where the policy allows it to nobody who calls."""
        mode = mode_for(self.policy, plan)
        if mode is ApprovalMode.AUTO and plan.is_unbounded and not plan.touches_others:
            # What no limit bounds needs a person's word: by the client, else where no model can say it.
            return ApprovalMode.ELICIT if can_ask else ApprovalMode.TERMINAL
        is_denied = mode is ApprovalMode.DENY
        is_left_alone = mode is ApprovalMode.AUTO and plan.touches_others
        if not (is_denied or is_left_alone or mode is ApprovalMode.TERMINAL):
            return mode
        if isinstance(plan, ClosePlan) and not await self.tokens.are_shared():
            # Without the store nobody knows whose it is, and nobody can answer there: closing our own has to go on.
            return ApprovalMode.TWO_STEP
        if is_denied:
            raise await self._denied(
                plan,
                client,
                f"This server's policy does not allow {plan.tool}."
                if plan.tool in self.policy.approval_by_tool
                else "This server's policy allows nothing that spends, changes what runs, deletes or runs commands.",
                f"Only the user can change that ({self._setting(plan)}).",
            )
        if is_left_alone:
            raise await self._denied(
                plan,
                client,
                f"The {plan.thing} was not created by this server, and approval = auto is for what it created.",
                "Only the user can allow it: with approval = elicit or two-step (AKASH_MCP_APPROVAL), or by doing it "
                f"themselves {plan.elsewhere}.",
            )
        return mode

    async def asked(self, plan: Plan, client: str = "") -> None:
        """The plan is about to be put to the person by the client."""
        await self._note(Event.SHOWN, plan, client, "elicitation")

    async def answered(
        self, plan: Plan, *, yes: bool, question: Question | None = None, client: str = ""
    ) -> Approval:
        """The answer that the client brought. Raises `NotApproved` unless it is a yes.

        A question that was put inside this very call has no name of its own: its answer cannot come again.
        """
        if not yes:
            await self._note(Event.DECLINED, plan, client, "elicitation")
            raise NotApproved(
                "The plan was declined, or the client could not show it.",
                next_step=f"{_DO_NOT_ASK} If they saw no question, the user can set AKASH_MCP_APPROVAL=two-step: the "
                "plan is shown in the conversation then.",
            )
        op_id = question.op_id if question else new_op_id()
        return Approval(plan.fingerprint, "elicitation", op_id, client)

    async def shown(
        self, plan: Plan, client: str = "", why_not_asked: str = "", question: Question | None = None
    ) -> TokenNeeded:
        """The plan, to be shown where nobody can be asked or nobody was, and the token that a yes to it is given with:
        that of the `question` which nobody saw, where there was one that can come again."""
        entry = AuditEntry(Event.SHOWN, plan.record, client=client, via="two-step", exposure=plan.exposure)
        token = await self.tokens.issue(plan, entry, question.token if question else "")
        return TokenNeeded(plan, token, why_not_asked)

    async def unseen(
        self, plan: Plan, *, call: str, client: str, why_not_asked: str, question: Question | None
    ) -> Approval | TokenNeeded | PersonNeeded:
        """What a plan needs whose question nobody saw: to be shown, or a person at a terminal where no model may agree
        to it. That one may have said yes to this very `call` already.
        """
        if await self._mode(plan, client) is ApprovalMode.TERMINAL:
            return await self._at_terminal(plan, call, client)
        return await self.shown(plan, client, why_not_asked, question)

    async def opened_at_terminal(self, call: str) -> OpId | None:
        """The operation that a yes at a terminal to this very call opens, or opened; None where nobody said yes.

        Raises `LedgerUnusable`.
        """
        if not self.policy.asks_at_terminal:
            return None
        known = await self.tokens.store.read(waiting.find, call)
        return known.op_id if known is not None and known.answer == "yes" else None

    async def _at_terminal(self, plan: Plan, call: str, client: str) -> Approval | PersonNeeded:
        store = self.tokens.store
        waits, is_changed = await store.run(waiting.ask, plan, call, client)
        if waits.answer == "yes":
            return Approval(plan.fingerprint, "terminal", waits.op_id, client)
        if waits.answer == "no":
            raise NotApproved(_SAID_NO, next_step=_DO_NOT_ASK)
        return PersonNeeded(plan, waits.op_id, int(waits.expires_at - store.now()), is_changed)

    async def _answered_at_terminal(self, op_id: OpId, client: str) -> tuple[Plan, Approval] | PersonNeeded:
        store = self.tokens.store
        waits = await store.run(waiting.named, op_id)
        if waits is not None and waits.answer == "yes" and not is_kept(waits.kind):
            raise NotApproved(
                "A command is not kept once it was answered, so it has to be sent again.",
                next_step=f"Call {waits.tool} again with the same arguments: the user said yes to that.",
            )
        if waits is None or (waits.answer == "yes" and not waits.plan):
            raise NotApproved(
                f"Nothing waits under {op_id[:40]}: it is unknown, too old, or was answered and carried out.",
                next_step="list_operations shows what became of it. The tool that planned it makes a new plan.",
            )
        if waits.answer == "no":
            raise NotApproved(_SAID_NO, next_step=_DO_NOT_ASK)
        plan = any_plan_of(waits.kind, waits.plan)
        if waits.answer is None:
            return PersonNeeded(plan, op_id, int(waits.expires_at - store.now()))
        if await self._mode(plan, client) is not ApprovalMode.TERMINAL:
            raise NotApproved("By now this is approved in another way.", next_step=_AGAIN)
        return plan, Approval(waits.fingerprint, "terminal", op_id, client)

    async def _denied(self, plan: Plan, client: str, what: str, next_step: str) -> NotApproved:
        await self._note(Event.DENIED, plan, client, "", f"{what} {plan.record}")
        return NotApproved(what, next_step=next_step)

    async def _note(self, event: Event, plan: Plan, client: str, via: str, text: str = "") -> None:
        """Write down what opens nothing. Where that cannot be, nothing depends on it."""
        entry = AuditEntry(event, text or plan.record, client=client, via=via, exposure=plan.exposure)
        try:
            await self.tokens.store.run(audit.append, entry)
        except LedgerUnusable:
            log.exception("that a plan was %s is not in the audit", event)

    def _setting(self, plan: Plan) -> str:
        """Where the user says how a plan is approved."""
        by_tool = plan.tool in self.policy.approval_by_tool
        return "AKASH_MCP_APPROVAL_BY_TOOL" if by_tool else "AKASH_MCP_APPROVAL"


_AGAIN = "Call the tool that planned it again for a new plan, and show that to the user."
_SAID_NO = "The user said no to this in their terminal."
_DO_NOT_ASK = "Ask the user what they want changed; do not call again unasked."
