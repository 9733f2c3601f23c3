"""What a person allows: the limits on money, time and places. Set at start; no tool can change it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from akash_mcp.ids import ProviderAddress
from akash_mcp.money import Usd


class ApprovalMode(StrEnum):
    """Who says yes to an operation that spends or destroys.

    `elicit` asks the person through the client, and falls back to `two-step` where the client cannot ask.
    `two-step` answers the first call with the plan and a single-use token. `auto` never asks, inside the
    limits. `deny` refuses.
    """

    ELICIT = "elicit"
    TWO_STEP = "two-step"
    AUTO = "auto"
    DENY = "deny"


_A_DEPLOYMENT = Usd(10)
_A_DAY = Usd(20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A person's limits. The defaults are small on purpose.

    `default_hours` is how long a run lasts that names no end, `max_hours` how long any may.
    """

    approval: ApprovalMode = ApprovalMode.ELICIT
    max_usd_per_deployment: Usd = _A_DEPLOYMENT
    max_usd_per_day: Usd = _A_DAY
    max_usd_per_hour: Usd | None = None
    max_deployments: int = 5
    default_hours: int = 24
    max_hours: int = 720
    allowed_providers: frozenset[ProviderAddress] = frozenset()
    denied_providers: frozenset[ProviderAddress] = frozenset()
    audited_only: bool = False
