"""What a person allows: the limits on money, time and places, and who says yes. Set at start; no tool can change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from akash_mcp.guard.policy.limits import Limits
from akash_mcp.ids import ProviderAddress
from akash_mcp.money import Usd


class ApprovalMode(StrEnum):
    """Who says yes to an operation that spends or destroys.

    `elicit` asks the person through the client, and falls back to `two-step` where the client cannot ask.
    `two-step` answers the first call with the plan and a single-use token. `terminal` has a person answer at a
    terminal, out of the client's and the model's reach. `auto` never asks, inside the limits. `deny` refuses.
    """

    ELICIT = "elicit"
    TWO_STEP = "two-step"
    TERMINAL = "terminal"
    AUTO = "auto"
    DENY = "deny"

    @property
    def strictness(self) -> int:
        """How sure it is that a person said yes: the greater, the surer."""
        return _BY_STRICTNESS.index(self)


_BY_STRICTNESS = (
    ApprovalMode.AUTO,
    ApprovalMode.TWO_STEP,
    ApprovalMode.ELICIT,
    ApprovalMode.TERMINAL,
    ApprovalMode.DENY,
)

ApprovedTool = Literal[
    "deploy",
    "create_deployment",
    "create_lease",
    "add_funds",
    "update_deployment",
    "close_deployment",
    "set_auto_top_up",
    "create_certificate",
    "run_command",
    "akua_create_package",
    "akua_create_install",
    "akua_update_install",
    "akua_delete_install",
    "akua_create_cluster",
    "akua_set_cluster_power",
    "akua_set_autoscaling",
]
"""The tools that need approval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Limits):
    """A person's decisions, for whom this server works. The defaults are small on purpose.

    Its limits are those of `agent`, of which none is above the `roof`: what all agents may do together. Where no
    budget of its own is defined for the agent there is one budget, and `roof` is None.
    """

    agent: str = ""
    roof: Limits | None = None
    approval: ApprovalMode = ApprovalMode.ELICIT
    approval_by_tool: Mapping[str, ApprovalMode] = field(default_factory=dict)
    auto_up_to_usd: Usd | None = None
    allowed_providers: frozenset[ProviderAddress] = frozenset()
    denied_providers: frozenset[ProviderAddress] = frozenset()
    audited_only: bool = False
    allow_auto_top_up: bool = False
    """Whether a deployment may be topped up automatically: only the end of its run bounds then what it costs."""

    @property
    def asks_at_terminal(self) -> bool:
        """Whether anything waits for a person at a terminal: with `auto`, what no limit bounds."""
        ways = (self.approval, *self.approval_by_tool.values())
        return ApprovalMode.TERMINAL in ways or ApprovalMode.AUTO in ways
