"""Approval: a person's yes to one exact plan, good for one operation.

An `Approval` is made here only, for one plan, and the gate takes no other. It names the operation that it opens, and
a yes that comes again names the same. The two-step token forces the model to show the plan before it can act on it;
what bounds the loss if the model does not is the policy's limits, not the token.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from akash_mcp.errors import NotApproved
from akash_mcp.guard.journal import new_op_id, op_id_of
from akash_mcp.guard.plans import ClosePlan, Plan
from akash_mcp.guard.policy import ApprovalMode
from akash_mcp.guard.tokens import TOKEN_SECONDS, Shown, Tokens
from akash_mcp.ids import OpId


@dataclass(frozen=True, slots=True)
class Approval:
    """A yes to the plan with this fingerprint, which opens the operation `op_id`. `via` says how it was given."""

    fingerprint: str
    via: Literal["elicitation", "two-step", "auto", "own"]
    op_id: OpId = field(default_factory=new_op_id)


@dataclass(frozen=True, slots=True)
class Question:
    """A question that was put to a person earlier: what a yes to it opens, and the plan that was shown in it."""

    op_id: OpId
    fingerprint: str


@dataclass(frozen=True, slots=True)
class TokenNeeded:
    """The plan still needs a yes: show it, and call again with the same arguments and this token."""

    plan: Plan
    token: str
    expires_in_seconds: int = TOKEN_SECONDS


class AskThePerson:
    """The client can put the question to its user."""


@dataclass(frozen=True, slots=True)
class Approver:
    """Turns plans into approvals as the policy says."""

    mode: ApprovalMode
    tokens: Tokens

    async def consider(
        self,
        plan: Plan,
        *,
        token: str | None,
        can_ask: bool,
        call: str = "",
        question: Question | None = None,
    ) -> Approval | TokenNeeded | AskThePerson:
        """What a plan needs next. `call` is a hash of the tool and its arguments, `question` what the call answers.

        Raises `NotApproved` when the policy denies, when something else was shown in the question, or when `token` is
        unknown, used, too old or was given for another plan. A call that does not match a token uses it up.
        """
        if question is not None and question.fingerprint != plan.fingerprint:
            raise NotApproved(
                "What would be done has changed since the question was asked, so the answer does not count.",
                next_step="Call again without the answer, so that the user is asked about it as it is now.",
            )
        # What a question was asked about is one deed, also where nothing would be asked any more.
        op_id = question.op_id if question else new_op_id()
        if self.mode is ApprovalMode.DENY and not (isinstance(plan, ClosePlan) and plan.needs_no_approval):
            if isinstance(plan, ClosePlan) and not await self.tokens.are_shared():
                # Without the store nobody knows whose it is, and closing our own has to go on.
                return await (self._approved_by(token, plan, call) if token else self.shown(plan, call))
            raise NotApproved(
                "This server's policy allows nothing that spends, changes what runs, deletes or runs commands.",
                next_step="Only the user can change that (AKASH_MCP_APPROVAL).",
            )
        if plan.needs_no_approval:
            return Approval(plan.fingerprint, "own", op_id)
        if self.mode is ApprovalMode.AUTO and plan.touches_others:
            if not await self.tokens.are_shared():
                # Without the store nobody knows whose it is, and closing our own has to go on.
                return await (self._approved_by(token, plan, call) if token else self.shown(plan, call))
            raise NotApproved(
                "The deployment was not created by this server, and approval = auto is for what it created.",
                next_step="Only the user can allow it: with approval = elicit or two-step (AKASH_MCP_APPROVAL), or "
                "by doing it themselves at https://console.akash.network.",
            )
        if token is not None:
            return await self._approved_by(token, plan, call)
        if self.mode is ApprovalMode.AUTO:
            return Approval(plan.fingerprint, "auto", op_id)
        if self.mode is ApprovalMode.ELICIT and can_ask:
            return AskThePerson()
        return await self.shown(plan, call)

    def answered(self, plan: Plan, *, yes: bool, question: Question | None = None) -> Approval:
        """The answer that the client brought. Raises `NotApproved` unless it is a yes.

        A question that was put inside this very call has no name of its own: its answer cannot come again.
        """
        if not yes:
            raise NotApproved(
                "The plan was declined, or the client could not show it.",
                next_step="Ask the user what they want changed; do not call again unasked.",
            )
        return Approval(plan.fingerprint, "elicitation", question.op_id if question else new_op_id())

    async def shown(self, plan: Plan, call: str) -> TokenNeeded:
        """The plan, to be shown where nobody can be asked, and the token that a yes to it is given with."""
        return TokenNeeded(plan, await self.tokens.issue(plan.fingerprint, call))

    async def check_call(self, token: str, call: str) -> None:
        """Raise `NotApproved` unless a token that was used was given for this very call."""
        if (await self._known(token)).call != call:
            raise NotApproved("This approval token was given for other arguments.", next_step=_AGAIN)

    async def _known(self, token: str) -> Shown:
        shown = await self.tokens.find(token)
        if shown is None:
            raise NotApproved("This approval token is unknown or was used already.", next_step=_AGAIN)
        return shown

    async def _approved_by(self, token: str, plan: Plan, call: str) -> Approval:
        shown = await self._known(token)
        if shown.expires_at <= self.tokens.now():
            raise NotApproved("This approval token is older than five minutes.", next_step=_AGAIN)
        if shown.fingerprint != plan.fingerprint:
            await self.tokens.use_up(token)
            raise NotApproved(
                "What would be done has changed since this approval token was given."
                if shown.call == call
                else "This approval token was given for other arguments.",
                next_step=_AGAIN,
            )
        return Approval(plan.fingerprint, "two-step", op_id_of(token))


_AGAIN = "Call again without approval_token to get a new plan and token, and show the plan to the user."
