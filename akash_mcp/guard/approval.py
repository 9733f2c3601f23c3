"""Approval: a person's yes to one exact plan.

An `Approval` is made here only, for one plan, and the gate takes no other. The two-step token forces the model to
show the plan before it can act on it; what bounds the loss if the model does not is the policy's limits, not the
token.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from akash_mcp.errors import NotApproved
from akash_mcp.guard.plans import Plan
from akash_mcp.guard.policy import ApprovalMode

TOKEN_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Approval:
    """A yes to the plan with this fingerprint. `via` says how it was given."""

    fingerprint: str
    via: Literal["elicitation", "two-step", "auto", "own"]


@dataclass(frozen=True, slots=True)
class TokenNeeded:
    """The plan still needs a yes: show it, and call again with the same arguments and this token."""

    plan: Plan
    token: str
    expires_in_seconds: int = TOKEN_SECONDS


class AskThePerson:
    """The client can put the question to its user."""


@dataclass
class Approver:
    """Turns plans into approvals as the policy says. `now` gives seconds."""

    mode: ApprovalMode
    now: Callable[[], float]
    _tokens: dict[str, tuple[str, float]] = field(default_factory=dict)  # token hash -> fingerprint, expiry

    def consider(
        self, plan: Plan, *, token: str | None, can_ask: bool
    ) -> Approval | TokenNeeded | AskThePerson:
        """What a plan needs next.

        Raises `NotApproved` when the policy denies, or when `token` is unknown, used, too old or was given for
        another plan. A token is used up by being looked at, also by a call whose arguments do not match it.
        """
        if plan.needs_no_approval:
            return Approval(plan.fingerprint, "own")
        if self.mode is ApprovalMode.DENY:
            raise NotApproved(
                "This server's policy allows nothing that spends, destroys or runs commands.",
                next_step="Only the user can change that (AKASH_MCP_APPROVAL).",
            )
        if token is not None:
            self._consume(token, plan)
            return Approval(plan.fingerprint, "two-step")
        if self.mode is ApprovalMode.AUTO:
            return Approval(plan.fingerprint, "auto")
        if self.mode is ApprovalMode.ELICIT and can_ask:
            return AskThePerson()
        return self._issue(plan)

    def answered(self, plan: Plan, *, yes: bool) -> Approval:
        """The answer that the client brought. Raises `NotApproved` unless it is a yes."""
        if not yes:
            raise NotApproved(
                "The plan was declined, or the client could not show it.",
                next_step="Ask the user what they want changed; do not call again unasked.",
            )
        return Approval(plan.fingerprint, "elicitation")

    def _issue(self, plan: Plan) -> TokenNeeded:
        self._tokens = {key: value for key, value in self._tokens.items() if value[1] > self.now()}
        token = f"approve_{secrets.token_urlsafe(12)}"
        self._tokens[_hash(token)] = (plan.fingerprint, self.now() + TOKEN_SECONDS)
        return TokenNeeded(plan, token)

    def _consume(self, token: str, plan: Plan) -> None:
        fingerprint, expires = self._tokens.pop(_hash(token), (None, 0.0))
        again = (
            "Call again without approval_token to get a new plan and token, and show the plan to the user."
        )
        if fingerprint is None:
            raise NotApproved("This approval token is unknown or was used already.", next_step=again)
        if expires <= self.now():
            raise NotApproved("This approval token is older than five minutes.", next_step=again)
        if fingerprint != plan.fingerprint:
            raise NotApproved("This approval token was given for other arguments.", next_step=again)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
