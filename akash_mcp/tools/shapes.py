"""What tools answer with: trimmed for a model, in dollars and hours, and never the API's own shapes.

Every fact stands in a field, because some hosts show their model only the structured half of an answer. Text that
others wrote (provider names, hosts, reasons) has passed through `guard.untrusted` before it comes here.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from akash_mcp.tools.arguments import UsdOut


class FindingShape(BaseModel):
    """One thing wrong with an SDL."""

    line: int
    column: int
    rule: str
    message: str
    mend: str | None = None


class Verdict(BaseModel):
    """What `validate_sdl` says."""

    ok: bool
    errors: list[FindingShape]
    warnings: list[FindingShape]
    services: list[str]
    groups: int
    ceiling_usd_per_hour: UsdOut | None = None
    ceiling_usd_per_month: UsdOut | None = None
    next_step: str


class OfferShape(BaseModel):
    """One offer, and why it ranks where it does."""

    rank: int
    group: int
    provider: str
    name: str
    region: str
    usd_per_hour: UsdOut
    expected_usd_a_day: UsdOut = Field(
        description="24 hours of rent, and what an interruption is expected to cost"
    )
    reasons: list[str]
    unknown: list[str]


class RejectedShape(BaseModel):
    """One offer that was not considered, and why."""

    provider: str
    usd_per_hour: UsdOut | None = None
    reasons: list[str]


class ServiceShape(BaseModel):
    """One service of a lease. `uris` are web addresses, `ports` forwarded as `host:port -> container port`."""

    name: str
    running: int
    total: int
    uris: list[str]
    ports: list[str]


class LeaseShape(BaseModel):
    """One lease."""

    provider: str
    group: int
    state: str
    usd_per_hour: UsdOut
    reason: str | None = None


class Outcome(BaseModel):
    """What an operation that spends, changes or deletes came to."""

    status: Literal[
        "confirmation_required", "pending", "created", "leased", "ready", "updated", "funded", "closed"
    ]
    op_id: str | None = None
    dseq: str | None = None
    summary: str
    money: str
    next_step: str
    approval_token: str | None = None
    expires_in_seconds: int | None = None
    most_it_can_cost_usd: UsdOut | None = None
    usd_per_hour: UsdOut | None = None
    escrow_left_usd: UsdOut | None = None
    hours_left: str | None = None
    spent_usd: UsdOut | None = None
    refunded_usd: UsdOut | None = None
    services: list[ServiceShape] | None = None
    offers: list[OfferShape] | None = None


class OfferList(BaseModel):
    """What `list_bids` found."""

    status: Literal["offers", "pending", "none", "closed"]
    dseq: str
    offers: list[OfferShape]
    rejected: list[RejectedShape]
    next_step: str


class DeploymentShape(BaseModel):
    """One deployment as it stands now."""

    dseq: str | None = None
    op_id: str | None = None
    state: str
    ours: bool
    ready: bool | None = None
    services: list[ServiceShape] | None = None
    leases: list[LeaseShape] | None = None
    usd_per_hour: UsdOut | None = None
    escrow_left_usd: UsdOut | None = None
    spent_usd: UsdOut | None = None
    hours_left: str | None = None
    problem: str | None = None
    next_step: str


class DeploymentRow(BaseModel):
    """One line of the list."""

    dseq: str
    state: str
    ours: bool
    leases: int
    usd_per_hour: UsdOut
    escrow_left_usd: UsdOut
    hours_left: str | None = None


class DeploymentList(BaseModel):
    """The account's active deployments."""

    deployments: list[DeploymentRow]
    total: int
    usd_per_hour: UsdOut
    next_step: str


class BudgetShape(BaseModel):
    """Where the user's limits stand, and the account's credit."""

    max_usd_per_deployment: UsdOut
    max_usd_per_day: UsdOut
    max_usd_per_hour: UsdOut | None = None
    max_deployments: int
    held_usd: UsdOut
    committed_last_24h_usd: UsdOut
    left_today_usd: UsdOut
    open_deployments: int
    approval: str
    account_credit_usd: UsdOut | None = None
    account_in_escrow_usd: UsdOut | None = None
    account_problem: str | None = None
    next_step: str


class CauseShape(BaseModel):
    """One likely cause, what points to it, and what mends it."""

    cause: str
    evidence: list[str]
    mend: str


class Diagnosis(BaseModel):
    """Why a deployment does not do what it should. `healthy`: nothing was found wrong."""

    dseq: str
    healthy: bool
    causes: list[CauseShape]
    not_known: list[str]
    next_step: str
